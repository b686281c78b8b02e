"""What follows an attempt: it counts as told, is tried again, or another way is taken. No leg ever just ends."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from services.notify.domain.deliveries import (
    Attempt,
    Delivery,
    Kind,
    Leg,
    LegState,
    Outcome,
    Result,
    fallen_back,
    leg_for,
    looked_at,
    with_leg,
)
from services.notify.domain.people import Reachable
from shared.contracts.base import Urgency

FIRST_RETRY: Final = timedelta(seconds=1)
LAST_RETRY: Final = timedelta(minutes=5)
NOBODY_LEFT_RETRY: Final = timedelta(minutes=15)
"""How often the fallback contact's address is tried again after a final refusal: there is nobody after them."""
KEPT_ATTEMPTS: Final = 100
REFUSED: Final = "the provider refused it for good"
STOPPED: Final = "they asked for no more messages at this number (STOP)"
_CONFIRMED: Final = (Kind.MESSAGE, Kind.ESCALATION, Kind.AGAIN)


def after_attempt(
    delivery: Delivery,
    leg_id: str,
    result: Result,
    *,
    person: Reachable | None,
    fallback: Reachable | None,
    now: datetime,
    jitter: float,
) -> Delivery:
    """The row after an attempt.

    person: the leg's recipient as known now; jitter in [0, 1). A refusal for good goes to the recipient's other
    channel, then to the fallback contact, whose own last channel is tried again and again.
    """
    leg = next((leg for leg in delivery.legs if leg.id == leg_id), None)
    if leg is None:
        return delivery
    if leg.state is LegState.SENT:
        return with_leg(delivery, _known_sent(leg, result, now))
    tried = leg.model_copy(
        update={
            "tries": leg.tries + 1,
            "attempts": (*leg.attempts, attempt_of(result, now))[-KEPT_ATTEMPTS:],
        }
    )
    if result.outcome is Outcome.ACCEPTED:
        return _sent(delivery, tried, result, now)
    if leg.state is LegState.CANCELLED:
        return with_leg(delivery, tried)
    if result.outcome is Outcome.PERMANENT:
        why = STOPPED if result.stopped else REFUSED
        return refused(with_leg(delivery, tried), tried, person=person, fallback=fallback, now=now, why=why)
    due_at = now if result.another else now + _backoff(tried.tries, result, jitter)
    return looked_at(with_leg(delivery, tried.model_copy(update={"due_at": due_at})))


def _known_sent(leg: Leg, result: Result, now: datetime) -> Leg:
    """It counts as sent already: a receipt was faster than we, or another replica. The trail keeps the try, once."""
    attempt = attempt_of(result, now)
    if attempt in leg.attempts:
        return leg
    update = {"tries": leg.tries + 1, "attempts": (*leg.attempts, attempt)[-KEPT_ATTEMPTS:]}
    if result.outcome is Outcome.ACCEPTED:
        update |= {
            "provider": leg.provider or result.provider or None,
            "message": leg.message or result.message or None,
        }
    return leg.model_copy(update=update)


def attempt_of(result: Result, now: datetime) -> Attempt:
    """One try, as the trail keeps it."""
    return Attempt(at=now, outcome=result.outcome, code=result.code, provider=result.provider)


def _sent(delivery: Delivery, tried: Leg, result: Result, now: datetime) -> Delivery:
    """Accepted. What is urgent is looked at again when its receipt should be there."""
    update = {
        "state": LegState.SENT,
        "why": None,
        "provider": result.provider or None,
        "held": False,
        "bundled": result.bundled or None,
    }
    sent = tried.model_copy(update=update | {"message": result.message or None})
    if result.receipt_within is not None and delivery.urgency is Urgency.AT_ONCE and delivery.kind in _CONFIRMED:
        within = now + result.receipt_within
        delivery = delivery.model_copy(update={"confirm_at": max(within, delivery.confirm_at or within)})
    return looked_at(with_leg(delivery, sent))


def _backoff(tries: int, result: Result, jitter: float) -> timedelta:
    """1 s, doubling to 5 min, a quarter up or down; not before the provider asked for."""
    delay = min(FIRST_RETRY * (1 << min(tries - 1, 20)), LAST_RETRY) * (0.75 + jitter / 2)
    return max(delay, min(result.retry_after or delay, LAST_RETRY))


def refused(
    delivery: Delivery, leg: Leg, *, person: Reachable | None, fallback: Reachable | None, now: datetime, why: str
) -> Delivery:
    """The row after a leg has failed for good: the other channel, the fallback contact, or the last one again."""
    failed = leg.model_copy(update={"state": LegState.FAILED, "why": why})
    delivery = with_leg(delivery, failed)
    theirs = [other for other in delivery.legs if other.to == leg.to]
    fallbacks = [other for other in delivery.legs if other.to_fallback]
    used = {other.channel for other in theirs}
    other_channels = [] if person is None else [channel for channel in person.addresses if channel not in used]
    if other_channels:
        added = leg_for(delivery, leg.to, other_channels[0], now)
        return looked_at(delivery.model_copy(update={"legs": (*delivery.legs, added)}))
    if _alive(theirs) or _alive(fallbacks):
        return looked_at(delivery)
    if not leg.to_fallback and fallback is not None and not fallbacks:
        return fallen_back(delivery, fallback, "the provider refused every address of the clinician", now, now)
    return looked_at(
        with_leg(delivery, failed.model_copy(update={"state": LegState.PENDING, "due_at": now + NOBODY_LEFT_RETRY}))
    )


def _alive(legs: Sequence[Leg]) -> bool:
    return any(leg.state in (LegState.PENDING, LegState.SENT) for leg in legs)
