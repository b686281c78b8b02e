"""The way through care: referred, started, transferred, discharged, and who shares it."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.intake import domain
from services.intake.handlers.documents import Documents, expect_clinician, found, present
from shared.clock import Clock
from shared.contracts import Clinic, Patient, Session
from shared.contracts.clinics import Role
from shared.contracts.patients import Episode, EpisodeEnd
from shared.documents import Idempotency, Table, Written


class Care:
    """The way through care. Everything is a new version of the patient's document."""

    def __init__(self, *, documents: Documents, table: Table[Clinic], clock: Clock) -> None:
        self._documents = documents
        self._table = table
        self._clock = clock

    async def refer(
        self,
        clinic: str,
        patient: str,
        *,
        episode: str,
        referred_on: date | None,
        started_on: date | None,
        problem: str | None,
        intensity: str | None,
        idempotency: Idempotency,
    ) -> Written[Patient]:
        """Open an episode of care; without a day, one referred today. Raises Problem 404, 409 and 422."""
        today = await self._today(clinic, patient)
        wished = Episode(
            episode=episode,
            referred_on=referred_on or today,
            started_on=started_on,
            problem=problem,
            intensity=intensity,
        )
        return await self._write(
            clinic, patient, lambda current: domain.refer_patient(current, wished, today), idempotency
        )

    async def start(
        self, clinic: str, patient: str, episode: str, *, started_on: date | None, idempotency: Idempotency
    ) -> Written[Patient]:
        """Say on which day care started; without one, today. Raises Problem 404, 409 and 422."""
        today = await self._today(clinic, patient)
        return await self._write(
            clinic,
            patient,
            lambda current: domain.start_episode(current, episode, started_on or today, today),
            idempotency,
        )

    async def discharge(
        self, clinic: str, patient: str, *, end: EpisodeEnd, ended_on: date | None, idempotency: Idempotency
    ) -> Written[Patient]:
        """End the open episode; without a day, today. Raises Problem 404, 409 and 422."""
        today = await self._today(clinic, patient)
        return await self._write(
            clinic,
            patient,
            lambda current: domain.discharge_patient(current, end, ended_on or today, today),
            idempotency,
        )

    async def transfer(
        self, clinic: str, patient: str, *, to: str, at: datetime | None, note: str, idempotency: Idempotency
    ) -> Written[Patient]:
        """Give a patient to another clinician; without an instant, now. Raises Problem 404, 409 and 422."""
        await expect_clinician(self._documents, clinic, to)
        known = await found(self._documents.patients, f"{clinic}/{patient}", "patient")
        roles = await roles_of(self._documents, clinic, [known.clinician])
        now = self._clock.now()
        return await self._write(
            clinic,
            patient,
            lambda current: domain.transfer_patient(current, to=to, at=at or now, note=note, roles=roles, now=now),
            idempotency,
        )

    async def join(
        self, clinic: str, patient: str, clinician: str, *, role: Role | None, since: datetime | None
    ) -> Written[Patient]:
        """Have somebody share the care, in their own role where none is said. Raises Problem 404, 409 and 422."""
        known = await found(self._documents.clinicians, f"{clinic}/clinician/{clinician}", "clinician")
        now = self._clock.now()
        return await self._write(
            clinic,
            patient,
            lambda current: domain.join_care_team(
                current, clinician=clinician, role=role or known.role, since=since or now, now=now
            ),
        )

    async def leave(self, clinic: str, patient: str, clinician: str) -> Written[Patient]:
        """Have somebody share the care no longer. Raises Problem 404."""
        now = self._clock.now()
        return await self._write(
            clinic, patient, lambda current: domain.leave_care_team(current, clinician=clinician, now=now)
        )

    async def held(self, session: Session) -> None:
        """A session was attended: where an open episode has not started, its first session attended starts it.

        Safe to repeat. All sessions of the patient are looked at: one before may have been marked by somebody who was
        stopped before it came to this.
        """
        key = f"{session.clinic}/{session.patient}"
        patient = await self._documents.patients.load(key)
        if patient is None or not domain.waits_for_session(patient):
            return
        days = [
            await local_day(self._documents, self._table, patient, one.scheduled_at)
            for one in await self._sessions(session.clinic, session.patient)
            if domain.was_held(one)
        ]
        today = await local_day(self._documents, self._table, patient, self._clock.now())
        await self._documents.patients.write(
            key, lambda current: domain.start_by_sessions(present(current, "patient"), days, today)
        )

    async def _sessions(self, clinic: str, patient: str) -> list[Session]:
        found: list[Session] = []
        cursor: str | None = None
        while True:
            where = {"patient": patient}
            page = await self._documents.sessions.page(clinic, where=where, cursor=cursor, limit=200)
            found, cursor = [*found, *page.items], page.next
            if cursor is None:
                return found

    async def _today(self, clinic: str, patient: str) -> date:
        known = await found(self._documents.patients, f"{clinic}/{patient}", "patient")
        return await local_day(self._documents, self._table, known, self._clock.now())

    async def _write(
        self,
        clinic: str,
        patient: str,
        change: Callable[[Patient], Patient],
        idempotency: Idempotency | None = None,
    ) -> Written[Patient]:
        return await self._documents.patients.write(
            f"{clinic}/{patient}", lambda current: change(present(current, "patient")), idempotency=idempotency
        )


async def local_day(documents: Documents, table: Table[Clinic], patient: Patient, at: datetime) -> date:
    """The day of an instant where the patient is; where that is not said, where the clinic is. Raises Recoverable."""
    zone = patient.zone
    if zone is None:
        clinic = table.get(patient.clinic) or await documents.clinics.load(patient.clinic)
        zone = "UTC" if clinic is None else clinic.settings_at(at).zone
    return at.astimezone(ZoneInfo(zone)).date()


async def roles_of(documents: Documents, clinic: str, clinicians: Iterable[str | None]) -> domain.Roles:
    """What clinicians do, by id; those the clinic does not have are left out. Raises Recoverable."""
    keys = [f"{clinic}/clinician/{name}" for name in clinicians if name is not None]
    known = await documents.clinicians.load_many(keys) if keys else {}
    return {one.clinician: one.role for one in known.values()}
