"""Mood shift: an EWMA control chart of day means under the patient's own baseline (docs/rules.md, 3).

Columns of a few bytes a day instead of objects, and a walk that goes on from the first day that changed: an entry in
order costs one step however long the history, a late one the days after it.
"""

from array import array
from binascii import unhexlify
from bisect import bisect_left, bisect_right
from datetime import date
from functools import lru_cache
from itertools import pairwise
from math import fsum, sqrt

from services.insights.domain.catalogue import MOOD_SHIFT, Parameters
from services.insights.domain.instants import ORIGINS, TOLERANCE, instant_of
from services.insights.domain.words import number, on_day
from shared.contracts.assessments import Chart, Concern, Telling

_CHART_DAYS = 30


_NOTHING = bytes(16)


class _Ids:
    """One id a day, kept only to settle ties: 16 bytes where it is a canonical UUID, else its text."""

    __slots__ = ("_odd", "_packed")

    def __init__(self) -> None:
        self._packed = bytearray()
        self._odd: dict[int, str] = {}

    def insert(self, index: int, day: int, fact_id: str) -> None:
        packed = _packed(fact_id)
        if packed is None:
            self._odd[day] = fact_id
        place = index * 16
        self._packed[place:place] = packed or _NOTHING

    def replace(self, index: int, day: int, fact_id: str) -> None:
        packed = _packed(fact_id)
        if packed is None:
            self._odd[day] = fact_id
            return
        if self._odd:
            self._odd.pop(day, None)
        self._packed[index * 16 : index * 16 + 16] = packed

    def text(self, index: int, day: int) -> str:
        odd = self._odd.get(day)
        if odd is not None:
            return odd
        text = self._packed[index * 16 : index * 16 + 16].hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _packed(fact_id: str) -> bytes | None:
    if len(fact_id) != 36 or fact_id[8:24:5] != "----" or fact_id.lower() != fact_id:
        return None
    try:
        packed = unhexlify(fact_id.replace("-", ""))
    except ValueError:
        return None
    return packed if len(packed) == 16 else None


class MoodDays:
    """The observed days of one patient's check-ins, and the control chart along them.

    day: ordinals, ascending; total: sum of moods in whole hundredths; count: check-ins; first, last: the earliest
    and latest occurred_at; origin: of the last check-in in order. The first `base` of them are the baseline; of the
    others, average: the EWMA after the day; began: the ordinal of the day that began the shift open then, else 0.
    """

    __slots__ = (
        "_clean",
        "_key",
        "_last_ids",
        "average",
        "base",
        "began",
        "count",
        "day",
        "deviation",
        "first",
        "last",
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
        self.last = array("q")
        self.origin = array("b")
        self.average = array("d")
        self.began = array("i")
        self._last_ids = _Ids()
        self._clean = 0
        self.base = 0
        self._key: tuple[float, ...] = ()
        self.mean = self.deviation = self.phi = self.width = 0.0
        self.walked = 0

    def add(self, day: int, hundredths: int, at: int, origin: int, fact_id: str) -> None:
        """Take a check-in into its day."""
        days = self.day
        index = len(days) - 1
        if index >= 0 and days[index] > day:
            index = bisect_right(days, day) - 1
        if index < 0 or days[index] != day:
            index += 1
            self._clean = min(self._clean, index)
            days.insert(index, day)
            self.total.insert(index, hundredths)
            self.count.insert(index, 1)
            self.first.insert(index, at)
            self.last.insert(index, at)
            self.origin.insert(index, origin)
            self._last_ids.insert(index, day, fact_id)
            return
        self._clean = min(self._clean, index)
        self.total[index] += hundredths
        self.count[index] += 1
        last = self.last[index]
        if at > last or (at == last and fact_id > self._last_ids.text(index, day)):
            self.last[index] = at
            self.origin[index] = origin
            self._last_ids.replace(index, day, fact_id)
        elif at < self.first[index]:
            self.first[index] = at

    def mean_of(self, index: int) -> float:
        """The mean mood of a day, 0 to 10."""
        return self.total[index] / (100 * self.count[index])

    def follow(self, parameters: Parameters) -> None:
        """Bring the chart up to date: nothing if no day changed, else from the first day that did."""
        key = tuple(parameters.values())
        if key != self._key:
            self._key, self._clean, self.base = key, 0, 0
        if self._clean == len(self.day):
            return
        if self._clean < self.base or not self.base:
            self._settle_baseline(parameters)
        if self.base:
            self._walk(max(self._clean, self.base), parameters["lambda"], parameters["limit"])
        self._clean = len(self.day)

    def _settle_baseline(self, parameters: Parameters) -> None:
        """The shortest run of first observed days that is long enough; its mean, deviation and autocorrelation."""
        days, spanning = self.day, int(parameters["baseline_span"])
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
