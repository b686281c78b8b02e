"""A broker in memory with Kafka's semantics as far as the services can see them, for fast tests.

Partitions, groups with range assignment and eager rebalances, offsets, keys; `down` plays a broker that is gone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self, TypeVar

from shared import metrics
from shared.bus import LARGEST, Message, Position, Resume, StoreOfAnotherCluster, StoreReplaced, TooLarge
from shared.bus.patience import to_the_end
from shared.bus.records import Outgoing, encode, fits, partition_of
from shared.bus.source import Owner, Place, Record, Refused
from shared.contracts import Topic
from shared.errors import Recoverable

PATIENT_PARTITIONS = 12
SINGLE = frozenset({Topic.CLINICS, Topic.DEAD_LETTERS})

T = TypeVar("T", int, datetime)


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """A record in the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class _Group:
    """The members of a consumer group and the partition numbers they have been told are theirs."""

    members: dict["MemorySource", tuple[int, ...]] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class MemoryBroker:
    """All topics, each with `patient_partitions` partitions, or one where it is not keyed by patient."""

    def __init__(self, *, patient_partitions: int = PATIENT_PARTITIONS, cluster: str = "memory") -> None:
        self.cluster = cluster
        self.down = False
        self.partitions = {topic: 1 if topic in SINGLE else patient_partitions for topic in Topic}
        self._logs: dict[Place, list[Record]] = defaultdict(list)
        self._groups: dict[str, _Group] = defaultdict(_Group)
        self._news = asyncio.Event()

    def append(
        self,
        topic: Topic,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        *,
        partition: int | None = None,
    ) -> Position:
        """Add a record as it is. Raises Recoverable while the broker is down."""
        self.check()
        if partition is None:
            partition = partition_of(key, self.partitions[topic])
        records = self._logs[topic, partition]
        position = Position(topic, partition, len(records))
        records.append(MemoryRecord(topic.value, partition, len(records), key, value, tuple(headers)))
        self._news.set()
        self._news = asyncio.Event()
        return position

    def records(self, topic: Topic, partition: int | None = None) -> list[Record]:
        """What stands in a topic, or in one partition of it."""
        numbers = range(self.partitions[topic]) if partition is None else [partition]
        return [record for number in numbers for record in self._logs[topic, number]]

    def read(self, topic: Topic, partition: int, start: int, limit: int) -> list[Record]:
        """At most `limit` records of a partition from an offset on."""
        return self._logs[topic, partition][start : start + limit]

    def end(self, topic: Topic, partition: int) -> int:
        """The offset the next record will get."""
        return len(self._logs[topic, partition])

    def truncate(self, topic: Topic, partition: int, end: int) -> None:
        """Lose the records from `end` on, as a log restored from an old backup has."""
        del self._logs[topic, partition][end:]

    def check(self) -> None:
        """Raises Recoverable while the broker is down."""
        if self.down:
            raise Recoverable("the broker is down")

    async def news(self, seconds: float) -> None:
        """Until a record is added, at most so long."""
        event = self._news
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass

    async def join(self, group: str, member: "MemorySource") -> None:
        """Add a member to a group; everybody is told anew what is theirs."""
        async with self._groups[group].lock:
            self._groups[group].members[member] = ()
            await self._rebalance(self._groups[group])

    async def leave(self, group: str, member: "MemorySource") -> None:
        """Take a member out of a group; the others are told anew what is theirs."""
        async with self._groups[group].lock:
            if self._groups[group].members.pop(member, None) is not None:
                await self._rebalance(self._groups[group])

    async def _rebalance(self, group: _Group) -> None:
        """Eager, as aiokafka's: all give back everything, then the range assignor parts it anew."""
        await asyncio.gather(*(member.take_back(held) for member, held in group.members.items()))
        for index, member in enumerate(group.members):
            count = min(self.partitions[topic] for topic in member.topics)
            share, extra = divmod(count, len(group.members))
            start = share * index + min(index, extra)
            theirs = tuple(range(start, start + share + (index < extra)))
            group.members[member] = theirs
            await member.give(theirs)


