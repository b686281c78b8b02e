"""Reliable deterioration: a score worse by the reliable change than the episode's first (docs/rules.md, 2)."""

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from datetime import date
from typing import Final, Protocol

from services.insights.domain.attended import Local
from services.insights.domain.catalogue import RELIABLE_DETERIORATION, Parameters
from services.insights.domain.instants import ORIGINS, TOLERANCE, instant_of, key_at, key_id
from services.insights.domain.measures import Measure, Measures
from services.insights.domain.words import at_time, instrument, number, reached, tidy
from shared.contracts.assessments import Chart, Concern, Telling
from shared.contracts.base import Urgency

_CHART_SCORES: Final = 12


class Walk(Protocol):
    """Something concluded score by score; `clean`: the index from which it must be walked again."""

    clean: int


class Scores:
    """One measure's valid scores in the order of facts, the forms with items left out among them, and the episode of
    deterioration along them.

    keys: `sort_key`s; day: ordinals; score; origin; accepted: when at the door (0: not known); missing: how many items
    were left out, 0 for a valid score; most: the score, and where items were left out the most it can be, with the
    least in `score`; evidence: the index of the score that began the episode open after this score, -1 where none is;
    calm: the day of the first score better than the threshold since the last worse one, 0 where there is none. walks:
    of other rules, each told where a score came or went.
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
        "missing",
        "most",
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
        self.missing = array("i")
        self.most = array("d")
        self.evidence = array("i")
        self.calm = array("i")
        self._clean = 0
        self._base = -1
        self._key: tuple[float, int, int] = (0, 0, 0)
        self.walked = 0
        self.walks: dict[str, Walk] = {}

    def add(
        self,
        *,
        key: bytes,
        day: int,
        score: float,
        origin: int,
        accepted: int,
        most: float | None = None,
        missing: int = 0,
    ) -> None:
        """Take in a valid score; or, with so many items missing, the least and the most that the total can be."""
        index = len(self.keys)
        if index and key < self.keys[-1]:
            index = bisect_left(self.keys, key)
        self.keys.insert(index, key)
        self.day.insert(index, day)
        self.score.insert(index, score)
        self.origin.insert(index, origin)
        self.accepted.insert(index, accepted)
        self.missing.insert(index, missing)
        self.most.insert(index, score if most is None else most)
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
                for column in (
                    self.day,
                    self.score,
                    self.origin,
                    self.accepted,
                    self.missing,
                    self.most,
                    self.evidence,
                    self.calm,
                ):
                    del column[index]
                self.touched(index)
                return day
        return None

    def touched(self, index: int) -> None:
        """A score came or went there: whatever was concluded from it on is walked again."""
        self._clean = min(self._clean, index)
        for walk in self.walks.values():
            walk.clean = min(walk.clean, index)

    def value(self, index: int, worse: int) -> float:
        """A score; of a form with items left out the end of what it can be that claims the least."""
        return self.score[index] if worse > 0 else self.most[index]

    @property
    def has_valid(self) -> bool:
        """Whether any of them is a valid score."""
        return not all(self.missing)

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
                valid = not self.missing[index]
                if self._base < 0:
                    self._base = index if valid else -1
                elif worse * (self.value(index, worse) - self.score[self._base]) >= threshold - TOLERANCE:
                    evidence, calm = (evidence if evidence >= 0 else index), 0
                elif evidence >= 0 and valid:
                    evidence, calm = calmed(evidence, calm, self.day[index])
            self.evidence[index], self.calm[index] = evidence, calm
            self.walked += 1
        self._clean = len(self.keys)
        return self.evidence[-1] if self.keys else -1

    @property
    def base(self) -> int:
        """The index of the baseline."""
        return self._base

    @property
    def first(self) -> float:
        """The episode's first valid score, the baseline."""
        return self.score[self._base]

    def latest_of_episode(self, base: int, episode_from: int) -> int:
        """The index of the episode's last valid score; `base` where there is no other."""
        return next((i for i in range(len(self.keys) - 1, base, -1) if self.counts(i, episode_from)), base)

    def counts(self, index: int, episode_from: int) -> bool:
        """Whether a score is a valid one of the episode."""
        return self.day[index] >= episode_from and not self.missing[index]

    def unfinished(self, threshold: float, episode_from: int, worse: int) -> int:
        """The index of the last form with items left out that is worse all the same and came after the last valid
        score; -1 where there is none. Call it only where an episode is open."""
        for index in range(len(self.keys) - 1, self._base, -1):
            if self.day[index] < episode_from:
                continue
            if not self.missing[index]:
                return -1
            if worse * (self.value(index, worse) - self.first) >= threshold - TOLERANCE:
                return index
        return -1

    def latest(self, count: int, episode_from: int) -> list[tuple[date, float]]:
        """The last valid scores of the episode as (local day, score), oldest first."""
        found: list[tuple[date, float]] = []
        for index in range(len(self.keys) - 1, -1, -1):
            if self.counts(index, episode_from):
                found.append((date.fromordinal(self.day[index]), self.score[index]))
                if len(found) == count:
                    break
        return found[::-1]


