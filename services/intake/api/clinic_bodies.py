"""What is sent to /v1/clinic: a clinic's settings, whole."""

from datetime import date, time
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints

from services.intake.api.parts import Instant, InWords, OneLine
from shared.contracts.base import Id, Number, Zone
from shared.contracts.clinics import (
    CategoryName,
    Contact,
    CutOff,
    Fatigue,
    LicenceHeld,
    QuestionTarget,
    Region,
    Scale,
    ScaleItem,
    Webhook,
)
from shared.contracts.escalation import (
    MOST_STEPS,
    CloseWithin,
    DutyRota,
    EscalationPolicy,
    EscalationSettings,
    RotaOverride,
    Step,
)
from shared.contracts.expected_response import ExpectedResponse, ExpectedStratum
from shared.contracts.protocols import CheckInQuestion, Protocol, ProtocolName, Weekday
from shared.contracts.wording import Wording
from shared.runtime import Body

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), OneLine]
ClockTime = Annotated[time, InWords]
Day = Annotated[date, InWords]
Domain = Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True, max_length=190)]


class ProtocolBody(Protocol, Body):
    """What is asked of a patient, how often, and how long it can be answered (docs/schedules.md)."""


class CheckInQuestionBody(CheckInQuestion, Body):
    """A question of the clinic's own, asked with a check-in."""


class ContactBody(Contact, Body):
    """Somebody who can be reached, by e-mail, mobile or both."""

    name: Name


class ScaleItemBody(ScaleItem, Body):
    """One item of a scale."""


class ScaleBody(Scale, Body):
    """A measure the clinic declares itself."""

    items: dict[Id, ScaleItemBody] = Field(  # type: ignore[assignment]  # the same, but stricter about what is unknown
        default_factory=dict, max_length=60
    )


class CutOffBody(CutOff, Body):
    """A clinic's own numbers for one instrument."""


class RuleChoiceBody(Body):
    """The clinic's word on one rule."""

    enabled: bool = Field(
        default=True, strict=True, description="`risk_item` and `crisis_language` cannot be switched off (422)."
    )
    parameters: dict[str, Number] = Field(
        default_factory=dict, description="Those that differ from the catalogue's defaults (docs/rules.md)."
    )


class RuleSetBody(Body):
    """The clinic's explicit choice of rules."""

    base: Literal["starter", "none"] = Field(
        description="starter: the whole starter catalogue; none: only what `rules` names."
    )
    rules: dict[str, RuleChoiceBody] = Field(default_factory=dict, description="What differs from `base`, by rule.")


_DEFAULT: Final = EscalationSettings()


class StepBody(Step, Body):
    """Whom to tell, how long after the alert was opened or came back, and by which channels."""


class PolicyBody(EscalationPolicy, Body):
    """Who is told, one step after the other, until somebody acknowledges. The first is told of the alert itself."""

    steps: list[StepBody] = Field(min_length=1, max_length=MOST_STEPS)  # type: ignore[assignment]  # stricter about what is unknown


class CloseWithinBody(CloseWithin, Body):
    """Working days an acknowledged alert may stay unclosed before who acknowledged it is reminded."""


class EscalationBody(EscalationSettings, Body):
    """Who is told next while nobody has acted. What is left out takes its default (docs/escalation.md)."""

    at_once: PolicyBody = Field(default_factory=lambda: PolicyBody.model_validate(_DEFAULT.at_once.model_dump()))
    working_hours: PolicyBody = Field(
        default_factory=lambda: PolicyBody.model_validate(_DEFAULT.working_hours.model_dump())
    )
    close_within: CloseWithinBody = Field(default_factory=CloseWithinBody)


class OverrideBody(RotaOverride, Body):
    """Somebody else is on duty for a time, or nobody."""

    starts_at: Instant
    ends_at: Instant = Field(description="Exclusive.")


class DutyRotaBody(DutyRota, Body):
    """Who is on duty: a rotation of clinicians and what departs from it."""

    starts_on: Day = Field(description="The first hand-over's day; the weekday of every one where turns are weekly.")
    hand_over_at: ClockTime = Field(description="Local time of day, without an offset.")
    overrides: list[OverrideBody] = Field(default_factory=list, max_length=500)  # type: ignore[assignment]


class QuestionTargetBody(QuestionTarget, Body):
    """Who answers one kind of question, and by when: `minutes` the clinic works, or `days`; one of the two."""


class WebhookBody(Webhook, Body):
    """A system that hears of every alert (docs/providers.md)."""


class ExpectedStratumBody(ExpectedStratum, Body):
    """One band of first scores."""


class ExpectedResponseBody(ExpectedResponse, Body):
    """A clinic's own model of treatment response (docs/expected-response.md)."""

    fitted_at: Instant
    measures: dict[Id, Annotated[list[ExpectedStratumBody], Field(min_length=1, max_length=40)]] = Field(  # type: ignore[assignment]
        min_length=1, max_length=20
    )


class FatigueBody(Fatigue, Body):
    """What keeps a clinician's alerts few enough to be read."""


