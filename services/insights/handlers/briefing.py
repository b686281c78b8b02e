"""The session brief as it is asked for, and telling patients that a clinician was shown what they wrote."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.insights.domain import Standing, micros
from services.insights.domain.brief import Brief
from services.insights.domain.briefing import WINDOW, Papers, make_brief
from services.insights.domain.catalogue import QUESTION_UNANSWERED
from services.insights.domain.ports import Clinics, Remembered, Shelf
from services.insights.handlers.kept import document_of, fact_of, month_of
from services.insights.handlers.reading import Reader
from shared.bus import Message, Publisher
from shared.clock import Clock
from shared.contracts import Assessment, EntriesSeen, Patient, Question, Session
from shared.contracts.base import Origin
from shared.contracts.moods import Through
from shared.contracts.questions import QuestionStatus
from shared.errors import Recoverable, not_found
from shared.logs import logger

log = logger(__name__)

LOOK_BACK: Final = timedelta(days=365)
"""How far back entries are read at least; further where the last session is longer ago."""
_DAY: Final = timedelta(days=1)
"""What a local day may be off the UTC day of the same instant."""
_NAMESPACE: Final = UUID("3c4f0b6e-9a4d-5f43-8f0c-6f8f6f1f7a11")
PROMISED_WITHIN: Final = timedelta(days=140)
"""The longest time in which a clinic promises an answer: 60 working days, and what may lie between them."""
WAITING: Final = 1_000
"""Briefs whose entries are still to be told as seen, at most, while the broker is away."""
REMEMBERED: Final = 50_000
"""Entries this process has told as seen, and does not tell again."""
PAUSE: Final = 1.0
"""Seconds until a broker that did not answer is asked again."""


@dataclass(frozen=True, slots=True)
class Made:
    """A brief, and the patient's local day on which it was read."""

    brief: Brief
    local_day: date


class Briefs:
    """Answers from the store, for one clinic at a time: the caller's."""

    def __init__(self, *, shelf: Shelf, reader: Reader, clinics: Clinics, clock: Clock) -> None:
        self._shelf, self._reader, self._clinics, self._clock = shelf, reader, clinics, clock

    async def brief(self, clinic: str, patient: str, *, session: str | None = None) -> Made:
        """The brief for a patient's next session, or for the one named. Raises Problem 404, Recoverable."""
        key = f"{clinic}/{patient}"
        seen = await self._reader.insights(clinic, patient)
        kept = await self._shelf.papers(key) or Remembered()
        documents, now = [document_of(one) for one in kept.documents], self._clock.now()
        if any(isinstance(one, Patient) and one.deleted for one in documents):
            raise not_found("patient with insights")
        papers = Papers.of(documents)
        before = None if session is None else _named(papers, session)
        since = papers.since(now, before)
        first = month_of((min(since - WINDOW, now - LOOK_BACK) - _DAY).date())
        waiting = _asked_in(papers.questions.values()) | _late_in(seen.assessment)
        older = {month for month in kept.months if month < first} - waiting
        found = await self._shelf.entries(key, sorted(kept.months - older))
        standing = Standing(self._clinics.clinic(clinic))
        zone = papers.patient.zone if papers.patient else None
        here = now.astimezone(ZoneInfo(zone)) if zone else standing.at(micros(now)).local(micros(now))
        made = make_brief(
            seen.assessment,
            [(name, fact_of(one)) for name, one in found if name not in kept.aside],
            papers,
            standing,
            now=now,
            up_to_date=seen.up_to_date,
            before=before,
            read_from=date.fromisoformat(f"{first}-01") if older else None,
        )
        return Made(made, here.date())


class Receipts:
    """Tells that entries were shown to a clinician, beside the reading: no read waits for the broker, or fails with it.

    Each entry once by each process; told twice it is the same to readers, who keep the first time. What a crash leaves
    untold is told with the next brief.
    """

    def __init__(self, *, publisher: Publisher, clock: Clock) -> None:
        self._publisher, self._clock = publisher, clock
        self._waiting: asyncio.Queue[EntriesSeen] = asyncio.Queue(WAITING)
        self._told: OrderedDict[str, None] = OrderedDict()

    def shown(self, clinic: str, made: Made, *, by: str) -> None:
        """Note what a brief shows, to be told."""
        key = f"{clinic}/{made.brief.patient}"
        new = [entry.id for entry in made.brief.entries if f"{key}/{entry.id}" not in self._told]
        if not new or self._waiting.full():
            return
        self._told.update(dict.fromkeys(f"{key}/{name}" for name in new))
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        self._waiting.put_nowait(
            EntriesSeen(
                clinic=clinic,
                patient=made.brief.patient,
                occurred_at=made.brief.made_at,
                local_day=made.local_day,
                origin=Origin.LIVE,
                entries=new,
                through=Through.BRIEF,
                by=by[:200],
            )
        )

    async def run(self) -> None:
        """Tell what was shown, for ever; while the broker is away, wait for it."""
        while True:
            fact = await self._waiting.get()
            await self._tell(fact)
            self._waiting.task_done()

    async def told(self) -> None:
        """Return once everything shown has been told."""
        await self._waiting.join()

    async def _tell(self, fact: EntriesSeen) -> None:
        name = str(uuid5(_NAMESPACE, f"{fact.key} {fact.by} {' '.join(sorted(fact.entries))}"))
        while True:
            try:
                await self._publisher.publish([Message(name, self._clock.now(), fact)])
            except Recoverable:
                log.warning("entries_seen_put_off")
                await asyncio.sleep(PAUSE)
            else:
                return


def _asked_in(questions: Iterable[Question]) -> set[str]:
    """The months in which open questions that were handled before may have been asked, by any zone's day."""
    return {
        month_of((one.asked_at + offset).date())
        for one in questions
        if one.status is QuestionStatus.OPEN
        for offset in (-_DAY, timedelta(0), _DAY)
    }


def _late_in(assessment: Assessment) -> set[str]:
    """The months in which questions may have been asked that the rule says are past their time, handled or not."""
    return {
        month_of((telling.at - timedelta(days=days)).date())
        for concern in assessment.concerns
        if concern.rule == QUESTION_UNANSWERED.name
        for telling in concern.telling
        for days in range(-1, PROMISED_WITHIN.days, 14)
    }


def _named(papers: Papers, session: str) -> Session:
    found = next((one for one in papers.sessions if one.session == session), None)
    if found is None:
        raise not_found("session of this patient")
    return found
