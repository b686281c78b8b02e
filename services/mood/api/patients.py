"""How a patient has been: timeline and progress."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from services.mood.api.shown import PinShown, Shape, entry_shown, pins_of
from services.mood.domain import MOST, Kind, Progress, Wish
from services.mood.handlers import Reader, Receipts, Shown
from shared.auth import Caller
from shared.contracts.base import Id
from shared.errors import FieldError, Problem
from shared.runtime import BEHIND_DOCUMENTED, Body, Patients, WaitForPosition, caller_with, problems, settle

router = APIRouter(tags=["patients"])
_PLACE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 [\x21-\x7e]{1,200}")
PatientId = Annotated[Id, Path(description="The clinic's own id of the patient.")]


class Timeline(BaseModel):
    """A page of a patient's entries."""

    patient: str
    registered: bool = Field(description="False: the clinic has not registered this patient yet.")
    entries_not_processed: int = Field(description="Entries set aside because handling them failed; not in the list.")
    pinned: list[PinShown] = Field(description="The patient's own two strategies, to be shown first.")
    items: list[Annotated[Shape, Field(discriminator="kind")]]
    next: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")


class TimelineQuery(Body):
    """Which entries, and in which order."""

    order: Literal["newest", "oldest"] = Field(default="newest", description="Which entries come first.")
    limit: int = Field(default=50, ge=1, le=MOST, description="Entries on a page.")
    cursor: str | None = Field(default=None, max_length=400, description="The `next` of the last page.")
    first_day: date | None = Field(default=None, alias="from", description="First local day, inclusive.")
    last_day: date | None = Field(default=None, alias="to", description="Last local day, inclusive.")
    kinds: list[Kind] = Field(default_factory=list, description="Only these kinds; repeat it for several.")


class PatientProgress(Progress):
    """A patient's progress. Supports a clinician's judgement; it is not a diagnosis."""

    patient: str
    registered: bool = Field(description="False: the clinic has not registered this patient yet.")
    zone: str = Field(description="The IANA zone `today` is told in: the patient's, else the clinic's.")
    pinned: list[PinShown] = Field(description="The patient's own two strategies, to be shown first.")


class ProgressInWords(BaseModel):
    """A patient's progress for the patient: plain sentences, to be shown as they are."""

    patient: str
    pinned: list[PinShown] = Field(description="Their own two strategies, to be shown first.")
    weeks: list[str] = Field(description="This week and last.")
    since_start: list[str]
    what_helped: list[str]


@router.get(
    "/v1/patients/{patient}/timeline",
    operation_id="read_timeline",
    summary="A patient's entries in the order they happened",
    responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400, 404)},
)
async def read_timeline(
    request: Request,
    *,
    patient: PatientId,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read", Patients.IN_PATH),
    query: Annotated[TimelineQuery, Query()],
) -> Timeline:
    """Check-ins, questionnaires, questions and strategies tried, by `occurred_at` as an instant, page by page.

    With a clinician's token, the entries of the page count as seen from now on: their receipts say so.
    """
    wish = _wish(query)
    await settle(wait_for, request.state.reached)
    reader: Reader = request.state.reader
    shown = await reader.timeline(caller.clinic, patient, wish)
    receipts: Receipts = request.state.receipts
    receipts.note(caller, patient, [entry.now for entry in shown.entries])
    return _timeline(patient, shown)


@router.get(
    "/v1/patients/{patient}/progress",
    operation_id="read_progress",
    summary="How a patient is doing, in numbers and plain words",
    responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400, 404)},
)
async def read_progress(
    request: Request,
    *,
    patient: PatientId,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read", Patients.IN_PATH),
) -> PatientProgress:
    """This ISO week and last, and since the start: each instrument's first and latest score, with its range, band,
    caseness and reliable change where they are published. What the patient pinned, and what helped.

    Weeks and days are the patient's own. Under 5 check-ins it says that there is not enough data. Estimated totals are
    left out, and where no reliable change is confirmed nothing is said of change.
    """
    await settle(wait_for, request.state.reached)
    reader: Reader = request.state.reader
    progress, zone, registered, coping = await reader.progress(caller.clinic, patient)
    return PatientProgress(patient=patient, registered=registered, zone=zone, pinned=pins_of(coping), **dict(progress))


@router.get(
    "/v1/patients/{patient}/progress/in-words",
    operation_id="read_progress_in_words",
    summary="How a patient is doing, in plain words for the patient",
    responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400, 404)},
)
async def read_progress_in_words(
    request: Request,
    *,
    patient: PatientId,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read", Patients.IN_PATH),
) -> ProgressInWords:
    """This week and last, since the start, and what helped: for a reading age of 9, without bands, cut-offs or
    verdicts. The numbers behind them are those of `GET .../progress`."""
    await settle(wait_for, request.state.reached)
    reader: Reader = request.state.reader
    progress, _, _, coping = await reader.progress(caller.clinic, patient)
    return ProgressInWords(patient=patient, pinned=pins_of(coping), **dict(progress.words))


def _wish(query: TimelineQuery) -> Wish:
    """What a query asks for. Raises Problem 400 or 422."""
    if query.first_day is not None and query.last_day is not None and query.first_day > query.last_day:
        wrong = FieldError("/from", "send a day that is not after `to`")
        raise Problem(422, "invalid", "No such days", "The first day is after the last: swap them.", [wrong])
    return Wish(
        newest_first=query.order == "newest",
        limit=query.limit,
        after=None if query.cursor is None else _place(query.cursor),
        first_day=query.first_day,
        last_day=query.last_day,
        kinds=frozenset(query.kinds or Kind),
    )


def _place(cursor: str) -> str:
    """The place a cursor stands behind. Raises Problem 400 on what we did not hand out."""
    try:
        place = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        place = ""
    if _PLACE.fullmatch(place) is None:
        raise Problem(
            400,
            "invalid_cursor",
            "This cursor was not made here",
            "Send `cursor` exactly as the last page's `next` gave it, or leave it out to begin at the first page.",
        )
    return place


def _timeline(patient: str, shown: Shown) -> Timeline:
    after = None if shown.after is None else urlsafe_b64encode(shown.after.encode()).decode().rstrip("=")
    return Timeline(
        patient=patient,
        registered=shown.registered,
        entries_not_processed=shown.set_aside,
        pinned=pins_of(shown.coping),
        items=[entry_shown(entry, shown) for entry in shown.entries],
        next=after,
    )
