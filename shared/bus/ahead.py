"""Records fetched ahead of one partition number, and batches read from them."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.bus import Event
from shared.bus.records import decode_all
from shared.bus.source import Record
from shared.contracts import Topic

CHUNK: Final = 500
"""Records decoded before other work gets its turn: about 2 ms."""


@dataclass(slots=True)
class Taken:
    """The records of one batch, read. `next` and `times` are where each topic is once they are applied.

    unparsable: the index among the records, the record, and why. newer: what stopped the reading, and why.
    """

    next: dict[Topic, int]
    times: dict[Topic, datetime] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    unparsable: list[tuple[int, Record, str]] = field(default_factory=list)
    newer: tuple[Record, str] | None = None
    counts: Counter[Topic] = field(default_factory=Counter)
    records: int = 0


class Ahead:
    """The records fetched and not yet applied, in log order per topic. `in_hand` are those of the batch taken last."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self.in_hand = self.waiting = 0
        self._buffers: dict[Topic, deque[Record]] = {topic: deque() for topic in sorted(topics)}

    def clear(self) -> None:
        """Forget everything; a seek brings it again."""
        for buffer in self._buffers.values():
            buffer.clear()
        self.in_hand = self.waiting = 0

    def add(self, topic: Topic, records: Sequence[Record]) -> None:
        """Take in what was fetched, in order."""
        self._buffers[topic].extend(records)
        self.waiting += len(records)

    def has(self, topic: Topic) -> bool:
        """Whether records of a topic wait."""
        return bool(self._buffers[topic])

    async def take(self, room: int, applied: dict[Topic, int]) -> Taken:
        """Read the next batch: at most `room` records (at least one of each topic), a fair share of each topic.

        Short topics, which hold documents, come first. Reading stops at the first record of a newer major version.
        """
        taken = Taken(next=dict(applied))
        lengths = {topic: len(buffer) for topic, buffer in self._buffers.items() if buffer}
        self.in_hand = 0
        for index, topic in enumerate(sorted(lengths, key=lengths.__getitem__)):
            count = min(lengths[topic], max(1, room // (len(lengths) - index)))
            room -= count
            while count and taken.newer is None:
                chunk = [self._buffers[topic].popleft() for _ in range(min(count, CHUNK))]
                count -= len(chunk)
                self.waiting -= len(chunk)
                self.in_hand += len(chunk)
                _read(topic, chunk, taken)
                await asyncio.sleep(0)
        return taken


def _read(topic: Topic, records: Sequence[Record], taken: Taken) -> None:
    events, unparsable, taken.newer = decode_all(records)
    taken.events += events
    taken.unparsable += [(taken.records + index, record, why) for index, record, why in unparsable]
    taken.records += len(events) + len(unparsable)
    taken.counts[topic] += len(events)
    if events:
        taken.times[topic] = events[-1].time
    taken.next[topic] = records[-1].offset + 1 if taken.newer is None else taken.newer[0].offset
