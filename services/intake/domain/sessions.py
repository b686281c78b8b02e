"""Sessions: planned, moved, held or not, looked back on.

planned ──reschedule──► planned
   │ attendance                  a later word replaces an earlier one; taking it back makes it planned again
   ▼
attended · late                  can be rated once by its patient, and have the therapist's checklist
did_not_attend · cancelled_by_patient · cancelled_by_clinic
"""

from datetime import datetime, timedelta
from typing import Final, Literal

from services.intake.domain.when import EARLIEST, LONG_AGO, check_when
from shared.contracts import Question, Session
from shared.contracts.sessions import THERE, Attendance, Checklist, Rating, Rescheduled, SessionKind
from shared.errors import FieldError, Problem, invalid

LONGEST: Final = timedelta(hours=12)
MOST_MOVES: Final = 50
PLANNED_AHEAD: Final = timedelta(days=730)
_CANCELLED: Final = frozenset({Attendance.CANCELLED_BY_CLINIC, Attendance.CANCELLED_BY_PATIENT})
EARLY_ARRIVAL: Final = timedelta(hours=1)
"""How long before a session somebody can be marked as there."""


def plan_session(
    current: Session | None, wished: Session, now: datetime, *, kind: SessionKind | None = None
) -> Session:
    """A session to be held, or held long ago. Raises Problem 422 for a time that cannot be meant, 409 if it differs.

    kind: as it was said; None: it was not, which is treatment in a new session and any kind in one that is there.
    """
    _check_times(wished.scheduled_at, wished.ends_at, now)
    if current is None:
        return wished if kind is None else say_kind(wished, kind)
    first_planned = current.rescheduled[0].was if current.rescheduled else current.scheduled_at
    if (first_planned, current.clinician) != (wished.scheduled_at, wished.clinician):
        raise session_taken()
    if kind not in (None, current.kind):
        raise session_taken()
    return current


def say_kind(current: Session, kind: SessionKind) -> Session:
    """The session with what it is for: at any time, for a slip is often noticed after it. The same changes nothing."""
    return current if kind is current.kind else current.model_copy(update={"kind": kind})


def _check_times(begins: datetime, ends: datetime | None, now: datetime) -> None:
    if begins > now + PLANNED_AHEAD:
        raise invalid(FieldError("/scheduled_at", "This is over two years ahead: check the year."))
    if begins < EARLIEST:
        raise invalid(FieldError("/scheduled_at", "This is before 1950: check the year."))
    if ends is not None and not begins < ends <= begins + LONGEST:
        raise invalid(FieldError("/ends_at", "A session ends after it begins, within 12 hours: check the times."))


def session_taken() -> Problem:
    """409: the id names another session of the clinic."""
    return Problem(
        409,
        "session_exists",
        "There is a session with this id already",
        "It is planned otherwise, or somebody else's. Send another id, or none and one is made. To move a session "
        "POST to /v1/sessions/{session}/reschedule; to say what it is for, PUT /v1/sessions/{session}/kind.",
    )


def reschedule_session(
    current: Session, *, to: datetime, ends_at: datetime | None, by: Literal["patient", "clinic"], now: datetime
) -> Session:
    """The session at another time, as long as before where no end is said. Raises Problem 409 and 422.

    Only one of which nothing has become yet can move. Moving it to where it is changes nothing.
    """
    if current.attendance is not None or current.rating is not None:
        raise Problem(
            409,
            "session_over",
            "This session is already recorded as held, missed or cancelled",
            "Plan another: POST /v1/patients/{patient}/sessions. If the record is a slip, DELETE "
            "/v1/sessions/{session}/attendance first, unless the patient has rated it.",
        )
    if ends_at is None and current.ends_at is not None:
        ends_at = to + (current.ends_at - current.scheduled_at)
    _check_times(to, ends_at, now)
    if to == current.scheduled_at:
        return current.model_copy(update={"ends_at": ends_at})
    if len(current.rescheduled) >= MOST_MOVES:
        raise Problem(
            409,
            "moved_too_often",
            f"This session was moved {MOST_MOVES} times already",
            "Cancel it (POST .../attendance), and plan another.",
        )
    moved = [*current.rescheduled, Rescheduled(was=current.scheduled_at, at=now, by=by)]
    return current.model_copy(update={"scheduled_at": to, "ends_at": ends_at, "rescheduled": moved})


