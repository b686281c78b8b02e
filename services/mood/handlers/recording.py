"""The door's use cases: validate, publish, answer. No store stands on this path."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from prometheus_client import Counter
from pydantic_core import from_json

from services.mood.domain import (
    CheckIn,
    Correction,
    Entry,
    Questionnaire,
    Sent,
    Withdrawal,
    check_in,
    correction,
    questionnaire,
    understand,
    understand_line,
    withdrawal,
)
from services.mood.handlers.clinics import Clinics, settings_now
from shared.auth import Caller, expect_own
from shared.bus import Message, Position, Publisher
from shared.clock import Clock
from shared.contracts import Clinic
from shared.contracts.base import Origin, Urgency
from shared.errors import Problem
from shared.metrics import ENTRIES_ACCEPTED
from shared.runtime import fact_id

S = TypeVar("S", bound=Sent)
CHECK_INS: Final = "/v1/check-ins"
QUESTIONNAIRES: Final = "/v1/questionnaires"
ENTRIES: Final = "/v1/entries"
BATCH: Final = "/v1/events:batch"
_LINES_AT_ONCE: Final = 200
"""Lines checked before others get their turn: about 5 ms."""
_PUBLISHED_AT_ONCE: Final = 2_000
MOST_OF_A_PATIENT: Final = 1_000
"""Lines of one patient in a batch: more than two years of days. More of them go into the next batch."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry was recorded by all in-sync replicas. `safety` is JSON."""

    id: str
    kind: str
    recorded_at: datetime
    position: Position
    safety: bytes


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of a line of a batch (1 is the first): its fact's id, or why it was refused."""

    line: int
    key: str | None
    id: str | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """What became of a batch. positions: the last in each partition; what is before it is recorded too."""

    recorded_at: datetime
    results: list[LineResult]
    positions: list[Position]
    safety: bytes

    @property
    def accepted(self) -> int:
        """How many lines were recorded."""
        return sum(result.problem is None for result in self.results)


