"""What somebody decides about an alert, by whichever way: having it, closing it, sending on, sending again."""

import hashlib
from collections.abc import Iterable
from functools import partial
from typing import Final

from services.notify.domain import (
    Delivery,
    Item,
    acknowledge,
    again_rows,
    close,
    delivery_id,
    hastened,
    next_step,
    reminded,
    rounds_of,
    send_again,
    step_needed,
    step_rows,
    still_needed,
    without_items,
)
from services.notify.handlers.own_read import OwnRead
from services.notify.handlers.post import Post
from services.notify.store import Deliveries
from shared.clock import Clock
from shared.contracts.alerts import Alert, AlertStatus, Disposition, Via
from shared.documents import Idempotency, Owned, Written
from shared.errors import Problem, Recoverable, not_found
from shared.logs import logger

log = logger(__name__)
BY_FALLBACK: Final = "the clinic's fallback contact"
BY_SYSTEM: Final = "somebody with the link that the clinic's own system was sent"
"""Who acknowledged, where it was no clinician."""


class Deciding:
    """The decisions; each is one version of the alert, and the rows follow from it.

    Until the alert's partition was read after a start, each raises StillReading: what is stored may be older than what
    was decided.
    """

    def __init__(
        self, *, alerts: Owned[Alert], deliveries: Deliveries, post: Post, own_read: OwnRead, clock: Clock
    ) -> None:
        self._own_read = own_read
        self._alerts, self._deliveries, self._post, self._clock = alerts, deliveries, post, clock

    async def acknowledge(
        self,
        alert: Alert,
        *,
        by: str,
        via: Via = Via.API,
        link: str | None = None,
        idempotency: Idempotency | None = None,
    ) -> Written[Alert]:
        """Somebody has it. The row of the reminder is written first: if we died between, nobody would be reminded.

        Raises Problem 404, 409, 422, Recoverable.
        """
        self._own_read.check(alert.key)
        now, clinic = self._clock.now(), alert.clinic
        follow_up = partial(
            reminded,
            settings=self._post.escalation(clinic, now),
            working_time=self._post.working_time(clinic, now),
            now=now,
            holder=self._post.holder(clinic, by),
        )

        def change(current: Alert | None) -> Alert:
            return acknowledge(_there(current), by=by, now=now, via=via, link=link, follow_up=follow_up)

        if alert.status is AlertStatus.OPEN:
            await self._see_to([next_step(change(alert), now)])
        written = await self._alerts.write(alert.key, change, idempotency=idempotency)
        # on a retry too: the first try may have died before it
        await self._see_to([next_step(written.document, now)])
        if not written.replayed:
            await self._call_off(written.document)
        return written

    async def close(
        self, alert: Alert, *, by: str, disposition: Disposition, note: str | None, idempotency: Idempotency
    ) -> Written[Alert]:
        """Somebody has dealt with it. Raises Problem 404, 409, 422, Recoverable."""
        self._own_read.check(alert.key)
        written = await self._alerts.write(
            alert.key,
            lambda now: close(_there(now), by=by, disposition=disposition, note=note, now=self._clock.now()),
            idempotency=idempotency,
        )
        if not written.replayed:
            await self._call_off(written.document)
        return written

    async def send_again(
        self, alert: Alert, *, by: str, clinician: str | None, idempotency: Idempotency
    ) -> Written[Alert]:
        """The alert's message once more, at once. The alert remembers who asked, so no crash loses it.

        Raises Problem 404, 409, 422, 429, Recoverable.
        """
        self._own_read.check(alert.key)
        if clinician is not None and self._post.holder(alert.clinic, clinician) is None:
            raise Problem(
                422,
                "no_such_clinician",
                "No such clinician",
                "`clinician` must be the id of a clinician of your clinic: see GET /v1/clinicians, or leave it out for "
                "the patient's clinician.",
            )
        resend, now = hashlib.sha256(idempotency.id.encode()).hexdigest()[:16], self._clock.now()
        written = await self._alerts.write(
            alert.key,
            lambda current: send_again(_there(current), resend, by=by, clinician=clinician, now=now),
            idempotency=idempotency,
        )
        await self._see_to(again_rows(written.document))
        return written

    def check(self, alerts: Iterable[Alert]) -> None:
        """Raises StillReading where nothing may be decided about one of them yet."""
        for alert in alerts:
            self._own_read.check(alert.key)

    async def hasten(self, alert: Alert) -> Alert | None:
        """The next step of its escalation is told now; None where there is none to come. Raises Recoverable."""
        self._own_read.check(alert.key)
        now = self._clock.now()
        written = await self._alerts.write(alert.key, lambda current: hastened(_there(current), now))
        row = next_step(written.document, now)
        if row is None or row.due_at > now:
            return None
        await self._deliveries.add(row)
        await self._deliveries.change(row.id, lambda there: _sooner(there, row))
        return written.document

    async def _see_to(self, rows: Iterable[Delivery | None]) -> None:
        """See that rows are there; one that turns out to be needless is never sent. Raises Recoverable."""
        wanted = {row.id: row for row in rows if row is not None}
        there = await self._deliveries.load_many(wanted) if wanted else {}
        for name in wanted.keys() - there.keys():
            await self._deliveries.add(wanted[name])

    async def _call_off(self, alert: Alert) -> None:
        """End the rows that nobody needs any more, so that they are not even claimed when they fall due.

        One that is missed here ends when it is due; one that is being handed over is left to whoever does.
        """
        now = self._clock.now()
        working_time = self._post.working_time(alert.clinic, now)
        rows = [delivery_id(alert.key, news.number) for news in rounds_of(alert)] + step_rows(alert)

        def ended(row: Delivery) -> Delivery | None:
            if row.done or (row.lease_until is not None and row.lease_until > now):
                return None
            changed = without_items(row, lambda item: needed(row, item), "no longer needed: taken or closed")
            return changed if changed.done else None

        def needed(row: Delivery, item: Item) -> bool:
            if row.step is not None:
                return step_needed(alert, row.step, now)
            return still_needed(alert, item.round, working_time, now)

        try:
            for row in await self._deliveries.load_many(rows):
                await self._deliveries.change(row, ended)
        except Recoverable:
            log.warning("rows_not_called_off")


def _sooner(there: Delivery, wanted: Delivery) -> Delivery | None:
    if there.done or there.due_at <= wanted.due_at:
        return None
    legs = tuple(leg.model_copy(update={"due_at": min(leg.due_at, wanted.due_at)}) for leg in there.legs)
    return there.model_copy(update={"due_at": wanted.due_at, "look_at": wanted.due_at, "legs": legs})


def _there(alert: Alert | None) -> Alert:
    if alert is None:
        raise not_found("alert")
    return alert
