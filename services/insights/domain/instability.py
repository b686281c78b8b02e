"""Mood instability: how much mood moves from one day to the next (docs/rules.md, 3.2). Shown; nobody is alerted."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import fsum, sqrt
from typing import Final

from services.insights.domain.catalogue import MOOD_INSTABILITY, Parameters
from services.insights.domain.instants import TOLERANCE, instant_of
from services.insights.domain.mood_shift import MoodDays, baseline_end, chart_of
from services.insights.domain.words import counted, number, on_day
from shared.contracts.assessments import Concern

AR1_PAIRS: Final = 20
"""Pairs of adjacent days below which no autoregression is given."""


@dataclass(frozen=True, slots=True)
class Variability:
    """How values of successive days differ. pairs: of adjacent days; rmssd: None without any; ar1: the least-squares
    slope of a day on the day before, None below 20 pairs or where nothing varies."""

    pairs: int
    rmssd: float | None
    ar1: float | None


def variability(days: Sequence[int], values: Sequence[float]) -> Variability:
    """Of day ordinals, ascending, with their values: over pairs of adjacent days only (clinical reference, 4.4)."""
    adjacent = [(a, b) for (on, a), (then, b) in pairwise(zip(days, values, strict=True)) if then - on == 1]
    if not adjacent:
        return Variability(0, None, None)
    rmssd = sqrt(fsum((there - here) ** 2 for here, there in adjacent) / len(adjacent))
    ar1 = slope(adjacent) if len(adjacent) >= AR1_PAIRS else None
    return Variability(len(adjacent), rmssd, ar1)


def slope(pairs: Sequence[tuple[float, float]]) -> float | None:
    """The least-squares slope of the second on the first; None where the first does not vary."""
    count = len(pairs)
    x_mean, y_mean = fsum(x for x, _ in pairs) / count, fsum(y for _, y in pairs) / count
    alone = fsum((x - x_mean) ** 2 for x, _ in pairs)
    if alone < TOLERANCE:
        return None
    return fsum((x - x_mean) * (y - y_mean) for x, y in pairs) / alone


class Swings:
    """Day by day: the sum of squared differences over pairs of adjacent days so far, their count, and the index of the
    day since which the concern has held without a break (-1: it does not)."""

    __slots__ = ("_given", "_key", "base", "clean", "count", "since", "total", "usual", "walked")

    def __init__(self) -> None:
        self.total = array("d")
        self.count = array("i")
        self.since = array("i")
        self.clean = self.base = 0
        self.usual: float | None = None
        self._given: Parameters = {}
        self._key: tuple[float, ...] = ()
        self.walked = 0

    def follow(self, days: MoodDays, parameters: Parameters) -> None:
        """Walk on from the first day that changed."""
        if parameters is not self._given:  # a clinic's are one object from one look to the next
            key, self._given = tuple(parameters.values()), parameters
            if key != self._key:
                self._key, self.clean, self.base = key, 0, 0
        if self.clean == len(days.day) == len(self.total):
            return
        start = self.clean
        self._add_up(days, start)
        if start < self.base or not self.base:
            self.base = baseline_end(days.day, 0, int(parameters["baseline_days"]), int(parameters["baseline_span"]))
            self.usual = self._rmssd(0, self.base, int(parameters["pairs"])) if self.base else None
            start = min(start, self.base)
        if self.base:
            self._judge(days.day, max(start, self.base), parameters)
        self.clean = len(days.day)

    def _add_up(self, days: MoodDays, start: int) -> None:
        del self.total[start:], self.count[start:]
        total, count = (self.total[-1], self.count[-1]) if start else (0.0, 0)
        before = days.mean_of(start - 1) if start else 0.0
        for index in range(start, len(days.day)):
            value = days.mean_of(index)
            if index and days.day[index] - days.day[index - 1] == 1:
                total += (value - before) ** 2
                count += 1
            self.total.append(total)
            self.count.append(count)
            before = value
        self.walked += len(days.day) - start

    def _rmssd(self, begin: int, end: int, least: int) -> float | None:
        """Of the days from `begin` to before `end`; None where there are fewer than `least` pairs."""
        if end - begin < 2:
            return None
        pairs = self.count[end - 1] - self.count[begin]
        return sqrt(max(self.total[end - 1] - self.total[begin], 0.0) / pairs) if pairs >= least else None

    def _judge(self, day: Sequence[int], start: int, parameters: Parameters) -> None:
        del self.since[start - self.base :]
        since = self.since[-1] if self.since else -1
        for index in range(start, len(day)):
            recent = self.recent(day, index, parameters)
            if recent is None or self.usual is None or recent < self._limit(parameters) - TOLERANCE:
                since = -1
            elif since < 0:
                since = index
            self.since.append(since)

    def recent(self, day: Sequence[int], index: int, parameters: Parameters) -> float | None:
        """RMSSD of the days up to the one at `index`, none of them of the baseline; None where pairs are too few."""
        begin = max(self.base, bisect_left(day, day[index] - int(parameters["days"]) + 1))
        return self._rmssd(begin, index + 1, int(parameters["pairs"]))

    def _limit(self, parameters: Parameters) -> float:
        return parameters["factor"] * max(self.usual or 0.0, parameters["floor"])


def concern(days: MoodDays, parameters: Parameters) -> Concern | None:
    """What the rule says now; None while mood moves no more than usual, or too little is known."""
    walk = days.walks.get(MOOD_INSTABILITY.name)
    if not isinstance(walk, Swings):
        walk = days.walks[MOOD_INSTABILITY.name] = Swings()
    walk.follow(days, parameters)
    if not walk.base or not walk.since or walk.since[-1] < 0:
        return None
    last, since = len(days.day) - 1, walk.since[-1]
    recent, usual = walk.recent(days.day, last, parameters), walk.usual
    if recent is None or usual is None:
        return None
    begin = max(walk.base, bisect_left(days.day, days.day[last] - int(parameters["days"]) + 1))
    window = variability(days.day[begin:], [days.mean_of(index) for index in range(begin, last + 1)])
    return Concern(
        rule=MOOD_INSTABILITY.name,
        holds=True,
        since=instant_of(days.first[since]),
        reason=(
            f"Since {on_day(date.fromordinal(days.day[since]))} mood has moved more from day to day than usual: by "
            f"{number(recent, 1)} points (RMSSD over {counted(window.pairs, 'pair', 'pairs')} of adjacent days), "
            f"usually {number(usual, 1)}. This describes the entries and predicts nothing."
        ),
        until=MOOD_INSTABILITY.until,
        source=MOOD_INSTABILITY.source,
        parameters=dict(parameters),
        numbers={
            "rmssd": round(recent, 4),
            "baseline_rmssd": round(usual, 4),
            "pairs": window.pairs,
            "ar1": None if window.ar1 is None else round(window.ar1, 4),
        },
        telling=[],
        chart=chart_of(days),
    )
