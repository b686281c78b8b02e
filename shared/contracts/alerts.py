"""That somebody must know, who was told what, and what came of it: documents of notify."""

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.base import ChannelName, Document, Id, Origin, Part, Urgency
from shared.contracts.escalation import Who
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
    accepted_at: AwareDatetime | None = Field(default=None, description="When it was accepted at the door.")
    round: int = Field(default=1, ge=1, description="The round of news it came with; one round is one message.")
    settled_at: AwareDatetime | None = Field(
        default=None,
        description="When the message telling of it was handed over, or was no longer needed. None: still to be sent.",
    )


class Route(StrEnum):
    """How an alert reaches people: by itself, or as a line of the clinician's next morning digest."""

    MESSAGE = "message"
    DIGEST = "digest"


class Cause(StrEnum):
    """What a run of an escalation waits for: that somebody acknowledges, or that who acknowledged closes."""

    UNACKNOWLEDGED = "unacknowledged"
    UNCLOSED = "unclosed"


class EscalationStep(Part):
    """One step as it stood when the alert fired, and what came of it."""

    step: int = Field(ge=1)
    repeat: int = Field(default=0, ge=0, description="0: the first time through.")
    who: Who
    clinician: Id | None = Field(default=None, description="Whom, where `who` is `named`.")
    channels: list[ChannelName]
    due_at: AwareDatetime
    why: str = Field(description="Why it is gone to, in words.")
    settled_at: AwareDatetime | None = Field(
        default=None, description="When its message was handed over, or a later one's that says as much."
    )
    recipient: Literal["clinician", "fallback"] | None = Field(default=None, description="Who was told.")
    told_clinician: Id | None = Field(default=None, description="Which clinician was told.")
    fell_back: str | None = Field(default=None, description="Why the fallback contact was told instead.")
    in_flight: bool = Field(
        default=False, description="It was being handed over while somebody acknowledged or closed the alert."
    )


class Escalation(Part):
    """One run of an escalation: the clinic's policy, frozen when the alert fired, came back or was acknowledged."""

    run: int = Field(ge=1, description="Counts up; only the last one goes on.")
    cause: Cause
    urgency: Urgency = Field(description="Whose policy it follows.")
    started_at: AwareDatetime
    round: int = Field(ge=1, description="The round of news it began with.")
    steps: list[EscalationStep] = Field(min_length=1)
    until_closed: bool = Field(
        default=False, description="Its last step is repeated every working day until somebody closes the alert."
    )
    ended_at: AwareDatetime | None = Field(
        default=None, description="Since when nobody further is told, though nobody acted: the patient has died."
    )


class Via(StrEnum):
    """How somebody said that they have an alert."""

    API = "api"
    LINK = "link"
    SMS = "sms"


class Acknowledgement(Part):
    """Somebody said that they have it. link: a fingerprint of the link it was said by, which is used up with it."""

    at: AwareDatetime
    by: str
    via: Via
    link: str | None = None


class Resent(Part):
    """Somebody asked for the alert's message once more."""

    resend: str = Field(description="Its id, made from the request, so that a retry asks once.")
    at: AwareDatetime
    by: str = Field(description="Who asked.")
    clinician: Id | None = Field(default=None, description="Whom to tell; left out: the patient's clinician.")
    settled_at: AwareDatetime | None = Field(default=None, description="When it was handed over.")


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
    told_earlier: list[str] = Field(
        default_factory=list,
        description="Fingerprints of evidence that was told longer ago and is no longer listed in `told`.",
    )
    escalations: list[Escalation] = Field(
        default_factory=list, description="Who is told while nobody has acted, and who was; the latest runs, in order."
    )
    clinician: Id | None = None
    acknowledged_at: AwareDatetime | None = None
    acknowledged_by: str | None = None
    acknowledgements: list[Acknowledgement] = Field(
        default_factory=list, description="Everybody who ever had it, the latest ones, in order."
    )
    resent: list[Resent] = Field(default_factory=list, description="What was asked to be sent again, in order.")
    closed_at: AwareDatetime | None = None
    closed_by: str | None = Field(default=None, description="A person, or `rapport` where the concern ended by itself.")
    disposition: Disposition | None = None
    note: str | None = Field(default=None, max_length=2000)
    as_of: tuple[int, ...] = Field(
        default=(), description="The order of the assessment it was last decided from; older ones decide nothing."
    )
    died_as_of: int | None = Field(
        default=None,
        description="The version of the patient's document by which chasing ended: it says they have died.",
    )
    updated_at: AwareDatetime

    @property
    def key(self) -> str:
        """One record per alert, in its patient's partition."""
        return f"{self.clinic}/{self.patient}/{self.alert}"
