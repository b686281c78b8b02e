"""How many alerts somebody gets, and how soon they answer: figures to see a budget by. Pure."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from shared.contracts.alerts import Alert


@dataclass(frozen=True, slots=True)
class Carried:
    """One clinician's alerts over some weeks. per_100: alerts per week and 100 patients of theirs, None without any.

    median_minutes: from when nobody had it to when somebody did, of those acknowledged; None where none was.
    """

    clinician: str
    patients: int
    alerts: int
    risk: int
    per_week: float
    per_100: float | None
    messages: int
    held: int
    over_budget: int
    acknowledged: int
    median_minutes: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What the days' records say of messages that could wait."""

    messages: int = 0
    held: int = 0
    over: int = 0


def carried(
    clinician: str,
    alerts: Iterable[Alert],
    *,
    since: datetime,
    weeks: int,
    patients: int,
    counts: Counts,
    risk: Container[str],
) -> Carried:
    """The figures of one clinician. alerts: theirs; those opened before `since` are left out. risk: its rules."""
    mine = [alert for alert in alerts if alert.opened_at >= since]
    minutes = _minutes(mine)
    per_week = len(mine) / weeks
    return Carried(
        clinician=clinician,
        patients=patients,
        alerts=len(mine),
        risk=sum(alert.rule in risk for alert in mine),
        per_week=round(per_week, 2),
        per_100=round(per_week * 100 / patients, 2) if patients else None,
        messages=counts.messages,
        held=counts.held,
        over_budget=counts.over,
        acknowledged=len(minutes),
        median_minutes=round(median(minutes), 1) if minutes else None,
    )


def _minutes(alerts: Sequence[Alert]) -> list[float]:
    found = []
    for alert in alerts:
        said = [one.at for one in alert.acknowledgements] or [at for at in (alert.acknowledged_at,) if at is not None]
        if said:
            found.append((said[0] - alert.opened_at).total_seconds() / 60)
    return found
