"""What a clinic decides about alerts nobody has acted on: who is told next, and who is on duty. Parts of its settings.

The defaults are deadlines by answer: a risk answer that is told at once goes on after 30 and 60 minutes, day and night;
everything else after six hours of working time, which is within the deadline that patients are promised. The two delays
are a proposal of ours after practice in paging, no published standard; a clinic sets its own in its safety case.
"""

from datetime import date, time
from enum import StrEnum
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from shared.contracts.base import ChannelName, Id, Part, PersonalChannel, Urgency, Zone
from shared.duty import Override, Rota

LONGEST_DELAY: Final = 7 * 24 * 60
"""A week, in minutes."""
MOST_STEPS: Final = 10


class Who(StrEnum):
    """Whom a step tells. One that is not configured, or cannot be reached, goes to the clinic's fallback contact."""

    CLINICIAN = "clinician"
    """The patient's clinician."""
    DEPUTY = "deputy"
    """Who stands in for the patient's clinician."""
    DUTY = "duty"
    """Who is on duty, by the rota, when the step is due."""
    LEAD = "lead"
    """The clinic's service lead."""
    NAMED = "named"
    """One clinician, by id."""
    FALLBACK = "fallback"
    """The clinic's fallback contact."""


class Step(Part):
    """One step: whom to tell, how long after the alert was opened (or came back), and by which channels."""

    who: Who
    clinician: Id | None = Field(default=None, description="Whom, where `who` is `named`; otherwise left out.")
    after_minutes: int = Field(
        ge=0,
        le=LONGEST_DELAY,
        description="Minutes after the alert was opened or came back; of an alert in working hours, minutes in which "
        "the clinic works.",
    )
    channels: list[PersonalChannel] = Field(
        default_factory=lambda: [ChannelName.EMAIL, ChannelName.SMS],
        min_length=1,
        max_length=2,
        description="Of those the recipient has; where they have none of them, the one they have.",
    )


class EscalationPolicy(Part):
    """Who is told, one step after the other, until somebody acknowledges. The first step is the alert's own message."""

    steps: list[Step] = Field(min_length=1, max_length=MOST_STEPS)
    repeats: int = Field(default=0, ge=0, le=5, description="How often all steps are gone through again.")
    repeat_after_minutes: int = Field(
        default=30, ge=1, le=LONGEST_DELAY, description="From the last step to the first one of the repeat."
    )


def _at_once() -> EscalationPolicy:
    return EscalationPolicy(
        steps=[
            Step(who=Who.CLINICIAN, after_minutes=0),
            Step(who=Who.DUTY, after_minutes=30),
            Step(who=Who.LEAD, after_minutes=60),
        ]
    )


def _working_hours() -> EscalationPolicy:
    by_email = [ChannelName.EMAIL]
    return EscalationPolicy(
        steps=[
            Step(who=Who.CLINICIAN, after_minutes=0, channels=by_email),
            Step(who=Who.LEAD, after_minutes=360, channels=by_email),
        ]
    )


class CloseWithin(Part):
    """How many working days an acknowledged alert may stay unclosed before who acknowledged it is reminded."""

    at_once: int = Field(default=2, ge=1, le=60)
    working_hours: int = Field(default=5, ge=1, le=60)
    lead_repeats: int | None = Field(
        default=None,
        ge=0,
        le=20,
        description="How often the service lead is told again, once every working day; left out: until it is closed.",
    )


class EscalationSettings(Part):
    """A clinic's escalation, by urgency."""

    lead: Id | None = Field(default=None, description="The service lead: a clinician's id.")
    at_once: EscalationPolicy = Field(default_factory=_at_once)
    working_hours: EscalationPolicy = Field(default_factory=_working_hours)
    close_within: CloseWithin = Field(default_factory=CloseWithin, description="In working days.")

    def policy(self, urgency: Urgency) -> EscalationPolicy:
        """The policy of an urgency."""
        return self.at_once if urgency is Urgency.AT_ONCE else self.working_hours

    def days_to_close(self, urgency: Urgency) -> int:
        """Working days from acknowledging to the reminder."""
        return self.close_within.at_once if urgency is Urgency.AT_ONCE else self.close_within.working_hours


class RotaOverride(Part):
    """Somebody else is on duty for a time, or nobody."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime = Field(description="Exclusive.")
    clinician: Id | None = Field(default=None, description="Left out: nobody is on duty.")


class DutyRota(Part):
    """Who is on duty: a rotation of clinicians and what departs from it."""

    zone: Zone = Field(description="IANA time zone of `starts_on` and `hand_over_at`.")
    turn: Literal["daily", "weekly"]
    starts_on: date = Field(
        description="The day of the first hand-over; for a weekly turn, its weekday is every one's."
    )
    hand_over_at: time = Field(description="Local time of day, without an offset.")
    clinicians: list[Id | None] = Field(
        min_length=1, max_length=100, description="In order, over and over; null is a turn nobody has."
    )
    overrides: list[RotaOverride] = Field(default_factory=list, max_length=500)

    @property
    def rota(self) -> Rota:
        """As `on_duty` and `gaps` take it."""
        return Rota(
            zone=ZoneInfo(self.zone),
            turns=tuple(self.clinicians),
            starts_on=self.starts_on,
            hand_over_at=self.hand_over_at,
            days=1 if self.turn == "daily" else 7,
            overrides=tuple(Override(one.starts_at, one.ends_at, one.clinician) for one in self.overrides),
        )
