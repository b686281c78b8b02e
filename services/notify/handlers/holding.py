"""Holding what can wait: a row's message is moved into the digest of a later time, and never lost on the way.

The digest has the items before the row lets go of them. A process that dies between does it again and finds them
there; a digest that cannot take them any more leaves the message to go out by itself.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import get_args

from services.notify.domain import (
    RISK_RULES,
    Delivery,
    Held,
    Hold,
    Kind,
    Reason,
    Sent,
    StepRef,
    delivery_id,
    digest_id,
    given_back,
    held_items,
    hold,
    holdable,
    later_digest_id,
    moved,
)
from services.notify.handlers.post import Post
from services.notify.store import Deliveries, Load, LoadDay
from shared.clock import Clock
from shared.contracts.alerts import Alert
from shared.contracts.base import Urgency
from shared.metrics import HELD


class Holding:
    """Quiet hours, digests, bundles and budgets of one message at a time."""

    def __init__(self, *, deliveries: Deliveries, load: Load, post: Post, clock: Clock) -> None:
        self._deliveries, self._load, self._post, self._clock = deliveries, load, post, clock
        for reason in get_args(Reason):  # from zero on, or Prometheus does not see the first one as an increase
            HELD.labels(reason)

    async def applied(self, row: Delivery, alerts: Mapping[str, Alert]) -> Delivery:
        """The row as it goes out; or done, with its items in the digest that `held` names. Raises Recoverable."""
        now, whose = self._clock.now(), holdable(row)
        clinician = None if whose is None else self._post.clinics.clinician(row.clinic, whose)
        if whose is None or clinician is None or clinician.deleted:
            return row
        mine = [alerts[item.alert] for item in row.items]
        risk = any(alert.rule in RISK_RULES for alert in mine)
        working_time = self._post.working_time(row.clinic, now)
        day = LoadDay(row.clinic, whose, now.astimezone(working_time.zone).date())
        counts = row.kind is Kind.MESSAGE and not risk
        if row.step is not None and not risk:
            after = await self._after_the_message(row, row.step, mine[0], now)
            if after is not None:
                return row.model_copy(update={"legs": (), "clinician": None, "due_at": after, "look_at": after})
        held = hold(
            row,
            clinician,
            self._post.fatigue(row.clinic, now),
            working_time,
            now,
            risk=risk,
            deadline=min(alert.deadline for alert in mine),
            sent=await self._sent(row.clinic, whose, now) if counts else Sent(),
        )
        if held is None or not await self._placed(row, whose, held):
            if counts:
                await self._load.note(day, row.id, "sent", now)
            return row
        for kind in ("held", "over") if held.reason == "budget" else ("held",):
            await self._load.note(day, row.id, kind, now)
        HELD.labels(held.reason).inc()
        return moved(
            row, Held(at=now, who=whose, until=held.until, into=self._digest(row, whose, held.until), why=held.why)
        )

    async def _after_the_message(self, row: Delivery, step: StepRef, alert: Alert, now: datetime) -> datetime | None:
        """When a step is due whose alert's message was held: nobody further is told before the first one was, and had
        the time that the policy gives them. None where it is due now. Raises Recoverable."""
        run = next((run for run in alert.escalations if (run.run, run.started_at) == (step.run, step.started_at)), None)
        name = delivery_id(alert.key, 0 if run is None else run.round)
        message = (await self._deliveries.load_many([name])).get(name)
        if message is None or message.held is None:
            return None
        steps = self._post.escalation(row.clinic, now).policy(row.urgency).steps
        minutes = steps[min(step.step, len(steps)) - 1].after_minutes
        after = self._post.working_time(row.clinic, now).after(message.held.until, timedelta(minutes=minutes))
        return after if after > now else None

    async def give_back(self, digest: Delivery, alerts: Mapping[str, Alert]) -> None:
        """What is for the patient's clinician goes to whoever that is now: its own row is planned anew.

        Raises Recoverable.
        """
        now = self._clock.now()
        for item in digest.items:
            alert = alerts.get(item.alert)
            if item.was is Kind.MESSAGE and item.follows and alert is not None and alert.clinician != digest.clinician:
                await self._deliveries.change(item.origin or "", lambda row: given_back(row, digest.id, now))

    async def _sent(self, clinic: str, clinician: str, now: datetime) -> Sent:
        today = now.astimezone(self._post.working_time(clinic, now).zone).date()
        record = (await self._load.of(clinic, [clinician], [today])).get((clinician, today), {})
        last = record.get("last")
        return Sent(frozenset(record.get("sent", ())), None if last is None else datetime.fromisoformat(last))

    def _digest(self, row: Delivery, whose: str, until: datetime) -> str:
        """The morning's digest where it is that of the clinic's opening; else one of that time."""
        working_time = self._post.working_time(row.clinic, self._clock.now())
        morning = until.astimezone(working_time.zone).date()
        hours = working_time.hours_on(morning)
        opens = hours is not None and hours[0] == until
        return digest_id(row.clinic, whose, morning) if opens else later_digest_id(row.clinic, whose, until)

    async def _placed(self, row: Delivery, whose: str, held: Hold) -> bool:
        """Whether the digest has the row's items."""
        name, items = self._digest(row, whose, held.until), held_items(row)
        digest = Delivery(
            id=name,
            clinic=row.clinic,
            kind=Kind.DIGEST,
            urgency=Urgency.WORKING_HOURS,
            items=items,
            clinician=whose,
            created_at=self._clock.now(),
            due_at=held.until,
            look_at=held.until,
        )
        if row.id == name:  # the morning's digest itself, at a time that is now quiet
            return False
        if await self._deliveries.add(digest):
            return True

        def listed(there: Delivery) -> Delivery | None:
            new = tuple(item for item in items if item not in there.items)
            if there.done or there.due_at <= self._clock.now() or not new:
                return None
            return there.model_copy(update={"items": (*there.items, *new)})

        changed = await self._deliveries.change(name, listed)
        there = changed or (await self._deliveries.load_many([name])).get(name)
        return there is not None and not there.done and set(items) <= set(there.items)
