"""A clinic's own systems: a webhook signed as Standard Webhooks 1.0 says, and whatever an Apprise API serves.

They get reference, urgency, deadline and link of each alert, and nothing of the patient.
"""

import json
from typing import Final

import httpx

from services.notify.channels.answers import no_answer, posted, retry_after
from services.notify.channels.outward import NotPublic
from services.notify.channels.words import absolute, subject, urgency_word
from services.notify.domain import Notice, Outcome, Result, signature, webhook_secret
from shared.clock import Clock
from shared.contracts.base import Urgency

REFUSED_FOR_GOOD: Final = frozenset({400, 405, 410, 413, 415, 422})
"""The endpoint does not want it: Standard Webhooks gives 410 that meaning, the others say that it cannot take it."""


class WebhookChannel:
    """POSTs a notice to a clinic's endpoint, signed with the secret derived for it and with the one before.

    2xx is acceptance; redirects are not followed. 410 and the like end it; everything else is tried again for a day.
    Of the answer status and headers are looked at; its body is not read.
    """

    def __init__(self, *, client: httpx.AsyncClient, key: str, clock: Clock) -> None:
        """client: one that reaches public addresses alone (`outward`), or a clinic could have us knock at our own
        doors. key: what secrets are derived from."""
        self._client, self._key, self._clock = client, key, clock

    async def send(self, notice: Notice) -> Result:
        """Hand over one notice. notice.address: the URL; notice.name: the webhook's name."""
        body = json.dumps(payload(notice), separators=(",", ":"), ensure_ascii=False).encode()
        try:
            headers = self._headers(notice, body)
            answer = await posted(self._client, notice.address, reading=0, content=body, headers=headers)
        except NotPublic as error:
            return Result(outcome=Outcome.TEMPORARY, code=str(error))
        except httpx.InvalidURL:
            return Result(outcome=Outcome.TEMPORARY, code="not a URL")
        except httpx.HTTPError as error:
            return no_answer(error)
        if 200 <= answer.status < 300:
            return Result(outcome=Outcome.ACCEPTED, code=str(answer.status))
        final = answer.status in REFUSED_FOR_GOOD
        return Result(
            outcome=Outcome.PERMANENT if final else Outcome.TEMPORARY,
            code=str(answer.status),
            retry_after=retry_after(answer.headers),
        )

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        at = int(self._clock.now().timestamp())
        generations = [notice.generation, *([notice.generation - 1] if notice.generation > 1 else [])]
        secrets = [webhook_secret(self._key, notice.clinic, notice.name, generation) for generation in generations]
        return {
            "content-type": "application/json",
            "webhook-id": notice.token,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(signature(secret, notice.token, at, body) for secret in secrets),
        }


def payload(notice: Notice) -> dict[str, object]:
    """What an endpoint is sent: which alerts, and no word of the patient."""
    kind = "alert.digest" if notice.digest else "alert.escalated" if notice.because else "alert.raised"
    alerts = [
        {
            "reference": line.reference,
            "urgency": line.urgency.value,
            "raised_at": line.raised_at.isoformat(),
            "deadline": line.deadline.isoformat(),
            "link": line.link,
        }
        for line in notice.lines
    ]
    return {
        "type": kind,
        "timestamp": notice.written_at.isoformat(),
        "data": {"clinic": notice.clinic, "alerts": alerts},
    }


class AppriseChannel:
    """POSTs to `/notify/{key}` of an Apprise API (a container that serves Apprise's 100 and more services).

    Which services a key leads to, and their tokens, are set up there, and stand nowhere in Rapport. 200 is acceptance;
    204 says that the key leads nowhere, 424 that a service failed: an operator mends that, so it is tried again.
    """

    def __init__(self, *, client: httpx.AsyncClient) -> None:
        """client: with the Apprise API's base URL and a time-out."""
        self._client = client

    async def send(self, notice: Notice) -> Result:
        """Hand over one notice. notice.address: the key."""
        urgent = any(line.urgency is Urgency.AT_ONCE for line in notice.lines)
        lines = [
            f"Alert {one.reference}, {urgency_word(notice, one.urgency)}, "
            f"by {absolute(one.deadline, notice.zone)}: {one.link}"
            for one in notice.lines
        ]
        body = {"title": subject(notice), "body": "\n".join(lines), "type": "warning" if urgent else "info"}
        try:
            answer = await posted(self._client, f"/notify/{notice.address}", reading=0, json=body)
        except httpx.HTTPError as error:
            return no_answer(error)
        accepted = answer.status == 200
        return Result(
            outcome=Outcome.ACCEPTED if accepted else Outcome.TEMPORARY,
            code=str(answer.status),
            retry_after=None if accepted else retry_after(answer.headers),
        )
