"""What is remembered of one patient: enough to assess them again without reading their history."""

from datetime import date
from typing import Final, NamedTuple

from services.insights.domain.absence import ObservedDays, Questions
from services.insights.domain.amending import Amendments, Forms
from services.insights.domain.attended import Attended
from services.insights.domain.crisis_language import CrisisWords, Found, Where, signs_of
from services.insights.domain.deterioration import Scores
from services.insights.domain.inquiries import Inquiries
from services.insights.domain.instants import NEVER_YET, KnownIds, code_of, key_id, micros, sort_key
from services.insights.domain.measures import partial_of
from services.insights.domain.missed_sessions import Attendances
from services.insights.domain.mood_shift import MoodDays
from services.insights.domain.rating_drop import Ratings
from services.insights.domain.risk_answers import RiskAnswers, answered
from services.insights.domain.risk_items import RiskItems
from services.insights.domain.risk_skipped import Skips
from services.insights.domain.standing import Standing
from shared.contracts import (
    CheckInCorrected,
    CheckInRecorded,
    EntryWithdrawn,
    Patient,
    Question,
    QuestionAsked,
    QuestionnaireCompleted,
    Session,
)
from shared.contracts.base import Contract, Fact
from shared.contracts.expected import Expected, expected_of, meeting_of
from shared.contracts.patients import PatientStatus
from shared.contracts.questions import QuestionStatus
from shared.contracts.screening import Screening
from shared.schedule import Meeting

_WHERE: Final[dict[type[Contract], Where]] = {
    QuestionAsked: "question",
    EntryWithdrawn: "note on a withdrawn entry",
}
"""What a text found by the screen is called, where it is no check-in's."""


class Registered(NamedTuple):
    """What assessments need of the patient's document. A deleted one says nothing but its version.

    episode_from: the ordinal of the first day whose scores and sessions count (`scores_from`), 0 for all.
    follows: the document itself, where the patient follows a protocol.
    """

    version: int
    deleted: bool
    status: PatientStatus
    episode_from: int
    expected_from: int
    clinician: str | None
    ended: tuple[date, ...] = ()
    follows: Patient | None = None


