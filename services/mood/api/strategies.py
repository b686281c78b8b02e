"""Coping strategies: the library, what a patient tried and pinned, and what is suggested to them."""

import hashlib
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Request, Response
from pydantic import AwareDatetime, BaseModel, Field
from pydantic_core import from_json, to_json

from services.mood.api.bodies import schema_of
from services.mood.api.entries import MOST_BYTES, POSITION_DOCUMENTED, accepted, read_body
from services.mood.api.patients import PatientId
from services.mood.domain import (
    CAVEAT,
    LIBRARY,
    Allowed,
    Coping,
    Evidence,
    Gate,
    Pinned,
    Strategy,
    Tried,
    Wanted,
    helped_often,
    reason_of,
)
from services.mood.handlers import Strategies, Suggested
from shared.auth import Caller
from shared.contracts.base import Id
from shared.contracts.safety import Safety
from shared.runtime import (
    BEHIND_DOCUMENTED,
    POSITION_HEADER,
    IdempotencyKey,
    Patients,
    WaitForPosition,
    caller_with,
    problems,
    settle,
)

router = APIRouter(tags=["strategies"])
_JSON: Final = "application/json"


class StrategyShown(BaseModel):
    """A coping strategy of the library."""

    id: Id = Field(description="What to send as `strategy`.")
    title: str
    what_for: str
    effort: int = Field(description="1 little to 3 much.")
    minutes: int = Field(description="How long one go takes.")
    steps: list[str]
    evidence: Evidence = Field(description="How well trials support it as a part of treatment.")
    evidence_words: str = Field(description="Where that comes from; for clinicians.")
    contraindications: list[str] = Field(
        description="For whom it may be wrong; where there are any, a clinician decides."
    )
    therapist_set_only: bool = Field(description="Never suggested; for those with whom a therapist has set it up.")


class Library(BaseModel):
    """All coping strategies."""

    items: list[StrategyShown]


class PatientsStrategy(BaseModel):
    """A strategy and what one patient's own tries say of it."""

    strategy: StrategyShown
    reason: str = Field(description="Why it is shown, in plain words, to be shown as it is.")
    pinned: bool
    listed: bool = Field(description="Whether a clinician has listed it for this very patient.")
    tried: int = Field(description="How often it was tried.")
    rated: int = Field(description="How often distress was told before and after.")
    helped: int = Field(description="Of these, how often distress was lower after.")
    mean_fall: float | None = Field(description="By how much distress (0 to 10) fell on average; null without ratings.")


class PatientsStrategies(BaseModel):
    """A patient's strategies: those pinned first, then those tried."""

    patient: str
    pinned: list[PatientsStrategy]
    tried: list[PatientsStrategy] = Field(description="Those not pinned, most often helpful first.")
    allowed: list[Id] | None = Field(description="What a clinician listed for this patient; null: nobody did.")
    caveat: str = Field(description="To be shown with the numbers.")


class Suggestions(BaseModel):
    """What is suggested now. Where `none_because` is set nothing is: show `safety` and people instead."""

    id: str | None = Field(description="Send it as `suggestion` with what was tried; null where nothing is suggested.")
    patient: str
    none_because: Literal["concern", "not_known", "nothing_fits"] | None = Field(
        description="concern: something was said about harm, so people come first. not_known: the latest entries have "
        "not been looked at yet. nothing_fits: none is left by effort, by what is allowed, or for today."
    )
    suggestions: list[PatientsStrategy] = Field(description="The best draw first.")
    pinned: list[PatientsStrategy] = Field(description="The patient's own, to be shown before `suggestions`.")
    caveat: str
    position: str | None
    safety: Safety


class StrategyAccepted(BaseModel):
    """A word on strategies that was recorded."""

    id: str = Field(description="The fact's id: the same for a retry with the same key and body.")
    kind: Literal["strategy_tried", "strategies_pinned", "strategies_allowed"]
    recorded_at: AwareDatetime = Field(description="When it was accepted, UTC.")
    position: str = Field(description="Where it stands, as in the header Position.")
    safety: Safety