def calmed(evidence: int, calm: int, day: int) -> tuple[int, int]:
    """What is open, and the day of the first calm score, after a calm score of a day: two on two days end it.

    A form entered twice (the patient's own, and the clinic's import of it) is one administration.
    """
    return (-1, 0) if calm and calm != day else (evidence, day)


def concern(
    scores: Mapping[str, Scores],
    parameters: Parameters,
    measures: Measures,
    *,
    episode_from: int,
    local: Local,
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
        of, worse, threshold = scores[name], measures[name].worse, parameters[name]
        latest = of.latest_of_episode(of.base, episode_from)
        unfinished = of.unfinished(threshold, episode_from, worse)
        numbers[f"{name}_first"], numbers[f"{name}_latest"] = tidy(of.first), tidy(of.score[latest])
        named = index
        if unfinished >= 0:
            named = unfinished
            numbers[f"{name}_{'at_least' if worse > 0 else 'at_most'}"] = tidy(of.value(unfinished, worse))
        elif worse * (of.score[latest] - of.first) >= threshold - TOLERANCE:
            named = latest
        reasons.append(_reason(name, worse, of, named, latest=latest, threshold=threshold))
        tellings.append((of.keys[index], _telling(of, name, index, worse, threshold=threshold, local=local)))
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


def _change(of: Scores, index: int, worse: int, threshold: float) -> str:
    """How far a score is from the first one; +7; reliable change is 6."""
    apart = of.value(index, worse) - of.first
    parts = [left_out(of.missing[index])] if of.missing[index] else []
    return "; ".join(
        [*parts, f"{'+' if apart > 0 else '-'}{number(abs(apart))}", f"reliable change is {number(threshold)}"]
    )


def _reason(name: str, worse: int, of: Scores, index: int, *, latest: int, threshold: float) -> str:
    """index: the score to name, the latest that is worse of those that count; latest: the last valid score."""
    said = f"from {number(of.first)} to {bound(of, index, worse)} ({_change(of, index, worse, threshold)})"
    if index != latest:
        said += f"; the latest {'full ' if of.missing[index] else ''}score is {number(of.score[latest])}"
    return f"{instrument(name)} {'rose' if worse > 0 else 'fell'} {said}."


def _telling(of: Scores, name: str, index: int, worse: int, *, threshold: float, local: Local) -> Telling:
    said = (
        f"{instrument(name)} {bound(of, index, worse)}, {given(of, index, local)}: {'up' if worse > 0 else 'down'} "
        f"from {number(of.first)} at the start of the episode ({_change(of, index, worse, threshold)})."
    )
    return told_of(of, index, RELIABLE_DETERIORATION.urgency, said)


def bound(of: Scores, index: int, worse: int) -> str:
    """14; at least 14, where items were left out; at most 14, where a higher total is better."""
    value = number(of.value(index, worse))
    if not of.missing[index]:
        return value
    return f"at least {value}" if worse > 0 else f"at most {value}"


def left_out(missing: int) -> str:
    """1 item was left out; 2 items were left out."""
    return f"{missing} {'item was' if missing == 1 else 'items were'} left out"


def given(of: Scores, index: int, local: Local) -> str:
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
