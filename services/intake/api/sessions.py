"""/v1/patients/{patient}/sessions and /v1/sessions."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field, StringConstraints

from services.intake.api.parts import (
    Cursor,
    Instant,
    Limit,
    Now,
    PageReply,
    PatientId,
    RawBody,
    SessionId,
    TheInbox,
    TheSessions,
    answered,
    answers,
    decision,
    told,
)
from services.intake.api.questions import CaughtUp, QuestionReply
from shared.auth import Caller, refuse_import
from shared.contracts import Session
from shared.contracts.base import Id, Origin
from shared.contracts.safety import Safety
from shared.contracts.sessions import Attendance, Checklist, Rating, SessionKind
from shared.crisis_language import screen
from shared.runtime import Body, IdempotencyKey, Patients, WaitForPosition, caller_with, fact_id, problems

router = APIRouter(tags=["sessions"])


class SessionBody(Body):
    """A session to be held, or one held before Rapport came."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"session": "sam-s01", "scheduled_at": "2026-11-30T10:00:00+00:00", "clinician": "priya"},
                {"session": "sam-s00", "scheduled_at": "2026-11-23T10:00:00+00:00", "kind": "assessment"},
            ]
        }
    )

    session: Id | None = Field(default=None, description="An id of your own, unique in the clinic; else we make one.")
    scheduled_at: Instant = Field(
        description="When it begins: RFC 3339, offset mandatory, at most two years ahead.",
        examples=["2026-11-30T10:00:00+00:00"],
    )
    ends_at: Instant | None = Field(
        default=None, description="When it is planned to end, within 12 hours; 50 minutes later where left out."
    )
    clinician: Id | None = Field(default=None, description="Who holds it; default: the patient's clinician.")
    kind: SessionKind | None = Field(
        default=None,
        description="What it is for: `treatment` where left out. Outcomes count `treatment` and "
        "`assessment_and_treatment` as treatment contacts.",
    )


@router.post("/v1/patients/{patient}/sessions", operation_id="plan_session", summary="Plan a session",
             status_code=201,
             responses=answers(Session, 200, 201) | problems(400, 404, 409, 410))  # fmt: skip
async def plan_session(
    *,
    patient: PatientId,
    body: SessionBody,
    sessions: TheSessions,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Session:
    """A retry with the same key gets the same answer. 200 where the very same session was planned before."""
    route = f"POST /v1/patients/{patient}/sessions"
    written = await sessions.plan(
        clinic=caller.clinic,
        patient=patient,
        session=body.session or fact_id(caller, route, key, b""),
        scheduled_at=body.scheduled_at,
        ends_at=body.ends_at,
        clinician=body.clinician,
        kind=body.kind,
        idempotency=decision(caller, route, key, raw),
    )
    answered(response, written)
    return written.document


@router.get("/v1/patients/{patient}/sessions", operation_id="list_sessions", summary="A patient's sessions",
            responses=problems(400, 404))  # fmt: skip
async def list_sessions(
    *,
    patient: PatientId,
    sessions: TheSessions,
    _: WaitForPosition,
    cursor: Cursor = None,
    limit: Limit = 50,
    caller: Caller = caller_with("patients:read"),
) -> PageReply[Session]:
    """Those changed longest ago first, with attendance and rating."""
    page = await sessions.of_patient(caller.clinic, patient, cursor=cursor, limit=limit)
    return PageReply(items=page.items, next=page.next)


@router.get("/v1/sessions/{session}", operation_id="get_session", summary="One session",
            responses=problems(400, 404))  # fmt: skip
async def get_session(
    *,
    session: SessionId,
    sessions: TheSessions,
    _: WaitForPosition,
    caller: Caller = caller_with("patients:read"),
) -> Session:
    """A session of the token's clinic, with attendance and rating."""
    return await sessions.session(caller.clinic, session)


@router.get("/v1/sessions/{session}/open-questions", operation_id="list_open_questions",
            summary="Questions that were still open when a session ended", responses=problems(400, 404))  # fmt: skip
async def list_open_questions(
    *,
    session: SessionId,
    sessions: TheSessions,
    inbox: TheInbox,
    _: CaughtUp,
    caller: Caller = caller_with("entries:read"),
) -> list[QuestionReply]:
    """Asked by the end of the session (50 minutes after it begins where no end was said), and by then neither answered
    nor settled. `status` is as of now."""
    left = await inbox.left_open(await sessions.session(caller.clinic, session))
    return [QuestionReply.of(asked, handling, inbox, caller) for asked, handling in left]


class KindBody(Body):
    """What a session is for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "follow_up"}]})

    kind: SessionKind = Field(description="An assessment alone and a follow-up are no treatment contacts in outcomes.")


@router.put("/v1/sessions/{session}/kind", operation_id="say_session_kind", summary="Say what a session is for",
            responses=answers(Session, 200) | problems(404, 410))  # fmt: skip
async def say_session_kind(
    *,
    session: SessionId,
    body: KindBody,
    sessions: TheSessions,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Session:
    """Before or after it was held: a slip is put right by a later word. The same again changes nothing."""
    written = await sessions.say_kind(caller.clinic, session, body.kind)
    told(response, written.position)
    return written.document


class RescheduleBody(Body):
    """Where a session moves to, and who asked for it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"scheduled_at": "2026-12-01T10:00:00+00:00", "by": "patient"}]}
    )

    scheduled_at: Instant = Field(
        description="When it begins now: RFC 3339, offset mandatory, at most two years ahead."
    )
    ends_at: Instant | None = Field(default=None, description="When it ends; left out, it is as long as before.")
    by: Literal["patient", "clinic"] = Field(description="Who asked for another time.")


