"""Mood shift: an EWMA control chart of day means under the patient's own baseline (docs/rules.md, 3).

Columns of a few bytes a day instead of objects, and a walk that goes on from the first day that changed: an entry in
order costs one step however long the history, a late one the days after it.
"""

from array import array
from bisect import bisect_left, bisect_right
from datetime import date
from functools import lru_cache
from itertools import pairwise
from math import fsum, sqrt

from services.insights.domain.catalogue import MOOD_SHIFT, Parameters
from services.insights.domain.instants import ORIGINS, TOLERANCE, instant_of
from services.insights.domain.packed_ids import PackedIds
from services.insights.domain.words import number, on_day
from shared.contracts.assessments import Chart, Concern, Telling

_CHART_DAYS = 30


class MoodDays:
    """The observed days of one patient's check-ins, and the control chart along them.

    day: ordinals, ascending; total: sum of moods in whole hundredths; count: check-ins; first: the earliest
    occurred_at; origin: of the last check-in in order. The first `base` of them are the baseline; of the others,
    average: the EWMA after the day; began: the ordinal of the day that began the shift open then, else 0.

    Beside them a row for each check-in, day by day and within a day in order, so that one can be corrected or
    withdrawn: at, mood (in whole hundredths), how it came, and id. A row's day is found by counting from the last.
    """

    __slots__ = (
        "_at",
        "_clean",
        "_how",
        "_ids",
        "_key",
        "_mood",
        "average",
        "base",
        "began",
        "count",
        "day",
        "deviation",
        "first",
        "mean",
        "origin",
        "phi",
        "total",
        "walked",
        "width",
    )

    def __init__(self) -> None:
        self.day = array("i")
        self.total = array("i")
        self.count = array("i")
        self.first = array("q")
        self.origin = array("b")
        self.average = array("d")
        self.began = array("i")
        self._at = array("q")
        self._mood = array("h")
        self._how = array("b")
        self._ids = PackedIds()
        self._clean = 0
        self.base = 0
        self._key: tuple[float, ...] = ()
        self.mean = self.deviation = self.phi = self.width = 0.0
        self.walked = 0

    def add(self, day: int, hundredths: int, at: int, origin: int, fact_id: str) -> None:
        """Take a check-in into its day."""
        days, end = self.day, len(self._at)
        index = len(days) - 1
        if index >= 0 and days[index] > day:
            index = bisect_right(days, day) - 1
            end -= sum(self.count[index + 1 :])
        row = end
        if index < 0 or days[index] != day:
            index += 1
            days.insert(index, day)
            self.total.insert(index, hundredths)
            self.count.insert(index, 1)
            self.first.insert(index, at)
            self.origin.insert(index, origin)
        else:
            start = end - self.count[index]
            while row > start and self._before(at, fact_id, row - 1):
                row -= 1
            self.total[index] += hundredths
            self.count[index] += 1
            if row == start:
                self.first[index] = at
            if row == end:
                self.origin[index] = origin
        self._clean = min(self._clean, index)
        self._at.insert(row, at)
        self._mood.insert(row, hundredths)
        self._how.insert(row, origin)
        self._ids.insert(row, fact_id)

    def _before(self, at: int, fact_id: str, row: int) -> bool:
        known = self._at[row]
        return at < known or (at == known and fact_id < self._ids.text(row))

    def correct(self, fact_id: str, hundredths: int) -> None:
        """Have a check-in count with another mood; nothing where there is none of this id."""
        row = self._ids.find(fact_id)
        if row >= 0:
            index, _ = self._day_of(row)
            self.total[index] += hundredths - self._mood[row]
            self._mood[row] = hundredths
            self._clean = min(self._clean, index)

    def withdraw(self, fact_id: str) -> int | None:
        """Take a check-in out of its day; the day (ordinal), or None where there is none of this id."""
        row = self._ids.find(fact_id)
        if row < 0:
            return None
        index, start = self._day_of(row)
        day = self.day[index]
        self.total[index] -= self._mood[row]
        self.count[index] -= 1
        for column in (self._at, self._mood, self._how):
            del column[row]
        self._ids.remove(row)
        self._clean = min(self._clean, index)
        if self.count[index]:
            self.first[index] = self._at[start]
            self.origin[index] = self._how[start + self.count[index] - 1]
        else:
            for one in (self.day, self.total, self.count, self.first, self.origin):
                del one[index]
        return day

    def _day_of(self, row: int) -> tuple[int, int]:
        """The index of a row's day, and the day's first row."""
        index, start = len(self.day) - 1, len(self._at) - self.count[-1]
        while row < start:
            index -= 1
            start -= self.count[index]
        return index, start

    def mean_of(self, index: int) -> float:
        """The mean mood of a day, 0 to 10."""
        return self.total[index] / (100 * self.count[index])

    def follow(self, parameters: Parameters) -> None:
        """Bring the chart up to date: nothing if no day changed, else from the first day that did."""
        key = tuple(parameters.values())
        if key != self._key:
            self._key, self._clean, self.base = key, 0, 0
        if self._clean == len(self.day) and (not self.base or len(self.average) == len(self.day) - self.base):
            return  # of a last day that was withdrawn there may be more averages than days
        if self._clean < self.base or not self.base:
            self._settle_baseline(parameters)
        if self.base:
            self._walk(max(self._clean, self.base), parameters["lambda"], parameters["limit"])
        self._clean = len(self.day)

    def _settle_baseline(self, parameters: Parameters) -> None:
        """The shortest run of first observed days that is long enough; its mean, deviation and autocorrelation."""
        days, spanning = self.day, int(parameters["baseline_span"])
        if not days:
            self.base = 0
            return
        run = max(int(parameters["baseline_days"]), bisect_left(days, days[0] + spanning - 1) + 1)
        self.base = run if run <= len(days) else 0
        self._clean = min(self._clean, self.base)
        if not self.base:
            return
        means = [self.mean_of(index) for index in range(run)]
        self.walked += run
        mean = fsum(means) / run
        off = [value - mean for value in means]
        squares = fsum(value * value for value in off)
        lagged = fsum(here * there for here, there in pairwise(off))
        self.mean = mean
        self.deviation = max(sqrt(squares / max(run - 1, 1)), parameters["sd_floor"])
        self.phi = min(max(lagged / squares, 0.0), 0.7) if squares > TOLERANCE else 0.0
        self.width = self.deviation * sqrt((1 + self.phi) / (1 - self.phi))

    def _walk(self, start: int, weight: float, limit: float) -> None:
        base, mean, width = self.base, self.mean, self.width
        total, count, average, began, days = self.total, self.count, self.average, self.began, self.day
        factors = _factors(weight, limit)
        least = mean - TOLERANCE
        del average[start - base :], began[start - base :]
        z, opened = (average[-1], began[-1]) if average else (mean, 0)
        end = len(days)
        _lengthen(factors, end - base, weight, limit)
        for index in range(start, end):
            z = weight * (total[index] / (100 * count[index])) + (1 - weight) * z
            if opened:
                if z >= least:
                    opened = 0
            elif z < least - width * factors[index - base]:
                opened = days[index]
            average.append(z)
            began.append(opened)
        self.walked += end - start


