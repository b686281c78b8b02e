"""Questions with a target, and questions that outlive a session: overdue and lingering (docs/rules.md).

Rules of absence, judged as of the horizon.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from services.insights.domain.catalogue import LINGERING_QUESTION, QUESTION_OVERDUE, Parameters
from services.insights.domain.instants import ORIGINS, instant_of, key_at, key_id, micros
from services.insights.domain.words import at_time
from shared.contracts import Question, Session
from shared.contracts.assessments import Concern, Telling
from shared.contracts.questions import QuestionStatus, Triage
from shared.contracts.sessions import THERE

Local = Callable[[int], datetime]
_HOUR: Final = 3_600_000_000
_LAST: Final = chr(0x10FFFF)


class Asked(NamedTuple):
    """A question asked: its place in the order of facts, how it came, when it was accepted, its target (0: none)."""

    key: bytes
    origin: int
    accepted: int
    target: int


class Handled(NamedTuple):
    """How far a question has come, by the newest document read. target: 0 where the document has none."""

    version: int
    open: bool
    settled: bool
    target: int


_UNTOUCHED: Final = Handled(0, open=True, settled=False, target=0)


class Inquiries:
    """A patient's questions with their targets and settlements, and when the sessions they were at ended."""

    __slots__ = ("_asked", "_ends", "_handled", "_sessions", "_unsettled")

    def __init__(self) -> None:
        self._asked: dict[str, list[Asked]] = {}
        self._handled: dict[str, Handled] = {}
        self._unsettled: set[str] = set()
        self._sessions: dict[str, tuple[int, int | None]] = {}
        self._ends: list[tuple[int, str]] = []

    def ask(self, question: str, key: bytes, origin: int, accepted: int, triage: Triage | None) -> None:
        """Take in that a question was asked."""
        target = 0 if triage is None else micros(triage.target_at)
        self._asked.setdefault(question, []).append(Asked(key, origin, accepted, target))
        if not self._handled.get(question, _UNTOUCHED).settled:
            self._unsettled.add(question)

    def handle(self, document: Question) -> None:
        """Take in what became of a question; the highest version counts."""
        if document.version <= self._handled.get(document.question, _UNTOUCHED).version:
            return
        settled = document.deleted or document.status is QuestionStatus.SETTLED
        self._handled[document.question] = Handled(
            version=document.version,
            open=not document.deleted and document.status is QuestionStatus.OPEN,
            settled=settled,
            target=0 if document.triage is None else micros(document.triage.target_at),
        )
        if settled:
            self._unsettled.discard(document.question)
        elif document.question in self._asked:
            self._unsettled.add(document.question)

    def meet(self, session: Session) -> None:
        """Take in a session's document; only one the patient was at can leave a question lingering."""
        version, before = self._sessions.get(session.session, (0, None))
        if session.version <= version:
            return
        after = None
        if not session.deleted and session.attendance in THERE:
            after = micros(session.planned_end)
        self._sessions[session.session] = (session.version, after)
        if before is not None:
            del self._ends[bisect_left(self._ends, (before, session.session))]
        if after is not None:
            insort(self._ends, (after, session.session))

    def target_of(self, question: str, asked: Asked) -> int:
        """The target in force, 0 where there is none: the handling's, else that of the question as it was asked."""
        return self._handled.get(question, _UNTOUCHED).target or asked.target

    def has_target(self, question: str) -> bool:
        """Whether a question has a target at all."""
        return any(self.target_of(question, asked) for asked in self._asked.get(question, ()))

    def waiting(self) -> list[tuple[int, str, Asked]]:
        """The open questions with a target as (target, evidence id, asked), by target and id."""
        found = []
        for question in self._unsettled:
            if self._handled.get(question, _UNTOUCHED).open:
                for asked in self._asked[question]:
                    target, name = self.target_of(question, asked), key_id(asked.key)
                    if target:
                        evidence = name if target == asked.target else f"{name}/{target // 1_000_000}"
                        found.append((target, evidence, asked))
        return sorted(found)

    def lingering(self, wait: int, horizon: int) -> tuple[list[tuple[int, int, str, Asked]], int | None]:
        """The questions that outlived a session as (at, since, evidence id, asked), by at and id; and when more may.

        wait: microseconds from the end of a session. Of several sessions the last one counts for `at` and the id, the
        first one for `since`.
        """
        found, coming = [], []
        ended = bisect_right(self._ends, (horizon - wait, _LAST))
        for question in self._unsettled:
            for asked in self._asked[question]:
                first = bisect_right(self._ends, (key_at(asked.key), _LAST))
                if first < ended:
                    at, session = self._ends[ended - 1]
                    found.append((at + wait, self._ends[first][0] + wait, f"{question}/{session}", asked))
                if max(first, ended) < len(self._ends):
                    coming.append(self._ends[max(first, ended)][0] + wait)
        found.sort(key=lambda one: (one[0], one[2]))
        return found, min(coming, default=None)


