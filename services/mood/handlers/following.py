"""What mood does about the records of its topics: keeps entries by month, and mirrors of questions and patients."""

from datetime import datetime
from typing import Final

from services.mood.store import Store, Taken, patient_key
from shared.bus import Batch, Event
from shared.contracts import Fact, Patient, Question, Topic

SUBSCRIPTIONS: Final = frozenset({Topic.MOODS, Topic.QUESTIONS, Topic.PATIENTS})
"""What `Follower` reads, partition by partition."""
TABLES: Final = frozenset({Topic.CLINICS})
"""What `Clinics` reads whole, in every instance."""


class Follower:
    """Applies batches. Everything is stored under a fact's id or a document's version, so again changes nothing."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    async def handle(self, batch: Batch) -> None:
        """Apply a batch. A patient who was deleted is forgotten, and what still comes of them is passed over."""
        patients = [event.data for event in batch.events if isinstance(event.data, Patient)]
        questions = [event.data for event in batch.events if isinstance(event.data, Question)]
        facts = [(event, event.data) for event in batch.events if isinstance(event.data, Fact)]
        await self._store.patients.apply(patients)
        await self._store.questions.apply(questions)
        known = await self._store.patients.get_many({patient_key(fact) for _, fact in facts})
        forgotten = {patient.key for patient in [*known.values(), *patients] if patient.deleted}
        await self._store.record(
            [
                Taken(event.id, event.time, fact, event.value)
                for event, fact in facts
                if patient_key(fact) not in forgotten
            ]
        )
        if forgotten:
            await self._store.forget(forgotten)

    async def assigned(self, partition: int) -> None:
        """Nothing is cached, so there is nothing to load."""

    async def set_aside(self, event: Event, reason: str) -> None:
        """The timeline says that an entry is missing until it is replayed."""
        if isinstance(event.data, Fact):
            await self._store.note_set_aside(event.data, event.id)

    async def tick(self, partition: int, basis: int, horizon: datetime) -> None:
        """Nothing of mood's falls due by time alone."""

    async def revoked(self, partition: int) -> None:
        """Nothing is cached, so there is nothing to drop."""
