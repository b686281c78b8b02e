"""What mood keeps: a projection of its topics that can be thrown away and rebuilt. Everything is found by exact `_id`.

entries    {_id: "clinic/patient/2026-11", e: {<id>: {r: recorded at, k: kind, d: the event's JSON}}}
timelines  {_id: "clinic/patient", months: {"2026-11": 1}, aside: {<id>: "2026-11"}}
questions, patients   mirrors of intake's documents
assessments  mirror of insights' documents, cut down to the concerns about harm
What is kept of changes, of schedules, of coping strategies and of receipts stands in modules of its own.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import DeleteOne, UpdateOne

from services.mood.domain import MODELS, Kind, Recorded, kind_of, month_of
from services.mood.store.changes import ChangeStore
from services.mood.store.coping import CopingStore
from services.mood.store.receipts import ReceiptStore
from services.mood.store.records import Taken, field_of, found_by_id, name_of, parts, patient_key, write
from services.mood.store.schedules import ScheduleStore
from shared.contracts import Assessment, Fact, Patient, Question
from shared.documents import Mirror, stamp
from shared.mongo import Database, Record, recoverable


@dataclass(frozen=True, slots=True)
class Known:
    """What there is of a patient: months with entries, and how many entries are missing because they were set aside."""

    months: list[str]
    set_aside: int


class Store:
    """Entries by month, and mirrors. Every method may raise Recoverable; every write is safe to repeat."""

    def __init__(self, database: Database) -> None:
        self._entries = database["entries"]
        self._timelines = database["timelines"]
        self.questions = Mirror(collection=database["questions"], model=Question)
        self.patients = Mirror(collection=database["patients"], model=Patient)
        self.assessments = Mirror(collection=database["assessments"], model=Assessment)
        self.coping, self.receipts = CopingStore(database), ReceiptStore(database)
        self.changes, self.schedules = ChangeStore(database), ScheduleStore(database)

    async def record(self, taken: Sequence[Taken], *, listed: Collection[str] = ()) -> None:
        """Add entries. The one accepted first wins, so that a retry does not move when something was recorded.

        listed: months (`clinic/patient/2026-11`) known to be listed in their timelines.
        """
        months: dict[str, dict[str, Record]] = defaultdict(dict)
        timelines: dict[str, Record] = defaultdict(dict)
        for one in taken:
            key, name, entry = month_key(one.fact), field_of(one.id), _written(one)
            there = months[key]
            there[name] = min(there.get(name, entry), entry, key=lambda written: str(written["r"]))
            if key not in listed:
                patient, month = key.rsplit("/", 1)
                timelines[patient][f"months.{month}"] = 1
        await write(
            self._entries,
            [
                UpdateOne({"_id": key}, {"$min": {f"e.{name}": entries[name] for name in some}}, upsert=True)
                for key, entries in months.items()
                for some in parts(list(entries))
            ],
        )
        lists = [UpdateOne({"_id": key}, {"$set": found}, upsert=True) for key, found in timelines.items()]
        await write(self._timelines, lists)

    async def note_set_aside(self, fact: Fact, fact_id: str) -> None:
        """Remember that an entry could not be processed; it counts as missing until it stands in its month."""
        note = {"$set": {f"aside.{field_of(fact_id)}": month_of(fact.local_day)}}
        await write(self._timelines, [UpdateOne({"_id": patient_key(fact)}, note, upsert=True)])

    async def forget(self, patients: Collection[str]) -> None:
        """Remove what is kept of these patients (`clinic/patient`)."""
        with recoverable():
            for some in parts(list(patients)):
                found = await self._timelines.find({"_id": {"$in": some}}).to_list(None)
                months = [f"{one['_id']}/{month}" for one in found for month in one.get("months", {})]
                await write(self._entries, [DeleteOne({"_id": key}) for key in months])
                await write(self._timelines, [DeleteOne({"_id": one["_id"]}) for one in found])
        await self.coping.forget(patients)
        await self.receipts.forget(patients)
        await self.changes.forget(patients)
        await self.schedules.forget(patients)

    async def known(self, clinic: str, patient: str) -> Known:
        """What there is of a patient; nothing, where nobody knows them."""
        with recoverable():
            found = await self._timelines.find_one({"_id": f"{clinic}/{patient}"}) or {}
        aside: Record = found.get("aside", {})
        replayed: set[str] = set()
        if aside:
            replayed |= (await self._found(clinic, patient, set(aside.values()))).keys()
            changes = await self.changes.of([f"{clinic}/{patient}"])
            replayed |= {field_of(one.id) for known in changes.values() for one in known}
        return Known(sorted(found.get("months", {})), len(aside.keys() - replayed))

    async def read(self, clinic: str, patient: str, months: Collection[str]) -> list[Recorded]:
        """The entries of these months, in no particular order."""
        found = await self._found(clinic, patient, months)
        return [_read(name, entry) for name, entry in found.items()]

    async def read_many(self, keys: Collection[str], months: Collection[str]) -> dict[str, list[Recorded]]:
        """The entries of these months of several patients (`clinic/patient`), by key."""
        found: dict[str, list[Recorded]] = {key: [] for key in keys}
        records = await found_by_id(self._entries, [f"{key}/{month}" for key in keys for month in months])
        for name, record in records.items():
            found[name.rsplit("/", 1)[0]] += [_read(entry, kept) for entry, kept in record.get("e", {}).items()]
        return found

    async def _found(self, clinic: str, patient: str, months: Collection[str]) -> dict[str, Record]:
        keys = [f"{clinic}/{patient}/{month}" for month in months]
        with recoverable():
            found = await self._entries.find({"_id": {"$in": keys}}).to_list(None)
        return {name: entry for month in found for name, entry in month.get("e", {}).items()}


def month_key(fact: Fact) -> str:
    """The key of the record that holds a fact, `clinic/patient/2026-11`."""
    return f"{patient_key(fact)}/{month_of(fact.local_day)}"


def _written(taken: Taken) -> Record:
    """The time comes first: `$min` compares embedded documents field by field."""
    return {"r": stamp(taken.recorded_at), "k": kind_of(taken.fact).value, "d": taken.json.decode()}


def _read(name: str, entry: Record) -> Recorded:
    fact = MODELS[Kind(entry["k"])].model_validate_json(entry["d"])
    return Recorded(name_of(name), datetime.fromisoformat(entry["r"]), fact)
