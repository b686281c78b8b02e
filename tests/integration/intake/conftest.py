"""Intake as a whole, over HTTP, on the real broker and the real store server. Found by name, never imported."""

import uuid
from collections.abc import AsyncIterator

import pytest

from shared.auth import DevelopmentIssuer
from shared.bus.provision import provision
from tests.fakes import FakeClock
from tests.integration.intake.clinic_system import Client, Intake, running
from tests.integration.service import MONDAY
from tests.stack import Stack


@pytest.fixture(scope="module")
async def intake(stack: Stack, module_clock: FakeClock, issuer: DevelopmentIssuer) -> AsyncIterator[Intake]:
    await provision(stack.bootstrap)
    async with running(stack, prefix=f"test_{uuid.uuid4().hex[:8]}", clock=module_clock, issuer=issuer) as intake:
        yield intake


@pytest.fixture(autouse=True)
def clock(module_clock: FakeClock) -> FakeClock:
    """Every test begins on the same Monday morning."""
    module_clock.set(MONDAY)
    return module_clock


@pytest.fixture
async def harbour(intake: Intake) -> AsyncIterator[Client]:
    """A clinic that is set up."""
    client = intake.client()
    async with client.http:
        await client.set_up()
        yield client


@pytest.fixture
async def stranger(intake: Intake) -> AsyncIterator[Client]:
    """Another clinic, which uses the same ids."""
    client = intake.client()
    async with client.http:
        await client.set_up()
        yield client
