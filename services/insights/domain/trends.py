"""Trends: what a patient's entries show over the last weeks, described. Nothing here is judged, and nobody alerted.

Day means and the change from week to week, control limits around the person's own baseline, how many days or weeks are
known, and how much mood moves from day to day (clinical reference, 4.2 and 4.4). Where too little is known it says so.
"""

from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import fsum, sqrt
from typing import Final

from services.insights.domain.catalogue import MOOD_SHIFT, Parameters
from services.insights.domain.deterioration import Scores
from services.insights.domain.instability import AR1_PAIRS, Variability, variability
from services.insights.domain.instants import TOLERANCE
from services.insights.domain.measures import Measure
from services.insights.domain.mood_shift import MoodDays
from services.insights.domain.words import counted, number
from shared.contracts.base import Number

ENOUGH_SHARE: Final = 0.6
"""Of the days (or weeks) of the window that must be known for control limits to be shown."""
ENOUGH_DAYS: Final = 5
"""Days below which nothing is said of how mood moves."""
BASELINE_WEEKS: Final = 8
"""Weekly means that the baseline of a questionnaire is made of."""
_WEIGHT, _LIMIT, _MOST_PHI = 0.1, 2.7, 0.7


@dataclass(frozen=True, slots=True)
class DayPoint:
    """One observed day. mean: on the measure's own scale, of so many entries."""

    day: date
    mean: float
    entries: int


@dataclass(frozen=True, slots=True)
class LimitPoint:
    """The control chart after one day (mood) or ISO week (a questionnaire; its Monday)."""

    day: date
    average: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Week:
    """One ISO week: the mean of its day means. change: from the week before; None where either is empty."""

    monday: date
    days: int
    mean: float | None
    change: float | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The person's own baseline: mean, standard deviation (floored), lag-1 autocorrelation, and where it ended."""

    mean: float
    sd: float
    phi: float
    until: date


@dataclass(frozen=True, slots=True)
class Trend:
    """One measure over the window.

    observed, of: days (mood) or ISO weeks (questionnaires) with an entry, of those since the first one in the window.
    said: what there is not enough data for, in words; empty where nothing is missing.
    """

    measure: str
    minimum: Number | None
    maximum: Number | None
    higher_is_worse: bool | None
    unit: str
    days: list[DayPoint]
    weeks: list[Week]
    baseline: Baseline | None
    limits: list[LimitPoint]
    observed: int
    of: int
    variability: Variability | None
    said: list[str]


def mood_trend(known: MoodDays | None, parameters: Parameters | None, *, first: date, today: date) -> Trend:
    """Mood from `first` to `today`, both inclusive. parameters: of mood shift in force; None: its defaults."""
    chosen = parameters or MOOD_SHIFT.with_parameters({})
    all_days = known.day if known is not None else array("i")
    window = [i for i, day in enumerate(all_days) if first.toordinal() <= day <= today.toordinal()]
    days = [
        DayPoint(date.fromordinal(all_days[i]), round(known.mean_of(i), 4), known.count[i])
        for i in window
        if known is not None
    ]
    of = (today - days[0].day).days + 1 if days else 0
    said, limits, baseline = [], list[LimitPoint](), None
    if known is not None and days:
        chart = known.chart()
        chart.follow(known, chosen)
        enough = len(days) >= ENOUGH_SHARE * of - TOLERANCE
        if chart.base:
            ended = date.fromordinal(known.day[chart.base - 1])
            baseline = Baseline(round(chart.mean, 4), round(chart.deviation, 4), round(chart.phi, 4), ended)
        else:
            said.append(
                f"Not enough data for a baseline: it needs {number(chosen['baseline_days'])} days with an entry over "
                f"{number(chosen['baseline_span'])}."
            )
        if not enough:
            said.append(_too_few("days", len(days), of))
        elif chart.base:
            for i in (i for i in window if i >= chart.base):
                width = abs(chart.limit_at(i) - chart.mean)
                average = chart.average[i - chart.base]
                limits.append(_limits(date.fromordinal(known.day[i]), average, chart.mean, width, (0, 10)))
    moved = None
    if len(days) >= ENOUGH_DAYS:
        moved = variability([point.day.toordinal() for point in days], [point.mean for point in days])
        if moved.pairs < AR1_PAIRS:
            said.append(
                f"Not enough data for autocorrelation: {counted(moved.pairs, 'pair', 'pairs')} of adjacent days, and "
                f"{AR1_PAIRS} are needed."
            )
    else:
        said.append(
            f"Not enough data: {counted(len(days), 'day', 'days')} with an entry, and 5 are needed to say more."
        )
    return Trend(
        measure="mood",
        minimum=0,
        maximum=10,
        higher_is_worse=False,
        unit="day",
        days=days,
        weeks=weeks_of(days, first=first, today=today),
        baseline=baseline,
        limits=limits,
        observed=len(days),
        of=of,
        variability=moved,
        said=said,
    )


