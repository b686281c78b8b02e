"""Kafka, by aiokafka: what the runner reads from. `publishing` is where events go out."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError

from shared.bus.patience import to_the_end
from shared.bus.publishing import KafkaPublisher
from shared.bus.source import Owner, Place, Record, Refused
from shared.contracts import Topic
from shared.errors import Recoverable
from shared.logs import logger

__all__ = ["KafkaPublisher", "KafkaSource", "describe_cluster"]

log = logger(__name__)

REQUEST_TIMEOUT: Final = 20.0
"""Seconds one request to the broker may take."""
STUCK: Final = 120.0
"""Seconds after which a poll that does not return, not even during a rebalance, means a dead consumer."""
CLOSE_TIMEOUT: Final = 5.0
_NOWHERE: Final = TopicPartition("", -1)
"""Polling this returns nothing, and tells the group that we are alive."""


@asynccontextmanager
async def the_world(doing: str) -> AsyncIterator[None]:
    """Turns what Kafka and the network raise into Recoverable."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError, IllegalStateError, AssertionError) as error:
        raise Recoverable(f"Kafka did not answer while {doing} ({type(error).__name__}).") from error


async def describe_cluster(bootstrap: str) -> tuple[str, dict[str, int]]:
    """The cluster's name, and the number of partitions of each of its topics. Raises Recoverable."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(REQUEST_TIMEOUT * 1000))
    try:
        async with the_world("listing its topics"):
            await admin.start()
            cluster = await admin.describe_cluster()
            topics = await admin.describe_topics()
    finally:
        with suppress(Exception):
            await admin.close()
    return cluster["cluster_id"], {topic["topic"]: len(topic["partitions"]) for topic in topics}


class _Relay(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Tells the owner of whole partition numbers; one of which we were given only some topics is nobody's to run."""

    def __init__(self, owner: Owner, topics: frozenset[Topic]) -> None:
        self._owner, self._topics = owner, topics

    async def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        await self._owner.revoked({place.partition for place in revoked})

    async def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        whole = {
            place.partition
            for place in assigned
            if all(TopicPartition(topic.value, place.partition) in assigned for topic in self._topics)
        }
        split = {place.partition for place in assigned} - whole
        if split:  # members subscribe to different topics, as in the middle of a deployment: it heals at its end
            log.error("partitions_split", partitions=sorted(split))
        await self._owner.assigned(whole)


class Fetching(NamedTuple):
    """The broker answers a fetch once it has `at_least` so many bytes, or `within` so many seconds."""

    at_least: int
    within: float


PROMPT: Final = Fetching(1, 0.5)
"""A fetch for each record, as soon as it is there."""
GATHERED: Final = Fetching(64 * 1024, 0.03)
"""Hardly later, and fewer: measured at 50 entries a second, a third less work for insights, a fifth for notify."""
LEISURELY: Final = Fetching(256 * 1024, 0.1)
"""For those of whom nobody waits for the newest record: the process is left to others."""


