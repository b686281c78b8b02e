"""What patients and clinics send, and the facts it becomes. Refuses the impossible; publishes nothing itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from services.mood.domain.instruments import Scoring, instrument_named, score_answers
from services.mood.domain.refusals import not_understood, refused
from shared.contracts import CheckInCorrected, CheckInRecorded, Clinic, EntryWithdrawn, Fact, QuestionnaireCompleted
from shared.contracts.base import Id, Number, Origin, Urgency
from shared.contracts.clinics import ClinicSettings
from shared.contracts.moods import Feeling, MoodValue, Tenth
from shared.contracts.safety import crisis_told, is_told
from shared.contracts.screening import Screening
from shared.crisis_language import screen, screen_all
from shared.errors import FieldError

AHEAD: Final = timedelta(minutes=10)
"""How far ahead of ours a client's clock may be."""
LIVE_WITHIN: Final = timedelta(hours=24)
SYNC_WITHIN: Final = timedelta(days=90)
EARLIEST_YEAR: Final = 1900
_FARTHEST_WEST, _FARTHEST_EAST = timedelta(hours=-12), timedelta(hours=14)
_FEW: Final = 1e-6


def _written_out(value: Any) -> Any:
    """Only a date and time as text: a bare number would be taken for a Unix time, which has no offset."""
    if isinstance(value, str) and value[4:5] == "-":
        return value
    raise PydanticCustomError("timestamp", "not a date and time")


OccurredAt = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written_out)]
_OFFSET: Final = "When it happened: RFC 3339 with the offset of the place it happened in; the day is taken from it."
_ORIGIN: Final = (
    "live: within 24 hours; sync: made offline, within 90 days; import: from another system's past, pages nobody."
)


class Sent(BaseModel):
    """What all entries have in common. What is not known is refused, so that a misspelt field is not lost."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    patient: Id = Field(description="The clinic's own id of the patient; need not be registered yet.")
    occurred_at: OccurredAt = Field(description=_OFFSET)
    origin: Origin = Field(default=Origin.LIVE, description=_ORIGIN)


class CheckIn(Sent):
    """How a patient is. 0 is worst and 10 is best, for mood, energy and sleep alike."""

    mood: MoodValue = Field(description="0 worst to 10 best; at most two decimals.")
    energy: Tenth | None = Field(default=None, description="0 to 10.")
    sleep: Tenth | None = Field(default=None, description="How well the patient slept, 0 to 10.")
    feelings: list[Feeling] = Field(default_factory=list, max_length=20, description="In the patient's own words.")
    note: str | None = Field(default=None, max_length=2000, description="In the patient's own words.")
    answers: dict[Id, int] = Field(
        default_factory=dict,
        max_length=20,
        description="Answers to the clinic's own questions, by the question's name (`check_in_questions` of PUT "
        "/v1/clinic): a whole number on its scale; 1 for yes, 0 for no; the place of the choice, 1 for the first.",
    )


class Correction(CheckIn):
    """What a check-in should have said, whole. `occurred_at` is when it was corrected."""


class Withdrawal(Sent):
    """That an entry is not to count any more. `occurred_at` is when it was withdrawn."""

    why: str = Field(default="", max_length=500, description="In the words of whoever withdrew it.")


class Questionnaire(Sent):
    """Answers to a questionnaire: items, a total, or both where they agree."""

    instrument: Id = Field(description="An id of GET /v1/instruments: a published one, or a scale the clinic declared.")
    items: dict[str, Any] | None = Field(
        default=None,
        max_length=200,
        description="The answered items by name, whole numbers, as printed: reversed items are turned round here. "
        "Leave out what was not answered.",
        json_schema_extra={"additionalProperties": {"type": "integer"}},
    )
    total: Number | None = Field(
        default=None,
        description="The total where the items are not known; says nothing about an item on harm, unless it is so "
        "high that it cannot be reached without it.",
    )


def _printable(key: str) -> str:
    if not key.isprintable():
        raise PydanticCustomError("key", "not printable")
    return key


Key = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]
_KEY: Final = "The line's own idempotency key: new for each thing recorded, the same on a retry."


class CheckInLine(CheckIn):
    """A line of a batch that is a check-in."""

    key: Key = Field(description=_KEY)
    type: Literal["check_in"]


class QuestionnaireLine(Questionnaire):
    """A line of a batch that is a questionnaire."""

    key: Key = Field(description=_KEY)
    type: Literal["questionnaire"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact that may be published, what it says of risk, and how soon the care team is told of it; None: it is not."""

    fact: Fact
    kind: Literal["check_in", "questionnaire", "correction", "withdrawal"]
    risk: bool = False
    told: Urgency | None = None


