"""A patient's assessment, the caseload, and the rules. The clinic is always the token's."""

from datetime import date, datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, Field

from services.insights.domain import CATALOGUE, RULES_VERSION, Rule, Settled, Severity
from services.insights.domain.ports import Wanted
from services.insights.handlers.reading import Reader, Seen
from shared.auth import Caller
from shared.contracts.assessments import Concern
from shared.contracts.base import Id, Number, Urgency
from shared.runtime import WaitForPosition, caller_with, problems, settle

router = APIRouter(tags=["insights"])


def _reader(request: Request) -> Reader:
    reader: Reader = request.state.reader
    return reader


TheReader = Annotated[Reader, Depends(_reader)]


def _known_rule(name: str) -> str:
    if name not in CATALOGUE:
        raise ValueError(f"send one of {', '.join(CATALOGUE)}")
    return name


Concerning = Annotated[str, AfterValidator(_known_rule)]
"""A rule of the catalogue."""


class PatientInsights(BaseModel):
    """What holds for a patient, and why. It supports a clinician's judgement and never replaces it."""

    patient: Id
    made_at: datetime = Field(description="When this was assessed.")
    up_to_date: bool = Field(description="False: entries are waiting that this does not know of yet.")
    registered: bool = Field(description="False: entries have come for a patient the clinic has not registered yet.")
    clinician: Id | None
    entries: int
    entries_not_processed: int = Field(description="Entries that could not be handled; look at them yourself.")
    risk_entries_not_processed: int = Field(description="Those of them about harm: speak to the patient.")
    last_heard: datetime | None = Field(description="When the latest entry was made.")
    concerns: list[Concern]

    @classmethod
    def of(cls, seen: Seen) -> Self:
        """As shown."""
        word = seen.assessment
        return cls(
            patient=word.patient,
            made_at=word.made_at,
            up_to_date=seen.up_to_date,
            registered=word.registered,
            clinician=seen.clinician,
            entries=word.entries,
            entries_not_processed=word.entries_not_processed,
            risk_entries_not_processed=seen.risk_not_processed,
            last_heard=word.last_heard,
            concerns=word.concerns,
        )


class CaseloadConcern(BaseModel):
    """One concern, in a line."""

    rule: str
    holds: bool = Field(description="False: it holds no more, but a human must still hear of its evidence.")
    since: datetime | None
    reason: str
    urgency: Urgency = Field(description="The most urgent of its evidence.")


class CaseloadPatient(BaseModel):
    """One patient of a caseload."""

    patient: Id
    clinician: Id | None
    registered: bool
    concerns: list[CaseloadConcern]
    last_heard: datetime | None
    entries: int
    entries_not_processed: int
    risk_entries_not_processed: int = Field(description="Those of them about harm: speak to the patient.")
    made_at: datetime
    up_to_date: bool

    @classmethod
    def of(cls, seen: Seen) -> Self:
        """As shown."""
        word = seen.assessment
        return cls(
            patient=word.patient,
            clinician=seen.clinician,
            registered=word.registered,
            concerns=[_line(concern) for concern in word.concerns],
            last_heard=word.last_heard,
            entries=word.entries,
            entries_not_processed=word.entries_not_processed,
            risk_entries_not_processed=seen.risk_not_processed,
            made_at=word.made_at,
            up_to_date=seen.up_to_date,
        )


class CaseloadPage(BaseModel):
    """Some patients, the most concerning first."""

    items: list[CaseloadPatient]
    next: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")


class ShownParameter(BaseModel):
    """A number of a rule that a clinic may change in its rule set."""

    name: str
    default: Number
    minimum: Number
    maximum: Number
    whole: bool
    meaning: str
    in_force: Number | None = Field(description="Your clinic's own number now; null where the rule is off.")


