"""The bus's side: keep what the topics say, compare what holds with what was told, and write down what is owed.

Whatever is handled twice, late or by two owners at once ends the same: alerts are changed by compare-and-set on the
version they were decided from, and the rows of deliveries have ids made from the alert and its round of news.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile
from typing import Final

from services.notify.domain import (
    RISK_RULES,
    Delivery,
    Item,
    Kind,
    Round,
    Situation,
    addressed,
    again_rows,
    delivery_id,
    digest_id,
    leased,
    mornings,
    next_step,
    owed,
    reconcile,
)
from services.notify.handlers.dispatching import Dispatcher
from services.notify.handlers.handing_over import HandingOver
from services.notify.handlers.own_read import OwnRead
from services.notify.handlers.post import Post
from services.notify.store import Deliveries, Register
from shared.bus import Batch, Event
from shared.clock import Clock
from shared.contracts import Alert, Assessment, Patient, Topic
from shared.contracts.alerts import AlertStatus
from shared.contracts.base import Origin, Urgency
from shared.documents import Mirror, Owned
from shared.errors import Recoverable
from shared.logs import logger
from shared.metrics import ENTRIES_SET_ASIDE

log = logger(__name__)
SUBSCRIPTIONS: Final = frozenset(
    {Topic.ASSESSMENTS, Topic.PATIENTS, Topic.ALERTS, Topic.REMINDERS, Topic.QUESTIONS, Topic.LETTERS}
)
"""What `Reconciler` and `Letterbox` read, partition by partition."""
OWN: Final = frozenset({Topic.ALERTS, Topic.LETTERS})
"""Read to the end before anything else of a partition, so that what was told is known."""
TABLES: Final = frozenset({Topic.CLINICS, Topic.CONTACTS})
"""What every instance reads whole."""

TOGETHER: Final = 100
"""Patients reconciled at a time: what is urgent in a long batch does not wait for its end."""
AT_ONCE: Final = 16
"""Alerts written at a time."""
TRIES: Final = 10


class _Overtaken(Exception):  # noqa: N818
    """Somebody else changed the alert since the situation was looked at."""


@dataclass(frozen=True, slots=True)
class Known:
    """A patient's situation once it is reconciled."""

    situation: Situation
    alerts: Mapping[str, Alert]


@dataclass
class OpenAlerts:
    """The alerts of the partitions that are ours which nobody has closed, for the gauges."""

    by_partition: dict[int, dict[str, Alert]] = field(default_factory=dict)

    def note(self, partition: int, alerts: Iterable[Alert]) -> None:
        """Take in alerts; older versions change nothing."""
        known = self.by_partition.setdefault(partition, {})
        for alert in alerts:
            if alert.status is AlertStatus.CLOSED:
                known.pop(alert.key, None)
            elif alert.key not in known or known[alert.key].version < alert.version:
                known[alert.key] = alert

    def forget(self, partition: int) -> None:
        """The partition is not ours."""
        self.by_partition.pop(partition, None)

    def __iter__(self) -> Iterator[Alert]:
        return iter([alert for alerts in self.by_partition.values() for alert in alerts.values()])


