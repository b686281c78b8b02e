"""Sessions: planned, held or not, rated once."""

from datetime import datetime, timedelta
from typing import Final

from services.intake.domain.when import EARLIEST, LONG_AGO, check_when
from shared.contracts import Session
from shared.contracts.sessions import Attendance, Rating
from shared.errors import FieldError, Problem, invalid

PLANNED_AHEAD: Final = timedelta(days=730)
_THERE: Final = frozenset({Attendance.ATTENDED, Attendance.LATE})
_CANCELLED: Final = frozenset({Attendance.CANCELLED_BY_CLINIC, Attendance.CANCELLED_BY_PATIENT})
EARLY_ARRIVAL: Final = timedelta(hours=1)
"""How long before a session somebody can be marked as there."""


def plan_session(current: Session | None, wished: Session, now: datetime) -> Session:
    """A session to be held, or held long ago. Raises Problem 422 for a time that cannot be meant, 409 if it differs."""
    if wished.scheduled_at > now + PLANNED_AHEAD:
        raise invalid(FieldError("/scheduled_at", "This is over two years ahead: check the year."))
    if wished.scheduled_at < EARLIEST:
        raise invalid(FieldError("/scheduled_at", "This is before 1950: check the year."))
    if current is None:
        return wished
    if (current.scheduled_at, current.clinician) != (wished.scheduled_at, wished.clinician):
        raise session_taken()
    return current


def session_taken() -> Problem:
    """409: the id names another session of the clinic."""
    return Problem(
        409,
        "session_exists",
        "There is a session with this id already",
        "It is planned otherwise, or somebody else's. Send another id, or none and one is made. A session that moves "
        "is cancelled, and planned anew.",
    )


def record_attendance(current: Session, attendance: Attendance, now: datetime) -> Session:
    """The session with what became of it; a later word replaces an earlier one."""
    early = EARLY_ARRIVAL if attendance in _THERE else timedelta(0)
    if attendance not in _CANCELLED and now < current.scheduled_at - early:
        raise Problem(
            409,
            "session_not_yet",
            "The session has not been yet",
            "Before its time a session can only be cancelled, by patient or by clinic: send one of these, or wait.",
        )
    if current.rating is not None and attendance not in _THERE:
        raise Problem(
            409,
            "already_rated",
            "The patient has rated this session",
            "Somebody who rated a session was there: send attended or late.",
        )
    return current.model_copy(update={"attendance": attendance})


def rate_session(current: Session, rating: Rating, now: datetime) -> Session:
    """The session with its one rating. A session nobody has marked yet can be rated: its patient knows best."""
    if current.rating is not None:
        raise Problem(
            409,
            "already_rated",
            "This session is already rated",
            "A session is rated once, and what was said stays as it was. If it was a slip, tell your clinic.",
        )
    if current.attendance is not None and current.attendance not in _THERE:
        raise Problem(
            409,
            "session_not_attended",
            "This session is marked as missed or cancelled",
            "If it took place, have its attendance corrected first: POST attended or late to its attendance.",
        )
    check_when(rating.rated_at, rating.origin, now, pointer="/rated_at")
    if rating.rated_at < current.scheduled_at:
        raise Problem(
            409,
            "session_not_yet",
            "The session has not been yet",
            "A session can be rated from the time it is planned for: send the rating afterwards.",
        )
    return current.model_copy(update={"rating": rating})


def forget_session(current: Session) -> Session:
    """What is left of a session whose patient is deleted."""
    return Session(
        clinic=current.clinic,
        patient=current.patient,
        session=current.session,
        version=current.version,
        scheduled_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
