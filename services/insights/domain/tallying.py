"""Counting what a backtest raised: how much there would have been to do, and where two rule sets differ."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.insights.domain.backtesting import Raised
from services.insights.domain.catalogue import CATALOGUE

YEAR: Final = timedelta(days=365.25)


@dataclass(frozen=True, slots=True)
class Watched:
    """What was watched: from each patient's first entry to the end of the data, which is the same for all.

    time: summed over the patients. first, last: instants of the first entry of all and of the end; None without any.
    zone: the clinic's, in which its weeks begin on Monday.
    """

    patients: int
    time: timedelta
    first: datetime | None
    last: datetime | None
    zone: ZoneInfo

    @property
    def patient_years(self) -> float:
        """`time` in years of 365.25 days."""
        return self.time / YEAR

    @property
    def weeks(self) -> int:
        """Calendar weeks with any of the time in them."""
        if self.first is None or self.last is None:
            return 0
        return (self.week_of(self.last) - self.week_of(self.first)).days // 7 + 1

    def week_of(self, at: datetime) -> date:
        """The Monday of the week an instant lies in, on the clinic's calendar."""
        day = at.astimezone(self.zone).date()
        return day - timedelta(days=day.weekday())


@dataclass(frozen=True, slots=True)
class Tally:
    """How much was raised: in all, per patient-year (None where no time was watched), and in a calendar week."""

    concerns: int
    per_patient_year: float | None
    weekly_mean: float
    weekly_most: int


def tally(raised: Sequence[Raised], watched: Watched) -> Tally:
    """Count what was raised."""
    by_week = Counter(watched.week_of(one.raised_at) for one in raised)
    years = watched.patient_years
    return Tally(
        concerns=len(raised),
        per_patient_year=len(raised) / years if years else None,
        weekly_mean=len(raised) / watched.weeks if watched.weeks else 0.0,
        weekly_most=max(by_week.values(), default=0),
    )


def tally_by_rule(raised: Sequence[Raised], watched: Watched) -> dict[str, Tally]:
    """The tally of each rule, in the order of the catalogue."""
    return {name: tally([one for one in raised if one.rule == name], watched) for name in CATALOGUE}


@dataclass(frozen=True, slots=True)
class Difference:
    """Concerns of two rule sets: raised by ours while theirs held too, by ours alone, by theirs alone.

    Two are the same trouble where they are of one patient and rule and hold at a common instant. One long concern of
    theirs may meet several short ones of ours, so `both` counts ours.
    """

    both: int
    only_ours: int
    only_theirs: int


def difference(ours: Iterable[Raised], theirs: Iterable[Raised]) -> dict[str, Difference]:
    """Where two backtests of the same entries differ, by rule, in the order of the catalogue."""
    ours_by, theirs_by = _by_place(ours), _by_place(theirs)
    both, alone, missed = Counter[str](), Counter[str](), Counter[str]()
    for place in ours_by.keys() | theirs_by.keys():
        our, their = ours_by[place], theirs_by[place]
        met = _met(our, their)
        rule = place[1]
        both[rule] += met
        alone[rule] += len(our) - met
        missed[rule] += len(their) - _met(their, our)
    return {name: Difference(both[name], alone[name], missed[name]) for name in CATALOGUE}


def _by_place(raised: Iterable[Raised]) -> defaultdict[tuple[str, str], list[Raised]]:
    """By patient and rule, in order of time; those of one place never overlap."""
    found: defaultdict[tuple[str, str], list[Raised]] = defaultdict(list)
    for one in sorted(raised, key=lambda one: one.raised_at):
        found[one.patient, one.rule].append(one)
    return found


def _met(some: Sequence[Raised], others: Sequence[Raised]) -> int:
    """How many of `some` hold at a common instant with any of `others`; both in order of time."""
    met = at = 0
    for one in some:
        while at < len(others) and _over(others[at], one.raised_at):
            at += 1
        met += at < len(others) and not _over(one, others[at].raised_at)
    return met


def _over(one: Raised, at: datetime) -> bool:
    return one.cleared_at is not None and one.cleared_at <= at
