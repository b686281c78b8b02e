"""Reliable deterioration: a score that rose by the reliable change over the episode's first (docs/rules.md, 2)."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

from services.insights.domain.catalogue import RELIABLE_DETERIORATION, Parameters
from services.insights.domain.instants import ORIGINS, TOLERANCE, instant_of, key_at, key_id
from services.insights.domain.words import at_time, instrument, number, reached, tidy
from shared.contracts.assessments import Chart, Concern, Telling

MEASURES: Final = {"phq9": 27, "gad7": 21}
"""The measures watched, with the highest score of each."""

_CHART_SCORES = 12
_CALM_ENDS = 2


class Scores:
    """One measure's valid scores in the order of facts, and the episode of deterioration along them.

    keys: `sort_key`s; day: ordinals; score; origin; accepted: when at the door (0: not known); evidence: the index of
    the score that began the episode open after this score, -1 where none is; calm: how many scores running have been
    better than the threshold meanwhile.
    """

    __slots__ = ("_base", "_clean", "_key", "accepted", "calm", "day", "evidence", "keys", "origin", "score", "walked")

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.day = array("i")
        self.score = array("d")
        self.origin = array("b")
        self.accepted = array("q")
        self.evidence = array("i")
        self.calm = array("b")
        self._clean = 0
        self._base = -1
        self._key: tuple[float, int] = (0, 0)
        self.walked = 0

    def add(self, *, key: bytes, day: int, score: float, origin: int, accepted: int) -> None:
        """Take in a valid score."""
        index = len(self.keys)
        if index and key < self.keys[-1]:
            index = bisect_left(self.keys, key)
        self.keys.insert(index, key)
        self.day.insert(index, day)
        self.score.insert(index, score)
        self.origin.insert(index, origin)
        self.accepted.insert(index, accepted)
        self.evidence.insert(index, -1)
        self.calm.insert(index, 0)
        self._clean = min(self._clean, index)

    def withdraw(self, fact_id: str) -> int | None:
        """Take out the score of a questionnaire; its day, or None where there is none. Sought from the last on."""
        wanted = fact_id.encode()
        for index in range(len(self.keys) - 1, -1, -1):
            if self.keys[index][8:] == wanted:
                day = self.day[index]
                del self.keys[index]
                for column in (self.day, self.score, self.origin, self.accepted, self.evidence, self.calm):
                    del column[index]
                self._clean = min(self._clean, index)
                return day
        return None

    def follow(self, threshold: float, episode_from: int) -> int:
        """Walk on from the first score that changed; the index of the open episode's evidence, or -1."""
        if (threshold, episode_from) != self._key:
            self._key, self._clean = (threshold, episode_from), 0
        start = self._clean
        if start <= self._base:
            self._base = -1
        evidence, calm = (self.evidence[start - 1], self.calm[start - 1]) if start else (-1, 0)
        for index in range(start, len(self.keys)):
            if self.day[index] >= episode_from:
                if self._base < 0:
                    self._base = index
                elif self.score[index] - self.score[self._base] >= threshold - TOLERANCE:
                    evidence, calm = (evidence if evidence >= 0 else index), 0
                elif evidence >= 0:
                    calm += 1
                    if calm == _CALM_ENDS:
                        evidence, calm = -1, 0
            self.evidence[index], self.calm[index] = evidence, calm
            self.walked += 1
        self._clean = len(self.keys)
        return self.evidence[-1] if self.keys else -1

    @property
    def first(self) -> float:
        """The episode's first valid score, the baseline."""
        return self.score[self._base]

    def latest(self, count: int) -> list[tuple[date, float]]:
        """The last scores of the episode as (local day, score), oldest first."""
        found: list[tuple[date, float]] = []
        for index in range(len(self.keys) - 1, self._base - 1, -1):
            if self.day[index] >= self._key[1]:
                found.append((date.fromordinal(self.day[index]), self.score[index]))
                if len(found) == count:
                    break
        return found[::-1]


def concern(
    scores: Mapping[str, Scores], parameters: Parameters, *, episode_from: int, local: Callable[[int], datetime]
) -> Concern | None:
    """What the rule says; None while no measure has an open episode."""
    evidence = {
        measure: index
        for measure in MEASURES
        if measure in scores and (index := scores[measure].follow(parameters[measure], episode_from)) >= 0
    }
    if not evidence:
        return None
    tellings, reasons, numbers = [], [], {}
    for measure, index in evidence.items():
        of = scores[measure]
        latest = of.latest(1)[-1][1]
        threshold = parameters[measure]
        numbers[f"{measure}_first"], numbers[f"{measure}_latest"] = tidy(of.first), tidy(latest)
        reasons.append(_reason(measure, first=of.first, rose_to=of.score[index], latest=latest, threshold=threshold))
        tellings.append((of.keys[index], _telling(of, measure, index, threshold, local)))
    tellings.sort(key=lambda pair: pair[0])
    shown = next(iter(evidence))
    return Concern(
        rule=RELIABLE_DETERIORATION.name,
        holds=True,
        since=tellings[0][1].at,
        reason=" ".join(reasons),
        until=RELIABLE_DETERIORATION.until,
        source=RELIABLE_DETERIORATION.source,
        parameters=dict(parameters),
        numbers={name: round(value, 4) for name, value in numbers.items()},
        telling=[telling for _, telling in tellings],
        chart=Chart(
            measure=shown,
            minimum=0,
            maximum=MEASURES[shown],
            points=[(day, tidy(score)) for day, score in scores[shown].latest(_CHART_SCORES)],
        ),
    )


def _change(first: float, then: float, threshold: float) -> str:
    return f"+{number(then - first)}; reliable change is {number(threshold)}"


def _reason(measure: str, *, first: float, rose_to: float, latest: float, threshold: float) -> str:
    name = instrument(measure)
    if latest - first >= threshold - TOLERANCE:
        return f"{name} rose from {number(first)} to {number(latest)} ({_change(first, latest, threshold)})."
    return (
        f"{name} rose from {number(first)} to {number(rose_to)} ({_change(first, rose_to, threshold)}); "
        f"the latest score is {number(latest)}."
    )


def _telling(of: Scores, measure: str, index: int, threshold: float, local: Callable[[int], datetime]) -> Telling:
    key, origin, score = of.keys[index], ORIGINS[of.origin[index]], of.score[index]
    return Telling(
        id=key_id(key),
        at=instant_of(key_at(key)),
        origin=origin,
        urgency=RELIABLE_DETERIORATION.urgency,
        said=(
            f"{instrument(measure)} {number(score)}, given on {at_time(local(key_at(key)))}{reached(origin)}: up from "
            f"{number(of.first)} at the start of the episode ({_change(of.first, score, threshold)})."
        ),
        accepted_at=instant_of(of.accepted[index]) if of.accepted[index] else None,
    )
