"""Reliable deterioration: a score worse by the reliable change than the episode's first (docs/rules.md, 2)."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final, Protocol

from services.insights.domain.catalogue import RELIABLE_DETERIORATION, Parameters
from services.insights.domain.instants import ORIGINS, TOLERANCE, instant_of, key_at, key_id
from services.insights.domain.measures import Measure, Measures
from services.insights.domain.words import at_time, instrument, number, reached, tidy
from shared.contracts.assessments import Chart, Concern, Telling
from shared.contracts.base import Urgency

_CHART_SCORES: Final = 12
_CALM_ENDS = 2


class Walk(Protocol):
    """Something concluded score by score; `clean`: the index from which it must be walked again."""

    clean: int


class Scores:
    """One measure's valid scores in the order of facts, and the episode of deterioration along them.

    keys: `sort_key`s; day: ordinals; score; origin; accepted: when at the door (0: not known); evidence: the index of
    the score that began the episode open after this score, -1 where none is; calm: how many scores running have been
    better than the threshold meanwhile. walks: of other rules, each told where a score came or went.
    """

    __slots__ = (
        "_base",
        "_clean",
        "_key",
        "accepted",
        "calm",
        "day",
        "evidence",
        "keys",
        "origin",
        "score",
        "walked",
        "walks",
    )

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
        self._key: tuple[float, int, int] = (0, 0, 0)
        self.walked = 0
        self.walks: dict[str, Walk] = {}

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
        self.touched(index)

    def withdraw(self, fact_id: str) -> int | None:
        """Take out the score of a questionnaire; its day, or None where there is none. Sought from the last on."""
        wanted = fact_id.encode()
        for index in range(len(self.keys) - 1, -1, -1):
            if self.keys[index][8:] == wanted:
                day = self.day[index]
                del self.keys[index]
                for column in (self.day, self.score, self.origin, self.accepted, self.evidence, self.calm):
                    del column[index]
                self.touched(index)
                return day
        return None

    def touched(self, index: int) -> None:
        """A score came or went there: whatever was concluded from it on is walked again."""
        self._clean = min(self._clean, index)
        for walk in self.walks.values():
            walk.clean = min(walk.clean, index)

    def follow(self, threshold: float, episode_from: int, worse: int = 1) -> int:
        """Walk on from the first score that changed; the index of the open episode's evidence, or -1.

        worse: 1 where a higher score is worse, -1 where it is better.
        """
        if (threshold, episode_from, worse) != self._key:
            self._key, self._clean = (threshold, episode_from, worse), 0
        start = self._clean
        if start <= self._base:
            self._base = -1
        evidence, calm = (self.evidence[start - 1], self.calm[start - 1]) if start else (-1, 0)
        for index in range(start, len(self.keys)):
            if self.day[index] >= episode_from:
                if self._base < 0:
                    self._base = index
                elif worse * (self.score[index] - self.score[self._base]) >= threshold - TOLERANCE:
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

    def latest_of_episode(self, base: int, episode_from: int) -> int:
        """The index of the episode's last score; `base` where there is no other."""
        return next((i for i in range(len(self.keys) - 1, base, -1) if self.day[i] >= episode_from), base)

    def latest(self, count: int, episode_from: int) -> list[tuple[date, float]]:
        """The last scores of the episode as (local day, score), oldest first."""
        found: list[tuple[date, float]] = []
        for index in range(len(self.keys) - 1, -1, -1):
            if self.day[index] >= episode_from:
                found.append((date.fromordinal(self.day[index]), self.score[index]))
                if len(found) == count:
                    break
        return found[::-1]


def concern(
    scores: Mapping[str, Scores],
    parameters: Parameters,
    measures: Measures,
    *,
    episode_from: int,
    local: Callable[[int], datetime],
) -> Concern | None:
    """What the rule says; None while no measure has an open episode."""
    evidence = {
        name: index
        for name, measure in measures.items()
        if name in scores
        and name in parameters
        and (index := scores[name].follow(parameters[name], episode_from, measure.worse)) >= 0
    }
    if not evidence:
        return None
    tellings, reasons, numbers = [], [], {}
    for name, index in evidence.items():
        of = scores[name]
        latest = of.latest(1, episode_from)[-1][1]
        threshold = parameters[name]
        numbers[f"{name}_first"], numbers[f"{name}_latest"] = tidy(of.first), tidy(latest)
        reasons.append(_reason(name, measures[name], of, then=of.score[index], latest=latest, threshold=threshold))
        tellings.append((of.keys[index], _telling(of, name, index, threshold, local)))
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
        chart=chart_of(scores[shown], shown, measures[shown], episode_from),
    )


def chart_of(of: Scores, name: str, measure: Measure, episode_from: int) -> Chart:
    """The last scores of the episode as a small picture."""
    return Chart(
        measure=name,
        minimum=measure.minimum,
        maximum=measure.maximum,
        points=[(day, tidy(score)) for day, score in of.latest(_CHART_SCORES, episode_from)],
    )


def _change(first: float, then: float, threshold: float) -> str:
    sign = "+" if then > first else "-"
    return f"{sign}{number(abs(then - first))}; reliable change is {number(threshold)}"


def _reason(name: str, measure: Measure, of: Scores, *, then: float, latest: float, threshold: float) -> str:
    went, first = "rose" if measure.worse > 0 else "fell", of.first
    if measure.worse * (latest - first) >= threshold - TOLERANCE:
        said = f"from {number(first)} to {number(latest)} ({_change(first, latest, threshold)})"
    else:
        said = (
            f"from {number(first)} to {number(then)} ({_change(first, then, threshold)}); "
            f"the latest score is {number(latest)}"
        )
    return f"{instrument(name)} {went} {said}."


def _telling(of: Scores, name: str, index: int, threshold: float, local: Callable[[int], datetime]) -> Telling:
    score = of.score[index]
    return told_of(
        of,
        index,
        RELIABLE_DETERIORATION.urgency,
        f"{instrument(name)} {number(score)}, {given(of, index, local)}: {'up' if score > of.first else 'down'} from "
        f"{number(of.first)} at the start of the episode ({_change(of.first, score, threshold)}).",
    )


def given(of: Scores, index: int, local: Callable[[int], datetime]) -> str:
    """Given on Tue 3 Nov 2026 at 14:05, and how it came where that matters."""
    return f"given on {at_time(local(key_at(of.keys[index])))}{reached(ORIGINS[of.origin[index]])}"


def told_of(of: Scores, index: int, urgency: Urgency, said: str) -> Telling:
    """A score as telling evidence."""
    key = of.keys[index]
    return Telling(
        id=key_id(key),
        at=instant_of(key_at(key)),
        origin=ORIGINS[of.origin[index]],
        urgency=urgency,
        said=said,
        accepted_at=instant_of(of.accepted[index]) if of.accepted[index] else None,
    )
