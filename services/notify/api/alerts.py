"""/v1/alerts."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.notify.domain import Delivery, Leg, LegState, Outcome, What, hook_name
from services.notify.handlers import SUBSCRIPTIONS, Desk, Trail
from shared.auth import Caller
from shared.bus import Position
from shared.contracts import Alert
from shared.contracts.alerts import AlertStatus, Disposition
from shared.contracts.base import Id
from shared.contracts.escalation import Who
from shared.documents import Idempotency, Written
from shared.runtime import (
    POSITION_HEADER,
    Body,
    IdempotencyKey,
    WaitForPosition,
    caller_with,
    problems,
    settle,
)

router = APIRouter(tags=["alerts"])

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
AlertId = Annotated[Id, Path(description="The alert's id (not the short reference).")]
STATES: Final[dict[LegState, Literal["waiting", "handed_over", "failed", "cancelled"]]] = {
    LegState.PENDING: "waiting",
    LegState.SENT: "handed_over",
    LegState.FAILED: "failed",
    LegState.CANCELLED: "cancelled",
}


class AlertPage(BaseModel):
    """Some alerts, those changed longest ago first."""

    items: list[Alert]
    next: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")


class AttemptReply(BaseModel):
    """One try to hand a message over."""

    at: AwareDatetime
    outcome: Literal["accepted", "temporary", "permanent", "unsure"] = Field(
        description="accepted by the provider; temporary: tried again; permanent: refused for good, another way is "
        "taken; unsure: it may have gone, and is sent again with the same reference."
    )
    code: str = Field(
        description="The provider's answer code, or why there was none; `stopped`: its owner wants no more texts there."
    )
    provider: str | None = Field(description="Which provider of the channel; null where none was asked.")


class StepReply(BaseModel):
    """A step of the alert's escalation: its run, how often all steps had been gone through before, and its number."""

    run: int
    repeat: int
    step: int


class DeliveryReply(BaseModel):
    """A message to one recipient by one channel. Addresses are not repeated here."""

    id: str
    rounds: list[int] = Field(description="The rounds of this alert's evidence that it tells of.")
    digest: bool
    step: StepReply | None = Field(description="The step of `escalations` that it is; null for the alert's message.")
    who: Who = Field(description="Whom it was meant for, by the policy that held when the alert fired.")
    channel: Literal["email", "sms", "webhook", "apprise"] | None = Field(
        description="null until it is due and the recipient is found."
    )
    recipient: Literal["clinician", "fallback", "system"] | None = Field(
        description="system: one of the clinic's own, by webhook or Apprise; it counts for nobody."
    )
    clinician: str | None
    state: Literal["waiting", "handed_over", "failed", "cancelled", "held"] = Field(
        description="held: its lines stand in the digest that goes out at `held_until`."
    )
    held_until: AwareDatetime | None
    due_at: AwareDatetime
    why: str | None = Field(description="Why it was held, cancelled, failed, or went to the fallback contact.")
    accepted_at: AwareDatetime | None = Field(description="When a provider last accepted it.")
    delivered_at: AwareDatetime | None = Field(description="When a receipt said that it had arrived.")
    receipt: Literal["accepted", "delivered", "failed_for_good", "failed_for_now"] | None = Field(
        description="The last word of a receipt."
    )
    receipt_code: str | None = Field(description="The provider's own word for it.")
    unconfirmed: bool = Field(description="Accepted, and no receipt came in time: not relied on alone.")
    provider: str | None = Field(
        description="Which provider has it: by its own answer, or by its receipt where the answer was lost."
    )
    attempts: list[AttemptReply]


class HappenedReply(BaseModel):
    """One thing that happened to the alert, with its time."""

    at: AwareDatetime
    what: What = Field(
        description="detected, accepted (at the door), raised, queued, held, sent, accepted_by_provider or refused, "
        "delivered, undelivered or unconfirmed (by the provider's receipt, or for want of one), stopped (nothing was "
        "sent: its owner wants no more texts there), opened, acknowledged, escalated, asked_again, closed."
    )
    who: str | None = Field(description="A clinician's id, `fallback`, `system` (of the clinic's own), or who did it.")
    channel: Literal["email", "sms", "webhook", "apprise"] | None
    provider: str | None = Field(description="Which provider of the channel.")
    note: str | None


