"""Figures: false alarms per patient-year, share caught, days of warning, and rules compared at one false-alarm rate."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Final

from benchmarks.detection.rules import Alarms, baseline
from benchmarks.detection.series import Loaded, Point
from benchmarks.detection.truth import LOOKBACK_DAILY, LOOKBACK_SCORES, Came, came

YEAR: Final = 365.25
RESAMPLES: Final = 400
SEED: Final = 20261123
AHEAD, BEHIND, EVEN = "ours ahead", "**the rival ahead**", "no difference shown"
AHEAD, BEHIND, EVEN = "ours ahead", "**the rival ahead**", "no difference shown"
Interval = tuple[float, float]


@dataclass(frozen=True)
class Watched:
    """One patient: the years alarms could be raised in, and what came."""

    series: Sequence[Point]
    years: float
    came: Sequence[Came]


@dataclass(frozen=True)
class Counted:
    """One rule at one threshold on one patient: false alarms, events caught, and the days of warning of each."""

    false: int
    caught: int
    warning: tuple[float, ...]


@dataclass(frozen=True)
class Figures:
    """One rule at one threshold on some patients; intervals are 95 %, over patients."""

    threshold: float
    alarms_false: int
    per_year: float
    per_year_interval: Interval
    caught: int
    events: int
    share: float | None
    share_interval: Interval | None
    warning: float | None


@dataclass(frozen=True)
class Matched:
    """Two rules at the same rate of false alarms: shares caught, and the interval of their difference."""

    rival: str
    rate: float
    ours: float
    theirs: float
    difference: Interval

    @property
    def verdict(self) -> str:
        """Who is ahead, where the interval says so."""
        if self.difference[0] > 0:
            return AHEAD
        return BEHIND if self.difference[1] < 0 else EVEN


def watch(loaded: Loaded, *, held_out: bool) -> list[Watched]:
    """The patients of a half who can be judged at all: they have values behind the baseline."""
    found = []
    for series in loaded.half(held_out=held_out).values():
        run = baseline(loaded, series)
        if run and len(series) > run:
            years = max(series[-1][0] - series[run - 1][0], 1.0) / YEAR
            found.append(Watched(series, years, came(loaded, series)))
    return found


def count(patient: Watched, alarms: Sequence[float], lookback: float) -> Counted:
    """Alarms set against what came. One within an event, or at most `lookback` days before it, is not false."""
    false = sum(not any(one.begins - lookback <= day <= one.ends + 1e-6 for one in patient.came) for day in alarms)
    warning = []
    for one in patient.came:
        in_time = [day for day in alarms if one.begins - lookback <= day <= one.known + 1e-6]
        if in_time:
            warning.append(one.known - min(in_time))
    return Counted(false, len(warning), tuple(warning))


class Sweep:
    """A rule at every threshold, on every patient of a half; everything else is sums of these counts."""

    def __init__(self, alarms: Alarms, patients: Sequence[Watched], lookback: float) -> None:
        self.alarms, self._patients = alarms, patients
        self.thresholds = sorted({*alarms.swept, *alarms.used})
        self.counts: Mapping[float, list[Counted]] = {
            threshold: [count(one, alarms.raised(one.series, threshold), lookback) for one in patients]
            for threshold in self.thresholds
        }

    def figures(self, threshold: float, samples: Sequence[Sequence[int]]) -> Figures:
        """At one threshold, with intervals from these resamples of patients."""
        counts = self.counts[threshold]
        everybody = range(len(counts))
        rate, share = self._rate(threshold, everybody), self._share(threshold, everybody)
        shares = [value for sample in samples if (value := self._share(threshold, sample)) is not None]
        warning = [day for one in counts for day in one.warning]
        return Figures(
            threshold=threshold,
            alarms_false=sum(one.false for one in counts),
            per_year=rate,
            per_year_interval=interval([self._rate(threshold, sample) for sample in samples]),
            caught=sum(one.caught for one in counts),
            events=sum(len(one.came) for one in self._patients),
            share=share,
            share_interval=interval(shares) if shares else None,
            warning=median(warning) if warning else None,
        )

    def share_at(self, rate: float, sample: Sequence[int]) -> float | None:
        """The share caught at a rate of false alarms: read off the curve of all thresholds, straight between points.

        The curve goes from no alarms at all to, at a rate beyond its greatest, the most it ever catches.
        """
        curve: dict[float, float] = {0.0: 0.0}
        for threshold in self.thresholds:
            share = self._share(threshold, sample)
            if share is None:
                return None
            at = self._rate(threshold, sample)
            curve[at] = max(share, curve.get(at, 0.0))
        points: list[tuple[float, float]] = []
        for at, share in sorted(curve.items()):
            points.append((at, max(share, points[-1][1] if points else 0.0)))
        rates = [at for at, _ in points]
        place = bisect_left(rates, rate)
        if place == len(points):
            return points[-1][1]
        if rates[place] == rate or place == 0:
            return points[place][1]
        (low, less), (high, more) = points[place - 1], points[place]
        return less + (more - less) * (rate - low) / (high - low)

    @property
    def speaks(self) -> bool:
        """Whether it raises any alarm that is right or false, at any threshold: a chart may need more values first."""
        return any(one.false or one.caught for counts in self.counts.values() for one in counts)

    def rate(self, threshold: float) -> float:
        """False alarms per patient-year of everybody."""
        return self._rate(threshold, range(len(self._patients)))

    def _rate(self, threshold: float, sample: Sequence[int]) -> float:
        counts = self.counts[threshold]
        return sum(counts[i].false for i in sample) / sum(self._patients[i].years for i in sample)

    def _share(self, threshold: float, sample: Sequence[int]) -> float | None:
        total = sum(len(self._patients[i].came) for i in sample)
        return sum(self.counts[threshold][i].caught for i in sample) / total if total else None


def resamples(patients: int) -> list[list[int]]:
    """Patients drawn with replacement, always the same draws."""
    chance = Random(SEED)
    return [[chance.randrange(patients) for _ in range(patients)] for _ in range(RESAMPLES)]


def interval(values: Sequence[float]) -> Interval:
    """The middle 95 %."""
    ordered = sorted(values)
    return ordered[int(0.025 * (len(ordered) - 1))], ordered[int(0.975 * (len(ordered) - 1) + 0.999)]


def matched(ours: Sweep, rival: Sweep, rate: float, samples: Sequence[Sequence[int]]) -> Matched | None:
    """Both at one rate of false alarms; None where nothing came."""
    everybody = range(len(ours.counts[ours.thresholds[0]]))
    mine, theirs = ours.share_at(rate, everybody), rival.share_at(rate, everybody)
    if mine is None or theirs is None:
        return None
    differences = []
    for sample in samples:
        here, there = ours.share_at(rate, sample), rival.share_at(rate, sample)
        if here is not None and there is not None:
            differences.append(here - there)
    return Matched(rival.alarms.name, rate, mine, theirs, interval(differences))


def lookback(loaded: Loaded) -> float:
    """Days before an event in which an alarm is early and not false."""
    return LOOKBACK_DAILY if loaded.source.daily else LOOKBACK_SCORES
