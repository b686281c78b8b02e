"""Who raises alarms: our rules, through insights' own domain, and plain rivals. Each has one threshold to sweep."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from math import sqrt
from statistics import fmean
from typing import Final, Literal

from benchmarks.detection.series import Loaded, Point
from services.insights.domain import Standing, backtest
from shared.contracts import CheckInRecorded, Clinic, QuestionnaireCompleted
from shared.contracts.base import Fact, Origin
from shared.contracts.clinics import ClinicSettings, Contact, CutOff, RuleChoice, RuleSet, Scale

START: Final = datetime(2020, 1, 1, 12, tzinfo=UTC)
CLINIC: Final = "bench"
MEASURE: Final = "scale"
SHEWHART_SCORES: Final = 5
"""Scores whose mean and deviation a Shewhart chart of a questionnaire begins with."""


@dataclass(frozen=True)
class Alarms:
    """A rule with one threshold: the one it is used at, those swept, and the days on which it raises an alarm.

    ours: whether it is this platform's.
    """

    name: str
    used: tuple[float, ...]
    swept: tuple[float, ...]
    raised: Callable[[Sequence[Point], float], list[float]]
    ours: bool = False


def rules_for(loaded: Loaded) -> list[Alarms]:
    """Ours and the rivals, for one measure."""
    return _daily(loaded) if loaded.source.daily else _scores(loaded)


def baseline(loaded: Loaded, series: Sequence[Point]) -> int:
    """How many first values the baseline is: of daily values 0 where there are too few for one; of scores 1."""
    source = loaded.source
    if not source.daily:
        return 1
    for count in range(source.baseline_days, len(series) + 1):
        if series[count - 1][0] - series[0][0] + 1 >= source.baseline_span:
            return count
    return 0


# --- ours, as it runs live


def _clinic(rules: dict[str, RuleChoice], base: Literal["starter", "none"] = "none", **more: object) -> Standing:
    settings = ClinicSettings.model_validate(
        {
            "effective_from": START - timedelta(days=365),
            "zone": "UTC",
            "working_hours": {"mon": (time(9), time(17))},
            "rule_set": RuleSet(base=base, rules=rules),
            "fallback_contact": Contact(name="nobody", email="nobody@bench.invalid"),
            **more,
        }
    )
    return Standing(Clinic(clinic=CLINIC, version=1, name=CLINIC, settings=[settings]))


def _days_raised(facts: Sequence[tuple[str, Fact]], standing: Standing) -> list[float]:
    until = max(fact.occurred_at for _, fact in facts)
    raised = backtest("p", facts, standing, until=until)
    return sorted({(one.raised_at - START) / timedelta(days=1) for one in raised})


def _at(day: float, place: int) -> datetime:
    """Two scores of one day keep their order."""
    return START + timedelta(days=day, microseconds=place)


def _scored(loaded: Loaded, rules: Sequence[str]) -> Callable[[Sequence[Point], float], list[float]]:
    source = loaded.source
    scale = Scale(name=MEASURE, minimum=source.minimum, maximum=source.maximum, higher_is_worse=source.worse > 0)
    chosen = {rule: RuleChoice() for rule in rules}

    @cache
    def standing(change: float) -> Standing:
        cut_off = CutOff(caseness=source.caseness, reliable_change=change)
        return _clinic(chosen, scales=[scale], cut_offs={MEASURE: cut_off})

    def raised(series: Sequence[Point], change: float) -> list[float]:
        return _days_raised(_questionnaires(tuple(series)), standing(change))

    return raised


@cache
def _questionnaires(series: tuple[Point, ...]) -> list[tuple[str, Fact]]:
    return [
        (
            f"{place:04}",
            QuestionnaireCompleted(
                clinic=CLINIC, patient="p", occurred_at=_at(day, place), local_day=_at(day, place).date(),
                origin=Origin.LIVE, instrument=MEASURE, score=value,
            ),
        )
        for place, (day, value) in enumerate(series)
    ]  # fmt: skip


def _shifted(loaded: Loaded, weight: float = 0.1) -> Callable[[Sequence[Point], float], list[float]]:
    source = loaded.source
    rule = "mood_shift_up" if source.measure == "mania_score" else "mood_shift"
    spans = {"baseline_days": source.baseline_days, "baseline_span": source.baseline_span}

    @cache
    def standing(limit: float) -> Standing:
        return _clinic({rule: RuleChoice(parameters={**spans, "limit": limit, "lambda": weight})})

    @cache
    def check_ins(series: tuple[Point, ...]) -> list[tuple[str, Fact]]:
        return [
            (
                f"{place:04}",
                CheckInRecorded(
                    clinic=CLINIC, patient="p", occurred_at=_at(day, place), local_day=_at(day, place).date(),
                    origin=Origin.LIVE, mood=round(as_mood(loaded, value), 2),
                ),
            )
            for place, (day, value) in enumerate(series)
        ]  # fmt: skip

    def raised(series: Sequence[Point], limit: float) -> list[float]:
        return _days_raised(check_ins(tuple(series)), standing(limit))

    return raised


def as_mood(loaded: Loaded, value: float) -> float:
    """A value on its own range, linearly as 0 to 10: 10 is best, but for mania, where it is most."""
    source = loaded.source
    share = (value - source.minimum) / (source.maximum - source.minimum)
    return 10 * (share if source.measure == "mania_score" or source.worse < 0 else 1 - share)


# --- rivals


def crossings(series: Iterable[tuple[float, bool]]) -> list[float]:
    """The days on which something begins to be so."""
    found, before = [], False
    for day, now in series:
        if now and not before:
            found.append(day)
        before = now
    return found


def _scores(loaded: Loaded) -> list[Alarms]:
    worse, source = loaded.source.worse, loaded.source
    span = source.maximum - source.minimum

    def rise(series: Sequence[Point], threshold: float) -> list[float]:
        first = series[0][1]
        return crossings((day, worse * (value - first) >= threshold) for day, value in series[1:])

    def rise_over_best(series: Sequence[Point], threshold: float) -> list[float]:
        best, over = worse * series[0][1], []
        for day, value in series[1:]:
            over.append((day, worse * value - best >= threshold))
            best = min(best, worse * value)
        return crossings(over)

    def shewhart(series: Sequence[Point], limit: float) -> list[float]:
        if len(series) <= SHEWHART_SCORES:
            return []
        values = [value for _, value in series[:SHEWHART_SCORES]]
        mean = fmean(values)
        sd = sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
        sd = max(sd, 0.05 * span)
        return crossings((day, worse * (value - mean) > limit * sd) for day, value in series[SHEWHART_SCORES:])

    def last(series: Sequence[Point], threshold: float) -> list[float]:
        return crossings((day, worse * value >= threshold) for day, value in series[1:])

    changes = tuple(float(change) for change in range(1, 31) if change <= span)
    levels = tuple(sorted(worse * (source.minimum + span * step / 30) for step in range(31)))
    ours = _scored(loaded, ["reliable_deterioration", "relapse"])
    return [
        Alarms("reliable deterioration and relapse", (loaded.change,), changes, ours, ours=True),
        Alarms("reliable deterioration alone", (loaded.change,), changes,
               _scored(loaded, ["reliable_deterioration"]), ours=True),
        Alarms("a fixed rise over the first score", (5.0, 10.0), changes, rise),
        Alarms("a fixed rise over the best score so far", (5.0, 10.0), changes, rise_over_best),
        Alarms("Shewhart, one score", (2.0, 3.0), tuple(step / 4 for step in range(1, 33)), shewhart),
        Alarms("the last score alone", (worse * source.caseness,), levels, last),
    ]  # fmt: skip


def _daily(loaded: Loaded) -> list[Alarms]:
    sign = 1 if loaded.source.measure == "mania_score" else -1

    def usual(series: Sequence[Point]) -> tuple[int, float, float]:
        run = baseline(loaded, series)
        moods = [as_mood(loaded, value) for _, value in series[:run]]
        if not run:
            return 0, 0.0, 0.0
        mean = fmean(moods)
        return run, mean, max(sqrt(sum((mood - mean) ** 2 for mood in moods) / max(run - 1, 1)), 0.5)

    def drop(series: Sequence[Point], points: float) -> list[float]:
        run, mean, _ = usual(series)
        return crossings(
            (day, sign * (as_mood(loaded, value) - mean) >= points) for day, value in (series[run:] if run else ())
        )

    def shewhart(series: Sequence[Point], limit: float) -> list[float]:
        run, mean, sd = usual(series)
        return crossings(
            (day, sign * (as_mood(loaded, value) - mean) > limit * sd) for day, value in (series[run:] if run else ())
        )

    def last(series: Sequence[Point], level: float) -> list[float]:
        run, _, _ = usual(series)
        return crossings((day, sign * as_mood(loaded, value) >= level) for day, value in (series[run:] if run else ()))

    steps = tuple(step / 4 for step in range(1, 33))
    levels = tuple(sorted(sign * step / 4 for step in range(41)))
    return [
        Alarms("mood shift (EWMA)", (2.7,), tuple(0.5 + step / 4 for step in range(27)), _shifted(loaded), ours=True),
        Alarms("mood shift with lambda 0.2", (2.86,), tuple(0.5 + step / 4 for step in range(27)),
               _shifted(loaded, 0.2), ours=True),
        Alarms("a fixed change from the usual, points of 10", (1.0, 2.0), steps, drop),
        Alarms("Shewhart, one day", (2.0, 3.0), steps, shewhart),
        Alarms("the last day alone", (sign * (3.0 if sign < 0 else 7.0),), levels, last),
    ]  # fmt: skip
