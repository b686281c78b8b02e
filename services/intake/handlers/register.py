"""Who is in care, and who cares: the clinic, its clinicians, its patients."""

from datetime import datetime

from services.intake import domain
from services.intake.handlers.documents import Documents, clinic_not_set_up, expect_clinician, forget, found
from services.intake.handlers.episodes import local_day, roles_of
from services.intake.store import Questions
from shared.clock import Clock
from shared.contracts import Clinic, Clinician, Patient
from shared.contracts.clinics import ClinicSettings
from shared.documents import Page, Table, Written
from shared.errors import Problem


class Register:
    """Who is in care, and who cares."""

    def __init__(self, *, documents: Documents, asked: Questions, table: Table[Clinic], clock: Clock) -> None:
        self._documents = documents
        self._asked = asked
        self._table = table
        self._clock = clock

    async def set_up_clinic(self, clinic: str, *, name: str, settings: ClinicSettings) -> Written[Clinic]:
        """Set the clinic up, or change it from `settings.effective_from` on. Raises Problem 422."""
        written = await self._documents.clinics.write(
            clinic, lambda current: domain.set_up_clinic(current, clinic=clinic, name=name, settings=settings)
        )
        self._table.keep_highest([written.document])
        return written

    async def clinic(self, clinic: str) -> Clinic:
        """The clinic. Raises Problem 404 with what to do."""
        found = await self._documents.clinics.load(clinic)
        if found is None:
            raise Problem(404, "clinic_not_set_up", "Your clinic is not set up yet", clinic_not_set_up().detail)
        return found

    async def warnings(self, clinic: Clinic) -> list[domain.Warned]:
        """What to look at in the escalation that holds now. Raises Recoverable."""
        now = self._clock.now()
        settings = clinic.settings_at(now)
        keys = {f"{clinic.clinic}/clinician/{name}": name for name in domain.named_in(settings)}
        found = await self._documents.clinicians.load_many(keys)
        reachable = {keys[key] for key, one in found.items() if one.email or one.mobile}
        return domain.escalation_warnings(settings, reachable=reachable, now=now)

    async def put_clinician(self, wished: Clinician) -> Written[Clinician]:
        """Add a clinician, or change one. Raises Problem 409 and 422."""
        await self._expect_clinic(wished.clinic)
        checked = domain.register_clinician(wished)
        return await self._documents.clinicians.write(checked.key, lambda _: checked)

    async def clinician(self, clinic: str, clinician: str) -> Clinician:
        """One clinician. Raises Problem 404."""
        return await found(self._documents.clinicians, f"{clinic}/clinician/{clinician}", "clinician")

    async def clinicians(
        self, clinic: str, *, updated_since: datetime | None, cursor: str | None, limit: int
    ) -> Page[Clinician]:
        """A clinic's clinicians, page by page."""
        return await self._documents.clinicians.page(clinic, updated_since=updated_since, cursor=cursor, limit=limit)

    async def put_patient(self, wished: Patient, *, said: frozenset[str]) -> Written[Patient]:
        """Register a patient, or change one. Raises Problem 409 (no clinic, care that is over), 410 (deleted) and 422.

        said: the fields the client sent.
        """
        await self._expect_clinic(wished.clinic)
        await expect_clinician(self._documents, wished.clinic, wished.clinician)
        now = self._clock.now()
        clinic = self._table.get(wished.clinic)
        if clinic is None or wished.protocols or wished.pathway:  # another instance may know of newer settings
            clinic = await self._documents.clinics.load(wished.clinic)
        today = await local_day(self._documents, self._table, wished, now)
        known = await self._documents.patients.load(wished.key)
        gone = None if known is None or known.clinician == wished.clinician else known.clinician
        roles = await roles_of(self._documents, wished.clinic, [gone])

        def registered(current: Patient | None) -> Patient:
            assigned = domain.assign(current, wished, clinic, now)
            return domain.register_patient(current, assigned, now, said=said, today=today, roles=roles)

        return await self._documents.patients.write(wished.key, registered)

    async def patient(self, clinic: str, patient: str) -> Patient:
        """One patient. Raises Problem 404."""
        return await found(self._documents.patients, f"{clinic}/{patient}", "patient")

    async def patients(
        self, clinic: str, *, updated_since: datetime | None, cursor: str | None, limit: int
    ) -> Page[Patient]:
        """A clinic's patients, page by page; with `updated_since` also those deleted since, so a copy can keep step."""
        return await self._documents.patients.page(
            clinic,
            updated_since=updated_since,
            cursor=cursor,
            limit=limit,
            with_deleted=updated_since is not None,
        )

    async def delete_patient(self, clinic: str, patient: str) -> Written[Patient]:
        """Leave a tombstone of a patient and of all intake has of them. Doing it again goes on where it stopped."""
        written = await self._documents.patients.remove(f"{clinic}/{patient}")
        await forget(self._documents, self._asked, clinic, patient)
        return written

    async def _expect_clinic(self, clinic: str) -> None:
        if self._table.get(clinic) is None and await self._documents.clinics.load(clinic) is None:
            raise clinic_not_set_up()
