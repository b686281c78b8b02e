"""What the bus suite needs: a broker under test, facts to publish, a handler that writes down what it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from typing import Any, Protocol
from uuid import uuid4

from shared.bus import Batch, Event, Message, Position, Resume, ResumeStore
from shared.bus.memory import MemoryBroker, MemoryPublisher, MemoryResumeStore, MemorySource
from shared.bus.records import encode, partition_of
from shared.bus.runner import Runner
from shared.bus.source import Limits, Record, Source
from shared.clock import Clock, SystemClock
from shared.contracts import CheckInRecorded, Patient, Topic
from shared.contracts.base import Origin

CLINIC = "hill"
MOODS = frozenset({Topic.MOODS})
BOTH = frozenset({Topic.MOODS, Topic.PATIENTS})
QUICK = Limits(first_wait=0.01, longest_wait=0.1, linger=0.02, tick=0.05, grace=5.0, keep_time=0.2)
SUDDEN = Limits(first_wait=0.01, longest_wait=0.1, linger=0.02, tick=0.05, grace=0.0)
"""The limits of a process that dies: nothing in hand is finished."""


class Publishing(Protocol):
    """What both brokers' publishers can do."""

    async def publish(self, messages: Sequence[Message]) -> list[Position]: ...
    async def publish_raw(
        self, topic: Topic, *, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> None: ...


class Bus(Protocol):
    """A broker under test, its topics empty."""

    partitions: int

    def source(self, topics: frozenset[Topic], group: str | None) -> Source:
        """A member of a group."""

    def publisher(self) -> AbstractAsyncContextManager[Publishing]:
        """A publisher."""

    async def records(self, topic: Topic) -> Sequence[Record]:
        """Everything that stands in a topic."""

    async def cut(self) -> None:
        """The broker dies."""

    async def heal(self) -> None:
        """The broker is back, with what it had acknowledged."""


class MemoryBus:
    """A MemoryBroker as the suite wants it."""

    partitions = 4

    def __init__(self) -> None:
        self.broker = MemoryBroker(patient_partitions=self.partitions)

    def source(self, topics: frozenset[Topic], group: str | None) -> Source:
        return MemorySource(self.broker, group=group, topics=topics)

    def publisher(self) -> AbstractAsyncContextManager[Publishing]:
        return MemoryPublisher(self.broker, service="mood")

    async def records(self, topic: Topic) -> Sequence[Record]:
        return self.broker.records(topic)

    async def cut(self) -> None:
        self.broker.down = True

    async def heal(self) -> None:
        self.broker.down = False


async def eventually(condition: Callable[[], Any], what: str = "it never came true", within: float = 30.0) -> Any:
    """The condition's first true value; it may be a coroutine function."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        value = condition()
        value = await value if isawaitable(value) else value
        if value:
            return value
        assert loop.time() < deadline, what
        await asyncio.sleep(0.005)


def patients_of(partitions: int, clinic: str = CLINIC) -> list[str]:
    """One patient of a clinic for each partition number, in their order."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < partitions:
        name = f"p{number}"
        found.setdefault(partition_of(f"{clinic}/{name}".encode(), partitions), name)
        number += 1
    return [found[partition] for partition in range(partitions)]


def check_in(
    patient: str, number: int, *, at: datetime | None = None, note: str | None = None, clinic: str = CLINIC
) -> Message:
    """A patient's nth check-in, accepted at `at`."""
    at = at or datetime.now(UTC)
    data = CheckInRecorded(
        clinic=clinic,
        patient=patient,
        occurred_at=at,
        local_day=at.date(),
        origin=Origin.LIVE,
        mood=number % 11,
        note=note,
    )
    return Message(f"{patient}-{number}", at, data)


def document(patient: str, version: int) -> Message:
    """A patient's document."""
    now = datetime.now(UTC)
    data = Patient(clinic=CLINIC, patient=patient, version=version, registered_at=now, updated_at=now)
    return Message(f"{patient}-v{version}", now, data)


class Ledger:
    """A handler that writes down what it is told.

    facts: its store, by event id; give the same one to a successor. before, after: run around the storing of a batch.
    """

    def __init__(self, facts: dict[str, Event] | None = None) -> None:
        self.facts = {} if facts is None else facts
        self.order: list[str] = []
        self.batches: list[Batch] = []
        self.calls: list[tuple[str, int]] = []
        self.ticks: list[tuple[int, int, datetime]] = []
        self.aside: list[tuple[str, str]] = []
        self.mine: set[int] = set()
        self.before: Callable[[Batch], Awaitable[None]] | None = None
        self.after: Callable[[Batch], Awaitable[None]] | None = None

    async def assigned(self, partition: int) -> None:
        self.calls.append(("assigned", partition))
        self.mine.add(partition)

    async def handle(self, batch: Batch) -> None:
        assert batch.partition in self.mine
        if self.before is not None:
            await self.before(batch)
        self.batches.append(batch)
        self.facts.update({event.id: event for event in batch.events})
        self.order += [event.id for event in batch.events]
        if self.after is not None:
            await self.after(batch)

    async def set_aside(self, event: Event, reason: str) -> None:
        self.aside.append((event.id, reason))

    async def tick(self, partition: int, basis: int, horizon: datetime) -> None:
        assert partition in self.mine
        self.ticks.append((partition, basis, horizon))

    async def revoked(self, partition: int) -> None:
        self.calls.append(("revoked", partition))
        self.mine.discard(partition)

    def of(self, patient: str) -> list[str]:
        """What was heard of a patient, in order."""
        return [event_id for event_id in self.order if event_id.rpartition("-")[0] == patient]


class Mortal:
    """A resume store, and hooks for a handler, at one step of which the process dies: nothing after it happens."""

    def __init__(self, store: ResumeStore, step: str = "never") -> None:
        self.died = asyncio.Event()
        self.saved: list[int] = []
        self._store, self._step = store, step

    async def reach(self, step: str) -> None:
        """Die here, if this is the step."""
        if step == self._step:
            self.died.set()
            await asyncio.Event().wait()

    async def open(self, partition: int, cluster: str) -> Resume:
        return await self._store.open(partition, cluster)

    async def save(self, partition: int, resume: Resume) -> None:
        await self.reach("before save")
        self.saved.append(partition)
        await self._store.save(partition, resume)
        await self.reach("after save")

    async def passed(self, position: Position) -> bool:
        return await self._store.passed(position)


@asynccontextmanager
async def running(
    bus: Bus,
    handler: Any,
    resume: ResumeStore | None = None,
    *,
    topics: frozenset[Topic] = MOODS,
    own: frozenset[Topic] = frozenset(),
    group: str | None = None,
    clock: Clock | None = None,
    limits: Limits = QUICK,
    publisher: Any = None,
) -> AsyncIterator[Runner]:
    """A runner at work; cancelled at the end, as a service that stops does."""
    async with bus.publisher() as own_publisher:
        runner = Runner(
            service="mood",
            source=bus.source(topics, group or f"test-{uuid4().hex}"),
            handler=handler,
            resume=resume or MemoryResumeStore(),
            publisher=publisher or own_publisher,
            own_topics=own,
            clock=clock or SystemClock(),
            limits=limits,
        )
        task = asyncio.create_task(runner.run())
        try:
            yield runner
        finally:
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled() or task.exception() is None, task.exception()


async def publish(bus: Bus, *messages: Message) -> list[Position]:
    """Publish and forget the publisher."""
    async with bus.publisher() as publisher:
        return await publisher.publish(messages)


async def publish_record(bus: Bus, message: Message, *, value: bytes | None = None, kind: bytes | None = None) -> None:
    """Publish a message with another value, or of another type, than it has."""
    record = encode(message)
    headers = [(name, kind if kind and name == "ce_type" else content) for name, content in record.headers]
    async with bus.publisher() as publisher:
        await publisher.publish_raw(
            record.topic, key=record.key, value=record.value if value is None else value, headers=headers
        )


def caught_up(runner: Runner, partitions: int) -> bool:
    """Whether a runner has all partitions and has applied everything."""
    health = runner.health()
    return len(health.lanes) == partitions and all(lane.caught_up for lane in health.lanes.values())


HOUR = timedelta(hours=1)
