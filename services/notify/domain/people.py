"""Who is told: the patient's clinician, or whom a step names; else, never dropped, the clinic's fallback contact."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from shared.contracts.base import ChannelName, Urgency
from shared.contracts.clinics import Clinician, Contact
from shared.contracts.patients import Patient

WAIT_FOR_DOCUMENTS: Final = timedelta(seconds=60)
"""How long a document that must be on its way is waited for."""


@dataclass(frozen=True, slots=True)
class Reachable:
    """A person and the addresses they may be told at, by channel."""

    name: str
    addresses: dict[ChannelName, str]

    @classmethod
    def contact(cls, contact: Contact) -> "Reachable":
        """The clinic's fallback contact."""
        return cls(contact.name, _addresses(contact.email, contact.mobile))

    @classmethod
    def clinician(cls, clinician: Clinician) -> "Reachable":
        """A clinician, by the channels they chose; where they chose none, or none that leads to them, by any."""
        every = _addresses(clinician.email, clinician.mobile)
        chosen = {channel: address for channel, address in every.items() if channel in clinician.channels}
        return cls(clinician.name, chosen or every)


@dataclass(frozen=True, slots=True)
class Found:
    """The clinician to tell. unsure: why their addresses are not relied on, and the fallback contact is told too."""

    clinician: str
    person: Reachable
    unsure: str | None = None


@dataclass(frozen=True, slots=True)
class Nobody:
    """There is no clinician to tell, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """A document that must be on its way has not come: look again shortly."""


@dataclass(frozen=True, slots=True)
class ToFallback:
    """The clinic's fallback contact is meant from the start."""


Recipient: TypeAlias = Found | Nobody | NotYet | ToFallback
FindClinician: TypeAlias = Callable[[str], Clinician | None]


def _addresses(email: str | None, mobile: str | None) -> dict[ChannelName, str]:
    found = {ChannelName.EMAIL: email, ChannelName.SMS: mobile}
    return {channel: address for channel, address in found.items() if address}


def find_recipient(
    *, registered: bool, patient: Patient | None, clinician: FindClinician, waited: timedelta
) -> Recipient:
    """Whom to tell about a patient.

    registered: what the assessment says; where it knows the patient and we do not, the document is on its way, and is
    waited for up to 60 s. The same goes for the clinician's.
    """
    if patient is None or patient.deleted:
        if registered and patient is None and waited < WAIT_FOR_DOCUMENTS:
            return NotYet()
        return Nobody("the patient is not registered")
    if patient.clinician is None:
        return Nobody("the patient has no clinician")
    return find_clinician(patient.clinician, clinician=clinician, waited=waited)


NOT_VERIFIED: Final = "none of the clinician's addresses has been verified yet"


def relied_on(found: Found, verified: Collection[ChannelName], urgency: Urgency) -> Recipient:
    """Whom a clinic that verifies addresses tells: nobody is left untold, and nothing unverified is relied on.

    What is urgent goes to every address; where none is verified, to the fallback contact too. Everything else goes to
    verified addresses, or to the fallback contact.
    """
    some = {channel: address for channel, address in found.person.addresses.items() if channel in verified}
    if urgency is Urgency.AT_ONCE:
        return found if some else Found(found.clinician, found.person, NOT_VERIFIED)
    return Found(found.clinician, Reachable(found.person.name, some)) if some else Nobody(NOT_VERIFIED)


def find_clinician(
    name: str, *, clinician: FindClinician, waited: timedelta, role: str = "the patient's clinician"
) -> Recipient:
    """A clinician by id; role: who that is, in words."""
    found = clinician(name)
    if found is None and waited < WAIT_FOR_DOCUMENTS:
        return NotYet()
    if found is None or found.deleted:
        return Nobody(f"{role} is not known")
    person = Reachable.clinician(found)
    return Found(name, person) if person.addresses else Nobody(f"{role} has no address")