S = TypeVar("S", bound=BaseModel)
_LINE: Final[TypeAdapter[CheckInLine | QuestionnaireLine]] = TypeAdapter(
    Annotated[CheckInLine | QuestionnaireLine, Field(discriminator="type")]
)


def understand(model: type[S], raw: bytes) -> S:
    """One JSON object as sent. Raises Problem 400 on what is not JSON, 422 on what breaks the model."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise not_understood(error.errors(include_url=False, include_input=False)) from None


def understand_line(raw: bytes) -> CheckInLine | QuestionnaireLine:
    """One line of a batch as sent. Raises Problem as `understand` does."""
    try:
        return _LINE.validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        if found[0]["type"].startswith("union_tag"):
            raise refused(FieldError("/type", "send check_in or questionnaire")) from None
        for one in found:
            one["loc"] = one["loc"][1:]
        raise not_understood(found) from None


def check_in(sent: CheckIn, *, clinic: Clinic, now: datetime) -> Entry:
    """The fact that a patient said how they are, their words screened for crisis language. Raises Problem 422."""
    refuse_impossible_time(sent.occurred_at, sent.origin, now)
    _refuse_impossible_values(sent, clinic, now)
    fact = CheckInRecorded(
        clinic=clinic.clinic,
        patient=sent.patient,
        occurred_at=sent.occurred_at,
        local_day=sent.occurred_at.date(),
        origin=sent.origin,
        mood=sent.mood,
        energy=sent.energy,
        sleep=sent.sleep,
        feelings=sent.feelings,
        note=sent.note,
        answers=sent.answers,
        screening=_words_screened(sent),
    )
    return _screened(fact, "check_in", fact.screening, clinic, now)


def correction(entry: str, sent: Correction, *, clinic: Clinic, now: datetime) -> Entry:
    """The fact that a check-in was corrected, screened as one. Whether there is such a check-in is not looked up.

    Raises Problem 422.
    """
    refuse_impossible_time(sent.occurred_at, sent.origin, now)
    _refuse_impossible_values(sent, clinic, now)
    fact = CheckInCorrected(
        clinic=clinic.clinic,
        patient=sent.patient,
        occurred_at=sent.occurred_at,
        local_day=sent.occurred_at.date(),
        origin=sent.origin,
        entry=entry,
        mood=sent.mood,
        energy=sent.energy,
        sleep=sent.sleep,
        feelings=sent.feelings,
        note=sent.note,
        answers=sent.answers,
        screening=_words_screened(sent),
    )
    return _screened(fact, "correction", fact.screening, clinic, now)


def _words_screened(sent: CheckIn) -> Screening | None:
    """Of all that is in the patient's own words."""
    return screen_all([*sent.feelings, sent.note]) if sent.feelings else screen(sent.note)


def _screened(
    fact: Fact,
    kind: Literal["check_in", "correction", "withdrawal"],
    screening: Screening | None,
    clinic: Clinic,
    now: datetime,
) -> Entry:
    if screening is None or not screening.crisis_language:
        return Entry(fact, kind)
    risk, told = crisis_told(clinic.settings_at(now), screening, fact.origin)
    return Entry(fact, kind, risk=risk, told=told)


