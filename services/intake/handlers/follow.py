"""What intake does about the records of its own topics: learn what its store lacks, and heal what stands wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from services.intake.handlers.documents import Documents, forget
from services.intake.handlers.passing import Passing
from services.intake.handlers.team import Team
from services.intake.store import Questions, SessionNames
from shared.bus import Batch, Event
from shared.contracts import Clinic, Clinician, Patient, Question, QuestionAsked, Session, Topic
from shared.errors import Recoverable

SUBSCRIPTIONS: Final = frozenset({Topic.PATIENTS, Topic.SESSIONS, Topic.QUESTIONS})
"""What `Follower` reads, partition by partition."""
TABLES: Final = frozenset({Topic.CLINICS})
"""What `Clinics` reads whole, in every instance."""
PAUSE: Final = 1.0
"""Seconds until a store that did not answer is asked again."""


class Follower:
    """Applies what stands on the patient topics: questions asked, and intake's own documents read back."""

    def __init__(self, *, documents: Documents, asked: Questions, names: SessionNames, passing: Passing) -> None:
        self._documents = documents
        self._asked = asked
        self._names = names
        self._passing = passing

    async def handle(self, batch: Batch) -> None:
        """Apply a batch. Safe to repeat, in any order. Raises Recoverable."""
        events = batch.events
        await self._documents.patients.observe(events)
        await self._documents.sessions.observe(events)
        await self._documents.questions.observe(events)
        await self._names.follow([event.data for event in events if isinstance(event.data, Session)])
        await self._record(events)
        await self._asked.follow([event.data for event in events if isinstance(event.data, Question)])
        await self._passing.note([event.data for event in events if isinstance(event.data, QuestionAsked | Question)])
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
        """What falls due by time alone stands in due times that all replicas share (`Passing`)."""

    async def revoked(self, partition: int) -> None:
        """Nothing is cached, so there is nothing to drop."""


class Clinics:
    """Keeps clinics and clinicians in memory, where no store is needed, and heals what stands on their topic beside."""

    def __init__(self, *, documents: Documents, team: Team) -> None:
        self._documents = documents
        self._team = team
        self._unseen: asyncio.Queue[Event] = asyncio.Queue()

    async def take(self, event: Event) -> None:
        """Take in a clinic or a clinician. Safe to repeat."""
        if isinstance(event.data, Clinic | Clinician):
            self._team.take(event.data)
        self._unseen.put_nowait(event)

    async def heal(self) -> None:
        """Observe what was taken in, for ever; while the store is away, wait for it."""
        while True:
            events = [await self._unseen.get()]
            while not self._unseen.empty():
                events.append(self._unseen.get_nowait())
            await patiently(partial(self._observe, events))

    async def _observe(self, events: Sequence[Event]) -> None:
        await self._documents.clinics.observe(events)
        await self._documents.clinicians.observe(events)


async def keep_up(documents: Documents, asked: Questions, *, sweep_every: timedelta) -> None:
    """Make the indexes, and publish what a crash or a broker failure left unpublished, for ever."""
    for opening in (asked.open, *(owned.open for owned in documents.each())):
        await patiently(opening)
    async with asyncio.TaskGroup() as sweepers:
        for owned in documents.each():
            sweepers.create_task(owned.run_sweeper(sweep_every))


async def patiently(call: Callable[[], Awaitable[None]]) -> None:
    """Call until it works; what passes by itself is waited out."""
    while True:
        try:
            await call()
        except Recoverable:
            await asyncio.sleep(PAUSE)
        else:
            return
