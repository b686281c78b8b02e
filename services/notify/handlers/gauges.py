"""The gauges that say whether anybody is in danger of not being told, and the log lines that say of which alert."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.notify.domain import RISK_RULES, to_nobody
from services.notify.domain.audit import End, end_of
from shared.clock import Clock
from shared.contracts.alerts import Alert, AlertStatus, Route
from shared.contracts.base import Urgency
from shared.logs import logger
from shared.metrics import (
    ALERT_OVERDUE,
    ALERT_UNACKED_OLDEST,
    ALERTS_FORGOTTEN,
    ALERTS_OPEN,
    ALERTS_USED_UP,
    RISK_WITHOUT_RECIPIENT,
)

log = logger(__name__)
EVERY: Final = 2.0
UNANSWERED: Final = timedelta(minutes=30)
"""How long an at-once alert may be unacknowledged before an operator is paged; deploy/prometheus/rules.yml says so."""
FORGOTTEN: Final = timedelta(days=7)
"""How long an acknowledged alert may be unclosed before it counts as forgotten."""
_WAITING: Final = (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)


class State(StrEnum):
    """Why an operator is paged, or has a ticket, for an alert."""

    UNACKNOWLEDGED = "unacknowledged"
    OVERDUE = "overdue"
    USED_UP = "used_up"
    WITHOUT_RECIPIENT = "without_recipient"
    FORGOTTEN = "forgotten"


def states_of(alert: Alert, now: datetime) -> Iterator[State]:
    """What an operator should know of an alert. Chasing ended with a patient's death: then there is nothing."""
    if alert.deleted or alert.status is AlertStatus.CLOSED or end_of(alert) is End.NOBODY_FURTHER:
        return
    if alert.status is AlertStatus.ACKNOWLEDGED:
        if _is_forgotten(alert, now):
            yield State.FORGOTTEN
        return
    risk, paging = alert.rule in RISK_RULES, alert.route is not Route.DIGEST
    if paging and alert.urgency is Urgency.AT_ONCE and now - _since(alert) > UNANSWERED:
        yield State.UNACKNOWLEDGED
    if paging and (risk or alert.urgency is Urgency.AT_ONCE) and alert.deadline < now:
        yield State.OVERDUE
    if end_of(alert) is End.USED_UP:
        yield State.USED_UP
    if risk and to_nobody(alert):
        yield State.WITHOUT_RECIPIENT


def _since(alert: Alert) -> datetime:
    return alert.open_since or alert.opened_at


def _is_forgotten(alert: Alert, now: datetime) -> bool:
    ended = bool(alert.escalations) and alert.escalations[-1].ended_at is not None
    return not ended and now - (alert.acknowledged_at or alert.updated_at) > FORGOTTEN


def show(alerts: Iterable[Alert], now: datetime) -> None:
    """Set the gauges from the alerts of the partitions that are ours (the sum over the replicas is the whole)."""
    every = [alert for alert in alerts if not alert.deleted]
    states = {alert.key: list(states_of(alert, now)) for alert in every}
    for urgency in Urgency:
        mine = [alert for alert in every if alert.urgency is urgency]
        for status in _WAITING:
            ALERTS_OPEN.labels(urgency.value, status.value).set(sum(alert.status is status for alert in mine))
        chased = [
            alert
            for alert in mine
            if alert.status is AlertStatus.OPEN
            and alert.route is not Route.DIGEST
            and end_of(alert) is not End.NOBODY_FURTHER
        ]
        oldest = min((_since(alert) for alert in chased), default=now)
        ALERT_UNACKED_OLDEST.labels(urgency.value).set(max(0.0, (now - oldest).total_seconds()))
        for gauge, state in (
            (ALERTS_USED_UP, State.USED_UP),
            (ALERT_OVERDUE, State.OVERDUE),
            (ALERTS_FORGOTTEN, State.FORGOTTEN),
        ):
            gauge.labels(urgency.value).set(sum(state in states[alert.key] for alert in mine))
    RISK_WITHOUT_RECIPIENT.set(sum(State.WITHOUT_RECIPIENT in states[alert.key] for alert in every))


class Named:
    """Says in the log, once per alert and state, which alert it is that pages: its clinic and reference, no patient."""

    def __init__(self) -> None:
        self._said: set[tuple[str, State]] = set()

    def say(self, alerts: Iterable[Alert], now: datetime) -> None:
        """Say what is new. What passed and comes back is said again."""
        found = {(alert.key, state): alert for alert in alerts for state in states_of(alert, now)}
        for (key, state), alert in found.items():
            if (key, state) not in self._said:
                log.warning("alert_needs_somebody", state=state.value, clinic=alert.clinic, alert=alert.reference)
        self._said = set(found)


async def keep_showing(alerts: Iterable[Alert], clock: Clock, *others: Callable[[], None]) -> None:
    """Set the gauges for ever. others: what else shows itself by the time alone."""
    named = Named()
    while True:
        now = clock.now()
        show(alerts, now)
        named.say(alerts, now)
        for other in others:
            other()
        await asyncio.sleep(EVERY)