class ShownRule(BaseModel):
    """A rule of the catalogue, and what your clinic has made of it."""

    rule: str
    title: str
    watches: str
    says: str
    wording: str = Field(description="An example of what a clinician reads.")
    evidence: str = Field(description="What a human is told of.")
    until: str
    is_not: str = Field(description="What it must not be taken for.")
    source: str
    urgency: Urgency = Field(description="How soon its evidence is told, at most.")
    severity: Severity = Field(description="In which order concerns are read; no tier of risk, no verdict on people.")
    on_in_starter: bool
    absence: bool = Field(description="Whether it is about what is missing, judged as of what has been read.")
    told: bool = Field(description="False: shown while it holds, and nobody is sent anything.")
    introduced: date | None = Field(description="Since when the catalogue has it; null: from the beginning.")
    in_force: bool = Field(description="Whether it is on for your clinic now.")
    told_from: datetime | None = Field(
        description="Since when it has been in force so; evidence from before is shown and not told. Null: for ever."
    )
    parameters: list[ShownParameter]

    @classmethod
    def of(cls, rule: Rule, settled: Settled) -> Self:
        """As shown to a clinic."""
        own = settled.rules.get(rule.name)
        return cls(
            rule=rule.name,
            title=rule.title,
            watches=rule.watches,
            says=rule.says,
            wording=rule.wording,
            evidence=rule.evidence,
            until=rule.until,
            is_not=rule.is_not,
            source=rule.source,
            urgency=rule.urgency,
            severity=rule.severity,
            on_in_starter=rule.on_in_starter,
            absence=rule.absence,
            told=rule.told,
            introduced=rule.introduced,
            in_force=own is not None,
            told_from=settled.told_from.get(rule.name),
            parameters=[
                ShownParameter(
                    name=p.name,
                    default=p.default,
                    minimum=p.minimum,
                    maximum=p.maximum,
                    whole=p.whole,
                    meaning=p.meaning,
                    in_force=None if own is None else own[p.name],
                )
                for p in rule.parameters
            ],
        )


class Rules(BaseModel):
    """The catalogue. None of these rules has been clinically validated as implemented here."""

    version: int
    rules: list[ShownRule]


@router.get(
    "/v1/patients/{patient}/insights",
    operation_id="get_insights",
    summary="What holds for a patient, and why",
    responses=problems(400, 404),
)
async def get_insights(
    *,
    patient: Annotated[Id, Path(description="The clinic's own id of the patient.")],
    wait_for: WaitForPosition,
    reader: TheReader,
    request: Request,
    caller: Caller = caller_with("insights:read"),
) -> PatientInsights:
    """Every concern with since when, the reason in words and numbers, its evidence, and when it no longer holds."""
    await settle(wait_for, request.state.reached)
    return PatientInsights.of(await reader.insights(caller.clinic, patient))


@router.get(
    "/v1/caseload",
    operation_id="get_caseload",
    summary="The clinic's patients, the most concerning first",
    responses=problems(400),
)
async def get_caseload(
    *,
    clinician: Annotated[Id | None, Query(description="Only this clinician's patients.")] = None,
    rule: Annotated[Concerning | None, Query(description="Only those with a concern of this rule.")] = None,
    at_once: Annotated[bool, Query(description="Only those with evidence that is told at once.")] = False,
    silent_days: Annotated[
        int | None, Query(ge=1, le=3650, description="Only those not heard from for so many days, or never.")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=500, description="`next` of the last page, unchanged.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="The most patients on a page.")] = 50,
    wait_for: WaitForPosition,
    reader: TheReader,
    request: Request,
    caller: Caller = caller_with("insights:read"),
) -> CaseloadPage:
    """In this order: what is about harm and to be told at once, first where its rule holds, then where it holds no
    more and is still told of (`tell_days`); those of whom an entry about harm could not be processed
    (`risk_entries_not_processed`); then by severity (safety, important, notice) and within it as GET /v1/rules has the
    rules, what holds before what does not; each the longest first. Then those without a concern. It is an order of
    reading, not of people, and it knows nothing of what somebody has done: that stands with the alerts."""
    await settle(wait_for, request.state.reached)
    since = None if silent_days is None else request.state.clock.now() - timedelta(days=silent_days)
    wanted = Wanted(clinician=clinician, rule=rule, at_once=at_once, silent_since=since)
    page = await reader.caseload(caller.clinic, wanted, cursor=cursor, limit=limit)
    return CaseloadPage(items=[CaseloadPatient.of(seen) for seen in page.patients], next=page.next)


@router.get(
    "/v1/rules",
    operation_id="get_rules",
    summary="The rules, and your clinic's own numbers",
    responses=problems(),
)
async def get_rules(*, reader: TheReader, caller: Caller = caller_with("insights:read")) -> Rules:
    """What a clinic can turn on and change in its rule set, and what is in force for yours now."""
    settled = reader.settled(caller.clinic)
    return Rules(version=RULES_VERSION, rules=[ShownRule.of(rule, settled) for rule in CATALOGUE.values()])


def _line(concern: Concern) -> CaseloadConcern:
    urgent = any(telling.urgency is Urgency.AT_ONCE for telling in concern.telling)
    return CaseloadConcern(
        rule=concern.rule,
        holds=concern.holds,
        since=concern.since,
        reason=concern.reason,
        urgency=Urgency.AT_ONCE if urgent else Urgency.WORKING_HOURS,
    )
