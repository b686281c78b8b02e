"""What the runner asks of a broker, and the limits it keeps. `kafka` and `memory` both answer to this."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.contracts import Topic


class Record(Protocol):
    """A record as it stands in the log."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


Place = tuple[Topic, int]
"""A topic and a partition number."""


class Refused(Exception):  # noqa: N818  named for what happened
    """The topics are not as they must be; the message is one sentence that says what to do."""


class Owner(Protocol):
    """Who is told which partition numbers are theirs."""

    async def assigned(self, partitions: Collection[int]) -> None:
        """These numbers, of all topics, are ours from now on."""
        ...

    async def revoked(self, partitions: Collection[int]) -> None:
        """These numbers are going to somebody else, who gets them when this returns."""
        ...


class Source(Protocol):
    """Records of a fixed set of topics, by partition number. Calls raise Recoverable where the broker is not there."""

    @property
    def topics(self) -> frozenset[Topic]:
        """What is read; all have the same number of partitions."""
        ...

    @property
    def cluster(self) -> str:
        """The name of the Kafka cluster; known once open."""
        ...

    async def open(self, owner: Owner) -> None:
        """Connect and join the group. Raises Recoverable, or Refused where the topics are not as they must be."""
        ...

    async def close(self) -> None:
        """Leave the group, so that others take over at once. Never raises, and may be called again."""
        ...

    async def poll(self, places: Collection[Place], *, limit: int, seconds: float) -> Mapping[Place, Sequence[Record]]:
        """Records of these places, at most `limit`, waiting at most `seconds` for the first.

        Nothing else runs between the moment the position moves and the return: who stores what it returns at once
        never loses a record to a seek. Must be called again and again, also with no places, to stay in the group.
        """
        ...

    async def ends(self, partition: int) -> Mapping[Topic, int]:
        """The offset the next record will get, by topic, asked of the broker now."""
        ...

    def end(self, topic: Topic, partition: int) -> tuple[int, float] | None:
        """The end of the log as last heard from the broker, and how many seconds ago that was."""
        ...

    async def position(self, topic: Topic, partition: int) -> int:
        """The offset polling goes on from; beyond the last record polled where compaction left a gap."""
        ...

    def seek(self, topic: Topic, partition: int, offset: int) -> None:
        """Go on from this offset."""
        ...

    async def show(self, offsets: Mapping[Place, int]) -> None:
        """Commit the group's offsets, for operators to see the lag; nothing reads them back. Never raises."""
        ...


class RawPublisher(Protocol):
    """Publishes a record as it is: for dead letters."""

    async def publish_raw(
        self, topic: Topic, *, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> None:
        """Returns when all in-sync replicas have it. Raises Recoverable where they may not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much, how long, how often. Times are in seconds.

    batch_records: the most events in one batch; fewer while batches take longer than `batch_seconds`.
    buffered_records: the most records fetched ahead, over all partitions; 0 is four batches.
    concurrency: how many partitions handle a batch at the same time.
    linger: how long a partition that is behind waits for a fuller batch; by a thousand records or more `batch_seconds`,
        or until `buffered_records` are held, whichever is sooner.
    grace: how long a batch in hand may take to finish when its partition is revoked or the service stops.
    first_wait, longest_wait: the bounds of the back-off after Recoverable; jitter takes off up to half.
    tries: how often a batch, and then an event by itself, is tried when the handler has a bug.
    tick: how often a partition that is caught up is asked what falls due.
    keep_time: how often the time reached is stored while nothing else is.
    fresh: how old the broker's word on the end of a log may be.
    fuse_window, fuse_least, fuse_share: the consumer stops where, of the last `fuse_window` records of a partition,
        at least `fuse_least` and at least this share could not be applied.
    fuse_per_clinic: so many of one clinic's count for that; less than `fuse_least`, so that no clinic by itself stops
        the others.
    """

    batch_records: int = 5_000
    batch_seconds: float = 5.0
    buffered_records: int = 0
    concurrency: int = 4
    linger: float = 0.1
    grace: float = 5.0
    first_wait: float = 0.1
    longest_wait: float = 10.0
    tries: int = 3
    tick: float = 1.0
    keep_time: float = 30.0
    fresh: float = 5.0
    fuse_window: int = 200
    fuse_least: int = 10
    fuse_share: float = 0.2
    fuse_per_clinic: int = 5

    @property
    def most_buffered(self) -> int:
        """The bound on records fetched ahead."""
        return self.buffered_records or 4 * self.batch_records
