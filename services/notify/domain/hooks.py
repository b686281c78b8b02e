"""Word to a clinic's own systems: a webhook or an Apprise key hears of every message, beside the people it goes to.

It is told by a row of its own, so that a system that is away delays nobody, and one that answers counts for nobody.
"""

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from services.notify.domain.attempts import KEPT_ATTEMPTS, attempt_of
from services.notify.domain.deliveries import (
    Channel,
    Delivery,
    Kind,
    Leg,
    LegState,
    Outcome,
    Result,
    leg_for,
    looked_at,
    with_leg,
)
from shared.contracts.clinics import Webhook

RETRIES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""The delays that Standard Webhooks recommends, a day and some in all."""
GIVEN_UP: Final = "given up: it did not take it in a day"
REFUSED: Final = "it said that it wants no more of these (410), or that it cannot take this"
_PLACE: Final = "/hook/"


def hook_rows(delivery: Delivery, webhooks: Sequence[Webhook], apprise: str | None, now: datetime) -> list[Delivery]:
    """The rows of a clinic's systems for a row that is about to go to people, or to be held for them.

    Of what was held in a row of its own they heard when it fell due.
    """
    if delivery.kind is Kind.HOOK or all(item.origin for item in delivery.items):
        return []
    places = [(Channel.WEBHOOK, hook.name) for hook in webhooks]
    if apprise is not None:
        places.append((Channel.APPRISE, apprise))
    return [_row(delivery, channel, name, now) for channel, name in places]


def hook_ids(delivery: Delivery, webhooks: Sequence[Webhook], apprise: str | None) -> list[str]:
    """The ids of those rows."""
    return [row.id for row in hook_rows(delivery, webhooks, apprise, delivery.due_at)]


def _row(delivery: Delivery, channel: Channel, name: str, now: datetime) -> Delivery:
    row = Delivery(
        id=f"{delivery.id}{_PLACE}{channel}/{name}",
        clinic=delivery.clinic,
        kind=Kind.HOOK,
        urgency=delivery.urgency,
        items=tuple(item for item in delivery.items if item.origin is None),
        patient=delivery.patient,
        step=delivery.step,
        created_at=now,
        due_at=now,
        look_at=now,
    )
    return looked_at(row.model_copy(update={"legs": (leg_for(row, place(name), channel, now),)}))


def place(name: str) -> str:
    """What a leg to a webhook or key is addressed to, and its link made for."""
    return f"{_PLACE}{name}"


def is_system(to: str) -> bool:
    """Whether that is one of the clinic's systems, and no person."""
    return to.startswith(_PLACE)


def hook_name(leg: Leg) -> str | None:
    """The name of the webhook or key a leg goes to; None where it goes to a person."""
    return leg.to.removeprefix(_PLACE) if is_system(leg.to) else None


def after_hook(delivery: Delivery, leg_id: str, result: Result, now: datetime, jitter: float) -> Delivery:
    """The row after an attempt: taken, to be tried again, or given up; nobody is told in its place."""
    leg = next((leg for leg in delivery.legs if leg.id == leg_id), None)
    if leg is None or leg.state is not LegState.PENDING:
        return delivery
    attempts = (*leg.attempts, attempt_of(result, now))[-KEPT_ATTEMPTS:]
    tried = leg.model_copy(update={"tries": leg.tries + 1, "attempts": attempts})
    if result.outcome is Outcome.ACCEPTED:
        update: dict[str, object] = {"state": LegState.SENT, "provider": result.provider or None}
    elif result.outcome is Outcome.PERMANENT or leg.tries >= len(RETRIES):
        update = {"state": LegState.FAILED, "why": REFUSED if result.outcome is Outcome.PERMANENT else GIVEN_UP}
    else:
        delay = max(RETRIES[leg.tries] * (0.9 + jitter / 5), result.retry_after or timedelta(0))
        update = {"due_at": now + delay}
    return looked_at(with_leg(delivery, tried.model_copy(update=update)))


def webhook_secret(key: str, clinic: str, name: str, generation: int) -> str:
    """The secret of a clinic's endpoint, as Standard Webhooks writes it: derived, so it is stored nowhere."""
    secret = hmac.digest(key.encode(), f"webhook/{clinic}/{name}/{generation}".encode(), "sha256")
    return "whsec_" + base64.b64encode(secret).decode()


def signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """Standard Webhooks' `v1` signature: HMAC-SHA256 over `id.timestamp.body`. Raises ValueError on another secret."""
    if not secret.startswith("whsec_"):
        raise ValueError("a secret starts with whsec_")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(digest).decode()
