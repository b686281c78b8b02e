"""Clinics and their clinicians: documents of intake, read whole by every instance."""

from collections.abc import Mapping
from datetime import date, datetime, time
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from shared.contracts.base import Document, Id, Number, Part, PersonalChannel, Zone
from shared.contracts.escalation import DutyRota, EscalationSettings
from shared.contracts.expected_response import ExpectedResponse
from shared.contracts.protocols import CheckInQuestion, Protocol, ProtocolName, Weekday
from shared.contracts.topics import Topic
from shared.contracts.wording import Language
from shared.working_time import WorkingTime

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;\"]{1,64}@[A-Za-z0-9.-]{1,190}$", max_length=254)]
Mobile = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""A mobile number in E.164 form, e.g. +447700900001."""
LicenceHeld = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""The licence a clinic says it holds, in its own words: who granted it, or its number."""


class Role(StrEnum):
    """What somebody does in a care team: whom a question is routed to."""

    THERAPIST = "therapist"
    PRESCRIBER = "prescriber"
    LEAD = "lead"
    ADMIN = "admin"
    SUPPORT = "support"


CategoryName = Literal["crisis", "medication", "worsening", "treatment", "appointment", "technical", "feedback"]
"""What a question is about: the names of `shared.contracts.questions.Category`."""


class QuestionTarget(Part):
    """Who answers one kind of question, and by when: so many working minutes, or closing time of a working day."""

    role: Role
    minutes: int | None = Field(default=None, ge=5, le=2880, description="Minutes in which the clinic works.")
    days: int | None = Field(default=None, ge=1, le=20, description="Or: closing time of the n-th working day after.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.minutes is None) == (self.days is None):
            raise ValueError("send minutes or days, one of them")
        return self


QUESTION_TARGETS: Final[Mapping[CategoryName, QuestionTarget]] = MappingProxyType(
    {
        "crisis": QuestionTarget(role=Role.THERAPIST, minutes=60),
        "medication": QuestionTarget(role=Role.PRESCRIBER, days=1),
        "worsening": QuestionTarget(role=Role.THERAPIST, days=1),
        "treatment": QuestionTarget(role=Role.THERAPIST, days=3),
        "appointment": QuestionTarget(role=Role.ADMIN, days=1),
        "technical": QuestionTarget(role=Role.SUPPORT, days=2),
        "feedback": QuestionTarget(role=Role.LEAD, days=5),
    }
)
"""What holds where a clinic says nothing else. Proposals of the clinical reference, section 9; not a standard."""


class Region(StrEnum):
    """Whose crisis contacts patients are shown."""

    GB = "GB"
    IE = "IE"
    US = "US"


class Contact(Part):
    """Somebody who can be reached; at least one way is mandatory."""

    name: str = Field(min_length=1, max_length=120)
    email: Email | None = None
    mobile: Mobile | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.email is None and self.mobile is None:
            raise ValueError("send an email, a mobile, or both: somebody must be reachable")
        return self


class ScaleItem(Part):
    """One item of a clinic's own scale. `risk` makes it a risk item, like item 9 of the PHQ-9."""

    minimum: int
    maximum: int
    risk: bool = False
    urgent_from: int = Field(
        default=2, description="A risk answer this high is told at once; lower from 1, in working hours."
    )


class Scale(Part):
    """A measure the clinic declares itself: an inclusive range of totals, and optionally its items."""

    name: Id
    minimum: Number
    maximum: Number
    higher_is_worse: bool = True
    recall_days: int = Field(default=14, ge=1, le=365)
    items: dict[Id, ScaleItem] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        if self.minimum >= self.maximum or any(i.minimum >= i.maximum for i in self.items.values()):
            raise ValueError("every range needs a minimum below its maximum")
        return self


class CutOff(Part):
    """A clinic's own numbers for one instrument, in place of the published ones or where none is confirmed."""

    caseness: Number | None = Field(default=None, description="A total at it or beyond is a case.")
    reliable_change: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="A difference this large between two totals is more than chance."
    )


class RuleChoice(Part):
    """A clinic's word on one rule: whether it runs, and which parameters differ from the catalogue's defaults."""

    enabled: bool = True
    parameters: dict[str, Number] = Field(default_factory=dict)


class RuleSet(Part):
    """The clinic's explicit choice of rules: `starter` turns the whole starter catalogue on, `none` turns it off."""

    base: Literal["starter", "none"]
    rules: dict[str, RuleChoice] = Field(default_factory=dict)


WebhookUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s#]*)?$", max_length=400)]


class Webhook(Part):
    """A system of the clinic's that hears of every alert: reference, urgency, deadline and link, no patient data.

    What it is signed with is derived from the deployment's key, the clinic, the name and the generation, and stands in
    no document: GET /v1/webhooks shows it.
    """

    name: Id
    url: WebhookUrl = Field(description="https; without a user name. A secret in it could be read by all services.")
    generation: int = Field(
        default=1, ge=1, le=1000, description="Count it up to have a new secret; the one before is signed with as well."
    )


class QuietHours(Part):
    """Hours in which a clinician is not told what can wait, in their own zone. What is due at once ignores them."""

    days: list[Weekday] = Field(
        default_factory=lambda: list(get_args(Weekday)), min_length=1, description="The days on which they begin."
    )
    starts: time = Field(description="Local time of day, without an offset.")
    ends: time = Field(description="Exclusive; not after `starts`: on the next day.")


LowPriority = Literal["message", "digest"]
"""How what can wait reaches somebody: one message each, or as a line of their next morning's digest."""


