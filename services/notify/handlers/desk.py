"""What people ask of alerts: lists, the trail, taking one, closing one, having it sent again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.notify.domain import (
    Delivery,
    Happened,
    again_id,
    delivery_id,
    digest_id,
    hook_ids,
    life_of,
    mornings,
    rounds_of,
    step_rows,
)
from services.notify.handlers.by_sms import BySms, Reply
from services.notify.handlers.deciding import Deciding
from services.notify.handlers.post import Post
from services.notify.store import Deliveries, Openings, Register
from shared.clock import Clock
from shared.contracts.alerts import Alert, AlertStatus, Disposition
from shared.documents import Facet, Idempotency, Owned, Page, Written
from shared.errors import not_found


@dataclass(frozen=True, slots=True)
class Trail:
    """An alert with the rows of its deliveries, and its life in order."""

    alert: Alert
    deliveries: list[Delivery]
    life: list[Happened]


class Desk:
    """The use cases behind HTTP. Another clinic's alert is not there; whoever asks."""

    def __init__(
        self,
        *,
        alerts: Owned[Alert],
        register: Register,
        deliveries: Deliveries,
        openings: Openings,
        deciding: Deciding,
        by_sms: BySms,
        post: Post,
        clock: Clock,
    ) -> None:
        self._alerts, self._register, self._deliveries = alerts, register, deliveries
        self._openings, self._deciding, self._by_sms = openings, deciding, by_sms
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
        acknowledged_before: datetime | None = None,
    ) -> Page[Alert]:
        """A page of a clinic's alerts, those changed longest ago first. acknowledged_before: of those somebody has,
        the ones they have had since before then. Raises Problem 400, Recoverable."""
        if acknowledged_before is not None:
            status = status or AlertStatus.ACKNOWLEDGED
        asked = {"status": status.value if status else None, "patient": patient, "clinician": clinician}
        where: dict[str, Facet] = {name: value for name, value in asked.items() if value is not None}
        items: list[Alert] = []
        while True:
            page = await self._alerts.page(
                clinic, updated_since=updated_since, cursor=cursor, limit=limit - len(items), where=where
            )
            found = [one for one in page.items if acknowledged_before is None or _had(one, acknowledged_before)]
            items, cursor = [*items, *found], page.next
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
        rows = await self._deliveries.load_many(ids + [again_id(alert, one.resend) for one in alert.resent])
        into = {row.held.into for row in rows.values() if row.held is not None} - rows.keys()
        rows |= await self._deliveries.load_many(into) if into else {}
        rows |= await self._deliveries.load_many(self._of_systems(rows.values(), now))
        begun = [row for row in rows.values() if row.step is None or row.legs or row.held]
        mine = sorted((row for row in begun if _tells_of(row, alert)), key=lambda row: (row.due_at, row.id))
        return Trail(alert, mine, life_of(alert, mine, await self._openings.of(alert.key)))

    def _of_systems(self, rows: Iterable[Delivery], now: datetime) -> list[str]:
        """The rows that tell the clinic's own systems of these."""
        apprise = self._post.apprise
        found = [hook_ids(row, self._post.webhooks(row.clinic, now), apprise.get(row.clinic)) for row in rows]
        return [name for names in found for name in names]

    async def acknowledge(self, clinic: str, alert_id: str, *, by: str, idempotency: Idempotency) -> Written[Alert]:
        """Somebody has it. Raises Problem 404, 409, 422, Recoverable."""
        return await self._deciding.acknowledge(await self._alert(clinic, alert_id), by=by, idempotency=idempotency)

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
        return await self._deciding.close(alert, by=by, disposition=disposition, note=note, idempotency=idempotency)

    async def send_again(
        self, clinic: str, alert_id: str, *, by: str, clinician: str | None, idempotency: Idempotency
    ) -> Written[Alert]:
        """The alert's message once more. Raises Problem 404, 409, 422, 429, Recoverable."""
        alert = await self._alert(clinic, alert_id)
        return await self._deciding.send_again(alert, by=by, clinician=clinician, idempotency=idempotency)

    async def reply(self, number: str, text: str, message: str = "") -> Reply:
        """An SMS that somebody answered with, from the number it came from. message: the provider's id of it.

        Raises Recoverable.
        """
        return await self._by_sms.reply(number, text, message)

    async def answer(self, number: str, text: str, message: str) -> str | None:
        """The same, as whoever receives texts asks it: what to send back. Raises Recoverable."""
        return (await self.reply(number, text, message)).text

    async def _alert(self, clinic: str, alert_id: str) -> Alert:
        key = await self._register.of_id(clinic, alert_id)
        alert = None if key is None else await self._alerts.load(key)
        if alert is None:
            raise not_found("alert")
        return alert


def _had(alert: Alert, before: datetime) -> bool:
    had = alert.acknowledged_at
    return had is not None and had < before and alert.status is AlertStatus.ACKNOWLEDGED


def _tells_of(row: Delivery, alert: Alert) -> bool:
    return any(item.alert == alert.key for item in row.items)
