"""A patient's documents as they stood in the past, as far as their last version says when what came about.

Live, a document is published at each version; kept is the highest. What it was before follows from the times in it: an
episode's days, when a session was attended or rated, when a question was asked, answered, settled. What has no time in
it (who the clinician was, a rating corrected later) counts as it is now.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from shared.contracts import Patient, Question, Session
from shared.contracts.base import Document
from shared.contracts.patients import PatientStatus
from shared.contracts.questions import QuestionStatus

D = TypeVar("D", Patient, Session, Question)
A_SESSION = timedelta(minutes=50)
"""How long a session takes where its end is not said."""


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

    first = last.episodes[0] if last.episodes else None
    started = (first.started_on or first.referred_on) if first else last.episode_started_on
    active = {"status": PatientStatus.ACTIVE, "episode_started_on": started}
    yield last.expected_from, last.model_copy(update=active)
    for number, episode in enumerate(last.episodes):
        since = episode.started_on or episode.referred_on
        if number:
            active = {"status": PatientStatus.ACTIVE, "episode_started_on": since}
            yield max(midnight(episode.referred_on), last.expected_from), last.model_copy(update=active)
        if episode.ended_on is not None:
            over = active | {"status": PatientStatus.DISCHARGED}
            at = max(midnight(episode.ended_on + timedelta(days=1)), last.expected_from)
            yield at, last.model_copy(update=over)
    if last.status is not PatientStatus.ACTIVE:
        yield max(last.updated_at, last.expected_from), last


def _session(last: Session) -> Iterator[tuple[datetime, Session]]:
    planned = last.model_copy(update={"attendance": None, "rating": None, "checklist": None})
    held = last.model_copy(update={"rating": None})
    ended = last.ends_at or last.scheduled_at + A_SESSION
    attended_at = last.attendance_at or ended
    yield min(last.scheduled_at, attended_at, last.rating.rated_at if last.rating else attended_at), planned
    if last.attendance is not None:
        yield attended_at, held
    if last.rating is not None:
        yield max(last.rating.rated_at, attended_at if last.attendance else last.rating.rated_at), last


def _question(last: Question) -> Iterator[tuple[datetime, Question]]:
    opened = {"status": QuestionStatus.OPEN, "answer": None, "answered_by": None, "answered_at": None}
    yield last.asked_at, last.model_copy(update=opened | {"settled_at": None})
    if last.answered_at is not None:
        yield last.answered_at, last.model_copy(update={"status": QuestionStatus.ANSWERED, "settled_at": None})
    if last.settled_at is not None:
        yield last.settled_at, last
