"""Coping strategies: what was tried, pinned and allowed is recorded at the door; suggestions are drawn and logged."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.mood.domain import (
    LOOK_BACK,
    MODEL,
    Allowed,
    Changes,
    Coping,
    Gate,
    Pinned,
    Recorded,
    Tried,
    Wanted,
    Wish,
    allowed,
    choose,
    coping_of,
    energy_of,
    gate_of,
    months_to_read,
    pinned,
    prior_of,
    seed_of,
    tried,
    understand,
)
from services.mood.handlers.clinics import Clinics, settings_now
from services.mood.handlers.recording import Receipt
from services.mood.store import Known, Store
from shared.auth import Caller, expect_own
from shared.bus import Message, Position, Publisher
from shared.clock import Clock
from shared.contracts import Clinic, Fact, Patient, StrategySuggested
from shared.contracts.base import Origin
from shared.errors import not_found
from shared.metrics import ENTRIES_ACCEPTED
from shared.runtime import fact_id

_PRIORS_KEPT: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Suggested:
    """What is suggested, and why nothing is where nothing is. id, position: of the fact that was logged, if any."""

    gate: Gate
    strategies: list[str]
    coping: Coping
    safety: bytes
    id: str | None = None
    position: Position | None = None


class Strategies:
    """Raises Problem where something is refused, Recoverable where it may not have been recorded or cannot be read."""

    def __init__(self, *, publisher: Publisher, store: Store, clinics: Clinics, clock: Clock) -> None:
        self._publisher, self._store, self._clinics, self._clock = publisher, store, clinics, clock
        self._priors: dict[str, tuple[datetime, Mapping[str, float]]] = {}

    async def tried(self, caller: Caller, patient: str, key: str, raw: bytes) -> Receipt:
        """Record that a patient tried a strategy. No store stands on this path, nor on the next two."""
        clinic, now = await self._clinics.set_up(caller.clinic), self._clock.now()
        sent = understand(Tried, raw)
        expect_own(caller, patient, sent.origin)
        fact = tried(sent, clinic=caller.clinic, patient=patient, now=now)
        return await self._record("strategy_tried", fact, fact_id(caller, _route(patient, "tried"), key, raw), clinic)

    async def pin(self, caller: Caller, patient: str, key: str, raw: bytes) -> Receipt:
        """Record which strategies a patient pins."""
        clinic, now = await self._clinics.set_up(caller.clinic), self._clock.now()
        sent = understand(Pinned, raw)
        expect_own(caller, patient, sent.origin)
        fact = pinned(sent, clinic=caller.clinic, patient=patient, role=caller.role, now=now)
        name = fact_id(caller, _route(patient, "pinned"), key, raw)
        return await self._record("strategies_pinned", fact, name, clinic)

    async def allow(self, caller: Caller, patient: str, key: str, raw: bytes) -> Receipt:
        """Record which strategies a clinician lets be suggested to a patient."""
        clinic, now = await self._clinics.set_up(caller.clinic), self._clock.now()
        sent = understand(Allowed, raw)
        fact = allowed(sent, clinic=caller.clinic, patient=patient, role=caller.role, by=caller.client[:200], now=now)
        name = fact_id(caller, _route(patient, "allowed"), key, raw)
        return await self._record("strategies_allowed", fact, name, clinic)

    async def _record(self, kind: str, fact: Fact, name: str, clinic: Clinic) -> Receipt:
        now = self._clock.now()
        positions = await self._publisher.publish([Message(name, now, fact)])
        ENTRIES_ACCEPTED.labels("mood", kind, fact.origin.value).inc()
        safety = self._clinics.safety(clinic, now, risk=False, told=None)
        return Receipt(name, kind, now, positions[0], safety)

    async def known(self, clinic: str, patient: str) -> Coping:
        """What there is of a patient's strategies. Raises Problem 404 for a patient nobody knows."""
        *_, coping = await self._find(clinic, patient, self._clock.now())
        return coping[0]

    async def suggest(self, caller: Caller, patient: str, key: str, raw: bytes, *, behind: bool) -> Suggested:
        """Draw suggestions and log the draw; none while harm is spoken of, or where that is not known.

        behind: what is stored has not reached the position the caller asked for: it may lack a risk answer.
        A retry is answered with the draw that was logged.
        """
        wanted = understand(Wanted, raw or b"{}")
        clinic, now = await self._clinics.set_up(caller.clinic), self._clock.now()
        known, document, (coping, suggestions) = await self._find(caller.clinic, patient, now)
        since = (now - LOOK_BACK).date()
        months = months_to_read(known.months, Wish(first_day=since))
        recent = await self._store.read(caller.clinic, patient, months)
        name = f"{caller.clinic}/{patient}"
        changed = (await self._store.changes.of([name])).get(name, [])
        assessment = await self._store.assessments.get(name)
        # words of harm are not unsaid by correcting or withdrawing them, so the gate sees all that was ever said
        ratings = await self._store.schedules.crisis_words(name)
        gate = gate_of(assessment, [*recent, *changed], missing=known.set_aside, now=now, ratings=ratings)
        if gate is Gate.OPEN and behind:
            gate = Gate.NOT_KNOWN
        safety = self._clinics.safety(clinic, now, risk=gate is Gate.CONCERN, told=None)
        if gate is not Gate.OPEN:
            return Suggested(gate, [], coping, safety)
        name = fact_id(caller, _route(patient, "suggestions"), key, raw)
        earlier = next((one.fact for one in suggestions if one.id == name), None)
        if isinstance(earlier, StrategySuggested):
            return Suggested(gate, earlier.strategies, coping, safety, name)
        counting = Changes(changed).counting(recent)
        priors, seed = await self._priors_of(caller.clinic, now), seed_of(name)
        choice = choose(coping, priors, energy=energy_of(counting, now), now=now, seed=seed, most=wanted.most)
        if not choice.strategies:
            return Suggested(gate, [], coping, safety)
        zone = document.zone if document is not None and document.zone else settings_now(clinic, now).zone
        local = now.astimezone(ZoneInfo(zone))
        fact = StrategySuggested(
            clinic=caller.clinic,
            patient=patient,
            occurred_at=local,
            local_day=local.date(),
            origin=Origin.LIVE,
            strategies=choice.strategies,
            seed=seed,
            drawn=dict(choice.drawn),
            beliefs=choice.beliefs,
            model=MODEL,
        )
        positions = await self._publisher.publish([Message(name, now, fact)])
        return Suggested(gate, choice.strategies, coping, safety, name, positions[0])

    async def _find(
        self, clinic: str, patient: str, now: datetime
    ) -> tuple[Known, Patient | None, tuple[Coping, list[Recorded]]]:
        known, document, coping = await asyncio.gather(
            self._store.known(clinic, patient),
            self._store.patients.get(f"{clinic}/{patient}"),
            self._store.coping.read(clinic, patient, now),
        )
        if document is not None and document.deleted:
            raise not_found("patient")
        if document is None and not known.months and not known.set_aside and coping[0] == coping_of(()):
            raise not_found("patient")
        return known, document, coping

    async def _priors_of(self, clinic: str, now: datetime) -> Mapping[str, float]:
        """A clinic's priors, counted anew every five minutes: one patient moves them little."""
        counted, priors = self._priors.get(clinic, (None, {}))
        if counted is None or not timedelta() <= now - counted < _PRIORS_KEPT:
            priors = {name: prior_of(means) for name, means in (await self._store.coping.means(clinic)).items()}
            self._priors[clinic] = now, priors
        return priors


def _route(patient: str, what: str) -> str:
    """What an idempotency key belongs to; the patient stands in the path, so it is part of it."""
    return f"/v1/patients/{patient}/strategies/{what}"
