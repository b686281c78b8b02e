"""Quiet hours: what can wait is held and comes later in one digest; nothing is dropped, and at once ignores them."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.notify.domain import quiet_until
from shared.contracts import Clinician
from shared.contracts.base import Urgency
from shared.contracts.clinics import Fatigue, QuietHours
from tests.unit.notify.escalating import STAFF, Story, staff
from tests.unit.notify.made import HOUR, MONDAY, patient
from tests.unit.notify.world import batch, event, silenced

LONDON = ZoneInfo("Europe/London")
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK = EVERY_DAY[:5]


def quiet(starts: str, ends: str, *days: str) -> QuietHours:
    """Hours of some days, else of every day."""
    return QuietHours.model_validate({"starts": starts, "ends": ends, "days": days or EVERY_DAY})


def somebody(*hours: QuietHours, **changes: object) -> Clinician:
    """A clinician with quiet hours."""
    return staff("priya", quiet=list(hours), **changes)


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("who", "instant", "until"),
    [
        (somebody(quiet("18:00", "08:00")), "2026-11-23T17:59", None),
        (somebody(quiet("18:00", "08:00")), "2026-11-23T18:00", "2026-11-24T08:00"),
        (somebody(quiet("18:00", "08:00")), "2026-11-24T07:59", "2026-11-24T08:00"),
        (somebody(quiet("18:00", "08:00")), "2026-11-24T08:00", None),
        (somebody(quiet("18:00", "08:00", "fri")), "2026-11-24T07:00", None),
        (somebody(quiet("18:00", "00:00"), quiet("00:00", "09:00")), "2026-11-23T20:00", "2026-11-24T09:00"),
        (somebody(working_hours={"mon": ("09:00", "17:00"), "thu": ("10:00", "12:00")}), "2026-11-23T17:00",
         "2026-11-26T10:00"),
        (somebody(quiet("18:00", "08:00"), zone="America/New_York"), "2026-11-23T20:00", None),
        (somebody(quiet("18:00", "08:00"), zone="America/New_York"), "2026-11-24T00:00", "2026-11-24T13:00"),
        (somebody(quiet("00:00", "00:00")), "2026-11-23T12:00", None),
    ],
)  # fmt: skip
def test_a_quiet_time_ends_by_the_clinician_s_own_clock(who: Clinician, instant: str, until: str | None) -> None:
    """Across midnight, days and zones; hours that never let anything through hold nothing."""
    assert (None if until is None else at(until)) == quiet_until(who, LONDON, at(instant))


@pytest.mark.parametrize(
    ("instant", "until"),
    [
        ("2027-03-27T22:00", "2027-03-28T06:00"),  # the clocks go forward: 7am is an hour sooner
        ("2026-10-24T21:00", "2026-10-25T07:00"),  # and back: an hour later
    ],
)
def test_a_night_in_which_the_clocks_change_ends_at_the_same_local_time(instant: str, until: str) -> None:
    """Seven in the morning is seven in the morning."""
    assert at(until) == quiet_until(somebody(quiet("22:00", "07:00")), LONDON, at(instant))


def test_hours_that_the_clocks_leave_out_or_pass_twice_end_all_the_same() -> None:
    """01:30 does not exist on the one day and comes twice on the other; it is an hour later, and the first one."""
    who = somebody(quiet("22:00", "01:30"))

    assert at("2027-03-28T01:30") == quiet_until(who, LONDON, at("2027-03-27T23:00"))
    assert at("2026-10-25T00:30") == quiet_until(who, LONDON, at("2026-10-24T23:00"))


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
days = st.sets(st.sampled_from(EVERY_DAY), min_size=1).map(sorted)
hours = st.builds(QuietHours, days=days, starts=times, ends=times)
INSTANTS = st.integers(0, 210 * 24 * 4).map(lambda quarters: at("2026-10-01T00:00") + quarters * HOUR / 4)


@settings(max_examples=200, deadline=None)
@given(st.lists(hours, max_size=4), st.sampled_from(["Europe/London", "America/New_York", "Asia/Kathmandu"]),
       INSTANTS)  # fmt: skip
@example([QuietHours(days=["sat"], starts=time(22), ends=time(1, 30))], "Europe/London", at("2026-10-25T00:10"))
def test_the_end_of_a_quiet_time_is_later_and_not_quiet(some: list[QuietHours], zone: str, instant: datetime) -> None:
    """So nobody is held twice for one quiet time, and what is held has an instant at which it goes."""
    who = somebody(*some, zone=zone)
    until = quiet_until(who, LONDON, instant)

    assert until is None or (until > instant and quiet_until(who, LONDON, until) is None)


# --- what becomes of messages -----------------------------------------------------------------------------------------

BY_EVENING = somebody(quiet("09:00", "13:00"))
"""Priya is with patients in the morning; the clinic is open."""
PEOPLE = (BY_EVENING, *STAFF[1:])


async def test_what_can_wait_is_held_and_comes_in_one_digest_at_the_end_of_the_quiet_time() -> None:
    """Two alerts, one e-mail, no SMS; the trail says since when it was held, until when, and why."""
    story = Story(people=PEOPLE)
    await story.hears("e1", urgency=Urgency.WORKING_HOURS, rule="trend")
    await story.hears("e2", urgency=Urgency.WORKING_HOURS, rule="gone_quiet")
    before = list(story.world.sent)
    await story.until(at("2026-11-23T13:00"))
    trail = await story.process.desk.trail("harbour", story.world.alerts()[0].alert)

    assert before == []
    [digest] = story.world.sent
    assert (digest.at, digest.to, digest.channel, len(digest.notice.lines)) == (
        at("2026-11-23T13:00"), "priya@listed.example", "email", 2,
    )  # fmt: skip
    assert digest.notice.gathered is not None
    assert "put together" in digest.notice.gathered
    assert [one.what.value for one in trail.life] == [
        "detected", "raised", "queued", "queued", "held", "sent", "accepted_by_provider",
    ]  # fmt: skip
    assert all(told.settled_at for alert in story.world.alerts() for told in alert.told)
    assert all(alert.escalations[-1].steps[0].told_clinician == "priya" for alert in story.world.alerts())


async def test_an_alert_due_at_once_ignores_quiet_hours() -> None:
    """Every channel, at once, whatever the hour."""
    story = Story(people=PEOPLE)
    await story.hears("e1")

    assert sorted((one.channel.value, one.at) for one in story.world.sent) == [("email", MONDAY), ("sms", MONDAY)]


async def test_what_is_held_and_then_acknowledged_is_sent_no_more() -> None:
    """It was settled by that, and the record says so."""
    story = Story(people=PEOPLE)
    await story.hears("e1", urgency=Urgency.WORKING_HOURS, rule="trend")
    await story.acknowledges("dan")
    await story.until(at("2026-11-23T13:00"))

    assert story.world.sent == []
    assert story.alert.told[0].settled_at is not None


async def test_what_is_held_for_somebody_who_is_no_longer_the_clinician_goes_to_who_is() -> None:
    """The digest of the old one is empty and not sent; the new one's hours decide."""
    story = Story(people=PEOPLE)
    await story.hears("e1", urgency=Urgency.WORKING_HOURS, rule="trend")
    moved = patient(clinician="nia").model_copy(update={"version": 2})
    await story.process.reconciler.handle(batch([event(moved)]))
    await story.until(at("2026-11-23T13:00"))
    await story.minutes(1)

    assert [one.to for one in story.world.sent] == ["nia@listed.example"]


