"""What is expected of a patient, put together from the documents that say so: one reading for every service."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.contracts.clinics import Clinic
from shared.contracts.patients import Patient, PatientStatus
from shared.contracts.sessions import Attendance, Session
from shared.schedule import Course, Meeting, Occasion, Plan, Stay, occasions

LONGEST: Final = timedelta(days=30)
"""The longest an occasion stays open."""
_CANCELLED: Final = frozenset({Attendance.CANCELLED_BY_CLINIC, Attendance.CANCELLED_BY_PATIENT})
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Expected:
    """The protocols one patient follows, and what their calendar needs.

    since: nothing is expected that was due before the clinic had told us of the patient. until: nor from then on, where
    care has ended.
    """

    since: datetime
    until: datetime | None
    courses: tuple[Course, ...] = ()
    stays: tuple[Stay, ...] = field(default=())

    def between(self, since: datetime, until: datetime, meetings: Collection[Meeting] = ()) -> list[Occasion]:
        """The occasions due from `since` (inclusive) to `until` (exclusive), in order."""
        ends = until if self.until is None else min(until, self.until)
        return occasions(self.courses, max(since, self.since), ends, stays=self.stays, meetings=meetings)

    def zone_at(self, instant: datetime) -> ZoneInfo:
        """The patient's zone at an instant."""
        found = self.stays[0].zone
        for stay in self.stays:
            if stay.since <= instant:
                found = stay.zone
        return found


def expected_of(clinic: Clinic, patient: Patient) -> Expected | None:
    """What a patient is asked for; None where they follow nothing. A protocol of their own comes before the pathway's.

    Somebody no longer active is expected nothing from the end of their last episode on, or, where that is not known,
    from their document's last change.
    """
    if patient.deleted or not (patient.protocols or patient.pathway):
        return None
    own = {one.protocol: (one.starts_on, one.stops_on) for one in patient.protocols}
    pathway = {name for settings in clinic.settings for name in settings.pathways.get(patient.pathway or "", ())}
    begun = patient.pathway_since or patient.expected_from.date()
    courses = []
    for name in sorted({*own, *pathway}):
        starts_on, stops_on = own.get(name, (begun, None))
        plans = _plans(clinic, name, pathway=None if name in own else patient.pathway)
        courses.append(Course(plans, starts_on, stops_on, f"{patient.clinic}/{patient.patient}"))
    return Expected(
        since=patient.expected_from,
        until=None if patient.status is PatientStatus.ACTIVE else _ended(clinic, patient),
        courses=tuple(courses),
        stays=stays_of(clinic, patient),
    )


def _plans(clinic: Clinic, name: str, *, pathway: str | None) -> list[tuple[datetime, Plan | None]]:
    """What a protocol was from when on; where a pathway is followed, only while the protocol was part of it."""
    found: list[tuple[datetime, Plan | None]] = []
    for settings in clinic.settings:
        follows = pathway is None or name in settings.pathways.get(pathway, ())
        plan = next((one.plan for one in settings.protocols if follows and one.name == name), None)
        if not found or found[-1][1] != plan:
            found.append((settings.effective_from, plan))
    return found


def stays_of(clinic: Clinic, patient: Patient) -> tuple[Stay, ...]:
    """Where a patient has been: as they told, or else where the clinic is."""
    if patient.zones:
        return tuple(Stay(ZoneInfo(one.zone), one.since) for one in patient.zones)
    if patient.zone is not None:
        return (Stay(ZoneInfo(patient.zone), _LONG_AGO),)
    return tuple(Stay(ZoneInfo(one.zone), one.effective_from) for one in clinic.settings)


def _ended(clinic: Clinic, patient: Patient) -> datetime:
    last: date | None = patient.episodes[-1].ended_on if patient.episodes else None
    if last is None:
        return patient.updated_at
    zone = stays_of(clinic, patient)[-1].zone
    return datetime.combine(last + timedelta(days=1), datetime.min.time(), zone).astimezone(UTC)


def meeting_of(session: Session) -> Meeting | None:
    """A session as the calendar knows it; None for one that does not take place."""
    if session.deleted or session.attendance in _CANCELLED:
        return None
    return Meeting(session.session, session.scheduled_at)
