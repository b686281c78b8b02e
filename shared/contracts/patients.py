"""Patients: documents of intake."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field, StringConstraints

from shared.contracts.base import Document, Id, Part, PersonalChannel, Zone
from shared.contracts.clinics import Email, Mobile, Role
from shared.contracts.topics import Topic


class PatientStatus(StrEnum):
    """Where somebody is in their care. Only active patients can go quiet."""

    ACTIVE = "active"
    DISCHARGED = "discharged"
    DECEASED = "deceased"


SenderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 ]{2,11}$")]
"""What an SMS may name as its sender, e.g. "Harbour"."""


class ContactWishes(Part):
    """How the patient wishes to be written to, in their own zone. Nothing is sent without `consent_to_contact`."""

    channel: PersonalChannel | None = Field(default=None, description="None: whichever there is, an SMS first.")
    reminders: bool = Field(default=True, description="Whether to be reminded of what is due.")
    most_a_week: int = Field(default=3, ge=0, le=21, description="The most reminders in any seven days.")
    quiet_from: time = Field(default=time(21, 0), description="Local time from which nothing is sent.")
    quiet_until: time = Field(default=time(9, 0), description="Local time from which it is sent again.")
    sender: SenderName | None = Field(default=None, description="A neutral name to send under; None: the clinic's.")
    neutral: bool = Field(default=False, description="Whether messages say nothing of care at all.")
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] = "en"


class AssignedProtocol(Part):
    """A protocol of the clinic's that a patient follows, beside those of their pathway."""

    protocol: Id
    starts_on: date = Field(description="The patient's local day of the first occasion, at the earliest.")
    stops_on: date | None = Field(default=None, description="Last local day, inclusive.")


class ZoneSince(Part):
    """Where the patient has been since when: occasions of the past keep the zone they fell due in."""

    zone: Zone
    since: AwareDatetime


class CareTeamMember(Part):
    """Somebody who shares the care of a patient."""

    clinician: Id
    role: Role
    since: AwareDatetime
    until: AwareDatetime | None = None
    note: str = Field(default="", max_length=500, description="Why they went, where it was said, e.g. at a transfer.")


class EpisodeEnd(StrEnum):
    """Why an episode of care ended."""

    COMPLETED = "completed"
    DROPPED_OUT = "dropped_out"
    REFERRED_ON = "referred_on"
    NOT_SUITABLE = "not_suitable"
    DECLINED = "declined"
    DECEASED = "deceased"
    OTHER = "other"


class Episode(Part):
    """One episode of care, from referral to discharge. Outcomes are per episode."""

    episode: Id
    referred_on: date
    started_on: date | None = Field(
        default=None,
        description="First local day of care. Scores count from `referred_on`, those of the wait included.",
    )
    problem: Id | None = Field(default=None, description="What it is for, by the clinic's own word, e.g. depression.")
    intensity: Id | None = Field(default=None, description="The clinic's own word, e.g. low or high.")
    clinician: Id | None = Field(default=None, description="Whose patient it was when the episode ended, or is.")
    ended_on: date | None = Field(default=None, description="Last local day; None while it is open.")
    end: EpisodeEnd | None = None


class Patient(Document):
    """Somebody in care, by the clinic's own id."""

    topic: ClassVar[Topic] = Topic.PATIENTS

    patient: Id
    name: str = Field(default="", max_length=200)
    email: Email | None = None
    mobile: Mobile | None = None
    consent_to_contact: bool = False
    clinician: Id | None = Field(default=None, description="Who hears of this patient's concerns.")
    clinician_since: AwareDatetime | None = Field(
        default=None, description="Since when `clinician` is theirs; None: since we know the patient, or it is nobody."
    )
    zone: Zone | None = Field(default=None, description="The patient's own zone; the clinic's where none is given.")
    status: PatientStatus = PatientStatus.ACTIVE
    episode_started_on: date | None = Field(
        default=None,
        description="First local day of the present episode of care. Without `episodes`, earlier scores count no "
        "more; with them, scores count from the referral.",
    )
    episodes: list[Episode] = Field(
        default_factory=list,
        description="Oldest first; at most one is open. `episode_started_on` is the start of the last one.",
    )
    care_team: list[CareTeamMember] = Field(default_factory=list, description="Beside `clinician`; past ones included.")
    pathway: Id | None = Field(default=None, description="A pathway of the clinic's settings: the protocols followed.")
    pathway_since: date | None = Field(default=None, description="Local day from which the pathway's protocols run.")
    protocols: list[AssignedProtocol] = Field(default_factory=list)
    contact: ContactWishes = Field(default_factory=ContactWishes)
    zones: list[ZoneSince] = Field(
        default_factory=list, description="Every zone told, oldest first; the last one is `zone`."
    )
    registered_at: AwareDatetime
    created_at: AwareDatetime | None = Field(
        default=None, description="When the clinic first told us of this patient; `registered_at` may lie long before."
    )
    updated_at: AwareDatetime

    @property
    def expected_from(self) -> datetime:
        """From when on a first entry can be expected: nobody is silent before we had heard of them."""
        return max(self.registered_at, self.created_at or self.registered_at)

    @property
    def scores_from(self) -> date | None:
        """First local day whose scores count in the present episode of care; None: all do.

        The referral of the last episode, so that the first session takes nothing away of what was said in the wait;
        outcomes pair the first and last valid score in the referral likewise. Without episodes `episode_started_on`.
        """
        return self.episodes[-1].referred_on if self.episodes else self.episode_started_on

    @property
    def key(self) -> str:
        """One record per patient."""
        return f"{self.clinic}/{self.patient}"
