"""Patients' questions: that one was asked is a fact, what became of it is a document. Both are intake's."""

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.base import Document, Fact, Id, Part
from shared.contracts.clinics import Role
from shared.contracts.screening import Screening
from shared.contracts.topics import Topic


class Category(StrEnum):
    """What a question is about, which decides who answers it and by when."""

    CRISIS = "crisis"
    MEDICATION = "medication"
    WORSENING = "worsening"
    TREATMENT = "treatment"
    APPOINTMENT = "appointment"
    TECHNICAL = "technical"
    FEEDBACK = "feedback"


class Triage(Part):
    """Where a question goes and by when a human replies. Made when it is asked: a newer triage moves nothing."""

    category: Category
    role: Role = Field(description="Whose it is to answer; where nobody has that role, the patient's clinician.")
    half_at: AwareDatetime = Field(description="Half of the target time: somebody else hears of it.")
    target_at: AwareDatetime = Field(description="By when a human should have replied, in the clinic's working hours.")
    by: Id = Field(description="What decided the category: the triage and its version, or `clinic` for a human.")


class QuestionAsked(Fact):
    """A patient asked the care team something. The event's id is the question's id."""

    topic: ClassVar[Topic] = Topic.QUESTIONS

    question: Id
    text: str = Field(min_length=1, max_length=2000)
    screening: Screening | None = None
    triage: Triage | None = Field(default=None, description="None: asked before there was a triage.")

    @property
    def key(self) -> str:
        """A key of its own, so that compaction keeps every question for ever."""
        return f"{self.clinic}/{self.patient}/{self.question}/asked"


class QuestionStatus(StrEnum):
    """How far the care team has come with a question."""

    OPEN = "open"
    ANSWERED = "answered"
    SETTLED = "settled"


class Handover(Part):
    """Somebody took a question, or was given it."""

    at: AwareDatetime
    to: Id | None = Field(description="A clinician; None: back to everyone with the role.")
    by: str = Field(max_length=200, description="Who did it, or `rapport` where time did.")
    note: str = Field(default="", max_length=500, description="What the next one should know, in their words.")
    why: Literal["claimed", "handed_over", "half_target", "target", "recategorised", "reopened", "returned"]


class GivenAnswer(Part):
    """An answer the patient said was not enough. It stays readable."""

    text: str = Field(max_length=4000)
    by: str = Field(max_length=200)
    at: AwareDatetime


class Question(Document):
    """The handling of a question: its answer, and whether the patient says it is settled."""

    topic: ClassVar[Topic] = Topic.QUESTIONS

    patient: Id
    question: Id
    asked_at: AwareDatetime
    status: QuestionStatus = QuestionStatus.OPEN
    answer: str | None = Field(default=None, max_length=4000)
    answered_by: str | None = None
    answered_at: AwareDatetime | None = None
    settled_at: AwareDatetime | None = None
    settled_by: Literal["patient", "clinic"] | None = Field(
        default=None, description="Only the patient's word settles it; `clinic` is them saying so in the room."
    )
    triage: Triage | None = Field(default=None, description="As made when it was asked, or as a human put it right.")
    assigned_to: Id | None = Field(default=None, description="The clinician whose it is now; None: the role's.")
    earlier_answers: list[GivenAnswer] = Field(
        default_factory=list, max_length=20, description="Answers before the question was opened again, oldest first."
    )
    handovers: list[Handover] = Field(default_factory=list, max_length=100, description="Oldest first.")
    updated_at: AwareDatetime

    @property
    def key(self) -> str:
        """One record per question, in its patient's partition."""
        return f"{self.clinic}/{self.patient}/{self.question}"
