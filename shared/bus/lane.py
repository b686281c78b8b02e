"""One partition number of all subscribed topics, from its assignment until it is revoked."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, Literal, get_args

from shared import metrics
from shared.bus import Batch, Event, Handler, Message, Position, ResumeStore, StoreOfAnotherCluster, StoreReplaced
from shared.bus.ahead import Ahead, Taken
from shared.bus.outcomes import WORLD, DeadLetters, Fuse, describe
from shared.bus.patience import Leaving, Patience
from shared.bus.progress import Progress
from shared.bus.records import clinic_of, encode
from shared.bus.source import Limits, Record, Source
from shared.clock import Clock
from shared.contracts import Topic
from shared.logs import logger

log = logger(__name__)

Halt = Literal["newer_major", "fuse"]
HALTS: Final[tuple[Halt, ...]] = get_args(Halt)
"""Why a lane goes no further, each of which waits for a human."""
MUCH: Final = 1_000
"""Records still to be fetched from which on a lane waits until memory is full."""
SOON: Final = 0.05
"""Seconds after which a lane with enough looks whether a turn has come free."""


class _Halted(Exception):  # noqa: N818
    """The partition goes no further until a human has looked."""

    def __init__(self, why: Halt) -> None:
        super().__init__(why)
        self.why: Halt = why


@dataclass(frozen=True, kw_only=True)
class Work:
    """What all lanes of a service share."""

    service: str
    source: Source
    handler: Handler
    resume: ResumeStore
    dead_letters: DeadLetters
    own_topics: frozenset[Topic]
    clock: Clock
    limits: Limits
    turns: asyncio.Semaphore
    fuse_blown: Callable[[int], None]
    full: Callable[[int], bool]


class Lane:
    """Reads ahead, hands batches over one after the other, and stores how far it has come.

    `accept` is called by the runner's polling; everything else happens in the task that `run` is.
    """

    def __init__(self, partition: int, work: Work) -> None:
        self.partition = partition
        self.progress = Progress(
            partition, source=work.source, own_topics=work.own_topics, clock=work.clock, limits=work.limits
        )
        self.halted: Halt | None = None
        self.busy_since: float | None = None
        self.tick_trouble: str | None = None
        self._work, self._limits = work, work.limits
        self._ahead, self._fuse = Ahead(work.source.topics), Fuse(work.limits)
        self._patience = Patience(partition, work.limits)
        self._leaving, self._wake = self._patience.leaving, asyncio.Event()
        self._positioned = self._disowned = self._known_to_handler = False
        self._allowed = work.limits.batch_records
        self._stored_at = self._tick_due = 0.0

    # --- what the runner sees and does

    @property
    def state(self) -> str:
        """In a word, for people: what the lane is about."""
        if self.halted is not None:
            return self.halted
        if self.trouble is not None:
            return "waiting"
        if not self._positioned:
            return "opening"
        return "replaying" if self.progress.own_unread else "running"

    @property
    def own_read(self) -> bool:
        """Whether what the service itself had written, when the partition was assigned, has all been applied."""
        return self._positioned and not self.progress.own_unread

    @property
    def _at_rest(self) -> bool:
        """Whether it is halted and does nothing more. Another lane's fuse lets it read the service's own topics to
        their end first: what was said there by ourselves is needed by whoever goes on without the bus."""
        return self.halted is not None and not (self.halted == "fuse" and self.progress.own_unread)

    @property
    def trouble(self) -> str | None:
        """The class and place of the error it is waiting out."""
        return self._patience.trouble

    @property
    def held(self) -> int:
        """Records in memory that will soon be done with; what waits for the world must not starve the others."""
        return 0 if self._at_rest or self.trouble else self._ahead.waiting + self._ahead.in_hand

    @property
    def waiting(self) -> int:
        """Those of them that no batch has taken yet."""
        return self._ahead.waiting if self.held else 0

    def wanted(self) -> Sequence[Topic]:
        """The topics to fetch: none while there is enough, the service's own ones until they are applied."""
        if not self._positioned or self._at_rest or self.trouble or self._ahead.newer is not None:
            return ()
        if self._ahead.waiting >= self._allowed:
            return ()
        return self.progress.own_unread or list(self.progress.applied)

    def accept(self, topic: Topic, records: Sequence[Record]) -> None:
        """Take in records just polled. Before the lane has sought its place they are dropped; the seek brings them."""
        if not self._positioned or not records:
            return
        if records[0].offset < self.progress.fetched[topic]:
            log.error("log_went_back", partition=self.partition, topic=topic)
            self._positioned = False  # the log is shorter than it was: open anew, which looks at it closely
        else:
            self._ahead.add(topic, records)
            self.progress.fetched[topic] = records[-1].offset + 1
        self._wake.set()

    def nudge(self) -> None:
        """Look again: something outside the lane has changed."""
        self._wake.set()

    def halt(self, why: Halt) -> None:
        """Go no further."""
        self.halted = self.halted or why
        self._wake.set()

    async def leave(self, task: asyncio.Task[None], grace: float) -> None:
        """End the lane's task, letting the batch in hand finish within `grace` seconds, and let the handler forget."""
        self._leaving.set()
        self._wake.set()
        await asyncio.wait({task}, timeout=grace)
        self._disowned = True
        if not task.done():
            log.warning("batch_dropped", partition=self.partition)
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)
        await self._forget()

    # --- the life of a lane

    async def run(self) -> None:
        """Until told to leave. Raises StoreOfAnotherCluster; everything else is dealt with here."""
        with suppress(Leaving):
            while True:
                try:
                    await self._begin()
                    while self._positioned:
                        await self._step()
                except StoreReplaced:
                    log.warning("store_replaced", partition=self.partition)
                except _Halted as halted:
                    self.halt(halted.why)
                    await self._leaving.wait()
                    return
                self._positioned = False
                await self._forget()

    async def _begin(self) -> None:
        """Ask the store how far it is, and go there."""
        work, partition, until_done = self._work, self.partition, self._patience.until_done
        stored = await until_done(lambda: work.resume.open(partition, work.source.cluster))
        ends = await until_done(lambda: work.source.ends(partition))
        self._ahead.clear()
        self.progress.begin(stored, ends)
        self._known_to_handler = True
        await until_done(lambda: work.handler.assigned(partition))
        await until_done(self._seek)
        self._stored_at = self._tick_due = asyncio.get_running_loop().time()

    async def _seek(self) -> None:
        for topic, offset in self.progress.applied.items():
            self._work.source.seek(topic, self.partition, offset)
        self._positioned = True

    async def _step(self) -> None:
        """One batch, or one tick, or one rest."""
        if self._leaving.is_set():
            await self._save()  # the time reached, where nothing but time has passed
            raise Leaving
        if self.halted and self._at_rest:
            raise _Halted(self.halted)
        if self._ahead.waiting:
            await self._linger()
            await self._apply(self._ahead.take(self._allowed, self.progress.applied))
        elif self._ahead.newer is not None:
            record, reason = self._ahead.newer
            log.error("newer_major", topic=record.topic, partition=self.partition, offset=record.offset, reason=reason)
            raise _Halted("newer_major")
        else:
            await self._settle()
            self.progress.look(self.progress.applied, {})
        if not await self._tick() and not self._ahead.waiting:
            await self._rest(self._tick_due - asyncio.get_running_loop().time())

    async def _settle(self) -> None:
        """With nothing in hand, what polling has passed over (compacted away) counts as applied."""
        for topic in self.progress.applied:
            position = await self._patience.until_done(partial(self._work.source.position, topic, self.partition))
            if position > self.progress.applied[topic] and not self._ahead.has(topic):
                self.progress.applied[topic] = self.progress.fetched[topic] = position

    async def _rest(self, seconds: float) -> None:
        """Until there is something to do, at most so long."""
        self._wake.clear()
        if not (self._ahead.waiting or self._leaving.is_set() or self._at_rest) and self._positioned and seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()

    async def _linger(self) -> None:
        """Where more is to come, wait for a fuller batch: it is assessed, said and stored once however full it is.

        A moment; where much is to come until memory is full of it, then the fullest lanes go on; and as long as all
        turns are taken anyway. Never longer than a batch may take.
        """
        began = (loop := asyncio.get_running_loop()).time()
        while unfetched := sum(map(self.progress.unfetched, self.wanted())):
            waited, longest = loop.time() - began, self._limits.batch_seconds
            moment = longest if unfetched >= min(MUCH, self._allowed) else self._limits.linger
            enough = waited >= moment or self._work.full(self.partition)
            if self._leaving.is_set() or waited >= longest or (enough and not self._work.turns.locked()):
                return
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(SOON if enough else moment - waited):
                    await self._wake.wait()

    # --- a batch

    async def _apply(self, taken: Taken) -> None:
        """Divert what cannot be read, hand over the rest, store how far that is."""
        for index, record, reason in taken.unparsable:
            await self._divert(index, record, reason)
        before = self.progress.horizon
        self.progress.look(taken.next, taken.times)
        if taken.events:
            batch = Batch(
                partition=self.partition,
                events=taken.events,
                basis=self.progress.basis(taken.next),
                horizon=self.progress.horizon,
                caught_up=self.progress.caught_up,
            )
            await self._hand_over(batch, 0, before)
        self._fuse.seen(taken.records)
        self.progress.applied = taken.next
        await self._save()
        self._ahead.in_hand = 0
        for topic, count in taken.counts.items():
            metrics.BUS_CONSUMED.labels(self._work.service, topic).inc(count)

    async def _divert(self, index: int, record: Record, reason: str) -> None:
        origin = Position(Topic(record.topic), record.partition, record.offset)
        log.error("unparsable", topic=origin.topic, partition=self.partition, offset=origin.offset, reason=reason)
        self._burn(index, clinic_of(record.key))
        await self._patience.until_done(
            lambda: self._work.dead_letters.send(
                origin, "unparsable", reason, key=record.key, value=record.value, headers=record.headers
            )
        )

    async def _hand_over(self, batch: Batch, index: int, before: datetime) -> None:
        """Have a batch applied. With a bug in the way, its events one by one, and what fails alone is set aside.

        index: of its first event among the records taken. before: the horizon without any of its events.
        """
        bugs, reason, tries = 0, "", self._limits.tries
        if len(batch.events) == 1 and self._fuse.used_up(batch.events[0].data.clinic):
            tries = 1  # one clinic's bad events by the thousand must not keep the others of the partition waiting
        while bugs < tries:
            try:
                await self._timed(batch)
            except WORLD as error:
                metrics.BUS_RETRIES.labels(self._work.service).inc()
                await self._patience.wait_out(error)
            except (StoreReplaced, StoreOfAnotherCluster):
                raise
            except Exception as error:  # noqa: BLE001  whatever it is, the others must go on
                bugs += 1
                reason = describe(error)
                self._say("handler_failed", reason)
                if tries > 1:
                    await self._patience.pause(self._limits.first_wait)
            else:
                self._patience.at_ease()
                return
        if len(batch.events) == 1:
            await self._set_aside(batch.events[0], reason, index)
            return
        following = dict(self.progress.applied)
        for offset, event in enumerate(batch.events):
            following[event.position.topic] = event.position.offset + 1
            basis = self.progress.basis(following)
            alone = replace(batch, events=[event], basis=basis, horizon=before, caught_up=False)
            await self._hand_over(alone, index + offset, before)

    async def _set_aside(self, event: Event, reason: str, index: int) -> None:
        origin = event.position
        log.error("set_aside", topic=origin.topic, partition=self.partition, offset=origin.offset, reason=reason)
        self._burn(index, event.data.clinic)
        record = encode(Message(event.id, event.time, event.data))
        await self._patience.until_done(lambda: self._work.handler.set_aside(event, reason))
        await self._patience.until_done(
            lambda: self._work.dead_letters.send(
                origin, "set_aside", reason, key=record.key, value=event.value, headers=record.headers
            )
        )

    def _burn(self, index: int, clinic: str | None) -> None:
        if self._fuse.divert(index, clinic):
            self._work.fuse_blown(self.partition)
            raise _Halted("fuse")

    async def _timed(self, batch: Batch) -> None:
        """Run the handler in its turn, and fit the size of batches to the time they may take."""
        loop = asyncio.get_running_loop()
        async with self._work.turns:
            started = self.busy_since = loop.time()
            try:
                await self._work.handler.handle(batch)
            finally:
                self.busy_since = None
        took, bound, events = loop.time() - started, self._limits.batch_seconds, len(batch.events)
        metrics.BUS_BATCH_SECONDS.labels(self._work.service).observe(took)
        if took > bound:
            log.warning("batch_took_long", partition=self.partition, events=events, seconds=round(took, 1))
        if took > bound / 2:
            self._allowed = max(1, min(self._allowed, int(events * bound / took / 2)))
        else:
            self._allowed = min(self._limits.batch_records, self._allowed * 2)

    async def _tick(self) -> bool:
        """Ask what falls due, where it is time to. False where it is not, or nothing may be concluded yet."""
        now = asyncio.get_running_loop().time()
        if now < self._tick_due:
            return False
        self._tick_due = now + self._limits.tick
        if not self.progress.caught_up:
            return False
        basis = self.progress.basis(self.progress.applied)
        try:
            async with self._work.turns:
                await self._work.handler.tick(self.partition, basis, self.progress.horizon)
        except (StoreReplaced, StoreOfAnotherCluster):
            raise
        except Exception as error:  # noqa: BLE001  the next tick is another try
            self.tick_trouble = describe(error)
            log.warning("tick_failed", partition=self.partition, reason=self.tick_trouble)
            return False
        self.tick_trouble = None
        if now - self._stored_at >= self._limits.keep_time:
            await self._save()
        return True

    async def _save(self) -> None:
        if self._disowned:
            raise Leaving
        resume = self.progress.to_store()
        if resume is not None:
            await self._patience.until_done(lambda: self._work.resume.save(self.partition, resume))
            self.progress.stored(resume)
        self._stored_at = asyncio.get_running_loop().time()

    async def _forget(self) -> None:
        """Let the handler drop what it knows of the partition."""
        if not self._known_to_handler:
            return
        self._known_to_handler = False
        try:
            async with asyncio.timeout(self._limits.grace or 1.0):
                await self._work.handler.revoked(self.partition)
        except Exception as error:  # noqa: BLE001  it is ours no more, whatever the handler says
            self._say("revoked_failed", describe(error))

    def _say(self, event: str, reason: str) -> None:
        """An error, without its traceback: that holds the message, which may hold what a patient said."""
        log.error(event, partition=self.partition, reason=reason)
