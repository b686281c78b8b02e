"""/v1/patients."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field, StringConstraints

from services.intake.api.parts import (
    Cursor,
    Instant,
    InWords,
    Limit,
    Now,
    OneLine,
    PageReply,
    PatientId,
    TheRegister,
    UpdatedSince,
    answered,
    answers,
    told,
)
from shared.auth import Caller
from shared.contracts import Patient
from shared.contracts.base import Id, Zone
from shared.contracts.clinics import Email, Mobile
from shared.contracts.patients import AssignedProtocol, ContactWishes, PatientStatus
from shared.runtime import Body, WaitForPosition, caller_with, problems

router = APIRouter(tags=["patients"])


class AssignedBody(AssignedProtocol, Body):
    """A protocol of the clinic's that this patient follows, from one local day to another."""

    starts_on: Annotated[date, InWords]
    stops_on: Annotated[date, InWords] | None = None


class ContactWishesBody(ContactWishes, Body):
    """How the patient wishes to be written to; nothing is sent without `consent_to_contact`."""


class PatientBody(Body):
    """A patient as they are to be. What is left out is taken away, but for `registered_at`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Sam Taylor",
                    "mobile": "+447700900002",
                    "consent_to_contact": True,
                    "clinician": "priya",
                    "status": "active",
                    "episode_started_on": "2026-09-01",
                }
            ]
        }
    )

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), OneLine] = ""
    email: Email | None = None
    mobile: Mobile | None = Field(default=None, description="In E.164 form, e.g. +447700900002.")
    consent_to_contact: bool = Field(
        default=False, strict=True, description="Whether the patient agreed to be written to."
    )
    clinician: Id | None = Field(
        default=None, description="Who hears of this patient's concerns; without one, the fallback contact does."
    )
    zone: Zone | None = Field(default=None, description="The patient's own zone, where it is not the clinic's.")
    status: PatientStatus = Field(
        default=PatientStatus.ACTIVE,
        description="active: in care, and can go quiet; discharged: no more; deceased: nothing is concluded any more.",
    )
    episode_started_on: Annotated[date, InWords] | None = Field(
        default=None,
        description="First day of the present episode of care. Without episodes, earlier scores count no more; with "
        "them, scores count from the referral.",
    )
    pathway: Id | None = Field(default=None, description="A pathway of PUT /v1/clinic, whose protocols are followed.")
    pathway_since: Annotated[date, InWords] | None = Field(
        default=None, description="Local day from which the pathway's protocols run; the day it was told, if left out."
    )
    protocols: list[AssignedBody] = Field(
        default_factory=list, max_length=20, description="Protocols followed beside the pathway's (docs/schedules.md)."
    )
    contact: ContactWishesBody = Field(default_factory=ContactWishesBody)
    registered_at: Instant | None = Field(
        default=None,
        description="Since when the patient is in your care (RFC 3339, offset mandatory), for imports. Default: now. "
        "Taken at the first registration only.",
    )


@router.put("/v1/patients/{patient}", operation_id="put_patient", summary="Register a patient, or change one",
            responses=answers(Patient, 200, 201) | problems(409, 410))  # fmt: skip
async def put_patient(
    *,
    patient: PatientId,
    body: PatientBody,
    register: TheRegister,
    now: Now,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> Patient:
    """The id is the clinic's own. Sending the same again changes nothing. The clinic must be set up first.

    Where the patient has episodes of care, `status` and `episode_started_on` follow from them: left out, they stay; the
    status `discharged` or `deceased` ends an open episode, and `active` needs one (POST .../referrals).
    """
    written = await register.put_patient(
        Patient(
            clinic=caller.clinic,
            patient=patient,
            version=1,
            updated_at=now,
            **body.model_dump(exclude={"registered_at"}),
            registered_at=body.registered_at or now,
        ),
        said=frozenset(body.model_fields_set),
    )
    answered(response, written)
    return written.document


@router.get("/v1/patients/{patient}", operation_id="get_patient", summary="One patient",
            responses=problems(400, 404))  # fmt: skip
async def get_patient(
    *,
    patient: PatientId,
    register: TheRegister,
    _: WaitForPosition,
    caller: Caller = caller_with("patients:read"),
) -> Patient:
    """A patient of the token's clinic."""
    return await register.patient(caller.clinic, patient)


@router.get("/v1/patients", operation_id="list_patients", summary="The patients, page by page",
            responses=problems(400))  # fmt: skip
async def list_patients(
    *,
    register: TheRegister,
    _: WaitForPosition,
    updated_since: UpdatedSince = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    caller: Caller = caller_with("patients:read"),
) -> PageReply[Patient]:
    """Those changed longest ago first. With `updated_since`, those deleted since come too, marked `deleted`."""
    page = await register.patients(caller.clinic, updated_since=updated_since, cursor=cursor, limit=limit)
    return PageReply(items=page.items, next=page.next)


@router.delete("/v1/patients/{patient}", operation_id="delete_patient", summary="Delete a patient for good",
               status_code=204, responses=answers(None, 204) | problems(404))  # fmt: skip
async def delete_patient(
    *,
    patient: PatientId,
    register: TheRegister,
    response: Response,
    caller: Caller = caller_with("patients:write"),
) -> None:
    """Nothing personal remains here: of the patient, their sessions and what became of their questions, only ids.

    The id cannot be used again. Entries already recorded elsewhere are not deleted by this. To end care, send the
    status `discharged` instead.
    """
    written = await register.delete_patient(caller.clinic, patient)
    told(response, written.position)
