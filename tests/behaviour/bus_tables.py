"""A topic read whole by every instance."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from structlog.testing import capture_logs

from shared.bus import Event, Message
from shared.bus.runner import wait_for
from shared.bus.table import TableFeed
from shared.contracts import Clinician, Topic
from shared.errors import Recoverable
from tests.behaviour.bus_parts import QUICK, Bus, eventually, publish, publish_record

CLINICS = frozenset({Topic.CLINICS})


def clinician(version: int) -> Message:
    """A clinician's document."""
    data = Clinician(clinic="hill", clinician="c1", version=version, name="Dr Ada")
    return Message(f"c1-v{version}", datetime.now(UTC), data)


@asynccontextmanager
async def feeding(bus: Bus, on_event: Callable[[Event], Awaitable[None]]) -> AsyncIterator[TableFeed]:
    """A feed of the clinics at work."""
    feed = TableFeed(service="mood", source=bus.source(CLINICS, None), on_event=on_event, limits=QUICK)
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.wait({task})


class Shelf:
    """Notes the events it is fed."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def take(self, event: Event) -> None:
        """Note one."""
        self.seen.append(event.id)


class Tables:
    """Everything that stands there is known before anything is handled, and what comes later arrives."""

    async def test_a_table_is_read_whole_and_then_followed(self, bus: Bus) -> None:
        """Complete comes after what stood in the log at the start; later versions follow by themselves."""
        shelf = Shelf()
        await publish(bus, *(clinician(version) for version in range(1, 31)))
        async with feeding(bus, shelf.take) as feed:
            await asyncio.wait_for(feed.complete.wait(), 30)
            assert shelf.seen == [f"c1-v{version}" for version in range(1, 31)]
            assert feed.health().ready
            position = (await publish(bus, clinician(31)))[0]
            assert await wait_for(feed, position, 30)
        assert shelf.seen[-1] == "c1-v31"

    async def test_an_empty_table_is_complete(self, bus: Bus) -> None:
        """Where nothing was ever published there is nothing to wait for."""
        async with feeding(bus, Shelf().take) as feed:
            await asyncio.wait_for(feed.complete.wait(), 30)

    async def test_a_feed_goes_on_after_the_broker_was_away(self, bus: Bus) -> None:
        """Nothing is fed twice, nothing is left out."""
        shelf = Shelf()
        await publish(bus, clinician(1))
        async with feeding(bus, shelf.take) as feed:
            await asyncio.wait_for(feed.complete.wait(), 30)
            await bus.cut()
            await bus.heal()

            async def published() -> bool:
                try:
                    return bool(await publish(bus, clinician(2)))
                except Recoverable:
                    return False

            await eventually(published, within=60)
            await eventually(lambda: "c1-v2" in shelf.seen, within=60)
        assert list(dict.fromkeys(shelf.seen)) == ["c1-v1", "c1-v2"]

    async def test_what_cannot_be_read_or_applied_is_skipped_and_shown(self, bus: Bus) -> None:
        """A document is followed by its next version: the feed goes on, and health says something is missing."""
        shelf, tries = Shelf(), []

        async def picky(event: Event) -> None:
            if event.id == "c1-v2":
                tries.append(event.id)
                raise KeyError("Dr Ada")
            await shelf.take(event)

        await publish_record(bus, clinician(1), value=b'{"clinic": "Dr Ada"}')
        await publish(bus, clinician(2), clinician(3))
        with capture_logs() as logs:
            async with feeding(bus, picky) as feed:
                await asyncio.wait_for(feed.complete.wait(), 30)
                assert feed.health().ready
                assert feed.health().reasons == ["2 records of clinics could not be read and were skipped."]
        assert shelf.seen == ["c1-v3"]
        assert len(tries) == 3
        assert "Dr Ada" not in str(logs)

    async def test_a_table_waits_for_a_world_that_is_not_ready(self, bus: Bus) -> None:
        """Recoverable is tried again until it works, in order."""
        shelf, away = Shelf(), [True]

        async def store_away(event: Event) -> None:
            if away:
                raise Recoverable("the store is away")
            await shelf.take(event)

        await publish(bus, clinician(1), clinician(2))
        async with feeding(bus, store_away) as feed:
            await eventually(lambda: "waits" in " ".join(feed.health().reasons))
            assert not feed.complete.is_set()
            away.clear()
            await asyncio.wait_for(feed.complete.wait(), 30)
        assert shelf.seen == ["c1-v1", "c1-v2"]

    async def test_a_newer_major_stops_the_table(self, bus: Bus) -> None:
        """A table that cannot be known whole is not ready, and says which record it is about."""
        shelf = Shelf()
        await publish(bus, clinician(1))
        await publish_record(bus, clinician(2), kind=b"rapport.intake.clinician.v2")
        await publish(bus, clinician(3))
        async with feeding(bus, shelf.take) as feed:
            await eventually(lambda: "newer version" in " ".join(feed.health().reasons))
            assert not feed.health().ready
        assert shelf.seen == ["c1-v1"]
