"""/v1/patients/{patient}: referrals, episodes, discharge, transfer, care-team."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from pydantic import ConfigDict, Field, StringConstraints

from services.intake.api.parts import (
    ClinicianId,
    Instant,
    InWords,
    PatientId,
    RawBody,
    TheCare,
    answers,
    decision,
    told,
)
from shared.auth import Caller
from shared.contracts import Patient
from shared.contracts.base import Id
from shared.contracts.clinics import Role
from shared.contracts.patients import EpisodeEnd
from shared.runtime import Body, IdempotencyKey, caller_with, fact_id, problems

router = APIRouter(tags=["episodes"])

EpisodeId = Annotated[Id, Path(description="The episode's id, yours or the one we made.")]
Day = Annotated[date, InWords]
_REFUSED: Final[dict[int | str, Any]] = problems(400, 404, 409, 410)


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class ReferralBody(Body):
    """Somebody comes into care. What is left out is today, or not known."""

    model_config = _example(referred_on="2026-11-16", problem="depression", intensity="low")

    episode: Id | None = Field(default=None, description="An id of your own, unique for the patient; else we make one.")
    referred_on: Day | None = Field(default=None, description="The patient's local day; default: today.")
    started_on: Day | None = Field(
        default=None,
        description="First local day of care, where it has begun; else the first session attended starts it.",
    )
    problem: Id | None = Field(default=None, description="What it is for, in your own word, e.g. depression.")
    intensity: Id | None = Field(default=None, description="Your own word, e.g. low or high.")


@router.post("/v1/patients/{patient}/referrals", operation_id="refer_patient", summary="Open an episode of care",
             status_code=201, responses=answers(Patient, 201) | _REFUSED)  # fmt: skip
async def refer_patient(
    *,
    patient: PatientId,
    body: ReferralBody,
    care: TheCare,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Patient:
    """The patient is in care from now on: `active`. One who is in an open episode is discharged from it first."""
    route = f"POST /v1/patients/{patient}/referrals"
    written = await care.refer(
        caller.clinic,
        patient,
        episode=body.episode or fact_id(caller, route, key, b""),
        referred_on=body.referred_on,
        started_on=body.started_on,
        problem=body.problem,
        intensity=body.intensity,
        idempotency=decision(caller, route, key, raw),
    )
    told(response, written.position)
    return written.document


class StartBody(Body):
    """On which day care started."""

    model_config = _example(started_on="2026-11-23")

    started_on: Day | None = Field(default=None, description="The patient's local day; default: today.")


@router.post("/v1/patients/{patient}/episodes/{episode}/start", operation_id="start_episode",
             summary="Say when an episode's care started", responses=answers(Patient, 200) | _REFUSED)  # fmt: skip
async def start_episode(
    *,
    patient: PatientId,
    episode: EpisodeId,
    body: StartBody,
    care: TheCare,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Patient:
    """The first session attended says it by itself; this says otherwise, or corrects it while the episode is open.

    Scores before this day are no baseline.
    """
    route = f"POST /v1/patients/{patient}/episodes/{episode}/start"
    written = await care.start(
        caller.clinic,
        patient,
        episode,
        started_on=body.started_on,
        idempotency=decision(caller, route, key, raw),
    )
    told(response, written.position)
    return written.document


class DischargeBody(Body):
    """How an episode of care ended."""

    model_config = _example(end="completed", ended_on="2026-11-23")

    end: EpisodeEnd = Field(description="Why it ended; `deceased` makes the patient's status so.")
    ended_on: Day | None = Field(default=None, description="The last local day of care; default: today.")


@router.post("/v1/patients/{patient}/discharge", operation_id="discharge_patient", summary="End the open episode",
             responses=answers(Patient, 200) | _REFUSED)  # fmt: skip
async def discharge_patient(
    *,
    patient: PatientId,
    body: DischargeBody,
    care: TheCare,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Patient:
    """The patient's status follows: `discharged`. Alerts that are open stay open until a human closes them."""
    route = f"POST /v1/patients/{patient}/discharge"
    written = await care.discharge(
        caller.clinic,
        patient,
        end=body.end,
        ended_on=body.ended_on,
        idempotency=decision(caller, route, key, raw),
    )
    told(response, written.position)
    return written.document


class TransferBody(Body):
    """Whose patient it is from now on."""

    model_config = _example(clinician="lee", note="Priya is on leave from December.")

    clinician: Id = Field(description="A clinician of yours, by id.")
    at: Instant | None = Field(default=None, description="Since when (RFC 3339), not in the future; default: now.")
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = Field(
        default="", description="Why; it is kept with whoever the patient had before."
    )


@router.post("/v1/patients/{patient}/transfer", operation_id="transfer_patient",
             summary="Give a patient to another clinician", responses=answers(Patient, 200) | _REFUSED)  # fmt: skip
async def transfer_patient(
    *,
    patient: PatientId,
    body: TransferBody,
    care: TheCare,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Patient:
    """Concerns and what is still to be sent of alerts go to the new one; the one before stays in the team's past."""
    route = f"POST /v1/patients/{patient}/transfer"
    written = await care.transfer(
        caller.clinic,
        patient,
        to=body.clinician,
        at=body.at,
        note=body.note,
        idempotency=decision(caller, route, key, raw),
    )
    told(response, written.position)
    return written.document


class MemberBody(Body):
    """Somebody who shares the care."""

    model_config = _example(role="prescriber")

    role: Role | None = Field(default=None, description="What they do here; default: the role they have in the clinic.")
    since: Instant | None = Field(default=None, description="Since when (RFC 3339), not in the future; default: now.")


@router.put("/v1/patients/{patient}/care-team/{clinician}", operation_id="join_care_team",
            summary="Have somebody share the care of a patient",
            responses=answers(Patient, 200) | problems(404, 409, 410))  # fmt: skip
async def join_care_team(
    *,
    patient: PatientId,
    clinician: ClinicianId,
    body: MemberBody,
    care: TheCare,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Patient:
    """Beside the patient's clinician. Sending the same again changes nothing; another role holds from then on."""
    written = await care.join(caller.clinic, patient, clinician, role=body.role, since=body.since)
    told(response, written.position)
    return written.document


@router.delete("/v1/patients/{patient}/care-team/{clinician}", operation_id="leave_care_team",
               summary="Have somebody share the care no longer",
               responses=answers(Patient, 200) | problems(404, 410))  # fmt: skip
async def leave_care_team(
    *,
    patient: PatientId,
    clinician: ClinicianId,
    care: TheCare,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Patient:
    """They stay known as a past member. Doing it again changes nothing."""
    written = await care.leave(caller.clinic, patient, clinician)
    told(response, written.position)
    return written.document
