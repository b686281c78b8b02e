"""What mood does about the records of its topics: keeps entries by month, what else its facts say, and mirrors."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.mood.domain import about_risk, change_of, is_entry
from services.mood.handlers.reminding import Reminding
from services.mood.store import Store, Taken, month_key, patient_key
from shared.bus import Batch, Event
from shared.contracts import Assessment, Fact, Patient, Question, ReminderDue, Session, Topic

SUBSCRIPTIONS: Final = frozenset(
    {Topic.MOODS, Topic.QUESTIONS, Topic.PATIENTS, Topic.SESSIONS, Topic.REMINDERS, Topic.ASSESSMENTS}
)
"""What `Follower` reads, partition by partition."""
TABLES: Final = frozenset({Topic.CLINICS})
"""What `Clinics` reads whole, in every instance."""
_MOST_KNOWN: Final = 20_000
"""Months of patients remembered per partition; beyond, it begins anew."""
_SMALL: Final = 500
_PAUSE: Final = 0.25
_SHARE: Final = 10


class Follower:
    """Applies batches. Everything is stored under a fact's id or a document's version, so again changes nothing.

    known: months of patients who were found not to be deleted, and whose month stands in their timeline; it saves
        asking again. A deletion comes through the same partition, so what is known is true while the partition is ours.
    """

    def __init__(self, *, store: Store, reminding: Reminding) -> None:
        self._store, self._reminding = store, reminding
        self._known: dict[int, set[str]] = defaultdict(set)
        self._rest_until: dict[int, float] = {}

    async def handle(self, batch: Batch) -> None:
        """Apply a batch. A patient who was deleted is forgotten, and what still comes of them is passed over.

        The door goes first: while little comes at a time, each partition's batches take at most a tenth of the time, so
        that a busy hour is stored in fewer, larger writes; a timeline is then up to a quarter of a second behind.
        """
        loop = asyncio.get_running_loop()
        if len(batch.events) < _SMALL:
            await asyncio.sleep(max(0.0, self._rest_until.get(batch.partition, 0.0) - loop.time()))
        began = loop.time()
        await self._apply(batch)
        took = loop.time() - began
        self._rest_until[batch.partition] = loop.time() + min(_PAUSE, took * _SHARE)

    async def _apply(self, batch: Batch) -> None:
        known = self._known[batch.partition]
        patients = [event.data for event in batch.events if isinstance(event.data, Patient)]
        questions = [event.data for event in batch.events if isinstance(event.data, Question)]
        sessions = [event.data for event in batch.events if isinstance(event.data, Session)]
        facts = [
            Taken(event.id, event.time, event.data, event.value)
            for event in batch.events
            if isinstance(event.data, Fact)
        ]
        taken = [one for one in facts if not _beside(one.fact)]
        if patients:
            await self._store.patients.apply(patients)
        if assessments := [_about_risk(event.data) for event in batch.events if isinstance(event.data, Assessment)]:
            await self._store.assessments.apply(assessments)
        if questions:
            await self._store.questions.apply(questions)
        gone = {patient.key for patient in patients if patient.deleted}
        if gone:
            known.clear()
        gone |= await self._deleted(taken, known)
        staying = [one for one in taken if patient_key(one.fact) not in gone]
        entries = [one for one in staying if is_entry(one.fact)]
        await self._store.record(entries, listed=known)
        await self._store.coping.record(staying)
        await self._store.receipts.record(staying)
        if len(facts) > len(taken) or sessions or patients:
            beside = [one for one in facts if _beside(one.fact)]
            await self._keep_beside(batch.partition, beside, sessions, {patient.key for patient in patients}, gone)
        if gone:
            await self._store.forget(gone)
        if len(known) > _MOST_KNOWN:
            known.clear()
        known.update(month_key(one.fact) for one in entries)

    async def _keep_beside(
        self, partition: int, facts: Sequence[Taken], sessions: Sequence[Session], patients: set[str], gone: set[str]
    ) -> None:
        """What is no entry, but changes what entries count as or what is expected: keep it, and look at the patient."""
        of_sessions = {f"{one.clinic}/{one.patient}" for one in sessions}
        others = of_sessions | {patient_key(one.fact) for one in facts}
        found = await self._store.patients.get_many(others - gone) if others else {}
        gone = gone | {key for key, patient in found.items() if patient.deleted}
        staying = [one for one in facts if patient_key(one.fact) not in gone]
        changes = [one for one in staying if change_of(one.fact)]
        await self._store.changes.record(staying)
        await self._store.schedules.record(staying)
        await self._store.schedules.note_sessions(
            [one for one in sessions if f"{one.clinic}/{one.patient}" not in gone]
        )
        self._reminding.read_back(partition, [one.id for one in staying if isinstance(one.fact, ReminderDue)])
        changed = {patient_key(one.fact) for one in changes}
        await self._reminding.note(partition, patients, (of_sessions | changed) - gone)

    async def _deleted(self, taken: Sequence[Taken], known: set[str]) -> set[str]:
        asked = {patient_key(one.fact) for one in taken if month_key(one.fact) not in known}
        found = await self._store.patients.get_many(asked) if asked else {}
        return {key for key, patient in found.items() if patient.deleted}

    async def assigned(self, partition: int) -> None:
        """Nothing is known yet of a partition that is ours from now on."""
        self._known.pop(partition, None)
        self._reminding.forget(partition)

    async def set_aside(self, event: Event, reason: str) -> None:
        """The timeline says that an entry is missing until it is replayed."""
        if isinstance(event.data, Fact) and (is_entry(event.data) or change_of(event.data)):
            await self._store.note_set_aside(event.data, event.id)

    async def tick(self, partition: int, basis: int, horizon: datetime) -> None:
        """Remind those whose protocols say so."""
        await self._reminding.tick(partition, horizon)

    async def revoked(self, partition: int) -> None:
        """What is known of a partition that is another's may no longer be true."""
        self._known.pop(partition, None)
        self._reminding.forget(partition)
        self._rest_until.pop(partition, None)


def _about_risk(assessment: Assessment) -> Assessment:
    """All that mood asks an assessment for: whether harm is spoken of. The rest, and its charts, is insights' own."""
    concerns = [
        concern.model_copy(update={"chart": None}) for concern in assessment.concerns if about_risk(concern.rule)
    ]
    return assessment.model_copy(update={"concerns": concerns})


def _beside(fact: Fact) -> bool:
    """Whether a fact says nothing by itself, but what entries count as, or that somebody was reminded."""
    return isinstance(fact, ReminderDue) or change_of(fact) is not None
