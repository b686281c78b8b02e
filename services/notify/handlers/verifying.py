"""Verification of addresses, for clinics that want it: whoever reads messages there is asked to confirm it, once.

Looked at every minute; of several replicas one asks. What is lost on the way is asked again, three times in all.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.notify.domain import Notice, Outcome, Reachable, Verification, to_be_asked
from services.notify.handlers.contacts import Contacts
from services.notify.handlers.handing_over import Messenger
from services.notify.handlers.post import Post
from services.notify.store import Clinics
from shared.clock import Clock
from shared.contracts.base import ChannelName
from shared.contracts.clinics import Clinic
from shared.errors import Recoverable
from shared.logs import logger

log = logger(__name__)
EVERY: Final = 60.0
"""Seconds between looks."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """An address that is to be verified."""

    clinic: Clinic
    name: str
    channel: ChannelName
    address: str


class Verifying:
    """Asks for verification."""

    def __init__(
        self,
        *,
        clinics: Clinics,
        contacts: Contacts,
        channels: Mapping[ChannelName, Messenger],
        post: Post,
        clock: Clock,
    ) -> None:
        self._clinics, self._contacts, self._channels = clinics, contacts, channels
        self._post, self._clock = post, clock

    async def run(self) -> None:
        """Ask, for ever. While the store is away, go on trying."""
        while True:
            try:
                await self.ask()
            except Recoverable:
                log.warning("verification_put_off")
            await asyncio.sleep(EVERY)

    async def ask(self) -> None:
        """Send a verification message to each address that lacks one. Raises Recoverable."""
        now = self._clock.now()
        for one in list(self._unverified(now)):
            if await self._contacts.claim_asking(one.clinic.clinic, one.channel, one.address):
                result = await self._channels[one.channel].send(self._notice(one, now))
                if result.outcome is not Outcome.ACCEPTED:
                    log.warning("verification_not_sent", channel=one.channel.value, code=result.code)

    def _unverified(self, now: datetime) -> Iterator[Unverified]:
        for clinic in self._clinics:
            settings = clinic.settings_at(now)
            if not settings.verify_contacts:
                continue
            staff = [Reachable.clinician(one) for one in self._clinics.clinicians(clinic.clinic)]
            for person in [*staff, Reachable.contact(settings.fallback_contact)]:
                for channel, address in person.addresses.items():
                    asked = to_be_asked(self._contacts.state(clinic.clinic, channel, address), now)
                    wanted = channel in self._channels and not self._contacts.is_stopped(channel, address)
                    if asked and wanted:
                        yield Unverified(clinic, person.name, channel, address)

    def _notice(self, one: Unverified, now: datetime) -> Notice:
        contact = self._contacts.hashed(one.channel, one.address)
        code = self._contacts.code(one.clinic.clinic, contact)
        return Notice(
            token=f"verify-{contact}",
            address=one.address,
            name=one.name,
            clinic_name=one.clinic.name,
            zone=self._post.working_time(one.clinic.clinic, now).zone,
            written_at=now,
            digest=False,
            lines=(),
            clinic=one.clinic.clinic,
            verification=Verification(f"{self._post.public_url}/a/verify/{contact}-{code}"),
        )
