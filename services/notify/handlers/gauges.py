"""The gauges that say whether anybody is in danger of not being told."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from services.notify.domain import RISK_RULES, to_nobody
from services.notify.domain.audit import End, end_of
from shared.clock import Clock
from shared.contracts.alerts import Alert, AlertStatus
from shared.contracts.base import Urgency
from shared.metrics import ALERT_OVERDUE, ALERT_UNACKED_OLDEST, ALERTS_OPEN, ALERTS_USED_UP, RISK_WITHOUT_RECIPIENT

EVERY: Final = 2.0
_WAITING: Final = (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)


def show(alerts: Iterable[Alert], now: datetime) -> None:
    """Set the gauges from the alerts of the partitions that are ours (the sum over the replicas is the whole)."""
    every = list(alerts)
    for urgency in Urgency:
        mine = [alert for alert in every if alert.urgency is urgency and not alert.deleted]
        for status in _WAITING:
            ALERTS_OPEN.labels(urgency.value, status.value).set(sum(alert.status is status for alert in mine))
        unacknowledged = [alert for alert in mine if alert.status is AlertStatus.OPEN]
        oldest = min((alert.open_since or alert.opened_at for alert in unacknowledged), default=now)
        ALERT_UNACKED_OLDEST.labels(urgency.value).set(max(0.0, (now - oldest).total_seconds()))
        ALERTS_USED_UP.labels(urgency.value).set(sum(end_of(alert) is End.USED_UP for alert in mine))
        ALERT_OVERDUE.labels(urgency.value).set(sum(alert.deadline < now for alert in unacknowledged))
    RISK_WITHOUT_RECIPIENT.set(sum(alert.rule in RISK_RULES and to_nobody(alert) for alert in every))


async def keep_showing(alerts: Iterable[Alert], clock: Clock) -> None:
    """Set the gauges for ever."""
    while True:
        show(alerts, clock.now())
        await asyncio.sleep(EVERY)