def score_trend(
    name: str, of_measure: Scores, measure: Measure | None, *, episode_from: int, first: date, today: date
) -> Trend:
    """A questionnaire's valid scores of the present episode, from `first` to `today`; limits are along ISO weeks."""
    by_day: defaultdict[int, list[float]] = defaultdict(list)
    for day, score, missing in zip(of_measure.day, of_measure.score, of_measure.missing, strict=True):
        if not missing and day >= episode_from and day <= today.toordinal():
            by_day[day].append(score)
    every = [
        DayPoint(date.fromordinal(day), round(fsum(scores) / len(scores), 4), len(scores))
        for day, scores in sorted(by_day.items())
    ]
    days = [point for point in every if point.day >= first]
    weeks = weeks_of(days, first=first, today=today)
    begun = next((place for place, week in enumerate(weeks) if week.days), len(weeks))
    observed, of = sum(week.days > 0 for week in weeks), len(weeks) - begun
    said, limits, baseline = [], list[LimitPoint](), None
    if measure is not None and every:
        known = [week for week in weeks_of(every, first=every[0].day, today=today) if week.mean is not None]
        baseline, limits = _weekly_chart(known, measure, first)
        if baseline is None:
            said.append(f"Not enough data for a baseline: scores in {BASELINE_WEEKS} weeks are needed.")
        elif observed < ENOUGH_SHARE * of - TOLERANCE:
            limits = []
            said.append(_too_few("weeks", observed, of))
    if not days:
        said.append("Not enough data: there is no score in these weeks.")
    return Trend(
        measure=name,
        minimum=measure.minimum if measure else None,
        maximum=measure.maximum if measure else None,
        higher_is_worse=measure.worse > 0 if measure else None,
        unit="week",
        days=days,
        weeks=weeks,
        baseline=baseline,
        limits=limits,
        observed=observed,
        of=of,
        variability=None,
        said=said,
    )


def weeks_of(days: Sequence[DayPoint], *, first: date, today: date) -> list[Week]:
    """The ISO weeks from the one of `first` to the one of `today`, each with the mean of its day means."""
    by_week: defaultdict[date, list[float]] = defaultdict(list)
    for point in days:
        by_week[_monday(point.day)].append(point.mean)
    found: list[Week] = []
    monday = _monday(first)
    while monday <= today:
        known = by_week.get(monday, [])
        mean = fsum(known) / len(known) if known else None
        before = found[-1].mean if found else None
        change = round(mean - before, 4) if mean is not None and before is not None else None
        found.append(Week(monday, len(known), None if mean is None else round(mean, 4), change))
        monday += timedelta(days=7)
    return found


def _weekly_chart(weeks: Sequence[Week], measure: Measure, first: date) -> tuple[Baseline | None, list[LimitPoint]]:
    """An EWMA chart along observed weeks, both sides, behind a baseline of the first eight (docs/trends.md)."""
    if len(weeks) < BASELINE_WEEKS:
        return None, []
    values = [week.mean for week in weeks if week.mean is not None]
    usual = values[:BASELINE_WEEKS]
    mean = fsum(usual) / BASELINE_WEEKS
    squares = fsum((value - mean) ** 2 for value in usual)
    lagged = fsum((here - mean) * (there - mean) for here, there in pairwise(usual))
    sd = max(sqrt(squares / (BASELINE_WEEKS - 1)), 0.05 * (measure.maximum - measure.minimum))
    phi = min(max(lagged / squares, 0.0), _MOST_PHI) if squares > TOLERANCE else 0.0
    sigma = sd * sqrt((1 + phi) / (1 - phi))
    limits, average = [], mean
    for n, (week, value) in enumerate(zip(weeks[BASELINE_WEEKS:], values[BASELINE_WEEKS:], strict=True), start=1):
        average = _WEIGHT * value + (1 - _WEIGHT) * average
        width = _LIMIT * sigma * sqrt(_WEIGHT / (2 - _WEIGHT) * (1 - (1 - _WEIGHT) ** (2 * n)))
        if week.monday >= _monday(first):
            limits.append(_limits(week.monday, average, mean, width, (measure.minimum, measure.maximum)))
    return Baseline(round(mean, 4), round(sd, 4), round(phi, 4), weeks[BASELINE_WEEKS - 1].monday), limits


def _limits(day: date, average: float, mean: float, width: float, between: tuple[float, float]) -> LimitPoint:
    """Limits never lie outside the scale."""
    lower, upper = max(mean - width, between[0]), min(mean + width, between[1])
    return LimitPoint(day, round(average, 4), round(lower, 4), round(upper, 4))


def _too_few(unit: str, observed: int, of: int) -> str:
    return f"Not enough data for control limits: entries in {observed} of {of} {unit}, and 60 % are needed."


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