async def test_a_risk_alert_that_can_wait_is_not_held_beyond_what_was_promised() -> None:
    """Item 9 answered 1: held until the morning at most; where the clinician is away for a week, it is told now."""
    week_off = somebody(working_hours={"fri": ("09:00", "10:00")})
    story = Story(people=(week_off, *STAFF[1:]))
    await story.hears("e1", urgency=Urgency.WORKING_HOURS)

    assert story.told == [("priya", 0)]


async def test_a_step_of_an_escalation_that_can_wait_is_held_too_and_the_run_goes_on() -> None:
    """The lead reads why in the digest, and the step is settled with it."""
    lead = staff("lee", quiet=[quiet("16:00", "16:30")])
    story = Story(people=(*(one for one in STAFF if one.clinician != "lee"), lead))
    await story.hears("e1", urgency=Urgency.WORKING_HOURS)
    await story.minutes(360)
    before = list(story.told)
    await story.minutes(30)

    assert before == [("priya", 0)]
    assert story.told == [("priya", 0), ("lee", 390)]
    assert (
        story.world.sent[-1].notice.lines[0].because
        == "nobody had acknowledged it 6 hours of working time after it was raised"
    )
    assert story.run.steps[1].told_clinician == "lee"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["trend", "gone_quiet", "unanswered"]), st.integers(0, 300)), max_size=6),
    st.lists(st.integers(0, 60), max_size=3),
    st.booleans(),
)
def test_whatever_is_held_is_told_once_or_was_settled(
    said: list[tuple[str, int]],
    deaths: list[int],
    acknowledged: bool,  # noqa: FBT001
) -> None:
    """In any order, with the process killed in between: each piece of evidence stands in one message, or was taken."""

    async def played() -> None:
        story = Story(people=PEOPLE, fatigue=Fatigue(bundle_minutes=30, alert_budget=2))
        for number, (rule, minutes) in enumerate(sorted(said, key=lambda one: one[1])):
            await story.until(max(MONDAY + timedelta(minutes=minutes), story.world.clock.now()))
            await story.hears(f"e{number}", urgency=Urgency.WORKING_HOURS, rule=rule)
        if acknowledged and story.world.alerts():
            story.chosen = story.world.alerts()[0]
            await story.acknowledges("dan")
        for _ in deaths:
            await story.restarts()
            await story.process.handle(story.world.said)
        for _ in range(60):
            await story.passes(HOUR)
        taken = {story.chosen.key} if story.chosen else set()
        told = [line.reference for one in story.world.sent for line in one.notice.lines if line.because is None]
        for alert in story.world.alerts():
            rounds = {news.round for news in alert.told}
            assert all(news.settled_at is not None for news in alert.told)
            if alert.key not in taken:
                assert 1 <= told.count(alert.reference) <= len(rounds) + 1
        await silenced()

    asyncio.run(played())
