"""While nobody acknowledges: who is told next and when, by which channels, once, and what the trail says of it."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from services.notify.domain import Channel, Delivery, Item, Kind, Leg, LegState, reconcile, used_up
from services.notify.domain.escalation import settle_message
from shared.contracts.base import ChannelName, Origin, Urgency
from shared.contracts.escalation import EscalationPolicy, EscalationSettings, Step, Who
from tests.unit.notify.escalating import Story, clinic, policy
from tests.unit.notify.made import DAY, HOUR, MONDAY, assessment, concern, situation, telling
from tests.unit.notify.memory_mongo import Life

WORKING = Urgency.WORKING_HOURS


async def test_an_at_once_alert_goes_to_the_clinician_then_duty_at_30_and_the_lead_at_60_minutes() -> None:
    """The default, to the minute, and nobody after the last step."""
    story = Story()
    await story.hears("e1")
    for _ in range(180):
        await story.minutes(1)

    assert story.told == [("priya", 0), ("dan", 30), ("lee", 60)]
    assert {one.to for one in story.world.sent if one.channel is Channel.SMS} == {
        one.mobile for one in story.world.documents[1:] if one.clinician in ("priya", "dan", "lee")
    }
    assert used_up(story.alert)


async def test_a_message_says_why_its_recipient_is_told() -> None:
    """The first one does not: it is plain. Nothing of the patient is in the reason."""
    story = Story()
    await story.hears("e1")
    await story.minutes(30)
    await story.minutes(30)

    assert [one.notice.because for one in story.world.sent if one.channel is Channel.EMAIL] == [
        None,
        "nobody had acknowledged it 30 minutes after it was raised, and you are on duty",
        "nobody had acknowledged it 60 minutes after it was raised, and you are the service lead",
    ]


async def test_the_trail_says_who_was_told_when_and_why() -> None:
    """In the alert itself, so that it outlives the store; and what was begun stands in the trail with its attempts."""
    story = Story()
    await story.hears("e1")
    await story.minutes(31)
    message, duty, lead = story.run.steps

    assert message.settled_at == MONDAY
    assert (duty.settled_at, duty.recipient, duty.told_clinician) == (
        MONDAY + timedelta(minutes=31),
        "clinician",
        "dan",
    )
    assert duty.why == "nobody had acknowledged it 30 minutes after it was raised"
    assert (lead.due_at, lead.settled_at, lead.recipient) == (MONDAY + HOUR, None, None)
    trail = await story.process.desk.trail("harbour", story.alert.alert)
    assert [(row.step.step if row.step else None, row.who) for row in trail.deliveries] == [
        (None, Who.CLINICIAN),
        (2, Who.DUTY),
    ]


async def test_an_alert_in_working_hours_goes_to_the_lead_after_six_hours_of_working_time() -> None:
    """By e-mail alone, and before the deadline patients are promised: the next working day's closing time."""
    story = Story()
    await story.hears("m1", urgency=WORKING, rule="mood_shift")
    await story.passes(6 * HOUR)

    assert story.told == [("priya", 0), ("lee", 360)]
    assert [one.channel for one in story.world.sent] == [Channel.EMAIL, Channel.EMAIL]
    assert story.world.clock.now() < story.alert.deadline


async def test_at_the_weekend_nobody_is_told_of_what_can_wait_and_the_lead_hears_before_the_deadline() -> None:
    """It begins when the clinic opens."""
    story = Story()
    story.world.clock.set(MONDAY - 2 * DAY)
    await story.hears("e1", urgency=WORKING)
    await story.until(MONDAY.replace(hour=8, minute=59))
    early = list(story.told)
    await story.until(MONDAY.replace(hour=9))
    await story.until(MONDAY.replace(hour=15))

    assert early == []
    assert story.told == [("priya", -60), ("lee", 300)]
    assert story.alert.deadline == MONDAY.replace(hour=17)


async def test_an_at_once_alert_escalates_at_night_as_well() -> None:
    """What is told at once does not wait for the morning at the second step."""
    story = Story()
    story.world.clock.set(MONDAY + timedelta(hours=13))
    await story.hears("e1")
    await story.minutes(30)
    await story.minutes(30)

    assert [who for who, _ in story.told] == ["priya", "dan", "lee"]


async def test_all_steps_are_gone_through_again_as_often_as_the_policy_says() -> None:
    """The first repeat begins so long after the last step; the clinician hears again in it."""
    story = Story(escalation=policy((Who.CLINICIAN, 0), (Who.DUTY, 20), repeats=2))
    await story.hears("e1")
    for _ in range(40):
        await story.minutes(5)

    assert story.told == [("priya", 0), ("dan", 20), ("priya", 50), ("dan", 70), ("priya", 100), ("dan", 120)]
    assert [(step.repeat, step.step) for step in story.run.steps] == [(r, s) for r in range(3) for s in (1, 2)]


async def test_a_step_goes_by_its_own_channels_where_the_recipient_has_them() -> None:
    """By the one they have where they do not."""
    steps = [Step(who=Who.CLINICIAN, after_minutes=0, channels=[ChannelName.SMS]),
             Step(who=Who.FALLBACK, after_minutes=10, channels=[ChannelName.SMS])]  # fmt: skip
    story = Story(escalation=EscalationSettings(at_once=EscalationPolicy(steps=steps)))
    await story.hears("e1")
    await story.minutes(10)

    assert [one.channel for one in story.world.sent] == [Channel.SMS, Channel.EMAIL]


