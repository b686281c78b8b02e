"""What should have been sent, compared with what was: by other means than the sending, so that it finds its faults.

An alert that is open or taken must have, for whatever is owed of it, a row that will be looked at, or be held in a
digest that will; and evidence that insights says must be told stands in an alert.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.notify.domain.alerts import RISK_RULES
from services.notify.domain.deaths import counting
from services.notify.domain.deliveries import Delivery, delivery_id, next_due
from services.notify.domain.escalation import next_step, step_needed, step_rows, used_up, was_ended
from services.notify.domain.remembering import told_by
from services.notify.domain.resending import again_rows
from services.notify.domain.rounds import owed, rounds_of, still_needed
from shared.contracts.alerts import Alert, AlertStatus
from shared.contracts.assessments import Assessment
from shared.contracts.base import Origin
from shared.contracts.patients import Patient, PatientStatus
from shared.working_time import WorkingTime

LATE_BY: Final = timedelta(minutes=5)
"""What is due for longer, and not handed over or put off, is late."""


class Wrong(StrEnum):
    """untold: evidence that stands in no alert; no_row, cancelled: owed, and nothing will send it; overdue: nobody
    looked at its row; unsettled: it was sent, and the alert never heard; held_nowhere: its digest is not there."""

    UNTOLD = "untold"
    NO_ROW = "no_row"
    CANCELLED = "cancelled"
    OVERDUE = "overdue"
    UNSETTLED = "unsettled"
    HELD_NOWHERE = "held_nowhere"


class End(StrEnum):
    """Where an alert is on its way to its end."""

    CLOSED = "closed"
    ACKNOWLEDGED = "acknowledged"
    WAITING = "waiting"
    USED_UP = "used_up"
    NOBODY_FURTHER = "nobody_further"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. patient: `clinic/patient`; row: the delivery it is about."""

    wrong: Wrong
    patient: str
    alert: str | None = None
    row: str | None = None


def rows_of(alert: Alert, now: datetime) -> list[str]:
    """The ids of an alert's rows: those that what is owed of it should have, and those it may have had before, which a
    receipt may have opened again; digests of imported evidence aside."""
    rounds = [delivery_id(alert.key, news.number) for news in rounds_of(alert) if news.urgency is not None]
    return list(dict.fromkeys([*_expected(alert, now), *rounds, *step_rows(alert)]))


def _expected(alert: Alert, now: datetime) -> list[str]:
    expected = [delivery_id(alert.key, news.number) for news in owed(alert) if news.urgency is not None]
    step = next_step(alert, now)
    return [*expected, *([step.id] if step else []), *(row.id for row in again_rows(alert))]


def audited(alert: Alert, rows: Mapping[str, Delivery], working_time: WorkingTime, now: datetime) -> Iterator[Finding]:
    """What is wrong with an alert's rows. rows: those of `rows_of`, and the digests they are held in.

    Of a row that nothing is owed by any more, no more is asked than that somebody looks at it when it is due.
    """
    patient = f"{alert.clinic}/{alert.patient}"
    expected = _expected(alert, now)
    for name in rows_of(alert, now):
        row = rows.get(name)
        if name not in expected:
            if row is not None and not row.finished and next_due(row) < now - LATE_BY:
                yield Finding(Wrong.OVERDUE, patient, alert.key, name)
            continue
        if row is None:
            wrong: Wrong | None = Wrong.NO_ROW
        elif row.held is not None:
            name, wrong = _held(row, rows.get(row.held.into), now)  # noqa: PLW2901  the digest is what is late
        else:
            wrong = _wrong(row, now, needed=_needed(alert, row, working_time, now))
        if wrong is not None:
            yield Finding(wrong, patient, alert.key, name)


def _needed(alert: Alert, row: Delivery, working_time: WorkingTime, now: datetime) -> bool:
    if row.step is not None:
        return step_needed(alert, row.step, now)
    return any(still_needed(alert, item.round, working_time, now) for item in row.items)


def _wrong(row: Delivery, now: datetime, *, needed: bool) -> Wrong | None:
    if row.done and needed:
        return Wrong.UNSETTLED if row.handed_over else Wrong.CANCELLED
    return Wrong.OVERDUE if not row.done and next_due(row) < now - LATE_BY else None


def _held(row: Delivery, digest: Delivery | None, now: datetime) -> tuple[str, Wrong | None]:
    if digest is None or not any(item.origin == row.id for item in digest.items):
        return row.id, Wrong.HELD_NOWHERE
    if digest.done:
        return digest.id, Wrong.UNSETTLED if digest.handed_over else None
    return digest.id, Wrong.OVERDUE if next_due(digest) < now - LATE_BY else None


def untold(assessment: Assessment, patient: Patient | None, alerts: Sequence[Alert], now: datetime) -> list[str]:
    """The ids of evidence that must be told, has been known for a while, and stands in no alert."""
    died = patient is not None and not patient.deleted and patient.status is PatientStatus.DECEASED
    newer = any(alert.as_of > assessment.order for alert in alerts)
    if assessment.deleted or died or newer or assessment.made_at > now - LATE_BY:
        return []
    counted = counting(alerts, patient)
    told = {rule: told_by(one for one in counted if one.rule == rule) for rule in {one.rule for one in counted}}
    return [
        telling.id
        for concern in assessment.concerns
        for telling in concern.telling
        if not (concern.rule in told and told[concern.rule](telling.id))
        and (concern.holds or (concern.rule in RISK_RULES and telling.origin is not Origin.IMPORT))
    ]


def end_of(alert: Alert) -> End:
    """Whether it has ended, and if not, what it waits for."""
    if alert.status is not AlertStatus.OPEN:
        return End(alert.status.value)
    if was_ended(alert):
        return End.NOBODY_FURTHER
    pending = any(evidence.settled_at is None for evidence in alert.told)
    return End.USED_UP if alert.escalations and used_up(alert) and not pending else End.WAITING


def counted(findings: Iterable[Finding]) -> dict[Wrong, int]:
    """How many of each, none left out."""
    every = [finding.wrong for finding in findings]
    return {wrong: every.count(wrong) for wrong in Wrong}
