"""What intake does about the records of its own topics: learn what its store lacks, and heal what stands wrong."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.intake.handlers.documents import Documents, forget
from services.intake.store import Questions, SessionNames
from shared.bus import Batch, Event
from shared.contracts import Clinic, Patient, Question, QuestionAsked, Session, Topic
from shared.documents import Table

SUBSCRIPTIONS: Final = frozenset({Topic.PATIENTS, Topic.SESSIONS, Topic.QUESTIONS})
"""What `Follower` reads, partition by partition."""
TABLES: Final = frozenset({Topic.CLINICS})
"""What `ClinicsFeed` reads whole, in every instance."""


class Follower:
    """Applies what stands on the patient topics: questions asked, and intake's own documents read back."""

    def __init__(self, *, documents: Documents, asked: Questions, names: SessionNames) -> None:
        self._documents = documents
        self._asked = asked
        self._names = names

    async def handle(self, batch: Batch) -> None:
        """Apply a batch. Safe to repeat, in any order. Raises Recoverable."""
        events = batch.events
        await self._documents.patients.observe(events)
        await self._documents.sessions.observe(events)
        await self._documents.questions.observe(events)
        await self._names.follow([event.data for event in events if isinstance(event.data, Session)])
        await self._record(events)
        await self._asked.follow([event.data for event in events if isinstance(event.data, Question)])
        for event in events:
            if isinstance(event.data, Patient) and event.data.deleted:
                await forget(self._documents, self._asked, event.data.clinic, event.data.patient)

    async def _record(self, events: Sequence[Event]) -> None:
        facts = [(event.data, event.time) for event in events if isinstance(event.data, QuestionAsked)]
        who = {f"{fact.clinic}/{fact.patient}" for fact, _ in facts}
        patients = await self._documents.patients.load_many(who, with_deleted=True)
        forgotten = frozenset(key for key, patient in patients.items() if patient.deleted)
        await self._asked.record(facts, forgotten=forgotten)

    async def assigned(self, partition: int) -> None:
        """Nothing is cached, so there is nothing to load."""

    async def set_aside(self, event: Event, reason: str) -> None:
        """The dead letters hold the event; a question among them is missing in lists until it is replayed."""

    async def tick(self, partition: int, basis: int, horizon: datetime) -> None:
        """Nothing of intake's falls due by time alone."""

    async def revoked(self, partition: int) -> None:
        """Nothing is cached, so there is nothing to drop."""


class ClinicsFeed:
    """Keeps the clinics in memory, and heals what stands on their topic."""

    def __init__(self, *, documents: Documents, table: Table[Clinic]) -> None:
        self._documents = documents
        self._table = table

    async def apply(self, events: Sequence[Event]) -> None:
        """Take in clinics and clinicians. Safe to repeat. Raises Recoverable."""
        self._table.keep_highest(event.data for event in events if isinstance(event.data, Clinic))
        await self._documents.clinics.observe(events)
        await self._documents.clinicians.observe(events)
