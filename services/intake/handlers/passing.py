"""What time does to questions: nobody's question waits past half of its target with one person, or past it unseen.

Due times stand in the store (`Dues`); any number of replicas ask what has fallen due. A restart misses nothing, since
the store remembers how far it has come; and nothing is done twice, since what is due is decided from the newest version
of the question's own document, by compare-and-set.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from services.intake import domain
from services.intake.handlers.documents import Documents
from services.intake.handlers.team import Team
from services.intake.store import Dues, Questions
from shared.clock import Clock
from shared.contracts import Question, QuestionAsked
from shared.contracts.questions import QuestionStatus
from shared.errors import Problem, Recoverable
from shared.logs import logger

_log = logger(__name__)
EVERY: Final = timedelta(seconds=5)
"""How often is looked whether something has fallen due."""


class Passing:
    """Looks at questions when half of their target, or the whole of it, has passed."""

    def __init__(self, *, documents: Documents, asked: Questions, dues: Dues, team: Team, clock: Clock) -> None:
        self._documents, self._asked, self._dues = documents, asked, dues
        self._team, self._clock = team, clock

    async def note(self, seen: Iterable[QuestionAsked | Question]) -> None:
        """Remember when these are to be looked at. Safe to repeat. Raises Recoverable."""
        dues: list[tuple[str, datetime]] = []
        for one in seen:
            done = isinstance(one, Question) and (one.deleted or one.status is not QuestionStatus.OPEN)
            if one.triage is not None and not done:
                key = f"{one.clinic}/{one.patient}/{one.question}"
                dues += [(key, one.triage.half_at), (key, one.triage.target_at)]
        await self._dues.add(dues, now=self._clock.now())

    async def look(self) -> int:
        """Do what has fallen due; returns how many questions were handed on. Safe to repeat. Raises Recoverable."""
        handed = 0
        while (fallen := await self._dues.fallen(self._clock.now())) is not None:
            keys, until = fallen
            for key in keys:
                handed += await self._tried(key)
            await self._dues.done(until)
        return handed

    async def _tried(self, key: str) -> bool:
        try:
            return await self._look_at(key)
        except Recoverable:
            raise
        except Exception as error:  # noqa: BLE001  one bad question must not let all others wait for ever
            _log.error("question_due_failed", kind=type(error).__name__)
            return False

    async def _look_at(self, key: str) -> bool:
        clinic, _, question = key.split("/")
        asked, now = await self._asked.find(clinic, question), self._clock.now()
        if asked is None:  # the patient was deleted: nobody waits any more
            return False
        known_clinic = self._team.clinics.get(clinic) or await self._documents.clinics.load(clinic)
        if known_clinic is None:  # a store being rebuilt, and a topic not read yet: soon
            await self._dues.add([(key, now)], now=now)
            return False
        untouched = domain.open_question(asked.fact, asked.recorded_at)
        known = await self._documents.questions.load(key, with_deleted=True)
        lead = known_clinic.settings_at(now).escalation.lead
        if domain.reassign(known or untouched, lead=lead, now=now) == (known or untouched):
            return False
        try:
            written = await self._documents.questions.write(
                key, lambda current: domain.reassign(current or untouched, lead=lead, now=now)
            )
        except Problem:  # deleted in this very moment
            return False
        await self._asked.follow([written.document])
        return True

    async def run(self) -> None:
        """Look for ever, until cancelled; while store or broker are away, go on trying."""
        while True:
            try:
                await self.look()
            except Recoverable:
                _log.warning("questions_due_put_off")
            except Exception as error:  # noqa: BLE001  whatever it is, the next look is another try
                _log.error("questions_due_failed", kind=type(error).__name__)
            await asyncio.sleep(EVERY.total_seconds())
