"""What mood keeps: a projection of its topics that can be thrown away and rebuilt. Everything is found by exact `_id`.

entries    {_id: "clinic/patient/2026-11", e: {<id>: {r: recorded at, k: kind, d: the event's JSON}}}
timelines  {_id: "clinic/patient", months: {"2026-11": 1}, aside: {<id>: "2026-11"}}
questions, patients   mirrors of intake's documents
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pymongo import DeleteOne, UpdateOne
from pymongo.errors import BulkWriteError

from services.mood.domain import MODELS, Kind, Recorded, kind_of, month_of
from shared.contracts import Fact, Patient, Question
from shared.documents import Mirror, stamp
from shared.errors import Recoverable
from shared.mongo import Collection as Records
from shared.mongo import Database, Record, only_duplicates, recoverable

_TOGETHER: Final = 500
"""Entries per update and updates per message, so that neither outgrows what a server takes."""
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """A fact as it came: its id, when it was accepted, and the event's own JSON."""

    id: str
    recorded_at: datetime
    fact: Fact
    json: bytes


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

    async def record(self, taken: Sequence[Taken], *, listed: Collection[str] = ()) -> None:
        """Add entries. The one accepted first wins, so that a retry does not move when something was recorded.

        listed: months (`clinic/patient/2026-11`) known to be listed in their timelines.
        """
        months: dict[str, dict[str, Record]] = defaultdict(dict)
        timelines: dict[str, Record] = defaultdict(dict)
        for one in taken:
            key, name, entry = month_key(one.fact), _field(one.id), _written(one)
            there = months[key]
            there[name] = min(there.get(name, entry), entry, key=lambda written: str(written["r"]))
            if key not in listed:
                patient, month = key.rsplit("/", 1)
                timelines[patient][f"months.{month}"] = 1
        await _write(
            self._entries,
            [
                UpdateOne({"_id": key}, {"$min": {f"e.{name}": entries[name] for name in some}}, upsert=True)
                for key, entries in months.items()
                for some in _parts(list(entries))
            ],
        )
        lists = [UpdateOne({"_id": key}, {"$set": found}, upsert=True) for key, found in timelines.items()]
        await _write(self._timelines, lists)

    async def note_set_aside(self, fact: Fact, fact_id: str) -> None:
        """Remember that an entry could not be processed; it counts as missing until it stands in its month."""
        note = {"$set": {f"aside.{_field(fact_id)}": month_of(fact.local_day)}}
        await _write(self._timelines, [UpdateOne({"_id": patient_key(fact)}, note, upsert=True)])

    async def forget(self, patients: Collection[str]) -> None:
        """Remove the entries of these patients (`clinic/patient`)."""
        with recoverable():
            for some in _parts(list(patients)):
                found = await self._timelines.find({"_id": {"$in": some}}).to_list(None)
                months = [f"{one['_id']}/{month}" for one in found for month in one.get("months", {})]
                await _write(self._entries, [DeleteOne({"_id": key}) for key in months])
                await _write(self._timelines, [DeleteOne({"_id": one["_id"]}) for one in found])

    async def known(self, clinic: str, patient: str) -> Known:
        """What there is of a patient; nothing, where nobody knows them."""
        with recoverable():
            found = await self._timelines.find_one({"_id": f"{clinic}/{patient}"}) or {}
        aside: Record = found.get("aside", {})
        replayed = await self._found(clinic, patient, set(aside.values())) if aside else {}
        return Known(sorted(found.get("months", {})), len(aside.keys() - replayed.keys()))

    async def read(self, clinic: str, patient: str, months: Collection[str]) -> list[Recorded]:
        """The entries of these months, in no particular order."""
        found = await self._found(clinic, patient, months)
        return [_read(name, entry) for name, entry in found.items()]

    async def _found(self, clinic: str, patient: str, months: Collection[str]) -> dict[str, Record]:
        keys = [f"{clinic}/{patient}/{month}" for month in months]
        with recoverable():
            found = await self._entries.find({"_id": {"$in": keys}}).to_list(None)
        return {name: entry for month in found for name, entry in month.get("e", {}).items()}


def patient_key(fact: Fact) -> str:
    """The key of a fact's patient, `clinic/patient`, as of the patient's own document."""
    return f"{fact.clinic}/{fact.patient}"


def month_key(fact: Fact) -> str:
    """The key of the record that holds a fact, `clinic/patient/2026-11`."""
    return f"{patient_key(fact)}/{month_of(fact.local_day)}"


def _written(taken: Taken) -> Record:
    """The time comes first: `$min` compares embedded documents field by field."""
    return {"r": stamp(taken.recorded_at), "k": kind_of(taken.fact).value, "d": taken.json.decode()}


def _read(name: str, entry: Record) -> Recorded:
    fact = MODELS[Kind(entry["k"])].model_validate_json(entry["d"])
    return Recorded(_name(name), datetime.fromisoformat(entry["r"]), fact)


def _field(fact_id: str) -> str:
    """An id as a field's name: MongoDB gives dots and dollars a meaning."""
    return fact_id.replace("%", "%25").replace(".", "%2E").replace("$", "%24")


def _name(field: str) -> str:
    return field.replace("%24", "$").replace("%2E", ".").replace("%25", "%")


def _parts(whole: Sequence[str]) -> Iterable[list[str]]:
    return (list(whole[start : start + _TOGETHER]) for start in range(0, len(whole), _TOGETHER))


async def _write(collection: Records, writes: Sequence[UpdateOne | DeleteOne]) -> None:
    with recoverable():
        for start in range(0, len(writes), _TOGETHER):
            await _write_some(collection, writes[start : start + _TOGETHER])


async def _write_some(collection: Records, writes: Sequence[UpdateOne | DeleteOne]) -> None:
    for _ in range(_TRIES):
        try:
            await collection.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            # two first writers of one record met in an upsert: it exists now, so once more
            if not only_duplicates(error):
                raise
        else:
            return
    raise Recoverable("The same entries are being written by too many at once; try again.")
