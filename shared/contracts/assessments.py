"""What holds for a patient now, and why: documents of insights."""

from datetime import date
from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.base import Contract, Id, Number, Origin, Part, Urgency
from shared.contracts.topics import Topic


class Telling(Part):
    """One piece of evidence a human must hear of: a fact's id, or the name of a due time that was missed."""

    id: str
    at: AwareDatetime = Field(description="When it happened (a fact's occurred_at) or fell due.")
    origin: Origin
    urgency: Urgency
    said: str = Field(description="The evidence in words and numbers, for the clinician.")
    accepted_at: AwareDatetime | None = Field(
        default=None, description="When the fact behind it was accepted at the door (its ce_time), where there is one."
    )


class Chart(Part):
    """The few points behind a concern, oldest first, for a small picture."""

    measure: str
    minimum: Number
    maximum: Number
    points: list[tuple[date, Number]] = Field(max_length=40)


class Concern(Part):
    """One rule's word on one patient: listed while it holds, and while it has evidence that must be told."""

    rule: str
    holds: bool
    since: AwareDatetime | None = Field(description="Since when it holds without a break; None where it does not hold.")
    reason: str = Field(description="Why, in words and numbers.")
    until: str = Field(description="When it no longer holds, in words.")
    source: str = Field(description="Where the rule comes from.")
    parameters: dict[str, Number]
    numbers: dict[str, Number | None]
    telling: list[Telling]
    chart: Chart | None = None


class Assessment(Contract):
    """A pure function of a patient's facts and documents, the settings, the rules and the time.

    Its version is `order`: the epoch (new after a restore from backup), the basis (how much of the partition's
    topics had been read: the sum of the offsets), the versions of settings and rules, and when it was made.
    """

    topic: ClassVar[Topic] = Topic.ASSESSMENTS

    patient: Id
    epoch: int
    basis: int
    settings_version: int
    rules_version: int
    made_at: AwareDatetime
    deleted: bool = False
    registered: bool = Field(description="False: entries have come for a patient the clinic has not registered yet.")
    entries: int = Field(description="Check-ins, questionnaires and questions counted in this assessment.")
    entries_not_processed: int = Field(default=0, description="Entries set aside because handling them failed.")
    last_heard: AwareDatetime | None = Field(description="The latest entry's occurred_at.")
    concerns: list[Concern]

    @property
    def key(self) -> str:
        """One record per patient."""
        return f"{self.clinic}/{self.patient}"

    @property
    def order(self) -> tuple[int, ...]:
        """What readers compare; see the class."""
        made = int(self.made_at.timestamp() * 1_000_000)
        return (self.epoch, self.basis, self.settings_version, self.rules_version, made)