class AlertTrail(Alert):
    """An alert, everything that was sent about it, and its life in order."""

    deliveries: list[DeliveryReply]
    life: list[HappenedReply]


class SendBody(Body):
    """Whom to tell."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"clinician": "lee"}]})

    clinician: Id | None = Field(default=None, description="A clinician's id; default: the patient's clinician.")
    by: Name | None = Field(default=None, description="Who asks; default: the token's subject.")


class AcknowledgeBody(Body):
    """Who has it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"by": "priya"}]})

    by: Name | None = Field(default=None, description="Who has it; default: the token's subject.")


class CloseBody(Body):
    """What was done."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"disposition": "contacted", "note": "Rang, is safe."}]})

    disposition: Disposition
    note: Note | None = None
    by: Name | None = Field(default=None, description="Who did it; default: the token's subject.")


def _desk(request: Request) -> Desk:
    desk: Desk = request.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(_desk)]


async def _raw(request: Request) -> bytes:
    return await request.body()


RawBody = Annotated[bytes, Depends(_raw)]


async def _caught_up(request: Request, positions: WaitForPosition) -> None:
    reached: Callable[[Position], Awaitable[bool]] = request.state.reached
    await settle([one for one in positions if one.topic in SUBSCRIPTIONS], reached)


CaughtUp = Annotated[None, Depends(_caught_up)]


@router.get("/v1/alerts", operation_id="list_alerts", summary="The alerts, page by page",
            responses=problems(400))  # fmt: skip
async def list_alerts(
    *,
    desk: TheDesk,
    _: CaughtUp,
    status: AlertStatus | None = None,
    patient: Id | None = None,
    clinician: Id | None = None,
    updated_since: Annotated[
        AwareDatetime | None,
        Query(description="Only what changed at or after this RFC 3339 time (offset mandatory). Overlap by a minute."),
    ] = None,
    acknowledged_before: Annotated[
        AwareDatetime | None,
        Query(
            description="Only what somebody has had since before this RFC 3339 time (offset mandatory) and has not "
            "closed: what may be forgotten."
        ),
    ] = None,
    cursor: Annotated[str | None, Query(max_length=500, description="`next` of the last page, unchanged.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="The most items on a page.")] = 50,
    caller: Caller = caller_with("alerts:read"),
) -> AlertPage:
    """The clinic's alerts, those changed longest ago first; to follow them, send the last `updated_at` seen."""
    page = await desk.alerts(
        caller.clinic,
        status=status,
        patient=patient,
        clinician=clinician,
        updated_since=updated_since,
        cursor=cursor,
        limit=limit,
        acknowledged_before=acknowledged_before,
    )
    return AlertPage(items=page.items, next=page.next)


@router.get("/v1/alerts/{alert}", operation_id="get_alert", summary="One alert and its trail",
            responses=problems(404))  # fmt: skip
async def get_alert(
    *, alert: AlertId, desk: TheDesk, _: CaughtUp, caller: Caller = caller_with("alerts:read")
) -> AlertTrail:
    """What was told, to whom, by which channel, and what the provider said to each attempt.

    `escalations` say who is told next and when, and who was told and why; `deliveries` what became of each message.
    """
    return _trail(await desk.trail(caller.clinic, alert))


@router.post("/v1/alerts/{alert}/acknowledge", operation_id="acknowledge_alert", summary="Say that somebody has it",
             responses=problems(400, 404, 409))  # fmt: skip
async def acknowledge_alert(
    *,
    alert: AlertId,
    desk: TheDesk,
    raw: RawBody,
    key: IdempotencyKey,
    response: Response,
    body: AcknowledgeBody | None = None,
    caller: Caller = caller_with("alerts:write"),
) -> Alert:
    """Messages not yet handed over are no longer sent, and nobody further is told. News un-acknowledges it.

    The first to have it keeps it, and is reminded if it is not closed within the clinic's time.
    """
    written = await desk.acknowledge(
        caller.clinic,
        alert,
        by=(body.by if body else None) or caller.client,
        idempotency=_decision(caller, f"acknowledge {alert}", key, raw),
    )
    return _answered(response, written)


@router.post("/v1/alerts/{alert}/close", operation_id="close_alert", summary="Close it, and say what was done",
             responses=problems(400, 404, 409))  # fmt: skip
