"""Not too many SMS to one number: what is not urgent is held, and what was held goes out together.

Everything is one clinic's: a message never speaks for another clinic's alerts, whoever lists the number, and what a
clinic may send within its share waits for no other.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

from services.notify.domain import LEASE, Channel, Delivery, Leg, LegState, limited, turn_at
from services.notify.handlers.contacts import Contacts
from services.notify.store import Deliveries, Paces, Texted
from shared.clock import Clock
from shared.metrics import DELIVERIES_HELD

BEHIND: Final = timedelta(seconds=90)
"""How much later than the first the others that are held would go, so that the first one takes them along."""
APART: Final = timedelta(seconds=2)
"""And how far from one another, so that one of them goes first where the first one was no longer needed."""
MOST_TOGETHER: Final = 50


class Pacing:
    """Keeps to `domain.limits`. One replica keeps exactly to it; several at once may overshoot by one each."""

    def __init__(self, *, paces: Paces, deliveries: Deliveries, contacts: Contacts, clock: Clock) -> None:
        self._paces, self._deliveries, self._contacts, self._clock = paces, deliveries, contacts, clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def held_until(self, delivery: Delivery, leg: Leg, address: str) -> datetime | None:
        """Until when a leg is to be held; None where it may go now, and then it counts as sent. Raises Recoverable."""
        if leg.channel is not Channel.SMS:
            return None
        texted = self._texted(delivery, leg, address)
        async with self._turns.setdefault(f"{texted.clinic}/{texted.contact}", asyncio.Lock()):
            now = self._clock.now()
            until = turn_at(*await self._paces.sent(texted, now, but=leg.id), now) if limited(delivery, leg) else now
            if until <= now:
                await self._paces.note(texted, leg.id, now)
                return None
            waiting = [row for row in await self._paces.held(texted) if row != delivery.id]
            await self._paces.hold(texted, delivery.id)
            DELIVERIES_HELD.inc()
            return until + (BEHIND + APART * len(waiting) if waiting else timedelta(0))

    async def companions(self, delivery: Delivery, leg: Leg, address: str) -> list[Delivery]:
        """The other rows the same clinic holds for the same person there, claimed, so that this one's message speaks
        for them too.

        Raises Recoverable.
        """
        if not limited(delivery, leg):
            return []
        texted, now = self._texted(delivery, leg, address), self._clock.now()
        names = await self._paces.held(texted)
        if not names:
            return []

        def claimed(row: Delivery) -> Delivery | None:
            free = row.lease_until is None or row.lease_until <= now
            theirs = row.clinic == delivery.clinic and any(is_held_for(one, leg) for one in row.legs)
            return row.model_copy(update={"lease_until": now + LEASE}) if free and theirs and not row.done else None

        others = [name for name in names if name != delivery.id][:MOST_TOGETHER]
        rows = [await self._deliveries.change(name, claimed) for name in others]
        await self._paces.let_go(texted, names)
        return [row for row in rows if row is not None]

    def _texted(self, delivery: Delivery, leg: Leg, address: str) -> Texted:
        return Texted(delivery.clinic, leg.to, self._contacts.hashed(leg.channel, address))


def is_held_for(one: Leg, leg: Leg) -> bool:
    """Whether a leg waits for the same person by the same channel."""
    return one.held and one.state is LegState.PENDING and (one.to, one.channel) == (leg.to, leg.channel)
