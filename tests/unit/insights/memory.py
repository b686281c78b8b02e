"""A store in memory that keeps what MongoDB would, and fails on demand."""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import date, datetime
from random import Random

from services.insights.domain.ports import PROVISIONAL, Additions, Due, Remembered, Saved, Wanted
from shared.errors import Recoverable
from tests.fakes import Died


class Trouble:
    """What goes wrong at the n-th operation from now, and how much of it is done nevertheless."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.after: int | None = None
        self.kills = False
        self.dead = False

    def soon(self, *, kills: bool) -> None:
        """One of the next few operations fails: the process dies, or the world was not ready."""
        self.after, self.kills = self.chance.randint(0, 4), kills

    def parts(self, things: Sequence[object]) -> int:
        """How many of the things are done before it fails; raises afterwards, by `strike`."""
        return self.chance.randint(0, len(things))

    def due(self) -> bool:
        """Whether this operation fails."""
        if self.dead:
            raise Died
        if self.after is None:
            return False
        self.after -= 1
        return self.after < 0

    def strike(self) -> None:
        """Fail."""
        self.after = None
        if self.kills:
            self.dead = True
            raise Died
        raise Recoverable("the world was not ready")


class MemoryStore:
    """Implements the handlers' `Store` and `Shelf`; `data` outlives it, as a database outlives a process."""

    def __init__(self, data: "Data", trouble: Trouble | None = None) -> None:
        self.data, self.trouble = data, trouble or Trouble(Random(0))

    async def load(self, keys: Sequence[str]) -> Mapping[str, Remembered]:
        """See `Store`."""
        if self.trouble.due():
            self.trouble.strike()
        return {key: deepcopy(self.data.patients[key]) for key in keys if key in self.data.patients}

    async def add(self, additions: Sequence[Additions]) -> None:
        """See `Store`."""
        failing = self.trouble.due()
        for one in additions[: self.trouble.parts(additions)] if failing else additions:
            kept = self.data.patients.setdefault(one.key, Remembered())
            for month, facts in one.facts.items():
                kept.months.add(month)
                known = dict(kept.facts)
                kept.facts[:] = list((known | facts).items())
            for place, (version, document) in one.documents.items():
                place_key = f"{one.key} {place}"
                if version > self.data.versions.get(place_key, (0, b""))[0]:
                    before = self.data.versions.get(place_key)
                    if before is not None:
                        kept.documents.remove(before[1])
                    self.data.versions[place_key] = (version, document)
                    kept.documents.append(document)
            for name in one.recovered:
                kept.aside.pop(name, None)
        if failing:
            self.trouble.strike()

    async def put_aside(self, key: str, event_id: str, *, risk: bool) -> None:
        """See `Store`."""
        kept = self.data.patients.setdefault(key, Remembered())
        kept.aside[event_id] = risk
        kept.facts[:] = [(name, fact) for name, fact in kept.facts if name != event_id]

    async def save(self, assessments: Sequence[Saved]) -> None:
        """See `Store`."""
        failing = self.trouble.due()
        for one in assessments[: self.trouble.parts(assessments)] if failing else assessments:
            self.data.judged[one.key] = max(one.order, self.data.judged.get(one.key, ()))
            known = self.data.saved.get(one.key)
            if known is None or (one.said, one.order) > (known.said, known.order):
                self.data.saved[one.key] = one
        if failing:
            self.trouble.strike()

    async def dues(self, keys: Sequence[str]) -> Sequence[Due]:
        """See `Store`."""
        saved = (self.data.saved[key] for key in keys if key in self.data.saved)
        return [
            Due(
                key=s.key,
                due=s.due,
                settings_version=s.settings_version,
                rules_version=s.rules_version,
                aside=s.aside,
                aside_risk=s.aside_risk,
                judged=self.data.judged[s.key],
                provisional=s.said == PROVISIONAL,
            )
            for s in saved
        ]

    async def papers(self, key: str) -> Remembered | None:
        """See `Shelf`."""
        kept = self.data.patients.get(key)
        return None if kept is None else Remembered([], list(kept.documents), set(kept.months), dict(kept.aside))

    async def entries(self, key: str, months: Sequence[str]) -> list[tuple[str, bytes]]:
        """See `Shelf`."""
        kept = self.data.patients[key]
        return [(name, fact) for name, fact in kept.facts if json.loads(fact[9:])["local_day"][:7] in months]

    async def assessment(self, key: str) -> Saved | None:
        """See `Shelf`."""
        return self.data.saved.get(key)

    async def patients(self, clinic: str) -> Sequence[str]:
        """See `Shelf`."""
        return sorted(one.key for one in self.data.saved.values() if one.clinic == clinic)

    async def ended(self, clinic: str, since: date) -> Sequence[str]:
        """See `Shelf`."""
        saved = self.data.saved.values()
        return sorted(one.key for one in saved if one.clinic == clinic and any(day >= since for day in one.ended))

    async def caseload(self, clinic: str, wanted: Wanted, *, after: str | None, limit: int) -> Sequence[Saved]:
        """See `Shelf`."""
        found = [
            (one.place, one)
            for one in self.data.saved.values()
            if one.clinic == clinic
            and one.place is not None
            and one.place > (after or "")
            and wanted.clinician in (None, one.clinician)
            and (wanted.rule is None or wanted.rule in one.rules)
            and one.at_once >= wanted.at_once
            and (wanted.silent_since is None or one.heard is None or one.heard < wanted.silent_since)
        ]
        return [one for _, one in sorted(found, key=lambda pair: pair[0])][:limit]


class Data:
    """What is stored."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """The store is dropped."""
        self.patients: dict[str, Remembered] = {}
        self.versions: dict[str, tuple[int, bytes]] = {}
        self.saved: dict[str, Saved] = {}
        self.judged: dict[str, tuple[int, ...]] = {}
        self.resume: dict[str, int] = {}


class Progress:
    """Every partition has been read up to one instant."""

    def __init__(self, reached: datetime | None) -> None:
        self.reached = reached

    async def read_up_to(self, partitions: Iterable[int]) -> Mapping[int, datetime]:
        """See `reading.Progress`."""
        return {} if self.reached is None else dict.fromkeys(partitions, self.reached)
