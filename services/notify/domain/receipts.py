"""What a provider says later of a message it took. Receipts come twice, out of order, early, late, or never.

The state only moves forward: what was delivered stays delivered; a failure counts for the hand-over it is about, and
for no other; and what nobody confirms is not held to have failed, but is not relied on alone either.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from services.notify.domain.attempts import refused
from services.notify.domain.deliveries import (
    Channel,
    Delivery,
    Heard,
    Item,
    Kind,
    Leg,
    LegState,
    Receipt,
    fallen_back,
    leg_for,
    looked_at,
    with_leg,
)
from services.notify.domain.escalation import going_on, is_of
from services.notify.domain.people import Reachable
from shared.contracts.alerts import Alert, AlertStatus
from shared.contracts.base import Urgency

RESEND_AFTER: Final = timedelta(minutes=5)
"""How long after a receipt that says `failed for now` the message is sent again."""
MOST_RESENDS: Final = 3
"""After so many of them it counts as failed for good."""
KEPT_EARLY: Final = 10
KEPT_HEARD: Final = 20
UNDELIVERABLE: Final = "the provider reported that it could not be delivered"
NOT_CONFIRMED: Final = "the provider accepted it, and never confirmed that it arrived"


def after_receipt(
    delivery: Delivery,
    leg_id: str,
    heard: Heard,
    *,
    person: Reachable | None,
    fallback: Reachable | None,
    now: datetime,
) -> Delivery:
    """The row after a receipt about one of its legs; the same row where the receipt says nothing new.

    heard.message: the provider's id of the message it is about; empty where the provider gives none, and then it is
    about the last one. person: the leg's recipient as known now.
    """
    leg = next((leg for leg in delivery.legs if leg.id == leg_id), None)
    if leg is None or leg.delivered_at is not None or (heard.id and heard.id in leg.heard):
        return delivery
    if heard.receipt is Receipt.DELIVERED:
        return _delivered(delivery, leg, heard, now)
    if leg.state is LegState.PENDING:
        return _kept_for_later(delivery, leg, heard)
    if leg.state is not LegState.SENT or (heard.message and leg.message and heard.message != leg.message):
        return delivery
    if heard.receipt is Receipt.ACCEPTED:
        return delivery if leg.receipt is not None else with_leg(delivery, _noted(leg, heard, now))
    return _failed(delivery, _noted(leg, heard, now), person=person, fallback=fallback, now=now)


def heard_early(
    delivery: Delivery, leg_id: str, *, person: Reachable | None, fallback: Reachable | None, now: datetime
) -> Delivery:
    """The row, just accepted by a provider whose receipt may have come before its answer was recorded."""
    leg = next((leg for leg in delivery.legs if leg.id == leg_id), None)
    if leg is None or leg.state is not LegState.SENT or not leg.early:
        return delivery
    early, delivery = leg.early, with_leg(delivery, leg.model_copy(update={"early": ()}))
    for heard in early:
        if heard.message == leg.message:
            delivery = after_receipt(delivery, leg_id, heard, person=person, fallback=fallback, now=now)
    return delivery


def _noted(leg: Leg, heard: Heard, now: datetime) -> Leg:
    update = {"receipt": heard.receipt, "receipt_code": heard.code, "receipt_at": now, "unconfirmed": False}
    known = (*leg.heard, heard.id)[-KEPT_HEARD:] if heard.id else leg.heard
    return leg.model_copy(update=update | {"heard": known})


def _delivered(delivery: Delivery, leg: Leg, heard: Heard, now: datetime) -> Delivery:
    """It arrived, so it is told: also where the provider's answer was lost, or another leg has taken over since."""
    state = leg.state if leg.state is LegState.CANCELLED else LegState.SENT
    provider = leg.provider or heard.provider or None
    update = {"delivered_at": now, "state": state, "why": None, "early": (), "provider": provider}
    return _unless_all_heard(looked_at(with_leg(delivery, _noted(leg, heard, now).model_copy(update=update))))


