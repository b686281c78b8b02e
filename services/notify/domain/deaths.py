"""A patient's death, and that it was recorded by mistake: what it ended goes on, whatever order documents come in."""

from collections.abc import Iterable
from typing import Final

from shared.contracts.alerts import Alert, AlertStatus
from shared.contracts.patients import Patient, PatientStatus

RAPPORT: Final = "rapport"
"""Who closes an alert when what raised it ends by itself."""
DIED: Final = "Closed because the patient's record says that they have died."
"""Its note where that is why: by it such an alert is known again, in documents of any age."""


def counting(alerts: Iterable[Alert], patient: Patient | None) -> list[Alert]:
    """The alerts whose evidence counts as told. What the platform closed because of a death that was recorded by
    mistake was dealt with by nobody."""
    return [alert for alert in alerts if not (_closed_by_death(alert) and lives_after_all(alert, patient))]


def _closed_by_death(alert: Alert) -> bool:
    return alert.status is AlertStatus.CLOSED and alert.closed_by == RAPPORT and alert.note == DIED


def lives_after_all(alert: Alert, patient: Patient | None) -> bool:
    """Whether a patient's death, by which an alert was ended or closed, was put right since.

    An older document than the one that said so, as a store that is being rebuilt comes to see, puts nothing right.
    """
    if patient is None or patient.deleted or patient.status is PatientStatus.DECEASED:
        return False
    return alert.died_as_of is None or patient.version > alert.died_as_of
