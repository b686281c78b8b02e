"""What may fail while somebody must be told: each failure of the runbook's table that had no test of its own."""

from datetime import timedelta

import pytest

from services.notify.domain import LEASE, Kind
from shared.contracts.alerts import AlertStatus
from shared.contracts.base import Urgency
from shared.contracts.clinics import Fatigue
from shared.contracts.escalation import DutyRota
from tests.unit.notify.escalating import FALLBACK, LEAD, ROTA, Story
from tests.unit.notify.made import DAY, HOUR
from tests.unit.notify.memory_mongo import Life
from tests.unit.notify.world import silenced


async def test_while_every_provider_is_away_it_is_tried_again_and_the_next_person_is_told_when_one_is_back() -> None:
    """An hour's outage: nothing is given up, nobody is told twice, and the steps that fell due are told."""
    story = Story()
    story.world.away = True
    await story.hears("e1")
    for _ in range(12):
        await story.minutes(5)
    during = list(story.world.sent)
    story.world.away = False
    await story.minutes(7)
    await story.minutes(7)

    assert during == []
    assert sorted(who for who, _ in story.told) == ["dan", "lee", "priya"]


async def test_an_empty_rota_sends_the_step_to_the_fallback_contact_and_the_lead_is_told_in_time() -> None:
    """Nobody's turn is no reason for nobody to be told."""
    empty = DutyRota.model_validate(ROTA.model_dump() | {"clinicians": [None]})
    story = Story(escalation=LEAD, duty_rota=empty)
    await story.hears("e1")
    await story.minutes(30)
    await story.minutes(30)

    assert [who for who, _ in story.told] == ["priya", FALLBACK.partition("@")[0], "lee"]
    assert story.run.steps[1].fell_back == "nobody is on duty"


@pytest.mark.parametrize("by", [HOUR, DAY, 42 * DAY])
async def test_a_clock_that_jumps_forward_tells_what_is_due_once_and_nobody_twice(by: timedelta) -> None:
    """A clock that was set, or a machine that slept: every step that is due now is told, each once."""
    story = Story()
    await story.hears("e1")
    await story.passes(by)
    await story.minutes(1)
    await story.minutes(1)

    assert sorted(who for who, _ in story.told) == ["dan", "lee", "priya"]


@pytest.mark.parametrize("back", [timedelta(minutes=10), HOUR, DAY])
async def test_a_clock_that_jumps_back_delays_nothing_beyond_the_jump_and_sends_nothing_twice(back: timedelta) -> None:
    """Due times are instants: they come when the clock reaches them again. News meanwhile goes out at once."""
    story = Story()
    await story.hears("e1")
    story.world.clock.advance(-back)
    await story.process.calm()
    await story.hears("e2", rule="psychosis")
    news = len({one.notice.lines[0].reference for one in story.world.sent})
    story.world.clock.advance(back)
    await story.minutes(31)
    duty = [who for who, _ in story.told if who == "dan"]

    assert news == 2
    assert len(duty) == 2
    assert [who for who, _ in story.told].count("priya") == 2


async def test_a_process_killed_between_sending_and_recording_sends_again_with_the_same_reference() -> None:
    """It cannot know that it had gone; the duplicate is recognisable by its token."""
    story = Story()
    for steps in range(60):
        story = Story()
        story.process = story.world.process(Life(steps))
        try:
            await story.hears("e1")
        except BaseException:  # noqa: BLE001  it was killed somewhere
            await silenced()
        if story.world.sent and not any(row.handed_over for row in story.world.rows().values()):
            break
    before = [one.notice.token for one in story.world.sent]
    await story.restarts()
    await story.process.handle(story.world.said)
    await story.passes(LEASE + timedelta(seconds=1))
    after = [one.notice.token for one in story.world.sent]

    assert before
    assert set(before) <= set(after)
    assert max(after.count(token) for token in set(after)) == 2
    assert story.alert.status is AlertStatus.OPEN


async def test_a_provider_that_is_away_when_a_quiet_time_ends_gets_the_digest_when_it_is_back() -> None:
    """Held and then delayed: still one message."""
    story = Story(fatigue=Fatigue(low_priority="digest"))
    await story.hears("e1", urgency=Urgency.WORKING_HOURS, rule="trend")
    story.world.away = True
    await story.passes(23 * HOUR)
    for _ in range(6):
        await story.minutes(10)
    story.world.away = False
    await story.minutes(10)

    assert [who for who, _ in story.told] == ["priya"]
    assert [row.handed_over for row in story.world.rows().values() if row.kind is Kind.DIGEST] == [True]
