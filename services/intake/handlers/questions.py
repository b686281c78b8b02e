"""Patients' questions: taken in as facts, answered and settled as documents."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from services.intake import domain
from services.intake.handlers.documents import Documents, clinic_not_set_up, expect_clinician
from services.intake.handlers.team import Team
from services.intake.store import Asked, AskedPage, Questions, Wish
from shared.bus import Message, Position, Publisher
from shared.clock import Clock
from shared.contracts import Clinic, Question, Session
from shared.contracts.base import Origin
from shared.contracts.questions import Category, QuestionStatus
from shared.contracts.safety import Safety, crisis_told, safety_reply
from shared.documents import Idempotency, Written
from shared.errors import Problem, Recoverable, not_found
from shared.metrics import ENTRIES_ACCEPTED

BUS_PATIENCE: Final = timedelta(seconds=2)
"""How long is waited for what must come over the bus: a clinic's settings, a question asked a moment ago."""
STORE_PATIENCE: Final = timedelta(milliseconds=200)
"""How long the answer to a question waits for the store to say whether the patient is registered."""
POLL: Final = 0.02  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What somebody who asked is told. registered: None where the store did not say so in time."""

    question: str
    recorded_at: datetime
    position: Position
    expect_reply_by: datetime
    what_to_expect: str
    registered: bool | None
    safety: Safety


class Inbox:
    """Patients' questions: taken in as facts, answered and settled as documents."""

    def __init__(
        self,
        *,
        documents: Documents,
        asked: Questions,
        team: Team,
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        self._documents = documents
        self._asked = asked
        self._team = team
        self._publisher = publisher
        self._clock = clock

    async def ask(
        self, *, clinic: str, question: str, patient: str, text: str, occurred_at: datetime, origin: Origin
    ) -> Receipt:
        """Record that a question was asked. No store has a say in whether it is recorded, only the broker.

        Raises Problem 409 (clinic unknown), 410 (patient deleted) and 422, and Recoverable where it may not have been
        recorded.
        """
        now = self._clock.now()
        settings = (await self._known_clinic(clinic)).settings_at(now)
        fact = domain.ask_question(
            question=question,
            clinic=clinic,
            patient=patient,
            text=text,
            occurred_at=occurred_at,
            origin=origin,
            now=now,
            settings=settings,
            held=self._team.held(clinic),
        )
        registered = await self._registered(f"{clinic}/{patient}")
        [position] = await self._publisher.publish([Message(id=question, time=now, data=fact)])
        ENTRIES_ACCEPTED.labels("intake", "question", origin).inc()
        reply_by = domain.reply_by(settings, now) if fact.triage is None else fact.triage.target_at
        risk, told = crisis_told(settings, fact.screening, origin)
        return Receipt(
            question=question,
            recorded_at=now,
            position=position,
            expect_reply_by=reply_by,
            what_to_expect=domain.what_to_expect(fact.triage, reply_by),
            registered=registered,
            safety=safety_reply(
                settings, now, risk=risk, told=told, reply_by=None if fact.triage is None else reply_by
            ),
        )

    async def question(self, clinic: str, question: str, *, of: str | None = None) -> tuple[Asked, Question]:
        """A question, of this patient's where `of` says so, and how far it has come. Raises Problem 404."""
        asked = await self._find(clinic, question, of)
        if asked is None:
            raise not_found("question")
        untouched = domain.open_question(asked.fact, asked.recorded_at)
        return asked, await self._documents.questions.load(untouched.key) or untouched

    async def questions(
        self,
        clinic: str,
        *,
        wish: Wish,
        overdue: bool = False,
        unassigned: bool = False,
        updated_since: datetime | None,
        cursor: str | None,
        limit: int,
    ) -> tuple[AskedPage, dict[str, Question]]:
        """Some of a clinic's questions, and how far they have come, by question id.

        overdue: open and past their target; unassigned: nobody has them, or somebody who is on leave now.
        """
        now = self._clock.now()
        among = self._team.away(clinic, now) if unassigned else None
        wish = replace(wish, among=among, late_at=now if overdue else None)
        page = await self._asked.page(clinic, wish=wish, updated_since=updated_since, cursor=cursor, limit=limit)
        untouched = [domain.open_question(asked.fact, asked.recorded_at) for asked in page.items]
        handlings = await self._documents.questions.load_many(one.key for one in untouched)
        return page, {one.question: handlings.get(one.key, one) for one in untouched}

    async def left_open(self, session: Session) -> list[tuple[Asked, Question]]:
        """The patient's questions that were still open when a session ended, those changed longest ago first."""
        found: list[tuple[Asked, Question]] = []
        cursor: str | None = None
        while True:
            page, handlings = await self.questions(
                session.clinic, wish=Wish(patient=session.patient), updated_since=None, cursor=cursor, limit=200
            )
            for asked in page.items:
                handling = handlings[asked.fact.question]
                if domain.left_open(asked.fact.occurred_at, handling, session):
                    found.append((asked, handling))
            cursor = page.next
            if cursor is None:
                return found

    async def answer(
        self, clinic: str, question: str, *, text: str, by: str, idempotency: Idempotency
    ) -> tuple[Asked, Written[Question]]:
        """Answer a question. Raises Problem 404 and 409."""
        now = self._clock.now()
        return await self._decide(
            clinic, question, lambda one, _: domain.answer_question(one, text=text, by=by, now=now), idempotency
        )

    async def settle(
        self,
        clinic: str,
        question: str,
        *,
        by: Literal["patient", "clinic"],
        of: str | None = None,
        idempotency: Idempotency,
    ) -> tuple[Asked, Written[Question]]:
        """Settle a question by the patient's word, of this patient's where `of` says so. Raises Problem 404."""
        now = self._clock.now()
        return await self._decide(
            clinic, question, lambda one, _: domain.settle_question(one, now, by=by), idempotency, of=of
        )

    async def reopen(
        self, clinic: str, question: str, *, of: str | None = None, idempotency: Idempotency
    ) -> tuple[Asked, Written[Question]]:
        """Open a question again by the patient's word, with a target counted from now; of this patient's where `of`
        says so. Raises Problem 404 and 409."""
        now = self._clock.now()
        settings, held = (await self._known_clinic(clinic)).settings_at(now), self._team.held(clinic)

        def reopened(one: Question, _: Asked) -> Question:
            before = one.triage
            again = before and domain.triage(before.category, settings, now, held=held, by=before.by)
            return domain.reopen_question(one, again, now)

        return await self._decide(clinic, question, reopened, idempotency, of=of)

    async def claim(
        self, clinic: str, question: str, *, clinician: str, idempotency: Idempotency
    ) -> tuple[Asked, Written[Question]]:
        """Take a question on. Raises Problem 404, 409 and 422."""
        await expect_clinician(self._documents, clinic, clinician)
        now = self._clock.now()
        away = self._team.away(clinic, now)
        return await self._decide(
            clinic,
            question,
            lambda one, _: domain.claim_question(one, clinician=clinician, away=away, now=now),
            idempotency,
        )

    async def hand_over(
        self, clinic: str, question: str, *, to: str | None, by: str, note: str, idempotency: Idempotency
    ) -> tuple[Asked, Written[Question]]:
        """Give a question to a colleague, or back to the role (`to` None). Raises Problem 404, 409 and 422."""
        await expect_clinician(self._documents, clinic, to)
        now = self._clock.now()
        return await self._decide(
            clinic, question, lambda one, _: domain.hand_over(one, to=to, by=by, note=note, now=now), idempotency
        )

    async def recategorise(
        self, clinic: str, question: str, *, category: Category, by: str, idempotency: Idempotency
    ) -> tuple[Asked, Written[Question]]:
        """Put right what a question is about. Raises Problem 404 and 409."""
        now, known = self._clock.now(), await self._known_clinic(clinic)
        held = self._team.held(clinic)

        def put_right(one: Question, asked: Asked) -> Question:
            at = asked.recorded_at
            return domain.recategorise(one, category, known.settings_at(at), received_at=at, held=held, by=by, now=now)

        return await self._decide(clinic, question, put_right, idempotency)

    async def _decide(
        self,
        clinic: str,
        question: str,
        change: Callable[[Question, Asked], Question],
        idempotency: Idempotency,
        *,
        of: str | None = None,
    ) -> tuple[Asked, Written[Question]]:
        """Change a question's handling, which begins untouched. Raises Problem 404, 410 and what `change` raises."""
        asked = await self._expect(clinic, question, of)
        untouched = domain.open_question(asked.fact, asked.recorded_at)
        written = await self._documents.questions.write(
            untouched.key, lambda current: change(current or untouched, asked), idempotency=idempotency
        )
        await self._asked.follow([written.document])
        return asked, written

    def is_away(self, clinic: str, clinician: str | None) -> bool:
        """Whether somebody is on leave now."""
        return clinician in self._team.away(clinic, self._clock.now())

    def is_overdue(self, handling: Question) -> bool:
        """Whether a question waits for an answer past its target."""
        triage = handling.triage
        return handling.status is QuestionStatus.OPEN and triage is not None and triage.target_at <= self._clock.now()

    def expect_reply_by(self, asked: Asked, handling: Question) -> datetime | None:
        """By when the one who asked was promised an answer; None while the clinic's settings are not here."""
        if handling.triage is not None:
            return handling.triage.target_at
        clinic = self._team.clinics.get(asked.fact.clinic)
        if clinic is None:
            return None
        return domain.reply_by(clinic.settings_at(asked.recorded_at), asked.recorded_at)

    async def _find(self, clinic: str, question: str, of: str | None) -> Asked | None:
        """A question; one of another patient than `of` looks, in time as well, as if there were none."""
        asked = await self._asked.find(clinic, question)
        return None if asked is None or of not in (None, asked.fact.patient) else asked

    async def _expect(self, clinic: str, question: str, of: str | None) -> Asked:
        """A question that may have been asked a moment ago, and not have come back over the bus yet."""
        deadline = asyncio.get_running_loop().time() + BUS_PATIENCE.total_seconds()
        while (asked := await self._find(clinic, question, of)) is None:
            if asyncio.get_running_loop().time() >= deadline:
                nowhere = not_found("question")
                raise replace(nowhere, detail=f"{nowhere.detail} If it was asked a moment ago, send this again.")
            await asyncio.sleep(POLL)
        return asked

    async def _known_clinic(self, clinic: str) -> Clinic:
        deadline = asyncio.get_running_loop().time() + BUS_PATIENCE.total_seconds()
        while (found := self._team.clinics.get(clinic)) is None:
            if asyncio.get_running_loop().time() >= deadline:
                raise clinic_not_set_up()
            await asyncio.sleep(POLL)
        return found

    async def _registered(self, key: str) -> bool | None:
        try:
            async with asyncio.timeout(STORE_PATIENCE.total_seconds()):
                patient = await self._documents.patients.load(key, with_deleted=True)
        except (Recoverable, TimeoutError):
            return None
        if patient is not None and patient.deleted:
            raise Problem(
                410,
                "removed",
                "This patient was deleted",
                "Nothing was recorded. Whoever wrote this must be told to turn to the clinic directly.",
            )
        return patient is not None