def _body(model: type[BaseModel], example: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    content = {_JSON: {"schema": schema_of(model), "example": example}}
    return {"requestBody": {"required": required, "content": content}}


_HAPPENED: Final = {"occurred_at": "2026-11-23T18:30:00+00:00", "origin": "live"}
_TRIED: Final = _body(Tried, {"strategy": "short_walk", "before": 7, "after": 4} | _HAPPENED)
_PINNED: Final = _body(Pinned, {"strategies": ["short_walk", "grounding"]} | _HAPPENED)
_ALLOWED: Final = _body(Allowed, {"strategies": ["short_walk", "grounding", "mindful_minute"]} | _HAPPENED)
_WANTED: Final = _body(Wanted, {"most": 1}, required=False)
_ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": StrategyAccepted, "headers": POSITION_DOCUMENTED},
    **problems(400, 409, 413),
}


def _shown(one: Strategy) -> StrategyShown:
    return StrategyShown(
        id=one.name,
        title=one.title,
        what_for=one.what_for,
        effort=one.effort,
        minutes=one.minutes,
        steps=list(one.steps),
        evidence=one.evidence,
        evidence_words=one.evidence_words,
        contraindications=list(one.contraindications),
        therapist_set_only=one.therapist_set_only,
    )


_LIBRARY: Final = Library(items=[_shown(one) for one in LIBRARY.values()]).model_dump_json().encode()
_ETAG: Final = f'"{hashlib.sha256(_LIBRARY).hexdigest()[:32]}"'


@router.get(
    "/v1/strategies",
    operation_id="list_strategies",
    summary="The library of coping strategies",
    response_model=Library,
    responses={
        200: {"headers": {"ETag": {"description": "Of this version of the library.", "schema": {"type": "string"}}}},
        304: {"description": "The library is still the one `If-None-Match` names."},
        **problems(400),
    },
)
async def list_strategies(
    if_none_match: Annotated[str | None, Header(description="The `ETag` of the library you have.")] = None,
    _: Caller = caller_with("entries:read", Patients.ALIKE),
) -> Response:
    """The same for every clinic, in plain words of our own. It supports care and replaces none."""
    headers = {"ETag": _ETAG, "Cache-Control": "private, max-age=3600"}
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if _ETAG in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(_LIBRARY, headers=headers, media_type=_JSON)


@router.post(
    "/v1/patients/{patient}/strategies/tried",
    status_code=202,
    operation_id="record_strategy_tried",
    summary="Record that a patient tried a strategy",
    responses=_ACCEPTED,
    openapi_extra=_TRIED,
)
async def record_strategy_tried(
    request: Request,
    *,
    patient: PatientId,
    key: IdempotencyKey,
    caller: Caller = caller_with("entries:write", Patients.IN_PATH),
) -> Response:
    """A fact, as a check-in is. Distress before and after, 0 none to 10 worst, is what suggestions learn from; without
    both it counts as tried and teaches nothing."""
    strategies: Strategies = request.state.strategies
    return accepted(await strategies.tried(caller, patient, key, await read_body(request, MOST_BYTES)))


@router.put(
    "/v1/patients/{patient}/strategies/pinned",
    status_code=202,
    operation_id="pin_strategies",
    summary="Pin a patient's own two strategies",
    responses=_ACCEPTED,
    openapi_extra=_PINNED,
)
async def pin_strategies(
    request: Request,
    *,
    patient: PatientId,
    key: IdempotencyKey,
    caller: Caller = caller_with("entries:write", Patients.IN_PATH),
) -> Response:
    """At most two, instead of those before; the last word by `occurred_at` counts. They are the patient's own: a
    clinician's token is refused. They are shown first to the patient and to their clinician."""
    strategies: Strategies = request.state.strategies
    return accepted(await strategies.pin(caller, patient, key, await read_body(request, MOST_BYTES)))


