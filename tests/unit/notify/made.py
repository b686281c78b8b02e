"""What the unit tests of notify are made of: assessments, patients and alerts that anybody could send."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.notify.domain import RISK, Situation
from shared.contracts import Alert, Assessment, Patient
from shared.contracts.assessments import Concern, Telling
from shared.contracts.base import Origin, Urgency
from shared.contracts.patients import PatientStatus
from shared.working_time import WorkingTime

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LONDON = WorkingTime(
    ZoneInfo("Europe/London"), {day: (time(9), time(17)) for day in ("mon", "tue", "wed", "thu", "fri")}
)


def telling(
    name: str,
    *,
    at: datetime = MONDAY,
    origin: Origin = Origin.LIVE,
    urgency: Urgency = Urgency.AT_ONCE,
) -> Telling:
    """A piece of telling evidence."""
    return Telling(id=name, at=at, origin=origin, urgency=urgency, said=f"{name} was said")


def concern(*evidence: Telling, rule: str = RISK, holds: bool = True, reason: str = "It says why.") -> Concern:
    """What one rule says."""
    return Concern(
        rule=rule,
        holds=holds,
        since=MONDAY if holds else None,
        reason=reason,
        until="until then",
        source="a test",
        parameters={},
        numbers={},
        telling=list(evidence),
    )


def assessment(*concerns: Concern, basis: int = 1, registered: bool = True, deleted: bool = False) -> Assessment:
    """What insights says."""
    return Assessment(
        clinic="harbour",
        patient="sam",
        epoch=1,
        basis=basis,
        settings_version=1,
        rules_version=1,
        made_at=MONDAY,
        deleted=deleted,
        registered=registered,
        entries=1,
        last_heard=MONDAY,
        concerns=list(concerns),
    )


def patient(status: PatientStatus = PatientStatus.ACTIVE, clinician: str | None = "priya") -> Patient:
    """The patient, as intake knows them."""
    return Patient(
        clinic="harbour",
        patient="sam",
        version=1,
        name="Sam Taylor",
        clinician=clinician,
        status=status,
        registered_at=MONDAY,
        updated_at=MONDAY,
    )


def situation(
    said: Assessment | None,
    alerts: Sequence[Alert] = (),
    *,
    who: Patient | None = None,
    now: datetime = MONDAY,
) -> Situation:
    """All that is known of the patient."""
    return Situation(assessment=said, patient=who or patient(), alerts=alerts, working_time=LONDON, now=now)


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
