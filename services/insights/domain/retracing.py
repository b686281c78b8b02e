"""A patient's documents as they stood in the past, as far as their last version says when what came about.

Live, a document is published at each version; kept is the highest. What it was before follows from the times in it: an
episode's days, when a session was attended or rated, when a question was asked, answered, settled. What has no time in
it (who the clinician was, a rating corrected later) counts as it is now. A past that was brought in from another system
counts from when it happened, as its entries do: a patient from `registered_at`, not from when we were told of them.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from shared.contracts import Patient, Question, Session
from shared.contracts.base import Document
from shared.contracts.patients import PatientStatus
from shared.contracts.questions import QuestionStatus

D = TypeVar("D", Patient, Session, Question)
BROUGHT_IN: Final = timedelta(days=14)
"""Attendance recorded longer after its session came from another system, as `missed_sessions` has it."""
_LATER: Final = frozenset({"attendance", "rating"})
"""What a session does not have while it is planned."""


def past_of(documents: Iterable[Document], zone: ZoneInfo) -> list[tuple[datetime, Document]]:
    """Each document's versions with the instant from which it stood so, in order of time; days are of this zone."""
    found: list[tuple[datetime, Document]] = []
    for document in documents:
        if document.deleted:
            continue
        if isinstance(document, Patient):
            found += _numbered(_patient(document, zone))
        elif isinstance(document, Session):
            found += _numbered(_session(document))
        elif isinstance(document, Question):
            found += _numbered(_question(document))
    return sorted(found, key=lambda dated: dated[0])


def _numbered(stages: Iterable[tuple[datetime, D]]) -> Iterator[tuple[datetime, D]]:
    """In order of time, with versions that say so."""
    ordered = sorted(stages, key=lambda stage: stage[0])
    return ((at, one.model_copy(update={"version": number})) for number, (at, one) in enumerate(ordered, 1))


def _patient(last: Patient, zone: ZoneInfo) -> Iterator[tuple[datetime, Patient]]:
    """In care from registration; discharged between episodes; what became of them at the end since the last change."""

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time(), zone)

    if not last.episodes:
        yield last.registered_at, last.model_copy(update={"status": PatientStatus.ACTIVE})
    for number, episode in enumerate(last.episodes):
        # of later episodes nothing was known: scores count from the referral of the last one there was
        running = episode.model_copy(update={"ended_on": None, "end": None})
        active = {
            "status": PatientStatus.ACTIVE,
            "episode_started_on": episode.started_on or episode.referred_on,
            "episodes": [*last.episodes[:number], running],
        }
        at = max(midnight(episode.referred_on), last.registered_at) if number else last.registered_at
        yield at, last.model_copy(update=active)
        if episode.ended_on is not None:
            over = active | {"status": PatientStatus.DISCHARGED, "episodes": last.episodes[: number + 1]}
            at = max(midnight(episode.ended_on + timedelta(days=1)), last.registered_at)
            yield at, last.model_copy(update=over)
    if last.status is not PatientStatus.ACTIVE:
        yield max(last.updated_at, last.registered_at), last


def _session(last: Session) -> Iterator[tuple[datetime, Session]]:
    """Planned, then with what was known from when: its attendance, its rating."""
    known: dict[str, datetime] = {}
    if last.attendance is not None:
        known["attendance"] = _attendance_known(last)
    if last.rating is not None:
        known["rating"] = last.rating.rated_at
    yield min(last.scheduled_at, *known.values()) if known else last.scheduled_at, _without(last, _LATER)
    for at in known.values():
        yield at, _without(last, {name for name in _LATER if name not in known or known[name] > at})


def _attendance_known(last: Session) -> datetime:
    """When it was recorded; at the session's end where that is not said, or is so late that it was brought in."""
    ended = last.planned_end
    recorded = last.attendance_at
    return ended if recorded is None or recorded - last.scheduled_at > BROUGHT_IN else recorded


def _without(last: Session, parts: AbstractSet[str]) -> Session:
    return last.model_copy(update=dict.fromkeys(parts))


def _question(last: Question) -> Iterator[tuple[datetime, Question]]:
    opened = {"status": QuestionStatus.OPEN, "answer": None, "answered_by": None, "answered_at": None}
    yield last.asked_at, last.model_copy(update=opened | {"settled_at": None})
    if last.answered_at is not None:
        yield last.answered_at, last.model_copy(update={"status": QuestionStatus.ANSWERED, "settled_at": None})
    if last.settled_at is not None:
        yield last.settled_at, last
