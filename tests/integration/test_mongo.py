"""Opening the store, with both drivers: what is promised of a write, and what becomes of a server that goes away."""

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from pymongo.errors import DuplicateKeyError

from shared.bus import Resume
from shared.contracts import Topic
from shared.documents import Idempotency, MongoResumeStore
from shared.errors import Recoverable
from shared.mongo import Database, Driver, open_database, ping, recoverable
from tests.fakes import FakeClock, FakePublisher
from tests.integration.patients import KEY, owner, to
from tests.stack import Stack

DRIVERS: tuple[Driver, Driver] = ("motor", "pymongo")


async def test_a_server_that_answers_is_there(database: Database) -> None:
    """The readiness of a service asks this."""
    await ping(database)


async def test_every_write_waits_for_a_majority_and_its_journal(database: Database) -> None:
    """Whatever the URL says: an acknowledged write survives the loss of a minority, and of a process."""
    concern = cast("Any", database).write_concern.document

    assert concern == {"w": "majority", "j": True, "wtimeout": 10_000}


async def test_the_url_cannot_weaken_a_write(stack: Stack, driver: Driver) -> None:
    """A deployment's URL may name servers and credentials, not how safe writes are."""
    async with open_database(f"{stack.mongo_url}/?w=0&journal=false", "test", driver) as database:
        concern = cast("Any", database).write_concern.document

    assert (concern["w"], concern["j"]) == ("majority", True)


async def test_times_come_back_aware(database: Database) -> None:
    """A time without a zone would be wrong in some clinic."""
    at = datetime(2026, 11, 2, 9, tzinfo=UTC)
    await database["times"].insert_one({"_id": "one", "at": at})
    record = await database["times"].find_one({"_id": "one"})

    assert record is not None
    assert (at, UTC.utcoffset(None)) == (record["at"], record["at"].utcoffset())


async def test_a_mistake_of_ours_is_not_called_passing(database: Database) -> None:
    """A duplicate key does not go away by waiting."""
    await database["records"].insert_one({"_id": "one"})
    with pytest.raises(DuplicateKeyError), recoverable():
        await database["records"].insert_one({"_id": "one"})


def test_a_deployment_may_do_without_motor() -> None:
    """Neither Motor nor a connection is loaded by importing the stores."""
    program = "import sys, shared.mongo, shared.documents; print('motor' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )

    assert done.stdout.strip() == "False"


async def test_a_killed_server_is_recoverable_and_keeps_what_it_acknowledged(stack: Stack) -> None:
    """Reads and writes say so within seconds, for both drivers; when it is back the same clients go on."""
    async with AsyncExitStack() as opened:
        databases = [
            await opened.enter_async_context(open_database(stack.mongo_url, f"test_{uuid4().hex}", driver))
            for driver in DRIVERS
        ]
        stores = [MongoResumeStore(database=database, group="mood") for database in databases]
        owners = [owner(database["patients"], FakePublisher(), FakeClock()) for database in databases]
        decision = Idempotency.of(client="clinic-system", key="k1", body=b"{}")
        for database, store, patients in zip(databases, stores, owners, strict=True):
            await store.open(0, "cluster-a")
            await patients.open()
            for number in range(20):
                await database["records"].insert_one({"_id": number})
                await store.save(0, Resume({Topic.MOODS: number}, {}))

        stack.kill_mongo()
        try:
            outcomes = await asyncio.gather(
                *(ping(database) for database in databases),
                *(store.save(0, Resume({Topic.MOODS: 99}, {})) for store in stores),
                *(patients.write(KEY, to("Ada"), idempotency=decision) for patients in owners),
                return_exceptions=True,
            )
        finally:
            stack.start_mongo()

        assert [Recoverable] * 6 == [type(outcome) for outcome in outcomes]
        for database, store, patients in zip(databases, stores, owners, strict=True):
            await ping(database)
            assert await database["records"].count_documents({}) == 20
            assert (await store.open(0, "cluster-a")).offsets[Topic.MOODS] >= 19
            await store.save(0, Resume({Topic.MOODS: 100}, {}))
            assert (await patients.write(KEY, to("Ada"), idempotency=decision)).document.version == 1
