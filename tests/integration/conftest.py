"""What integration tests share: a broker and a store server, databases once per driver, a clock moved by hand."""

from collections.abc import AsyncIterator, Iterator
from typing import cast
from uuid import uuid4

import pytest

from shared.auth import DevelopmentIssuer
from shared.mongo import Database, Driver, open_database
from tests.fakes import FakeClock
from tests.integration.service import MONDAY, issuer_at
from tests.stack import Stack, open_stack


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """A real broker and a real store server: containers, or the native stack."""
    with open_stack() as stack:
        yield stack


@pytest.fixture(params=["motor", "pymongo"])
def driver(request: pytest.FixtureRequest) -> Driver:
    """Each of the drivers the platform may run with."""
    return cast("Driver", request.param)


@pytest.fixture
async def database(stack: Stack, driver: Driver) -> AsyncIterator[Database]:
    """A database nobody has used, on the real store server."""
    async with open_database(stack.mongo_url, f"test_{uuid4().hex}", driver) as database:
        yield database


@pytest.fixture(scope="module")
def module_clock() -> FakeClock:
    """The clock of the service a file's tests share."""
    return FakeClock(MONDAY)


@pytest.fixture(scope="module")
def issuer(module_clock: FakeClock) -> DevelopmentIssuer:
    """Who signs the tokens of a file's tests."""
    return issuer_at(module_clock)
