"""SMS by a provider's HTTP API: Twilio's first."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Protocol

import httpx

from services.notify.channels.words import sms_text
from services.notify.domain import Notice, Outcome, Result

REFUSED_FOR_GOOD: Final = frozenset({400, 410, 413, 422})
"""HTTP statuses that say: not this message to this number, ever. Anything else but success passes by itself."""


class SmsProvider(Protocol):
    """A way to hand a text over to a mobile network."""

    async def send(self, to: str, text: str) -> Result:
        """Hand over one text. Never raises for what the provider answers, or does not."""
        ...


class SmsChannel:
    """Words for a notice, and a provider to carry them."""

    def __init__(self, *, provider: SmsProvider) -> None:
        self._provider = provider

    async def send(self, notice: Notice) -> Result:
        """Hand a notice over as one SMS."""
        return await self._provider.send(notice.address, sms_text(notice))


class Twilio:
    """Twilio's Programmable Messaging: `POST /2010-04-01/Accounts/{sid}/Messages.json`, form-encoded, basic auth.

    201 with a message `sid` is acceptance. 400 with an error code is a refusal for good (21211 not a number, 21610
    opted out, 21614 not a mobile, ...). 401, 403 and 404 say that our own account is not right: an operator mends
    that, so it is tried again. 429 and 5xx pass by themselves. Where no answer came it may have gone.
    """

    def __init__(self, *, client: httpx.AsyncClient, account: str, sender: str) -> None:
        """client: with Twilio's (or its stand-in's) base URL, basic auth and a time-out.

        sender: a number, a sender's name, or a messaging service (`MG...`).
        """
        self._client, self._sender = client, sender
        self._from = "MessagingServiceSid" if sender.startswith("MG") else "From"
        self._path = f"/2010-04-01/Accounts/{account}/Messages.json"

    async def send(self, to: str, text: str) -> Result:
        """Hand over one text."""
        try:
            response = await self._client.post(self._path, data={"To": to, self._from: self._sender, "Body": text})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Result(outcome=Outcome.TEMPORARY, code=type(error).__name__)
        except httpx.HTTPError as error:
            return Result(outcome=Outcome.UNSURE, code=type(error).__name__)
        return _result(response)


def _result(response: httpx.Response) -> Result:
    body = _json(response)
    if response.status_code in (200, 201):
        failed = body.get("status") in ("failed", "undelivered", "canceled")
        return Result(
            outcome=Outcome.PERMANENT if failed else Outcome.ACCEPTED,
            code=str(body.get("error_code") or body.get("status") or response.status_code),
        )
    code = str(response.status_code) + (f" {body['code']}" if isinstance(body.get("code"), int) else "")
    if response.status_code in REFUSED_FOR_GOOD:
        return Result(outcome=Outcome.PERMANENT, code=code)
    return Result(outcome=Outcome.TEMPORARY, code=code, retry_after=_retry_after(response.headers))


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    seconds = headers.get("retry-after", "")
    return timedelta(seconds=int(seconds)) if seconds.isdigit() and len(seconds) < 6 else None