@router.post("/v1/sessions/{session}/reschedule", operation_id="reschedule_session", summary="Move a session",
             responses=answers(Session, 200) | problems(400, 404, 409, 410))  # fmt: skip
async def reschedule_session(
    *,
    session: SessionId,
    body: RescheduleBody,
    sessions: TheSessions,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Session:
    """Its id stays, and where it was is kept in `rescheduled`. A session held, missed or cancelled does not move."""
    route = f"POST /v1/sessions/{session}/reschedule"
    written = await sessions.reschedule(
        caller.clinic,
        session,
        to=body.scheduled_at,
        ends_at=body.ends_at,
        by=body.by,
        idempotency=decision(caller, route, key, raw),
    )
    told(response, written.position)
    return written.document


class AttendanceBody(Body):
    """What became of a session."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"attendance": "attended"}, {"attendance": "late", "late_minutes": 10}]}
    )

    attendance: Attendance = Field(description="Before its time a session can only be cancelled.")
    late_minutes: int | None = Field(
        default=None, ge=1, le=240, strict=True, description="How late the patient came, with `late` only."
    )


@router.post("/v1/sessions/{session}/attendance", operation_id="record_attendance",
             summary="Record what became of a session",
             responses=answers(Session, 200) | problems(400, 404, 409, 410))  # fmt: skip
async def record_attendance(
    *,
    session: SessionId,
    body: AttendanceBody,
    sessions: TheSessions,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Session:
    """A later word replaces an earlier one, so that a slip can be corrected.

    The first session attended in an open episode of care starts it.
    """
    route = f"POST /v1/sessions/{session}/attendance"
    written = await sessions.record_attendance(
        caller.clinic,
        session,
        body.attendance,
        late_minutes=body.late_minutes,
        idempotency=decision(caller, route, key, raw),
    )
    told(response, written.position)
    return written.document


@router.delete("/v1/sessions/{session}/attendance", operation_id="take_back_attendance",
               summary="Take back what was recorded of a session",
               responses=answers(Session, 200) | problems(404, 409, 410))  # fmt: skip
async def take_back_attendance(
    *,
    session: SessionId,
    sessions: TheSessions,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Session:
    """For slips: a session cancelled by mistake is planned again. Doing it twice changes nothing."""
    written = await sessions.take_back_attendance(caller.clinic, session)
    told(response, written.position)
    return written.document


Point = Annotated[bool | None, Field(strict=True)]


class ChecklistBody(Body):
    """What the therapist looked after in this session, for the relationship. What is left out is not said."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"welcomed": True, "room_ready": True, "full_attention": True, "time_for_questions": False},
            ]
        }
    )

    welcomed: Point = Field(default=None, description="The patient was welcomed in person and on time.")
    room_ready: Point = Field(default=None, description="The room (or the call) was quiet, private, comfortable.")
    full_attention: Point = Field(default=None, description="Nothing else took the therapist's attention.")
    time_for_questions: Point = Field(default=None, description="There was time for the patient's questions.")
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""


