"""How a patient has been: timeline and progress."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.mood.domain import MOST, Changed, Instrument, Kind, Mark, Progress, Range, Timing, Wish
from services.mood.handlers import Reader, Shown
from shared.auth import Caller
from shared.contracts import CheckInRecorded, Question, QuestionAsked, QuestionnaireCompleted
from shared.contracts.base import Id, Number, Origin
from shared.contracts.moods import RiskAnswer
from shared.contracts.questions import QuestionStatus
from shared.errors import FieldError, Problem
from shared.runtime import BEHIND_DOCUMENTED, BEHIND_HEADER, Body, WaitForPosition, caller_with, problems, settle

router = APIRouter(tags=["patients"])
_PLACE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 [\x21-\x7e]{1,200}")
PatientId = Annotated[Id, Path(description="The clinic's own id of the patient.")]


class AnswersShown(BaseModel):
    """The occasion of a protocol that an entry belongs to."""

    occasion: str = Field(description="Its id, as GET /v1/patients/{patient}/schedule names it.")
    protocol: str
    timing: Timing = Field(description="on_time or late: it is the answer; expired: it came too late to be one.")


class EntryShown(BaseModel):
    """What all entries have."""

    id: str
    occurred_at: AwareDatetime = Field(description="When it happened, with the offset it was sent with.")
    local_day: date = Field(description="The patient's own calendar day.")
    recorded_at: AwareDatetime = Field(description="When it was accepted, UTC.")
    origin: Origin
    answers_occasion: AnswersShown | None = Field(default=None, description="Null where nothing asked for it.")
    withdrawn_at: AwareDatetime | None = Field(
        default=None, description="When it was withdrawn: it counts no longer; null where it counts."
    )
    withdrawn_why: str = ""


class CheckInValues(BaseModel):
    """What a check-in said; 0 worst to 10 best."""

    mood: float
    energy: int | None
    sleep: int | None
    feelings: list[str]
    note: str | None
    answers: dict[str, Number] = Field(default_factory=dict, description="To the clinic's own questions, by name.")


class EarlierValues(BaseModel):
    """What a check-in said before it was corrected."""

    since: AwareDatetime = Field(description="From when on it said so.")
    values: CheckInValues


class CheckInShown(EntryShown):
    """A check-in, as it counts now."""

    kind: Literal["check_in"] = "check_in"
    values: CheckInValues
    corrected_at: AwareDatetime | None = Field(default=None, description="When it was last corrected.")
    previous: list[EarlierValues] = Field(default_factory=list, description="What it said before, oldest first.")


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


class Timeline(BaseModel):
    """A page of a patient's entries."""

    patient: str
    registered: bool = Field(description="False: the clinic has not registered this patient yet.")
    entries_not_processed: int = Field(description="Entries set aside because handling them failed; not in the list.")
    items: list[Annotated[CheckInShown | QuestionnaireShown | QuestionShown, Field(discriminator="kind")]]
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
    """Check-ins, questionnaires and questions by `occurred_at` as an instant, page by page."""
    wish = _wish(query)
    await settle(wait_for, request.state.reached, response)
    reader: Reader = request.state.reader
    try:
        shown = await reader.timeline(caller.clinic, patient, wish)
    except Problem as problem:
        raise _perhaps_behind(problem, response) from None
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
    caseness and reliable change where they are published.

    Weeks and days are the patient's own. Under 5 check-ins it says that there is not enough data. Estimated totals are
    left out, and where no reliable change is confirmed nothing is said of change.
    """
    await settle(wait_for, request.state.reached, response)
    reader: Reader = request.state.reader
    try:
        progress, zone, registered = await reader.progress(caller.clinic, patient)
    except Problem as problem:
        raise _perhaps_behind(problem, response) from None
    return PatientProgress(patient=patient, registered=registered, zone=zone, **dict(progress))


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


def _perhaps_behind(problem: Problem, response: Response) -> Problem:
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
        items=[_entry(entry, shown.marks.get(entry.now.id), shown) for entry in shown.entries],
        next=after,
    )


def _entry(changed: Changed, mark: Mark | None, shown: Shown) -> CheckInShown | QuestionnaireShown | QuestionShown:
    entry, fact = changed.now, changed.now.fact
    common = {
        "id": entry.id,
        "occurred_at": fact.occurred_at,
        "local_day": fact.local_day,
        "recorded_at": entry.recorded_at,
        "origin": fact.origin,
        "answers_occasion": None if mark is None else _answers_occasion(mark),
        "withdrawn_at": changed.withdrawn_at,
        "withdrawn_why": changed.why,
    }
    match fact:
        case CheckInRecorded():
            return CheckInShown(
                values=_check_in(fact),
                corrected_at=changed.corrected_at,
                previous=[EarlierValues(since=one.since, values=_check_in(one.check_in)) for one in changed.previous],
                **common,
            )
        case QuestionnaireCompleted():
            answers = _answers(fact, shown.instruments.get(fact.instrument))
            return QuestionnaireShown(values=answers, **common)
        case QuestionAsked():
            return QuestionShown(values=_question(fact, shown.questions.get(fact.question)), **common)
        case _:
            raise ValueError(f"{type(fact).__name__} does not belong on a timeline")


def _check_in(fact: CheckInRecorded) -> CheckInValues:
    return CheckInValues(
        mood=fact.mood,
        energy=fact.energy,
        sleep=fact.sleep,
        feelings=fact.feelings,
        note=fact.note,
        answers=fact.answers,
    )


def _answers_occasion(mark: Mark) -> AnswersShown:
    return AnswersShown(occasion=mark.occasion.id, protocol=mark.occasion.protocol, timing=mark.timing)


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