def _unless_all_heard(delivery: Delivery) -> Delivery:
    """No need to look for receipts any more, where all that are to come are there."""
    silent = [leg for leg in delivery.legs if _awaited(leg)]
    return delivery if silent else delivery.model_copy(update={"confirm_at": None})


def _awaited(leg: Leg) -> bool:
    return leg.state is LegState.SENT and leg.message is not None and leg.delivered_at is None


def _kept_for_later(delivery: Delivery, leg: Leg, heard: Heard) -> Delivery:
    if heard.receipt is Receipt.ACCEPTED or not heard.message or heard in leg.early or heard.message == leg.message:
        return delivery
    return with_leg(delivery, leg.model_copy(update={"early": (*leg.early, heard)[-KEPT_EARLY:]}))


def _failed(
    delivery: Delivery, leg: Leg, *, person: Reachable | None, fallback: Reachable | None, now: datetime
) -> Delivery:
    reopened = delivery.model_copy(update={"reopened": True})
    if leg.receipt is Receipt.FAILED_FOR_NOW and leg.resends < MOST_RESENDS:
        again = {"state": LegState.PENDING, "due_at": now + RESEND_AFTER, "resends": leg.resends + 1}
        return looked_at(with_leg(reopened, leg.model_copy(update=again)))
    changed = refused(with_leg(reopened, leg), leg, person=person, fallback=fallback, now=now, why=UNDELIVERABLE)
    return _unless_all_heard(changed)


def after_silence(
    delivery: Delivery, alerts: Sequence[Alert], *, person: Reachable | None, fallback: Reachable | None, now: datetime
) -> Delivery:
    """The row when its receipts should have come. What is not confirmed is shown as such; and where it is urgent,
    still needed, and nothing else of it was accepted, another way is taken, once: the recipient's other channel, or
    the fallback contact. person: whom it went to.
    """
    delivery = delivery.model_copy(update={"confirm_at": None, "lease_until": None})
    silent = [leg for leg in delivery.legs if _awaited(leg) and not leg.unconfirmed]
    if not silent:
        return delivery
    again = any(leg.unconfirmed for leg in delivery.legs)
    for leg in silent:
        update = {"unconfirmed": True, "unconfirmed_at": now, "why": NOT_CONFIRMED}
        delivery = with_leg(delivery, leg.model_copy(update=update))
    others = [leg for leg in delivery.legs if not leg.unconfirmed and leg.state is not LegState.FAILED]
    known = {alert.key: alert for alert in alerts}
    about = [(known[item.alert], item) for item in delivery.items if item.alert in known]
    needed = delivery.urgency is Urgency.AT_ONCE and any(untold_of(alert, delivery, item) for alert, item in about)
    if others or again or not needed:
        return delivery
    return looked_at(_another_way(delivery, silent[0], person, fallback, now))


def _another_way(
    delivery: Delivery, leg: Leg, person: Reachable | None, fallback: Reachable | None, now: datetime
) -> Delivery:
    reopened = delivery.model_copy(update={"reopened": True})
    used: set[Channel] = {other.channel for other in delivery.legs if other.to == leg.to}
    left = [channel for channel in (person.addresses if person else ()) if channel not in used]
    if left:
        return reopened.model_copy(update={"legs": (*delivery.legs, leg_for(delivery, leg.to, left[0], now))})
    if leg.to_fallback or fallback is None or any(other.to_fallback for other in delivery.legs):
        return delivery
    return fallen_back(reopened, fallback, NOT_CONFIRMED, now, now)


def untold_of(alert: Alert, delivery: Delivery, item: Item) -> bool:
    """Whether what counted as told has to be told after all: nobody has taken the alert meanwhile. What somebody asked
    for again they still want, and lines of imported evidence page nobody."""
    if alert.deleted or alert.status is AlertStatus.CLOSED:
        return False
    step = delivery.step or item.step
    if step is not None:
        run = going_on(alert)
        return run is not None and is_of(step, run)
    line = delivery.kind is Kind.DIGEST and item.was in (None, Kind.DIGEST)
    return alert.status is AlertStatus.OPEN or line or delivery.kind is Kind.AGAIN
