"""The design's convergence, played through the real runner: `convergence_model.py` with everything but Kafka real.

A small service like insights: it stores facts, and publishes for each patient what its store holds of them, with how
much of the partition it had read and when it was made as the version. Whatever dies, lives on as a zombie, is dropped
or is away, in the end the highest version says the truth, and every fact is stored.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bus import Batch, Event, Message, Position, Resume
from shared.bus.memory import MemoryPublisher, MemoryResumeStore
from shared.bus.records import decode
from shared.bus.runner import Runner
from shared.bus.source import Limits
from shared.contracts import CheckInRecorded, Patient, Topic
from shared.errors import Recoverable
from tests.behaviour.bus_parts import BOTH, CLINIC, MemoryBus, caught_up, check_in, eventually, patients_of, running

STEPS = ("facts", "published", "before save", "after save")
OWN = frozenset({Topic.PATIENTS})
made = count(1)


@dataclass
class Store:
    """The service's database: facts by patient, and how far it is."""

    facts: dict[str, set[str]] = field(default_factory=dict)
    resume: MemoryResumeStore = field(default_factory=MemoryResumeStore)

    def drop(self) -> None:
        """Lose it all."""
        self.facts.clear()
        self.resume.drop()


@dataclass
class Service:
    """A handler and resume store in one; `dies_at` is the step at which nothing more happens."""

    store: Store
    publisher: MemoryPublisher
    dies_at: str | None = None
    slow: bool = False
    died: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Its own way to the store."""
        self.resume = self.store.resume.another()

    async def reach(self, step: str) -> None:
        """Let others have their turn; die here, if this is the step."""
        for _ in range(20 if self.slow else 1):
            await asyncio.sleep(0)
        if step == self.dies_at:
            self.died.set()
            await asyncio.Event().wait()

    async def assigned(self, partition: int) -> None: ...

    async def revoked(self, partition: int) -> None: ...

    async def tick(self, partition: int, basis: int, horizon: datetime) -> None: ...

    async def set_aside(self, event: Event, reason: str) -> None:
        raise AssertionError(reason)

    async def handle(self, batch: Batch) -> None:
        touched = [event for event in batch.events if isinstance(event.data, CheckInRecorded)]
        for event in touched:
            self.store.facts.setdefault(event.data.patient, set()).add(event.id)
        await self.reach("facts")
        words = [self._word(patient, batch.basis) for patient in {event.data.patient for event in touched}]
        await self.reach("computed")
        await self.publisher.publish(words)
        await self.reach("published")

    def _word(self, patient: str, basis: int) -> Message:
        at, held = check_in(patient, 0).time, self.store.facts.get(patient, set())
        data = Patient(
            clinic=CLINIC,
            patient=patient,
            version=basis * 1_000_000 + next(made),
            name=str(len(held)),
            registered_at=at,
            updated_at=at,
        )
        return Message(f"{patient}-{data.version}", at, data)

    async def open(self, partition: int, cluster: str) -> Resume:
        return await self.resume.open(partition, cluster)

    async def save(self, partition: int, resume: Resume) -> None:
        await self.reach("before save")
        await self.resume.save(partition, resume)
        await self.reach("after save")

    async def passed(self, position: Position) -> bool:
        return await self.resume.passed(position)


class World:
    """A broker, a store, whoever is alive, and what was published. Each move is a method."""

    def __init__(self, batch_records: int) -> None:
        self.bus, self.store = MemoryBus(), Store()
        self.publisher = MemoryPublisher(self.bus.broker, service="mood")
        self.truth: dict[str, set[str]] = {}
        self.alive = AsyncExitStack()
        self.limits = Limits(
            first_wait=0.001, longest_wait=0.002, linger=0.0, tick=0.01, grace=0.0, batch_records=batch_records
        )
        self._numbers = count()

    def owner(self, group: str = "service", service: Service | None = None) -> AbstractAsyncContextManager[Runner]:
        """Somebody who owns partitions."""
        service = service or Service(self.store, self.publisher)
        return running(self.bus, service, service, topics=BOTH, own=OWN, group=group, limits=self.limits)

    async def publish(self, facts: int) -> None:
        """So many facts, of three patients."""
        patients = patients_of(self.bus.partitions)[:3]
        for _ in range(facts):
            number = next(self._numbers)
            patient = patients[number * 7 % 3]
            await self.publisher.publish([check_in(patient, number)])
            self.truth.setdefault(patient, set()).add(f"{patient}-{number}")

    async def succeed(self, dies_at: str) -> None:
        """All die; a successor begins, and will die at a step."""
        await self.alive.aclose()
        await self.alive.enter_async_context(self.owner(service=Service(self.store, self.publisher, dies_at=dies_at)))

    async def haunt(self, dies_at: str) -> None:
        """A zombie: another who believes that all is theirs, slow, and will die at a step."""
        zombie = Service(self.store, self.publisher, dies_at=dies_at, slow=True)
        await self.alive.enter_async_context(self.owner(f"zombie {next(self._numbers)}", zombie))

    async def drop(self, _: object) -> None:
        """The store is lost."""
        self.store.drop()

    async def be_away(self, turns: int) -> None:
        """The broker is gone for a while."""
        await self.bus.cut()
        for _ in range(turns):
            await asyncio.sleep(0.001)
        await self.bus.heal()

    async def wait(self, turns: int) -> None:
        """Whoever is alive gets on with it."""
        for _ in range(turns):
            await asyncio.sleep(0)


MOVES = st.one_of(
    st.tuples(st.just(World.publish), st.integers(1, 12)),
    st.tuples(st.just(World.succeed), st.sampled_from(STEPS)),
    st.tuples(st.just(World.haunt), st.sampled_from(STEPS)),
    st.tuples(st.just(World.drop), st.none()),
    st.tuples(st.just(World.be_away), st.integers(1, 5)),
    st.tuples(st.just(World.wait), st.integers(1, 60)),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MOVES, min_size=4, max_size=25), st.integers(1, 7))
async def test_every_schedule_ends_in_the_same_words(
    moves: list[tuple[Callable[..., Awaitable[None]], object]], batch_records: int
) -> None:
    """Deaths at every step, zombies, a dropped store and a broker that is away: the last word is always the truth."""
    world = World(batch_records)
    async with world.alive:
        await world.alive.enter_async_context(world.owner())
        for move, how in moves:
            await move(world, how)
    async with world.owner() as runner:
        await eventually(lambda: caught_up(runner, world.bus.partitions))

    assert world.store.facts == world.truth
    words: dict[str, Patient] = {}
    for event in map(decode, world.bus.broker.records(Topic.PATIENTS)):
        assert isinstance(event.data, Patient)
        known = words.get(event.data.patient)
        if known is None or event.data.order > known.order:
            words[event.data.patient] = event.data
    told = {patient: int(word.name) for patient, word in words.items()}
    assert told == {patient: len(facts) for patient, facts in world.truth.items()}


async def test_a_publisher_that_is_away_is_recoverable() -> None:
    """The twin says what Kafka's publisher says."""
    bus = MemoryBus()
    await bus.cut()
    with pytest.raises(Recoverable):
        await MemoryPublisher(bus.broker, service="mood").publish([check_in("p", 0)])
