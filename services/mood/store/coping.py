"""What is kept of coping strategies.

coping       {_id: "clinic/patient", pinned, allowed: {p: place, d: JSON, r: recorded at}, months: {"2026-11": 1},
              tried: {walk: 1}}
suggestions  {_id: "clinic/patient/2026-11", s: {<id>: {r: recorded at, d: JSON}}}   by UTC month
tries        {_id: "clinic/patient/walk", s: {<id>: {r: recorded at, d: JSON}}}
populations  {_id: "clinic/walk", p: {<patient>: {n: how many ratings, q: sum of rewards, in quarters}}}
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pymongo import DeleteOne, UpdateOne

from services.mood.domain import LIBRARY, Coping, Recorded, coping_of, month_of
from services.mood.store.records import Taken, facts_in, field_of, found_by_id, kept, name_of, patient_key, when, write
from shared.contracts import Fact, StrategiesAllowed, StrategiesPinned, StrategySuggested, StrategyTried
from shared.documents import stamp
from shared.mongo import Database, Record, recoverable

_ABOUT_STRATEGIES: Final = frozenset({StrategyTried, StrategySuggested, StrategiesPinned, StrategiesAllowed})


class CopingStore:
    """What patients and clinicians said of strategies, and what was suggested."""

    def __init__(self, database: Database) -> None:
        self._coping, self._suggestions = database["coping"], database["suggestions"]
        self._tries, self._populations = database["tries"], database["populations"]

    async def record(self, taken: Sequence[Taken]) -> None:
        """Add facts about strategies; others are passed over."""
        coping: dict[str, Record] = defaultdict(lambda: defaultdict(dict))
        lists: dict[str, list[UpdateOne]] = {"tries": [], "suggestions": []}
        rated: set[tuple[str, str, str]] = set()
        for one in taken:
            if type(one.fact) not in _ABOUT_STRATEGIES:
                continue
            key, there = patient_key(one.fact), {"$min": {f"s.{field_of(one.id)}": kept(one)}}
            match one.fact:
                case StrategyTried() as fact:
                    lists["tries"].append(UpdateOne({"_id": f"{key}/{fact.strategy}"}, there, upsert=True))
                    coping[key]["$set"][f"tried.{field_of(fact.strategy)}"] = 1
                    rated.add((fact.clinic, fact.patient, fact.strategy))
                case StrategySuggested() as fact:
                    month = _utc_month(fact.occurred_at)
                    lists["suggestions"].append(UpdateOne({"_id": f"{key}/{month}"}, there, upsert=True))
                    coping[key]["$set"][f"months.{month}"] = 1
                case StrategiesPinned() | StrategiesAllowed() as fact:
                    name = "pinned" if isinstance(fact, StrategiesPinned) else "allowed"
                    place = {"p": f"{stamp(fact.occurred_at)} {one.id}", "d": one.json.decode(), "r": when(one)}
                    known = coping[key]["$max"].get(name, place)
                    coping[key]["$max"][name] = max(known, place, key=lambda said: str(said["p"]))
        await write(self._coping, [UpdateOne({"_id": key}, dict(up), upsert=True) for key, up in coping.items()])
        await write(self._suggestions, lists["suggestions"])
        await write(self._tries, lists["tries"])
        await self._count(rated)

    async def _count(self, rated: Collection[tuple[str, str, str]]) -> None:
        """Each patient's mean, as the clinic's priors need it: more ratings win, so that no stale count can."""
        found = await found_by_id(self._tries, [f"{clinic}/{who}/{name}" for clinic, who, name in rated])
        counts = []
        for clinic, who, name in rated:
            facts = facts_in(StrategyTried, found.get(f"{clinic}/{who}/{name}", {}))
            tally = coping_of(facts).tally(name)
            if tally.rated:
                mean = {"n": tally.rated, "q": tally.quarters}
                where = {"_id": f"{clinic}/{name}"}
                counts.append(UpdateOne(where, {"$max": {f"p.{field_of(who)}": mean}}, upsert=True))
        await write(self._populations, counts)

    async def read(self, clinic: str, patient: str, now: datetime) -> tuple[Coping, list[Recorded]]:
        """A patient's strategies, and the suggestions of this month (UTC) and the last that they rest on."""
        key = f"{clinic}/{patient}"
        with recoverable():
            there = await self._coping.find_one({"_id": key}) or {}
        days = (now, now.replace(day=1) - timedelta(days=1))
        months = [month for month in dict.fromkeys(map(_utc_month, days)) if month in there.get("months", {})]
        names = [name_of(field) for field in there.get("tried", {})]
        tries = await found_by_id(self._tries, [f"{key}/{name}" for name in names])
        suggested = await found_by_id(self._suggestions, [f"{key}/{month}" for month in months])
        suggestions = [one for record in suggested.values() for one in facts_in(StrategySuggested, record)]
        facts: list[Recorded] = [one for record in tries.values() for one in facts_in(StrategyTried, record)]
        models: dict[str, type[Fact]] = {"pinned": StrategiesPinned, "allowed": StrategiesAllowed}
        for name, model in models.items():
            if name in there:
                said = there[name]
                fact = model.model_validate_json(said["d"])
                facts.append(Recorded(said["p"].split(" ", 1)[1], datetime.fromisoformat(said["r"]), fact))
        return coping_of([*facts, *suggestions]), suggestions

    async def means(self, clinic: str) -> dict[str, dict[str, float]]:
        """The mean reward of every patient who rated it, by strategy."""
        found = await found_by_id(self._populations, [f"{clinic}/{name}" for name in LIBRARY])
        return {
            name: {who: mean["q"] / 4 / mean["n"] for who, mean in found[f"{clinic}/{name}"].get("p", {}).items()}
            for name in LIBRARY
            if f"{clinic}/{name}" in found
        }

    async def forget(self, patients: Collection[str]) -> None:
        """Remove what is known of these patients (`clinic/patient`)."""
        found = await found_by_id(self._coping, patients)
        for key, there in found.items():
            clinic, patient = key.split("/", 1)
            names = [name_of(field) for field in there.get("tried", {})]
            gone = {"$unset": {f"p.{field_of(patient)}": ""}}
            await write(self._populations, [UpdateOne({"_id": f"{clinic}/{name}"}, gone) for name in names])
            await write(self._tries, [DeleteOne({"_id": f"{key}/{name}"}) for name in names])
            await write(self._suggestions, [DeleteOne({"_id": f"{key}/{month}"}) for month in there.get("months", {})])
            await write(self._coping, [DeleteOne({"_id": key})])


def _utc_month(at: datetime) -> str:
    return month_of(at.astimezone(UTC).date())
