"""What entries look like to those who read them."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from services.mood.domain import LIBRARY, Changed, Coping, Instrument, Mark, Range, Timing, reason_of
from services.mood.handlers import Shown
from shared.contracts import CheckInRecorded, Question, QuestionAsked, QuestionnaireCompleted, StrategyTried
from shared.contracts.base import Number, Origin
from shared.contracts.moods import RiskAnswer
from shared.contracts.questions import QuestionStatus


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
    withdrawn_why: str = Field(
        default="", description="Why, in the words of whoever withdrew it; of several withdrawals a line each."
    )


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


def pins_of(coping: Coping) -> list[PinShown]:
    """The pinned strategies, as they are shown."""
    return [
        PinShown(strategy=name, title=LIBRARY[name].title, reason=reason_of(name, coping)) for name in coping.shown_pins
    ]


def entry_shown(changed: Changed, shown: Shown) -> Shape:
    """One entry of a page, as it counts now."""
    entry, fact, mark = changed.now, changed.now.fact, shown.marks.get(changed.now.id)
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
        case StrategyTried():
            known = LIBRARY.get(fact.strategy)
            title = None if known is None else known.title
            went = StrategyValues(strategy=fact.strategy, title=title, before=fact.before, after=fact.after)
            return StrategyTriedShown(values=went, **common)
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
