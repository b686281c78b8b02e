"""What notify writes to patients: one document per patient, with every message and what became of it.

It stands on a topic of its own, so that a notify whose store was lost knows what it has sent. There is no address and
no word of a message in it.
"""

from enum import StrEnum
from typing import ClassVar, Final

from pydantic import AwareDatetime, Field

from shared.contracts.base import ChannelName, Document, Id, Part, PersonalChannel
from shared.contracts.topics import Topic

MOST_LETTERS: Final = 500
"""Letters kept of one patient, at most; they are kept for 90 days where they are fewer."""


class LetterKind(StrEnum):
    """What a message to a patient is about."""

    CHECK_IN = "check_in"
    QUESTIONNAIRE = "questionnaire"
    ANSWER = "answer"


class LetterState(StrEnum):
    """waiting: to be sent; sending: claimed, may be on its way; sent: a provider took it; not_sent: never will be."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    NOT_SENT = "not_sent"


class LetterTry(Part):
    """One try to hand a letter over. unsure: it may have gone."""

    at: AwareDatetime
    channel: ChannelName
    outcome: str = Field(max_length=20, description="accepted, temporary, permanent, or unsure.")
    code: str = Field(default="", max_length=100, description="The provider's answer code.")
    provider: str = Field(default="", max_length=40)


class Letter(Part):
    """One message to the patient. Its id is made of what it is about, so that again is once."""

    letter: str = Field(min_length=1, max_length=200)
    kind: LetterKind
    about: str = Field(max_length=120, description="The occasion of a reminder, or the question that was answered.")
    basis: int = Field(default=0, ge=0, description="The question's version it was made from; 0: of a reminder.")
    queued_at: AwareDatetime
    expires_at: AwareDatetime = Field(description="From when on it is not sent any more.")
    answer_by: AwareDatetime | None = Field(default=None, description="Until when its link is good.")
    state: LetterState = LetterState.WAITING
    look_at: AwareDatetime = Field(description="When to look at it next, while it is waiting.")
    lease_until: AwareDatetime | None = Field(default=None, description="Until when it is its claimer's.")
    channel: PersonalChannel | None = Field(default=None, description="By which it was sent, or tried last.")
    why: str | None = Field(default=None, max_length=200, description="Why it waits, or why it was not sent.")
    tries: list[LetterTry] = Field(default_factory=list, max_length=30, description="The last ones, oldest first.")
    refused: list[PersonalChannel] = Field(default_factory=list, description="Channels that refused it for good.")
    sent_at: AwareDatetime | None = Field(default=None, description="When a provider took it.")
    provider: str | None = Field(default=None, max_length=40)
    delivered_at: AwareDatetime | None = Field(default=None, description="When a receipt said that it arrived.")
    receipt: str | None = Field(default=None, max_length=40, description="The last word of a receipt.")

    @property
    def finished(self) -> bool:
        """Whether nobody needs to look at it again."""
        return self.state in (LetterState.SENT, LetterState.NOT_SENT)


class PatientLetters(Document):
    """Everything notify has written to one patient, or is about to."""

    topic: ClassVar[Topic] = Topic.LETTERS

    patient: Id
    letters: list[Letter] = Field(default_factory=list, max_length=MOST_LETTERS, description="Oldest first.")
    updated_at: AwareDatetime

    @property
    def key(self) -> str:
        """One record per patient."""
        return f"{self.clinic}/{self.patient}"
