"""The bus suite on the broker in memory."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from shared.bus.memory import MemoryBroker, MemoryPublisher, MemorySource
from shared.bus.source import Record, Source
from shared.contracts import Topic
from tests.behaviour.bus import BusSuite
from tests.behaviour.bus_parts import Publishing


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


@pytest.fixture
def bus() -> MemoryBus:
    """An empty broker."""
    return MemoryBus()


class TestMemoryBus(BusSuite):
    """What the bus promises, in memory."""