def question_overdue(inquiries: Inquiries, *, horizon: int, local: Local) -> tuple[Concern | None, int | None]:
    """What the rule says, and when time alone changes it next."""
    waiting = inquiries.waiting()
    late = [one for one in waiting if one[0] <= horizon]
    coming = min((target for target, *_ in waiting if target > horizon), default=None)
    if not late:
        return None, coming
    were = "1 question is" if len(late) == 1 else f"{len(late)} questions are"
    return (
        Concern(
            rule=QUESTION_OVERDUE.name,
            holds=True,
            since=instant_of(late[0][0]),
            reason=f"{were} past the time the patient was told to expect a reply, since {at_time(local(late[0][0]))}.",
            until=QUESTION_OVERDUE.until,
            source=QUESTION_OVERDUE.source,
            parameters={},
            numbers={"overdue": len(late)},
            telling=[
                Telling(
                    id=evidence,
                    at=instant_of(target),
                    origin=ORIGINS[asked.origin],
                    urgency=QUESTION_OVERDUE.urgency,
                    said=(
                        f"A question asked on {at_time(local(key_at(asked.key)))} has not been answered; the patient "
                        f"was told to expect a reply by {at_time(local(target))}."
                    ),
                    accepted_at=instant_of(asked.accepted) if asked.accepted else None,
                )
                for target, evidence, asked in late
            ],
        ),
        coming,
    )


def lingering_question(
    inquiries: Inquiries, parameters: Parameters, *, horizon: int, local: Local
) -> tuple[Concern | None, int | None]:
    """What the rule says, and when time alone changes it next."""
    wait = round(parameters["hours_after"] * _HOUR)
    found, coming = inquiries.lingering(wait, horizon)
    if not found:
        return None, coming
    were = "1 question was" if len(found) == 1 else f"{len(found)} questions were"
    since = min(since for _, since, _, _ in found)
    return (
        Concern(
            rule=LINGERING_QUESTION.name,
            holds=True,
            since=instant_of(since),
            reason=f"{were} not settled by the patient's word when a session ended, since {at_time(local(since))}.",
            until=LINGERING_QUESTION.until,
            source=LINGERING_QUESTION.source,
            parameters=dict(parameters),
            numbers={"lingering": len(found)},
            telling=[
                Telling(
                    id=evidence,
                    at=instant_of(at),
                    origin=ORIGINS[asked.origin],
                    urgency=LINGERING_QUESTION.urgency,
                    said=(
                        f"A question asked on {at_time(local(key_at(asked.key)))} was not settled when a session "
                        f"ended on {at_time(local(at - wait))}. Ask the patient whether it is."
                    ),
                    accepted_at=instant_of(asked.accepted) if asked.accepted else None,
                )
                for at, _, evidence, asked in found
            ],
        ),
        coming,
    )
