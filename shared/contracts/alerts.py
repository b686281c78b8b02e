"""That somebody must know, who was told what, and what came of it: documents of notify."""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.base import Document, Id, Origin, Urgency
from shared.contracts.clinics import Part
from shared.contracts.topics import Topic


class AlertStatus(StrEnum):
    """open: nobody has it yet; acknowledged: somebody has it; closed: a human or, except risk, its end closed it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Disposition(StrEnum):
    """What a human did about an alert."""

    CONTACTED = "contacted"
    ATTEMPTED_TWICE = "attempted_twice"
    SAFETY_PLAN = "safety_plan"
    REFERRED_ON = "referred_on"
    NOT_APPLICABLE = "not_applicable"


class Told(Part):
    """A piece of evidence this alert tells of."""

    id: str
    at: AwareDatetime
    origin: Origin
    urgency: Urgency
    said: str
    added_at: AwareDatetime = Field(description="When it became part of this alert.")
    round: int = Field(default=1, ge=1, description="The round of news it came with; one round is one message.")
    settled_at: AwareDatetime | None = Field(
        default=None,
        description="When the message telling of it was handed over, or was no longer needed. None: still to be sent.",
    )


class Route(StrEnum):
    """How an alert reaches people: by itself, or as a line of the clinician's next morning digest."""

    MESSAGE = "message"
    DIGEST = "digest"


class Alert(Document):
    """One open alert per patient and rule; its `told` is the memory that keeps anybody from being told twice."""

    topic: ClassVar[Topic] = Topic.ALERTS

    patient: Id
    alert: Id
    reference: str = Field(description="Short, without meaning, safe to read aloud: what messages carry.")
    rule: str
    status: AlertStatus
    route: Route
    urgency: Urgency
    holds: bool = Field(description="Whether the concern still holds; a risk alert stays open regardless.")
    reason: str
    opened_at: AwareDatetime
    open_since: AwareDatetime | None = Field(
        default=None, description="Since when nobody has it: opened, or un-acknowledged by news."
    )
    deadline: AwareDatetime = Field(description="By when somebody should have acknowledged it.")
    told: list[Told]
    clinician: Id | None = None
    acknowledged_at: AwareDatetime | None = None
    acknowledged_by: str | None = None
    closed_at: AwareDatetime | None = None
    closed_by: str | None = Field(default=None, description="A person, or `rapport` where the concern ended by itself.")
    disposition: Disposition | None = None
    note: str | None = Field(default=None, max_length=2000)
    as_of: tuple[int, ...] = Field(
        default=(), description="The order of the assessment it was last decided from; older ones decide nothing."
    )
    updated_at: AwareDatetime

    @property
    def key(self) -> str:
        """One record per alert, in its patient's partition."""
        return f"{self.clinic}/{self.patient}/{self.alert}"
