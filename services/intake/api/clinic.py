"""/v1/clinic."""

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.intake.api.clinic_bodies import ClinicBody
from services.intake.api.parts import (
    Now,
    TheRegister,
    answered,
    answers,
)
from services.intake.handlers import Register
from shared.auth import Caller
from shared.contracts import Clinic
from shared.contracts.clinics import ClinicSettings
from shared.runtime import WaitForPosition, caller_with, problems

router = APIRouter(tags=["clinic"])


class WarningReply(BaseModel):
    """Something that works, and is probably not meant: whoever it concerns is not told; the fallback contact is."""

    pointer: str = Field(description="JSON pointer into the body of PUT /v1/clinic.")
    message: str
    since: AwareDatetime | None = Field(default=None, description="From when, of a gap in the rota.")
    until: AwareDatetime | None = None


class ClinicReply(Clinic):
    """The clinic, and what to look at in its escalation, as of now."""

    warnings: list[WarningReply]


@router.put("/v1/clinic", operation_id="put_clinic", summary="Set the clinic up, or change its settings from now on",
            responses=answers(ClinicReply, 200, 201) | problems())  # fmt: skip
async def put_clinic(
    *,
    body: ClinicBody,
    register: TheRegister,
    now: Now,
    response: Response,
    caller: Caller = caller_with("clinic:write"),
) -> ClinicReply:
    """The clinic is the token's. Settings that differ are added with `effective_from` now; the old ones stay known.

    `warnings` name the gaps of the rota in the next eight weeks and steps that have nobody to go to.
    """
    settings = ClinicSettings.model_validate(body.model_dump(exclude={"name"}) | {"effective_from": now})
    written = await register.set_up_clinic(caller.clinic, name=body.name, settings=settings)
    answered(response, written)
    return await _with_warnings(written.document, register)


async def _with_warnings(clinic: Clinic, register: Register) -> ClinicReply:
    found = await register.warnings(clinic)
    warnings = [WarningReply(pointer=w.pointer, message=w.message, since=w.since, until=w.until) for w in found]
    return ClinicReply(**dict(clinic), warnings=warnings)


@router.get("/v1/clinic", operation_id="get_clinic", summary="The clinic with its settings, past ones included",
            responses=problems(400, 404))  # fmt: skip
async def get_clinic(
    register: TheRegister, _: WaitForPosition, caller: Caller = caller_with("clinic:read")
) -> ClinicReply:
    """Settings are effective-dated, oldest first: the last ones hold now. `warnings` are found anew at each reading."""
    return await _with_warnings(await register.clinic(caller.clinic), register)
