"""SMS by a provider's HTTP API: Twilio's, and what all of them have in common."""

from datetime import timedelta
from typing import Final, Protocol

import httpx

from services.notify.channels.answers import Answer, json_of, no_answer, posted, retry_after
from services.notify.channels.words import sms_text
from services.notify.domain import Notice, Outcome, Result

REFUSED_FOR_GOOD: Final = frozenset({400, 410, 413, 422})
"""HTTP statuses that say: not this message to this number, ever. Anything else but success passes by itself."""

OPTED_OUT: Final = 21610
"""Twilio's error where the recipient has answered STOP to this sender."""


class SmsProvider(Protocol):
    """A way to hand a text over to a mobile network."""

    async def send(self, to: str, text: str, reference: str, sender: str = "") -> Result:
        """Hand over one text; reference: the same for every try; sender: a name to send it under, where the provider
        can. Never raises for what the provider answers."""
        ...


class SmsChannel:
    """Words for a notice, and a provider to carry them."""

    def __init__(self, *, provider: SmsProvider) -> None:
        self._provider = provider

    async def send(self, notice: Notice) -> Result:
        """Hand a notice over as one SMS."""
        name = notice.letter.sender if notice.letter is not None and notice.letter.named else ""
        return await self._provider.send(notice.address, sms_text(notice), notice.token, name)


class Twilio:
    """Twilio's Programmable Messaging: `POST /2010-04-01/Accounts/{sid}/Messages.json`, form-encoded, basic auth.

    201 with a message `sid` is acceptance. 400 with an error code is a refusal for good (21211 not a number, 21610
    opted out, 21614 not a mobile, ...). 401, 403 and 404 say that our own account is not right: an operator mends
    that, so it is tried again. 429 and 5xx pass by themselves. Where no answer came it may have gone. Twilio takes no
    reference of ours; it stands in the URL that receipts are sent to.
    """

    def __init__(
        self,
        *,
        client: httpx.AsyncClient,
        account: str,
        sender: str,
        callback: str = "",
        receipt_within: timedelta | None = None,
        names: bool = False,
    ) -> None:
        """client: with Twilio's (or its stand-in's) base URL, basic auth and a time-out.

        sender: a number, a sender's name, or a messaging service (`MG...`). callback: where receipts are sent to.
        names: whether the account may send under the names that patients chose.
        """
        self._names = names
        self._client, self._sender, self._callback = client, sender, callback
        self._receipt_within = receipt_within if callback else None
        self._from = "MessagingServiceSid" if sender.startswith("MG") else "From"
        self._path = f"/2010-04-01/Accounts/{account}/Messages.json"

    async def send(self, to: str, text: str, reference: str, sender: str = "") -> Result:
        """Hand over one text. sender: a name of 2 to 11 letters, digits and spaces; not where names are not set up."""
        by = {"From": sender} if sender and self._names else {self._from: self._sender}
        form = {"To": to, **by, "Body": text}
        if self._callback:
            form["StatusCallback"] = f"{self._callback}?leg={reference}"
        try:
            answer = await posted(self._client, self._path, data=form)
        except httpx.HTTPError as error:
            return no_answer(error)
        return _result(answer, self._receipt_within)


def _result(answer: Answer, receipt_within: timedelta | None) -> Result:
    body = json_of(answer)
    if answer.status in (200, 201):
        failed = body.get("status") in ("failed", "undelivered", "canceled")
        return Result(
            outcome=Outcome.PERMANENT if failed else Outcome.ACCEPTED,
            code=str(body.get("error_code") or body.get("status") or answer.status),
            message=str(body.get("sid") or ""),
            receipt_within=receipt_within,
        )
    code = str(answer.status) + (f" {body['code']}" if isinstance(body.get("code"), int) else "")
    if answer.status in REFUSED_FOR_GOOD:
        return Result(outcome=Outcome.PERMANENT, code=code, stopped=body.get("code") == OPTED_OUT)
    return Result(outcome=Outcome.TEMPORARY, code=code, retry_after=retry_after(answer.headers))
