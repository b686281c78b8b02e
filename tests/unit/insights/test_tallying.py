"""Counting what a backtest raised, and where two rule sets differ."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.insights.domain import Raised, Tally, Watched, difference, tally, tally_by_rule
from shared.contracts.base import Urgency
from tests.unit.insights.builders import day


def raised(begin: float, end: float | None = None, *, rule: str = "gone_quiet", patient: str = "a") -> Raised:
    """A concern that held from one day to another."""
    return Raised(patient, rule, Urgency.AT_ONCE, "", day(begin), None if end is None else day(end))


def watched(days: float, *, patients: int = 1, first: datetime = day(0), zone: str = "UTC") -> Watched:
    """So many patients, watched for so many days each."""
    time = timedelta(days=days)
    return Watched(patients=patients, time=patients * time, first=first, last=first + time, zone=ZoneInfo(zone))


def test_concerns_are_counted_per_patient_year_and_calendar_week() -> None:
    """Weeks without any count for the mean; START is a Monday, so 27 days from it touch four weeks."""
    found = tally([raised(0), raised(6), raised(7, 8), raised(26)], watched(27, patients=2))

    assert found.concerns == 4
    assert found.per_patient_year == pytest.approx(4 / (2 * 27 / 365.25))
    assert (found.weekly_mean, found.weekly_most) == (1, 2)


def test_weeks_are_the_clinics() -> None:
    """Sunday evening in UTC is Monday in Auckland."""
    at = day(6, 12)

    assert watched(0, first=at).week_of(at) == day(0).date()
    assert watched(0, first=at, zone="Pacific/Auckland").week_of(at) == day(7).date()


def test_nothing_watched_is_no_rate() -> None:
    """Neither a division by nothing nor an infinite rate."""
    nothing = Watched(patients=0, time=timedelta(0), first=None, last=None, zone=ZoneInfo("UTC"))

    assert tally([], nothing) == Tally(0, None, 0.0, 0)
    assert tally([raised(0)], watched(0)) == Tally(1, None, 1.0, 1)


def test_every_rule_has_its_tally() -> None:
    """Those that raised nothing too, in the order of the catalogue."""
    found = tally_by_rule([raised(0), raised(1, rule="risk_item")], watched(7))

    assert [(name, one.concerns) for name, one in found.items()] == [
        ("risk_item", 1),
        ("reliable_deterioration", 0),
        ("relapse", 0),
        ("not_on_track", 0),
        ("stalled", 0),
        ("mood_shift", 0),
        ("mood_shift_up", 0),
        ("mood_instability", 0),
        ("gone_quiet", 1),
        ("question_unanswered", 0),
        ("rating_drop", 0),
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "both", "only_ours", "only_theirs"),
    [
        ([(0, 2)], [(1, 3)], 1, 0, 0),
        ([(0, 2)], [(2, 3)], 0, 1, 1),
        ([(0, None)], [(5, 6), (8, None)], 1, 0, 0),
        ([(0, 1), (2, 3), (9, None)], [(0, 5)], 2, 1, 0),
        ([(4, 5)], [(0, 1), (2, 3), (4.5, None)], 1, 0, 2),
        ([], [(0, 1)], 0, 0, 1),
        ([(0, 9)], [(1, 2), (20, 21)], 1, 0, 1),
    ],
)
def test_concerns_that_hold_at_a_common_instant_are_the_same_trouble(
    ours: list[tuple[float, float | None]],
    theirs: list[tuple[float, float | None]],
    both: int,
    only_ours: int,
    only_theirs: int,
) -> None:
    """However much earlier one rule set raised it; one that begins as the other is cleared is another."""
    found = difference([raised(*one) for one in ours], [raised(*one) for one in theirs])["gone_quiet"]

    assert (found.both, found.only_ours, found.only_theirs) == (both, only_ours, only_theirs)


def test_patients_and_rules_are_never_mixed() -> None:
    """The same instant of another patient or rule is no match."""
    found = difference([raised(0)], [raised(0, patient="b"), raised(0, rule="mood_shift")])

    assert (found["gone_quiet"].both, found["gone_quiet"].only_ours, found["gone_quiet"].only_theirs) == (0, 1, 1)
    assert found["mood_shift"].only_theirs == 1
