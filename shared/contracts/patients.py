"""Patients: documents of intake."""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.base import Document, Id, Zone
from shared.contracts.clinics import Email, Mobile
from shared.contracts.topics import Topic


class PatientStatus(StrEnum):
    """Where somebody is in their care. Only active patients can go quiet."""

    ACTIVE = "active"
    DISCHARGED = "discharged"
    DECEASED = "deceased"


class Patient(Document):
    """Somebody in care, by the clinic's own id."""

    topic: ClassVar[Topic] = Topic.PATIENTS

    patient: Id
    name: str = Field(default="", max_length=200)
    email: Email | None = None
    mobile: Mobile | None = None
    consent_to_contact: bool = False
    clinician: Id | None = Field(default=None, description="Who hears of this patient's concerns.")
    zone: Zone | None = Field(default=None, description="The patient's own zone; the clinic's where none is given.")
    status: PatientStatus = PatientStatus.ACTIVE
    episode_started_on: date | None = Field(
        default=None,
        description="First local day of the present episode of care; earlier scores are no baseline.",
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
    def key(self) -> str:
        """One record per patient."""
        return f"{self.clinic}/{self.patient}"
