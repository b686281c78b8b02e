"""Two providers of each channel that fail when they are told to, and everything they were handed."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx

from services.notify.api.receipts import GOVUK, twilio_signature
from tests.e2e.processes import POLL
from tests.harness.standins import GovUk, Text
from tests.providers import Mail, MailServer, Sms, Twilio

PUBLIC_URL = "https://rapport.example"
FIRST, SECOND = {"email": "smtp", "sms": "twilio"}, {"email": "smtp2", "sms": "govuk-notify"}
"""By channel, as a trail names them."""


@dataclass(frozen=True)
class Sent:
    """A message that a provider took. leg: what it is known by there, the same where it was sent again."""

    channel: str
    to: str
    reference: str
    leg: str


@dataclass
class Providers:
    """Two of each channel, as real servers. receipts: how many texts they have said of that they were delivered."""

    mail: MailServer
    mail2: MailServer
    twilio: Twilio
    govuk: GovUk
    receipts: int = field(default=0, init=False)
    _sent: list[list[Sent]] = field(default_factory=lambda: [[], [], [], []], init=False)

    def environment(self) -> dict[str, str]:
        """What notify is told of the second ones, which get few messages while the first are well; and of receipts."""
        return {
            "NOTIFY_SMTP2_HOST": self.mail2.host,
            "NOTIFY_SMTP2_PORT": str(self.mail2.port),
            "NOTIFY_SMTP2_TLS": "none",
            "NOTIFY_SMTP2_WEIGHT": "10",
            "NOTIFY_TWILIO_CALLBACKS": "true",
            "NOTIFY_GOVUK_URL": self.govuk.url,
            "NOTIFY_GOVUK_API_KEY": self.govuk.api_key,
            "NOTIFY_GOVUK_TEMPLATE": self.govuk.template,
            "NOTIFY_GOVUK_CALLBACK_TOKEN": self.govuk.token,
            "NOTIFY_GOVUK_WEIGHT": "10",
        }

    def sent(self) -> list[Sent]:
        """All that any of them took; what was read once is not read again."""
        taken = (self.mail.messages, self.mail2.messages, self.twilio.messages, self.govuk.messages)
        for messages, read in zip(taken, self._sent, strict=True):
            read += [_read(one) for one in messages[len(read) :]]
        return [one for read in self._sent for one in read if one.leg]

    @asynccontextmanager
    async def confirming(self, url: str) -> AsyncIterator[None]:
        """While the block lasts each text's provider says to notify, at this URL, that it was delivered."""
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            works = [self._confirm(client, texts) for texts in (self.twilio.messages, self.govuk.messages)]
            tasks = [asyncio.create_task(work) for work in works]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended

    async def _confirm(self, client: httpx.AsyncClient, texts: list[Sms] | list[Text]) -> None:
        said = 0
        while True:
            for text in texts[said:]:
                said += 1
                if _foreign(text):
                    continue
                answer = await self._receipt(client, text)
                assert answer.status_code == 204, answer.text
                self.receipts += 1
            await asyncio.sleep(POLL)

    async def _receipt(self, client: httpx.AsyncClient, text: Sms | Text) -> httpx.Response:
        if isinstance(text, Text):
            headers = {"Authorization": f"Bearer {self.govuk.token}"}
            return await client.post(GOVUK, json=self.govuk.receipt(text, "delivered"), headers=headers)
        pairs = [("MessageSid", text.sid), ("MessageStatus", "delivered"), ("To", text.to), ("From", text.sender)]
        headers = {"X-Twilio-Signature": twilio_signature(self.twilio.token, text.callback, pairs)}
        return await client.post(text.callback.removeprefix(PUBLIC_URL), data=dict(pairs), headers=headers)


def _foreign(message: Mail | Sms | Text) -> bool:
    """Whether another test's notify sent it, which asks for no receipts: an alert left open there goes on meanwhile."""
    return isinstance(message, Sms) and not message.callback


def _read(message: Mail | Sms | Text) -> Sent:
    if _foreign(message):
        return Sent("sms", "", "", "")
    if isinstance(message, Mail):
        [to] = message.recipients
        leg = message.message_id.strip("<>").partition("@")[0]
        return Sent("email", to, str(message.message["X-Rapport-Reference"]), leg)
    found = re.search(r": alert ([0-9A-Z]{6}) needs you, urgent", message.body)
    assert found is not None, message.body
    leg = message.reference if isinstance(message, Text) else parse_qs(urlsplit(message.callback).query)["leg"][0]
    return Sent("sms", message.to, found[1], leg)
