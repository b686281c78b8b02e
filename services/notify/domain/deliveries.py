"""The life of a delivery: one message about one round of news (or one morning's digest), by one or two channels.

A delivery is a stored row; its legs are the hand-overs to one recipient by one channel each. Every change is a pure
function here. A leg ends as sent or cancelled, or as failed once another one has taken over; it never just ends.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.notify.domain.people import Found, Nobody, NotYet, Reachable, Recipient, ToFallback
from shared.contracts.base import ChannelName, Urgency
from shared.contracts.escalation import Who

Channel: TypeAlias = ChannelName
LEASE: Final = timedelta(seconds=60)
"""How long a claimed row is its claimer's. A hand-over must end well within it."""
LOOK_AGAIN: Final = timedelta(seconds=5)
"""When to look again for a recipient whose document is on its way."""
FIRST_RETRY: Final = timedelta(seconds=1)
LAST_RETRY: Final = timedelta(minutes=5)
NOBODY_LEFT_RETRY: Final = timedelta(minutes=15)
"""How often the fallback contact's address is tried again after a final refusal: there is nobody after them."""
KEPT_ATTEMPTS: Final = 100
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
    """One alert's message, a step of its escalation, a digest of several, or a message that was asked for again."""

    MESSAGE = "message"
    ESCALATION = "escalation"
    DIGEST = "digest"
    AGAIN = "again"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Result(_Row):
    """A channel's word on one attempt: the provider's answer code, and when it asked to be tried again."""

    outcome: Outcome
    code: str
    retry_after: timedelta | None = None


class Attempt(_Row):
    """One try to hand a message over, as the trail keeps it."""

    at: AwareDatetime
    outcome: Outcome
    code: str


class Leg(_Row):
    """One recipient by one channel. `to` is a clinician's id or FALLBACK; addresses are looked up when it is sent."""

    id: str
    to: str
    channel: Channel
    state: LegState = LegState.PENDING
    due_at: AwareDatetime
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()
    why: str | None = None

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
    why the fallback contact was asked. held: it was moved into a digest, and this row is done.
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
    held: Held | None = None
    done: bool = False
    version: int = 1

    @property
    def waiting(self) -> list[Leg]:
        """The legs still to be handed over."""
        return [leg for leg in self.legs if leg.state is LegState.PENDING]

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
        case Found(clinician=clinician, person=person):
            return _planned(delivery.model_copy(update={"clinician": clinician}), clinician, person, delivery.due_at)
        case Nobody(why=why):
            return _fallen_back(delivery, fallback, why, delivery.due_at, now)
        case ToFallback():
            return _fallen_back(delivery, fallback, None, delivery.due_at, now)
        case NotYet():
            return delivery.model_copy(update={"look_at": max(delivery.due_at, now + LOOK_AGAIN)})


def _planned(delivery: Delivery, to: str, person: Reachable, due_at: datetime) -> Delivery:
    channels = _channels(person, delivery)
    legs = [_leg(delivery, to, channel, due_at) for channel in channels]
    return _looked_at(delivery.model_copy(update={"legs": (*delivery.legs, *legs)}))


def _fallen_back(
    delivery: Delivery, fallback: Reachable | None, why: str | None, due_at: datetime, now: datetime
) -> Delivery:
    """To the clinic's fallback contact. A clinic whose document we lack has none yet: look again, never drop."""
    if fallback is None:
        return delivery.model_copy(update={"look_at": max(due_at, now + LOOK_AGAIN)})
    return _planned(delivery.model_copy(update={"fell_back": why}), FALLBACK, fallback, due_at)


def _channels(person: Reachable, delivery: Delivery) -> list[Channel]:
    """The policy's channels; where it names none, every one at once, else e-mail. They get by what they have."""
    have = [channel for channel in (Channel.EMAIL, Channel.SMS) if channel in person.addresses]
    every = delivery.urgency is Urgency.AT_ONCE and delivery.kind is not Kind.DIGEST
    wanted = delivery.channels or (have if every else have[:1])
    return [channel for channel in have if channel in wanted] or have[:1]


def _leg(delivery: Delivery, to: str, channel: Channel, due_at: datetime) -> Leg:
    return Leg(
        id=str(uuid.uuid5(_LEGS, f"{delivery.id}/{to}/{channel}")),
        to=to,
        channel=channel,
        due_at=max(due_at, delivery.due_at),
    )


