"""SMS by a provider's HTTP API: Twilio's, and what all of them have in common."""

from datetime import timedelta
from typing import Any, Final, Protocol

import httpx

from services.notify.channels.answers import Answer, json_of, no_answer, posted, retry_after
from services.notify.channels.words import sms_text
from services.notify.domain import Notice, Outcome, Result

OPTED_OUT: Final = 21610
"""Twilio's error where the recipient has answered STOP to this sender."""

ABOUT_THE_NUMBER: Final = frozenset({21211, 21265, OPTED_OUT, 21614, 21635, 30004, 30005, 30006})
"""Twilio's errors that say: no text to this number, by anybody. Not a number, a short code, opted out, not a mobile, a
landline; of one that failed at once: blocked, unknown, a landline. Every other error may be our own account's: the
sender (21212, 21606, 21659), the country (21408), a limit (63038), sender and number together (21612)."""


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

    201 with a message `sid` is acceptance. An error code about the number (`ABOUT_THE_NUMBER`) is a refusal for good.
    Every other refusal, whatever its status, says that our own account, sender or request is not right: an operator
    mends that, so it is tried again, by another provider first. 429 and 5xx pass by themselves. Where no answer came it
    may have gone. Twilio takes no reference of ours; it stands in the URL that receipts are sent to.
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
        if body.get("status") in ("failed", "undelivered", "canceled"):
            return _refused(body.get("error_code"), str(body.get("error_code") or body["status"]))
        return Result(
            outcome=Outcome.ACCEPTED,
            code=str(body.get("error_code") or body.get("status") or answer.status),
            message=str(body.get("sid") or ""),
            receipt_within=receipt_within,
        )
    error = body.get("code")
    code = str(answer.status) + (f" {error}" if isinstance(error, int) else "")
    return _refused(error, code, retry_after(answer.headers))


def _refused(error: Any, code: str, pause: timedelta | None = None) -> Result:
    """For good only where the error is known to be about the number: what is not known may be ours."""
    if isinstance(error, int) and error in ABOUT_THE_NUMBER:
        return Result(outcome=Outcome.PERMANENT, code=code, stopped=error == OPTED_OUT)
    return Result(outcome=Outcome.TEMPORARY, code=code, retry_after=pause)