class KafkaSource:
    """A member of a consumer group, or with no group a reader of every partition. See `Source`.

    The group's committed offsets only show lag: where to read from is always said by `seek`.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        group: str | None,
        topics: frozenset[Topic],
        session_timeout: float = 10.0,
        fetch_bytes: int = 2 * 1024 * 1024,
        fetching: Fetching = PROMPT,
    ) -> None:
        """fetch_bytes: the most one fetch brings of one partition of one topic."""
        self.topics = topics
        self._bootstrap, self._group = bootstrap, group
        self._session_timeout, self._fetch_bytes = session_timeout, fetch_bytes
        self._fetching = fetching
        self._consumer: AIOKafkaConsumer | None = None
        self._cluster = ""
        self._places: dict[Place, TopicPartition] = {}

    @property
    def cluster(self) -> str:
        """The cluster's id, as its brokers say."""
        return self._cluster

    @property
    def partitions(self) -> int:
        """How many partition numbers the topics have; 0 before they were looked at."""
        return len(self._places) // len(self.topics)

    async def open(self, owner: Owner) -> None:
        """Check the topics, connect, and join the group in the background."""
        self._cluster, counts = await describe_cluster(self._bootstrap)
        partitions = self._check(counts)
        self._places = {
            (topic, number): TopicPartition(topic.value, number)
            for topic in self.topics
            for number in range(partitions)
        }
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=int(self._session_timeout * 1000),
            heartbeat_interval_ms=int(self._session_timeout * 1000 / 4),
            rebalance_timeout_ms=60_000,
            max_poll_interval_ms=300_000,
            request_timeout_ms=int(REQUEST_TIMEOUT * 1000),
            max_partition_fetch_bytes=self._fetch_bytes,
            fetch_min_bytes=self._fetching.at_least,
            fetch_max_wait_ms=int(self._fetching.within * 1000),
            metadata_max_age_ms=60_000,
        )
        self._consumer = consumer
        async with the_world("connecting"):
            await consumer.start()
            if self._group is not None:
                consumer.subscribe([topic.value for topic in self.topics], listener=_Relay(owner, self.topics))
                return
            consumer.assign(list(self._places.values()))
            for place in self._places.values():
                consumer.seek(place, 0)
        await owner.assigned(range(partitions))

    async def close(self) -> None:
        """Leave the group and disconnect; where the broker does not answer, without its consent."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await to_the_end(self._stop(consumer))

    async def _stop(self, consumer: AIOKafkaConsumer) -> None:
        stopping = asyncio.ensure_future(consumer.stop())
        _, pending = await asyncio.wait({stopping}, timeout=CLOSE_TIMEOUT)
        if pending:
            log.warning("left_without_goodbye", group=self._group)
            await _abandon(consumer)
            stopping.cancel()
            await asyncio.wait({stopping}, timeout=CLOSE_TIMEOUT)
        if stopping.done() and not stopping.cancelled():
            stopping.exception()  # whatever it says, we are gone

    async def poll(self, places: Collection[Place], *, limit: int, seconds: float) -> Mapping[Place, Sequence[Record]]:
        """See `Source`."""
        wanted = [self._places[place] for place in places] or [_NOWHERE]
        if len(wanted) == len(self._open.assignment()):
            wanted = []  # all of them, without looking through the list for each
        async with the_world("polling"), asyncio.timeout(STUCK):
            fetched = await self._open.getmany(*wanted, timeout_ms=int(seconds * 1000), max_records=limit)
        return {(Topic(place.topic), place.partition): records for place, records in fetched.items()}

    async def ends(self, partition: int) -> Mapping[Topic, int]:
        """See `Source`."""
        async with the_world("asking for the ends of its logs"):
            ends = await self._open.end_offsets([self._places[topic, partition] for topic in self.topics])
        return {Topic(place.topic): end for place, end in ends.items()}

    def end(self, topic: Topic, partition: int) -> tuple[int, float] | None:
        """See `Source`."""
        place = self._places.get((topic, partition))
        if self._consumer is None or place not in self._consumer.assignment():
            return None
        end, asked_at = self._consumer.highwater(place), self._consumer.last_poll_timestamp(place)
        return None if end is None else (end, max(0.0, time.time() - asked_at / 1000))

    async def position(self, topic: Topic, partition: int) -> int:
        """See `Source`."""
        async with the_world("asking for a position"):
            position: int = await self._open.position(self._places[topic, partition])
        return position

    def seek(self, topic: Topic, partition: int, offset: int) -> None:
        """See `Source`."""
        try:
            self._open.seek(self._places[topic, partition], offset)
        except IllegalStateError as error:
            raise Recoverable("The partition is not ours any more.") from error

    async def show(self, offsets: Mapping[Place, int]) -> None:
        """See `Source`."""
        if self._group is None or not offsets or self._consumer is None:
            return
        with suppress(KafkaError, OSError, TimeoutError, IllegalStateError):
            async with asyncio.timeout(REQUEST_TIMEOUT):
                await self._consumer.commit({self._places[place]: offset for place, offset in offsets.items()})

    @property
    def _open(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise Recoverable("The connection to Kafka is closed.")
        return self._consumer

    def _check(self, counts: Mapping[str, int]) -> int:
        """The number of partitions all topics have. Raises Refused."""
        missing = sorted(topic for topic in self.topics if topic not in counts)
        if missing:
            raise Refused(
                f"Kafka has no topic {', '.join(missing)}: create the topics with `python -m shared.bus.provision`."
            )
        found = {topic: counts[topic] for topic in sorted(self.topics)}
        if len(set(found.values())) != 1:
            told = ", ".join(f"{topic} {count}" for topic, count in found.items())
            raise Refused(
                f"These topics must have the same number of partitions, and have: {told}. Patients would be torn "
                "apart; restore the topics as deploy/kafka/topics.yaml declares them."
            )
        return next(iter(found.values()))


async def _abandon(consumer: AIOKafkaConsumer) -> None:
    """End a consumer that does not stop: its background tasks wait for a broker that does not answer."""
    coordinator, fetcher = consumer._coordinator, consumer._fetcher  # noqa: SLF001  there is no public way
    tasks = [
        task
        for owner, names in (
            (coordinator, ("_coordination_task", "_heartbeat_task", "_commit_refresh_task")),
            (fetcher, ("_fetch_task",)),
        )
        for name in names
        if (task := getattr(owner, name, None)) is not None and not task.done()
    ]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=1.0)
    with suppress(Exception):
        await consumer._client.close()  # noqa: SLF001
