"""Who is on duty, and when nobody is: in every zone's own time, across both nights the clocks change."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.duty import Gap, Override, Rota, gaps, on_duty

LONDON = ZoneInfo("Europe/London")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""At 01:00 GMT on the one the clocks go to 02:00; at 02:00 BST on the other they go back to 01:00."""


def rota(
    starts_on: date = date(2026, 3, 23),
    hand_over_at: time = time(9),
    days: int = 1,
    turns: Sequence[str | None] = ("ana", "ben"),
    overrides: Sequence[Override] = (),
) -> Rota:
    """Ana and Ben, in turn."""
    return Rota(LONDON, tuple(turns), starts_on, hand_over_at, days, tuple(overrides))


def local(day: date, at: time, *, fold: int = 0) -> datetime:
    """A London time of day, in UTC."""
    return datetime.combine(day, at.replace(fold=fold), LONDON).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        (local(date(2026, 3, 23), time(8, 59, 59)), None),
        (local(date(2026, 3, 23), time(9)), "ana"),
        (local(date(2026, 3, 24), time(8, 59, 59)), "ana"),
        (local(date(2026, 3, 24), time(9)), "ben"),
        (local(SPRING, time(8, 59, 59)), "ben"),
        (local(SPRING, time(9)), "ana"),
        (datetime(2026, 3, 29, 7, 59, 59, tzinfo=UTC), "ben"),
        (datetime(2026, 3, 29, 8, 0, tzinfo=UTC), "ana"),
        (datetime(2026, 10, 24, 8, 0, tzinfo=UTC), "ben"),
        (datetime(2026, 10, 25, 8, 59, 59, tzinfo=UTC), "ben"),
        (datetime(2026, 10, 25, 9, 0, tzinfo=UTC), "ana"),
    ],
)
def test_a_daily_turn_is_handed_over_at_the_same_time_of_day_all_year(at: datetime, who: str | None) -> None:
    """Nine in the morning is nine in the morning, though one night has an hour less and one an hour more."""
    assert on_duty(rota(), at) == who


@pytest.mark.parametrize(
    ("day", "hours"), [(SPRING - timedelta(days=1), 23), (AUTUMN - timedelta(days=1), 25), (SPRING, 24)]
)
def test_the_turn_of_the_night_the_clocks_change_is_an_hour_shorter_or_longer(day: date, hours: int) -> None:
    """What one has less, nobody else has more of."""
    begins = rota().hand_over(day)
    ends = begins + timedelta(hours=hours)

    assert rota().hand_over(day + timedelta(days=1)) == ends
    assert on_duty(rota(), begins) == on_duty(rota(), ends - timedelta(microseconds=1)) != on_duty(rota(), ends)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        (datetime(2026, 3, 29, 1, 29, 59, tzinfo=UTC), "ben"),
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "ana"),
        (datetime(2026, 10, 25, 0, 29, 59, tzinfo=UTC), "ben"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "ana"),
        (datetime(2026, 10, 25, 1, 0, tzinfo=UTC), "ana"),
        (datetime(2026, 10, 25, 1, 45, tzinfo=UTC), "ana"),
    ],
)
def test_a_hand_over_in_the_hour_that_is_missing_or_comes_twice_happens_once(at: datetime, who: str) -> None:
    """01:30 is missing in spring and falls at 02:30; in autumn the first 01:30 counts, the second changes nothing."""
    assert on_duty(rota(hand_over_at=time(1, 30)), at) == who


def test_a_weekly_turn_lasts_from_hand_over_to_hand_over() -> None:
    """Monday nine to Monday nine, across the change of the clocks."""
    weekly = rota(days=7)

    assert on_duty(weekly, local(date(2026, 3, 30), time(8, 59))) == "ana"
    assert on_duty(weekly, local(date(2026, 3, 30), time(9))) == "ben"
    assert on_duty(weekly, local(date(2026, 4, 6), time(9))) == "ana"


