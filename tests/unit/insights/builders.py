"""Facts, documents and settings, short enough to read in a test."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

from services.insights.domain import Findings, PatientState, Standing, assess
from shared.contracts import (
    CheckInCorrected,
    CheckInRecorded,
    Clinic,
    EntryWithdrawn,
    Patient,
    Question,
    QuestionAsked,
    QuestionnaireCompleted,
    Session,
)
from shared.contracts.assessments import Concern
from shared.contracts.base import Fact, Origin
from shared.contracts.clinics import ClinicSettings, Contact, RuleChoice, RuleSet
from shared.contracts.moods import PartialTotal, RiskAnswer
from shared.contracts.questions import QuestionStatus
from shared.contracts.sessions import Rating

CLINIC, PATIENT = "north", "p1"
START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)  # a Monday


def day(number: float, hours: float = 0) -> datetime:
    """So many days after START."""
    return START + timedelta(days=number, hours=hours)


def fact_id(name: object) -> str:
    """An id like those the doors give."""
    return str(uuid5(NAMESPACE_URL, str(name)))


def check_in(at: datetime, mood: float, *, origin: Origin = Origin.LIVE, patient: str = PATIENT) -> CheckInRecorded:
    """A check-in."""
    return CheckInRecorded(
        clinic=CLINIC, patient=patient, occurred_at=at, local_day=at.date(), origin=origin, mood=mood
    )


def answers(
    at: datetime,
    score: float | None = None,
    *,
    instrument: str = "phq9",
    risk: list[tuple[int, int, int]] | None = None,
    skipped: list[str] | None = None,
    partial: tuple[float, float, int] | None = None,
    origin: Origin = Origin.LIVE,
    patient: str = PATIENT,
) -> QuestionnaireCompleted:
    """A questionnaire; risk answers as (value, recall in days, urgent from); partial as (least, most, missing)."""
    return QuestionnaireCompleted(
        clinic=CLINIC,
        patient=patient,
        occurred_at=at,
        local_day=at.date(),
        origin=origin,
        instrument=instrument,
        score=score,
        risk_answers=[
            RiskAnswer(item=f"{instrument}.{9 + index}", value=value, recall_days=recall, urgent_from=urgent)
            for index, (value, recall, urgent) in enumerate(risk or [])
        ],
        skipped_risk_items=skipped or [],
        partial=None if partial is None else PartialTotal(least=partial[0], most=partial[1], missing=partial[2]),
    )


def corrected(at: datetime, entry: str, mood: float) -> CheckInCorrected:
    """A correction of a check-in."""
    return CheckInCorrected(
        clinic=CLINIC,
        patient=PATIENT,
        occurred_at=at,
        local_day=at.date(),
        origin=Origin.LIVE,
        entry=entry,
        mood=mood,
    )


def withdrawn(at: datetime, entry: str) -> EntryWithdrawn:
    """A withdrawal of a check-in or questionnaire."""
    return EntryWithdrawn(
        clinic=CLINIC, patient=PATIENT, occurred_at=at, local_day=at.date(), origin=Origin.LIVE, entry=entry
    )


def asked(at: datetime, question: str, *, origin: Origin = Origin.LIVE, patient: str = PATIENT) -> QuestionAsked:
    """A question."""
    return QuestionAsked(
        clinic=CLINIC,
        patient=patient,
        occurred_at=at,
        local_day=at.date(),
        origin=origin,
        question=question,
        text="When is my next session?",
    )


def handling(
    question: str, status: QuestionStatus = QuestionStatus.OPEN, *, version: int = 1, deleted: bool = False
) -> Question:
    """What became of a question."""
    return Question(
        clinic=CLINIC,
        patient=PATIENT,
        question=question,
        asked_at=START,
        updated_at=START,
        status=status,
        version=version,
        deleted=deleted,
    )


def patient(version: int = 1, **changes: Any) -> Patient:
    """The patient's document."""
    fields: dict[str, Any] = {
        "clinic": CLINIC,
        "patient": PATIENT,
        "version": version,
        "registered_at": START,
        "updated_at": START,
    }
    return Patient(**(fields | changes))


def session(
    name: str,
    rated_at: datetime | None,
    each: int | tuple[int, ...] = 8,
    *,
    version: int = 1,
    deleted: bool = False,
    origin: Origin = Origin.LIVE,
    patient: str = PATIENT,
) -> Session:
    """A session; `each` is the answer to all five questions of its rating, or the five answers."""
    given = (each,) * 5 if isinstance(each, int) else each
    questions = ("felt_welcome", "room_was_comfortable", "felt_listened_to", "worked_on_what_matters")
    rating = None
    if rated_at is not None:
        named = dict(zip((*questions, "questions_were_answered"), given, strict=True))
        rating = Rating.model_validate({**named, "rated_at": rated_at, "origin": origin})
    return Session(
        clinic=CLINIC,
        patient=patient,
        session=name,
        scheduled_at=START,
        updated_at=START,
        rating=rating,
        version=version,
        deleted=deleted,
    )


def settings(
    since: datetime = START - timedelta(days=3650),
    *,
    zone: str = "Europe/London",
    base: Literal["starter", "none"] = "starter",
    rules: dict[str, RuleChoice] | None = None,
    holidays: list[Any] | None = None,
) -> ClinicSettings:
    """Settings from an instant on: Monday to Friday, 9 to 17."""
    return ClinicSettings(
        effective_from=since,
        zone=zone,
        working_hours={name: (time(9), time(17)) for name in ("mon", "tue", "wed", "thu", "fri")},
        holidays=holidays or [],
        rule_set=RuleSet(base=base, rules=rules or {}),
        fallback_contact=Contact(name="Duty", email="duty@example.org"),
    )


def clinic(*each: ClinicSettings, version: int = 1) -> Clinic:
    """A clinic."""
    return Clinic(clinic=CLINIC, version=version, name="North", settings=list(each) or [settings()])


def state_of(*things: Any) -> PatientState:
    """A state from facts, (id, fact) pairs and documents, in the order given; a bare fact's id is its place."""
    state = PatientState()
    for place, thing in enumerate(things):
        if isinstance(thing, tuple):
            state.add(*thing)
        elif isinstance(thing, Fact):
            state.add(fact_id(place), thing)
        else:
            state.apply(thing)
    return state


def look(state: PatientState, now: datetime, horizon: datetime | None = None, known: Clinic | None = None) -> Findings:
    """The findings at an instant; a clinic that is not known counts as having had every rule for ever."""
    return assess(state, Standing(known, as_if_always=known is None), now=now, horizon=horizon or now)


def concern(found: Findings, rule: str) -> Concern | None:
    """One rule's concern, if it is listed."""
    return next((concern for concern in found.concerns if concern.rule == rule), None)


def listed(found: Findings, rule: str) -> Concern:
    """One rule's concern, which must be listed."""
    one = concern(found, rule)
    assert one is not None
    return one


def rated(*means: float) -> list[object]:
    """Sessions a day apart, rated so on average (in fifths)."""
    found: list[object] = []
    for number, mean in enumerate(means):
        total = round(mean * 5)
        each = tuple(total // 5 + (1 if place < total % 5 else 0) for place in range(5))
        found.append(session(f"s{number}", day(number), each))
    return found
