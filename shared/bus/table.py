"""A topic read whole by every instance: clinics, before any patient is handled."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

from shared.bus import Event, Position
from shared.bus.outcomes import WORLD, Backoff, describe
from shared.bus.records import decode
from shared.bus.runner import Health
from shared.bus.source import Limits, Record, Source
from shared.contracts import Topic
from shared.errors import NewerMajor, Unparsable
from shared.logs import logger

log = logger(__name__)


class TableFeed:
    """Feeds every event of a source without a group to `on_event`, from the beginning, in order per key, for ever.

    complete: set once everything that stood in the log at the start has been fed. After a lost connection it reads on
    from where it was. What cannot be read, or fails again and again, is skipped and shown in `health`: unlike a
    patient's facts, a document is followed by its next version. A newer major version stops the feed.
    """

    def __init__(
        self,
        *,
        service: str,
        source: Source,
        on_event: Callable[[Event], Awaitable[None]],
        limits: Limits | None = None,
    ) -> None:
        self.complete = asyncio.Event()
        self._service, self._source, self._on_event = service, source, on_event
        self._limits = limits or Limits()
        self._backoff = Backoff(self._limits)
        self._next: dict[tuple[Topic, int], int] = {}
        self._until: dict[tuple[Topic, int], int] | None = None
        self._trouble: str | None = None
        self._skipped = 0
        self._newer: str | None = None
        self._given: Collection[int] = ()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    await self._connect()
                    while self._newer is None:
                        await self._read_some()
                except Exception as error:  # noqa: BLE001  whatever it is, try again, and say so meanwhile
                    self._trouble = f"{self._topics} cannot be read at present: {describe(error)}."
                    log.warning("table_feed_lost", reason=describe(error))
                await self._source.close()
                if self._newer is not None:
                    await asyncio.Event().wait()
                await asyncio.sleep(self._backoff.next())
        finally:
            with suppress(asyncio.CancelledError):
                await self._source.close()

    async def passed(self, position: Position) -> bool:
        """Whether everything up to a position has been fed, for `wait_for`."""
        return self._next.get((position.topic, position.partition), 0) > position.offset

    def health(self) -> Health:
        """How it is, for `/readyz`: ready once the whole table is known."""
        fatal = [self._newer] if self._newer else []
        if not self.complete.is_set():
            fatal.append(self._trouble or f"{self._topics} has not been read whole yet.")
        notes = [self._trouble] if self._trouble and self.complete.is_set() else []
        if self._skipped:
            notes.append(f"{self._skipped} records of {self._topics} could not be read and were skipped.")
        return Health(not fatal, fatal + notes)

    async def assigned(self, partitions: Collection[int]) -> None:
        """Called by the source."""
        self._given = partitions

    async def revoked(self, partitions: Collection[int]) -> None:
        """Called by nobody: there is no group."""

    @property
    def _topics(self) -> str:
        return ", ".join(sorted(self._source.topics))

    async def _connect(self) -> None:
        await self._source.open(self)
        for partition in self._given:
            ends = await self._source.ends(partition)
            for topic, end in ends.items():
                if self._next.get((topic, partition), 0) > end:
                    log.error("log_went_back", topic=topic, partition=partition)
                    self._next[topic, partition] = 0
                if self._until is None or not self.complete.is_set():
                    self._until = {**(self._until or {}), (topic, partition): end}
                self._source.seek(topic, partition, self._next.setdefault((topic, partition), 0))
        self._trouble = None
        self._backoff.reset()
        await self._note_complete()

    async def _read_some(self) -> None:
        polled = await self._source.poll(list(self._next), limit=1_000, seconds=0.25)
        for place, records in polled.items():
            for record in records:
                await self._feed(record)
                if self._newer is not None:
                    return
                self._next[place] = record.offset + 1
        await self._note_complete()

    async def _note_complete(self) -> None:
        if self.complete.is_set() or self._until is None:
            return
        for (topic, partition), end in self._until.items():
            if self._next[topic, partition] < end and await self._source.position(topic, partition) < end:
                return
        self.complete.set()

    async def _feed(self, record: Record) -> None:
        try:
            event = decode(record)
        except Unparsable as error:
            self._skip(record, str(error))
            return
        except NewerMajor as error:
            self._newer = f"{record.topic} holds a record of a newer version of Rapport: {error}."
            log.error("newer_major", topic=record.topic, offset=record.offset, reason=str(error))  # noqa: TRY400
            return
        bugs = 0
        while True:
            try:
                await self._on_event(event)
            except WORLD as error:
                self._trouble = f"{self._topics} waits: {describe(error)}."
                await asyncio.sleep(self._backoff.next())
            except Exception as error:  # noqa: BLE001
                bugs += 1
                if bugs == self._limits.tries:
                    self._skip(record, describe(error))
                    return
            else:
                self._trouble = None
                return

    def _skip(self, record: Record, reason: str) -> None:
        self._skipped += 1
        log.error("table_record_skipped", topic=record.topic, offset=record.offset, reason=reason)