class Reconciler:
    """Handles a partition's assessments, patients and own alerts. Nothing is cached but what the gauges show."""

    def __init__(
        self,
        *,
        alerts: Owned[Alert],
        assessments: Mirror[Assessment],
        patients: Mirror[Patient],
        register: Register,
        deliveries: Deliveries,
        post: Post,
        handing_over: HandingOver,
        dispatcher: Dispatcher,
        open_alerts: OpenAlerts,
        own_read: OwnRead,
        clock: Clock,
    ) -> None:
        self._own_read = own_read
        self._alerts, self._assessments, self._patients = alerts, assessments, patients
        self._register, self._deliveries, self._post = register, deliveries, post
        self._handing_over, self._dispatcher, self._clock = handing_over, dispatcher, clock
        self._open_alerts = open_alerts
        self._writing = asyncio.Semaphore(AT_ONCE)
        self._set_aside: dict[str, bool] = {}

    async def assigned(self, partition: int) -> None:
        """Its own alerts come first, from the beginning."""
        self._open_alerts.forget(partition)

    async def revoked(self, partition: int) -> None:
        """Another's from here on. What is in flight is finished under its lease."""
        self._open_alerts.forget(partition)

    async def tick(self, partition: int, basis: int, horizon: datetime) -> None:
        """Nothing is told because of the time alone: what falls due is in the due times."""

    async def set_aside(self, event: Event, reason: str) -> None:
        """An assessment that could not be applied: shown until a later one of that patient can be."""
        if isinstance(event.data, Assessment):
            risk = any(concern.rule in RISK_RULES and concern.telling for concern in event.data.concerns)
            self._set_aside[event.data.key] = risk
            self._show_set_aside()

    async def handle(self, batch: Batch) -> None:
        """Keep, compare, write down. Raises Recoverable."""
        documents = [event.data for event in batch.events]
        alerts = [data for data in documents if isinstance(data, Alert)]
        if alerts:
            await self._register.enter(alerts)
            await self._alerts.observe(batch.events)
            self._open_alerts.note(batch.partition, alerts)
        patients = [data for data in documents if isinstance(data, Patient)]
        assessments = [data for data in documents if isinstance(data, Assessment)]
        if patients:
            await self._patients.apply(patients)
        if assessments:
            await self._assessments.apply(assessments)
        touched = list(dict.fromkeys([data.key for data in assessments] + [data.key for data in patients]))
        loud = {data.key for data in assessments if data.concerns}
        for start in range(0, len(touched), TOGETHER):
            await self._reconcile(batch.partition, touched[start : start + TOGETHER], loud)
        if any(self._set_aside.pop(data.key, None) is not None for data in assessments):
            self._show_set_aside()

    def _show_set_aside(self) -> None:
        for risk in (True, False):
            count = sum(value is risk for value in self._set_aside.values())
            ENTRIES_SET_ASIDE.labels("notify", str(risk).lower()).set(count)

    # --- alerts -------------------------------------------------------------------------------------------------------

    async def review(self, patients: Iterable[str]) -> None:
        """Look at patients (`clinic/patient`) once more, whoever's they are; done twice it is done once.

        Those whose alerts are not known to be the newest yet are passed over. Raises Recoverable.
        """
        wanted = [patient for patient in patients if self._own_read.covers([patient])]
        for start in range(0, len(wanted), TOGETHER):
            some = wanted[start : start + TOGETHER]
            await self._reconcile(None, some, set(some))

    async def _reconcile(self, partition: int | None, patients: Sequence[str], loud: Collection[str]) -> None:
        """Bring these patients' alerts to where they should be, and see that what is owed has its row.

        Most patients have never had an alert and no concern is heard of (`loud`): of them nothing more is read.
        """
        left = list(patients)
        for _ in range(TRIES):
            keys = await self._register.of_patients(left)
            known = await self._known([patient for patient in left if patient in keys or patient in loud], keys)
            settled = await asyncio.gather(*(self._written(one) for one in known.values()))
            done = [one for one in settled if one is not None]
            if partition is not None:
                self._open_alerts.note(partition, [alert for one in done for alert in one.alerts.values()])
            await self._see_to(done)
            left = [patient for patient, one in zip(known, settled, strict=True) if one is None]
            if not left:
                return
        raise Recoverable("These alerts are being changed by too many at once; try again.")

    async def _known(self, patients: Sequence[str], keys: Mapping[str, Sequence[str]]) -> dict[str, Known]:
        """All that is stored of these patients, whose alerts have these keys."""
        if not patients:
            return {}
        assessments, documents, alerts = await asyncio.gather(
            self._assessments.get_many(patients),
            self._patients.get_many(patients),
            self._alerts.load_many((key for some in keys.values() for key in some), with_deleted=True),
        )
        now = self._clock.now()
        known = {}
        for patient in patients:
            mine = {key: alerts[key] for key in keys.get(patient, ()) if key in alerts}
            clinic = patient.partition("/")[0]
            known[patient] = Known(
                Situation(
                    assessment=assessments.get(patient),
                    patient=documents.get(patient),
                    alerts=tuple(mine.values()),
                    working_time=self._post.working_time(clinic, now),
                    now=now,
                    escalation=self._post.escalation(clinic, now),
                ),
                mine,
            )
        return known

    async def _written(self, known: Known) -> Known | None:
        """The situation with what had to be changed; None where somebody else was faster: look at it all again."""
        decided = reconcile(known.situation)
        if not decided:
            return known
        await self._register.enter([alert for alert in decided if alert.key not in known.alerts], new=True)
        alerts = dict(known.alerts)
        for alert in decided:
            before = known.alerts.get(alert.key)

            def change(current: Alert | None, alert: Alert = alert, before: Alert | None = before) -> Alert:
                if (current is None) != (before is None) or (current and before and current.version != before.version):
                    raise _Overtaken
                return alert

            try:
                async with self._writing:
                    alerts[alert.key] = (await self._alerts.write(alert.key, change)).document
            except _Overtaken:
                return None
        return replace(known, alerts=alerts)

    # --- what is owed -------------------------------------------------------------------------------------------------

    async def _see_to(self, reconciled: Sequence[Known]) -> None:
        """Every round that is owed has a row, and so has the next step while nobody has acted."""
        messages: dict[str, Delivery] = {}
        digests: dict[tuple[str, str | None], list[tuple[Alert, Round]]] = {}
        for known in reconciled:
            for alert in known.alerts.values():
                for news in owed(alert):
                    if news.urgency is None:
                        digests.setdefault((alert.clinic, alert.clinician), []).append((alert, news))
                    else:
                        row = self._message(known.situation, alert, news, news.urgency)
                        messages[row.id] = addressed(row, alert)
                step = next_step(alert, known.situation.now)
                messages |= {row.id: row for row in (*again_rows(alert), *([step] if step else ()))}
        there = await self._deliveries.load_many(messages) if messages else {}
        missing = [row for row in messages.values() if row.id not in there]
        await asyncio.gather(*(self._add(row) for row in missing))
        into = {row.held.into for row in there.values() if row.held is not None}
        there |= await self._deliveries.load_many(into) if into else {}
        for row in there.values():
            # whoever handed it over died before the alert heard of it
            if row.done and row.handed_over and self._handing_over.may(row):
                await self._handing_over.settle(row)
        for (clinic, clinician), lines in digests.items():
            await self._add_to_digest(clinic, clinician, lines)

    def _message(self, situation: Situation, alert: Alert, news: Round, urgency: Urgency) -> Delivery:
        due_at = news.due_at(situation.working_time)
        return Delivery(
            id=delivery_id(alert.key, news.number),
            clinic=alert.clinic,
            kind=Kind.MESSAGE,
            urgency=urgency,
            items=(Item(alert=alert.key, round=news.number),),
            patient=alert.patient,
            registered=situation.assessment is None or situation.assessment.registered,
            created_at=situation.now,
            due_at=due_at,
            look_at=due_at,
            accepted_at=_accepted_at(situation.assessment, alert, news),
        )

    async def _add(self, row: Delivery) -> None:
        """Write the row; where it is due, with our lease on it, so that it goes out without another look."""
        async with self._writing:
            now = self._clock.now()
            if row.due_at > now:
                await self._deliveries.add(row)
                return
            planned = await self._handing_over.planned(row)
            ours = leased(planned, now) or planned
            if ours.lease_until is None:
                await self._deliveries.add(ours)
            else:
                await self._dispatcher.add(ours)

    async def _add_to_digest(self, clinic: str, clinician: str | None, lines: Sequence[tuple[Alert, Round]]) -> None:
        """Put lines into the digest of the morning they are due, or of the next one that has not gone out yet."""
        now = self._clock.now()
        working_time = self._post.working_time(clinic, now)
        by_morning: dict[datetime, list[Item]] = {}
        for alert, news in lines:
            by_morning.setdefault(news.due_at(working_time), []).append(Item(alert=alert.key, round=news.number))
        for due_at, items in by_morning.items():
            gone = list(takewhile(lambda at: at <= now, mornings(working_time, due_at)))
            next_due = working_time.next_morning(now) if gone else due_at
            ids = [digest_id(clinic, clinician, at.astimezone(working_time.zone).date()) for at in (*gone, next_due)]
            rows = await self._deliveries.load_many(ids)
            listed = {item for row in rows.values() for item in row.items}
            left = tuple(item for item in items if item not in listed)
            if left:
                await self._list(
                    Delivery(
                        id=ids[-1],
                        clinic=clinic,
                        kind=Kind.DIGEST,
                        urgency=Urgency.WORKING_HOURS,
                        items=left,
                        clinician=clinician,
                        created_at=now,
                        due_at=next_due,
                        look_at=next_due,
                    )
                )

    async def _list(self, digest: Delivery) -> None:
        def with_lines(row: Delivery) -> Delivery | None:
            there = set(row.items)
            new = tuple(item for item in digest.items if item not in there)
            if row.done or row.due_at <= self._clock.now():
                raise Recoverable("This morning's digest is going out; the next one takes these lines.")
            return row.model_copy(update={"items": (*row.items, *new)}) if new else None

        if not await self._deliveries.add(digest):
            await self._deliveries.change(digest.id, with_lines)


def _accepted_at(assessment: Assessment | None, alert: Alert, news: Round) -> datetime | None:
    """When the earliest live at-once entry of a round was accepted at the door (or made, where that is not said)."""
    ids = {told.id for told in news.told if told.origin is Origin.LIVE and told.urgency is Urgency.AT_ONCE}
    concerns = [] if assessment is None else [concern for concern in assessment.concerns if concern.rule == alert.rule]
    times = [
        telling.accepted_at or telling.at for concern in concerns for telling in concern.telling if telling.id in ids
    ]
    return min(times, default=None)