def withdrawal(entry: str, sent: Withdrawal, *, clinic: Clinic, now: datetime) -> Entry:
    """The fact that an entry was withdrawn, its reason screened as a note is. Whether there is such an entry is not
    looked up. Raises Problem 422.
    """
    refuse_impossible_time(sent.occurred_at, sent.origin, now)
    fact = EntryWithdrawn(
        clinic=clinic.clinic,
        patient=sent.patient,
        occurred_at=sent.occurred_at,
        local_day=sent.occurred_at.date(),
        origin=sent.origin,
        entry=entry,
        why=sent.why,
        screening=screen(sent.why),
    )
    return _screened(fact, "withdrawal", fact.screening, clinic, now)


def _refuse_impossible_values(sent: CheckIn, clinic: Clinic, now: datetime) -> None:
    """A question counts as the clinic asks it now, or as it did when it was answered: an entry may come late."""
    wrong = []
    if abs(sent.mood * 100 - round(sent.mood * 100)) > _FEW:
        wrong.append(FieldError("/mood", "send a number from 0 (worst) to 10 (best) with at most two decimals"))
    if sent.answers:
        settings = [clinic.settings_at(now), clinic.settings_at(sent.occurred_at)]
        for name, value in sent.answers.items():
            ranges = [one.range for each in settings for one in each.check_in_questions if one.name == name]
            if not ranges:
                message = "your clinic asks no such question: send the name of one of its `check_in_questions`"
                wrong.append(FieldError(f"/answers/{name}", message))
            elif not any(least <= value <= most for least, most in ranges):
                least, most = ranges[0]
                wrong.append(FieldError(f"/answers/{name}", f"send a whole number from {least} to {most}"))
    if wrong:
        raise refused(*wrong)


def questionnaire(sent: Questionnaire, *, clinic: str, settings: ClinicSettings, now: datetime) -> Entry:
    """The fact that a patient answered a questionnaire, scored. Raises Problem 422."""
    refuse_impossible_time(sent.occurred_at, sent.origin, now)
    instrument = instrument_named(sent.instrument, settings.scales)
    scoring = score_answers(instrument, sent.items, sent.total)
    fact = QuestionnaireCompleted(
        clinic=clinic,
        patient=sent.patient,
        occurred_at=sent.occurred_at,
        local_day=sent.occurred_at.date(),
        origin=sent.origin,
        instrument=sent.instrument,
        items=sent.items or None,
        score=scoring.score,
        risk_answers=scoring.risk_answers,
        prorated_score=scoring.prorated,
        skipped_risk_items=scoring.skipped_risk_items,
        partial=scoring.partial,
    )
    return Entry(fact, "questionnaire", risk=scoring.risk, told=_told(scoring, sent.origin, settings))


def _told(scoring: Scoring, origin: Origin, settings: ClinicSettings) -> Urgency | None:
    """How soon the care team really is told, so that nobody is promised more."""
    if not scoring.risk or not is_told(settings, "risk_item", origin):
        return None
    return Urgency.AT_ONCE if scoring.urgent else Urgency.WORKING_HOURS


def refuse_impossible_time(occurred_at: datetime, origin: Origin, now: datetime) -> None:
    """Raises Problem 422 for a time that cannot be right, or is too long ago for its origin."""
    age = now - occurred_at
    if age < -AHEAD:
        raise _bad_time("this is in the future: send when it happened, with the right offset, or correct the clock")
    if origin is Origin.LIVE and age > LIVE_WITHIN:
        raise _bad_time("this is more than 24 hours ago: send origin sync (made offline) or import with it")
    if origin is Origin.SYNC and age > SYNC_WITHIN:
        raise _bad_time("this is more than 90 days ago: send origin import with it")
    offset = occurred_at.utcoffset()
    if offset is None or not _FARTHEST_WEST <= offset <= _FARTHEST_EAST:
        raise _bad_time("no place on earth has this offset: send one from -12:00 to +14:00")
    if occurred_at.year < EARLIEST_YEAR:
        raise _bad_time(f"this is before {EARLIEST_YEAR}: send when it happened")


def _bad_time(message: str) -> Exception:
    return refused(FieldError("/occurred_at", message), code="impossible_time")
