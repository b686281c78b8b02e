"""What mood keeps: a projection of its topics that can be thrown away and rebuilt. Everything is found by exact `_id`.

entries    {_id: "clinic/patient/2026-11", e: {<id>: {r: recorded at, k: kind, d: the event's JSON}}}
timelines  {_id: "clinic/patient", months: {"2026-11": 1}, aside: {<id>: "2026-11"}}
questions, patients   mirrors of intake's documents
changes    {_id: "clinic/patient", c: {<id>: as an entry}}: corrections and withdrawals
sessions   {_id: "clinic/patient", s: {<session>: {v: version, at: when, off: not taking place}}}
reminded   {_id: "clinic/patient", r: {<id>: {o: occasion, at: when it fell due}}}
due        {_id: "3/clinic", at: {<patient>: {d: when to look at them, "" for now; v: the clinic's version it was found
           under}}}, of everybody who follows a protocol, by partition; {_id: "partition/3", names: {<clinic>: 1}} and
           {_id: "clinic/<clinic>", names: {"3": 1}} say which of these there are
answers    {_id: <id>, body}: what a call that must not be done twice was answered with
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pymongo import DeleteOne, UpdateOne
from pymongo.errors import BulkWriteError

from services.mood.domain import CHANGES, MODELS, Kind, Recorded, Reminded, change_of, kind_of, month_of
from shared.contracts import Fact, Patient, Question, ReminderDue, Session
from shared.contracts.expected import meeting_of
from shared.documents import Mirror, stamp
from shared.documents.kept import order_text
from shared.errors import Recoverable
from shared.mongo import Collection as Records
from shared.mongo import Database, Record, only_duplicates, recoverable
from shared.schedule import Meeting

_TOGETHER: Final = 500
"""Entries per update and updates per message, so that neither outgrows what a server takes."""
_TRIES: Final = 5
_READ_TOGETHER: Final = 200
"""Keys per query: the stand-in takes a time that grows with their square beyond it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A fact as it came: its id, when it was accepted, and the event's own JSON."""

    id: str
    recorded_at: datetime
    fact: Fact
    json: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """When to look at somebody again, None for now, and the version of the clinic's document it was found under."""

    at: datetime | None
    version: int


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
        self._changes = database["changes"]
        self._sessions = database["sessions"]
        self._reminded = database["reminded"]
        self._due = database["due"]
        self._answers = database["answers"]
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

    async def record_changes(self, taken: Sequence[Taken]) -> None:
        """Add corrections and withdrawals; as of entries, the one accepted first wins."""
        writes = [
            UpdateOne({"_id": patient_key(one.fact)}, {"$min": {f"c.{_field(one.id)}": _changed(one)}}, upsert=True)
            for one in taken
        ]
        await _write(self._changes, writes)

    async def note_sessions(self, sessions: Sequence[Session]) -> None:
        """Keep when sessions take place, of each the highest version."""
        writes = []
        for one in sessions:
            kept = {
                "v": order_text(one.order),
                "at": one.scheduled_at.isoformat(),
                "off": meeting_of(one) is None,
            }
            update = {"$max": {f"s.{_field(one.session)}": kept}}
            writes.append(UpdateOne({"_id": f"{one.clinic}/{one.patient}"}, update, upsert=True))
        await _write(self._sessions, writes)

    async def note_reminded(self, reminders: Sequence[tuple[str, ReminderDue]]) -> None:
        """Keep which reminders were given, by id."""
        writes = []
        for name, fact in reminders:
            kept = {"o": fact.occasion, "at": fact.occurred_at.isoformat()}
            update = {"$min": {f"r.{_field(name)}": kept}}
            writes.append(UpdateOne({"_id": patient_key(fact)}, update, upsert=True))
        await _write(self._reminded, writes)

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
                for collection in (self._changes, self._sessions, self._reminded):
                    await _write(collection, [DeleteOne({"_id": key}) for key in some])

    async def known(self, clinic: str, patient: str) -> Known:
        """What there is of a patient; nothing, where nobody knows them."""
        with recoverable():
            found = await self._timelines.find_one({"_id": f"{clinic}/{patient}"}) or {}
        aside: Record = found.get("aside", {})
        replayed: set[str] = set()
        if aside:
            replayed |= (await self._found(clinic, patient, set(aside.values()))).keys()
            changes = await self.changes([f"{clinic}/{patient}"])
            replayed |= {_field(one.id) for known in changes.values() for one in known}
        return Known(sorted(found.get("months", {})), len(aside.keys() - replayed))

    async def read(self, clinic: str, patient: str, months: Collection[str]) -> list[Recorded]:
        """The entries of these months, in no particular order."""
        found = await self._found(clinic, patient, months)
        return [_read(name, entry) for name, entry in found.items()]

    async def read_many(self, keys: Collection[str], months: Collection[str]) -> dict[str, list[Recorded]]:
        """The entries of these months of several patients (`clinic/patient`), by key."""
        found: dict[str, list[Recorded]] = {key: [] for key in keys}
        records = await self._many(self._entries, [f"{key}/{month}" for key in keys for month in months])
        for name, record in records.items():
            found[name.rsplit("/", 1)[0]] += [_read(entry, kept) for entry, kept in record.get("e", {}).items()]
        return found

    async def changes(self, keys: Collection[str]) -> dict[str, list[Recorded]]:
        """The corrections and withdrawals of these patients (`clinic/patient`), by key."""
        found = await self._many(self._changes, keys)
        return {key: [_read(name, one) for name, one in record.get("c", {}).items()] for key, record in found.items()}

    async def meetings(self, keys: Collection[str]) -> dict[str, list[Meeting]]:
        """The sessions of these patients (`clinic/patient`) that take place, by key."""
        found = await self._many(self._sessions, keys)
        return {
            key: [
                Meeting(_name(name), datetime.fromisoformat(one["at"]))
                for name, one in record.get("s", {}).items()
                if not one["off"]
            ]
            for key, record in found.items()
        }

    async def reminded(self, keys: Collection[str]) -> dict[str, list[Reminded]]:
        """The reminders these patients (`clinic/patient`) were given, by key."""
        found = await self._many(self._reminded, keys)
        return {
            key: [
                Reminded(_name(name), one["o"], datetime.fromisoformat(one["at"]))
                for name, one in record.get("r", {}).items()
            ]
            for key, record in found.items()
        }

    async def looks(self, partition: int) -> dict[str, Look]:
        """Everybody of a partition who follows a protocol (`clinic/patient`), and when to look at them."""
        names = (await self._many(self._due, [f"partition/{partition}"])).values()
        keys = [f"{partition}/{_name(name)}" for record in names for name in record.get("names", {})]
        found = {}
        for key, record in (await self._many(self._due, keys)).items():
            clinic = key.split("/", 1)[1]
            for name, one in record.get("at", {}).items():
                at = datetime.fromisoformat(one["d"]) if one["d"] else None
                found[f"{clinic}/{_name(name)}"] = Look(at, one["v"])
        return found

    async def note_looks(self, partition: int, looks: Mapping[str, Look | None]) -> None:
        """Keep when to look at these patients (`clinic/patient`); None: they follow nothing any more."""
        changed: dict[str, Record] = {}
        for key, look in looks.items():
            clinic, patient = key.split("/")
            update = changed.setdefault(clinic, {})
            if look is None:
                update.setdefault("$unset", {})[f"at.{_field(patient)}"] = ""
            else:
                kept = {"d": "" if look.at is None else stamp(look.at), "v": look.version}
                update.setdefault("$set", {})[f"at.{_field(patient)}"] = kept
        names = [f"names.{_field(clinic)}" for clinic in changed]
        lists = [UpdateOne({"_id": f"partition/{partition}"}, {"$set": dict.fromkeys(names, 1)}, upsert=True)]
        here = {"$set": {f"names.{partition}": 1}}
        lists += [UpdateOne({"_id": f"clinic/{clinic}"}, here, upsert=True) for clinic in changed]
        await _write(self._due, lists if changed else [])  # first: a look nobody finds would be forgotten
        await _write(
            self._due, [UpdateOne({"_id": f"{partition}/{c}"}, update, upsert=True) for c, update in changed.items()]
        )

    async def followers(self, clinic: str) -> list[str]:
        """The patients of a clinic who follow a protocol, in order of their ids."""
        names = (await self._many(self._due, [f"clinic/{clinic}"])).values()
        keys = [f"{partition}/{clinic}" for record in names for partition in record.get("names", {})]
        found = await self._many(self._due, keys)
        return sorted(_name(name) for record in found.values() for name in record.get("at", {}))

    async def answer(self, name: str) -> str | None:
        """What a call was answered with before; None where it was not."""
        return next((str(record["body"]) for record in (await self._many(self._answers, [name])).values()), None)

    async def keep_answer(self, name: str, body: str) -> None:
        """Keep what a call is answered with; the first word stays."""
        await _write(self._answers, [UpdateOne({"_id": name}, {"$setOnInsert": {"body": body}}, upsert=True)])

    async def _many(self, collection: Records, keys: Collection[str]) -> dict[str, Record]:
        found: dict[str, Record] = {}
        with recoverable():
            for some in _parts(list(keys), _READ_TOGETHER):
                found.update({one["_id"]: one for one in await collection.find({"_id": {"$in": some}}).to_list(None)})
        return found

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


def _changed(taken: Taken) -> Record:
    return {"r": stamp(taken.recorded_at), "k": change_of(taken.fact), "d": taken.json.decode()}


def _read(name: str, entry: Record) -> Recorded:
    model = CHANGES.get(entry["k"]) or MODELS[Kind(entry["k"])]
    fact = model.model_validate_json(entry["d"])
    return Recorded(_name(name), datetime.fromisoformat(entry["r"]), fact)


def _field(fact_id: str) -> str:
    """An id as a field's name: MongoDB gives dots and dollars a meaning."""
    return fact_id.replace("%", "%25").replace(".", "%2E").replace("$", "%24")


def _name(field: str) -> str:
    return field.replace("%24", "$").replace("%2E", ".").replace("%25", "%")


def _parts(whole: Sequence[str], size: int = _TOGETHER) -> Iterable[list[str]]:
    return (list(whole[start : start + size]) for start in range(0, len(whole), size))


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
