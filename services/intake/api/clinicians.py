"""/v1/clinicians."""

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from services.intake.api.clinic_bodies import ClockTime, Name
from services.intake.api.parts import (
    ClinicianId,
    Cursor,
    Instant,
    Limit,
    PageReply,
    TheRegister,
    UpdatedSince,
    answered,
    answers,
)
from shared.auth import Caller
from shared.contracts import Clinician
from shared.contracts.base import Id, PersonalChannel, Zone
from shared.contracts.clinics import (
    Away,
    Email,
    LowPriority,
    Mobile,
    QuietHours,
    Role,
)
from shared.contracts.protocols import Weekday
from shared.contracts.wording import Language
from shared.runtime import Body, WaitForPosition, caller_with, problems

router = APIRouter(tags=["clinic"])


class AwayBody(Away, Body):
    """A stretch of leave."""

    starts_at: Instant
    ends_at: Instant = Field(description="Exclusive; after the start.")


class QuietHoursBody(QuietHours, Body):
    """Hours in which somebody is not told what can wait."""

    starts: ClockTime = Field(description="Local time of day, without an offset.")
    ends: ClockTime = Field(description="Exclusive; not after `starts`: on the next day.")


class ClinicianBody(Body):
    """A clinician as they are to be. What is left out is taken away."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Priya Lund",
                    "email": "priya@harbour.example",
                    "mobile": "+447700900001",
                    "channels": ["email", "sms"],
                    "deputy": "lee",
                    "role": "therapist",
                    "away": [{"starts_at": "2026-12-21T09:00:00+00:00", "ends_at": "2027-01-04T09:00:00+00:00"}],
                    "zone": "Europe/London",
                    "quiet": [{"days": ["mon", "tue", "wed", "thu"], "starts": "18:00", "ends": "08:00"}],
                    "working_hours": {"mon": ["09:00", "17:00"], "tue": ["09:00", "17:00"], "wed": ["09:00", "13:00"]},
                    "low_priority": "message",
                    "language": "en",
                }
            ]
        }
    )

    name: Name
    email: Email | None = None
    mobile: Mobile | None = Field(default=None, description="In E.164 form, e.g. +447700900001.")
    channels: list[PersonalChannel] = Field(
        min_length=1, max_length=2, description="How they are told of concerns: email, sms, or both."
    )
    deputy: Id | None = Field(default=None, description="The clinician who stands in for them, by id.")
    role: Role = Field(default=Role.THERAPIST, description="Which questions come to them (docs/questions.md).")
    zone: Zone | None = Field(default=None, description="Their own time zone, where it is not the clinic's.")
    away: list[AwayBody] = Field(
        default_factory=list, max_length=200, description="Leave: what they have stands among the unassigned then."
    )
    quiet: list[QuietHoursBody] = Field(
        default_factory=list, max_length=20, description="When they are told only what is due at once."
    )
    working_hours: dict[Weekday, tuple[ClockTime, ClockTime]] | None = Field(
        default=None, min_length=1, description="Their own. Outside of them they are told only what is due at once."
    )
    low_priority: LowPriority | None = Field(
        default=None, description="What can wait: one message each, or the morning's digest. Left out: the clinic's."
    )
    language: Language = Field(
        default="en",
        description="Which of the clinic's own words they are sent; else its English ones, else ours "
        "(docs/escalation.md).",
    )


@router.put("/v1/clinicians/{clinician}", operation_id="put_clinician", summary="Add a clinician, or change one",
            responses=answers(Clinician, 200, 201) | problems(409, 410))  # fmt: skip
async def put_clinician(
    *,
    clinician: ClinicianId,
    body: ClinicianBody,
    register: TheRegister,
    response: Response,
    caller: Caller = caller_with("clinic:write"),
) -> Clinician:
    """The id is the clinic's own. Every chosen channel needs its address."""
    wished = Clinician(clinic=caller.clinic, clinician=clinician, version=1, **body.model_dump())
    written = await register.put_clinician(wished)
    answered(response, written)
    return written.document


@router.get("/v1/clinicians/{clinician}", operation_id="get_clinician", summary="One clinician",
            responses=problems(400, 404))  # fmt: skip
async def get_clinician(
    *,
    clinician: ClinicianId,
    register: TheRegister,
    _: WaitForPosition,
    caller: Caller = caller_with("clinic:read"),
) -> Clinician:
    """A clinician of the token's clinic."""
    return await register.clinician(caller.clinic, clinician)


@router.get("/v1/clinicians", operation_id="list_clinicians", summary="The clinicians, page by page",
            responses=problems(400))  # fmt: skip
async def list_clinicians(
    *,
    register: TheRegister,
    _: WaitForPosition,
    updated_since: UpdatedSince = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    caller: Caller = caller_with("clinic:read"),
) -> PageReply[Clinician]:
    """Those changed longest ago first; one that changes meanwhile comes again further on."""
    page = await register.clinicians(caller.clinic, updated_since=updated_since, cursor=cursor, limit=limit)
    return PageReply(items=page.items, next=page.next)
