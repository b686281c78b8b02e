"""Sending an alert's message again because somebody asked: a row of its own, remembered in the alert."""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

from services.notify.domain.deliveries import Delivery, Item, Kind
from shared.contracts.alerts import Alert, AlertStatus, Resent
from shared.contracts.escalation import Who
from shared.errors import Problem

KEPT: Final = 50
"""Requests that stay in the alert: as many in an hour, or those that count would be forgotten."""
MOST: Final = 3
"""Times that an alert is sent again to one recipient within an hour: it goes out whatever limits there are."""
WITHIN: Final = timedelta(hours=1)


def send_again(alert: Alert, resend: str, *, by: str, clinician: str | None, now: datetime) -> Alert:
    """The alert with the request. clinician: None for the patient's. Raises Problem 409 where it is closed, and 429
    where it was sent again often enough: it is the alert that remembers, so that all replicas count alike.
    """
    if alert.status is AlertStatus.CLOSED:
        raise Problem(
            409,
            "already_closed",
            "This alert is closed already",
            "Nothing is sent about a closed alert. Read it to see who closed it and why; new evidence opens another.",
        )
    if any(one.resend == resend for one in alert.resent):
        return alert
    lately = sorted((one for one in alert.resent if one.at > now - WITHIN), key=lambda one: one.at)
    whose = clinician or alert.clinician
    theirs = [one for one in lately if (one.clinician or alert.clinician) == whose]
    if len(theirs) >= MOST:
        raise _again_later(theirs[-MOST].at + WITHIN, now, f"{MOST} times to this recipient")
    if len(lately) >= KEPT:
        raise _again_later(lately[-KEPT].at + WITHIN, now, f"{KEPT} times")
    asked = Resent(resend=resend, at=now, by=by, clinician=clinician)
    return alert.model_copy(update={"resent": [*alert.resent, asked][-KEPT:]})


def _again_later(at: datetime, now: datetime, often: str) -> Problem:
    seconds = max(1, math.ceil((at - now).total_seconds()))
    return Problem(
        429,
        "sent_again_often",
        "This alert was sent again often enough",
        f"It was sent again {often} within an hour, and nothing was sent now. It can be sent again at "
        f"{at.astimezone(UTC):%H:%M:%S} UTC, in {-(-seconds // 60)} min. If nobody answers, ring them, or send it to "
        "somebody else by `clinician`; its escalation goes on meanwhile.",
        headers={"Retry-After": str(seconds)},
    )


def again_id(alert: Alert, resend: str) -> str:
    """The row of a request."""
    return f"{alert.key}/again/{resend}"


def again_rows(alert: Alert) -> list[Delivery]:
    """The rows of what was asked for and not handed over yet. It goes out at once: somebody is waiting for it."""
    if alert.status is AlertStatus.CLOSED or alert.deleted:
        return []
    return [
        Delivery(
            id=again_id(alert, asked.resend),
            clinic=alert.clinic,
            kind=Kind.AGAIN,
            urgency=alert.urgency,
            items=(Item(alert=alert.key, round=max(told.round for told in alert.told)),),
            patient=alert.patient,
            who=Who.NAMED if asked.clinician else Who.CLINICIAN,
            named=asked.clinician,
            created_at=asked.at,
            due_at=asked.at,
            look_at=asked.at,
        )
        for asked in alert.resent
        if asked.settled_at is None
    ]


def again_needed(alert: Alert, row: str) -> bool:
    """Whether a request still has to be met."""
    return any(one.id == row for one in again_rows(alert))


def settle_again(alert: Alert, row: str, now: datetime) -> Alert:
    """A request was met."""
    resent = [
        asked.model_copy(update={"settled_at": now})
        if again_id(alert, asked.resend) == row and asked.settled_at is None
        else asked
        for asked in alert.resent
    ]
    return alert if resent == alert.resent else alert.model_copy(update={"resent": resent})