class MemorySource:
    """A member of a group, or with no group a reader of everything."""

    def __init__(self, broker: MemoryBroker, *, group: str | None, topics: frozenset[Topic]) -> None:
        self.topics = topics
        self._broker, self._group = broker, group
        self._owner: Owner | None = None
        self._positions: dict[Place, int] = {}

    @property
    def cluster(self) -> str:
        """The broker's name."""
        return self._broker.cluster

    async def open(self, owner: Owner) -> None:
        """Join the group."""
        self._broker.check()
        counts = {self._broker.partitions[topic] for topic in self.topics}
        if len(counts) != 1:
            raise Refused("The topics have unequal numbers of partitions.")
        self._owner = owner
        if self._group is None:
            await self.give(range(counts.pop()))
        else:
            await self._broker.join(self._group, self)

    async def close(self) -> None:
        """Leave the group."""
        self._owner = None
        self._positions.clear()
        if self._group is not None:
            await to_the_end(self._broker.leave(self._group, self))

    async def give(self, partitions: Collection[int]) -> None:
        """Called by the broker: these are ours."""
        self._positions = {(topic, p): 0 for topic in self.topics for p in partitions}
        if self._owner is not None:
            await self._owner.assigned(partitions)

    async def take_back(self, partitions: Collection[int]) -> None:
        """Called by the broker: these are somebody else's once this returns."""
        if self._owner is not None:
            await self._owner.revoked(partitions)
        self._positions.clear()

    async def poll(self, places: Collection[Place], *, limit: int, seconds: float) -> Mapping[Place, Sequence[Record]]:
        """See `Source`."""
        await asyncio.sleep(0)
        found = self._ready(places, limit)
        if not found:
            await self._broker.news(seconds)
            found = self._ready(places, limit)
        return found

    def _ready(self, places: Collection[Place], limit: int) -> dict[Place, Sequence[Record]]:
        self._broker.check()
        found: dict[Place, Sequence[Record]] = {}
        for topic, partition in places:
            start = self._positions.get((topic, partition))
            if start is None or limit <= 0:
                continue
            if start > self._broker.end(topic, partition):  # as auto_offset_reset="earliest" does
                start = 0
            records = self._broker.read(topic, partition, start, limit)
            if records:
                limit -= len(records)
                self._positions[topic, partition] = start + len(records)
                found[topic, partition] = records
        return found

    async def ends(self, partition: int) -> Mapping[Topic, int]:
        """See `Source`."""
        self._broker.check()
        return {topic: self._broker.end(topic, partition) for topic in self.topics}

    def end(self, topic: Topic, partition: int) -> tuple[int, float] | None:
        """See `Source`."""
        return None if self._broker.down else (self._broker.end(topic, partition), 0.0)

    async def position(self, topic: Topic, partition: int) -> int:
        """See `Source`."""
        try:
            return self._positions[topic, partition]
        except KeyError:
            raise Recoverable("the partition is not ours any more") from None

    def seek(self, topic: Topic, partition: int, offset: int) -> None:
        """See `Source`."""
        if (topic, partition) not in self._positions:
            raise Recoverable("the partition is not ours any more")
        self._positions[topic, partition] = offset

    async def show(self, offsets: Mapping[Place, int]) -> None:
        """Nobody looks."""


class MemoryPublisher:
    """Publishes to a MemoryBroker."""

    def __init__(self, broker: MemoryBroker, *, service: str) -> None:
        self._broker = broker
        self._published = {topic.value: metrics.BUS_PUBLISHED.labels(service, topic.value) for topic in Topic}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        """See `Publisher`."""
        await asyncio.sleep(0)
        outgoing: list[Outgoing] = [encode(message) for message in messages]
        positions = [self._append(one) for one in outgoing]
        for one in outgoing:
            self._published[one.topic].inc()
        return positions

    async def publish_raw(
        self, topic: Topic, *, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> None:
        """See `RawPublisher`."""
        await asyncio.sleep(0)
        self._append(Outgoing(topic, key, value, list(headers)))

    def _append(self, one: Outgoing) -> Position:
        if not fits(one):
            raise TooLarge(f"A record may have {LARGEST} bytes; this one is larger.")
        return self._broker.append(one.topic, one.key, one.value, one.headers)


@dataclass
class _Database:
    """What resume stores share: `incarnation` tells one that was dropped from its successor."""

    resumes: dict[int, Resume] = field(default_factory=dict)
    cluster: str | None = None
    incarnation: int = 0


class MemoryResumeStore:
    """Resume offsets in memory, with the incarnation check: `drop` plays a store that was dropped while running.

    One of these is one process's; `another` gives a further process its own, on the same data.
    """

    def __init__(self, database: _Database | None = None) -> None:
        self.saves = 0
        self._database = database or _Database()
        self._opened: dict[int, int] = {}

    def another(self) -> Self:
        """The same store, opened by another process."""
        return type(self)(self._database)

    def drop(self) -> None:
        """Lose everything, as a dropped database has."""
        self._database.resumes.clear()
        self._database.cluster = None
        self._database.incarnation += 1

    async def open(self, partition: int, cluster: str) -> Resume:
        """See `ResumeStore`."""
        database = self._database
        if database.cluster not in (None, cluster):
            raise StoreOfAnotherCluster(
                f"The store was built from the Kafka cluster {database.cluster}, and this is {cluster}: point the "
                "service at its own cluster, or drop the store to have it rebuilt."
            )
        database.cluster = cluster
        self._opened[partition] = database.incarnation
        return database.resumes.get(partition, Resume({}, {}))

    async def save(self, partition: int, resume: Resume) -> None:
        """See `ResumeStore`."""
        if self._opened.get(partition) != self._database.incarnation:
            raise StoreReplaced
        self.saves += 1
        known = self._database.resumes.get(partition, Resume({}, {}))
        self._database.resumes[partition] = Resume(
            _highest(known.offsets, resume.offsets), _highest(known.times, resume.times)
        )

    async def passed(self, position: Position) -> bool:
        """See `ResumeStore`."""
        known = self._database.resumes.get(position.partition)
        return known is not None and known.offsets.get(position.topic, 0) > position.offset


def _highest(known: Mapping[Topic, T], new: Mapping[Topic, T]) -> dict[Topic, T]:
    return {t: max(v for v in (known.get(t), new.get(t)) if v is not None) for t in known.keys() | new.keys()}
