"""What people ask of alerts: lists, the trail, taking one, closing one, and the page behind a message's link."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from services.notify.domain import (
    Delivery,
    Item,
    acknowledge,
    close,
    delivery_id,
    digest_id,
    hook_ids,
    link_token,
    mornings,
    next_step,
    parse_link,
    reminded,
    rounds_of,
    step_needed,
    step_rows,
    still_needed,
    without_items,
)
from services.notify.handlers.post import Post
from services.notify.store import Deliveries, Register
from shared.clock import Clock
from shared.contracts.alerts import Alert, AlertStatus, Disposition
from shared.contracts.clinics import Clinic
from shared.documents import Facet, Idempotency, Owned, Page, Written
from shared.errors import Problem, Recoverable, not_found
from shared.logs import logger

log = logger(__name__)
BY_LINK: Final = "somebody with the alert's link"
"""Who acknowledged, where the page asks for no login."""


@dataclass(frozen=True, slots=True)
class Trail:
    """An alert with the rows of its deliveries."""

    alert: Alert
    deliveries: list[Delivery]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page behind a link shows."""

    alert: Alert
    clinic: Clinic | None


class Desk:
    """The use cases behind HTTP. Another clinic's alert is not there; whoever asks."""

    def __init__(
        self, *, alerts: Owned[Alert], register: Register, deliveries: Deliveries, post: Post, clock: Clock
    ) -> None:
        self._alerts, self._register, self._deliveries = alerts, register, deliveries
        self._post, self._clock = post, clock

    async def alerts(
        self,
        clinic: str,
        *,
        status: AlertStatus | None,
        patient: str | None,
        clinician: str | None,
        updated_since: datetime | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Alert]:
        """A page of a clinic's alerts, those changed longest ago first. Raises Problem 400, Recoverable."""
        asked = {"status": status.value if status else None, "patient": patient, "clinician": clinician}
        where: dict[str, Facet] = {name: value for name, value in asked.items() if value is not None}
        items: list[Alert] = []
        while True:
            page = await self._alerts.page(
                clinic, updated_since=updated_since, cursor=cursor, limit=limit - len(items), where=where
            )
            items, cursor = [*items, *page.items], page.next
            if cursor is None or len(items) >= limit:
                return Page(items, cursor)

    async def trail(self, clinic: str, alert_id: str) -> Trail:
        """An alert and what was sent about it. Steps that are still to come stand in the alert alone.

        Raises Problem 404, Recoverable.
        """
        alert = await self._alert(clinic, alert_id)
        now = self._clock.now()
        working_time = self._post.working_time(clinic, now)
        ids = step_rows(alert)
        for news in rounds_of(alert):
            ids.append(delivery_id(alert.key, news.number))
            if news.urgency is None:
                first, until = news.due_at(working_time), working_time.next_morning(now)
                days = [at.astimezone(working_time.zone).date() for at in mornings(working_time, first) if at <= until]
                ids += [digest_id(clinic, whose, day) for day in days for whose in {alert.clinician, None}]
        rows = await self._deliveries.load_many(ids)
        rows |= await self._deliveries.load_many(self._of_systems(rows.values(), now))
        begun = [row for row in rows.values() if row.step is None or row.legs]
        mine = [row for row in begun if any(item.alert == alert.key for item in row.items)]
        return Trail(alert, sorted(mine, key=lambda row: (row.due_at, row.id)))

    def _of_systems(self, rows: Iterable[Delivery], now: datetime) -> list[str]:
        """The rows that tell the clinic's own systems of these."""
        apprise = self._post.apprise
        found = [hook_ids(row, self._post.webhooks(row.clinic, now), apprise.get(row.clinic)) for row in rows]
        return [name for names in found for name in names]

    async def acknowledge(self, clinic: str, alert_id: str, *, by: str, idempotency: Idempotency) -> Written[Alert]:
        """Somebody has it. Raises Problem 404, 409, 422, Recoverable."""
        return await self._acknowledged(await self._alert(clinic, alert_id), by, idempotency)

    async def _acknowledged(self, alert: Alert, by: str, idempotency: Idempotency | None = None) -> Written[Alert]:
        """Somebody has it. The row of the reminder is written first: if we died between, nobody would be reminded."""
        now, clinic = self._clock.now(), alert.clinic
        follow_up = partial(
            reminded,
            settings=self._post.escalation(clinic, now),
            working_time=self._post.working_time(clinic, now),
            now=now,
            holder=self._post.holder(clinic, by),
        )

        def change(current: Alert | None) -> Alert:
            return acknowledge(_there(current), by=by, now=now, follow_up=follow_up)

        if alert.status is AlertStatus.OPEN:
            await self._remind(change(alert), now)
        written = await self._alerts.write(alert.key, change, idempotency=idempotency)
        await self._remind(written.document, now)  # on a retry too: the first try may have died before it
        if not written.replayed:
            await self._call_off(written.document)
        return written

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

    async def _remind(self, alert: Alert, now: datetime) -> None:
        """See that the reminder has its row; one that turns out to be needless is never sent. Raises Recoverable."""
        row = next_step(alert, now)
        if row is not None and not await self._deliveries.load_many([row.id]):
            await self._deliveries.add(row)

    async def close(
        self,
        clinic: str,
        alert_id: str,
        *,
        by: str,
        disposition: Disposition,
        note: str | None,
        idempotency: Idempotency,
    ) -> Written[Alert]:
        """Somebody has dealt with it. Raises Problem 404, 409, 422, Recoverable."""
        alert = await self._alert(clinic, alert_id)
        written = await self._alerts.write(
            alert.key,
            lambda now: close(_there(now), by=by, disposition=disposition, note=note, now=self._clock.now()),
            idempotency=idempotency,
        )
        if not written.replayed:
            await self._call_off(written.document)
        return written

    async def shown(self, link: str) -> Shown:
        """The alert behind a message's link. Raises Problem 404, Recoverable."""
        alert = await self._linked(link)
        return Shown(alert, self._post.clinics.clinic(alert.clinic))

    async def take(self, link: str) -> Shown:
        """The button on the page: whoever has the link has the alert. A closed one stays closed."""
        alert = await self._linked(link)
        try:
            written = await self._acknowledged(alert, BY_LINK)
        except Problem:
            return await self.shown(link)
        return Shown(written.document, self._post.clinics.clinic(alert.clinic))

    async def _alert(self, clinic: str, alert_id: str) -> Alert:
        key = await self._register.of_id(clinic, alert_id)
        alert = None if key is None else await self._alerts.load(key)
        if alert is None:
            raise not_found("alert")
        return alert

    async def _linked(self, link: str) -> Alert:
        parsed = parse_link(link)
        if parsed is not None:
            reference, token = parsed
            keys = await self._register.of_reference(reference)
            for alert in (await self._alerts.load_many(keys)).values():
                if hmac.compare_digest(token, link_token(self._post.link_key, alert.key)):
                    return alert
        raise Problem(
            404,
            "no_such_alert",
            "No such alert",
            "The link is not whole. Open it from the message, or call the clinic.",
        )


def _there(alert: Alert | None) -> Alert:
    if alert is None:
        raise not_found("alert")
    return alert
