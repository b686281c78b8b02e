"""GOV.UK Notify's API and webhooks at the level of one hand-over: what each answer asks of us."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.notify.channels import GovUkNotify
from services.notify.domain import Outcome
from tests.fakes import FakeClock
from tests.harness.standins import GovUk, Trouble

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[GovUk]:
    """Notify's stand-in."""
    async with GovUk(FakeClock(NOW)) as server:
        yield server


def channel(client: httpx.AsyncClient, server: GovUk, **changes: Any) -> GovUkNotify:
    """The provider."""
    words = {"api_key": server.api_key, "template": server.template, "clock": FakeClock(NOW)} | changes
    return GovUkNotify(client=client, receipt_within=timedelta(minutes=10), **words)


def errors(error: str, message: str) -> dict[str, Any]:
    """An error as Notify words it."""
    return {"status_code": 400, "errors": [{"error": error, "message": message}]}


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (None, Outcome.ACCEPTED),
        (Trouble(400, errors("ValidationError", "phone_number Not a valid country prefix")), Outcome.PERMANENT),
        (Trouble(400, errors("BadRequestError", "Can't send to this recipient in trial mode")), Outcome.TEMPORARY),
        (Trouble(400, errors("ValidationError", "template_id is not a valid UUID")), Outcome.TEMPORARY),
        (Trouble(403, errors("AuthError", "Invalid token")), Outcome.TEMPORARY),
        (Trouble(429, errors("TooManyRequestsError", "Exceeded send limits"), {"Retry-After": "7"}), Outcome.TEMPORARY),
        (Trouble(500), Outcome.TEMPORARY),
        (Trouble(201, hang=True), Outcome.UNSURE),
    ],
)
async def test_each_answer_is_understood(server: GovUk, trouble: Trouble | None, outcome: Outcome) -> None:
    """The number's fault is for good; our account's and theirs pass; without an answer nobody knows."""
    server.trouble = trouble
    async with httpx.AsyncClient(base_url=server.url, timeout=0.5) as client:
        result = await channel(client, server).send("+447700900001", "Harbour: alert 7F3KQ2", "leg-1")

    assert result.outcome is outcome
    assert bool(result.message) == (outcome is Outcome.ACCEPTED)
    assert result.retry_after == (timedelta(seconds=7) if trouble and trouble.status == 429 else None)


async def test_a_key_that_is_wrong_or_a_clock_that_is_off_is_our_own_trouble(server: GovUk) -> None:
    """Tried again, and never the recipient's fault; what is no key at all is refused when it is set up."""
    another = server.api_key[:-12] + "000000000000"
    async with httpx.AsyncClient(base_url=server.url, timeout=2) as client:
        wrong = await channel(client, server, api_key=another).send("+447700900001", "x", "leg-1")
        late = await channel(client, server, clock=FakeClock(NOW - timedelta(minutes=1))).send("+44770090000", "x", "l")
        with pytest.raises(ValueError, match="NOTIFY_GOVUK_API_KEY"):
            channel(client, server, api_key="a-word")

    assert [(one.outcome, one.code) for one in (wrong, late)] == [(Outcome.TEMPORARY, "403 AuthError")] * 2
