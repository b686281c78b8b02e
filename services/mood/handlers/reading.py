"""Timelines and progress, read from the projection."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from services.mood.domain import (
    SOME_MONTHS,
    TOO_LATE,
    Changed,
    Changes,
    Coping,
    Instrument,
    Mark,
    Progress,
    Recorded,
    Wish,
    instruments_of,
    marks,
    months_to_read,
    page_of,
    progress_of,
)
from services.mood.handlers.charts import months_between
from services.mood.handlers.clinics import Clinics
from services.mood.handlers.instruments import in_force
from services.mood.store import Known, Store
from shared.clock import Clock
from shared.contracts import Patient, Question, QuestionAsked
from shared.contracts.expected import expected_of
from shared.errors import not_found


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of a timeline. marks: by entry the occasion it belongs to. after: the place the next page begins behind,
    None at the end."""

    registered: bool
    entries: list[Changed]
    marks: Mapping[str, Mark]
    questions: Mapping[str, Question]
    instruments: Mapping[str, Instrument]
    after: str | None
    set_aside: int
    coping: Coping


class Reader:
    """Answers for one clinic at a time. Raises Recoverable, and Problem 404 for a patient nobody knows."""

    def __init__(self, *, store: Store, clinics: Clinics, clock: Clock) -> None:
        self._store, self._clinics, self._clock = store, clinics, clock

    async def timeline(self, clinic: str, patient: str, wish: Wish) -> Shown:
        """A page of a patient's entries, with how their questions were handled."""
        known, document = await self._find(clinic, patient)
        entries, more = await self._page(clinic, patient, known, wish)
        changes = await self._changes(clinic, patient)
        asked = [entry.fact for entry in entries if isinstance(entry.fact, QuestionAsked)]
        questions = await self._store.questions.get_many(f"{clinic}/{patient}/{fact.question}" for fact in asked)
        now = self._clock.now()
        coping, _ = await self._store.coping.read(clinic, patient, now)
        return Shown(
            registered=document is not None,
            entries=[changes.of(entry) for entry in entries],
            marks=await self._marks(known, document, entries, changes),
            questions={question.question: question for question in questions.values() if not question.deleted},
            instruments=instruments_of(in_force(self._clinics, clinic, now)),
            after=entries[-1].place if more else None,
            set_aside=known.set_aside,
            coping=coping,
        )

    async def progress(self, clinic: str, patient: str) -> tuple[Progress, str, bool, Coping]:
        """A patient's progress, the zone it is told in, whether they are registered, and their strategies."""
        known, document = await self._find(clinic, patient)
        everything, changes = await asyncio.gather(
            self._store.read(clinic, patient, known.months), self._changes(clinic, patient)
        )
        now = self._clock.now()
        coping, _ = await self._store.coping.read(clinic, patient, now)
        settings = in_force(self._clinics, clinic, now)
        zone = document.zone if document is not None else None
        if zone is None:
            zone = "UTC" if settings is None else settings.zone
        progress = progress_of(
            changes.counting(everything),
            today=now.astimezone(ZoneInfo(zone)).date(),
            episode_started_on=None if document is None else document.scores_from,
            instruments=instruments_of(settings),
            coping=coping,
        )
        return progress, zone, document is not None, coping

    async def _find(self, clinic: str, patient: str) -> tuple[Known, Patient | None]:
        known, document = await asyncio.gather(
            self._store.known(clinic, patient), self._store.patients.get(f"{clinic}/{patient}")
        )
        if document is not None and document.deleted:
            raise not_found("patient")
        if document is None and not known.months and not known.set_aside:
            raise not_found("patient")
        return known, document

    async def _changes(self, clinic: str, patient: str) -> Changes:
        key = f"{clinic}/{patient}"
        return Changes((await self._store.changes.of([key])).get(key, ()))

    async def _marks(
        self, known: Known, document: Patient | None, entries: Sequence[Recorded], changes: Changes
    ) -> Mapping[str, Mark]:
        """Which occasions a page's entries belong to. What was due and said in the month before them decides, too."""
        clinic = None if document is None else self._clinics.known(document.clinic)
        expected = None if document is None or clinic is None else expected_of(clinic, document)
        if document is None or expected is None or not entries:
            return {}
        instants = [entry.fact.occurred_at for entry in entries]
        since, until = min(instants) - TOO_LATE, max(instants) + timedelta(seconds=1)
        day = timedelta(days=1)
        months = set(months_between((since - day).date(), (until + day).date())) & set(known.months)
        around, meetings = await asyncio.gather(
            self._store.read(document.clinic, document.patient, months), self._store.schedules.meetings([document.key])
        )
        occasions = expected.between(since, until, meetings.get(document.key, []))
        return marks(occasions, changes.counting(around))

    async def _page(self, clinic: str, patient: str, known: Known, wish: Wish) -> tuple[list[Recorded], bool]:
        months = months_to_read(known.months, wish)
        if not months:
            return [], False
        read: list[Recorded] = []
        for start in range(0, len(months), SOME_MONTHS):
            some = months[start : start + SOME_MONTHS]
            read += await self._store.read(clinic, patient, some)
            more_to_read = start + SOME_MONTHS < len(months)
            page = page_of(read, wish, unread_from=some[-1] if more_to_read else None)
            if page is not None:
                return page
        raise AssertionError("the last months always make a page")
