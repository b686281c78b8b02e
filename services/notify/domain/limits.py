"""How many SMS one number may get, so that an alert is still read: the numbers are GoAlert's for one contact.

What is urgent is never held. What is held goes out together, as one message, when the next one may.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from services.notify.domain.deliveries import Channel, Delivery, Kind, Leg
from shared.contracts.base import Urgency

LIMITS: Final = (
    (1, timedelta(minutes=1)),
    (5, timedelta(minutes=15)),
    (11, timedelta(hours=1)),
    (21, timedelta(hours=3)),
)
"""So many messages within so long."""
LONGEST: Final = max(window for _, window in LIMITS)
SHARE: Final = tuple(((count + 1) // 2, window) for count, window in LIMITS)
"""So many of them, half, each clinic may always send to a number, whatever others send there."""
Limits: TypeAlias = Sequence[tuple[int, timedelta]]
HELD: Final = "held, so that this number does not get too many at once; it goes out with the others"


def limited(delivery: Delivery, leg: Leg) -> bool:
    """Whether a leg keeps to the limits: an SMS that is neither urgent nor asked for again, to a person."""
    exempt = delivery.urgency is Urgency.AT_ONCE or delivery.kind in (Kind.HOOK, Kind.AGAIN)
    return leg.channel is Channel.SMS and not exempt


def turn_at(own: Sequence[datetime], everybody: Sequence[datetime], now: datetime) -> datetime:
    """When a clinic may send a number its next message; now, where it may already.

    own, everybody: when the number got the last ones from this clinic, and from all. A clinic keeps to the limits by
    itself; beyond its share, all of them together do too, and it is the one that waits.
    """
    return max(free_at(own, now), min(free_at(own, now, SHARE), free_at(everybody, now)))


def free_at(sent: Sequence[datetime], now: datetime, limits: Limits = LIMITS) -> datetime:
    """When a number may get its next message; now, where it may already. sent: when it got the last ones, in any
    order."""
    at = now
    for count, window in limits:
        recent = sorted(one for one in sent if one > now - window)
        if len(recent) >= count:
            at = max(at, recent[-count] + window)
    return at


def held(delivery: Delivery, leg_id: str, until: datetime) -> Delivery:
    """The row with a leg put off; that is no attempt."""
    legs = tuple(
        leg.model_copy(update={"due_at": until, "held": True, "why": HELD}) if leg.id == leg_id else leg
        for leg in delivery.legs
    )
    waiting = [leg.due_at for leg in legs if leg.state == "pending"]
    return delivery.model_copy(update={"legs": legs, "look_at": min(waiting, default=until)})
