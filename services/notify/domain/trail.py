"""An alert's life in order, from the entry that was detected to its end: what a clinician opens to see who was told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from services.notify.domain.deliveries import FALLBACK, Delivery, Kind, Leg, Outcome, Receipt
from services.notify.domain.hooks import is_system
from shared.contracts.alerts import Alert, Cause


class What(StrEnum):
    """What happened. delivered, undelivered: by the provider's receipt; unconfirmed: none came in time.

    stopped: nothing was sent, because its owner wants no more texts at that number.
    """

    DETECTED = "detected"
    ACCEPTED = "accepted"
    RAISED = "raised"
    QUEUED = "queued"
    HELD = "held"
    SENT = "sent"
    ACCEPTED_BY_PROVIDER = "accepted_by_provider"
    REFUSED = "refused"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNCONFIRMED = "unconfirmed"
    STOPPED = "stopped"
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    ASKED_AGAIN = "asked_again"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened. who: a clinician's id, `fallback`, `system` (the clinic's own), or who did it.

    note: nothing of a patient. provider: which one of the channel.
    """

    at: datetime
    what: What
    who: str | None = None
    channel: str | None = None
    provider: str | None = None
    note: str | None = None


Opening = tuple[str, datetime, datetime]
"""Whose link was opened, first and last."""


def life_of(alert: Alert, rows: Sequence[Delivery], openings: Iterable[Opening]) -> list[Happened]:
    """Everything that is known to have happened, in order; of one instant, in the order of a life."""
    order = list(What)
    found = [*_evidence(alert), *_messages(rows), *_opened(openings), *_decisions(alert)]
    return sorted(found, key=lambda one: (one.at, order.index(one.what)))


def _evidence(alert: Alert) -> Iterator[Happened]:
    for told in alert.told:
        yield Happened(told.at, What.DETECTED, note="when it was said, by the entry")
        if told.accepted_at is not None:
            yield Happened(told.accepted_at, What.ACCEPTED, note="at the door")
    for number in sorted({told.round for told in alert.told}):
        first = min(told.added_at for told in alert.told if told.round == number)
        yield Happened(first, What.RAISED, note="it was opened" if number == 1 else "with news")


def _messages(rows: Sequence[Delivery]) -> Iterator[Happened]:
    for row in rows:
        yield Happened(row.created_at, What.QUEUED, note=_NAMES[row.kind])
        if row.held is not None:
            yield Happened(row.held.at, What.HELD, row.held.who, note=f"{row.held.why}; until {row.held.until:%c} UTC")
        for leg in row.legs:
            yield from _attempts(row, leg)
            yield from _receipts(leg)


def _attempts(row: Delivery, leg: Leg) -> Iterator[Happened]:
    who, channel = _whom(leg.to), leg.channel.value
    for attempt in leg.attempts:
        happened = partial(Happened, attempt.at, who=who, channel=channel, provider=attempt.provider or None)
        if attempt.code == "stopped":
            yield happened(What.STOPPED, note="its owner wants no more texts there")
            continue
        yield happened(What.SENT, note=_NAMES[row.kind])
        if attempt.outcome is Outcome.ACCEPTED:
            yield happened(What.ACCEPTED_BY_PROVIDER, note=attempt.code)
        else:
            yield happened(What.REFUSED, note=f"{attempt.outcome.value}: {attempt.code}")


def _receipts(leg: Leg) -> Iterator[Happened]:
    """What the provider said later; of each kind the last word is kept."""
    told = {"who": _whom(leg.to), "channel": leg.channel.value, "provider": leg.provider}
    if leg.unconfirmed_at is not None:
        yield Happened(leg.unconfirmed_at, What.UNCONFIRMED, note="no receipt came in time", **told)
    if leg.delivered_at is not None:
        yield Happened(leg.delivered_at, What.DELIVERED, note=leg.receipt_code, **told)
    elif leg.receipt in (Receipt.FAILED_FOR_GOOD, Receipt.FAILED_FOR_NOW) and leg.receipt_at is not None:
        yield Happened(leg.receipt_at, What.UNDELIVERED, note=f"{leg.receipt.value}: {leg.receipt_code}", **told)


def _whom(to: str) -> str:
    if to == FALLBACK:
        return "fallback"
    return "system" if is_system(to) else to


def _opened(openings: Iterable[Opening]) -> Iterator[Happened]:
    for to, first, last in openings:
        who = _whom(to)
        yield Happened(first, What.OPENED, who, note="link opened, perhaps by a mail scanner")
        if last > first:
            yield Happened(last, What.OPENED, who, note="link opened again, perhaps by a mail scanner")


def _decisions(alert: Alert) -> Iterator[Happened]:
    for said in alert.acknowledgements:
        yield Happened(said.at, What.ACKNOWLEDGED, said.by, note=f"by {said.via.value}")
    if not alert.acknowledgements and alert.acknowledged_at is not None:  # from before they were listed
        yield Happened(alert.acknowledged_at, What.ACKNOWLEDGED, alert.acknowledged_by)
    for run in alert.escalations:
        for step in run.steps:
            message = run.cause is Cause.UNACKNOWLEDGED and (step.repeat, step.step) == (0, 1)
            if step.settled_at is not None and step.recipient is not None and not message:
                who = step.told_clinician or "fallback"
                yield Happened(step.settled_at, What.ESCALATED, who, note=f"{step.who.value}: {step.why}")
    for asked in alert.resent:
        yield Happened(asked.at, What.ASKED_AGAIN, asked.by, note=f"to {asked.clinician or 'their clinician'}")
    if alert.closed_at is not None:
        yield Happened(alert.closed_at, What.CLOSED, alert.closed_by)


_NAMES = {
    Kind.MESSAGE: "its message",
    Kind.ESCALATION: "a step of its escalation",
    Kind.DIGEST: "a digest",
    Kind.AGAIN: "its message again",
    Kind.HOOK: "word to the clinic's own systems",
}
