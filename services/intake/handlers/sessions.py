"""What happens around sessions: planned, moved, held or not, looked back on."""

from datetime import datetime
from typing import Literal

from services.intake import domain
from services.intake.handlers.documents import Documents, expect_clinician, found, present
from services.intake.handlers.episodes import Care
from services.intake.handlers.team import Team
from services.intake.store import SessionNames
from shared.clock import Clock
from shared.contracts import Session
from shared.contracts.base import Origin
from shared.contracts.safety import Safety, crisis_told, safety_reply
from shared.contracts.sessions import Attendance, Checklist, Rating, SessionKind
from shared.documents import Idempotency, Page, Written
from shared.errors import not_found
from shared.metrics import ENTRIES_ACCEPTED


class Sessions:
    """What happens around sessions: planned, moved, held or not, looked back on."""

    def __init__(self, *, documents: Documents, names: SessionNames, care: Care, team: Team, clock: Clock) -> None:
        self._documents = documents
        self._names = names
        self._care = care
        self._team = team
        self._clock = clock

    async def plan(
        self,
        *,
        clinic: str,
        patient: str,
        session: str,
        scheduled_at: datetime,
        ends_at: datetime | None,
        clinician: str | None,
        kind: SessionKind | None,
        idempotency: Idempotency,
    ) -> Written[Session]:
        """Plan a session; without a clinician, with the patient's own; for treatment where no kind is said.

        Raises Problem 404, 409 and 422.
        """
        whose = await found(self._documents.patients, f"{clinic}/{patient}", "patient")
        await expect_clinician(self._documents, clinic, clinician)
        now = self._clock.now()
        wished = Session(
            clinic=clinic,
            patient=patient,
            session=session,
            version=1,
            scheduled_at=scheduled_at,
            ends_at=ends_at,
            clinician=clinician or whose.clinician,
            updated_at=now,
        )
        domain.plan_session(None, wished, now)
        if await self._names.claim(clinic, session, patient) != patient:
            raise domain.session_taken()
        return await self._documents.sessions.write(
            wished.key, lambda current: domain.plan_session(current, wished, now, kind=kind), idempotency=idempotency
        )

    async def of_patient(self, clinic: str, patient: str, *, cursor: str | None, limit: int) -> Page[Session]:
        """A patient's sessions, page by page. Raises Problem 404."""
        await found(self._documents.patients, f"{clinic}/{patient}", "patient")
        return await self._documents.sessions.page(clinic, where={"patient": patient}, cursor=cursor, limit=limit)

    async def session(self, clinic: str, session: str) -> Session:
        """One session. Raises Problem 404, for another clinic's too."""
        return await found(self._documents.sessions, await self._key(clinic, session), "session")

    async def reschedule(
        self,
        clinic: str,
        session: str,
        *,
        to: datetime,
        ends_at: datetime | None,
        by: Literal["patient", "clinic"],
        idempotency: Idempotency,
    ) -> Written[Session]:
        """Move a session to another time. Raises Problem 404, 409 and 422."""
        now = self._clock.now()
        return await self._documents.sessions.write(
            await self._key(clinic, session),
            lambda current: domain.reschedule_session(
                present(current, "session"), to=to, ends_at=ends_at, by=by, now=now
            ),
            idempotency=idempotency,
        )

    async def record_attendance(
        self,
        clinic: str,
        session: str,
        attendance: Attendance,
        *,
        late_minutes: int | None,
        idempotency: Idempotency,
    ) -> Written[Session]:
        """Note what became of a session; the first one attended starts the open episode. Raises Problem 404 and 409."""
        now = self._clock.now()
        written = await self._documents.sessions.write(
            await self._key(clinic, session),
            lambda current: domain.record_attendance(
                present(current, "session"), attendance, now, late_minutes=late_minutes
            ),
            idempotency=idempotency,
        )
        if domain.was_held(written.document):
            # in a retry as well: the first try may have gone before it came to this
            await self._care.held(written.document)
        return written

    async def take_back_attendance(self, clinic: str, session: str) -> Written[Session]:
        """Have a session unmarked again. Raises Problem 404 and 409."""
        return await self._documents.sessions.write(
            await self._key(clinic, session),
            lambda current: domain.take_back_attendance(present(current, "session")),
        )

    async def say_kind(self, clinic: str, session: str, kind: SessionKind) -> Written[Session]:
        """Say what a session is for, or put it right. Raises Problem 404."""
        return await self._documents.sessions.write(
            await self._key(clinic, session), lambda current: domain.say_kind(present(current, "session"), kind)
        )

    async def fill_checklist(self, clinic: str, session: str, checklist: Checklist) -> Written[Session]:
        """Keep the therapist's checklist of a session. Raises Problem 404, 409 and 422."""
        now = self._clock.now()
        return await self._documents.sessions.write(
            await self._key(clinic, session),
            lambda current: domain.fill_checklist(present(current, "session"), checklist, now),
        )

    async def rate(
        self, clinic: str, session: str, rating: Rating, *, of: str | None = None, idempotency: Idempotency
    ) -> Written[Session]:
        """Keep the patient's rating of a session, of this patient's where `of` says so. Raises Problem 404, 409 and
        422."""
        now = self._clock.now()
        written = await self._documents.sessions.write(
            await self._key(clinic, session, of=of),
            lambda current: domain.rate_session(present(current, "session"), rating, now),
            idempotency=idempotency,
        )
        if not written.replayed:
            ENTRIES_ACCEPTED.labels("intake", "rating", rating.origin).inc()
        return written

    def safety(self, clinic: str, rating: Rating | None) -> Safety | None:
        """What a patient who rated a session is told; None while the clinic's settings are not at hand."""
        now = self._clock.now()
        settings = self._team.settings(clinic, now)
        if settings is None:
            return None
        screening = None if rating is None else rating.screening
        origin = Origin.LIVE if rating is None else rating.origin
        crisis, told = crisis_told(settings, screening, origin)
        return safety_reply(settings, now, risk=crisis, told=told)

    async def _key(self, clinic: str, session: str, *, of: str | None = None) -> str:
        patient = await self._names.patient_of(clinic, session)
        if patient is None or of not in (None, patient):
            raise not_found("session")
        return f"{clinic}/{patient}/{session}"
