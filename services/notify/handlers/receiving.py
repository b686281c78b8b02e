"""What comes back from providers: receipts for what we sent, and texts that people send us."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from services.notify.domain import (
    Channel,
    Delivery,
    Heard,
    Leg,
    Outcome,
    Receipt,
    Result,
    Said,
    after_receipt,
    normal_number,
    said,
)
from services.notify.handlers.contacts import Contacts
from services.notify.handlers.dispatching import Dispatcher
from services.notify.handlers.post import Post
from services.notify.store import Deliveries
from shared.clock import Clock
from shared.logs import logger
from shared.metrics import RECEIPTS

log = logger(__name__)
OnReply: TypeAlias = Callable[[str, str, str], Awaitable[str | None]]
"""What is done with a text that is neither STOP nor START: the number it came from (E.164), its words, and the
provider's id of it. Returns what to answer; None: nothing."""
SendText: TypeAlias = Callable[[str, str, str], Awaitable[Result]]
"""Sends a text by one provider: to which number, its words, a reference."""
OnReceipt: TypeAlias = Callable[[str, Heard], Awaitable[bool]]
"""Who else sends under names of their own: the name, and what was heard; whether it is theirs."""
EMAIL = "email"
PROVIDERS = ("twilio", "govuk-notify", EMAIL)


async def nobody_else(name: str, heard: Heard) -> bool:
    """Nobody else sends anything."""
    return False


class Receiving:
    """Whatever is received twice, late or out of order ends the same."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        post: Post,
        contacts: Contacts,
        dispatcher: Dispatcher,
        clock: Clock,
        on_reply: OnReply,
        on_receipt: OnReceipt = nobody_else,
        senders: Mapping[str, SendText] = MappingProxyType({}),
    ) -> None:
        """senders: the providers by which answers are sent as texts of their own, by name."""
        self._deliveries, self._post, self._contacts = deliveries, post, contacts
        self._dispatcher, self._clock = dispatcher, clock
        self._on_reply, self._senders = on_reply, senders
        self._on_receipt = on_receipt
        for provider in PROVIDERS:  # from zero on, or Prometheus does not see the first one as an increase
            for word in (*(receipt.value for receipt in Receipt), "unknown", "refused"):
                RECEIPTS.labels(provider, word)

    async def receipt(self, provider: str, leg: str, heard: Heard) -> bool:
        """Take a receipt in, for every row the message spoke for; False where it is no message of ours.

        Raises Recoverable.
        """
        rows = await self._deliveries.of_leg(leg)
        known = bool(rows) or await self._on_receipt(leg, heard)
        RECEIPTS.labels(provider, heard.receipt.value if known else "unknown").inc()
        if provider != EMAIL:  # which relay took it a bounce does not say
            heard = heard.model_copy(update={"provider": provider})
        for row in rows.values():
            for one in row.legs:
                if leg in (one.id, one.bundled):
                    await self._heard(row, one, heard)
        return known

    async def _heard(self, row: Delivery, leg: Leg, heard: Heard) -> None:
        now = self._clock.now()
        person, fallback = self._post.person(row.clinic, leg, now), self._post.fallback(row.clinic, now)

        def change(current: Delivery) -> Delivery | None:
            after = after_receipt(current, leg.id, heard, person=person, fallback=fallback, now=now)
            return None if after == current else after

        changed = await self._deliveries.change(row.id, change)
        if changed is not None:
            self._dispatcher.take_note(changed)

    async def refused(self, provider: str) -> None:
        """Something came that the provider has not signed."""
        RECEIPTS.labels(provider, "refused").inc()
        log.warning("receipt_refused", provider=provider)

    async def stopped(self, leg: str) -> None:
        """A provider says of a message that its recipient wants no more. Raises Recoverable."""
        for row in (await self._deliveries.of_leg(leg)).values():
            mine = next((one for one in row.legs if one.id == leg), None)
            person = None if mine is None else self._post.person(row.clinic, mine, self._clock.now())
            address = None if person is None or mine is None else person.addresses.get(mine.channel)
            if address is not None:
                await self._contacts.stop(address, by="provider")

    async def text(self, number: str, text: str, *, message: str, opt_out: str = "") -> str | None:
        """Take in a text from somebody, and say what to answer, if anything; a stopped number is answered nothing.

        message: the provider's id of it; opt_out: what the provider took it for. Raises Recoverable.
        """
        sender = normal_number(number)
        word = Said(opt_out.lower()) if opt_out.upper() in ("STOP", "START") else said(text)
        if sender is None:
            return None
        if word is Said.STOP:
            await self._contacts.stop(sender, by="recipient", heard=message)
        elif word is Said.START:
            await self._contacts.start(sender, heard=message)
        else:
            answer = await self._on_reply(sender, text, message)
            return None if self._contacts.is_stopped(Channel.SMS, sender) else answer
        return None

    async def answer(self, provider: str, number: str, text: str, *, message: str) -> None:
        """Send an answer as a text of its own, once: whoever hears nothing asks again, or opens the link.

        message: the provider's id of the text it answers.
        """
        sender, send = normal_number(number), self._senders.get(provider)
        if sender is None or send is None:
            return
        reference = f"answer-{hashlib.sha256(message.encode()).hexdigest()[:32]}"
        result = await send(sender, text, reference)
        if result.outcome is not Outcome.ACCEPTED:
            log.warning("answer_not_sent", provider=provider, code=result.code)