class Recorder:
    """Records entries. Raises Problem where one is refused, Recoverable where it may not have been recorded."""

    def __init__(self, *, publisher: Publisher, clinics: Clinics, clock: Clock) -> None:
        self._publisher, self._clinics, self._clock = publisher, clinics, clock
        self._accepted: dict[tuple[str, Origin], Counter] = {}

    async def record_check_in(self, caller: Caller, key: str, raw: bytes) -> Receipt:
        """Record one check-in."""
        clinic = self._clinics.known(caller.clinic) or await self._clinics.set_up(caller.clinic)
        now = self._clock.now()
        sent = _own(CheckIn, raw, caller)
        entry = check_in(sent, clinic=clinic, now=now)
        return await self._record(entry, fact_id(caller, CHECK_INS, key, raw), clinic, now)

    async def record_questionnaire(self, caller: Caller, key: str, raw: bytes) -> Receipt:
        """Record one questionnaire, scored."""
        clinic = await self._clinics.set_up(caller.clinic)
        now = self._clock.now()
        sent = _own(Questionnaire, raw, caller)
        entry = questionnaire(sent, clinic=caller.clinic, settings=settings_now(clinic, now), now=now)
        return await self._record(entry, fact_id(caller, QUESTIONNAIRES, key, raw), clinic, now)

    async def correct_check_in(self, caller: Caller, entry_id: str, key: str, raw: bytes) -> Receipt:
        """Record that a check-in was corrected."""
        clinic = await self._clinics.set_up(caller.clinic)
        now = self._clock.now()
        sent = _own(Correction, raw, caller)
        entry = correction(entry_id, sent, clinic=clinic, now=now)
        return await self._record(entry, fact_id(caller, f"{CHECK_INS}/{entry_id}/corrections", key, raw), clinic, now)

    async def withdraw(self, caller: Caller, entry_id: str, key: str, raw: bytes) -> Receipt:
        """Record that an entry was withdrawn."""
        clinic = await self._clinics.set_up(caller.clinic)
        now = self._clock.now()
        sent = _own(Withdrawal, raw, caller)
        entry = withdrawal(entry_id, sent, clinic=clinic, now=now)
        return await self._record(entry, fact_id(caller, f"{ENTRIES}/{entry_id}/withdrawal", key, raw), clinic, now)

    async def _record(self, entry: Entry, entry_id: str, clinic: Clinic, now: datetime) -> Receipt:
        positions = await self._publisher.publish([Message(entry_id, now, entry.fact)])
        self._count(entry)
        safety = self._clinics.safety(clinic, now, risk=entry.risk, told=entry.told)
        return Receipt(entry_id, entry.kind, now, positions[0], safety)

    async def record_lines(self, caller: Caller, lines: Sequence[tuple[int, bytes]]) -> BatchReceipt:
        """Record the lines that can be right, each by itself; `lines` are (number, JSON).

        A line's id comes from its own key and its own bytes, so that a retry of the batch, or of a part of it, records
        nothing twice.
        """
        clinic = await self._clinics.set_up(caller.clinic)
        now = self._clock.now()
        results, entries = await self._check(caller, lines, clinic, now)
        positions = await self._publish(entries, now)
        for _, entry in entries:
            self._count(entry)
        tellings = {entry.told for _, entry in entries}
        told = next((one for one in (Urgency.AT_ONCE, Urgency.WORKING_HOURS) if one in tellings), None)
        safety = self._clinics.safety(clinic, now, risk=any(entry.risk for _, entry in entries), told=told)
        return BatchReceipt(now, results, positions, safety)

    async def _check(
        self, caller: Caller, lines: Sequence[tuple[int, bytes]], clinic: Clinic, now: datetime
    ) -> tuple[list[LineResult], list[tuple[str, Entry]]]:
        settings = settings_now(clinic, now)
        results: list[LineResult] = []
        entries: list[tuple[str, Entry]] = []
        of_patient: defaultdict[str, int] = defaultdict(int)
        for count, (number, raw) in enumerate(lines, 1):
            try:
                sent = understand_line(raw)
                if isinstance(sent, Questionnaire):
                    entry = questionnaire(sent, clinic=caller.clinic, settings=settings, now=now)
                else:
                    entry = check_in(sent, clinic=clinic, now=now)
                of_patient[sent.patient] += 1
                if of_patient[sent.patient] > MOST_OF_A_PATIENT:
                    raise _too_many()
            except Problem as problem:
                results.append(LineResult(number, _key_of(raw), problem=problem))
            else:
                entry_id = fact_id(caller, BATCH, sent.key, raw)
                entries.append((entry_id, entry))
                results.append(LineResult(number, sent.key, entry_id))
            if count % _LINES_AT_ONCE == 0:
                await asyncio.sleep(0)
        return results, entries

    async def _publish(self, entries: Sequence[tuple[str, Entry]], now: datetime) -> list[Position]:
        """All of them, pipelined; returns the last position in each partition."""
        last: dict[int, Position] = {}
        for start in range(0, len(entries), _PUBLISHED_AT_ONCE):
            some = entries[start : start + _PUBLISHED_AT_ONCE]
            for position in await self._publisher.publish([Message(name, now, entry.fact) for name, entry in some]):
                known = last.get(position.partition)
                if known is None or position.offset > known.offset:
                    last[position.partition] = position
        return [last[partition] for partition in sorted(last)]

    def _count(self, entry: Entry) -> None:
        name = (entry.kind, entry.fact.origin)
        counter = self._accepted.get(name)
        if counter is None:
            counter = self._accepted[name] = ENTRIES_ACCEPTED.labels("mood", entry.kind, entry.fact.origin.value)
        counter.inc()


def _own(model: type[S], raw: bytes, caller: Caller) -> S:
    """One entry as sent, by whom it may be. Raises Problem."""
    sent = understand(model, raw)
    expect_own(caller, sent.patient, sent.origin)
    return sent


def _too_many() -> Problem:
    return Problem(
        413,
        "too_many_of_a_patient",
        "Too much of one patient at once",
        f"This line was not recorded: a batch takes {MOST_OF_A_PATIENT:,} lines of a patient. Send it, as it is, in "
        "the next batch.",
    )


def _key_of(raw: bytes) -> str | None:
    """The key of a refused line, where it has a readable one, so that its sender finds it again."""
    try:
        sent: Any = from_json(raw)
    except ValueError:
        return None
    key = sent.get("key") if isinstance(sent, dict) else None
    return key if isinstance(key, str) and len(key) <= 255 else None
