"""Mood shift: an EWMA control chart of day means around the patient's own baseline (docs/rules.md, 3 and 3.1).

Columns of a few bytes a day instead of objects, and a walk that goes on from the first day that changed: an entry in
order costs one step however long the history, a late one the days after it.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from math import fsum, sqrt
from typing import Protocol

from services.insights.domain.catalogue import MOOD_SHIFT, MOOD_SHIFT_UP, Parameters, Rule
from services.insights.domain.instants import ORIGINS, TOLERANCE, instant_of
from services.insights.domain.packed_ids import PackedIds
from services.insights.domain.words import number, on_day
from shared.contracts.assessments import Chart, Concern, Telling

_CHART_DAYS = 30


class Walk(Protocol):
    """Something concluded day by day along the columns; `clean`: the index from which it must be walked again.

    Where a last day went, that index is past the end and the columns are longer than they may be: a walk compares both.
    """

    clean: int


class MoodDays:
    """The observed days of one patient's check-ins, and what is walked along them.

    day: ordinals, ascending; total: sum of moods in whole hundredths; count: check-ins; first: the earliest
    occurred_at; origin: of the last check-in in order. walks: each told where a day changed, came or went.

    Beside them a row for each check-in, day by day and within a day in order, so that one can be corrected or
    withdrawn: at, mood (in whole hundredths), how it came, and id. A row's day is found by counting from the last.
    """

    __slots__ = ("_at", "_how", "_ids", "_mood", "count", "day", "first", "origin", "total", "walks")

    def __init__(self) -> None:
        self.day = array("i")
        self.total = array("i")
        self.count = array("i")
        self.first = array("q")
        self.origin = array("b")
        self._at = array("q")
        self._mood = array("h")
        self._how = array("b")
        self._ids = PackedIds()
        self.walks: dict[str, Walk] = {}

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
        self.touched(index)
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
            self.touched(index)

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
        self.touched(index)
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

    def touched(self, index: int) -> None:
        """A day changed, came or went: whatever was concluded from it on is walked again."""
        for walk in self.walks.values():
            walk.clean = min(walk.clean, index)

    def mean_of(self, index: int) -> float:
        """The mean mood of a day, 0 to 10."""
        return self.total[index] / (100 * self.count[index])

    def chart(self, rule: Rule = MOOD_SHIFT) -> "ControlChart":
        """The control chart that one of the two rules of shifts walks."""
        chart = self.walks.get(rule.name)
        if not isinstance(chart, ControlChart):
            chart = self.walks[rule.name] = ControlChart(1 if rule is MOOD_SHIFT_UP else -1)
        return chart


def baseline_end(days: Sequence[int], start: int, least: int, spanning: int) -> int:
    """Where the shortest run of days from `start` on with so many of them, over so long, ends; 0: not long enough."""
    if start >= len(days):
        return 0
    run = max(start + least, bisect_left(days, days[start] + spanning - 1, start) + 1)
    return run if run <= len(days) else 0


class ControlChart:
    """The control chart along the days, one-sided. sign: 1 watches for a rise, -1 for a fall.

    The days from `start` to before `base` are the baseline (base 0: none yet); of the others, average: the EWMA after
    the day; began: the ordinal of the day that began the shift open then, else 0. With any handling of gaps, spread:
    the variance of the EWMA in sigmas squared; seen: days since it (re)started.
    """

    __slots__ = (
        "_given",
        "_key",
        "average",
        "base",
        "began",
        "clean",
        "deviation",
        "mean",
        "phi",
        "seen",
        "sign",
        "spread",
        "start",
        "walked",
        "width",
    )

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.average = array("d")
        self.began = array("i")
        self.spread = array("d")
        self.seen = array("i")
        self.clean = self.start = self.base = 0
        self._given: Parameters = {}
        self._key: tuple[float, ...] = ()
        self.mean = self.deviation = self.phi = self.width = 0.0
        self.walked = 0

    def follow(self, days: MoodDays, parameters: Parameters) -> None:
        """Bring the chart up to date: nothing if no day changed, else from the first day that did."""
        if parameters is not self._given:  # a clinic's are one object from one look to the next
            key, self._given = tuple(parameters.values()), parameters
            if key != self._key:
                self._key, self.clean, self.start, self.base = key, 0, 0, 0
        if self.clean == len(days.day) and (not self.base or len(self.average) == len(days.day) - self.base):
            return  # of a last day that was withdrawn there may be more averages than days
        if parameters["renew_days"]:
            self._renew(days.day, parameters["renew_days"])
        if self.clean < self.base or not self.base:
            self._settle_baseline(days, parameters)
        if self.base:
            if parameters["gap_cap"] or parameters["stale_days"]:
                self._walk_gaps(days, max(self.clean, self.base), parameters)
            else:
                self._walk(days, max(self.clean, self.base), parameters["lambda"], parameters["limit"])
        self.clean = len(days.day)

    def limit_at(self, index: int) -> float:
        """The control limit after a day behind the baseline, on the scale of mood."""
        place = index - self.base
        if self.spread:
            factor = self._key[1] * sqrt(self.spread[place])
        else:
            factors = _factors(self._key[0], self._key[1])
            _lengthen(factors, place + 1, self._key[0], self._key[1])
            factor = factors[place]
        return self.mean + self.sign * self.width * factor

    def _renew(self, day: Sequence[int], after: float) -> None:
        """Begin anew behind the last gap that is too long for the old baseline to mean anything."""
        begin = self.start if self.clean > self.start else 0
        scanned = self.clean if self.clean > self.start else 1
        for index in range(max(scanned, 1), len(day)):
            if day[index] - day[index - 1] > after:
                begin = index
        if begin != self.start:
            self.start, self.base, self.clean = begin, 0, begin

    def _settle_baseline(self, days: MoodDays, parameters: Parameters) -> None:
        """The shortest run of first observed days that is long enough; its mean, deviation and autocorrelation."""
        self.base = baseline_end(
            days.day, self.start, int(parameters["baseline_days"]), int(parameters["baseline_span"])
        )
        self.clean = min(self.clean, self.base)
        if not self.base:
            return
        means = [days.mean_of(index) for index in range(self.start, self.base)]
        run = len(means)
        self.walked += run
        mean = fsum(means) / run
        off = [value - mean for value in means]
        squares = fsum(value * value for value in off)
        lagged = fsum(here * there for here, there in pairwise(off))
        self.mean = mean
        self.deviation = max(sqrt(squares / max(run - 1, 1)), parameters["sd_floor"])
        self.phi = min(max(lagged / squares, 0.0), 0.7) if squares > TOLERANCE else 0.0
        self.width = self.deviation * sqrt((1 + self.phi) / (1 - self.phi))

    def _walk(self, known: MoodDays, start: int, weight: float, limit: float) -> None:
        base, mean, width, sign = self.base, self.mean, self.width, self.sign
        total, count, average, began, days = known.total, known.count, self.average, self.began, known.day
        factors = _factors(weight, limit)
        del average[start - base :], began[start - base :], self.spread[:], self.seen[:]
        z, opened = (average[-1], began[-1]) if average else (mean, 0)
        end = len(days)
        _lengthen(factors, end - base, weight, limit)
        for index in range(start, end):
            z = weight * (total[index] / (100 * count[index])) + (1 - weight) * z
            beyond = sign * (z - mean)
            if opened:
                if beyond <= TOLERANCE:
                    opened = 0
            elif beyond > width * factors[index - base] + TOLERANCE:
                opened = days[index]
            average.append(z)
            began.append(opened)
        self.walked += end - start

    def _walk_gaps(self, known: MoodDays, start: int, parameters: Parameters) -> None:
        """As `_walk`, with the handling of gaps a clinic turned on: the limits follow the exact variance."""
        base, days, limit = self.base, known.day, parameters["limit"]
        cap, stale, warm_up = parameters["gap_cap"], parameters["stale_days"], parameters["warm_up"]
        del self.average[start - base :], self.began[start - base :]
        del self.spread[start - base :], self.seen[start - base :]
        z, opened, spread = (self.average[-1], self.began[-1], self.spread[-1]) if self.average else (self.mean, 0, 0.0)
        seen = self.seen[-1] if self.seen else int(warm_up)  # straight after the baseline nothing has to warm up
        for index in range(start, len(days)):
            gap = days[index] - days[index - 1]
            if stale and gap > stale:
                z, opened, spread, seen, gap = self.mean, 0, 0.0, 0, 1
            weight = 1 - (1 - parameters["lambda"]) ** min(gap, cap) if cap else parameters["lambda"]
            z = weight * known.mean_of(index) + (1 - weight) * z
            spread = weight * weight + (1 - weight) * (1 - weight) * spread
            seen += 1
            beyond = self.sign * (z - self.mean)
            if opened:
                if beyond <= TOLERANCE:
                    opened = 0
            elif seen > warm_up and beyond > limit * self.width * sqrt(spread) + TOLERANCE:
                opened = days[index]
            self.average.append(z)
            self.began.append(opened)
            self.spread.append(spread)
            self.seen.append(seen)
        self.walked += len(days) - start


def concern(days: MoodDays, parameters: Parameters, rule: Rule = MOOD_SHIFT) -> Concern | None:
    """What the rule says now; None while no shift is open. rule: MOOD_SHIFT, or MOOD_SHIFT_UP."""
    chart = days.chart(rule)
    chart.follow(days, parameters)
    if not chart.base or not chart.began or not chart.began[-1]:
        return None
    last = len(days.day) - 1
    begun = bisect_left(days.day, chart.began[-1])
    since, day = instant_of(days.first[begun]), date.fromordinal(days.day[begun])
    limit, average, latest = chart.limit_at(last), chart.average[-1], days.mean_of(last)
    side = "above" if chart.sign > 0 else "below"
    return Concern(
        rule=rule.name,
        holds=True,
        since=since,
        reason=(
            f"Daily mood has moved {side} this person's usual since {on_day(day)}: its moving average is "
            f"{number(average, 1)}, usually {number(chart.mean, 1)} out of 10 (limit {number(limit, 1)}); "
            f"the latest day was {number(latest, 1)}."
            + (" That is often good news; in a bipolar disorder it can matter." if chart.sign > 0 else "")
        ),
        until=rule.until,
        source=rule.source,
        parameters=dict(parameters),
        numbers={
            "baseline_mean": round(chart.mean, 4),
            "baseline_sd": round(chart.deviation, 4),
            "phi": round(chart.phi, 4),
            "ewma": round(average, 4),
            "limit": round(limit, 4),
            "latest": round(latest, 4),
        },
        telling=[
            Telling(
                id=f"{rule.name}:{day.isoformat()}",
                at=since,
                origin=ORIGINS[days.origin[begun]],
                urgency=rule.urgency,
                said=_said(days, chart, begun, day, side),
            )
        ],
        chart=chart_of(days),
    )


def chart_of(days: MoodDays) -> Chart:
    """The last day means as a small picture."""
    last = len(days.day)
    return Chart(
        measure="mood",
        minimum=0,
        maximum=10,
        points=[
            (date.fromordinal(days.day[index]), round(days.mean_of(index), 4))
            for index in range(max(0, last - _CHART_DAYS), last)
        ],
    )


def _said(days: MoodDays, chart: ControlChart, begun: int, day: date, side: str) -> str:
    reached = number(chart.average[begun - chart.base], 2)
    return (
        f"On {on_day(day)} the moving average of daily mood reached {reached}, {side} the limit of this person's "
        f"baseline (mean {number(chart.mean, 2)}); that day's mood was {number(days.mean_of(begun), 1)}."
    )


@lru_cache(maxsize=256)
def _factors(_weight: float, _limit: float) -> list[float]:
    """L*sqrt(lambda/(2-lambda)*(1-(1-lambda)^(2n))) for n = 1, 2, ...; grown by `_lengthen`, shared by all patients."""
    return []


def _lengthen(factors: list[float], length: int, weight: float, limit: float) -> None:
    for n in range(len(factors) + 1, length + 1):
        factors.append(limit * sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * n))))
