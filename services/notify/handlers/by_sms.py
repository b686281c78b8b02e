"""Answers to an SMS: whose number it is, which alert it means, and what to answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.notify.domain import FALLBACK, Channel, Delivery, LegState, delivery_id, rounds_of, step_rows
from services.notify.domain.replies import (
    MOST_ANSWERS,
    Asked,
    Wish,
    acknowledged,
    already,
    cannot_close,
    escalated_now,
    no_such_code,
    nobody_next,
    not_understood,
    not_yet,
    parse_reply,
)
from services.notify.handlers.deciding import BY_FALLBACK, Deciding
from services.notify.handlers.post import Post
from services.notify.store import Answered, Deliveries, Register
from shared.clock import Clock
from shared.contracts.alerts import Alert, AlertStatus, Via
from shared.documents import Owned
from shared.errors import Problem, StillReading

PER: Final = timedelta(hours=1)
PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send back; None: nothing, because that number has had enough answers for an hour, or that text one."""

    text: str | None


class BySms:
    """Whoever answers from the number that an alert was sent to may say that they have it, or send it on."""

    def __init__(
        self,
        *,
        alerts: Owned[Alert],
        register: Register,
        deliveries: Deliveries,
        answered: Answered,
        deciding: Deciding,
        post: Post,
        clock: Clock,
    ) -> None:
        self._alerts, self._register, self._deliveries = alerts, register, deliveries
        self._answered, self._deciding, self._post, self._clock = answered, deciding, post, clock

    async def reply(self, number: str, text: str, message: str = "") -> Reply:
        """Do what a text asks for, where the number may, and say what came of it.

        message: the provider's id of it: what it passes on again does nothing more. Raises Recoverable.
        """
        if message and await self._answered.knows(number, message):
            return Reply(None)
        answer = await self._done(number, text)
        counted = await self._answered.count(number, self._clock.now(), PER, message)
        return Reply(answer if counted <= MOST_ANSWERS else None)

    async def _done(self, number: str, text: str) -> str:
        asked = parse_reply(text)
        if asked is None:
            return not_understood()
        found = await self._meant(number, asked)
        if found is None:
            return no_such_code()
        alert, to = found
        if asked.wish is Wish.CLOSE:
            return cannot_close(alert.reference)
        if alert.status is not AlertStatus.OPEN:
            return already(alert.reference, self._when(alert))
        try:
            return await (self._sent_on(alert) if asked.wish is Wish.ESCALATE else self._taken(alert, to))
        except StillReading:  # in words: a provider does not bring a text again
            return not_yet(alert.reference)

    async def _sent_on(self, alert: Alert) -> str:
        hastened = await self._deciding.hasten(alert)
        return nobody_next(alert.reference) if hastened is None else escalated_now(alert.reference)

    async def _taken(self, alert: Alert, to: str) -> str:
        by = BY_FALLBACK if to == FALLBACK else to
        try:
            done = await self._deciding.acknowledge(alert, by=by, via=Via.SMS)
        except Problem:  # closed by somebody else meanwhile
            return no_such_code()
        last = done.document.acknowledgements[-1]
        mine = last.via is Via.SMS and last.by == by
        return acknowledged(alert.reference) if mine else already(alert.reference, self._when(done.document))

    def _when(self, alert: Alert) -> str:
        at, now = alert.acknowledged_at or alert.updated_at, self._clock.now()
        local = at.astimezone(self._post.working_time(alert.clinic, now).zone)
        return f"{local:%H:%M} on {local.day} {local:%b}"

    async def _meant(self, number: str, asked: Asked) -> tuple[Alert, str] | None:
        """The alert that a reply means, and whom it was sent to: told last of those that went to this number by SMS."""
        people = self._post.reached_at(number, self._clock.now())
        if not people:
            return None
        if asked.code is not None:
            alerts = list((await self._alerts.load_many(await self._register.of_reference(asked.code))).values())
            alerts = [alert for alert in alerts if alert.status is not AlertStatus.CLOSED]
        else:
            alerts = [alert for clinic in dict.fromkeys(clinic for clinic, _ in people) for alert in
                      await self._open(clinic)]  # fmt: skip
        told = [
            (at, alert, to)
            for alert in alerts
            for clinic, to in people
            if clinic == alert.clinic and (at := await self._told(alert, to)) is not None
        ]
        return max(told, key=lambda one: one[0])[1:] if told else None

    async def _open(self, clinic: str) -> list[Alert]:
        """What nobody has closed: an acknowledged one too, so that `a` twice is not taken for another alert."""
        found: list[Alert] = []
        for status in (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED):
            cursor = None
            while True:
                page = await self._alerts.page(clinic, cursor=cursor, limit=PAGE, where={"status": status.value})
                found += page.items
                cursor = page.next
                if cursor is None:
                    break
        return found

    async def _told(self, alert: Alert, to: str) -> datetime | None:
        """When an SMS about it last went to somebody, or may have; None: never."""
        ids = [delivery_id(alert.key, news.number) for news in rounds_of(alert)] + step_rows(alert)
        ids += [f"{alert.key}/again/{one.resend}" for one in alert.resent]
        rows = await self._deliveries.load_many(ids)
        held = {row.held.into for row in rows.values() if row.held is not None}
        rows |= await self._deliveries.load_many(held) if held else {}
        return max((at for row in rows.values() for at in _texts(row, to)), default=None)


def _texts(row: Delivery, to: str) -> list[datetime]:
    return [
        attempt.at
        for leg in row.legs
        if leg.channel is Channel.SMS and leg.to == to and leg.state is not LegState.FAILED
        for attempt in leg.attempts
        if attempt.outcome in ("accepted", "unsure")
    ]
