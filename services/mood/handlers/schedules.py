"""What is due from whom, what came of what was asked, and reminding those who have not answered, in one call."""

import asyncio
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, Field

from services.mood.domain import (
    Asked,
    Became,
    Changes,
    Completion,
    Due,
    LeftOut,
    asked,
    asked_by_hand,
    completion,
    unwilling,
)
from services.mood.handlers.charts import Chart, charts_of
from services.mood.handlers.clinics import Clinics
from services.mood.store import Store
from shared.auth import Caller
from shared.bus import Message, Publisher
from shared.clock import Clock
from shared.contracts import Clinic, Patient
from shared.contracts.expected import expected_of
from shared.errors import not_found
from shared.runtime import fact_id

REMINDERS: Final = "/v1/reminders"
SOME: Final = 100
"""Patients looked at together."""
MOST_LOOKED_AT: Final = 2_000
"""Patients looked at for one page: a page may hold fewer than asked for, and `next` goes on."""
COMING: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is due from a patient now and next, and what came of it. past: the newest first."""

    zone: str
    registered: bool
    due: list[Asked]
    coming: list[Asked]
    past: list[Asked]
    last_7_days: Completion
    last_28_days: Completion
    since_start: Completion


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A patient who has not answered, the occasions open, when they were last reminded, and why they may not be."""

    patient: str
    due: list[Asked]
    last_reminded: datetime | None
    not_reminded: LeftOut | None


class NotReminded(BaseModel):
    """Somebody who was left out, and why."""

    patient: str
    why: LeftOut


class Called(BaseModel):
    """What became of a call to remind."""

    reminded: int = Field(description="Patients for whom a reminder was put on its way.")
    left_out: list[NotReminded] = Field(
        description="Of those named, or, where nobody was named, of those with something open, who gets none, and why."
    )


