"""The bus: what the services know of Kafka. Two brokers, one behaviour (`kafka`, `memory`), one `runner`.

At-least-once, made to converge: handlers are idempotent, the resume offset lives in the service's own store and is
written after what it covers, and everything published is a fact with a stable id or a document with a version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol, Self

from shared.contracts import Contract, Topic

LARGEST: Final = 1_000_000
"""Bytes of the largest record; Kafka's own limit on a batch is 1,048,588."""


class Position(NamedTuple):
    """A place in a topic. Written `moods:3:1234`: what writes return and reads may wait for."""

    topic: Topic
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position that `str` wrote. Raises ValueError on anything else."""
        topic, partition, offset = text.split(":")
        return cls(Topic(topic), int(partition), int(offset))


@dataclass(frozen=True, slots=True)
class Message:
    """An event to publish: the CloudEvents id and time, and the data that knows its own topic and key."""

    id: str
    time: datetime
    data: Contract


class Event(NamedTuple):
    """A record that was read and understood. `time` is when we accepted it (`ce_time`).

    `value` is as it stands in the log. A named tuple, as `Position` is: a frozen dataclass takes
    three times as long to make, and one of each is made per record.
    """

    id: str
    time: datetime
    data: Contract
    position: Position
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a handler is given: events of one partition number, of all subscribed topics, in log order per topic.

    basis: the sum of the next offsets of the subscribed topics, the handler's own topics left out: how much of the
        partition is known once this batch is applied.
    horizon: up to when everything recorded has been read: now if the partition is read to the end, else the record
        time reached in the topic that lags most. Rules of absence are judged as of this instant, not of now.
    caught_up: whether this batch reaches the end of all topics of the partition. The handler's own topics are at
        their end once what stood there at the assignment has been read: its own words never put it behind.
    """

    partition: int
    events: Sequence[Event]
    basis: int
    horizon: datetime
    caught_up: bool


class Publisher(Protocol):
    """Publishes events; returns when all in-sync replicas have them."""

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        """The positions, in the order given.

        Raises Recoverable where it may not have been recorded, and TooLarge where one is too large to be recorded at
        all: then some of the others may be recorded and others not.
        """
        ...


class Handler(Protocol):
    """What a service does with a partition. Everything here may be called again after a crash, and must converge."""

    async def assigned(self, partition: int) -> None:
        """The partition is ours: load what is needed. Called before its first batch."""
        ...

    async def handle(self, batch: Batch) -> None:
        """Apply a batch and store its effects. Raises Recoverable to have the very same batch again later.

        Whatever it raises, the same events come again: what it had already done to its memory must not make it
        believe, the second time, that they are stored.
        """
        ...

    async def set_aside(self, event: Event, reason: str) -> None:
        """This event failed again and again by itself and goes to the dead letters; note that it is missing."""
        ...

    async def tick(self, partition: int, basis: int, horizon: datetime) -> None:
        """About once a second while the partition is read to the end: what falls due by time alone."""
        ...

    async def revoked(self, partition: int) -> None:
        """The partition is another's now: drop all cached state of it, write nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a partition goes on: next offset and the record time reached, by topic."""

    offsets: Mapping[Topic, int]
    times: Mapping[Topic, datetime]


class ResumeStore(Protocol):
    """Where the service's store says how far it is. Lives in the same store as the effects it covers."""

    async def open(self, partition: int, cluster: str) -> Resume:
        """Load, or begin, the resume point of a partition. Raises StoreOfAnotherCluster."""
        ...

    async def save(self, partition: int, resume: Resume) -> None:
        """Move forward, never backwards. Raises StoreReplaced where the store is not the one that was opened."""
        ...

    async def passed(self, position: Position) -> bool:
        """Whether the stored resume offset is beyond this position."""
        ...


class TooLarge(ValueError):  # noqa: N818  named for what it is
    """A record is larger than the bus takes: no waiting and no trying again will change that."""


class StoreReplaced(Exception):  # noqa: N818
    """The store was dropped or restored while running: forget everything cached and start from what it says."""


class StoreOfAnotherCluster(Exception):  # noqa: N818
    """The store's offsets belong to another Kafka cluster, or lie past the end of the log: refuse to start."""
