"""Patients' questions: that one was asked is a fact, what became of it is a document. Both are intake's."""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.base import Document, Fact, Id
from shared.contracts.topics import Topic


class QuestionAsked(Fact):
    """A patient asked the care team something. The event's id is the question's id."""

    topic: ClassVar[Topic] = Topic.QUESTIONS

    question: Id
    text: str = Field(min_length=1, max_length=2000)

    @property
    def key(self) -> str:
        """A key of its own, so that compaction keeps every question for ever."""
        return f"{self.clinic}/{self.patient}/{self.question}/asked"


class QuestionStatus(StrEnum):
    """How far the care team has come with a question."""

    OPEN = "open"
    ANSWERED = "answered"
    SETTLED = "settled"


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
    updated_at: AwareDatetime

    @property
    def key(self) -> str:
        """One record per question, in its patient's partition."""
        return f"{self.clinic}/{self.patient}/{self.question}"
