"""Outcomes of the episodes that ended in a period: read from the entries kept, at the time they are asked for."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from services.insights.domain import Standing, micros
from services.insights.domain.outcomes import (
    ANXIETY,
    DEPRESSION,
    PUBLISHED,
    EpisodeOutcome,
    OutcomeReport,
    Scored,
    Thresholds,
    outcome_of,
    pair_of,
    report,
    reports,
)
from services.insights.domain.ports import Clinics, Remembered, Shelf
from services.insights.handlers.kept import documents_of, questionnaires_of
from shared.clock import Clock
from shared.contracts import Patient, Session
from shared.contracts.clinics import ClinicSettings
from shared.contracts.patients import Episode
from shared.contracts.sessions import THERE, TREATING

PORTION: Final = 100
"""Patients read at a time; other work has its turn between them."""


class By(StrEnum):
    """What the episodes are grouped by."""

    CLINICIAN = "clinician"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The report of all episodes asked for, and of each group; a group's name is a clinician's id or e.g. 2026-Q1."""

    everyone: OutcomeReport
    groups: Mapping[str, OutcomeReport]


class OutcomeReader:
    """Answers from the store, for one clinic at a time: the caller's."""

    def __init__(self, *, shelf: Shelf, clinics: Clinics, clock: Clock) -> None:
        self._shelf, self._clinics, self._clock = shelf, clinics, clock

    async def outcomes(
        self, clinic: str, since: date, until: date, *, clinician: str | None = None, by: By | None = None
    ) -> Outcomes:
        """Outcomes of the episodes that ended from `since` to `until`, both inclusive. Raises Recoverable."""
        found = [one async for one in self._ended(clinic, since, until) if clinician in (None, one.clinician)]
        groups: dict[str, list[EpisodeOutcome]] = defaultdict(list)
        if by is not None:
            for one in found:
                groups[_group(one, by)].append(one)
        return Outcomes(report(found), reports(dict(sorted(groups.items()))))

    async def _ended(self, clinic: str, since: date, until: date) -> AsyncIterator[EpisodeOutcome]:
        document = self._clinics.clinic(clinic)
        standing = Standing(document)
        zone = standing.at(micros(self._clock.now())).working_time.zone
        settings = None if document is None or document.deleted else document.settings_at(self._clock.now())
        keys = await self._shelf.ended(clinic, since)
        for start in range(0, len(keys), PORTION):
            known = await self._shelf.load(keys[start : start + PORTION])
            for kept in known.values():
                for one in _outcomes_of(kept, settings, lambda session: session.scheduled_at.astimezone(zone).date()):
                    if since <= one.ended_on <= until:
                        yield one
            await asyncio.sleep(0)


def _outcomes_of(
    kept: Remembered, settings: ClinicSettings | None, day_of: Callable[[Session], date]
) -> Iterator[EpisodeOutcome]:
    documents = [one for one in documents_of(kept) if isinstance(one, Patient | Session) and not one.deleted]
    patient = next((one for one in documents if isinstance(one, Patient)), None)
    if patient is None:
        return
    attended = [
        day_of(one)
        for one in documents
        if isinstance(one, Session) and one.attendance in THERE and one.kind in TREATING
    ]
    scores: dict[str, list[Scored]] = defaultdict(list)
    for fact_id, fact in questionnaires_of(kept):
        if fact.score is not None:
            at = (micros(fact.occurred_at), fact_id)
            scores[fact.instrument].append(Scored(fact.local_day, at, float(fact.score)))
    for episode in patient.episodes:
        if episode.ended_on is None:
            continue
        since, until = episode.referred_on, episode.ended_on
        measure = _specific(episode, settings)
        yield outcome_of(
            episode=episode.episode,
            clinician=episode.clinician,
            ended_on=until,
            contacts=sum(since <= day <= until for day in attended),
            depression=pair_of(scores[DEPRESSION], since, until),
            anxiety=pair_of(scores[ANXIETY], since, until),
            specific=None if measure is None else (measure, pair_of(scores[measure], since, until)),
            thresholds=_thresholds(settings),
        )


def _specific(episode: Episode, settings: ClinicSettings | None) -> str | None:
    return None if settings is None or episode.problem is None else settings.outcome_measures.get(episode.problem)


def _thresholds(settings: ClinicSettings | None) -> Mapping[str, Thresholds]:
    """The published ones, and those the clinic gives of measures that have none: what is published is not changed."""
    own = {} if settings is None else settings.cut_offs
    return {
        name: Thresholds(float(cut.caseness), float(cut.reliable_change))
        for name, cut in own.items()
        if cut.caseness is not None and cut.reliable_change is not None
    } | dict(PUBLISHED)


def _group(one: EpisodeOutcome, by: By) -> str:
    if by is By.QUARTER:
        return f"{one.ended_on.year}-Q{(one.ended_on.month + 2) // 3}"
    return one.clinician or "nobody"
