"""Closing ends everything, but for what is being handed over at that moment, which is recorded as such."""

from datetime import timedelta

import pytest

from services.notify.domain import Channel
from shared.contracts.alerts import AlertStatus, Disposition
from shared.contracts.patients import PatientStatus
from shared.errors import Problem
from tests.unit.notify.escalating import Story
from tests.unit.notify.made import DAY, HOUR, MONDAY, assessment, concern, patient
from tests.unit.notify.memory_mongo import Life
from tests.unit.notify.world import batch, event


@pytest.mark.parametrize("disposition", Disposition)
async def test_a_human_closes_it_with_what_they_did_and_nobody_further_is_told(disposition: Disposition) -> None:
    """Contacted, attempted twice, safety plan, referred on, not applicable; acknowledged before or not."""
    story = Story()
    await story.hears("e1")
    await story.minutes(20)
    closed = await story.closes(disposition)
    await story.passes(2 * HOUR)
    await story.passes(7 * DAY)

    assert (closed.status, closed.disposition) == (AlertStatus.CLOSED, disposition)
    assert story.told == [("priya", 0)]
    assert [step.settled_at for step in story.run.steps] == [MONDAY, None, None]


async def test_after_closing_the_next_row_ends_without_a_try() -> None:
    """It was called off: nobody even claims it."""
    story = Story()
    await story.hears("e1")
    await story.closes()
    await story.passes(2 * HOUR)
    (row,) = [row for row in story.world.rows().values() if row.step]

    assert row.done
    assert row.legs == ()


async def test_a_step_in_flight_while_it_is_closed_is_recorded_as_such() -> None:
    """The provider had it already: the trail says whom it reached, and that it was under way; nothing follows."""
    story = Story()
    await story.hears("e1")
    story.world.meanwhile = story.closes
    await story.minutes(30)
    await story.passes(2 * HOUR)
    step = story.run.steps[1]

    assert story.alert.status is AlertStatus.CLOSED
    assert (step.in_flight, step.told_clinician, step.settled_at) == (True, "dan", MONDAY + timedelta(minutes=30))
    assert [one.to for one in story.world.sent if one.channel is Channel.EMAIL][1:] == ["dan@listed.example"]


async def test_a_step_that_failed_while_it_was_closed_is_not_tried_again() -> None:
    """Only what went is recorded."""
    story = Story()
    await story.hears("e1")
    story.world.away = True
    await story.minutes(30)
    await story.closes()
    story.world.away = False
    await story.passes(HOUR)

    assert story.told == [("priya", 0)]
    assert story.run.steps[1].settled_at is None


async def test_a_concern_that_ends_by_itself_ends_its_escalation() -> None:
    """A risk alert stays, and goes on; any other is over with what raised it."""
    story = Story()
    await story.hears("m1", rule="mood_shift")
    await story.hears("e1")
    over = [concern(rule="mood_shift", holds=False), concern(*story.said["risk_item"], holds=False)]
    await story.process.handle([assessment(*over, basis=9)])
    await story.minutes(30)

    assert story.told == [("priya", 0), ("priya", 0), ("dan", 30)]


async def test_nobody_is_told_further_of_somebody_who_died() -> None:
    """What was not sent yet is no longer needed, risk included; the alert waits for a human to close it."""
    story = Story()
    await story.hears("e1")
    await story.process.reconciler.handle(
        batch([event(patient(PatientStatus.DECEASED).model_copy(update={"version": 2}))])
    )
    await story.passes(2 * HOUR)

    assert story.told == [("priya", 0)]


async def test_a_closed_alert_takes_no_acknowledgement() -> None:
    """The answer says what to do, and nothing is queued."""
    story = Story()
    await story.hears("e1")
    await story.closes()
    rows = set(story.world.rows())
    with pytest.raises(Problem) as refused:
        await story.acknowledges("dan")

    assert refused.value.code == "already_closed"
    assert set(story.world.rows()) == rows


async def _recorded(story: Story, status: PatientStatus, version: int) -> None:
    await story.process.reconciler.handle(batch([event(patient(status).model_copy(update={"version": version}))]))
    await story.process.calm()