@router.put("/v1/sessions/{session}/checklist", operation_id="fill_checklist",
            summary="Fill in the therapist's checklist of a session",
            responses=answers(Session, 200) | problems(404, 409, 410))  # fmt: skip
async def fill_checklist(
    *,
    session: SessionId,
    body: ChecklistBody,
    sessions: TheSessions,
    now: Now,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Session:
    """The clinician's own, of a session that took place; a later one replaces it. `filled_by` is the token's client."""
    checklist = Checklist(**body.model_dump(), filled_by=caller.client[:200], filled_at=now)
    written = await sessions.fill_checklist(caller.clinic, session, checklist)
    told(response, written.position)
    return written.document


Tenth = Annotated[int, Field(ge=0, le=10, strict=True)]


class RatingBody(Body):
    """How the patient found a session: five plain questions of our own, 0 (not at all) to 10 (fully)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "felt_welcome": 9,
                    "room_was_comfortable": 7,
                    "felt_listened_to": 9,
                    "worked_on_what_matters": 8,
                    "questions_were_answered": 8,
                    "comment": "It was a little cold.",
                }
            ]
        }
    )

    felt_welcome: Tenth = Field(description="I felt welcome, 0 to 10.")
    room_was_comfortable: Tenth = Field(description="The room was comfortable (by video: I could hear and see), 0-10.")
    felt_listened_to: Tenth = Field(description="I felt listened to, 0 to 10.")
    worked_on_what_matters: Tenth = Field(description="We worked on what matters to me, 0 to 10.")
    questions_were_answered: Tenth = Field(description="My questions were answered, 0 to 10.")
    comment: str = Field(default="", max_length=2000, description="What could be better?")
    rated_at: Instant | None = Field(
        default=None,
        description="When the patient rated it: RFC 3339, offset mandatory, not before the session. Default: now.",
    )
    origin: Origin = Field(
        default=Origin.LIVE,
        description="live: at most 24 hours old; sync: made offline, at most 90 days; import: from another system.",
    )


class RatedReply(Session):
    """The session with its rating, and what to show the patient."""

    safety: Safety | None = Field(description="Show it first where `prominent`; null while the settings are not here.")


@router.post("/v1/sessions/{session}/rating", operation_id="rate_session", summary="Rate a session, as its patient",
             responses=answers(RatedReply, 200) | problems(400, 404, 409, 410))  # fmt: skip
async def rate_session(
    *,
    session: SessionId,
    body: RatingBody,
    sessions: TheSessions,
    key: IdempotencyKey,
    raw: RawBody,
    now: Now,
    response: Response,
    caller: Caller = caller_with("entries:write", Patients.BY_ID),
) -> RatedReply:
    """Once per session, from its time on, unless it is marked as missed or cancelled. A patient's own token is good for
    their own sessions; the therapist's checklist is left out of its answer."""
    refuse_import(caller, body.origin)
    rating = Rating(
        **body.model_dump(exclude={"rated_at"}), rated_at=body.rated_at or now, screening=screen(body.comment)
    )
    route = f"POST /v1/sessions/{session}/rating"
    written = await sessions.rate(
        caller.clinic, session, rating, of=caller.patient, idempotency=decision(caller, route, key, raw)
    )
    told(response, written.position)
    shown = dict(written.document) if caller.patient is None else dict(written.document) | {"checklist": None}
    return RatedReply(**shown, safety=sessions.safety(caller.clinic, written.document.rating))
