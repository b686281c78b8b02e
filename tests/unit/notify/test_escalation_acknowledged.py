"""Acknowledging stops an escalation; one that is acknowledged and forgotten comes back."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from services.notify.domain import Delivery, LegState
from shared.contracts.alerts import AlertStatus, Cause
from shared.contracts.base import Urgency
from shared.contracts.escalation import CloseWithin, EscalationSettings, Who
from shared.documents import Idempotency
from tests.unit.notify.escalating import Story, policy
from tests.unit.notify.made import DAY, HOUR, MONDAY

WEDNESDAY, THURSDAY = MONDAY + 2 * DAY - HOUR, MONDAY + 3 * DAY - HOUR
"""At nine, when the clinic opens."""


async def test_acknowledging_stops_the_escalation() -> None:
    """Whoever has it: nobody else is told."""
    story = Story()
    await story.hears("e1")
    await story.minutes(30)
    await story.acknowledges("dan")
    for _ in range(8):
        await story.minutes(30)

    assert story.told == [("priya", 0), ("dan", 30)]


async def test_the_button_behind_a_message_s_link_stops_it_too() -> None:
    """It is the recipient's own, so the alert says who has it, and they are reminded."""
    story = Story()
    await story.hears("e1")
    await story.process.by_link.take(story.link)
    await story.minutes(30)
    await story.until(WEDNESDAY)

    assert story.alert.status is AlertStatus.ACKNOWLEDGED
    assert story.alert.acknowledged_by == "priya"
    assert [who for who, _ in story.told] == ["priya", "priya"]


async def test_an_urgent_alert_not_closed_in_two_working_days_comes_back_to_who_acknowledged_it_then_to_the_lead() -> (
    None
):
    """One reminder, then the lead, by e-mail, in the morning."""
    story = Story()
    await story.hears("e1")
    await story.acknowledges("dan")
    await story.until(WEDNESDAY - timedelta(minutes=1))
    early = list(story.told)
    await story.until(WEDNESDAY)
    await story.until(THURSDAY)
    await story.passes(7 * HOUR)

    assert early == [("priya", 0)]
    assert [who for who, _ in story.told] == ["priya", "dan", "lee"]
    assert [one.at for one in story.world.sent[-2:]] == [WEDNESDAY, THURSDAY]
    assert story.world.sent[-2].notice.because == "it was acknowledged, and not closed within 2 working days"
    assert story.alert.status is AlertStatus.ACKNOWLEDGED


async def test_the_rest_may_stay_open_for_a_week_of_working_days() -> None:
    """Five, over the weekend."""
    story = Story()
    await story.hears("m1", urgency=Urgency.WORKING_HOURS, rule="mood_shift")
    await story.acknowledges("priya")
    await story.until(MONDAY + 7 * DAY - HOUR - timedelta(minutes=1))
    early = len(story.told)
    await story.until(MONDAY + 7 * DAY - HOUR)

    assert (early, len(story.told)) == (1, 2)


async def test_a_clinic_says_how_long_an_alert_may_stay_open() -> None:
    """In working days, by urgency."""
    story = Story(escalation=EscalationSettings(lead="lee", close_within=CloseWithin(at_once=1)))
    await story.hears("e1")
    await story.acknowledges("priya")
    await story.until(MONDAY + DAY - HOUR)

    assert len(story.told) == 2


async def test_a_closed_alert_reminds_nobody() -> None:
    """Closing ends it."""
    story = Story()
    await story.hears("e1")
    await story.acknowledges("priya")
    await story.closes()
    await story.until(THURSDAY)

    assert story.told == [("priya", 0)]


async def test_acknowledging_twice_is_acknowledging_once() -> None:
    """The first one keeps it, and one run follows."""
    story = Story()
    await story.hears("e1")
    await story.acknowledges("priya")
    await story.acknowledges("dan")
    await story.until(WEDNESDAY)

    assert [run.cause for run in story.alert.escalations] == [Cause.UNACKNOWLEDGED, Cause.UNCLOSED]
    assert [who for who, _ in story.told] == ["priya", "priya"]


async def test_acknowledging_again_calls_off_no_reminder_that_is_still_to_come() -> None:
    """A second press while the reminder waits for its provider: the lead is told all the same."""
    story = Story()
    await story.hears("e1")
    await story.acknowledges("dan")
    story.world.away = True
    await story.until(WEDNESDAY)
    await story.acknowledges("dan")
    story.world.away = False
    await story.until(THURSDAY)

    assert [who for who, _ in story.told] in (["priya", "dan", "lee"], ["priya", "lee", "dan"])


