"""Sessions with their attendance and rating: documents of intake."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.base import Document, Id, Origin, Part
from shared.contracts.screening import Screening
from shared.contracts.topics import Topic


class Attendance(StrEnum):
    """What became of a planned session."""

    ATTENDED = "attended"
    LATE = "late"
    DID_NOT_ATTEND = "did_not_attend"
    CANCELLED_BY_PATIENT = "cancelled_by_patient"
    CANCELLED_BY_CLINIC = "cancelled_by_clinic"


class SessionKind(StrEnum):
    """What a session is for: the purposes NHS Talking Therapies counts contacts by, in plain words."""

    ASSESSMENT = "assessment"
    TREATMENT = "treatment"
    ASSESSMENT_AND_TREATMENT = "assessment_and_treatment"
    FOLLOW_UP = "follow_up"


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
    screening: Screening | None = Field(default=None, description="Of the comment.")
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


class Checklist(Part):
    """The therapist's own checklist for the relationship: what was looked after in this session. None: not said."""

    welcomed: bool | None = Field(default=None, description="The patient was welcomed in person and on time.")
    room_ready: bool | None = Field(default=None, description="The room (or the call) was quiet, private, comfortable.")
    full_attention: bool | None = Field(default=None, description="Nothing else took the therapist's attention.")
    time_for_questions: bool | None = Field(default=None, description="There was time for the patient's questions.")
    note: str = Field(default="", max_length=1000)
    filled_by: str = Field(max_length=200)
    filled_at: AwareDatetime


class Rescheduled(Part):
    """One move of a session: from when to when, asked by whom."""

    was: AwareDatetime
    at: AwareDatetime = Field(description="When it was moved.")
    by: Literal["patient", "clinic"]


THERE: Final = frozenset({Attendance.ATTENDED, Attendance.LATE})
"""The patient was there: late is late but seen."""
TREATING: Final = frozenset({SessionKind.TREATMENT, SessionKind.ASSESSMENT_AND_TREATMENT})
"""The kinds that are treatment contacts: neither an assessment alone nor a follow-up is one."""
USUAL_LENGTH: Final = timedelta(minutes=50)


class Session(Document):
    """A planned meeting of a patient and a clinician, and what came of it."""

    topic: ClassVar[Topic] = Topic.SESSIONS

    patient: Id
    session: Id
    scheduled_at: AwareDatetime
    clinician: Id | None = None
    attendance: Attendance | None = None
    rating: Rating | None = None
    ends_at: AwareDatetime | None = Field(
        default=None, description="When it is planned to end; 50 minutes where unsaid."
    )
    rescheduled: list[Rescheduled] = Field(default_factory=list, max_length=50, description="Oldest first.")
    late_minutes: int | None = Field(default=None, ge=1, le=240, description="How late the patient came, where known.")
    attendance_at: AwareDatetime | None = Field(default=None, description="When attendance was recorded.")
    checklist: Checklist | None = None
    kind: SessionKind = Field(
        default=SessionKind.TREATMENT, description="What it is for; outcomes count treatment contacts alone."
    )
    updated_at: AwareDatetime

    @property
    def planned_end(self) -> datetime:
        """When it is planned to end; 50 minutes after it begins where that is not said."""
        return self.ends_at or self.scheduled_at + USUAL_LENGTH

    @property
    def key(self) -> str:
        """One record per session, in its patient's partition."""
        return f"{self.clinic}/{self.patient}/{self.session}"
