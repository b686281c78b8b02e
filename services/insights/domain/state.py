"""What is remembered of one patient: enough to assess them again without reading their history."""

from typing import NamedTuple

from services.insights.domain.absence import ObservedDays, Questions
from services.insights.domain.attended import Attended
from services.insights.domain.deterioration import Scores
from services.insights.domain.instants import NEVER_YET, KnownIds, code_of, micros, sort_key
from services.insights.domain.mood_shift import MoodDays
from services.insights.domain.rating_drop import Ratings
from services.insights.domain.risk_item import RiskAnswers, answered
from shared.contracts import CheckInRecorded, Patient, Question, QuestionAsked, QuestionnaireCompleted, Session
from shared.contracts.base import Contract, Fact
from shared.contracts.patients import PatientStatus
from shared.contracts.questions import QuestionStatus


class Registered(NamedTuple):
    """What assessments need of the patient's document. A deleted one says nothing but its version."""

    version: int
    deleted: bool
    status: PatientStatus
    episode_from: int
    expected_from: int
    clinician: str | None


class PatientState:
    """Everything insights keeps in memory of one patient: a function of the *set* of their facts and documents.

    Facts may come in any order and any number of times; two with one id are one, and the first to be recorded counts.
    Of documents the highest version counts. An entry in order costs the same however long the history.
    """

    __slots__ = (
        "_ids",
        "_last_at",
        "_last_id",
        "_last_origin",
        "aside",
        "attended",
        "mood",
        "observed",
        "patient",
        "questions",
        "ratings",
        "risk",
        "scores",
    )

    def __init__(self) -> None:
        self._ids = KnownIds()
        self._last_at, self._last_id, self._last_origin = NEVER_YET, "", 0
        self.observed = ObservedDays()
        self.mood: MoodDays | None = None
        self.scores: dict[str, Scores] = {}
        self.risk: RiskAnswers | None = None
        self.questions: Questions | None = None
        self.ratings: Ratings | None = None
        self.attended: Attended | None = None
        self.patient: Registered | None = None
        self.aside: dict[str, bool] = {}

    @property
    def entries(self) -> int:
        """How many facts are known."""
        return len(self._ids)

    @property
    def last(self) -> tuple[bytes, int] | None:
        """Key and origin of the last fact, in the order of facts."""
        if self._last_at == NEVER_YET:
            return None
        return sort_key(self._last_at, self._last_id), self._last_origin

    @property
    def registered(self) -> Registered | None:
        """The patient's document, where there is one that is not deleted."""
        return self.patient if self.patient is not None and not self.patient.deleted else None

    def add(self, fact_id: str, fact: Fact, accepted: int = 0) -> bool:
        """Take in a fact; whether it was new. Kinds of fact we do not judge still count as entries.

        accepted: when it was accepted at the door, in microseconds since 1970; 0 where that is not known.
        """
        if not self._ids.add(fact_id):
            return False
        at = micros(fact.occurred_at)
        day = fact.local_day.toordinal()
        origin = code_of(fact.origin)
        kind = type(fact)
        if kind is CheckInRecorded:
            if self.mood is None:
                self.mood = MoodDays()
            self.mood.add(day, round(fact.mood * 100), at, origin, fact_id)  # type: ignore[attr-defined]  # see kind
        elif kind is QuestionnaireCompleted or kind is QuestionAsked:
            self._add_answers(sort_key(at, fact_id), day, origin, fact, accepted)
        self.observed.add(day)
        if at > self._last_at or (at == self._last_at and fact_id > self._last_id):
            self._last_at, self._last_id, self._last_origin = at, fact_id, origin
        return True

    def _add_answers(self, key: bytes, day: int, origin: int, fact: Fact, accepted: int) -> None:
        if isinstance(fact, QuestionnaireCompleted):
            self._add_questionnaire(key, day, origin, fact, accepted)
        elif isinstance(fact, QuestionAsked):
            if self.questions is None:
                self.questions = Questions()
            self.questions.ask(fact.question, key, origin, accepted)

    def _add_questionnaire(
        self, key: bytes, day: int, origin: int, fact: QuestionnaireCompleted, accepted: int
    ) -> None:
        if fact.score is not None:
            scores = self.scores.get(fact.instrument)
            if scores is None:
                scores = self.scores[fact.instrument] = Scores()
            scores.add(key=key, day=day, score=fact.score, origin=origin, accepted=accepted)
        if fact.risk_answers:
            if self.risk is None:
                self.risk = RiskAnswers()
            self.risk.add(answered(key, origin, fact.instrument, fact.risk_answers, accepted))

    def apply(self, document: Contract) -> bool:
        """Take in a document; whether it was newer than what is known. Kinds we do not judge are passed over."""
        if isinstance(document, Patient):
            return self._register(document)
        if isinstance(document, Session):
            if self.ratings is None:
                self.ratings = Ratings()
            if self.attended is None:
                self.attended = Attended()
            self.attended.apply(document)
            return self.ratings.apply(document)
        if isinstance(document, Question):
            if self.questions is None:
                self.questions = Questions()
            closed = document.deleted or document.status is not QuestionStatus.OPEN
            return self.questions.handle(document.question, document.version, closed=closed)
        return False

    def _register(self, document: Patient) -> bool:
        if self.patient is not None and document.version <= self.patient.version:
            return False
        started = document.episode_started_on
        self.patient = Registered(
            version=document.version,
            deleted=document.deleted,
            status=document.status,
            episode_from=started.toordinal() if started else 0,
            expected_from=micros(document.expected_from),
            clinician=document.clinician,
        )
        return True

    def set_aside(self, event_id: str, *, risk: bool) -> None:
        """An entry could not be processed: it is missing here, and counted."""
        self.aside[event_id] = risk