async def test_a_reminder_survives_a_restart_and_a_lost_store() -> None:
    """It stands in the alert."""
    story = Story()
    await story.hears("e1")
    await story.acknowledges("dan")
    story.world.database.drop()
    await story.restarts()
    await story.process.handle(story.world.said)
    await story.until(WEDNESDAY)

    assert [who for who, _ in story.told] == ["priya", "dan"]


@pytest.mark.parametrize("who", [Who.DUTY, Who.FALLBACK])
async def test_a_step_under_way_while_somebody_acknowledges_is_said_to_have_been(who: Who) -> None:
    """It cannot be called back: the trail says whom it reached, and no further channel is tried."""
    story = Story(escalation=policy((Who.CLINICIAN, 0), (who, 30), (Who.LEAD, 60)))
    await story.hears("e1")
    story.world.meanwhile = story.acknowledges
    await story.minutes(30)
    await story.minutes(30)
    step = story.alert.escalations[0].steps[1]

    assert len(story.told) == 2
    assert step.in_flight
    assert step.settled_at == MONDAY + timedelta(minutes=30)
    rows = [row for row in story.world.rows().values() if row.step and row.step.step == 2 and row.step.run == 1]
    assert {leg.state for row in rows for leg in row.legs} <= {LegState.SENT, LegState.CANCELLED}


async def test_a_retried_acknowledgement_puts_the_reminder_where_a_kill_left_none() -> None:
    """News began another run between reading and writing, and the process died before the reminder's row was right."""
    story = Story()
    await story.hears("e1")
    await story.minutes(30)
    await story.minutes(40)
    deciding, real, calls = story.process.deciding, story.process.deciding._see_to, 0

    async def killed(rows: Iterable[Delivery | None]) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise RuntimeError("killed here")
        await real(rows)
        await story.hears("e2")

    deciding._see_to = killed  # type: ignore[method-assign]
    key, alert = Idempotency.of(client="tests", key="k", body=b""), story.alert.alert
    with pytest.raises(RuntimeError, match="killed here"):
        await story.process.desk.acknowledge("harbour", alert, by="priya", idempotency=key)
    await story.restarts()
    await story.process.desk.acknowledge("harbour", alert, by="priya", idempotency=key)
    before = len(story.told)
    for _ in range(4):
        await story.passes(DAY)

    assert [to for to, _ in story.told[before:]] == ["priya", "lee", "lee"]


async def test_the_lead_hears_of_it_every_working_day_until_it_is_closed() -> None:
    """Not at the weekend, for as long as it takes; the audit finds nothing amiss, and the alert stays small."""
    story = Story()
    await story.hears("e1")
    await story.acknowledges("dan")
    found = []
    for _ in range(2 * 28):
        await story.passes(DAY / 2)
        found += await story.process.auditor.audit()
    leads = [one.at for one in story.world.sent if one.to == "lee@listed.example"]
    await story.closes()
    await story.passes(7 * DAY)

    days = [MONDAY + number * DAY for number in range(3, 29)]
    assert leads == [day for day in days if day.weekday() < 5]
    assert found == []
    assert len(story.run.steps) <= 9
    assert [one.at for one in story.world.sent if one.to == "lee@listed.example"] == leads


@pytest.mark.parametrize("repeats", [0, 2])
async def test_a_clinic_says_how_often_the_lead_is_told_again(repeats: int) -> None:
    """Then it is the clinic's, and the operator's gauge."""
    story = Story(escalation=EscalationSettings(lead="lee", close_within=CloseWithin(lead_repeats=repeats)))
    await story.hears("e1")
    await story.acknowledges("dan")
    for _ in range(20):
        await story.passes(DAY)

    assert [who for who, _ in story.told] == ["priya", "dan", *["lee"] * (1 + repeats)]


async def test_the_lead_is_told_on_after_kills_and_a_lost_store() -> None:
    """What comes next stands in the alert, and its row before the step before it is tried."""
    story = Story()
    await story.hears("e1")
    await story.acknowledges("dan")
    for day in range(8):
        await story.passes(DAY)
        if day % 3 == 1:
            story.world.database.drop()
        await story.restarts()
        await story.process.handle(story.world.said)
        await story.process.calm()

    assert [who for who, _ in story.told] == ["priya", "dan", "lee", "lee", "lee", "lee"]
