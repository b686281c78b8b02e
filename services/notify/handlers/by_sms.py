"""Answers to an SMS: whose number it is, which alert it means, and what to answer."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from services.notify.domain import (
    FALLBACK,
    Channel,
    Delivery,
    Leg,
    LegState,
    Outcome,
    delivery_id,
    rounds_of,
    step_rows,
)
from services.notify.domain.replies import (
    MOST_ANSWERS,
    MOST_AT_ONCE,
    Wish,
    acknowledged,
    all_taken,
    already,
    cannot_close,
    closed_already,
    escalated_now,
    no_such_code,
    nobody_next,
    not_understood,
    not_yet,
    nothing_lately,
    parse_reply,
    too_many,
    which_one,
)
from services.notify.handlers.deciding import BY_FALLBACK, Deciding
from services.notify.handlers.post import Post
from services.notify.store import Answered, Deliveries, Paces, Register
from shared.clock import Clock
from shared.contracts.alerts import Alert, AlertStatus, Via
from shared.contracts.base import Urgency
from shared.documents import Owned
from shared.errors import Problem, StillReading

PER: Final = timedelta(hours=1)
LOOKED_AT: Final = 10
"""Messages of a clinic to one number that are looked at for one that went out."""
LATELY: Final = timedelta(hours=24)
"""How long a reply without a reference may mean the last message."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send back; None: nothing, because that number has had enough answers for an hour, or that text one."""

    text: str | None


@dataclass(frozen=True, slots=True)
class Meant:
    """What a reply is about: alerts of one clinic (by its name), and whom they were sent to."""

    name: str
    to: str
    alerts: Sequence[Alert]


