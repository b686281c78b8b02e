"""How a patient has been: timeline and progress."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.mood.domain import LIBRARY, MOST, Coping, Instrument, Kind, Progress, Range, Recorded, Wish, reason_of
from services.mood.handlers import Reader, Receipts, Shown
from shared.auth import Caller
from shared.contracts import CheckInRecorded, Question, QuestionAsked, QuestionnaireCompleted, StrategyTried
from shared.contracts.base import Id, Number, Origin
from shared.contracts.moods import RiskAnswer
from shared.contracts.questions import QuestionStatus
from shared.errors import FieldError, Problem
from shared.runtime import BEHIND_DOCUMENTED, BEHIND_HEADER, Body, WaitForPosition, caller_with, problems, settle

router = APIRouter(tags=["patients"])
_PLACE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 [\x21-\x7e]{1,200}")
PatientId = Annotated[Id, Path(description="The clinic's own id of the patient.")]


class EntryShown(BaseModel):
    """What all entries have."""

    id: str
    occurred_at: AwareDatetime = Field(description="When it happened, with the offset it was sent with.")
    local_day: date = Field(description="The patient's own calendar day.")
    recorded_at: AwareDatetime = Field(description="When it was accepted, UTC.")
    origin: Origin


class CheckInValues(BaseModel):
    """What a check-in said; 0 worst to 10 best."""

    mood: float
    energy: int | None
    sleep: int | None
    feelings: list[str]
    note: str | None


class CheckInShown(EntryShown):
    """A check-in."""

    kind: Literal["check_in"] = "check_in"
    values: CheckInValues


class QuestionnaireValues(BaseModel):
    """What a questionnaire said."""

    instrument: str
    title: str | None = Field(description="The instrument's own name; null for one the clinic no longer has.")
    items: dict[str, int] | None = Field(description="The answered items; null where only a total was given.")
    score: Number | None = Field(description="The valid total; null where there is none.")
    prorated_score: Number | None = Field(
        description="An estimate of the total where few items are missing; it shows neither change nor recovery."
    )
    range: Range | None = Field(description="The lowest and the highest total; null where the instrument is not known.")
    band: str | None = Field(
        description="The published severity band of the total, or of its estimate; null where none is confirmed."
    )
    case: bool | None = Field(
        description="Whether the valid total is at the cut-off or beyond; null where no cut-off is known."
    )
    risk_answers: list[RiskAnswer]
    skipped_risk_items: list[str] = Field(description="Items on harm that were left out while others were answered.")


class QuestionnaireShown(EntryShown):
    """A questionnaire."""

    kind: Literal["questionnaire"] = "questionnaire"
    values: QuestionnaireValues


class QuestionValues(BaseModel):
    """A question of the patient's, and what became of it."""

    question: str
    text: str
    status: QuestionStatus
    answer: str | None
    answered_at: AwareDatetime | None
    settled_at: AwareDatetime | None


class QuestionShown(EntryShown):
    """A question."""

    kind: Literal["question"] = "question"
    values: QuestionValues


class StrategyValues(BaseModel):
    """A coping strategy that was tried. Distress before and after: 0 none to 10 worst."""

    strategy: str
    title: str | None = Field(description="As the library has it; null for one it no longer has.")
    before: int | None
    after: int | None


class StrategyTriedShown(EntryShown):
    """A coping strategy that was tried."""

    kind: Literal["strategy_tried"] = "strategy_tried"
    values: StrategyValues


class PinShown(BaseModel):
    """A strategy the patient pinned."""

    strategy: str
    title: str
    reason: str = Field(description="What the patient's own tries say of it, in plain words.")


Shape = CheckInShown | QuestionnaireShown | QuestionShown | StrategyTriedShown


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
    response: Response,
    *,
    patient: PatientId,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read"),
    query: Annotated[TimelineQuery, Query()],
) -> Timeline:
    """Check-ins, questionnaires, questions and strategies tried, by `occurred_at` as an instant, page by page.

    With a clinician's token, the entries of the page count as seen from now on: their receipts say so.
    """
    wish = _wish(query)
    await settle(wait_for, request.state.reached, response)
    reader: Reader = request.state.reader
    try:
        shown = await reader.timeline(caller.clinic, patient, wish)
    except Problem as problem:
        raise perhaps_behind(problem, response) from None
    receipts: Receipts = request.state.receipts
    receipts.note(caller, patient, shown.entries)
    return _timeline(patient, shown)