def _looked_at(delivery: Delivery) -> Delivery:
    """With the time of the next look, or done where nothing is waiting any more."""
    if delivery.waiting:
        return delivery.model_copy(update={"look_at": min(leg.due_at for leg in delivery.waiting)})
    return delivery.model_copy(update={"done": bool(delivery.legs)})


def next_due(delivery: Delivery) -> datetime:
    """When somebody should look at the row next: when it is due, or when the lease on it ends."""
    return delivery.look_at if delivery.lease_until is None else max(delivery.look_at, delivery.lease_until)


def leased(delivery: Delivery, now: datetime) -> Delivery | None:
    """The row as claimed by whoever asks; None where it is not due, or another's."""
    if delivery.done or next_due(delivery) > now:
        return None
    return delivery.model_copy(update={"lease_until": now + LEASE})


def released(delivery: Delivery) -> Delivery:
    """The row as it is left after a claim."""
    return delivery.model_copy(update={"lease_until": None})


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
    return delivery.model_copy(update={"legs": legs, "done": True})


def after_attempt(
    delivery: Delivery,
    leg_id: str,
    result: Result,
    *,
    person: Reachable | None,
    fallback: Reachable | None,
    now: datetime,
    jitter: float,
) -> Delivery:
    """The row after an attempt.

    person: the leg's recipient as known now; jitter in [0, 1). A refusal for good goes to the recipient's other
    channel, then to the fallback contact, whose own last channel is tried again and again.
    """
    leg = next((leg for leg in delivery.legs if leg.id == leg_id), None)
    if leg is None or leg.state is LegState.SENT:
        return delivery
    tried = leg.model_copy(
        update={
            "tries": leg.tries + 1,
            "attempts": (*leg.attempts, Attempt(at=now, outcome=result.outcome, code=result.code))[-KEPT_ATTEMPTS:],
        }
    )
    if result.outcome is Outcome.ACCEPTED:
        return _looked_at(_with(delivery, tried.model_copy(update={"state": LegState.SENT, "why": None})))
    if leg.state is LegState.CANCELLED:
        return _with(delivery, tried)
    if result.outcome is Outcome.PERMANENT:
        return _refused(_with(delivery, tried), tried, person=person, fallback=fallback, now=now)
    return _looked_at(_with(delivery, tried.model_copy(update={"due_at": now + _backoff(tried.tries, result, jitter)})))


def _with(delivery: Delivery, changed: Leg) -> Delivery:
    legs = tuple(changed if leg.id == changed.id else leg for leg in delivery.legs)
    return delivery.model_copy(update={"legs": legs})


def _backoff(tries: int, result: Result, jitter: float) -> timedelta:
    """1 s, doubling to 5 min, a quarter up or down; not before the provider asked for."""
    delay = min(FIRST_RETRY * (1 << min(tries - 1, 20)), LAST_RETRY) * (0.75 + jitter / 2)
    return max(delay, min(result.retry_after or delay, LAST_RETRY))


def _refused(
    delivery: Delivery, leg: Leg, *, person: Reachable | None, fallback: Reachable | None, now: datetime
) -> Delivery:
    failed = leg.model_copy(update={"state": LegState.FAILED, "why": "the provider refused it for good"})
    delivery = _with(delivery, failed)
    theirs = [other for other in delivery.legs if other.to == leg.to]
    fallbacks = [other for other in delivery.legs if other.to_fallback]
    used = {other.channel for other in theirs}
    other_channels = [] if person is None else [channel for channel in person.addresses if channel not in used]
    if other_channels:
        added = _leg(delivery, leg.to, other_channels[0], now)
        return _looked_at(delivery.model_copy(update={"legs": (*delivery.legs, added)}))
    if _alive(theirs) or _alive(fallbacks):
        return _looked_at(delivery)
    if not leg.to_fallback and fallback is not None and not fallbacks:
        return _fallen_back(delivery, fallback, "the provider refused every address of the clinician", now, now)
    return _looked_at(
        _with(delivery, failed.model_copy(update={"state": LegState.PENDING, "due_at": now + NOBODY_LEFT_RETRY}))
    )


def _alive(legs: Sequence[Leg]) -> bool:
    return any(leg.state in (LegState.PENDING, LegState.SENT) for leg in legs)


def address_of(leg: Leg, person: Reachable | None) -> str | None:
    """Where the leg goes, by what is known of the person now."""
    return None if person is None else person.addresses.get(leg.channel)
