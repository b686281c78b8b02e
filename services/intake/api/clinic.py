"""/v1/clinic and /v1/clinicians."""

from datetime import date, time
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.intake.api.parts import (
    ClinicianId,
    Cursor,
    Instant,
    InWords,
    Limit,
    Now,
    OneLine,
    PageReply,
    TheRegister,
    UpdatedSince,
    answered,
    answers,
)
from services.intake.handlers import Register
from shared.auth import Caller
from shared.contracts import Clinic, Clinician
from shared.contracts.base import Id, Number, PersonalChannel, Zone
from shared.contracts.clinics import (
    Away,
    CategoryName,
    ClinicSettings,
    Contact,
    CutOff,
    Email,
    LicenceHeld,
    Mobile,
    QuestionTarget,
    Region,
    Role,
    Scale,
    ScaleItem,
    Webhook,
    Weekday,
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
from shared.contracts.wording import Wording
from shared.runtime import Body, WaitForPosition, caller_with, problems

router = APIRouter(tags=["clinic"])

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), OneLine]
ClockTime = Annotated[time, InWords]
Day = Annotated[date, InWords]
Domain = Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True, max_length=190)]


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

    enabled: bool = Field(default=True, strict=True)
    parameters: dict[str, Number] = Field(
        default_factory=dict, description="Those that differ from the catalogue's defaults (docs/rules.md)."
    )


class RuleSetBody(Body):
    """The clinic's explicit choice of rules."""

    base: Literal["starter", "none"] = Field(description="starter: the whole starter catalogue; none: no rule.")
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
        "or are not yours. Progress uses them; the rules have their own parameters.",
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
    webhooks: list[WebhookBody] = Field(
        default_factory=list,
        max_length=5,
        description="Systems that hear of every alert, signed as Standard Webhooks says; GET /v1/webhooks shows the "
        "secrets.",
    )
    verify_contacts: bool = Field(
        default=False, description="Have addresses verified before they are relied on (docs/providers.md)."
    )
    wording: Wording = Field(
        default_factory=dict,
        max_length=10,
        description="By language: your own words for messages to patients (docs/patient-messages.md).",
    )


class WarningReply(BaseModel):
    """Something that works, and is probably not meant: whoever it concerns is not told; the fallback contact is."""

    pointer: str = Field(description="JSON pointer into the body of PUT /v1/clinic.")
    message: str
    since: AwareDatetime | None = Field(default=None, description="From when, of a gap in the rota.")
    until: AwareDatetime | None = None


class ClinicReply(Clinic):
    """The clinic, and what to look at in its escalation, as of now."""

    warnings: list[WarningReply]


@router.put("/v1/clinic", operation_id="put_clinic", summary="Set the clinic up, or change its settings from now on",
            responses=answers(ClinicReply, 200, 201) | problems())  # fmt: skip
async def put_clinic(
    *,
    body: ClinicBody,
    register: TheRegister,
    now: Now,
    response: Response,
    caller: Caller = caller_with("clinic:write"),
) -> ClinicReply:
    """The clinic is the token's. Settings that differ are added with `effective_from` now; the old ones stay known.

    `warnings` name the gaps of the rota in the next eight weeks and steps that have nobody to go to.
    """
    settings = ClinicSettings.model_validate(body.model_dump(exclude={"name"}) | {"effective_from": now})
    written = await register.set_up_clinic(caller.clinic, name=body.name, settings=settings)
    answered(response, written)
    return await _with_warnings(written.document, register)


async def _with_warnings(clinic: Clinic, register: Register) -> ClinicReply:
    found = await register.warnings(clinic)
    warnings = [WarningReply(pointer=w.pointer, message=w.message, since=w.since, until=w.until) for w in found]
    return ClinicReply(**dict(clinic), warnings=warnings)


@router.get("/v1/clinic", operation_id="get_clinic", summary="The clinic with its settings, past ones included",
            responses=problems(400, 404))  # fmt: skip
async def get_clinic(
    register: TheRegister, _: WaitForPosition, caller: Caller = caller_with("clinic:read")
) -> ClinicReply:
    """Settings are effective-dated, oldest first: the last ones hold now. `warnings` are found anew at each reading."""
    return await _with_warnings(await register.clinic(caller.clinic), register)


class AwayBody(Away, Body):
    """A stretch of leave."""

    starts_at: Instant
    ends_at: Instant = Field(description="Exclusive; after the start.")


class ClinicianBody(Body):
    """A clinician as they are to be. What is left out is taken away."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Priya Lund",
                    "email": "priya@harbour.example",
                    "mobile": "+447700900001",
                    "channels": ["email", "sms"],
                    "deputy": "lee",
                    "role": "therapist",
                    "away": [{"starts_at": "2026-12-21T09:00:00+00:00", "ends_at": "2027-01-04T09:00:00+00:00"}],
                }
            ]
        }
    )

    name: Name
    email: Email | None = None
    mobile: Mobile | None = Field(default=None, description="In E.164 form, e.g. +447700900001.")
    channels: list[PersonalChannel] = Field(
        min_length=1, max_length=2, description="How they are told of concerns: email, sms, or both."
    )
    deputy: Id | None = Field(default=None, description="The clinician who stands in for them, by id.")
    role: Role = Field(default=Role.THERAPIST, description="Which questions come to them (docs/questions.md).")
    zone: Zone | None = Field(default=None, description="Their own time zone, where it is not the clinic's.")
    away: list[AwayBody] = Field(
        default_factory=list, max_length=200, description="Leave: what they have stands among the unassigned then."
    )


@router.put("/v1/clinicians/{clinician}", operation_id="put_clinician", summary="Add a clinician, or change one",
            responses=answers(Clinician, 200, 201) | problems(409, 410))  # fmt: skip
async def put_clinician(
    *,
    clinician: ClinicianId,
    body: ClinicianBody,
    register: TheRegister,
    response: Response,
    caller: Caller = caller_with("clinic:write"),
) -> Clinician:
    """The id is the clinic's own. Every chosen channel needs its address."""
    wished = Clinician(clinic=caller.clinic, clinician=clinician, version=1, **body.model_dump())
    written = await register.put_clinician(wished)
    answered(response, written)
    return written.document


@router.get("/v1/clinicians/{clinician}", operation_id="get_clinician", summary="One clinician",
            responses=problems(400, 404))  # fmt: skip
async def get_clinician(
    *,
    clinician: ClinicianId,
    register: TheRegister,
    _: WaitForPosition,
    caller: Caller = caller_with("clinic:read"),
) -> Clinician:
    """A clinician of the token's clinic."""
    return await register.clinician(caller.clinic, clinician)


@router.get("/v1/clinicians", operation_id="list_clinicians", summary="The clinicians, page by page",
            responses=problems(400))  # fmt: skip
async def list_clinicians(
    *,
    register: TheRegister,
    _: WaitForPosition,
    updated_since: UpdatedSince = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    caller: Caller = caller_with("clinic:read"),
) -> PageReply[Clinician]:
    """Those changed longest ago first; one that changes meanwhile comes again further on."""
    page = await register.clinicians(caller.clinic, updated_since=updated_since, cursor=cursor, limit=limit)
    return PageReply(items=page.items, next=page.next)
