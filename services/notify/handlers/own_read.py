"""What may be relied on after a start: the partitions whose own topics were read to where they ended then.

A store that was restored from a backup holds alerts as they were, and rows that are long overdue: to send by it, or to
write on top of it, would tell of what somebody closed, and undo that for good. So nothing is sent and nothing decided
about a patient before their partition was read: by us where it is ours, else by whoever has it, as the store says.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Protocol

from shared.bus import Position
from shared.bus.lane import HALTS
from shared.bus.records import partition_of
from shared.bus.runner import Health
from shared.contracts import Topic
from shared.errors import Recoverable, StillReading
from shared.logs import logger

log = logger(__name__)
EVERY: Final = 0.5
"""Seconds between two looks."""


class Ends(Protocol):
    """The bus, as far as it is asked where topics end. `shared.bus.kafka.KafkaSource` is one."""

    @property
    def partitions(self) -> int:
        """How many partition numbers there are; 0 while not connected."""
        ...

    async def ends(self, partition: int) -> Mapping[Topic, int]:
        """The offset the next record will get, by topic. Raises Recoverable."""
        ...


class OwnRead:
    """Which partitions were read since this process started; one that was stays so: a rebalance stops nothing.

    A store must not be replaced by an older one while notify runs (docs/runbook.md): that is not noticed here.
    """

    def __init__(
        self,
        *,
        source: Ends,
        health: Callable[[], Health],
        passed: Callable[[Position], Awaitable[bool]],
        topics: frozenset[Topic],
    ) -> None:
        """health: of the runner; passed: whether the store's resume point is beyond a position; topics: our own."""
        self._source, self._health, self._passed, self._topics = source, health, passed, topics
        self._ends: dict[int, list[Position]] = {}
        self._read: set[int] = set()

    async def run(self) -> None:
        """Look until every partition was read; then there is nothing more to look at."""
        while not self.complete:
            try:
                await self.look()
            except Recoverable:
                log.warning("own_topics_not_looked_at")
            await asyncio.sleep(EVERY)
        log.info("own_topics_read", partitions=len(self._read))

    @property
    def complete(self) -> bool:
        """Whether every partition was read."""
        return bool(self._source.partitions) and len(self._read) >= self._source.partitions

    def covers(self, keys: Iterable[str]) -> bool:
        """Whether what is known of these patients' documents is the newest. keys: `clinic/patient`, or any longer."""
        if self.complete:
            return True
        count = self._source.partitions
        return count > 0 and all(self._is_read(partition_of(key.encode(), count)) for key in keys)

    def check(self, key: str) -> None:
        """Raises StillReading where nothing may be decided about a document yet."""
        if not self.covers([key]):
            raise StillReading

    def _is_read(self, partition: int) -> bool:
        if partition not in self._read:
            lane = self._health().lanes.get(partition)
            if lane is not None and lane.own_read:
                self._read.add(partition)
        return partition in self._read

    async def look(self) -> None:
        """See which partitions were read by now. Raises Recoverable."""
        for partition in range(self._source.partitions):
            if partition not in self._ends:
                ends = await self._source.ends(partition)
                self._ends[partition] = [Position(topic, partition, ends[topic] - 1) for topic in self._topics]
            if self._is_read(partition) or not self._by_the_store(partition):
                continue
            if all([end.offset < 0 or await self._passed(end) for end in self._ends[partition]]):
                self._read.add(partition)

    def _by_the_store(self, partition: int) -> bool:
        """Whether the store's word is all there will be: the partition is another's, or stopped until a human looks.

        A stopped one pages. Where the store knew its topics to the end, its alerts go on being escalated all the same.
        """
        health = self._health()
        lane = health.lanes.get(partition)
        return bool(health.ready or health.lanes) if lane is None else lane.state in HALTS


def caught_up(health: Callable[[], Health]) -> bool:
    """Whether all there is was read, our own topics or others', but for what waits for a human."""
    lanes = health().lanes.values()
    return bool(lanes) and all(lane.caught_up or lane.state in HALTS for lane in lanes)