class PatientState:
    """Everything insights keeps in memory of one patient: a function of the *set* of their facts and documents.

    Facts may come in any order and any number of times; two with one id are one, and the first to be recorded counts.
    Of documents the highest version counts. An entry in order costs the same however long the history, a correction or
    withdrawal what has come since its entry.
    """

    __slots__ = (
        "_amended",
        "_expected",
        "_forms",
        "_ids",
        "_last_at",
        "_last_id",
        "_last_origin",
        "_meetings",
        "aside",
        "attendances",
        "attended",
        "inquiries",
        "mood",
        "observed",
        "patient",
        "questions",
        "ratings",
        "risk",
        "risk_items",
        "scores",
        "skips",
        "words",
    )

    def __init__(self) -> None:
        self._ids = KnownIds()
        self._last_at, self._last_id, self._last_origin = NEVER_YET, "", 0
        self._amended: Amendments | None = None
        self._forms: Forms | None = None
        self.observed = ObservedDays()
        self.mood: MoodDays | None = None
        self.scores: dict[str, Scores] = {}
        self.risk: RiskAnswers | None = None
        self.risk_items: RiskItems | None = None
        self.skips: Skips | None = None
        self.questions: Questions | None = None
        self.ratings: Ratings | None = None
        self.words: CrisisWords | None = None
        self.inquiries: Inquiries | None = None
        self.attendances: Attendances | None = None
        self.attended: Attended | None = None
        self.patient: Registered | None = None
        self.aside: dict[str, bool] = {}
        self._meetings: dict[str, tuple[int, Meeting | None]] | None = None
        self._expected: tuple[Standing, int, Expected | None] | None = None

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
        """Take in a fact; whether it was new. Kinds of fact we do not judge still count as entries, unless they are no
        word from the patient.

        accepted: when it was accepted at the door, in microseconds since 1970; 0 where that is not known.
        """
        kind = type(fact)
        if kind is not CheckInRecorded and not kind.from_patient:
            return False
        if not self._ids.add(fact_id):
            return False
        at = micros(fact.occurred_at)
        day = fact.local_day.toordinal()
        origin = code_of(fact.origin)
        withdrawn = self._amended is not None and fact_id in self._amended.withdrawn
        if kind is CheckInRecorded:
            if not withdrawn:
                hundredths = round(fact.mood * 100)  # type: ignore[attr-defined]  # see kind
                if self._amended is not None:
                    hundredths = self._amended.mood_of(fact_id, hundredths)
                if self.mood is None:
                    self.mood = MoodDays()
                self.mood.add(day, hundredths, at, origin, fact_id)
                self.observed.add(day)
        else:
            counts = not (withdrawn and kind is QuestionnaireCompleted)
            self._add_other(fact, sort_key(at, fact_id), day, origin, accepted, counts=counts)
            if counts:
                self.observed.add(day)
        screening: Screening | None = getattr(fact, "screening", None)
        if screening is not None and screening.crisis_language:
            where = _WHERE.get(kind, "check-in")
            self._crisis_words().add(Found(at, fact_id, origin, accepted, where, signs_of(screening)))
        if at > self._last_at or (at == self._last_at and fact_id > self._last_id):
            self._last_at, self._last_id, self._last_origin = at, fact_id, origin
        return True

    def _add_other(self, fact: Fact, key: bytes, day: int, origin: int, accepted: int, *, counts: bool) -> None:
        """Take in any fact but a check-in. counts: it is no questionnaire that was withdrawn."""
        if isinstance(fact, QuestionnaireCompleted):
            self._add_questionnaire(key, day, origin, fact, accepted, counts=counts)
        elif isinstance(fact, QuestionAsked):
            if self.questions is None:
                self.questions = Questions()
            self.questions.ask(fact.question, key, origin, accepted)
            self._inquiries().ask(fact.question, key, origin, accepted, fact.triage)
        elif isinstance(fact, CheckInCorrected):
            hundredths = round(fact.mood * 100)
            if self._amend().correct(fact.entry, key, hundredths) and self.mood is not None:
                self.mood.correct(fact.entry, hundredths)
        elif isinstance(fact, EntryWithdrawn) and self._amend().withdraw(fact.entry):
            self._withdraw(fact.entry)

    def _amend(self) -> Amendments:
        if self._amended is None:
            self._amended = Amendments()
        return self._amended

    def _withdraw(self, entry: str) -> None:
        """An entry counts no longer for moods, scores and observed days, if it is there. Risk answers stay."""
        day = None if self.mood is None else self.mood.withdraw(entry)
        if day is None:
            day = self._withdraw_form(entry)
        elif self.mood is not None and not self.mood.day:
            self.mood = None
        if day is not None:
            self.observed.withdraw(day)

    def _withdraw_form(self, entry: str) -> int | None:
        for measure, scores in self.scores.items():
            day = scores.withdraw(entry)
            if day is not None:
                if not scores.keys:
                    del self.scores[measure]
                return day
        return None if self._forms is None else self._forms.withdraw(entry)

    def _crisis_words(self) -> CrisisWords:
        if self.words is None:
            self.words = CrisisWords()
        return self.words

    def _inquiries(self) -> Inquiries:
        if self.inquiries is None:
            self.inquiries = Inquiries()
        return self.inquiries

    def _add_questionnaire(
        self, key: bytes, day: int, origin: int, fact: QuestionnaireCompleted, accepted: int, *, counts: bool
    ) -> None:
        if counts:
            partial = partial_of(fact) if fact.score is None else None
            if fact.score is not None:
                scores = self._scores_of(fact.instrument)
                scores.add(key=key, day=day, score=fact.score, origin=origin, accepted=accepted)
            elif partial is not None:
                scores, most, missing = self._scores_of(fact.instrument), partial.most, partial.missing
                scores.add(
                    key=key, day=day, score=partial.least, origin=origin, accepted=accepted, most=most, missing=missing
                )
            else:
                if self._forms is None:
                    self._forms = Forms()
                self._forms.add(key_id(key), day)
        if fact.skipped_risk_items:
            if self.skips is None:
                self.skips = Skips()
            self.skips.add(key, fact.instrument, fact.skipped_risk_items, origin, accepted)
        if fact.risk_answers:
            if self.risk is None or self.risk_items is None:
                self.risk, self.risk_items = RiskAnswers(), RiskItems()
            self.risk_items.add(key, fact.instrument, fact.risk_answers)
            self.risk.add(answered(key, origin, fact.instrument, fact.risk_answers, accepted))

    def _scores_of(self, measure: str) -> Scores:
        scores = self.scores.get(measure)
        if scores is None:
            scores = self.scores[measure] = Scores()
        return scores

    def apply(self, document: Contract) -> bool:
        """Take in a document; whether it was newer than what is known. Kinds we do not judge are passed over."""
        if isinstance(document, Patient):
            return self._register(document)
        if isinstance(document, Session):
            self._crisis_words().apply(document)
            self._inquiries().meet(document)
            self._meet(document)
            if self.ratings is None or self.attendances is None or self.attended is None:
                self.ratings, self.attendances, self.attended = Ratings(), Attendances(), Attended()
            self.attended.apply(document)
            return self.ratings.apply(document) | self.attendances.apply(document)
        if isinstance(document, Question):
            self._inquiries().handle(document)
            if self.questions is None:
                self.questions = Questions()
            closed = document.deleted or document.status is not QuestionStatus.OPEN
            return self.questions.handle(document.question, document.version, closed=closed)
        return False

    def _meet(self, document: Session) -> None:
        if self._meetings is None:
            self._meetings = {}
        if document.version > self._meetings.get(document.session, (0, None))[0]:
            self._meetings[document.session] = (document.version, meeting_of(document))

    @property
    def meetings(self) -> list[Meeting]:
        """The sessions that take place."""
        return [one for _, one in (self._meetings or {}).values() if one is not None]

    def expected(self, standing: Standing) -> Expected | None:
        """What the patient's protocols ask for, as the clinic has settled them; None where they follow none."""
        known = self.registered
        if known is None or known.follows is None or standing.clinic is None:
            return None
        kept = self._expected
        if kept is None or kept[0] is not standing or kept[1] != known.version:
            kept = self._expected = (standing, known.version, expected_of(standing.clinic, known.follows))
        return kept[2]

    def _register(self, document: Patient) -> bool:
        if self.patient is not None and document.version <= self.patient.version:
            return False
        since = document.scores_from
        self.patient = Registered(
            version=document.version,
            deleted=document.deleted,
            status=document.status,
            episode_from=since.toordinal() if since else 0,
            expected_from=micros(document.expected_from),
            clinician=document.clinician,
            ended=tuple(one.ended_on for one in document.episodes if one.ended_on is not None),
            follows=document if document.protocols or document.pathway else None,
        )
        return True

    def set_aside(self, event_id: str, *, risk: bool) -> None:
        """An entry could not be processed: it is missing here, and counted."""
        self.aside[event_id] = risk