def test_an_override_holds_from_its_start_to_its_end_and_the_rotation_goes_on_beneath_it() -> None:
    """Swapping a night moves nobody else's turn."""
    begins, ends = datetime(2026, 3, 24, 20, tzinfo=UTC), datetime(2026, 3, 25, 20, tzinfo=UTC)
    swapped = rota(overrides=[Override(begins, ends, "cyd")])

    at = [begins - timedelta(seconds=1), begins, ends - timedelta(seconds=1), ends]
    assert [on_duty(swapped, one) for one in at] == ["ben", "cyd", "cyd", "ana"]


def test_gaps_are_before_the_first_turn_in_turns_nobody_has_and_where_an_override_takes_somebody_away() -> None:
    """Each as long as it is, and one where two meet."""
    away = Override(datetime(2026, 3, 24, 12, tzinfo=UTC), datetime(2026, 3, 25, 9, tzinfo=UTC), None)
    thin = rota(turns=("ana", "ben", None), overrides=[away])
    since, until = datetime(2026, 3, 22, tzinfo=UTC), datetime(2026, 3, 27, 9, tzinfo=UTC)

    assert gaps(thin, since, until) == [
        Gap(since, datetime(2026, 3, 23, 9, tzinfo=UTC), None),
        Gap(away.since, datetime(2026, 3, 26, 9, tzinfo=UTC), None),
    ]


def test_the_turn_of_somebody_nobody_can_tell_is_a_gap_that_says_whose() -> None:
    """A clinician who left is still in the rota: their turns are named."""
    since = local(date(2026, 3, 23), time(9))
    days = [since + timedelta(days=ahead) for ahead in range(4)]

    assert gaps(rota(), since, days[3], known={"ana"}) == [Gap(days[1], days[2], "ben")]


INSTANTS = st.datetimes(datetime(2026, 3, 20), datetime(2026, 11, 5), timezones=st.just(UTC))  # noqa: DTZ001
OVERRIDES = st.builds(
    lambda begins, hours, who: Override(begins, begins + timedelta(hours=hours), who),
    INSTANTS, st.integers(1, 200), st.sampled_from(["ana", "cyd", None]),
)  # fmt: skip
ROTAS = st.builds(
    rota,
    starts_on=st.dates(date(2026, 3, 1), date(2026, 10, 30)),
    hand_over_at=st.times(),
    days=st.sampled_from([1, 7]),
    turns=st.lists(st.sampled_from(["ana", "ben", None]), min_size=1, max_size=4),
    overrides=st.lists(OVERRIDES, max_size=3),
)


@given(ROTAS, INSTANTS, st.timedeltas(timedelta(), timedelta(days=40)), st.floats(0, 1, exclude_max=True))
def test_nobody_is_on_duty_exactly_in_the_gaps(rota: Rota, since: datetime, long: timedelta, share: float) -> None:
    """At any instant between, in any rota; and gaps are in order, apart, and within what was asked."""
    until = since + long
    found = gaps(rota, since, until)
    at = since + long * share

    if since <= at < until:
        assert (on_duty(rota, at) is None) == any(gap.since <= at < gap.until for gap in found)
    edges = [edge for gap in found for edge in (gap.since, gap.until)]
    assert edges == sorted(set(edges))
    assert all(since <= edge <= until for edge in edges)


@given(ROTAS, INSTANTS)
def test_a_rotation_hands_over_only_at_its_hand_overs(rota: Rota, at: datetime) -> None:
    """Between two instants with another answer lies a hand-over or an override's edge."""
    before, after = at - timedelta(minutes=1), at
    edges = [edge for one in rota.overrides for edge in (one.since, one.until)]
    day = at.astimezone(LONDON).date()
    edges += [rota.hand_over(day + timedelta(days=ahead)) for ahead in (-1, 0, 1)]

    if not any(before < edge <= after for edge in edges):
        assert on_duty(rota, before) == on_duty(rota, after)


@given(ROTAS, INSTANTS)
def test_whoever_asks_from_another_zone_hears_the_same(rota: Rota, at: datetime) -> None:
    """An instant is an instant."""
    assert on_duty(rota, at) == on_duty(rota, at.astimezone(ZoneInfo("Pacific/Auckland")))
