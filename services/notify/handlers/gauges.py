"""The gauges that say whether anybody is in danger of not being told, and the log lines that say of which alert."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from services.notify.domain import RISK_RULES, to_nobody, was_ended
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


class Looked(NamedTuple):
    """An alert nobody has closed. chased: somebody is told of it until one of them acknowledges it. states: what an
    operator should know of it."""

    alert: Alert
    chased: bool
    states: tuple[State, ...]


def look(alert: Alert, now: datetime) -> Looked:
    """What an operator should know of an alert. Chasing ended with a patient's death: then there is nothing."""
    end = end_of(alert)
    chased = end in (End.WAITING, End.USED_UP) and alert.route is not Route.DIGEST
    return Looked(alert, chased, tuple(_states(alert, end, now, chased=chased)))


def _states(alert: Alert, end: End, now: datetime, *, chased: bool) -> Iterator[State]:
    if (
        end is End.ACKNOWLEDGED
        and not was_ended(alert)
        and now - (alert.acknowledged_at or alert.updated_at) > FORGOTTEN
    ):
        yield State.FORGOTTEN
    if end not in (End.WAITING, End.USED_UP):
        return
    risk, at_once = alert.rule in RISK_RULES, alert.urgency is Urgency.AT_ONCE
    if chased and at_once and now - _since(alert) > UNANSWERED:
        yield State.UNACKNOWLEDGED
    if chased and (risk or at_once) and alert.deadline < now:
        yield State.OVERDUE
    if end is End.USED_UP:
        yield State.USED_UP
    if risk and to_nobody(alert):
        yield State.WITHOUT_RECIPIENT


def _since(alert: Alert) -> datetime:
    return alert.open_since or alert.opened_at


def show(alerts: Iterable[Alert], now: datetime) -> list[Looked]:
    """Set the gauges from the alerts of the partitions that are ours (the sum over the replicas is the whole); what
    was seen of each."""
    every = [look(alert, now) for alert in alerts if not alert.deleted]
    for urgency in Urgency:
        mine = [one for one in every if one.alert.urgency is urgency]
        for status in _WAITING:
            ALERTS_OPEN.labels(urgency.value, status.value).set(sum(one.alert.status is status for one in mine))
        oldest = min((_since(one.alert) for one in mine if one.chased), default=now)
        ALERT_UNACKED_OLDEST.labels(urgency.value).set(max(0.0, (now - oldest).total_seconds()))
        for gauge, state in (
            (ALERTS_USED_UP, State.USED_UP),
            (ALERT_OVERDUE, State.OVERDUE),
            (ALERTS_FORGOTTEN, State.FORGOTTEN),
        ):
            gauge.labels(urgency.value).set(sum(state in one.states for one in mine))
    RISK_WITHOUT_RECIPIENT.set(sum(State.WITHOUT_RECIPIENT in one.states for one in every))
    return every


class Named:
    """Says in the log, once per alert and state, which alert it is that pages: its clinic and reference, no patient."""

    def __init__(self) -> None:
        self._said: set[tuple[str, State]] = set()

    def say(self, seen: Iterable[Looked]) -> None:
        """Say what is new. What passed and comes back is said again."""
        found = {(alert.key, state): alert for alert, _, states in seen for state in states}
        for (key, state), alert in found.items():
            if (key, state) not in self._said:
                log.warning("alert_needs_somebody", state=state.value, clinic=alert.clinic, alert=alert.reference)
        self._said = set(found)


async def keep_showing(alerts: Iterable[Alert], clock: Clock, *others: Callable[[], None]) -> None:
    """Set the gauges for ever. others: what else shows itself by the time alone."""
    named = Named()
    while True:
        named.say(show(alerts, clock.now()))
        for other in others:
            other()
        await asyncio.sleep(EVERY)
