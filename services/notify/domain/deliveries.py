"""The life of a delivery: one message about one round of news (or one morning's digest), by one or two channels.

A delivery is a stored row; its legs are the hand-overs to one recipient by one channel each. Every change is a pure
function here. A leg ends as sent or cancelled, or as failed once another one has taken over; it never just ends.
"""

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.notify.domain.people import Found, Nobody, NotYet, Reachable, Recipient, ToFallback
from shared.contracts.base import ChannelName, Urgency
from shared.contracts.escalation import Who

Channel: TypeAlias = ChannelName
LEASE: Final = timedelta(seconds=45)
"""How long a claimed row is its claimer's. A hand-over must end well within it."""
LOOK_AGAIN: Final = timedelta(seconds=5)
"""When to look again for a recipient whose document is on its way."""
FALLBACK: Final = "/fallback"
"""Whom a leg goes to where it is no clinician; an id never has a slash."""
_LEGS: Final = uuid.UUID("0e0a3f65-9a3e-5a1c-8d41-7c7f2f0f5d10")


class Outcome(StrEnum):
    """What a provider made of an attempt. unsure: it may have gone; it is sent again with the same reference."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNSURE = "unsure"


class LegState(StrEnum):
    """pending: to be handed over; failed: refused for good, another leg took over; cancelled: no longer needed."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Kind(StrEnum):
    """One alert's message, a step of its escalation, a digest of several, one asked for again, or word to the systems
    of the clinic."""

    MESSAGE = "message"
    ESCALATION = "escalation"
    DIGEST = "digest"
    HOOK = "hook"
    AGAIN = "again"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Result(_Row):
    """A channel's word on one attempt: the provider's answer code, and when it asked to be tried again.

    provider, message: which provider, and its own id of the message. receipt_within: a receipt is to come, and by then
    it should have. bundled: the leg whose message spoke for this one too. another: there is another provider, to be
    tried at once. stopped: the recipient wants no more there.
    """

    outcome: Outcome
    code: str
    retry_after: timedelta | None = None
    provider: str = ""
    message: str = ""
    receipt_within: timedelta | None = None
    bundled: str = ""
    another: bool = False
    stopped: bool = False


class Attempt(_Row):
    """One try to hand a message over, as the trail keeps it."""

    at: AwareDatetime
    outcome: Outcome
    code: str
    provider: str = ""


class Receipt(StrEnum):
    """What a provider says later of a message it took: on its way, arrived, or failed for good or for now."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED_FOR_GOOD = "failed_for_good"
    FAILED_FOR_NOW = "failed_for_now"


class Heard(_Row):
    """What a receipt says. message: the provider's id of what it is about; id: its own, where it has one; provider:
    whose it is, where that is known."""

    message: str
    receipt: Receipt
    code: str
    id: str = ""
    provider: str = ""


class Leg(_Row):
    """One recipient by one channel. `to` is a clinician's id or FALLBACK; addresses are looked up when it is sent.

    provider, message: who accepted it last, and its id there. receipt, receipt_at: the last word of a receipt.
    unconfirmed: accepted, and no receipt came by unconfirmed_at. resends: after receipts that said `failed for now`.
    early: receipts that came before the provider's own answer was recorded. heard: the ids of receipts taken in.
    held: put off so as not to flood the recipient. bundled: the leg whose message spoke for it.
    """

    id: str
    to: str
    channel: Channel
    state: LegState = LegState.PENDING
    due_at: AwareDatetime
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()
    why: str | None = None
    provider: str | None = None
    message: str | None = None
    receipt: Receipt | None = None
    receipt_code: str | None = None
    receipt_at: AwareDatetime | None = None
    delivered_at: AwareDatetime | None = None
    unconfirmed: bool = False
    unconfirmed_at: AwareDatetime | None = None
    resends: int = 0
    early: tuple[Heard, ...] = ()
    heard: tuple[str, ...] = ()
    held: bool = False
    bundled: str | None = None

    @property
    def to_fallback(self) -> bool:
        """Whether it goes to the clinic's fallback contact."""
        return self.to == FALLBACK


class StepRef(_Row):
    """A step of an alert's escalation: the run, how many times all steps were gone through before, and its number.

    started_at: of the run, so that a row written for a run that never came to be is never taken for one that did.
    """

    run: int
    started_at: AwareDatetime
    repeat: int
    step: int