@router.put(
    "/v1/patients/{patient}/strategies/allowed",
    status_code=202,
    operation_id="allow_strategies",
    summary="Say which strategies may be suggested to a patient",
    responses=_ACCEPTED,
    openapi_extra=_ALLOWED,
)
async def allow_strategies(
    request: Request, *, patient: PatientId, key: IdempotencyKey, caller: Caller = caller_with("entries:write")
) -> Response:
    """Instead of the list before; the last word by `occurred_at` counts, so a retry changes nothing said since.
    Needs a clinician's token, or that of the clinic's system. Whoever lists a strategy has weighed what it is not
    for: Rapport does not know a patient's diagnoses."""
    strategies: Strategies = request.state.strategies
    return accepted(await strategies.allow(caller, patient, key, await read_body(request, MOST_BYTES)))


@router.post(
    "/v1/patients/{patient}/strategies/suggestions",
    operation_id="suggest_strategies",
    summary="Draw strategies to suggest now",
    response_model=Suggestions,
    responses={200: {"headers": {**POSITION_DOCUMENTED, **BEHIND_DOCUMENTED}}, **problems(400, 404, 409, 413)},
    openapi_extra=_WANTED,
)
async def suggest_strategies(
    request: Request,
    *,
    patient: PatientId,
    key: IdempotencyKey,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:write", Patients.IN_PATH),
) -> Response:
    """Send the `Position` of the entries just recorded as `Wait-For-Position`: a risk answer a moment ago then counts.

    Nothing is suggested while anything was said about harm, nor while that is not known; `safety` comes first then.
    Every draw is logged with its seed. It supports care; it is no treatment, and nobody checks it before it is shown.
    """
    raw = await read_body(request, MOST_BYTES)
    behind = await settle(wait_for, request.state.reached)
    strategies: Strategies = request.state.strategies
    found = await strategies.suggest(caller, patient, key, raw, behind=behind)
    headers = {} if found.position is None else {POSITION_HEADER: str(found.position)}
    return Response(to_json(_suggestions(patient, found)), headers=headers, media_type=_JSON)


@router.get(
    "/v1/patients/{patient}/strategies",
    operation_id="read_patients_strategies",
    summary="A patient's pinned strategies, and what helped",
    responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400, 404)},
)
async def read_patients_strategies(
    request: Request,
    *,
    patient: PatientId,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read", Patients.IN_PATH),
) -> PatientsStrategies:
    """What the patient pinned comes first, for them and for their clinician. Nothing is suggested here."""
    await settle(wait_for, request.state.reached)
    strategies: Strategies = request.state.strategies
    coping = await strategies.known(caller.clinic, patient)
    first = coping.shown_pins
    others = [name for name in helped_often(coping) if name in LIBRARY and name not in first]
    return PatientsStrategies(
        patient=patient,
        pinned=patients_own(first, coping),
        tried=patients_own(others, coping),
        allowed=None if coping.allowed is None else sorted(coping.allowed),
        caveat=CAVEAT,
    )


def patients_own(names: list[str], coping: Coping) -> list[PatientsStrategy]:
    """Strategies with what a patient's own tries say of them."""
    return [
        PatientsStrategy(
            strategy=_shown(LIBRARY[name]),
            reason=reason_of(name, coping),
            pinned=name in coping.pinned,
            listed=coping.listed(name),
            tried=coping.tally(name).tried,
            rated=coping.tally(name).rated,
            helped=coping.tally(name).helped,
            mean_fall=coping.tally(name).mean_fall,
        )
        for name in names
    ]


def _suggestions(patient: str, found: Suggested) -> Suggestions:
    gated = found.gate is not Gate.OPEN
    names = [name for name in found.strategies if name in LIBRARY]
    return Suggestions(
        id=found.id,
        patient=patient,
        none_because=found.gate.value if gated else None if names else "nothing_fits",
        suggestions=patients_own(names, found.coping),
        pinned=[] if gated else patients_own(found.coping.shown_pins, found.coping),
        caveat=CAVEAT,
        position=None if found.position is None else str(found.position),
        safety=from_json(found.safety),
    )
