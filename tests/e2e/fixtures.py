"""The platform for stories: four processes and the providers they send to. Imported by the conftests that need it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.bus.provision import provision
from tests.e2e.processes import Clinic, Platform, providers_told
from tests.providers import MailServer, Twilio
from tests.stack import Stack, open_stack


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """A real broker and a real store server, gone with all that was written when the stories are told."""
    with open_stack() as stack:
        yield stack


@pytest.fixture(scope="package")
async def mail() -> AsyncIterator[MailServer]:
    """A real SMTP server that keeps what arrives."""
    async with MailServer() as server:
        yield server


@pytest.fixture(scope="package")
async def twilio() -> AsyncIterator[Twilio]:
    """A stand-in that behaves as Twilio documents."""
    async with Twilio() as server:
        yield server


@pytest.fixture(scope="package")
async def platform(
    stack: Stack, mail: MailServer, twilio: Twilio, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    """Four processes on the real broker and store server."""
    await provision(stack.bootstrap)
    folder: Path = tmp_path_factory.mktemp("e2e")
    platform = Platform(stack.bootstrap, stack.mongo_url, folder, providers_told(mail, twilio))
    try:
        await platform.start()
        yield platform
    finally:
        platform.stop()


@pytest.fixture
async def clinic(platform: Platform) -> AsyncIterator[Clinic]:
    """A clinic nobody has heard of yet."""
    async with platform.clinic() as clinic:
        yield clinic