class Item(_Row):
    """A round of an alert that the message tells of.

    Where it was held in a row of its own before: that row (`origin`), what it was, and its step if it was one.
    follows: it is for whoever is the patient's clinician, and goes back where that has become somebody else.
    """

    alert: str
    round: int
    origin: str | None = None
    was: Kind | None = None
    step: StepRef | None = None
    follows: bool = True


class Held(_Row):
    """Where a row's message went instead: since when, into the digest of which time, whose, and why."""

    at: AwareDatetime
    who: str
    until: AwareDatetime
    into: str
    why: str


class Delivery(_Row):
    """The row. clinician: whose digest it is, or whom an alert's message was planned for (None: nobody was found).

    who, named, channels: as the policy frozen in the alert says (no channels: by urgency). step: which step it is,
    where it is one. accepted_at: when the earliest live at-once entry behind it was accepted at the door. fell_back:
    why the fallback contact was asked. confirm_at: when to look whether receipts came. reopened: a receipt said that
    what counted as told did not arrive. held: it was moved into a digest, and this row is done.
    """

    id: str
    clinic: str
    kind: Kind
    urgency: Urgency
    items: tuple[Item, ...]
    patient: str | None = None
    who: Who = Who.CLINICIAN
    named: str | None = None
    channels: tuple[Channel, ...] = ()
    step: StepRef | None = None
    clinician: str | None = None
    registered: bool = True
    created_at: AwareDatetime
    due_at: AwareDatetime
    look_at: AwareDatetime
    lease_until: AwareDatetime | None = None
    legs: tuple[Leg, ...] = ()
    fell_back: str | None = None
    accepted_at: AwareDatetime | None = None
    confirm_at: AwareDatetime | None = None
    reopened: bool = False
    held: Held | None = None
    done: bool = False
    version: int = 1

    @property
    def finished(self) -> bool:
        """Whether nobody needs to look at it again: nothing is waiting, no receipt either, and its alerts know: a lease
        that nobody gave back is one whose holder may have died before telling them."""
        return self.done and self.confirm_at is None and self.lease_until is None

    @property
    def waiting(self) -> list[Leg]:
        """The legs still to be handed over."""
        return [leg for leg in self.legs if leg.state is LegState.PENDING]

    @property
    def waiting_since(self) -> datetime:
        """Since when it has been overdue, if it is: what was put off on purpose is not."""
        put_off_on_purpose = self.reopened or self.kind is Kind.HOOK or any(leg.held for leg in self.waiting)
        return self.look_at if put_off_on_purpose else self.due_at

    @property
    def handed_over(self) -> bool:
        """Whether at least one provider accepted it."""
        return any(leg.state is LegState.SENT for leg in self.legs)


def delivery_id(alert: str, number: int) -> str:
    """The row of an alert's round: the same whoever makes it."""
    return f"{alert}/{number}"


def digest_id(clinic: str, clinician: str | None, morning: date) -> str:
    """The row of a clinician's digest of one morning (no clinician: the fallback contact's)."""
    return f"digest/{clinic}/{clinician or ''}/{morning.isoformat()}"


def planned_for(delivery: Delivery, recipient: Recipient, fallback: Reachable | None, now: datetime) -> Delivery:
    """The row with its legs, once it is known whom it goes to; until then it is to be looked at again."""
    if delivery.legs or delivery.done:
        return delivery
    match recipient:
        case Found(clinician=clinician, person=person, unsure=unsure):
            found = delivery.model_copy(update={"clinician": clinician})
            planned = _planned(found, clinician, person, delivery.due_at)
            both = unsure is not None and fallback is not None
            return fallen_back(planned, fallback, unsure, delivery.due_at, now) if both else planned
        case Nobody(why=why):
            return fallen_back(delivery, fallback, why, delivery.due_at, now)
        case ToFallback():
            return fallen_back(delivery, fallback, None, delivery.due_at, now)
        case NotYet():
            return delivery.model_copy(update={"look_at": max(delivery.due_at, now + LOOK_AGAIN)})


def _planned(delivery: Delivery, to: str, person: Reachable, due_at: datetime) -> Delivery:
    channels = _channels(person, delivery)
    legs = [leg_for(delivery, to, channel, due_at) for channel in channels]
    return looked_at(delivery.model_copy(update={"legs": (*delivery.legs, *legs)}))


