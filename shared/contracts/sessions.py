"""Sessions with their attendance and rating: documents of intake."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.base import Document, Id, Origin, Part
from shared.contracts.topics import Topic


class Attendance(StrEnum):
    """What became of a planned session."""

    ATTENDED = "attended"
    LATE = "late"
    DID_NOT_ATTEND = "did_not_attend"
    CANCELLED_BY_PATIENT = "cancelled_by_patient"
    CANCELLED_BY_CLINIC = "cancelled_by_clinic"


Tenth = Annotated[int, Field(ge=0, le=10)]


class Rating(Part):
    """How the patient found a session: five plain questions of our own (not a validated scale), 0 not at all to 10."""

    felt_welcome: Tenth
    room_was_comfortable: Tenth
    felt_listened_to: Tenth
    worked_on_what_matters: Tenth
    questions_were_answered: Tenth
    comment: str = Field(default="", max_length=2000)
    rated_at: AwareDatetime
    origin: Origin = Origin.LIVE

    @property
    def mean(self) -> float:
        """The mean of the five answers, 0 to 10."""
        return (
            self.felt_welcome
            + self.room_was_comfortable
            + self.felt_listened_to
            + self.worked_on_what_matters
            + self.questions_were_answered
        ) / 5


class Session(Document):
    """A planned meeting of a patient and a clinician, and what came of it."""

    topic: ClassVar[Topic] = Topic.SESSIONS

    patient: Id
    session: Id
    scheduled_at: AwareDatetime
    clinician: Id | None = None
    attendance: Attendance | None = None
    rating: Rating | None = None
    updated_at: AwareDatetime

    @property
    def key(self) -> str:
        """One record per session, in its patient's partition."""
        return f"{self.clinic}/{self.patient}/{self.session}"