async def test_a_death_recorded_by_mistake_and_corrected_has_the_alert_told_again() -> None:
    """The evidence was never dealt with: clinician, duty and lead hear of it from the correction on."""
    story = Story()
    await _recorded(story, PatientStatus.ACTIVE, 1)
    await story.hears("e1")
    await story.minutes(10)
    await _recorded(story, PatientStatus.DECEASED, 2)
    await story.minutes(30)
    await _recorded(story, PatientStatus.ACTIVE, 3)
    await story.minutes(30)
    await story.minutes(30)

    assert story.told == [("priya", 0), ("priya", 40), ("dan", 70), ("lee", 100)]


async def test_acknowledging_after_a_death_reminds_nobody() -> None:
    """Nobody is sent anything new about somebody who has died."""
    story = Story()
    await _recorded(story, PatientStatus.ACTIVE, 1)
    await story.hears("e1")
    await story.minutes(5)
    await _recorded(story, PatientStatus.DECEASED, 2)
    await story.acknowledges()
    for _ in range(7):
        await story.passes(DAY)

    assert story.told == [("priya", 0)]


@pytest.mark.parametrize("taken", [False, True])
async def test_what_a_death_closed_is_told_again_when_the_death_was_a_mistake(*, taken: bool) -> None:
    """Nobody dealt with it: the concern holds, so another alert tells of the same evidence, once."""
    story = Story()
    await _recorded(story, PatientStatus.ACTIVE, 1)
    await story.hears("m1", rule="mood_shift")
    if taken:
        await story.acknowledges()
    await story.minutes(1)
    await _recorded(story, PatientStatus.DECEASED, 2)
    [died] = story.world.alerts()
    await story.minutes(29)
    await _recorded(story, PatientStatus.ACTIVE, 3)
    await story.assessed()
    again = [alert for alert in story.world.alerts() if alert.key != died.key]
    await story.passes(6 * HOUR)
    found = await story.process.auditor.audit()

    assert (died.status, died.closed_by, died.died_as_of) == (AlertStatus.CLOSED, "rapport", 2)
    assert [(alert.status, [told.id for told in alert.told]) for alert in again] == [(AlertStatus.OPEN, ["m1"])]
    assert story.told[:2] == [("priya", 0), ("priya", 30)]
    assert found == []


async def test_a_reminder_goes_on_when_the_death_was_a_mistake() -> None:
    """Dan had acknowledged it before; he is reminded anew, and the lead after him."""
    story = Story()
    await _recorded(story, PatientStatus.ACTIVE, 1)
    await story.hears("e1")
    await story.acknowledges("dan")
    await _recorded(story, PatientStatus.DECEASED, 2)
    await story.passes(7 * DAY)
    silent = list(story.told)
    await _recorded(story, PatientStatus.ACTIVE, 3)
    for _ in range(3):
        await story.passes(DAY)

    assert silent == [("priya", 0)]
    assert [who for who, _ in story.told] == ["priya", "dan", "lee"]
    assert story.alert.status is AlertStatus.ACKNOWLEDGED


@pytest.mark.parametrize("rule", ["risk_item", "mood_shift"])
@pytest.mark.parametrize("put_right", [False, True])
async def test_a_rebuilt_store_that_sees_the_patient_as_they_were_before_their_death_tells_nobody(
    rule: str, *, put_right: bool
) -> None:
    """Older documents come first; the alert knows by which one chasing ended, and what puts it right still counts."""
    story = Story()
    await _recorded(story, PatientStatus.ACTIVE, 1)
    await story.hears("e1", rule=rule)
    await story.minutes(1)
    await _recorded(story, PatientStatus.DECEASED, 2)
    story.world.database.drop()
    story.process.life.dead = True
    story.process = story.world.process(Life())
    await story.process.learn()
    await _recorded(story, PatientStatus.ACTIVE, 1)
    await story.process.reconciler.handle(batch([event(story.world.said[-1])]))
    await story.process.calm()
    at_first = [who for who, _ in story.told]
    if put_right:
        await _recorded(story, PatientStatus.ACTIVE, 3)

    assert at_first == ["priya"]
    assert [who for who, _ in story.told] == ["priya"] * (1 + put_right)