_CLINIC: Final[dict[str, Any]] = {
    "name": "Harbour Clinic",
    "zone": "Europe/London",
    "region": "GB",
    "working_hours": {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": ["2026-12-25", "2026-12-28"],
    "rule_set": {"base": "starter", "rules": {"gone_quiet": {"parameters": {"min_days": 10}}}},
    "fallback_contact": {"name": "Duty desk", "email": "duty@harbour.example", "mobile": "+447700900000"},
    "scales": [],
    "licences": {},
    "cut_offs": {},
    "outcome_measures": {},
    "detail_domains": ["harbour.example"],
    "escalation": {
        "lead": "lee",
        "at_once": {
            "steps": [
                {"who": "clinician", "after_minutes": 0},
                {"who": "deputy", "after_minutes": 15, "channels": ["sms"]},
                {"who": "duty", "after_minutes": 30},
                {"who": "lead", "after_minutes": 60},
            ],
            "repeats": 1,
        },
    },
    "duty_rota": {
        "zone": "Europe/London",
        "turn": "weekly",
        "starts_on": "2026-11-23",
        "hand_over_at": "09:00",
        "clinicians": ["priya", "lee"],
        "overrides": [
            {"starts_at": "2026-12-24T09:00:00+00:00", "ends_at": "2026-12-27T09:00:00+00:00", "clinician": "sasha"}
        ],
    },
    "question_targets": {"medication": {"role": "prescriber", "minutes": 240}},
    "webhooks": [{"name": "record-system", "url": "https://hooks.harbour.example/rapport", "generation": 1}],
    "verify_contacts": False,
    "wording": {"en": {"neutral_sms": "{sender}: Something new for you: {where}"}},
    "protocols": [
        {
            "name": "daily-mood",
            "asks": "check_in",
            "rhythm": {"every": "days", "days": 1},
            "windows": [{"opens": "18:00", "closes": "21:00"}],
            "late_after": 180,
            "expires_after": 720,
            "reminders_after": [60],
        }
    ],
    "pathways": {"low-mood": ["daily-mood"]},
    "check_in_questions": [{"name": "outside", "wording": "Were you outside today?", "kind": "yes_no"}],
}


class ClinicBody(Body):
    """A clinic as it is to be from now on. What is left out takes its default: this is the whole of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CLINIC]})

    name: Name
    zone: Zone = Field(description="IANA time zone. Working hours, deadlines and reports are in it.")
    region: Region = Field(default=Region.GB, description="Whose crisis contacts patients are shown.")
    working_hours: dict[Weekday, tuple[ClockTime, ClockTime]] = Field(
        min_length=1, description="Opening and closing time by weekday, in the clinic's zone; a day left out is off."
    )
    holidays: list[Day] = Field(default_factory=list, max_length=500, description="Days off, in the clinic's zone.")
    rule_set: RuleSetBody
    fallback_contact: ContactBody = Field(description="Mandatory: who is told when nobody else can be.")
    scales: list[ScaleBody] = Field(default_factory=list, max_length=20)
    licences: dict[Id, LicenceHeld] = Field(
        default_factory=dict,
        max_length=20,
        description="Your attestation that the clinic holds a licence to show a measure's wording, by measure: who "
        "granted it, or its number. GET /v1/instruments says which need one.",
    )
    cut_offs: dict[Id, CutOffBody] = Field(
        default_factory=dict,
        max_length=40,
        description="Your own caseness and reliable change, by instrument, where the published ones are not confirmed "
        "or are not yours. Progress uses them; so do the rules about scores, but for PHQ-9 and GAD-7.",
    )
    outcome_measures: dict[Id, Id] = Field(
        default_factory=dict,
        max_length=20,
        description="By an episode's problem, in your own word: the measure outcomes use in place of the GAD-7, e.g. "
        '{"ptsd": "pcl5"}. Give its caseness and reliable change in cut_offs.',
    )
    detail_domains: list[Domain] = Field(
        default_factory=list,
        max_length=50,
        description="E-mail domains whose recipients may be sent reasons and charts; others get a reference only.",
    )
    escalation: EscalationBody = Field(
        default_factory=EscalationBody, description="Who is told next while nobody has acted (docs/escalation.md)."
    )
    duty_rota: DutyRotaBody | None = Field(default=None, description="Who is on duty when.")
    question_targets: dict[CategoryName, QuestionTargetBody] = Field(
        default_factory=dict,
        description="Who answers which questions by when, where it differs from the defaults (docs/questions.md).",
    )
    protocols: list[ProtocolBody] = Field(
        default_factory=list, max_length=50, description="What patients are asked for, and when (docs/schedules.md)."
    )
    pathways: dict[Id, list[ProtocolName]] = Field(
        default_factory=dict, max_length=50, description="Which protocols are followed on a pathway."
    )
    check_in_questions: list[CheckInQuestionBody] = Field(
        default_factory=list, max_length=20, description="Questions of your own, asked with a check-in."
    )
    webhooks: list[WebhookBody] = Field(
        default_factory=list,
        max_length=5,
        description="Systems that hear of every alert, signed as Standard Webhooks says; GET /v1/webhooks shows the "
        "secrets.",
    )
    verify_contacts: bool = Field(
        default=False, description="Have addresses verified before they are relied on (docs/providers.md)."
    )
    fatigue: FatigueBody = Field(
        default_factory=FatigueBody, description="How many alerts that can wait somebody is sent (docs/escalation.md)."
    )
    wording: Wording = Field(
        default_factory=dict,
        max_length=10,
        description="By language: your own words for messages to patients (docs/patient-messages.md) and to "
        "clinicians (docs/escalation.md).",
    )
    expected_response: ExpectedResponseBody | None = Field(
        default=None,
        description="The model the console's `fit` made of your own closed episodes; none: not on track is off.",
    )