class Fatigue(Part):
    """What keeps a clinician's alerts few enough to be read. Risk alerts, and what is due at once, are exempt."""

    low_priority: LowPriority = Field(default="message", description="Unless the clinician chose for themselves.")
    bundle_minutes: int = Field(
        default=15,
        ge=0,
        le=240,
        description="After a message that could wait, the next ones for the same clinician that fall due within so "
        "many minutes go out together at their end. 0: never.",
    )
    alert_budget: int = Field(
        default=12,
        ge=1,
        le=200,
        description="Messages that can wait which one clinician is sent in one of the clinic's days; what is beyond "
        "it goes into the next morning's digest.",
    )


class ClinicSettings(Part):
    """A clinic's settings from one instant on."""

    effective_from: AwareDatetime
    zone: Zone
    region: Region = Region.GB
    working_hours: dict[Weekday, tuple[time, time]] = Field(min_length=1, description="Opening and closing by weekday.")
    holidays: list[date] = Field(default_factory=list)
    rule_set: RuleSet
    fallback_contact: Contact = Field(description="Who is told when nobody else can be.")
    scales: list[Scale] = Field(default_factory=list)
    licences: dict[Id, LicenceHeld] = Field(
        default_factory=dict,
        description="Attestations, by measure: the clinic holds this licence to show the measure's wording.",
    )
    cut_offs: dict[Id, CutOff] = Field(
        default_factory=dict,
        description="By instrument: numbers of the clinic's own. For PHQ-9 and GAD-7 the rules have theirs apart.",
    )
    outcome_measures: dict[Id, Id] = Field(
        default_factory=dict,
        description="By an episode's `problem`: the measure that outcomes use in place of the GAD-7, where the episode "
        "has a first and a last score of it. It needs both numbers among `cut_offs`.",
    )
    detail_domains: list[str] = Field(
        default_factory=list,
        description="E-mail domains whose recipients may be sent the reason and a chart; others get a reference only.",
    )
    escalation: EscalationSettings = Field(
        default_factory=EscalationSettings, description="Who is told next while nobody has acted."
    )
    duty_rota: DutyRota | None = Field(default=None, description="Who is on duty when.")
    question_targets: dict[CategoryName, QuestionTarget] = Field(
        default_factory=dict, description="Who answers which questions by when, where it differs from the defaults."
    )
    protocols: list[Protocol] = Field(
        default_factory=list, description="What patients are asked for, and when (docs/schedules.md)."
    )
    pathways: dict[Id, list[ProtocolName]] = Field(
        default_factory=dict, description="Which protocols are followed on a pathway."
    )
    check_in_questions: list[CheckInQuestion] = Field(
        default_factory=list, description="Questions of the clinic's own, asked with a check-in."
    )
    webhooks: list[Webhook] = Field(default_factory=list, description="Systems that hear of every alert.")
    verify_contacts: bool = Field(
        default=False,
        description="Whether addresses are verified before they are relied on: until then what is urgent goes to the "
        "fallback contact as well, and everything else to verified addresses only.",
    )
    expected_response: ExpectedResponse | None = Field(
        default=None, description="The clinic's own model of treatment response; None: *not on track* is off."
    )
    fatigue: Fatigue = Field(default_factory=Fatigue, description="How many alerts that can wait somebody is sent.")
    wording: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="By language: the clinic's own words for messages to patients and to clinicians, by the "
        "name of the text.",
    )

    def question_target(self, category: CategoryName) -> QuestionTarget:
        """Who answers such a question and by when: the clinic's own word, or the default."""
        return self.question_targets.get(category, QUESTION_TARGETS[category])

    @property
    def working_time(self) -> WorkingTime:
        """The clinic's working days and hours."""
        return WorkingTime(ZoneInfo(self.zone), self.working_hours, frozenset(self.holidays))


class Clinic(Document):
    """A clinic, with its settings effective-dated inside it (oldest first, at least one)."""

    topic: ClassVar[Topic] = Topic.CLINICS

    name: str = Field(min_length=1, max_length=120)
    settings: list[ClinicSettings] = Field(min_length=1)

    @property
    def key(self) -> str:
        """One record per clinic."""
        return self.clinic

    def settings_at(self, instant: datetime) -> ClinicSettings:
        """The settings in force at an instant; before the first, the first."""
        found = self.settings[0]
        for settings in self.settings:
            if settings.effective_from <= instant:
                found = settings
        return found


class Away(Part):
    """A stretch of leave."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime = Field(description="Exclusive.")


class Clinician(Document):
    """Somebody who cares for patients and hears of their concerns."""

    topic: ClassVar[Topic] = Topic.CLINICS

    clinician: Id
    name: str = Field(default="", max_length=120)
    email: Email | None = None
    mobile: Mobile | None = None
    channels: list[PersonalChannel] = Field(default_factory=list)
    deputy: Id | None = Field(default=None, description="The clinician who stands in for them.")
    role: Role = Role.THERAPIST
    zone: Zone | None = Field(default=None, description="The clinician's own zone; the clinic's where none is given.")
    away: list[Away] = Field(default_factory=list, max_length=200, description="Leave: what is theirs goes to others.")
    quiet: list[QuietHours] = Field(default_factory=list, max_length=20, description="When only what is due at once.")
    working_hours: dict[Weekday, tuple[time, time]] | None = Field(
        default=None,
        min_length=1,
        description="Their own, in their own zone: outside of them only what is due at once reaches them.",
    )
    low_priority: LowPriority | None = Field(default=None, description="Left out: as the clinic chose.")
    language: Language = Field(default="en", description="Of the clinic's own words, where it has some in it.")

    @property
    def key(self) -> str:
        """One record per clinician, beside the clinic's own."""
        return f"{self.clinic}/clinician/{self.clinician}"