def record_attendance(
    current: Session, attendance: Attendance, now: datetime, *, late_minutes: int | None = None
) -> Session:
    """The session with what became of it; a later word replaces an earlier one. The same again changes nothing."""
    if late_minutes is not None and attendance is not Attendance.LATE:
        raise invalid(
            FieldError("/late_minutes", "Only who came late was late: send the attendance `late`, or no minutes.")
        )
    early = EARLY_ARRIVAL if attendance in THERE else timedelta(0)
    if attendance not in _CANCELLED and now < current.scheduled_at - early:
        raise Problem(
            409,
            "session_not_yet",
            "The session has not been yet",
            "Before its time a session can only be cancelled, by patient or by clinic: send one of these, or wait.",
        )
    if current.rating is not None and attendance not in THERE:
        raise Problem(
            409,
            "already_rated",
            "The patient has rated this session",
            "Somebody who rated a session was there: send attended or late.",
        )
    same = attendance is current.attendance
    if same and late_minutes in (None, current.late_minutes):
        return current
    if attendance not in THERE and current.checklist is not None:
        raise Problem(
            409,
            "checklist_filled",
            "The therapist has filled in this session's checklist",
            "It says that the session took place: send attended or late.",
        )
    said = {"attendance": attendance, "late_minutes": late_minutes, "attendance_at": now}
    return current.model_copy(update=said)


def take_back_attendance(current: Session) -> Session:
    """The session as if nobody had marked it: a slip, e.g. the wrong session cancelled. Raises Problem 409."""
    if current.rating is not None or current.checklist is not None:
        raise Problem(
            409,
            "session_over",
            "This session was rated, or has its checklist",
            "It took place, so its attendance can be corrected but not taken back: POST attended or late.",
        )
    return current.model_copy(update={"attendance": None, "late_minutes": None, "attendance_at": None})


def fill_checklist(current: Session, wished: Checklist, now: datetime) -> Session:
    """The session with its therapist's checklist; a later one replaces it. The same again changes nothing.

    Raises Problem 409 before the session and for one that was missed or cancelled, 422 where nothing is said.
    """
    if _looked_after(wished) == (None, None, None, None, ""):
        raise invalid(FieldError("", "Nothing is said: send at least one of the four points, or a note."))
    if current.attendance is not None and current.attendance not in THERE:
        raise _not_attended()
    if now < current.scheduled_at - EARLY_ARRIVAL:
        raise Problem(
            409,
            "session_not_yet",
            "The session has not been yet",
            "The checklist can be filled from an hour before the session on: send it then.",
        )
    if current.checklist is not None and _looked_after(current.checklist) == _looked_after(wished):
        return current
    return current.model_copy(update={"checklist": wished})


def _looked_after(checklist: Checklist) -> tuple[bool | None, bool | None, bool | None, bool | None, str]:
    return (
        checklist.welcomed,
        checklist.room_ready,
        checklist.full_attention,
        checklist.time_for_questions,
        checklist.note,
    )


def _not_attended() -> Problem:
    return Problem(
        409,
        "session_not_attended",
        "This session is marked as missed or cancelled",
        "If it took place, have its attendance corrected first: POST attended or late to its attendance.",
    )


def rate_session(current: Session, rating: Rating, now: datetime) -> Session:
    """The session with its one rating. A session nobody has marked yet can be rated: its patient knows best."""
    if current.rating is not None:
        raise Problem(
            409,
            "already_rated",
            "This session is already rated",
            "A session is rated once, and what was said stays as it was. If it was a slip, tell your clinic.",
        )
    if current.attendance is not None and current.attendance not in THERE:
        raise _not_attended()
    check_when(rating.rated_at, rating.origin, now, pointer="/rated_at")
    if rating.rated_at < current.scheduled_at:
        raise Problem(
            409,
            "session_not_yet",
            "The session has not been yet",
            "A session can be rated from the time it is planned for: send the rating afterwards.",
        )
    return current.model_copy(update={"rating": rating})


def was_held(session: Session) -> bool:
    """Whether a session is marked as attended, on time or late."""
    return session.attendance in THERE


def left_open(asked_at: datetime, handling: Question, session: Session) -> bool:
    """Whether a question asked by then was still neither answered nor settled when the session ended."""
    end = session.planned_end
    done = min((at for at in (handling.answered_at, handling.settled_at) if at is not None), default=None)
    return asked_at <= end and (done is None or done > end)


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