async def close_alert(
    *,
    alert: AlertId,
    body: CloseBody,
    desk: TheDesk,
    raw: RawBody,
    key: IdempotencyKey,
    response: Response,
    caller: Caller = caller_with("alerts:write"),
) -> Alert:
    """A closed alert does not come back, nor does its escalation; evidence nobody was told of yet opens another."""
    written = await desk.close(
        caller.clinic,
        alert,
        by=body.by or caller.client,
        disposition=body.disposition,
        note=body.note or None,
        idempotency=_decision(caller, f"close {alert}", key, raw),
    )
    return _answered(response, written)


@router.post("/v1/alerts/{alert}/messages", operation_id="send_alert_again", summary="Send its message again",
             responses=problems(400, 404, 409, 429))  # fmt: skip
async def send_alert_again(
    *,
    alert: AlertId,
    desk: TheDesk,
    raw: RawBody,
    key: IdempotencyKey,
    response: Response,
    body: SendBody | None = None,
    caller: Caller = caller_with("alerts:write"),
) -> Alert:
    """At once, whatever the recipient's quiet hours, with a new link; `resent` says who asked and when it went.

    It changes nothing else: the escalation goes on in its own time, and an acknowledged alert stays acknowledged. Three
    times an hour to one recipient at most; `Retry-After` says when again.
    """
    body = body or SendBody()
    written = await desk.send_again(
        caller.clinic,
        alert,
        by=body.by or caller.client,
        clinician=body.clinician,
        idempotency=_decision(caller, f"send {alert}", key, raw),
    )
    return _answered(response, written)


def _decision(caller: Caller, route: str, key: str, raw: bytes) -> Idempotency:
    return Idempotency.of(client=f"{caller.client} {route}", key=key, body=raw)


def _answered(response: Response, written: Written[Alert]) -> Alert:
    if written.position is not None:
        response.headers[POSITION_HEADER] = str(written.position)
    return written.document


def _trail(trail: Trail) -> AlertTrail:
    rows = [reply for delivery in trail.deliveries for reply in _replies(trail.alert, delivery)]
    life = [HappenedReply(**asdict(one)) for one in trail.life]
    return AlertTrail(**dict(trail.alert), deliveries=rows, life=life)


def _replies(alert: Alert, delivery: Delivery) -> list[DeliveryReply]:
    rounds = [item.round for item in delivery.items if item.alert == alert.key]
    if not delivery.legs:
        return [_reply(delivery, rounds, None, delivery.due_at)]
    return [_reply(delivery, rounds, leg, leg.due_at) for leg in delivery.legs]


def _reply(delivery: Delivery, rounds: list[int], leg: Leg | None, due_at: datetime) -> DeliveryReply:
    fallback, system = leg is not None and leg.to_fallback, leg is not None and hook_name(leg) is not None
    accepted = [attempt.at for attempt in (leg.attempts if leg else ()) if attempt.outcome is Outcome.ACCEPTED]
    held, step = delivery.held, delivery.step
    unplanned: Literal["waiting", "cancelled", "held"] = "cancelled" if delivery.done else "waiting"
    unplanned = "held" if held else unplanned
    return DeliveryReply(
        id=leg.id if leg else delivery.id,
        rounds=rounds,
        digest=delivery.kind == "digest",
        step=StepReply(**step.model_dump(exclude={"started_at"})) if step else None,
        who=delivery.who,
        channel=leg.channel.value if leg else None,
        recipient=None if leg is None else "system" if system else "fallback" if fallback else "clinician",
        clinician=None if leg is None or fallback or system else leg.to,
        state=STATES[leg.state] if leg else unplanned,
        held_until=held.until if held else None,
        due_at=due_at,
        why=held.why if held else (leg.why if leg else None) or (delivery.fell_back if fallback else None),
        accepted_at=accepted[-1] if accepted else None,
        delivered_at=leg.delivered_at if leg else None,
        receipt=leg.receipt.value if leg and leg.receipt else None,
        receipt_code=leg.receipt_code if leg else None,
        unconfirmed=leg is not None and leg.unconfirmed,
        provider=leg.provider if leg else None,
        attempts=[
            AttemptReply(at=a.at, outcome=a.outcome.value, code=a.code, provider=a.provider or None)
            for a in (leg.attempts if leg else ())
        ],
    )
