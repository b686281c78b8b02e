"""Random histories of documents: whatever failed, was late or was lost, everybody ends at one truth."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bus import Message
from shared.contracts import Patient
from shared.documents import Owned, Table
from shared.mongo import Collection, Database
from tests.fakes import Died, Failure, FakeClock, FakePublisher
from tests.integration.patients import documents, owner, to

LONG = timedelta(minutes=1)


class World:
    """Two keys, their owner, a zombie and a topic, under a random history."""

    def __init__(self, collection: Collection) -> None:
        self.clock, self.publisher = FakeClock(), FakePublisher()
        self.collection, self.run = collection, uuid4().hex[:12]
        self.wanted: dict[str, str] = {}
        self.read = 0

    @property
    def owner(self) -> Owned[Patient]:
        return owner(self.collection, self.publisher, self.clock)

    async def write(self, number: str, failure: Failure | None) -> None:
        name = f"name {len(self.wanted)} {uuid4().hex}"
        number = f"{self.run}-{number}"
        self.publisher.failure = failure
        try:
            await self.owner.write(f"riverside/{number}", to(name, number))
        except Died:
            pass
        finally:
            self.publisher.failure = None
        self.wanted[f"riverside/{number}"] = name  # it was stored before anything could fail

    def zombie(self, back: int) -> None:
        if self.publisher.events:
            old = self.publisher.events[-1 - back % len(self.publisher.events)]
            self.publisher.record(Message(old.id, old.time, old.data))

    async def sweep(self) -> None:
        self.clock.advance(LONG)
        await self.owner.sweep()

    async def observe(self) -> None:
        batch = self.publisher.events[self.read : self.read + 3]
        await self.owner.observe(batch)
        self.read += len(batch)

    async def lose(self) -> None:
        """The store is dropped when all is published, and rebuilt from the topic before it takes writes again."""
        await self.sweep()
        await self.collection.delete_many({"_id": {"$in": list(self.wanted)}})
        await self.owner.observe(self.publisher.events)
        self.read = 0

    async def settle(self) -> None:
        await self.sweep()
        while self.read < len(self.publisher.events):
            await self.observe()


STEPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from("ab"), st.sampled_from([None, None, None, *Failure])),
    st.tuples(st.just("zombie"), st.integers(0, 8)),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("observe")),
    st.tuples(st.just("lose")),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=st.lists(STEPS, min_size=3, max_size=18))
async def test_every_history_ends_at_one_truth(database: Database, history: list[tuple[Any, ...]]) -> None:
    """Store, last record and every reader agree on the last decision, whatever failed, was late or was lost."""
    collection = database["histories"]
    world = World(collection)
    await world.owner.open()
    for name, *arguments in history:
        outcome = getattr(world, name)(*arguments)
        if outcome is not None:
            await outcome
    await world.settle()

    readers = Table[Patient]()
    readers.keep_highest(documents(world.publisher.events))
    for key, name in world.wanted.items():
        stored = await world.owner.load(key)
        assert stored is not None
        assert name == stored.name
        assert stored == readers.get(key) == world.publisher.last(key).data