@router.get(
    "/v1/patients/{patient}/progress",
    operation_id="read_progress",
    summary="How a patient is doing, in numbers and plain words",
    responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400, 404)},
)
async def read_progress(
    request: Request,
    response: Response,
    *,
    patient: PatientId,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read"),
) -> PatientProgress:
    """This ISO week and last, and since the start: each instrument's first and latest score, with its range, band,
    caseness and reliable change where they are published. What the patient pinned, and what helped.

    Weeks and days are the patient's own. Under 5 check-ins it says that there is not enough data. Estimated totals are
    left out, and where no reliable change is confirmed nothing is said of change.
    """
    await settle(wait_for, request.state.reached, response)
    reader: Reader = request.state.reader
    try:
        progress, zone, registered, coping = await reader.progress(caller.clinic, patient)
    except Problem as problem:
        raise perhaps_behind(problem, response) from None
    return PatientProgress(patient=patient, registered=registered, zone=zone, pinned=pins_of(coping), **dict(progress))


@router.get(
    "/v1/patients/{patient}/progress/in-words",
    operation_id="read_progress_in_words",
    summary="How a patient is doing, in plain words for the patient",
    responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400, 404)},
)
async def read_progress_in_words(
    request: Request,
    response: Response,
    *,
    patient: PatientId,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read"),
) -> ProgressInWords:
    """This week and last, since the start, and what helped: for a reading age of 9, without bands, cut-offs or
    verdicts. The numbers behind them are those of `GET .../progress`."""
    await settle(wait_for, request.state.reached, response)
    reader: Reader = request.state.reader
    try:
        progress, _, _, coping = await reader.progress(caller.clinic, patient)
    except Problem as problem:
        raise perhaps_behind(problem, response) from None
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


def perhaps_behind(problem: Problem, response: Response) -> Problem:
    """A 404 keeps the word that the position was not reached: the patient may be known in a moment."""
    if BEHIND_HEADER in response.headers:
        problem.headers[BEHIND_HEADER] = response.headers[BEHIND_HEADER]
    return problem


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
        items=[_entry(entry, shown) for entry in shown.entries],
        next=after,
    )


def pins_of(coping: Coping) -> list[PinShown]:
    """The pinned strategies, as they are shown."""
    return [
        PinShown(strategy=name, title=LIBRARY[name].title, reason=reason_of(name, coping)) for name in coping.shown_pins
    ]


def _entry(entry: Recorded, shown: Shown) -> Shape:
    fact = entry.fact
    common = {
        "id": entry.id,
        "occurred_at": fact.occurred_at,
        "local_day": fact.local_day,
        "recorded_at": entry.recorded_at,
        "origin": fact.origin,
    }
    match fact:
        case CheckInRecorded():
            said = CheckInValues(
                mood=fact.mood, energy=fact.energy, sleep=fact.sleep, feelings=fact.feelings, note=fact.note
            )
            return CheckInShown(values=said, **common)
        case QuestionnaireCompleted():
            answers = _answers(fact, shown.instruments.get(fact.instrument))
            return QuestionnaireShown(values=answers, **common)
        case QuestionAsked():
            return QuestionShown(values=_question(fact, shown.questions.get(fact.question)), **common)
        case StrategyTried():
            known = LIBRARY.get(fact.strategy)
            title = None if known is None else known.title
            went = StrategyValues(strategy=fact.strategy, title=title, before=fact.before, after=fact.after)
            return StrategyTriedShown(values=went, **common)
        case _:
            raise ValueError(f"{type(fact).__name__} does not belong on a timeline")


def _answers(fact: QuestionnaireCompleted, known: Instrument | None) -> QuestionnaireValues:
    total = fact.prorated_score if fact.score is None else fact.score
    return QuestionnaireValues(
        instrument=fact.instrument,
        title=None if known is None else known.title,
        items=fact.items,
        score=fact.score,
        prorated_score=fact.prorated_score,
        range=None if known is None else Range(minimum=known.minimum, maximum=known.maximum),
        band=None if known is None or total is None else known.band_of(total),
        case=None if known is None or fact.score is None else known.is_case(fact.score),
        risk_answers=fact.risk_answers,
        skipped_risk_items=fact.skipped_risk_items,
    )


def _question(fact: QuestionAsked, handling: Question | None) -> QuestionValues:
    return QuestionValues(
        question=fact.question,
        text=fact.text,
        status=QuestionStatus.OPEN if handling is None else handling.status,
        answer=None if handling is None else handling.answer,
        answered_at=None if handling is None else handling.answered_at,
        settled_at=None if handling is None else handling.settled_at,
    )