def concern(days: MoodDays, parameters: Parameters) -> Concern | None:
    """What the rule says now; None while no shift is open."""
    days.follow(parameters)
    if not days.base or not days.began or not days.began[-1]:
        return None
    last = len(days.day) - 1
    begun = bisect_left(days.day, days.began[-1])
    since, day = instant_of(days.first[begun]), date.fromordinal(days.day[begun])
    factor = _factors(parameters["lambda"], parameters["limit"])[last - days.base]
    limit = days.mean - days.width * factor
    average, latest = days.average[-1], days.mean_of(last)
    return Concern(
        rule=MOOD_SHIFT.name,
        holds=True,
        since=since,
        reason=(
            f"Daily mood has moved below this person's usual since {on_day(day)}: its moving average is "
            f"{number(average, 1)}, usually {number(days.mean, 1)} out of 10 (limit {number(limit, 1)}); "
            f"the latest day was {number(latest, 1)}."
        ),
        until=MOOD_SHIFT.until,
        source=MOOD_SHIFT.source,
        parameters=dict(parameters),
        numbers={
            "baseline_mean": round(days.mean, 4),
            "baseline_sd": round(days.deviation, 4),
            "phi": round(days.phi, 4),
            "ewma": round(average, 4),
            "limit": round(limit, 4),
            "latest": round(latest, 4),
        },
        telling=[
            Telling(
                id=f"mood_shift:{day.isoformat()}",
                at=since,
                origin=ORIGINS[days.origin[begun]],
                urgency=MOOD_SHIFT.urgency,
                said=_said(days, begun, day),
            )
        ],
        chart=Chart(
            measure="mood",
            minimum=0,
            maximum=10,
            points=[
                (date.fromordinal(days.day[index]), round(days.mean_of(index), 4))
                for index in range(max(0, last + 1 - _CHART_DAYS), last + 1)
            ],
        ),
    )


def _said(days: MoodDays, begun: int, day: date) -> str:
    reached = number(days.average[begun - days.base], 2)
    return (
        f"On {on_day(day)} the moving average of daily mood reached {reached}, below the limit of this person's "
        f"baseline (mean {number(days.mean, 2)}); that day's mood was {number(days.mean_of(begun), 1)}."
    )


@lru_cache(maxsize=256)
def _factors(_weight: float, _limit: float) -> list[float]:
    """L*sqrt(lambda/(2-lambda)*(1-(1-lambda)^(2n))) for n = 1, 2, ...; grown by `_lengthen`, shared by all patients."""
    return []


def _lengthen(factors: list[float], length: int, weight: float, limit: float) -> None:
    for n in range(len(factors) + 1, length + 1):
        factors.append(limit * sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * n))))
