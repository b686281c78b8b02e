"""What came, derived from the series: a worsening that lasted. docs/detection.md says it in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean, stdev
from typing import Final

from benchmarks.detection.rules import as_mood, baseline
from benchmarks.detection.series import Loaded, Point

LOOKBACK_SCORES: Final = 28.0
LOOKBACK_DAILY: Final = 7.0
"""Days before something begins in which an alarm counts as early, not as false."""


@dataclass(frozen=True)
class Came:
    """A worsening that lasted. begins, ends: days of its first and last value; known: the day on which the mean that
    defines it could first be computed, by which an alarm must have been raised to count as having caught it."""

    begins: float
    known: float
    ends: float


def events(days: Sequence[float], beyond: Sequence[bool], k: int) -> list[Came]:
    """The stretches of windows of k values that are beyond; `beyond[i]` is of the window that begins at i."""
    found: list[Came] = []
    place = 0
    while place < len(beyond):
        if not beyond[place]:
            place += 1
            continue
        first = place
        while place < len(beyond) and beyond[place]:
            place += 1
        found.append(Came(days[first], days[first + k - 1], days[place - 1 + k - 1]))
    return found


def came(loaded: Loaded, series: Sequence[Point]) -> list[Came]:
    """All that came of one patient, in order."""
    return _of_days(loaded, series) if loaded.source.daily else _of_scores(loaded, series)


def _of_scores(loaded: Loaded, series: Sequence[Point]) -> list[Came]:
    """The mean of k scores running is the reliable change worse than the first (deterioration), or at caseness and the
    reliable change worse than the best before them, which was below caseness (relapse)."""
    source, change = loaded.source, loaded.change
    days, values = [day for day, _ in series], [source.worse * value for _, value in series]
    cut, best = source.worse * source.caseness, inf
    beyond = [False]
    for index in range(1, len(values) - source.k + 1):
        best = min(best, values[index - 1])
        mean = fmean(values[index : index + source.k])
        relapsed = best < cut <= mean and mean - best >= change
        beyond.append(mean - values[0] >= change or relapsed)
    return events(days, beyond, source.k)


def _of_days(loaded: Loaded, series: Sequence[Point]) -> list[Came]:
    """The mean of k observed days running is more than one deviation of the baseline (at least half a point) worse."""
    source, run = loaded.source, baseline(loaded, series)
    if not run:
        return []
    sign = 1 if source.measure == "mania_score" else -1
    moods = [sign * as_mood(loaded, value) for _, value in series]
    mean, sd = fmean(moods[:run]), max(stdev(moods[:run]), 0.5)
    beyond = [False] * run
    beyond += [fmean(moods[i : i + source.k]) - mean > sd for i in range(run, len(moods) - source.k + 1)]
    return events([day for day, _ in series], beyond, source.k)
