"""Questionnaires with an answer about harm, in order, and how long what they ask about reaches."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from sys import intern
from typing import NamedTuple

from services.insights.domain.instants import DAY, IMPORTED, key_at
from shared.contracts.moods import RiskAnswer


class Answered(NamedTuple):
    """A questionnaire's risk answers in short: its highest value, longest recall (microseconds) and urgency.

    accepted: when it was accepted at the door; 0 where that is not known.
    """

    key: bytes
    value: int
    recall: int
    urgent: bool
    origin: int
    instrument: str
    item: str
    accepted: int


def answered(key: bytes, origin: int, instrument: str, answers: Sequence[RiskAnswer], accepted: int) -> Answered:
    """The risk answers of one questionnaire (at least one) in short."""
    highest = max(answers, key=lambda answer: answer.value)
    return Answered(
        key=key,
        value=highest.value,
        recall=max(answer.recall_days for answer in answers) * DAY,
        urgent=any(answer.value >= max(answer.urgent_from, 1) for answer in answers),
        origin=origin,
        instrument=intern(instrument),  # one string for all patients
        item=intern(highest.item),
        accepted=accepted,
    )


def came(known: Answered) -> tuple[int, bytes]:
    """When a questionnaire was accepted, or was answered where that is not known; and its place."""
    return known.accepted or key_at(known.key), known.key


class RiskAnswers:
    """A patient's risk answers above 0 in the order of facts, and the stretches their recalls join up to.

    reach: the latest end of a recall up to here; start: when the unbroken stretch that holds this answer began.
    """

    __slots__ = ("_clean", "above", "last", "longest", "reach", "start", "walked")

    def __init__(self) -> None:
        self.above: list[Answered] = []
        self.reach: list[int] = []
        self.start: list[int] = []
        self.last: Answered | None = None
        self.longest = 0
        self._clean = 0
        self.walked = 0

    def add(self, answers: Answered) -> None:
        """Take in a questionnaire with risk answers; zeros count as the latest word, not as evidence."""
        if self.last is None or answers.key > self.last.key:
            self.last = answers
        if answers.value < 1:
            return
        self.longest = max(self.longest, answers.recall)
        index = bisect_left(self.above, answers.key, key=lambda known: known.key)
        self.above.insert(index, answers)
        self.reach.insert(index, 0)
        self.start.insert(index, 0)
        self._clean = min(self._clean, index)

    def find(self, key: bytes) -> Answered:
        """The questionnaire of a key that is known to be among those above 0."""
        return self.above[bisect_left(self.above, key, key=lambda known: known.key)]

    def _follow(self) -> None:
        for index in range(self._clean, len(self.above)):
            at, end = key_at(self.above[index].key), key_at(self.above[index].key) + self.above[index].recall
            joined = index > 0 and at <= self.reach[index - 1]
            self.start[index] = self.start[index - 1] if joined else at
            self.reach[index] = max(end, self.reach[index - 1]) if index else end
            self.walked += 1
        self._clean = len(self.above)

    def since(self, now: int) -> int:
        """The start of the earliest stretch that ends after `now`. Call it only where there is one."""
        self._follow()
        return self.start[bisect_right(self.reach, now)]

    def within(self, now: int, tell: int) -> list[Answered]:
        """The answers within their recall or the time to be told, oldest first."""
        window = max(self.longest, tell)
        found = []
        for index in range(len(self.above) - 1, -1, -1):
            known = self.above[index]
            at = key_at(known.key)
            if at + window <= now:
                break
            if at + known.recall > now or (known.origin != IMPORTED and at + tell > now):
                found.append(known)
        return found[::-1]
