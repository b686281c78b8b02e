"""What is due from patients: schedules, who has not answered, and reminding them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.mood.domain import Asked, Became, Completion, LeftOut
from services.mood.handlers import Called, Schedules
from shared.auth import Caller
from shared.contracts.base import Id
from shared.errors import Problem
from shared.runtime import (
    BEHIND_DOCUMENTED,
    Body,
    IdempotencyKey,
    Patients,
    WaitForPosition,
    caller_with,
    problems,
    settle,
)

router = APIRouter(tags=["schedules"])
_ID: Final[TypeAdapter[str]] = TypeAdapter(Id)


class OccasionShown(BaseModel):
    """One time that something is asked of a patient."""

    occasion: str = Field(description="Its id: the same wherever it is named.")
    protocol: str
    asks: str = Field(description="`check_in`, or an instrument.")
    day: date = Field(description="The patient's local day.")
    due_at: AwareDatetime = Field(description="In the zone the patient was in when it fell due.")
    late_from: AwareDatetime = Field(description="From when on an answer is late.")
    expires_at: AwareDatetime = Field(description="From when on an answer no longer counts for it.")
    became: Became = Field(
        description="coming; due: open and not answered; on_time and late: answered; expired: not answered in time."
    )
    entry: str | None = Field(description="The id of the entry that answers it.")


class CompletionShown(BaseModel):
    """How much of what was asked was answered. Fewer answers are fewer answers, and nothing more."""

    last_7_days: Completion
    last_28_days: Completion
    since_start: Completion


class ScheduleShown(BaseModel):
    """What is due from a patient now and next, and what came of what was asked."""

    patient: str
    registered: bool = Field(description="False: the clinic has not registered this patient yet.")
    zone: str = Field(description="The IANA zone the patient is in now, as the clinic told, or the clinic's own.")
    due: list[OccasionShown] = Field(description="Open and not answered, the one that fell due first at the top.")
    coming: list[OccasionShown] = Field(description="Of the next 14 days.")
    past: list[OccasionShown] = Field(description="Answered or expired, the newest first.")
    completion: CompletionShown


class UnansweredShown(BaseModel):
    """A patient with something open and not answered."""

    patient: str
    due: list[OccasionShown]
    last_reminded_at: AwareDatetime | None
    not_reminded: LeftOut | None = Field(description="Why a reminder would not be sent; null where it would.")


class UnansweredPage(BaseModel):
    """Who has not answered, by id. A page may hold fewer than asked for."""

    items: list[UnansweredShown]
    next: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")


class RemindBody(Body):
    """Whom to remind."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"patients": ["p-1042"]}, {}]})

    patients: list[Id] | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="These; everybody who has not answered, if left out.",
    )


def _schedules(request: Request) -> Schedules:
    schedules: Schedules = request.state.schedules
    return schedules


async def _raw_body(request: Request) -> bytes:
    return await request.body()


TheSchedules = Annotated[Schedules, Depends(_schedules)]
RawBody = Annotated[bytes, Depends(_raw_body)]


@router.get("/v1/patients/{patient}/schedule", operation_id="read_schedule", summary="What is due from a patient",
            responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400, 404)})  # fmt: skip
async def read_schedule(
    request: Request,
    *,
    patient: Annotated[Id, Path(description="The clinic's own id of the patient.")],
    past_days: Annotated[int, Query(ge=1, le=366, description="How many days back `past` reaches.")] = 28,
    schedules: TheSchedules,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read", Patients.IN_PATH),
) -> ScheduleShown:
    """Computed from the clinic's protocols, the patient's own zone, their sessions and what they answered.

    An answer is for the open occasion that fell due last, and for no other; one that came after an occasion expired is
    none. Nothing is expected from before the clinic told us of the patient.
    """
    await settle(wait_for, request.state.reached)
    found = await schedules.schedule(caller.clinic, patient, timedelta(days=past_days))
    return ScheduleShown(
        patient=patient,
        registered=found.registered,
        zone=found.zone,
        due=[_occasion(one) for one in found.due],
        coming=[_occasion(one) for one in found.coming],
        past=[_occasion(one) for one in found.past],
        completion=CompletionShown(
            last_7_days=found.last_7_days, last_28_days=found.last_28_days, since_start=found.since_start
        ),
    )


@router.get("/v1/schedules/unanswered", operation_id="list_unanswered", summary="Who has not answered",
            responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400)})  # fmt: skip
async def list_unanswered(
    request: Request,
    *,
    cursor: Annotated[str | None, Query(max_length=200, description="The `next` of the last page.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="The most patients on a page.")] = 50,
    schedules: TheSchedules,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read"),
) -> UnansweredPage:
    """Everybody of the clinic with something that is due, has not expired, and is not answered."""
    after = None if cursor is None else _patient_of(cursor)
    await settle(wait_for, request.state.reached)
    found, last = await schedules.unanswered(caller.clinic, after, limit)
    items = [
        UnansweredShown(
            patient=one.patient,
            due=[_occasion(each) for each in one.due],
            last_reminded_at=one.last_reminded,
            not_reminded=one.not_reminded,
        )
        for one in found
    ]
    return UnansweredPage(items=items, next=None if last is None else _cursor_of(last))


@router.post("/v1/reminders", status_code=202, operation_id="remind", summary="Remind those who have not answered",
             responses={202: {"description": "On their way."}, **problems(400, 409)})  # fmt: skip
async def remind(
    *,
    body: RemindBody,
    raw: RawBody,
    key: IdempotencyKey,
    schedules: TheSchedules,
    caller: Caller = caller_with("patients:write"),
) -> Called:
    """One reminder each, of what expires first. Who is left out is named, and why: nobody is reminded against their
    wish, without consent, more often in a week than they said, or twice within an hour of the same thing.
    """
    return await schedules.remind(caller, key, raw, body.patients)


def _occasion(one: Asked) -> OccasionShown:
    occasion = one.occasion
    return OccasionShown(
        occasion=occasion.id,
        protocol=occasion.protocol,
        asks=occasion.asks,
        day=occasion.day,
        due_at=occasion.due_at.astimezone(occasion.zone),
        late_from=occasion.late_from.astimezone(occasion.zone),
        expires_at=occasion.expires_at.astimezone(occasion.zone),
        became=one.became,
        entry=None if one.answer is None else one.answer.id,
    )


def _cursor_of(patient: str) -> str:
    return urlsafe_b64encode(patient.encode()).decode().rstrip("=")


def _patient_of(cursor: str) -> str:
    """The patient a cursor stands behind. Raises Problem 400 on what we did not hand out."""
    try:
        return _ID.validate_python(
            urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        )
    except (ValueError, ValidationError):
        raise Problem(
            400,
            "invalid_cursor",
            "This cursor was not made here",
            "Send `cursor` exactly as the last page's `next` gave it, or leave it out to begin at the first page.",
        ) from None
