"""The session brief of a patient. The clinic is always the token's."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request

from services.insights.domain.brief import Brief
from services.insights.handlers.briefing import Briefs, Receipts
from shared.auth import Caller
from shared.contracts.base import Id
from shared.contracts.clinics import Role
from shared.errors import Problem
from shared.runtime import WaitForPosition, caller_with, problems, settle

router = APIRouter(tags=["insights"])
CLINICIANS: Final = frozenset({"clinician", Role.THERAPIST.value, Role.PRESCRIBER.value, Role.LEAD.value})
"""The roles, in a token, of people who care for patients: what is shown to them has been seen. As in mood."""


def _briefs(request: Request) -> Briefs:
    briefs: Briefs = request.state.briefs
    return briefs


def _receipts(request: Request) -> Receipts:
    receipts: Receipts = request.state.receipts
    return receipts


@router.get(
    "/v1/patients/{patient}/brief",
    operation_id="get_brief",
    summary="The session brief: what changed since the last session, and what is open",
    responses=problems(400, 404),
)
async def get_brief(
    *,
    patient: Annotated[Id, Path(description="The clinic's own id of the patient.")],
    session: Annotated[Id | None, Query(description="The session to prepare; default: the next one.")] = None,
    wait_for: WaitForPosition,
    briefs: Annotated[Briefs, Depends(_briefs)],
    receipts: Annotated[Receipts, Depends(_receipts)],
    request: Request,
    caller: Caller = caller_with("insights:read"),
) -> Brief:
    """One call before a session. It shows what the patient wrote, so the token needs the scope `entries:read` as well.

    Read with a clinician's token (role `clinician`, `therapist`, `prescriber` or `lead`), the entries shown count as
    seen: the patient's receipts say so.
    """
    if "entries:read" not in caller.scopes:
        raise Problem(403, "forbidden", "Not with this token", "This needs a token with the scope 'entries:read' too.")
    await settle(wait_for, request.state.reached)
    made = await briefs.brief(caller.clinic, patient, session=session)
    if caller.role in CLINICIANS:
        receipts.shown(caller.clinic, made, by=caller.client)
    return made.brief