def fallen_back(
    delivery: Delivery, fallback: Reachable | None, why: str | None, due_at: datetime, now: datetime
) -> Delivery:
    """To the clinic's fallback contact. A clinic whose document we lack has none yet: look again, never drop."""
    if fallback is None:
        return delivery.model_copy(update={"look_at": max(due_at, now + LOOK_AGAIN)})
    return _planned(delivery.model_copy(update={"fell_back": why}), FALLBACK, fallback, due_at)


def _channels(person: Reachable, delivery: Delivery) -> list[Channel]:
    """The policy's channels; where it names none, every one at once, else e-mail. They get by what they have."""
    have: list[Channel] = [channel for channel in (Channel.EMAIL, Channel.SMS) if channel in person.addresses]
    every = delivery.urgency is Urgency.AT_ONCE and delivery.kind is not Kind.DIGEST
    wanted = delivery.channels or (have if every else have[:1])
    return [channel for channel in have if channel in wanted] or have[:1]


def leg_for(delivery: Delivery, to: str, channel: Channel, due_at: datetime) -> Leg:
    """A leg that is to be handed over; its id is the same whoever makes it."""
    return Leg(
        id=str(uuid.uuid5(_LEGS, f"{delivery.id}/{to}/{channel}")),
        to=to,
        channel=channel,
        due_at=max(due_at, delivery.due_at),
    )


def looked_at(delivery: Delivery) -> Delivery:
    """With the time of the next look, or done where nothing is waiting any more."""
    if delivery.waiting:
        return delivery.model_copy(update={"look_at": min(leg.due_at for leg in delivery.waiting), "done": False})
    return delivery.model_copy(update={"done": bool(delivery.legs)})


def next_due(delivery: Delivery) -> datetime:
    """When somebody should look at the row next: when it is due, a receipt should be there, or the lease on it ends."""
    at = (delivery.confirm_at if delivery.done else None) or delivery.look_at
    return at if delivery.lease_until is None else max(at, delivery.lease_until)


def leased(delivery: Delivery, now: datetime) -> Delivery | None:
    """The row as claimed by whoever asks; None where it is not due, or another's."""
    if delivery.finished or next_due(delivery) > now:
        return None
    return delivery.model_copy(update={"lease_until": now + LEASE})


def released(delivery: Delivery) -> Delivery:
    """The row as it is left after a claim."""
    return delivery.model_copy(update={"lease_until": None})


def lease_returned(delivery: Delivery, lease: datetime | None) -> Delivery | None:
    """The row as whoever claimed it until then leaves it without having begun: due as before. None where it has become
    another's meanwhile."""
    return released(delivery) if delivery.lease_until == lease else None


def put_off(delivery: Delivery, now: datetime) -> Delivery:
    """The row as it is looked at again a little later, whatever is waiting in it."""
    legs = tuple(
        leg.model_copy(update={"due_at": max(leg.due_at, now + LOOK_AGAIN)}) if leg.state is LegState.PENDING else leg
        for leg in delivery.legs
    )
    return delivery.model_copy(update={"legs": legs, "look_at": now + LOOK_AGAIN, "lease_until": None})


def without_items(delivery: Delivery, needed: Callable[[Item], bool], why: str) -> Delivery:
    """Without what no longer has to be told; where that is all of it, what is waiting is cancelled."""
    left = tuple(item for item in delivery.items if needed(item))
    if left:
        return delivery if left == delivery.items else delivery.model_copy(update={"items": left})
    legs = tuple(
        leg.model_copy(update={"state": LegState.CANCELLED, "why": why}) if leg.state is LegState.PENDING else leg
        for leg in delivery.legs
    )
    return delivery.model_copy(update={"legs": legs, "done": True, "lease_until": None})


def with_leg(delivery: Delivery, changed: Leg) -> Delivery:
    """The row with one leg as it is now."""
    legs = tuple(changed if leg.id == changed.id else leg for leg in delivery.legs)
    return delivery.model_copy(update={"legs": legs})


def address_of(leg: Leg, person: Reachable | None) -> str | None:
    """Where the leg goes, by what is known of the person now."""
    return None if person is None else person.addresses.get(leg.channel)
