"""Corrections and withdrawals: facts like any other. Nothing is overwritten."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from services.mood.api.bodies import CORRECTION_BODY, WITHDRAWAL_BODY, Accepted
from services.mood.api.entries import MOST_BYTES, POSITION_DOCUMENTED, accepted, read_body
from services.mood.handlers import Recorder
from shared.auth import Caller
from shared.contracts.base import Id
from shared.runtime import IdempotencyKey, Patients, caller_with, problems

router = APIRouter(tags=["entries"])
EntryId = Annotated[Id, Path(description="The `id` that the entry was answered with.")]


@router.post(
    "/v1/check-ins/{entry}/corrections",
    status_code=202,
    operation_id="correct_check_in",
    summary="Correct a check-in",
    response_model=None,
    responses={202: {"model": Accepted, "headers": POSITION_DOCUMENTED}, **problems(400, 409, 413)},
    openapi_extra=CORRECTION_BODY,
)
async def correct_check_in(
    request: Request,
    entry: EntryId,
    key: IdempotencyKey,
    caller: Caller = caller_with("entries:write", Patients.IN_BODY),
) -> Response:
    """From now on the check-in counts with this content, at its own time and on its own day; of several corrections the
    last one counts. What it said before stays on the timeline.

    Send all of it, not only what changed. No store stands on this path, so that a wrong id is accepted too, and changes
    nothing.
    """
    recorder: Recorder = request.state.recorder
    return accepted(await recorder.correct_check_in(caller, entry, key, await read_body(request, MOST_BYTES)))


@router.post(
    "/v1/entries/{entry}/withdrawal",
    status_code=202,
    operation_id="withdraw_entry",
    summary="Withdraw a check-in or a questionnaire",
    response_model=None,
    responses={202: {"model": Accepted, "headers": POSITION_DOCUMENTED}, **problems(400, 409, 413)},
    openapi_extra=WITHDRAWAL_BODY,
)
async def withdraw_entry(
    request: Request,
    entry: EntryId,
    key: IdempotencyKey,
    caller: Caller = caller_with("entries:write", Patients.IN_BODY),
) -> Response:
    """It counts no longer, whatever corrections there are, and stays on the timeline as withdrawn.

    What was said about harm is not taken back by it: the care team keeps hearing of it until one of them closes it.
    The reason is screened as a note is: show `safety` with the answer, first where `prominent` is true.
    """
    recorder: Recorder = request.state.recorder
    return accepted(await recorder.withdraw(caller, entry, key, await read_body(request, MOST_BYTES)))
