"""Receipts: an entry's id, when it was saved, and when the care team saw it."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime, BaseModel, Field

from services.mood.api.patients import PatientId
from services.mood.domain import is_patient
from services.mood.handlers import Receipts
from shared.auth import Caller
from shared.contracts.moods import Through
from shared.runtime import BEHIND_DOCUMENTED, Patients, WaitForPosition, caller_with, problems, settle

router = APIRouter(tags=["entries"])
NOT_YET: Final = "It is saved. Your care team has not opened it yet."
SEEN: Final = "It is saved. Somebody in your care team has seen it."
EntryId = Annotated[str, Path(max_length=200, description="The id the entry was accepted with.")]


class ReceiptShown(BaseModel):
    """What became of an entry. It can be read for ever."""

    id: str
    patient: str
    saved_at: AwareDatetime = Field(description="When it was accepted, UTC.")
    seen_at: AwareDatetime | None = Field(
        description="When a clinician was first shown it, UTC; null: nobody yet. Nothing but a read with a clinician's "
        "token counts: neither one of the clinic's system, nor that a message was sent."
    )
    through: Through | None = Field(description="Where it was shown; null: nobody yet.")
    by: str | None = Field(description="To whom, as their token names them; null for a patient's own token.")
    in_words: str


@router.get(
    "/v1/patients/{patient}/entries/{entry}/receipt",
    operation_id="read_receipt",
    summary="When an entry was saved, and when the care team saw it",
    responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400, 404)},
)
async def read_receipt(
    request: Request,
    *,
    patient: PatientId,
    entry: EntryId,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read", Patients.IN_PATH),
) -> ReceiptShown:
    """Of a check-in, a questionnaire, a question or a strategy tried. `seen_at` is the earliest time a clinician's
    read of the timeline or of a brief held it; it may be told a moment after that read."""
    await settle(wait_for, request.state.reached)
    receipts: Receipts = request.state.receipts
    found = await receipts.receipt(caller, patient, entry)
    seen = found.seen
    return ReceiptShown(
        id=found.id,
        patient=patient,
        saved_at=found.saved_at,
        seen_at=None if seen is None else seen.at,
        through=None if seen is None else seen.through,
        by=None if seen is None or is_patient(caller.role) else seen.by,
        in_words=NOT_YET if seen is None else SEEN,
    )
