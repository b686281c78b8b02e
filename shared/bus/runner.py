"""Runs a service's handler over its topics: connects, polls, keeps one lane per partition number, never just ends."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nlargest
from operator import attrgetter
from typing import Final, Protocol

from shared import metrics
from shared.bus import Handler, Position, ResumeStore, StoreOfAnotherCluster
from shared.bus.lane import HALTS, Lane, Work
from shared.bus.outcomes import Backoff, DeadLetters, describe
from shared.bus.patience import to_the_end
from shared.bus.source import Limits, Place, RawPublisher, Refused, Source
from shared.clock import Clock
from shared.contracts import Topic
from shared.errors import Recoverable
from shared.logs import logger

log = logger(__name__)

IDLE: Final = 0.25
"""Seconds one poll waits for records while every lane has room."""
BUSY: Final = 0.02
"""The same while some lane has none, so that it is asked again soon."""
POLLED: Final = 1_000
"""Records fetched and read at one go, before other work gets its turn: about 4 ms."""
OBSERVE_EVERY: Final = 1.0
SHOW_EVERY: Final = 5.0
SILENT_FOR: Final = 60.0
"""Seconds after which a poll or a batch that does not return makes the service not ready."""


@dataclass(frozen=True, slots=True)
class LaneHealth:
    """A partition number: what it is about, records not yet applied, and whether it is read to the end.

    own_read: whether the service's own topics were read to where they ended when the partition was assigned.
    """

    state: str
    lag: int
    caught_up: bool
    own_read: bool


@dataclass(frozen=True, slots=True)
class Health:
    """ready: whether events are being applied. reasons: what is wrong, ready or not, in sentences without data."""

    ready: bool
    reasons: list[str]
    lanes: Mapping[int, LaneHealth] = field(default_factory=dict)
    last_poll: datetime | None = None


class Runner:
    """Applies events until cancelled or stopped. What goes wrong is waited out; `health` says so meanwhile."""

    def __init__(
        self,
        *,
        service: str,
        source: Source,
        handler: Handler,
        resume: ResumeStore,
        publisher: RawPublisher,
        own_topics: frozenset[Topic] = frozenset(),
        clock: Clock,
        limits: Limits | None = None,
    ) -> None:
        self._service, self._source, self._clock = service, source, clock
        self._limits = limits or Limits()
        self._work = Work(
            service=service,
            source=source,
            handler=handler,
            resume=resume,
            dead_letters=DeadLetters(publisher, service),
            own_topics=own_topics,
            clock=clock,
            limits=self._limits,
            turns=asyncio.Semaphore(self._limits.concurrency),
            fuse_blown=self._blow_fuse,
            full=lambda partition: partition in self._fullest,
        )
        self._lanes: dict[int, tuple[Lane, asyncio.Task[None]]] = {}
        self._backoff = Backoff(self._limits)
        self._session: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._stopping = asyncio.Event()
        self._joined = False
        self._fullest: frozenset[int] = frozenset()
        self._fuse_on: int | None = None
        self._trouble: str | None = "The bus has not been reached yet."
        self._failed: asyncio.Future[None] | None = None
        self._last_poll: datetime | None = None
        self._polled_at = self._begun_at = 0.0
        self._observed: set[Place] = set()
        self._observe_due = self._show_due = 0.0
        self._showing: asyncio.Task[None] | None = None
        metrics.BUS_RETRIES.labels(service)
        for topic in source.topics:  # a counter that appears with its first event hides it from `increase`
            for kind in ("unparsable", "set_aside"):
                metrics.BUS_DEAD_LETTERS.labels(service, topic, kind)

    # --- the life of a runner

    async def run(self) -> None:
        """Until `stop`, or cancelled, which also finishes the batches in hand and leaves the group."""
        self._stopping.clear()
        self._ended.clear()
        try:
            while not self._stopping.is_set():
                self._begun_at = asyncio.get_running_loop().time()
                self._session = asyncio.create_task(self._live(), name=f"{self._service} bus")
                try:
                    await asyncio.wait({self._session})
                except asyncio.CancelledError:
                    self._session.cancel()
                    await asyncio.wait({self._session})
                    raise
                if not self._stopping.is_set():
                    await self._wait_after(self._session)
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Finish the batches in hand, store, leave the group so that others take over at once. Returns when done."""
        self._stopping.set()
        if self._session is not None:
            self._session.cancel()
            await self._ended.wait()

    async def _live(self) -> None:
        """One connection: open, poll until something breaks, let go."""
        self._failed = asyncio.get_running_loop().create_future()
        try:
            self._joined = False
            await self._source.open(self)
            while not self._failed.done():
                await self._poll()
            await self._failed
        finally:
            await to_the_end(self._let_go())

    async def _let_go(self) -> None:
        await self.revoked(list(self._lanes))
        await self._source.close()
        if self._showing is not None:
            self._showing.cancel()
            await asyncio.wait({self._showing}, timeout=1.0)

    async def _wait_after(self, session: asyncio.Task[None]) -> None:
        error = None if session.cancelled() else session.exception()
        if asyncio.get_running_loop().time() - self._begun_at > 2 * self._limits.longest_wait:
            self._backoff.reset()
        seconds = self._backoff.next()
        if isinstance(error, (Refused, StoreOfAnotherCluster)):
            self._trouble = str(error)
            log.error("refused", reason=self._trouble, seconds=round(seconds, 2))
        else:
            what = describe(error) if error is not None else "interrupted"
            self._trouble = f"The bus is being reached again ({what})."
            tell = log.warning if isinstance(error, Recoverable) else log.error
            tell("bus_lost", reason=what, seconds=round(seconds, 2))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _poll(self) -> None:
        lanes = [lane for lane, _ in self._lanes.values()]
        full = sum(lane.held for lane in lanes) >= self._limits.most_buffered
        fullest = nlargest(self._limits.concurrency, lanes, key=attrgetter("waiting")) if full else []
        self._fullest = frozenset(lane.partition for lane in fullest)
        for lane in fullest:
            lane.nudge()
        wanted = [] if full else [(topic, lane.partition) for lane in lanes for topic in lane.wanted()]
        everything = len(wanted) == len(lanes) * len(self._source.topics)
        polled = await self._source.poll(
            wanted,
            limit=POLLED,
            seconds=IDLE if everything else BUSY,
        )
        for (topic, partition), records in polled.items():
            if partition in self._lanes:
                self._lanes[partition][0].accept(topic, records)
        await asyncio.sleep(0)  # a poll that finds records does not wait; the lanes must have their turn
        if self._trouble and self._joined and all(lane.state != "opening" for lane in lanes):
            self._trouble = None
        self._last_poll, self._polled_at = self._clock.now(), asyncio.get_running_loop().time()
        if self._polled_at >= self._observe_due:
            self._observe()

    # --- whose partition it is

    async def assigned(self, partitions: Collection[int]) -> None:
        """Called by the source: begin with these partitions."""
        metrics.BUS_REBALANCES.labels(self._service).inc()
        log.info("assigned", partitions=sorted(partitions))
        for partition in sorted(partitions):
            lane = Lane(partition, self._work)
            if self._fuse_on is not None:
                lane.halt("fuse")
            task = asyncio.create_task(lane.run(), name=f"{self._service} {partition}")
            task.add_done_callback(self._lane_ended)
            self._lanes[partition] = lane, task
        self._joined = True

    async def revoked(self, partitions: Collection[int]) -> None:
        """Called by the source: return once nothing more of these partitions will be stored."""
        leaving = [self._lanes[partition] for partition in partitions if partition in self._lanes]
        await asyncio.gather(*(lane.leave(task, self._limits.grace) for lane, task in leaving))
        for lane, task in leaving:
            if self._lanes.get(lane.partition) == (lane, task):  # the source and a stop may both have said so
                del self._lanes[lane.partition]
        if leaving:
            log.info("revoked", partitions=sorted(lane.partition for lane, _ in leaving))
            self._observe()

    def _lane_ended(self, task: asyncio.Task[None]) -> None:
        """A lane that ends by itself takes the connection with it: all is opened anew."""
        error = None if task.cancelled() else task.exception()
        if error is not None and self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    def _blow_fuse(self, partition: int) -> None:
        """Stop all lanes, and stay in the group: moving on would only let the others blow theirs."""
        self._fuse_on = partition
        log.error("fuse_blown", partition=partition)
        for lane, _ in self._lanes.values():
            lane.halt("fuse")

    # --- what can be seen from outside

    def health(self) -> Health:
        """How it is, for `/readyz`."""
        lanes = {
            partition: LaneHealth(
                lane.state, lag := self._lag(lane), lane.progress.caught_up and lag == 0, lane.own_read
            )
            for partition, (lane, _) in sorted(self._lanes.items())
        }
        fatal = [self._trouble] if self._trouble else []
        if self._fuse_on is not None:
            fatal.append(
                f"The fuse has blown on partition {self._fuse_on}: too many records could not be applied, "
                "and not of one clinic alone. "
                "Find the cause in the dead letters, then restart."
            )
        if not self._trouble and self._silent():
            fatal.append(f"Nothing has been asked of the bus, or a batch has not ended, for {SILENT_FOR:.0f} s.")
        notes = [
            f"Partition {p} waits for a newer version of Rapport: it holds a record this version cannot read yet."
            for p, lane in lanes.items()
            if lane.state == "newer_major"
        ]
        notes += [
            f"Partition {partition} waits: {trouble}."
            for partition, (lane, _) in sorted(self._lanes.items())
            if (trouble := lane.trouble or lane.tick_trouble)
        ]
        return Health(not fatal, fatal + notes, lanes, self._last_poll)

    def _lag(self, lane: Lane) -> int:
        return sum(lane.progress.lag(topic) for topic in self._source.topics)

    def _silent(self) -> bool:
        now = asyncio.get_running_loop().time()
        oldest = min((lane.busy_since for lane, _ in self._lanes.values() if lane.busy_since), default=now)
        return now - min(oldest, self._polled_at or now) > SILENT_FOR

    def _observe(self) -> None:
        """Set the gauges, and now and then show the group's offsets."""
        now = asyncio.get_running_loop().time()
        self._observe_due = now + OBSERVE_EVERY
        service = self._service
        if self._last_poll is not None:
            metrics.BUS_LAST_POLL.labels(service).set(self._last_poll.timestamp())
        states = [lane.halted for lane, _ in self._lanes.values()]
        for why in HALTS:
            metrics.BUS_STOPPED.labels(service, why).set(states.count(why))
        places = {(topic, partition) for partition in self._lanes for topic in self._source.topics}
        for topic, partition in self._observed - places:
            for gauge in (metrics.BUS_LAG_RECORDS, metrics.BUS_LAG_SECONDS):
                with suppress(KeyError):
                    gauge.remove(service, topic, str(partition))
        for topic, partition in places:
            progress = self._lanes[partition][0].progress
            metrics.BUS_LAG_RECORDS.labels(service, topic, partition).set(progress.lag(topic))
            metrics.BUS_LAG_SECONDS.labels(service, topic, partition).set(progress.lag_seconds(topic))
        self._observed = places
        if now >= self._show_due and (self._showing is None or self._showing.done()):
            self._show_due = now + SHOW_EVERY
            offsets = {
                (topic, partition): offset
                for partition, (lane, _) in self._lanes.items()
                for topic, offset in lane.progress.applied.items()
            }
            self._showing = asyncio.create_task(self._source.show(offsets), name=f"{service} offsets")


class _Reads(Protocol):
    async def passed(self, position: Position) -> bool: ...


async def wait_for(reads: _Reads, position: Position, timeout: float = 2.0) -> bool:  # noqa: ASYNC109  a promise to the caller, not a cancellation
    """Whether what is stored came to include a position within `timeout` seconds. Raises what `passed` raises."""
    loop = asyncio.get_running_loop()
    until, pause = loop.time() + timeout, 0.005
    while not await reads.passed(position):
        if loop.time() >= until:
            return False
        await asyncio.sleep(min(pause, max(0.0, until - loop.time())))
        pause = min(0.1, pause * 1.5)
    return True
