"""Events fetched and read ahead of one partition number, and the batches they are handed over in.

Records are decoded as they are fetched, while they are warm: kept raw and decoded by the batch, each cost half as
much again (measured).
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.bus import Event
from shared.bus.records import decode_all
from shared.bus.source import Record
from shared.contracts import Topic


@dataclass(slots=True)
class Chunk:
    """Consecutive records of a topic, read. `next` is the offset after the last of them."""

    events: list[Event]
    unparsable: list[tuple[int, Record, str]]
    next: int

    def __len__(self) -> int:
        return len(self.events) + len(self.unparsable)

    def split(self, events: int) -> tuple["Chunk", "Chunk"]:
        """Two chunks, of which the first has so many events."""
        cut = self.events[events].position.offset
        early = [bad for bad in self.unparsable if bad[1].offset < cut]
        late = [(index - events - len(early), record, why) for index, record, why in self.unparsable[len(early) :]]
        return Chunk(self.events[:events], early, cut), Chunk(self.events[events:], late, self.next)


@dataclass(slots=True)
class Taken:
    """What one batch is made of. `next` and `times` are where each topic is once it is applied.

    unparsable: the index among the records taken, the record, and why.
    """

    next: dict[Topic, int]
    times: dict[Topic, datetime] = field(default_factory=dict)
    counts: dict[Topic, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    unparsable: list[tuple[int, Record, str]] = field(default_factory=list)
    records: int = 0

    def add(self, topic: Topic, chunk: Chunk) -> None:
        """Take a topic's next chunk."""
        self.unparsable += [(self.records + index, record, why) for index, record, why in chunk.unparsable]
        self.events += chunk.events
        self.records += len(chunk)
        self.counts[topic] = self.counts.get(topic, 0) + len(chunk.events)
        if chunk.events:
            self.times[topic] = chunk.events[-1].time
        self.next[topic] = chunk.next


class Ahead:
    """What was fetched and not yet applied, in log order per topic.

    waiting: records not yet taken. in_hand: of the batch taken last. newer: the record, if any, that only a newer
    version of Rapport can read, and why; nothing after it is taken in.
    """

    def __init__(self, topics: Iterable[Topic]) -> None:
        self.in_hand = self.waiting = 0
        self.newer: tuple[Record, str] | None = None
        self._chunks: dict[Topic, deque[Chunk]] = {topic: deque() for topic in sorted(topics)}

    def clear(self) -> None:
        """Forget everything; a seek brings it again."""
        for chunks in self._chunks.values():
            chunks.clear()
        self.in_hand = self.waiting = 0
        self.newer = None

    def add(self, topic: Topic, records: Sequence[Record]) -> None:
        """Read and take in what was fetched, in order."""
        if self.newer is not None:
            return
        events, unparsable, self.newer = decode_all(records)
        following = records[-1].offset + 1 if self.newer is None else self.newer[0].offset
        if events or unparsable:
            chunk = Chunk(events, unparsable, following)
            self._chunks[topic].append(chunk)
            self.waiting += len(chunk)

    def has(self, topic: Topic) -> bool:
        """Whether records of a topic wait."""
        return bool(self._chunks[topic])

    def take(self, room: int, applied: dict[Topic, int]) -> Taken:
        """The next batch: about `room` records (at least one of each topic), a fair share of each topic.

        Short topics, which hold documents, come first.
        """
        taken = Taken(next=dict(applied))
        lengths = {topic: sum(map(len, chunks)) for topic, chunks in self._chunks.items() if chunks}
        for index, topic in enumerate(sorted(lengths, key=lengths.__getitem__)):
            share = max(1, (room - taken.records) // (len(lengths) - index))
            chunks = self._chunks[topic]
            while chunks and share > 0:
                chunk = chunks.popleft()
                if len(chunk.events) > share:
                    chunk, rest = chunk.split(share)
                    chunks.appendleft(rest)
                taken.add(topic, chunk)
                share -= len(chunk)
        self.waiting -= taken.records
        self.in_hand = taken.records
        return taken
