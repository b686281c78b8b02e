"""Databases of their own for tests of what is stored, once per driver."""

from collections.abc import AsyncIterator
from typing import cast
from uuid import uuid4

import pytest

from shared.mongo import Database, Driver, open_database
from tests.stack import Stack


@pytest.fixture(params=["motor", "pymongo"])
def driver(request: pytest.FixtureRequest) -> Driver:
    """Each of the drivers the platform may run with."""
    return cast("Driver", request.param)


@pytest.fixture
async def database(stack: Stack, driver: Driver) -> AsyncIterator[Database]:
    """A database nobody has used, on the real store server."""
    async with open_database(stack.mongo_url, f"test_{uuid4().hex}", driver) as database:
        yield database
