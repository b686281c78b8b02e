"""Handing one row over: claim it, see whom it goes to and whether it is still needed, try, record, settle.

Sending cannot be made idempotent. A row whose claimer died may or may not have gone: it is sent again when its lease
ends, with the same reference.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol, TypeVar

from services.notify.domain import (
    LEASE,
    Channel,
    Delivery,
    Item,
    Kind,
    Leg,
    LegState,
    Notice,
    Outcome,
    Result,
    address_of,
    after_attempt,
    after_hook,
    after_silence,
    again_needed,
    heard_early,
    held,
    hook_rows,
    lease_returned,
    leased,
    planned_for,
    put_off,
    released,
    step_after,
    step_needed,
    still_needed,
    told_of,
    untold_of,
    without_items,
)
from services.notify.handlers.holding import Holding
from services.notify.handlers.own_read import OwnRead
from services.notify.handlers.pacing import Pacing, is_held_for
from services.notify.handlers.post import Post
from services.notify.store import Deliveries
from shared.bus.outcomes import describe
from shared.clock import Clock
from shared.contracts.alerts import Alert, AlertStatus
from shared.contracts.base import Urgency
from shared.contracts.escalation import MOST_STEPS
from shared.documents import Owned
from shared.errors import Recoverable
from shared.logs import logger
from shared.metrics import ALERTS_WITHOUT_RECIPIENT, CHECK_IN_TO_ALERT, DELIVERIES, ESCALATIONS, UNCONFIRMED

log = logger(__name__)
SLOTS: Final = 16
"""Hand-overs at once by one channel, so that a slow provider takes nothing from the other."""
HAND_OVER: Final = 25.0
"""Seconds a hand-over may take; well within the lease."""
RECORD_TRIES: Final = 150
T = TypeVar("T")


class Messenger(Protocol):
    """A channel: puts a notice into words and hands it over."""

    async def send(self, notice: Notice) -> Result:
        """Hand over one notice."""
        ...


class _Gone(Exception):  # noqa: N818
    """The alert of a delivery is not there."""


class HandingOver:
    """The work on one row at a time, by any number of tasks and replicas."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        alerts: Owned[Alert],
        post: Post,
        pacing: Pacing,
        channels: Mapping[Channel, Messenger],
        holding: Holding,
        own_read: OwnRead,
        clock: Clock,
    ) -> None:
        self._own_read = own_read
        self._holding = holding
        self._deliveries, self._alerts, self._post, self._clock = deliveries, alerts, post, clock
        self._pacing = pacing
        self._channels = channels
        self._stopping = False
        self._slots = {channel: asyncio.Semaphore(SLOTS) for channel in channels}
        for urgency in Urgency:  # from zero on, or Prometheus does not see the first one as an increase
            for step in range(1, MOST_STEPS + 1):
                ESCALATIONS.labels(urgency.value, str(step))

    def begin_nothing_more(self) -> None:
        """Whatever has not been begun is given back from now on: another replica has it, before its lease would end."""
        self._stopping = True
        for slots in self._slots.values():
            slots.release()  # whoever waits for a turn has it now, sends nothing, and lets the next one know

    async def planned(self, delivery: Delivery) -> Delivery:
        """The row with its legs, where it is known whom it goes to. Raises Recoverable."""
        now = self._clock.now()
        recipient = await self._post.recipient(delivery, now)
        planned = planned_for(delivery, recipient, self._post.fallback(delivery.clinic, now), now)
        _count_without_recipient(delivery, planned)
        return planned

    def may_row(self, row: str) -> bool:
        """The same by a row's name, which begins with its alert's key; a digest's does not, and may be looked at."""
        return row.startswith("digest/") or self._own_read.covers([row])

    def may(self, delivery: Delivery) -> bool:
        """Whether what it tells of is known as it is now; not yet, where notify has just started."""
        return self._own_read.covers(item.alert for item in delivery.items)

    async def claim(self, delivery_id: str) -> Delivery | None:
        """The row with our lease on it; None where it is not due or another's, or we stop. Raises Recoverable."""
        if self._stopping:
            return None
        return await self._deliveries.change(delivery_id, lambda row: leased(row, self._clock.now()))

    async def hand_over(self, delivery: Delivery) -> Delivery | None:
        """Hand over what is due of a row we hold the lease on. Returns it as it is then, None where it was taken
        from us. Raises Recoverable."""
        alerts = await self._alerts.load_many(item.alert for item in delivery.items)
        if delivery.done:
            if delivery.handed_over and delivery.kind is not Kind.HOOK:
                await self.settle(delivery)  # whoever handed it over may have died before its alerts heard of it
            if delivery.confirm_at is None:
                return await self._deliveries.change(delivery.id, released)
            return await self._unconfirmed(delivery, alerts)
        if self._stopping:
            return await self._deliveries.change(delivery.id, lambda row: lease_returned(row, delivery.lease_until))
        await self._queue_next_step(delivery, alerts)
        prepared = await self._prepared(delivery, alerts)
        if prepared is not None and prepared.done and prepared.handed_over and prepared.kind is Kind.ESCALATION:
            await self.settle(prepared)  # taken or closed between two channels: the trail says whom it reached
        if prepared is None or prepared.done:
            return prepared
        now = self._clock.now()
        due = [leg for leg in prepared.waiting if leg.due_at <= now]
        if not due:
            return await self._deliveries.change(prepared.id, released)
        await self._tell_systems(prepared, now)
        await self._deliveries.refer(prepared, [leg.id for leg in due])
        outstanding, one_by_one = {leg.id for leg in due}, asyncio.Lock()

        async def one(leg: Leg) -> Delivery | None:
            result = await self._tried(prepared, leg, alerts)
            async with one_by_one:
                outstanding.discard(leg.id)
                return await self._recorded(prepared, leg, result, last=not outstanding)

        results = await asyncio.gather(*(one(leg) for leg in due))
        return max((row for row in results if row is not None), key=lambda row: row.version, default=None)

    async def _queue_next_step(self, delivery: Delivery, alerts: Mapping[str, Alert]) -> None:
        """Before a step is tried the row of the one after it is there: whatever becomes of this one, it goes on."""
        if delivery.step is None or delivery.kind is Kind.HOOK or any(leg.tries for leg in delivery.legs):
            return
        for alert in alerts.values():
            following = step_after(alert, delivery.step, self._clock.now())
            if following is not None:
                await self._deliveries.add(following)

    async def _tell_systems(self, delivery: Delivery, now: datetime) -> None:
        """The clinic's own systems hear of it too, by rows of their own."""
        if any(leg.tries for leg in delivery.legs):
            return
        apprise = self._post.apprise.get(delivery.clinic)
        for row in hook_rows(delivery, self._post.webhooks(delivery.clinic, now), apprise, now):
            await self._deliveries.add(row)

    async def _unconfirmed(self, delivery: Delivery, alerts: Mapping[str, Alert]) -> Delivery | None:
        """Its receipts should be there by now: what is urgent and not confirmed goes another way as well."""
        now = self._clock.now()
        fallback = self._post.fallback(delivery.clinic, now)
        silent = next((leg for leg in delivery.legs if leg.message and leg.delivered_at is None), None)
        person = None if silent is None else self._post.person(delivery.clinic, silent, now)
        changed = after_silence(delivery, list(alerts.values()), person=person, fallback=fallback, now=now)
        UNCONFIRMED.inc(sum(leg.unconfirmed for leg in changed.legs) - sum(leg.unconfirmed for leg in delivery.legs))
        return await self._deliveries.swap(delivery, changed)

    async def _prepared(self, delivery: Delivery, alerts: Mapping[str, Alert]) -> Delivery | None:
        """The row without what no longer has to be told, and with its legs; None where somebody else changed it."""
        now = self._clock.now()
        working_time = self._post.working_time(delivery.clinic, now)

        def needed(item: Item) -> bool:
            alert = alerts[item.alert]
            if delivery.kind is Kind.HOOK:
                return not alert.deleted and alert.status is not AlertStatus.CLOSED
            if delivery.reopened:
                return untold_of(alert, delivery, item)
            step = delivery.step or item.step
            if step is not None:
                return step_needed(alert, step, now)
            if delivery.kind is Kind.AGAIN:
                return again_needed(alert, delivery.id)
            mine = delivery.kind is Kind.MESSAGE or not item.follows or alert.clinician == delivery.clinician
            return mine and still_needed(alert, item.round, working_time, now)

        if any(item.alert not in alerts for item in delivery.items):
            # the store was dropped under us: the alert comes back from its topic, or this waits where it is seen
            return await self._deliveries.swap(delivery, put_off(delivery, now))
        await self._holding.give_back(delivery, alerts)
        wanted = without_items(delivery, needed, "no longer needed: taken, closed, or told with later news")
        if not wanted.legs and not wanted.done:
            wanted = await self.planned(wanted)
        applied = await self._holding.applied(wanted, alerts)
        if applied.held is not None and wanted.held is None:
            await self._tell_systems(wanted, now)  # systems have no quiet hours
        wanted = applied
        return delivery if wanted == delivery else await self._deliveries.swap(delivery, wanted)

    async def _tried(self, delivery: Delivery, leg: Leg, alerts: Mapping[str, Alert]) -> Result | datetime | None:
        """What became of one hand-over; until when it is held; None where it was not begun: its turn came too late to
        be sure of the lease, or we stop."""
        now = self._clock.now()
        person = self._post.person(delivery.clinic, leg, now)
        messenger, address = self._channels.get(leg.channel), address_of(leg, person)
        if messenger is None or address is None:
            return Result(outcome=Outcome.PERMANENT, code="no address" if messenger else "channel not set up")
        if self._post.contacts.is_stopped(leg.channel, address):
            return Result(outcome=Outcome.PERMANENT, code="stopped", stopped=True)
        until = await self._pacing.held_until(delivery, leg, address)
        if until is not None:
            return until
        notice = await self._post.notice(delivery, leg, address, alerts, now)
        together = await self._together(delivery, leg, address)
        notice = replace(notice, others=sum(len(row.items) for row, _ in together))
        result = await self._sent(delivery, leg, messenger, notice)
        bundled = None
        if result is not None and result.outcome is Outcome.ACCEPTED:
            words = {"code": f"in one message with {leg.id}", "bundled": leg.id}
            bundled = result.model_copy(update=words)  # its receipt is theirs too
        for row, theirs in together:
            await self._deliveries.refer(row, [leg.id])
            await self._recorded(row, theirs, bundled, last=True)
        if result is not None and result.stopped:
            await persistently(lambda: self._post.contacts.stop(address, by="provider"))
        return result

    async def _sent(self, delivery: Delivery, leg: Leg, messenger: Messenger, notice: Notice) -> Result | None:
        async with self._slots[leg.channel]:
            until = delivery.lease_until or self._clock.now() + LEASE
            if self._stopping or (until - self._clock.now()).total_seconds() < HAND_OVER:
                return None
            try:
                async with asyncio.timeout(HAND_OVER):
                    return await messenger.send(notice)
            except TimeoutError:
                return Result(outcome=Outcome.UNSURE, code="no answer in time")
            except Exception as error:  # noqa: BLE001  a fault of ours in one message must not end the others
                reason = describe(error)  # a trace may hold what was said, and to whom
                log.error("hand_over_failed", channel=leg.channel.value, reason=reason)  # noqa: TRY400
                return Result(outcome=Outcome.UNSURE, code="our own fault")

    async def _together(self, delivery: Delivery, leg: Leg, address: str) -> list[tuple[Delivery, Leg]]:
        """The other rows the clinic holds for the same person, and their legs, that this message speaks for as well."""
        found = []
        for row in await self._pacing.companions(delivery, leg, address):
            if not self.may(row):
                continue
            prepared = await self._prepared(row, await self._alerts.load_many(item.alert for item in row.items))
            if prepared is None or prepared.done:
                continue
            theirs = next((one for one in prepared.waiting if is_held_for(one, leg)), None)
            if theirs is not None:
                found.append((prepared, theirs))
        return found

    async def _recorded(
        self, delivery: Delivery, leg: Leg, result: Result | datetime | None, *, last: bool
    ) -> Delivery | None:
        """Write down what came of a leg; with the last one, and once the alerts know, the lease is given back."""
        now, jitter = self._clock.now(), random.random()  # noqa: S311  spreading load, not hiding anything
        person = self._post.person(delivery.clinic, leg, now)
        fallback = self._post.fallback(delivery.clinic, now)
        before = delivery

        def change(row: Delivery) -> Delivery | None:
            nonlocal before
            before = row
            if result is None and row.lease_until != delivery.lease_until:
                return None
            if isinstance(result, datetime):
                row = held(row, leg.id, result)
            elif result is not None and row.kind is Kind.HOOK:
                row = after_hook(row, leg.id, result, now, jitter)
            elif result is not None:
                row = after_attempt(row, leg.id, result, person=person, fallback=fallback, now=now, jitter=jitter)
                row = heard_early(row, leg.id, person=person, fallback=fallback, now=now)
            told = row.done and row.handed_over and row.kind is not Kind.HOOK
            return released(row) if last and not told else row

        if isinstance(result, Result):
            DELIVERIES.labels(leg.channel.value, result.outcome.value).inc()
        changed = await persistently(lambda: self._deliveries.change(delivery.id, change))
        if changed is None or changed.kind is Kind.HOOK:
            return changed
        _count_without_recipient(before, changed)
        if changed.handed_over and not before.handed_over and not before.reopened:
            self._count_handed_over(changed, now)
        if changed.done and changed.handed_over:
            await persistently(lambda: self.settle(changed))
            return await persistently(lambda: self._let_go(changed)) if last else changed
        return changed

    async def _let_go(self, told: Delivery) -> Delivery | None:
        return await self._deliveries.swap(told, released(told)) or await self._deliveries.change(told.id, released)

    def _count_handed_over(self, delivery: Delivery, now: datetime) -> None:
        if delivery.accepted_at is not None:
            CHECK_IN_TO_ALERT.observe(max(0.0, (now - delivery.accepted_at).total_seconds()))
        if delivery.step is not None:
            ESCALATIONS.labels(delivery.urgency.value, str(delivery.step.step)).inc()

    async def settle(self, delivery: Delivery) -> None:
        """The alerts remember that this has been told, so that a lost store does not have it sent again."""
        now = self._clock.now()
        working_time = self._post.working_time(delivery.clinic, now)
        for item in delivery.items:

            def change(alert: Alert | None, item: Item = item) -> Alert:
                if alert is None:
                    raise _Gone
                return told_of(alert, delivery, item, working_time, now)

            try:
                await self._alerts.write(item.alert, change)
            except _Gone:
                log.warning("delivery_without_alert")


def _count_without_recipient(before: Delivery, after: Delivery) -> None:
    nobody_else = all(leg.to_fallback or leg.state is LegState.FAILED for leg in after.legs)
    if after.fell_back is not None and before.fell_back is None and after.step is None and nobody_else:
        ALERTS_WITHOUT_RECIPIENT.inc(len(after.items))


async def persistently(work: Callable[[], Awaitable[T]]) -> T:
    """What was sent must be recorded, or it is sent again: while the store is away, go on trying for a while."""
    for tries in range(RECORD_TRIES):
        try:
            return await work()
        except Recoverable:  # soon again: whoever finds the lease over would send it once more
            await asyncio.sleep(min(0.1 * 2**tries, 0.5))
    return await work()