class BySms:
    """Whoever answers from the number that an alert was sent to may say that they have it, or send it on."""

    def __init__(
        self,
        *,
        alerts: Owned[Alert],
        register: Register,
        deliveries: Deliveries,
        paces: Paces,
        answered: Answered,
        deciding: Deciding,
        post: Post,
        clock: Clock,
    ) -> None:
        self._alerts, self._register, self._deliveries = alerts, register, deliveries
        self._paces = paces
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
        meant = await self._by_code(number, asked.code) if asked.code else await self._last(number, asked.wish)
        if isinstance(meant, str):
            return meant
        left = [alert for alert in meant.alerts if alert.status is not AlertStatus.CLOSED]
        if not left:
            return self._ended(meant)
        if asked.wish is Wish.CLOSE:
            return cannot_close(meant.name, _references(left))
        waiting = [alert for alert in left if alert.status is AlertStatus.OPEN]
        return await self._acted(meant, waiting, asked.wish) if waiting else self._ended(meant)

    async def _acted(self, meant: Meant, waiting: Sequence[Alert], wish: Wish) -> str:
        try:
            self._deciding.check(waiting)  # all or none: what is answered holds for all of them
            return await (self._sent_on if wish is Wish.ESCALATE else self._taken)(meant, waiting)
        except StillReading:  # in words: a provider does not bring a text again
            return not_yet(meant.name, _references(waiting))

    def _ended(self, meant: Meant) -> str:
        """What is said where there is nothing left to do."""
        if len(meant.alerts) > 1:
            return all_taken(meant.name, _references(meant.alerts))
        [alert] = meant.alerts
        if alert.status is AlertStatus.CLOSED:
            return closed_already(meant.name, alert.reference)
        return already(meant.name, alert.reference, self._when(alert))

    async def _sent_on(self, meant: Meant, waiting: Sequence[Alert]) -> str:
        sent_on = [alert for alert in waiting if await self._deciding.hasten(alert) is not None]
        left = [alert for alert in waiting if alert not in sent_on]
        said = [escalated_now(meant.name, _references(sent_on))] if sent_on else []
        said += [nobody_next(meant.name, _references(left))] if left else []
        return " ".join(said)

    async def _taken(self, meant: Meant, waiting: Sequence[Alert]) -> str:
        by = BY_FALLBACK if meant.to == FALLBACK else meant.to
        mine, after = [], []
        for alert in waiting:
            try:
                done = (await self._deciding.acknowledge(alert, by=by, via=Via.SMS)).document
            except Problem:  # closed by somebody else meanwhile
                done = alert.model_copy(update={"status": AlertStatus.CLOSED})
            after.append(done)
            last = done.acknowledgements[-1] if done.acknowledgements else None
            if done.status is AlertStatus.ACKNOWLEDGED and last is not None and (last.via, last.by) == (Via.SMS, by):
                mine.append(done)
        return acknowledged(meant.name, _references(mine)) if mine else self._ended(replace(meant, alerts=after))

    def _when(self, alert: Alert) -> str:
        at, now = alert.acknowledged_at or alert.updated_at, self._clock.now()
        local = at.astimezone(self._post.working_time(alert.clinic, now).zone)
        return f"{local:%H:%M} on {local.day} {local:%b}"

    async def _by_code(self, number: str, code: str) -> Meant | str:
        """The alert with a reference that went to this number by SMS, and whom to; else what is answered."""
        people = self._post.reached_at(number, self._clock.now())
        alerts = await self._alerts.load_many(await self._register.of_reference(code)) if people else {}
        told = [
            (at, alert, to)
            for alert in alerts.values()
            for clinic, to in people
            if clinic == alert.clinic
            and alert.status is not AlertStatus.CLOSED
            and (at := await self._told(alert, to)) is not None
        ]
        if not told:
            return no_such_code()
        _, alert, to = max(told, key=lambda one: one[0])
        return Meant(self._name(alert.clinic), to, [alert])

    async def _last(self, number: str, wish: Wish) -> Meant | str:
        """What the last message told of that went to this number, and whom to; else what is answered.

        Only where one clinic sent it anything lately: whoever answers with one letter must not take for another clinic
        what they were told by theirs. Only the last messages are looked at, however many alerts a clinic has.
        """
        now = self._clock.now()
        people = self._post.reached_at(number, now)
        contact = self._post.contacts.hashed(Channel.SMS, number)
        texts = await self._paces.last({clinic for clinic, _ in people}, contact, now - LATELY) if people else {}
        found = []
        for clinic, some in texts.items():
            whose = {to for theirs, to in people if theirs == clinic}
            last = await self._last_of(clinic, some, whose)
            if last is not None:
                found.append(last)
        if not found:
            return nothing_lately()
        if len(found) > 1:
            newest = sorted(found, key=lambda one: one[0], reverse=True)
            return which_one([(meant.name, _references(meant.alerts)) for _, meant in newest], wish)
        meant = found[0][1]
        return too_many(meant.name, len(meant.alerts)) if len(meant.alerts) > MOST_AT_ONCE else meant

    async def _last_of(
        self, clinic: str, texts: Iterable[tuple[datetime, str]], whose: Container[str]
    ) -> tuple[datetime, Meant] | None:
        """The last message of a clinic's that went out, or may have, to one of these; None: there is none."""
        newest = {name: at for at, name in sorted(texts)}  # each by its last try
        for name, at in islice(sorted(newest.items(), key=lambda one: one[1], reverse=True), LOOKED_AT):
            rows = [row for row in (await self._deliveries.of_leg(name)).values() if row.clinic == clinic]
            legs = {leg.to: row for row in rows for leg in row.legs if leg.id == name and leg.to in whose}
            told = [row for row in rows for leg in row.legs if name in (leg.id, leg.bundled) and _went(leg)]
            keys = dict.fromkeys(item.alert for row in told for item in row.items)
            alerts = list((await self._alerts.load_many(keys)).values()) if legs and keys else []
            if alerts:
                alerts.sort(key=lambda alert: (alert.urgency is not Urgency.AT_ONCE, alert.deadline, alert.key))
                return at, Meant(self._name(clinic), next(iter(legs)), alerts)
        return None

    def _name(self, clinic: str) -> str:
        found = self._post.clinics.clinic(clinic)
        return found.name if found is not None else clinic

    async def _told(self, alert: Alert, to: str) -> datetime | None:
        """When an SMS about it last went to somebody, or may have; None: never."""
        ids = [delivery_id(alert.key, news.number) for news in rounds_of(alert)] + step_rows(alert)
        ids += [f"{alert.key}/again/{one.resend}" for one in alert.resent]
        rows = await self._deliveries.load_many(ids)
        held = {row.held.into for row in rows.values() if row.held is not None}
        rows |= await self._deliveries.load_many(held) if held else {}
        return max((at for row in rows.values() for at in _texts(row, to)), default=None)


def _references(alerts: Iterable[Alert]) -> list[str]:
    return [alert.reference for alert in alerts]


def _went(leg: Leg) -> bool:
    """Whether a text went to somebody, or may have."""
    tried = any(attempt.outcome in (Outcome.ACCEPTED, Outcome.UNSURE) for attempt in leg.attempts)
    return leg.channel is Channel.SMS and leg.state is not LegState.FAILED and (tried or leg.state is LegState.SENT)


def _texts(row: Delivery, to: str) -> list[datetime]:
    return [
        attempt.at
        for leg in row.legs
        if leg.to == to and _went(leg)
        for attempt in leg.attempts
        if attempt.outcome in (Outcome.ACCEPTED, Outcome.UNSURE)
    ]