async def test_the_policy_is_the_one_that_held_when_the_alert_fired() -> None:
    """A clinic that changes it, at once or by mistake, changes what fires later."""
    story = Story()
    await story.hears("e1")
    slower = clinic(escalation=policy((Who.CLINICIAN, 0), (Who.LEAD, 600))).model_copy(update={"version": 2})
    story.world.documents[0] = slower
    await story.restarts()
    await story.minutes(30)
    await story.minutes(30)

    assert story.told == [("priya", 0), ("dan", 30), ("lee", 60)]


async def test_two_replicas_tell_each_step_once() -> None:
    """Both see the row that is due; one of them claims it."""
    story = Story()
    await story.hears("e1")
    other = story.world.process(Life())
    for _ in range(4):
        story.world.clock.advance(timedelta(minutes=15))
        await story.process.dispatcher.poll()
        await other.dispatcher.poll()
        await other.calm()
        await story.process.calm()

    assert story.told == [("priya", 0), ("dan", 30), ("lee", 60)]


async def test_after_two_hours_of_being_down_each_step_is_told_once_and_late() -> None:
    """Nothing is forgotten, and repeats of one step that all fell due meanwhile are one message."""
    story = Story(escalation=policy((Who.CLINICIAN, 0), (Who.DUTY, 20), repeats=1))
    await story.hears("e1")
    story.world.clock.advance(2 * HOUR)
    await story.restarts()
    await story.process.calm()
    await story.minutes(1)

    assert sorted(who for who, _ in story.told) == ["dan", "priya", "priya"]
    assert all(step.settled_at for step in story.run.steps)


@pytest.mark.parametrize("lost", [False, True])
async def test_a_restart_or_a_lost_store_neither_forgets_a_step_nor_tells_one_again(*, lost: bool) -> None:
    """What was told stands in the alert; what comes next follows from it."""
    story = Story()
    await story.hears("e1")
    await story.minutes(30)
    if lost:
        story.world.database.drop()
    await story.restarts()
    await story.process.handle(story.world.said)
    await story.process.calm()
    await story.minutes(29)
    before = list(story.told)
    await story.minutes(1)

    assert before == [("priya", 0), ("dan", 30)]
    assert story.told == [("priya", 0), ("dan", 30), ("lee", 60)]


async def test_a_store_lost_while_a_step_was_overdue_goes_on_to_the_one_after_it() -> None:
    """The overdue step is told when the alert is read again, and the chain does not end with it."""
    story = Story()
    await story.hears("e1")
    story.world.clock.advance(timedelta(minutes=45))
    story.world.database.drop()
    await story.restarts()
    await story.process.handle(story.world.said)
    await story.process.calm()
    await story.minutes(15)

    assert story.told == [("priya", 0), ("dan", 45), ("lee", 60)]


async def test_a_provider_that_is_down_holds_up_no_other_step() -> None:
    """Duty and lead are told as soon as it works again, and nobody twice."""
    story = Story()
    await story.hears("e1")
    story.world.away = True
    await story.minutes(30)
    await story.minutes(30)
    story.world.away = False
    await story.minutes(6)

    assert sorted(who for who, _ in story.told) == ["dan", "lee", "priya"]


async def test_imported_evidence_escalates_to_nobody() -> None:
    """It pages nobody in the first place: it is a line in a digest."""
    story = Story()
    story.world.said.append(assessment(concern(telling("e1", origin=Origin.IMPORT))))
    await story.process.handle(story.world.said)
    await story.passes(2 * HOUR)

    assert story.alert.escalations == []
    assert story.told == []


async def test_escalations_are_counted_by_step() -> None:
    """Once each, however many channels."""

    def count(step: int) -> float:
        labels = {"urgency": "at_once", "step": str(step)}
        return REGISTRY.get_sample_value("rapport_escalations_total", labels) or 0

    before, messages = count(2), count(1)
    story = Story()
    await story.hears("e1")
    await story.minutes(30)

    assert count(2) == before + 1
    assert count(1) == messages


async def test_who_is_told_next_reads_all_of_the_evidence() -> None:
    """Duty and lead have heard none of it, whichever round it came in."""
    story = Story()
    await story.hears("e1")
    await story.minutes(10)
    await story.hears("e2")
    await story.minutes(20)
    await story.minutes(30)

    mails = [one for one in story.world.sent if one.channel is Channel.EMAIL]
    read = {one.to: len(line.detail.evidence) for one in mails for line in one.notice.lines if line.detail}
    assert (read["dan@listed.example"], read["lee@listed.example"]) == (2, 2)


def test_a_digest_line_is_not_the_first_step() -> None:
    """Imported evidence goes out in the morning's digest; the live evidence of the same alert is still owed."""
    saturday = MONDAY + 5 * DAY
    live, imported = telling("e1", urgency=WORKING), telling("e2", origin=Origin.IMPORT)
    (first,) = reconcile(situation(assessment(concern(live)), now=saturday))
    (both,) = reconcile(situation(assessment(concern(live, imported), basis=2), [first], now=saturday + HOUR))
    leg = Leg(id="l", to="priya", channel=Channel.EMAIL, state=LegState.SENT, due_at=saturday)
    digest = Delivery(
        id="digest/1",
        clinic="harbour",
        kind=Kind.DIGEST,
        urgency=WORKING,
        items=(Item(alert=both.key, round=2),),
        created_at=saturday,
        due_at=saturday,
        look_at=saturday,
        legs=(leg,),
    )

    assert settle_message(both, digest, 2, saturday + 2 * DAY).escalations[-1].steps[0].settled_at is None
