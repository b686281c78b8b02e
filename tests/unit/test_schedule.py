"""The calendar of protocols: what is due when, across clock changes and journeys, and which answer is for which."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.schedule import (
    Answer,
    BeforeMeetings,
    Course,
    EveryDays,
    EveryWeeks,
    Meeting,
    Occasion,
    OnWeekdays,
    Plan,
    Rhythm,
    Stay,
    Window,
    answered,
    occasions,
)

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LONDON, NEW_YORK, TOKYO, HONOLULU = map(
    ZoneInfo, ("Europe/London", "America/New_York", "Asia/Tokyo", "Pacific/Honolulu")
)
ZONES = (LONDON, NEW_YORK, TOKYO, HONOLULU, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Australia/Lord_Howe"))
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MORNING = Window(time(8), time(10))


def plan(rhythm: Rhythm = EveryDays(1), *windows: Window, name: str = "mood", lasts: int | None = None) -> Plan:
    """On time for an hour, open for twelve, one reminder after two."""
    return Plan(name, "check_in", rhythm, windows, HOUR, 12 * HOUR, (2 * HOUR,), lasts)


def course(*plans: Plan, starts_on: date = date(2026, 1, 1), stops_on: date | None = None) -> Course:
    return Course([(LONG_AGO, one) for one in plans], starts_on, stops_on, "harbour/sam")


def at(text: str, zone: ZoneInfo | None = None) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=zone or UTC).astimezone(UTC)


def found(one: Course, since: str, until: str, *stays: Stay, meetings: Sequence[Meeting] = ()) -> list[Occasion]:
    return occasions([one], at(since), at(until), stays=stays or [Stay(LONDON, LONG_AGO)], meetings=meetings)


def test_a_daily_occasion_keeps_its_local_hour_over_both_clock_changes() -> None:
    """08:00 in London is 08:00 UTC in winter and 07:00 in summer, and no day has two or none."""
    spring = found(course(plan(EveryDays(1), MORNING)), "2026-03-28", "2026-03-31")
    autumn = found(course(plan(EveryDays(1), MORNING)), "2026-10-24", "2026-10-27")

    assert [one.due_at for one in spring] == [at("2026-03-28T08:00"), at("2026-03-29T07:00"), at("2026-03-30T07:00")]
    assert [one.due_at for one in autumn] == [at("2026-10-24T07:00"), at("2026-10-25T08:00"), at("2026-10-26T08:00")]
    assert [one.id for one in autumn] == ["mood/2026-10-24/1", "mood/2026-10-25/1", "mood/2026-10-26/1"]


def test_a_time_left_out_falls_an_hour_later_and_one_passed_twice_is_meant_the_first_time() -> None:
    """In London 01:30 does not exist on 29 March 2026 and comes twice on 25 October."""
    night = course(plan(EveryDays(1), Window(time(1, 30), time(1, 45))))

    assert [one.due_at for one in found(night, "2026-03-29", "2026-03-30")] == [at("2026-03-29T01:30")]  # 02:30 local
    assert [one.due_at for one in found(night, "2026-10-25", "2026-10-26")] == [at("2026-10-25T00:30")]


def test_what_follows_from_an_occasion_counts_in_elapsed_minutes() -> None:
    """Late, reminded and expired so long after it was due; the protocol's day is the patient's own."""
    (one,) = found(course(plan(EveryDays(1), MORNING)), "2026-07-01", "2026-07-02")

    assert (one.late_from, one.reminders, one.expires_at) == (
        at("2026-07-01T08:00"), (at("2026-07-01T09:00"),), at("2026-07-01T19:00"))  # fmt: skip
    assert (one.day, one.zone) == (date(2026, 7, 1), LONDON)


@pytest.mark.parametrize(
    ("rhythm", "days"),
    [
        (EveryDays(3), [1, 4, 7, 10, 13]),
        (OnWeekdays(frozenset({0, 4})), [2, 5, 9, 12]),
        (EveryWeeks(2, 0), [5]),
        (EveryWeeks(1, 3), [1, 8]),
    ],
)
def test_each_rhythm_falls_on_its_days(rhythm: Rhythm, days: list[int]) -> None:
    """Counted from the first day, Thursday 1 January 2026."""
    assert [one.day.day for one in found(course(plan(rhythm, MORNING)), "2026-01-01", "2026-01-15")] == days


def test_a_leap_day_is_a_day_like_any_other() -> None:
    """Every second day from 27 February 2028 falls on the 29th."""
    leap = course(plan(EveryDays(2), MORNING), starts_on=date(2028, 2, 27))

    assert [one.day for one in found(leap, "2028-02-01", "2028-03-03")] == [
        date(2028, 2, 27), date(2028, 2, 29), date(2028, 3, 2)]  # fmt: skip


def test_a_protocol_ends_with_its_last_day_or_the_one_it_was_stopped_on() -> None:
    """Whichever comes first; both are inclusive."""
    lasting = course(plan(EveryDays(1), MORNING, lasts=3))
    stopped = course(plan(EveryDays(1), MORNING, lasts=30), stops_on=date(2026, 1, 2))

    assert [one.day.day for one in found(lasting, "2025-12-01", "2026-02-01")] == [1, 2, 3]
    assert [one.day.day for one in found(stopped, "2025-12-01", "2026-02-01")] == [1, 2]


def test_on_the_day_of_travel_there_are_neither_two_nor_none() -> None:
    """Flying west the morning that was had does not come again; flying east one that nowhere had is due on arrival."""
    daily = course(plan(EveryDays(1), MORNING))
    west = [Stay(TOKYO, LONG_AGO), Stay(HONOLULU, at("2026-05-10T20:00", TOKYO))]
    east = [Stay(HONOLULU, LONG_AGO), Stay(TOKYO, at("2026-05-10T20:00", TOKYO))]

    assert [(one.due_at, one.day.day) for one in found(daily, "2026-05-09T12:00", "2026-05-12", *west)] == [
        (at("2026-05-10T08:00", TOKYO), 10), (at("2026-05-11T08:00", HONOLULU), 11)]  # fmt: skip
    assert [(one.due_at, one.day.day) for one in found(daily, "2026-05-09T00:00", "2026-05-11", *east)] == [
        (at("2026-05-09T08:00", HONOLULU), 9), (at("2026-05-10T20:00", TOKYO), 10), (at("2026-05-11T08:00", TOKYO), 11)
    ]  # fmt: skip


def test_before_each_session_there_is_one_that_expires_when_it_begins() -> None:
    """Moved to another day it is another occasion, moved within its day the same; a stopped protocol has none."""
    before = course(plan(BeforeMeetings(6 * HOUR)), stops_on=date(2026, 6, 30))
    meeting = Meeting("s1", at("2026-06-10T14:00", LONDON))

    (one,) = found(before, "2026-06-01", "2026-08-01", meetings=[meeting, Meeting("s2", at("2026-07-10T14:00"))])
    (later,) = found(before, "2026-06-01", "2026-08-01", meetings=[meeting._replace(at=meeting.at + HOUR)])
    (moved,) = found(before, "2026-06-01", "2026-08-01", meetings=[meeting._replace(at=meeting.at + DAY)])

    assert (one.id, one.due_at, one.expires_at) == ("mood/s1/2026-06-10", at("2026-06-10T07:00"), meeting.at)
    assert (later.id, moved.id) == (one.id, "mood/s1/2026-06-11")


def test_a_protocol_that_changes_keeps_what_had_fallen_due() -> None:
    """Moved from 08:00 to 18:00 at noon: that day had its occasion and has no second, from whenever one asks."""
    noon = at("2026-01-05T12:00")
    later = plan(EveryDays(1), Window(time(18), time(20)))
    plans = [(LONG_AGO, plan(EveryDays(1), MORNING)), (noon, later), (noon + 3 * DAY, None)]
    changed = Course(plans, date(2026, 1, 1), None, "harbour/sam")

    def hours(since: str) -> list[str]:
        return [one.due_at.strftime("%d %H") for one in found(changed, since, "2026-02-01")]

    assert hours("2026-01-04") == ["04 08", "05 08", "06 18", "07 18"]
    assert hours("2026-01-05T12:00") == ["06 18", "07 18"]


windows = st.lists(st.integers(0, 47), min_size=1, max_size=4, unique=True).map(
    lambda slots: [
        Window(time(slot // 2, slot % 2 * 30), time(slot // 2, slot % 2 * 30 + 29), random=slot % 3 == 0)
        for slot in sorted(slots)
    ]
)
rhythms = st.one_of(
    st.integers(1, 5).map(EveryDays),
    st.frozensets(st.integers(0, 6), min_size=1).map(OnWeekdays),
    st.builds(EveryWeeks, st.integers(1, 3), st.integers(0, 6)),
)
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
moments = st.integers(0, 60 * 24 * 60).map(lambda minutes: FIRST + minutes * MINUTE)
journeys = st.lists(st.tuples(moments, st.sampled_from(ZONES)), max_size=4, unique_by=lambda one: one[0]).map(
    lambda legs: [Stay(LONDON, LONG_AGO), *(Stay(zone, since) for since, zone in sorted(legs, key=lambda leg: leg[0]))]
)


@given(rhythms, windows, journeys, st.dates(date(2026, 2, 20), date(2026, 3, 20)))
def test_every_local_day_has_exactly_the_occasions_it_says(
    rhythm: Rhythm, at_times: list[Window], stays: list[Stay], starts_on: date
) -> None:
    """Over both clock changes of two hemispheres and up to four journeys: one for each window, never two or none."""
    known = occasions(
        [course(plan(rhythm, *at_times), starts_on=starts_on, stops_on=date(2026, 4, 20))],
        FIRST - 30 * DAY, FIRST + 90 * DAY, stays=stays,
    )  # fmt: skip
    days = [starts_on + timedelta(days=n) for n in range((date(2026, 4, 20) - starts_on).days + 1)]
    expected = {
        f"mood/{day}/{n}" for day in days if rhythm.falls_on(day, starts_on) for n in range(1, len(at_times) + 1)
    }

    assert {one.id for one in known} == expected
    assert len(known) == len(expected)
    for one in known:
        local = one.due_at.astimezone(one.zone)
        window = at_times[int(one.id.rsplit("/", 1)[1]) - 1]
        on_arrival = any(one.due_at == stay.since for stay in stays)
        gap = local.replace(tzinfo=None) != datetime.combine(one.day, local.time()) or local.time() > window.closes
        assert on_arrival or gap or (local.date() == one.day and window.opens <= local.time() < window.closes)


@given(
    rhythms, windows, journeys, st.lists(moments, min_size=1, max_size=5), st.lists(moments, max_size=3, unique=True)
)
def test_in_pieces_it_comes_to_the_same_as_at_once(
    rhythm: Rhythm, at_times: list[Window], stays: list[Stay], cuts: list[datetime], changes: list[datetime]
) -> None:
    """A restart, a replica or another page computes the same occasions, whatever changed or moved meanwhile."""
    plans: list[tuple[datetime, Plan | None]] = [(LONG_AGO, plan(rhythm, *at_times))]
    for place, change in enumerate(sorted(changes)):
        plans.append((change, None if place % 3 == 1 else plan(rhythm, *at_times[place % 2 :] or at_times)))
    both = [
        Course(plans, date(2026, 2, 20), None, "harbour/sam"),
        Course([(LONG_AGO, plan(BeforeMeetings(5 * HOUR), name="before"))], date(2026, 2, 20), None, "harbour/sam"),
    ]
    meetings = [Meeting(f"s{n}", FIRST + n * 5 * DAY) for n in range(10)]
    edges = [FIRST - 10 * DAY, *sorted(cuts), FIRST + 70 * DAY]
    pieces = [
        one for since, until in pairwise(edges) for one in occasions(both, since, until, stays=stays, meetings=meetings)
    ]
    whole = occasions(both[::-1], edges[0], edges[-1], stays=stays, meetings=meetings[::-1])

    assert sorted(pieces, key=lambda one: one.order) == whole
    assert len({one.id for one in whole}) == len(whole)


@given(st.dates(date(2026, 1, 1), date(2030, 1, 1)), st.text("ab", max_size=5))
def test_a_random_moment_is_the_same_for_everybody_who_asks(day: date, patient: str) -> None:
    """Within its window, to the minute, made of clinic, patient, protocol, day and window alone."""
    day_long = Window(time(9), time(21), random=True)
    drawn = [
        occasions(
            [Course([(LONG_AGO, plan(EveryDays(1), day_long))], day, day, f"c/{patient}")],
            LONG_AGO, datetime(2040, 1, 1, tzinfo=UTC), stays=[Stay(TOKYO, LONG_AGO)],
        )
        for _ in range(2)
    ]  # fmt: skip

    assert drawn[0] == drawn[1]
    assert time(9) <= drawn[0][0].due_at.astimezone(TOKYO).time() < time(21)


def test_random_moments_are_spread_over_the_window() -> None:
    """A year of them reaches into each quarter of the window."""
    spread = found(course(plan(EveryDays(1), Window(time(8), time(20), random=True))), "2026-01-01", "2027-01-01")
    quarters = {(one.due_at.astimezone(LONDON).hour - 8) // 3 for one in spread}

    assert quarters == {0, 1, 2, 3}


# --- which answer is for which


def entry(moment: str, name: str = "e1", asks: str = "check_in") -> Answer:
    return Answer(at(moment), name, asks)


def test_an_answer_is_for_the_open_occasion_that_fell_due_last() -> None:
    """Nobody is asked again for today because yesterday was still open; a second entry of the day makes up for that."""
    long = Plan("mood", "check_in", EveryDays(1), (MORNING,), HOUR, 36 * HOUR)
    two = found(course(long), "2026-01-05", "2026-01-07")

    one_entry = answered(two, [entry("2026-01-06T08:30")])
    both = answered(two, [entry("2026-01-06T09:00", "e2"), entry("2026-01-06T08:30")])

    assert {name: answer.id for name, answer in one_entry.items()} == {"mood/2026-01-06/1": "e1"}
    assert {name: answer.id for name, answer in both.items()} == {"mood/2026-01-06/1": "e1", "mood/2026-01-05/1": "e2"}


def test_only_what_was_asked_for_while_it_was_open_is_an_answer() -> None:
    """From the moment it is due to just before it expires; another instrument is none."""
    (one,) = found(course(plan(EveryDays(1), MORNING)), "2026-01-05", "2026-01-06")

    taken = [
        bool(answered([one], [answer]))
        for answer in (
            entry("2026-01-05T07:59:59"),
            entry("2026-01-05T08:00"),
            entry("2026-01-05T19:59:59"),
            entry("2026-01-05T20:00"),
            entry("2026-01-05T09:00", asks="phq9"),
        )
    ]
    assert taken == [False, True, True, False, False]


answer_lists = st.lists(
    st.builds(Answer, moments, st.text("abc", min_size=1, max_size=4), st.sampled_from(["check_in", "phq9"])),
    max_size=30,
)


@given(answer_lists, moments, st.randoms(use_true_random=False))
def test_matching_is_one_to_one_whatever_the_order_and_wherever_it_begins(
    answers: list[Answer], cut: datetime, chance: Random
) -> None:
    """No answer for two, none outside its time, and leaving out what was due before an instant changes no later one."""
    long = Plan("long", "check_in", EveryDays(1), (MORNING, Window(time(12), time(13))), HOUR, 50 * HOUR)
    other = Plan("forms", "phq9", EveryDays(2), (MORNING,), HOUR, 20 * HOUR)
    known = occasions([course(long), course(other)], FIRST, FIRST + 61 * DAY, stays=[Stay(NEW_YORK, LONG_AGO)])
    whole = dict(answered(known, answers))
    mixed = list(answers)
    chance.shuffle(mixed)
    later = [one for one in known if one.due_at >= cut]

    assert dict(answered(known[::-1], mixed)) == whole
    assert len(set(whole.values())) == len(whole) or len(set(answers)) < len(answers)
    by_id = {one.id: one for one in known}
    assert all(by_id[name].due_at <= answer.at < by_id[name].expires_at for name, answer in whole.items())
    assert dict(answered(later, answers)) == {one.id: whole[one.id] for one in later if one.id in whole}