class Schedules:
    """Answers for one clinic at a time. Raises Recoverable, and Problem 404 for a patient nobody knows."""

    def __init__(self, *, store: Store, clinics: Clinics, publisher: Publisher, clock: Clock) -> None:
        self._store, self._clinics, self._publisher, self._clock = store, clinics, publisher, clock

    async def schedule(self, clinic: str, patient: str, past: timedelta) -> Schedule:
        """A patient's schedule; past: how far back what came of it is listed."""
        now, key = self._clock.now(), f"{clinic}/{patient}"
        known, document = await asyncio.gather(self._store.known(clinic, patient), self._store.patients.get(key))
        settings = self._clinics.known(clinic)
        gone = document is not None and document.deleted
        if gone or (document is None and not known.months and not known.set_aside):
            raise not_found("patient")
        expected = None if document is None or settings is None else expected_of(settings, document)
        if expected is None:
            nothing = completion([])
            zone = _zone(document, settings, now)
            return Schedule(zone, document is not None, [], [], [], nothing, nothing, nothing)
        meetings, entries, changes = await asyncio.gather(
            self._store.schedules.meetings([key]),
            self._store.read(clinic, patient, known.months),
            self._store.changes.of([key]),
        )
        occasions = expected.between(expected.since, now + COMING, meetings.get(key, []))
        found = asked(occasions, Changes(changes.get(key, ())).counting(entries), now)
        return Schedule(
            zone=expected.zone_at(now).key,
            registered=True,
            due=[one for one in found if one.became is Became.DUE],
            coming=[one for one in found if one.became is Became.COMING],
            past=[one for one in found[::-1] if one.became in _PAST and one.occasion.due_at >= now - past],
            last_7_days=completion(found, now - timedelta(days=7)),
            last_28_days=completion(found, now - timedelta(days=28)),
            since_start=completion(found),
        )

    async def unanswered(self, clinic: str, after: str | None, limit: int) -> tuple[list[Unanswered], str | None]:
        """Who has something open and unanswered, by id from behind `after`, and behind whom the next page begins."""
        found: list[Unanswered] = []
        now, settings = self._clock.now(), self._clinics.known(clinic)
        if settings is None:
            return [], None
        names = await self._store.schedules.followers(clinic)
        names = names[bisect_right(names, after) if after is not None else 0 :]
        looked_at, last = 0, ""
        for some in _portions(names):
            charts = await charts_of(self._store, settings, [f"{clinic}/{name}" for name in some], now)
            for last in some:
                looked_at += 1
                chart = charts.get(f"{clinic}/{last}")
                one = None if chart is None else _unanswered(chart, now)
                if one is not None:
                    found.append(one)
                if len(found) == limit or looked_at == MOST_LOOKED_AT:
                    return found, last if looked_at < len(names) else None
        return found, None

    async def remind(self, caller: Caller, key: str, raw: bytes, patients: Sequence[str] | None) -> Called:
        """Remind these patients, or all who have not answered. Again with the same key and body is the same answer."""
        name = fact_id(caller, REMINDERS, key, raw)
        before = await self._store.schedules.answer(name)
        if before is not None:
            return Called.model_validate_json(before)
        clinic = await self._clinics.set_up(caller.clinic)
        names = await self._store.schedules.followers(caller.clinic) if patients is None else sorted(set(patients))
        called = Called(reminded=0, left_out=[])
        for some in _portions(names):
            part = await self._remind_some(clinic, some, call=name, by=caller.client, everybody=patients is None)
            called = Called(reminded=called.reminded + part.reminded, left_out=called.left_out + part.left_out)
        await self._store.schedules.keep_answer(name, called.model_dump_json())
        return called

    async def _remind_some(
        self, clinic: Clinic, names: Sequence[str], *, call: str, by: str, everybody: bool
    ) -> Called:
        now = self._clock.now()
        keys = {f"{clinic.clinic}/{name}": name for name in names}
        charts = await charts_of(self._store, clinic, keys, now)
        given: list[Due] = []
        left_out: list[NotReminded] = []
        reminded = 0
        known_to_us = charts.keys() | await self._registered(keys.keys() - charts.keys())
        for key, name in keys.items():
            chart = charts.get(key)
            if chart is None:
                why = LeftOut.NOTHING_OPEN if key in known_to_us else LeftOut.NOT_KNOWN
            else:
                known = chart.asked(chart.around(now), now)
                said = asked_by_hand(chart.patient, chart.expected, known, chart.given, now, call=call, by=by)
                if isinstance(said, Due):
                    reminded += 1
                    if said.id not in {one.id for one in chart.given}:
                        given.append(said)
                    continue
                why = said
            if not everybody or why not in {LeftOut.NOTHING_OPEN, LeftOut.NOT_KNOWN}:
                left_out.append(NotReminded(patient=name, why=why))
        if given:
            await self._publisher.publish([Message(one.id, now, one.fact) for one in given])
            # it comes by the topic too; noted at once, whoever calls next sees it
            await self._store.schedules.note_reminded([(one.id, one.fact) for one in given])
        return Called(reminded=reminded, left_out=left_out)

    async def _registered(self, keys: Collection[str]) -> set[str]:
        found = await self._store.patients.get_many(keys) if keys else {}
        return {key for key, patient in found.items() if not patient.deleted}


_PAST: Final = frozenset({Became.ON_TIME, Became.LATE, Became.EXPIRED})


def _unanswered(chart: Chart, now: datetime) -> Unanswered | None:
    due = [one for one in chart.asked(chart.around(now), now) if one.became is Became.DUE]
    if not due:
        return None
    last = max((one.at for one in chart.given), default=None)
    return Unanswered(chart.patient.patient, due, last, unwilling(chart.patient, chart.given, now))


def _zone(document: Patient | None, settings: Clinic | None, now: datetime) -> str:
    if document is not None and document.zone is not None:
        return document.zone
    return "UTC" if settings is None else settings.settings_at(now).zone


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + SOME] for start in range(0, len(names), SOME))
