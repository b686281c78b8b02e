"""Working time as escalations count it: only while the clinic works, across days off and both changes of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.working_time import WorkingTime

LONDON = ZoneInfo("Europe/London")
WEEK = ("mon", "tue", "wed", "thu", "fri")
NINE_TO_FIVE = WorkingTime(LONDON, dict.fromkeys(WEEK, (time(9), time(17))), frozenset({date(2026, 11, 26)}))
NIGHTS = WorkingTime(LONDON, {day: (time(0), time(6)) for day in ("sat", "sun")})
"""Open while the clocks change."""


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of November 2026, when London keeps UTC; the 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "minutes", "expected"),
    [
        (at(23, 10), 0, at(23, 10)),
        (at(23, 10), 360, at(23, 16)),
        (at(23, 12), 360, at(24, 10)),
        (at(21, 22), 0, at(23, 9)),
        (at(21, 22), 360, at(23, 15)),
        (at(23, 17), 0, at(24, 9)),
        (at(23, 9), 480, at(24, 9)),
        (at(25, 16), 120, at(27, 10)),
        (at(27, 16), 60 + 480 * 5, at(27, 16) + timedelta(days=9, hours=17)),
    ],
)
def test_time_after_which_the_clinic_has_worked_so_long(since: datetime, minutes: int, expected: datetime) -> None:
    """Nights, weekends and holidays do not count, and what would end at closing time ends at the next opening."""
    assert NINE_TO_FIVE.after(since, timedelta(minutes=minutes)) == expected


@pytest.mark.parametrize(("night", "worked"), [(date(2026, 3, 29), 5), (date(2026, 10, 25), 7)])
def test_the_hour_the_clocks_change_is_worked_once_or_twice_or_not(night: date, worked: int) -> None:
    """A night shift of six hours by the clock on the wall lasts five or seven."""
    opens = datetime.combine(night, time(0), LONDON)
    closes = datetime.combine(night, time(6), LONDON).astimezone(UTC)

    assert NIGHTS.after(opens, timedelta(hours=worked, minutes=-1)) == closes - timedelta(minutes=1)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 5_000),
    st.integers(0, 5_000),
)
def test_two_waits_one_after_the_other_are_as_long_as_both(since: datetime, first: int, second: int) -> None:
    """Counting on from where one stopped comes to the same, and never goes back."""
    one, other = timedelta(minutes=first), timedelta(minutes=second)
    for working_time in (NINE_TO_FIVE, NIGHTS):
        there = working_time.after(since, one)
        assert there >= since
        assert working_time.is_open(there)
        assert working_time.after(there, other) == working_time.after(since, one + other)


def test_working_days_are_counted_to_their_opening() -> None:
    """Two working days after a Wednesday with a holiday behind it are the Monday."""
    assert NINE_TO_FIVE.open_after(at(25, 16), 2) == at(30, 9)
    assert NINE_TO_FIVE.open_after(at(23, 10), 1) == NINE_TO_FIVE.next_morning(at(23, 10)) == at(24, 9)


def test_a_clinic_that_works_seldom_has_no_wait_without_end() -> None:
    """An hour a week: a year is the longest anybody waits."""
    seldom = WorkingTime(LONDON, {"mon": (time(9), time(9, 10))})

    assert seldom.after(at(23, 10), timedelta(days=7)) == at(23, 10) + timedelta(days=370)
    assert seldom.open_after(at(23, 10), 60) == at(23, 9) + timedelta(weeks=60)


@pytest.mark.parametrize(
    ("since", "until", "minutes"),
    [
        (at(23, 10), at(23, 16), 360),
        (at(23, 16), at(24, 10), 120),
        (at(25, 16), at(27, 10), 120),
        (at(21, 8), at(22, 20), 0),
        (at(23, 16), at(23, 10), 0),
    ],
)
def test_how_long_the_clinic_works_between_two_instants(since: datetime, until: datetime, minutes: int) -> None:
    """Nights, weekends and holidays do not count; backwards there is nothing."""
    assert NINE_TO_FIVE.worked(since, until) == timedelta(minutes=minutes)


@pytest.mark.parametrize(("night", "hours"), [(date(2026, 3, 29), 5), (date(2026, 10, 25), 7)])
def test_the_hour_the_clocks_change_is_counted_as_it_was_worked(night: date, hours: int) -> None:
    """A night shift of six hours by the clock on the wall was five or seven."""
    opens = datetime.combine(night, time(0), LONDON)

    assert NIGHTS.worked(opens, datetime.combine(night, time(6), LONDON)) == timedelta(hours=hours)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 5_000),
)
def test_what_is_worked_until_a_span_has_passed_is_that_span(since: datetime, minutes: int) -> None:
    """`worked` counts what `after` waits for."""
    span = timedelta(minutes=minutes)
    for working_time in (NINE_TO_FIVE, NIGHTS):
        assert working_time.worked(since, working_time.after(since, span)) == span
