"""Risk item: a question about harm answered above 0 (docs/rules.md, 1). Never a score or a tier of risk."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from datetime import datetime
from sys import intern
from typing import NamedTuple

from services.insights.domain.catalogue import RISK_ITEM, Parameters
from services.insights.domain.instants import DAY, IMPORTED, ORIGINS, instant_of, key_at, key_id, sort_key, span
from services.insights.domain.words import at_time, days, item, meaning, reached
from shared.contracts.assessments import Concern, Telling
from shared.contracts.base import Urgency
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


class RiskAnswers:
    """A patient's risk answers above 0 in the order of facts, and the stretches their recalls join up to.

    reach: the latest end of a recall up to here; start: when the unbroken stretch that holds this answer began.
    """

    __slots__ = ("_clean", "above", "last", "longest", "reach", "start", "walked", "zeros")

    def __init__(self) -> None:
        self.above: list[Answered] = []
        self.reach: list[int] = []
        self.start: list[int] = []
        self.zeros: list[bytes] = []
        self.last: Answered | None = None
        self.longest = 0
        self._clean = 0
        self.walked = 0

    def add(self, answers: Answered) -> None:
        """Take in a questionnaire with risk answers; zeros count as the latest word, not as evidence."""
        if self.last is None or answers.key > self.last.key:
            self.last = answers
        if answers.value < 1:
            insort(self.zeros, answers.key)
            return
        self.longest = max(self.longest, answers.recall)
        index = bisect_left(self.above, answers.key, key=lambda known: known.key)
        self.above.insert(index, answers)
        self.reach.insert(index, 0)
        self.start.insert(index, 0)
        self._clean = min(self._clean, index)

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

    def above_zero_at(self, at: int) -> int | None:
        """When the last answer by an instant was given, if it was above 0; None where it was 0 or there is none."""
        bound = sort_key(at + 1, "")
        place, zeros = bisect_left(self.above, bound, key=lambda known: known.key), bisect_left(self.zeros, bound)
        if not place or (zeros and self.zeros[zeros - 1] > self.above[place - 1].key):
            return None
        return key_at(self.above[place - 1].key)

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


def concern(
    answers: RiskAnswers, parameters: Parameters, *, now: int, local: Callable[[int], datetime]
) -> tuple[Concern | None, int | None]:
    """What the rule says, and when time alone changes it next."""
    tell = span(parameters["tell_days"])
    shown = answers.within(now, tell)
    if not shown or answers.last is None:
        return None, None
    recalled = [known for known in shown if key_at(known.key) + known.recall > now]
    told = [
        known for known in shown if (key_at(known.key) + (known.recall if known.origin == IMPORTED else tell)) > now
    ]
    ends = [key_at(known.key) + known.recall for known in recalled]
    ends += [key_at(known.key) + tell for known in shown if known.origin != IMPORTED]
    return (
        Concern(
            rule=RISK_ITEM.name,
            holds=bool(recalled),
            since=instant_of(answers.since(now)) if recalled else None,
            reason=_reason(shown, recalled, answers.last, parameters["tell_days"], local),
            until=RISK_ITEM.until,
            source=RISK_ITEM.source,
            parameters=dict(parameters),
            numbers={
                "highest": max(known.value for known in shown),
                "latest": answers.last.value,
                "above_zero": len(shown),
            },
            telling=[_telling(known, local) for known in told],
        ),
        min(end for end in ends if end > now),
    )


def _reason(
    shown: list[Answered],
    recalled: list[Answered],
    last: Answered,
    tell_days: float,
    local: Callable[[int], datetime],
) -> str:
    newest, highest = shown[-1], max(known.value for known in shown)
    words = [f"{_answer(newest)} on {at_time(local(key_at(newest.key)))}."]
    if len(shown) > 1:
        words.append(
            f"{len(shown)} answers above 0 are within the time asked about or the {days(tell_days)} we tell of them; "
            f"the highest is {highest}."
        )
    if not recalled:
        words.append("The time the question asks about has passed.")
    if last.key != newest.key:
        words.append(f"The latest answer is {last.value}, on {at_time(local(key_at(last.key)))}.")
    if last.value == 0:
        words.append("A 0 is not reassurance.")
    return " ".join(words)


def _answer(known: Answered) -> str:
    return f"{item(known.instrument, known.item)} was answered {known.value}{meaning(known.instrument, known.value)}"


def _telling(known: Answered, local: Callable[[int], datetime]) -> Telling:
    at, origin = key_at(known.key), ORIGINS[known.origin]
    asks = f"it asks about the last {days(known.recall / DAY)}"
    return Telling(
        id=key_id(known.key),
        at=instant_of(at),
        origin=origin,
        urgency=Urgency.AT_ONCE if known.urgent else Urgency.WORKING_HOURS,
        said=f"{_answer(known)}, given on {at_time(local(at))}{reached(origin)} ({asks}).",
        accepted_at=instant_of(known.accepted) if known.accepted else None,
    )
