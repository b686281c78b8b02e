"""What is known of addresses, whole and in memory: who asked for no more messages, and what has been verified."""

from collections.abc import Callable, Collection

from services.notify.domain import contacts as known
from services.notify.domain.people import Reachable
from shared.bus import Event
from shared.clock import Clock
from shared.contracts.base import ChannelName
from shared.contracts.contacts import EVERY_CLINIC, ContactState, StoppedBy
from shared.documents import Owned, Table
from shared.logs import logger
from shared.metrics import CONTACTS_STOPPED

log = logger(__name__)


class Contacts:
    """The addresses something is known of. Fed from their own topic before anything is sent."""

    def __init__(self, *, documents: Owned[ContactState], key: str, clock: Clock) -> None:
        """key: what hashes and codes are made with."""
        self._documents, self._key, self._clock = documents, key, clock
        self._states: Table[ContactState] = Table()
        self._clinics: dict[str, set[str]] = {}
        for word in known.Said:
            if word is not known.Said.OTHER:
                CONTACTS_STOPPED.labels(word.value)

    async def take_in(self, event: Event) -> None:
        """Learn from the topic; a store that was dropped learns it too. Raises Recoverable."""
        if isinstance(event.data, ContactState):
            await self._documents.observe([event])
            self._keep(event.data)

    def _keep(self, state: ContactState) -> None:
        self._states.keep_highest([state])
        self._clinics.setdefault(state.contact, set()).add(state.clinic)

    def hashed(self, channel: ChannelName, address: str) -> str:
        """An address's name in store and topic."""
        return known.hashed(self._key, channel, address)

    def is_stopped(self, channel: ChannelName, address: str) -> bool:
        """Whether nothing may be sent there."""
        if channel is not ChannelName.SMS:
            return False
        state = self._states.get(f"{EVERY_CLINIC}/{self.hashed(channel, address)}")
        return state is not None and state.stopped_at is not None

    async def stop(self, number: str, *, by: StoppedBy, heard: str = "") -> None:
        """A number's owner wants no more. heard: the provider's id of their text. Raises Recoverable."""
        now = self._clock.now()
        await self._change(
            EVERY_CLINIC, ChannelName.SMS, number, lambda state: known.stopped(state, by, heard, now), counted="stop"
        )

    async def start(self, number: str, *, heard: str = "") -> None:
        """A number's owner wants them again. Raises Recoverable."""
        await self._change(
            EVERY_CLINIC, ChannelName.SMS, number, lambda state: known.started(state, heard), counted="start"
        )

    async def complained(self, address: str) -> None:
        """Somebody called an e-mail to a patient spam: patients are written to there no more. Alerts are, as ever.

        Raises Recoverable.
        """
        now = self._clock.now()
        await self._change(
            EVERY_CLINIC, ChannelName.EMAIL, address, lambda state: known.stopped(state, "recipient", "", now)
        )

    def has_complained(self, address: str) -> bool:
        """Whether e-mails to patients are unwelcome there."""
        state = self._states.get(f"{EVERY_CLINIC}/{self.hashed(ChannelName.EMAIL, address)}")
        return state is not None and state.stopped_at is not None

    async def _change(
        self,
        clinic: str,
        channel: ChannelName,
        address: str,
        change: Callable[[ContactState], ContactState],
        counted: str = "",
    ) -> ContactState:
        contact, now = self.hashed(channel, address), self._clock.now()
        before = self._states.get(f"{clinic}/{contact}")

        def changed(state: ContactState | None) -> ContactState:
            return change(known.unknown(contact, channel, now, clinic) if state is None else state)

        document = (await self._documents.write(f"{clinic}/{contact}", changed)).document
        self._keep(document)
        if counted and (before is None or before.stopped_at != document.stopped_at):
            CONTACTS_STOPPED.labels(counted).inc()
            log.info("contact_changed", said=counted)
        return document

    # --- verification -------------------------------------------------------------------------------------------------

    def state(self, clinic: str, channel: ChannelName, address: str) -> ContactState | None:
        """What is known of an address of a clinic's."""
        return self._states.get(f"{clinic}/{self.hashed(channel, address)}")

    def verified(self, clinic: str, person: Reachable) -> Collection[ChannelName]:
        """The channels of a person whose addresses have been verified."""
        states = {channel: self.state(clinic, channel, address) for channel, address in person.addresses.items()}
        return {channel for channel, state in states.items() if state is not None and state.verified_at is not None}

    def code(self, clinic: str, contact: str) -> str:
        """What a verification message holds."""
        return known.verification_code(self._key, clinic, contact)

    async def claim_asking(self, clinic: str, channel: ChannelName, address: str) -> bool:
        """Whether it is ours to ask now: of any number of replicas one is told so. Raises Recoverable."""
        now, mine = self._clock.now(), False

        def asking(state: ContactState) -> ContactState:
            nonlocal mine
            mine = known.to_be_asked(state, now)
            return state.model_copy(update={"asked_at": now, "asked": state.asked + 1}) if mine else state

        await self._change(clinic, channel, address, asking)
        return mine

    def asked(self, contact: str, code: str) -> ContactState | None:
        """The address a verification link is about; None where the link is not whole."""
        for clinic in sorted(self._clinics.get(contact, ())):
            state = self._states.get(f"{clinic}/{contact}")
            right = known.code_matches(code, self.code(clinic, contact))
            if state is not None and clinic != EVERY_CLINIC and right:
                return state
        return None

    async def verify(self, state: ContactState) -> ContactState:
        """Whoever reads messages there has confirmed it; twice is once. Raises Recoverable."""
        now = self._clock.now()

        def verified(current: ContactState | None) -> ContactState:
            found = state if current is None else current
            return found.model_copy(update={"verified_at": found.verified_at or now})

        document = (await self._documents.write(state.key, verified)).document
        self._keep(document)
        return document
