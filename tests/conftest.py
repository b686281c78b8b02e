"""What tests are given: a real broker and store server, and the platform on them. Found by name, never imported."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.providers import MailServer, Twilio

from shared.bus.provision import provision
from tests import data_moodpath
from tests.e2e.platform import Clinic, Platform
from tests.stack import Stack, open_stack

collect_ignore = [] if data_moodpath.present() else ["e2e/test_real_input.py"]


def pytest_report_header() -> str:
    """Say whether the tests on real people's entries are run; they need data that is never part of the project."""
    return "real input: moodpath" if data_moodpath.present() else f"real input is NOT tested: {data_moodpath.ABSENT}"


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A real broker and a real store server, for the whole run: containers, or the native stack."""
    with open_stack() as stack:
        yield stack


@pytest.fixture(scope="session")
async def mail() -> AsyncIterator[MailServer]:
    """A real SMTP server that keeps what arrives."""
    async with MailServer() as server:
        yield server


@pytest.fixture(scope="session")
async def twilio() -> AsyncIterator[Twilio]:
    """A stand-in that behaves as Twilio documents."""
    async with Twilio() as server:
        yield server


@pytest.fixture(scope="session")
async def platform(
    stack: Stack, mail: MailServer, twilio: Twilio, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    """Four processes on the real broker and store server."""
    await provision(stack.bootstrap)
    folder: Path = tmp_path_factory.mktemp("e2e")
    platform = Platform(
        stack.bootstrap,
        stack.mongo_url,
        folder,
        {
            "NOTIFY_SMTP_HOST": mail.host,
            "NOTIFY_SMTP_PORT": str(mail.port),
            "NOTIFY_SMTP_TLS": "none",
            "NOTIFY_MAIL_FROM": "alerts@rapport.example",
            "NOTIFY_TWILIO_URL": twilio.url,
            "NOTIFY_TWILIO_ACCOUNT": twilio.account,
            "NOTIFY_TWILIO_TOKEN": twilio.token,
            "NOTIFY_TWILIO_FROM": "+447700900000",
            "NOTIFY_PUBLIC_URL": "https://rapport.example",
            "NOTIFY_LINK_SECRET": "a-secret-of-the-tests-alone",
        },
    )
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
