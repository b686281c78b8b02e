"""What is due goes out: at once where this replica wrote it, else from the due times, claimed by any replica.

Reconciling never waits for a provider: rows go out in tasks of their own.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple

from services.notify.domain import Delivery, next_due
from services.notify.handlers.handing_over import HandingOver
from services.notify.store import LATE, Deliveries, DueTimes, minute_of
from shared.bus.outcomes import describe
from shared.clock import Clock
from shared.errors import Recoverable
from shared.logs import logger
from shared.metrics import DELIVERY_OLDEST_DUE

log = logger(__name__)
POLL: Final = 0.5
"""Seconds between looks at what is due."""
GRACE: Final = 5.0
"""Seconds that what is in flight has to finish when the service stops."""
IN_FLIGHT: Final = 128
"""Rows claimed from the due times at once, oldest first; more wait for their turn there."""
LOOK_AT_WAITING: Final = timedelta(seconds=10)
"""How often to look at rows that are waiting: another replica may have seen to them."""
NOT_READ_YET: Final = timedelta(seconds=2)
"""When to look again at a row whose alert may be older than what was decided."""
REMEMBERED: Final = 50_000
"""Rows whose next look is remembered, so that a row in many buckets is not loaded again and again."""


class Look(NamedTuple):
    """When a row has to be looked at next, as it was when we saw it."""

    next: datetime
    seen: datetime


class Dispatcher:
    """Looks at the due times and keeps what is in flight within bounds."""

    def __init__(self, *, deliveries: Deliveries, due: DueTimes, handing_over: HandingOver, clock: Clock) -> None:
        self._deliveries, self._due, self._handing_over, self._clock = deliveries, due, handing_over, clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._adding: set[asyncio.Task[None]] = set()
        self._since: datetime | None = None
        self._looks: OrderedDict[str, Look] = OrderedDict()
        self._polled_at: datetime | None = None
        self._waiting: dict[str, datetime] = {}
        self._looked_at_waiting: datetime | None = None

    async def run(self) -> None:
        """Look at what is due, for ever. While the store is away, go on trying."""
        while True:
            try:
                await self.poll()
            except Recoverable:
                log.warning("due_times_not_read")
            except Exception as error:  # noqa: BLE001  whatever it is, what falls due later must still go out
                log.error("due_times_not_looked_at", reason=describe(error))  # noqa: TRY400
            await asyncio.sleep(POLL)

    async def poll(self) -> None:
        """Start what is due now; clear away the buckets that are done with. Raises Recoverable.

        While the store does not answer nobody knows what is due: the gauge then says how long that has been so.
        """
        now = self._clock.now()
        self._polled_at = self._polled_at or now
        try:
            await self._poll(now)
        except Recoverable:
            self._show(now, min([self._polled_at, *self._waiting.values()]))
            raise
        self._polled_at = now
        self._show(now, min(self._waiting.values(), default=now))

    def _show(self, now: datetime, since: datetime) -> None:
        DELIVERY_OLDEST_DUE.set(max(0.0, (now - since).total_seconds()))

    async def _poll(self, now: datetime) -> None:
        if self._since is None:
            self._since = await self._due.open()
        # where the clock was set back, rows are marked earlier than we had come
        self._since = min(self._since, now - LATE)
        marked = await self._due.marked(self._since, now)
        room = max(0, IN_FLIGHT - len(self._tasks))
        await self._look_at(list(islice(dict.fromkeys(self._to_be_looked_at(marked, now)), room)), now)
        await self._look_at_waiting(now)
        await self._clear({name: rows for name, rows in marked.items() if minute_of(name) < now - LATE}, now)

    async def add(self, delivery: Delivery) -> None:
        """Write a row with our lease on it, and hand it over without waiting for the next look. Whoever is stopped
        while it is written leaves it with us. Raises Recoverable."""
        adding = asyncio.create_task(self._added(delivery), name="delivery added")
        self._adding.add(adding)
        adding.add_done_callback(self._adding.discard)
        await asyncio.shield(adding)

    async def _added(self, delivery: Delivery) -> None:
        if await self._deliveries.add(delivery):
            self.start(delivery)

    def start(self, delivery: Delivery) -> None:
        """Hand over a row that is there with our lease on it."""
        self._note(delivery, self._clock.now())
        self._begin(delivery.id, self._handed_over(delivery))

    async def calm(self) -> None:
        """Wait for what is in flight."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    def take_note(self, delivery: Delivery) -> None:
        """A row was changed by a receipt: it may have to be looked at sooner than it seemed."""
        self._note(delivery, self._clock.now())

    def look_again(self, row: str) -> None:
        """Forget when a row has to be looked at next: it was changed by other means than handing it over."""
        self._looks.pop(row, None)

    async def stop(self) -> None:
        """Give back what was not begun, let what is in flight finish for a moment, then let go of it: its leases end by
        themselves."""
        self._handing_over.begin_nothing_more()
        if self._adding:
            await asyncio.wait(set(self._adding), timeout=GRACE)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=GRACE)
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _to_be_looked_at(self, marked: Mapping[str, Sequence[str]], now: datetime) -> Iterator[str]:
        """What is due as we know it, oldest first; then what may have been marked since we saw it: another replica
        that changed a row, by a receipt for one, may have died right after; then what may not go out yet, so that it
        stands in no other's way."""
        again: list[str] = []
        later: list[str] = []
        for name in sorted(marked):
            minute = minute_of(name)
            for row in marked[name]:
                look = self._looks.get(row)
                if row in self._tasks:
                    continue
                if look is None or look.next <= now:
                    if self._handing_over.may_row(row):
                        yield row
                    else:
                        later.append(row)
                elif minute >= look.seen.replace(second=0, microsecond=0) and now - look.seen >= LOOK_AT_WAITING:
                    again.append(row)
        yield from again
        yield from later

    async def _look_at(self, rows: Sequence[str], now: datetime) -> None:
        found = await self._deliveries.load_many(rows)
        for row in set(rows) - set(found):
            self._remember(row, now + LOOK_AT_WAITING)  # marked, and not written yet, or never
        for delivery in sorted(found.values(), key=lambda delivery: delivery.due_at):
            self._note(delivery, now)
            if delivery.finished or next_due(delivery) > now:
                continue
            if self._handing_over.may(delivery):
                self._begin(delivery.id, self._claimed(delivery.id))
            else:
                self._remember(delivery.id, now + NOT_READ_YET)

    async def _look_at_waiting(self, now: datetime) -> None:
        if self._looked_at_waiting is not None and now - self._looked_at_waiting < LOOK_AT_WAITING:
            return
        self._looked_at_waiting = now
        found = await self._deliveries.load_many(self._waiting)
        for gone in set(self._waiting) - set(found):
            del self._waiting[gone]
        for delivery in found.values():
            self._note(delivery, now)

    def _note(self, delivery: Delivery, now: datetime) -> None:
        """Remember when the row has to be looked at again, and since when it has been waiting."""
        if delivery.done:
            self._waiting.pop(delivery.id, None)
        elif delivery.waiting_since <= now:
            self._waiting[delivery.id] = delivery.waiting_since
        else:
            self._waiting.pop(delivery.id, None)
        # what is finished is cleared out of the last bucket it stands in before it is looked at again; what is held in
        # a digest may be given back, and is looked at then
        again = now + (LOOK_AT_WAITING if delivery.held else 2 * LATE)
        self._remember(delivery.id, again if delivery.finished else next_due(delivery))

    def _remember(self, row: str, at: datetime) -> None:
        self._looks[row] = Look(at, self._clock.now())
        self._looks.move_to_end(row)
        while len(self._looks) > REMEMBERED:
            self._looks.popitem(last=False)

    async def _clear(self, old: Mapping[str, list[str]], now: datetime) -> None:
        """Old buckets keep only the rows that are still due; where none are left, the beginning moves on.

        What we remember of a row does not count: a mark goes only once its row was read again, and is finished, or due
        later and so marked there.
        """
        marked = {row for rows in old.values() for row in rows}
        held = {row for row in marked if row not in self._looks or self._looks[row].next <= now} | set(self._tasks)
        for row, delivery in (await self._deliveries.load_many(marked - held)).items():
            if not delivery.finished and next_due(delivery) <= now:
                held.add(row)
                look = self._looks.get(row)  # it may have been forgotten meanwhile
                if look is not None and look.next > now + NOT_READ_YET:
                    self.look_again(row)
        await self._due.clear({name: gone for name, rows in old.items() if (gone := set(rows) - held)})
        left = [minute_of(name) for name, rows in old.items() if held.intersection(rows)]
        beginning = min(left, default=now - LATE)
        if self._since is not None and beginning - self._since >= timedelta(minutes=1):
            self._since = beginning
            await self._due.advance(beginning)

    # --- tasks --------------------------------------------------------------------------------------------------------

    def _begin(self, row: str, work: Coroutine[Any, Any, None]) -> None:
        if row in self._tasks:
            work.close()
            return
        self._tasks[row] = task = asyncio.create_task(self._guarded(work), name="delivery")
        task.add_done_callback(lambda _: self._tasks.pop(row, None))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Recoverable:
            log.warning("delivery_put_off")  # its lease ends, and it is looked at again
        except Exception as error:  # noqa: BLE001  one row's bug must not end the others; it is looked at again
            log.error("delivery_failed", reason=describe(error))  # noqa: TRY400  a trace may hold what was said

    async def _claimed(self, row: str) -> None:
        delivery = await self._handing_over.claim(row)
        if delivery is not None:
            await self._handed_over(delivery)

    async def _handed_over(self, delivery: Delivery) -> None:
        changed = await self._handing_over.hand_over(delivery)
        if changed is None:
            return
        now = self._clock.now()
        self._note(changed, now)
        if not changed.finished and next_due(changed) <= now:
            await self._claimed(changed.id)  # the other provider has it at once, however much is in flight
