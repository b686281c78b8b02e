"""How far one partition number has been fetched, applied and stored, and what may be concluded from that."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from shared.bus import Resume, StoreOfAnotherCluster
from shared.bus.source import Limits, Source
from shared.clock import Clock
from shared.contracts import Topic

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The record time of a topic of which nothing has been read."""


class Progress:
    """Offsets and times by topic. `applied` and `fetched` are next offsets: of what to handle, of what to fetch."""

    def __init__(
        self,
        partition: int,
        *,
        source: Source,
        own_topics: frozenset[Topic],
        clock: Clock,
        limits: Limits,
    ) -> None:
        self.partition = partition
        self.applied: dict[Topic, int] = {}
        self.fetched: dict[Topic, int] = {}
        self.caught_up = False
        self.horizon = EPOCH
        self._source, self._clock, self._limits = source, clock, limits
        self._own = own_topics & source.topics
        self._others = source.topics - own_topics
        self._own_ends: dict[Topic, int] = {}
        self._ends: dict[Topic, tuple[int, float]] = {}
        self._reached: dict[Topic, datetime] = {}
        self._stored = Resume({}, {})

    def begin(self, stored: Resume, ends: Mapping[Topic, int]) -> None:
        """Go on from what the store says. Raises StoreOfAnotherCluster where that lies past the end of a log."""
        for topic, offset in stored.offsets.items():
            if topic in ends and offset > ends[topic]:
                raise StoreOfAnotherCluster(
                    f"The store has read {topic} {self.partition} up to {offset}, but the log ends at {ends[topic]}: "
                    "they do not belong together. Restore the log, or drop the store to have it rebuilt."
                )
        now = asyncio.get_running_loop().time()
        self._stored, self._reached, self.horizon, self.caught_up = stored, dict(stored.times), EPOCH, False
        self._ends = {topic: (end, now) for topic, end in ends.items()}
        self._own_ends = {topic: ends[topic] for topic in self._own}
        self.applied = {t: 0 if t in self._own else stored.offsets.get(t, 0) for t in self._source.topics}
        self.fetched = dict(self.applied)

    @property
    def own_unread(self) -> list[Topic]:
        """The service's own topics of which not everything that stood there at the assignment was applied."""
        return [topic for topic, end in self._own_ends.items() if self.applied[topic] < end]

    def basis(self, following: Mapping[Topic, int]) -> int:
        """How much of the partition is known once everything before these offsets is applied."""
        return sum(following[topic] for topic in self._others)

    def lag(self, topic: Topic) -> int:
        """Records of a topic not yet applied, as far as known."""
        return max(0, self._end(topic)[0] - self.applied[topic]) if topic in self.applied else 0

    def lag_seconds(self, topic: Topic) -> float:
        """Age of the last record applied, while behind."""
        if topic not in self._reached or self.lag(topic) == 0:
            return 0.0
        return max(0.0, (self._clock.now() - self._reached[topic]).total_seconds())

    def unfetched(self, topic: Topic) -> int:
        """How many records of a topic the log is known to hold beyond those fetched."""
        return max(0, self._end(topic)[0] - self.fetched[topic])

    def look(self, following: Mapping[Topic, int], times: Mapping[Topic, datetime]) -> None:
        """Move `horizon` and `caught_up` to where they are with everything before `following` applied.

        times: of the last record before `following`, by topic. A topic read to the end, as the broker said within
        the last seconds, has reached the present.
        """
        now = self._clock.now()
        caught_up = all(following[topic] >= end for topic, end in self._own_ends.items())
        horizon = now
        for topic in self._others:
            end, age = self._end(topic)
            reached = self._reached.get(topic, EPOCH)
            if topic in times:
                reached = max(reached, min(now, times[topic]))
            if following[topic] >= end and age <= self._limits.fresh:
                reached = max(reached, now)
            else:
                caught_up = False
            self._reached[topic] = reached
            horizon = min(horizon, reached)
        self.caught_up = caught_up
        self.horizon = max(self.horizon, horizon)

    def to_store(self) -> Resume | None:
        """What to store now; None where the store has it. Own topics, read again, never go below what it has."""
        resume = Resume(
            {topic: max(offset, self._stored.offsets.get(topic, 0)) for topic, offset in self.applied.items()},
            {topic: time for topic, time in self._reached.items() if time > EPOCH},
        )
        return None if resume == self._stored else resume

    def stored(self, resume: Resume) -> None:
        """The store has it."""
        self._stored = resume

    def _end(self, topic: Topic) -> tuple[int, float]:
        """The end of a topic's log, and how many seconds ago that was heard."""
        end, heard_at = self._ends.get(topic, (0, 0.0))
        age = asyncio.get_running_loop().time() - heard_at
        heard = self._source.end(topic, self.partition)
        return (end, age) if heard is None else (max(end, heard[0]), min(age, heard[1]))
