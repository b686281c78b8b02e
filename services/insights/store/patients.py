"""insights' store in MongoDB: entries by patient and month, documents and assessments by patient.

    entries      {_id: clinic/patient/2026-11, e: {<digest>: some facts}}
    patients     {_id: clinic/patient, m: {<month>: 1}, d: {<place>: {v: version, b: tagged bytes}}, x: {<id>: risk}}
    assessments  {_id: clinic/patient, a: {o: order said, e: order, ...}, j: highest order anybody judged under}

The facts a batch adds to a month are one value, ids and tagged bytes in turn, named by its own digest: the server
works per field, not per byte (measured: with a field for each fact, storing took three times as long as all else).

Everything the handlers do is by exact `_id` or `$in`, safe to do again, and safe beside an owner who does not know yet
that he is none: facts are only ever added, in whatever company, and of documents and assessments `$max`, which compares
embedded documents field by field, keeps the highest. A store dropped is rebuilt from the topics.
"""

import asyncio
from collections.abc import Collection as Some
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from itertools import chain, islice
from typing import Any, Final, TypeVar

import bson
from pymongo import UpdateOne

from services.insights.domain.ports import PROVISIONAL, Additions, Due, Order, Remembered, Saved, Wanted
from shared.documents import order_text, stamp
from shared.errors import Recoverable
from shared.mongo import Collection, Database, Record, recoverable, write_all

READS: Final = 200
"""Keys per query: the stand-in takes a time that grows with their square beyond it."""
WRITES: Final = 1_000
"""Writes per message."""
_DUE_FIELDS: Final = {"j": 1} | {f"a.{name}": 1 for name in ("o", "due", "settings", "rules", "aside", "aside_risk")}
T = TypeVar("T")


class MongoStore:
    """Implements the handlers' `Store` and `Shelf`. Every method may raise Recoverable."""

    def __init__(self, *, database: Database) -> None:
        self._entries: Collection = database["entries"]
        self._patients: Collection = database["patients"]
        self._assessments: Collection = database["assessments"]

    async def open(self) -> None:
        """Make the indexes the caseload is read by; everything else is by `_id`."""
        with recoverable():
            await self._assessments.create_index([("a.clinic", 1), ("a.place", 1)])
            await self._assessments.create_index([("a.clinic", 1), ("a.clinician", 1), ("a.place", 1)])
            await self._assessments.create_index([("a.clinic", 1), ("a.concerns", 1), ("a.place", 1)])
            await self._assessments.create_index([("a.clinic", 1), ("a.ended", 1)])

    async def open_patiently(self) -> None:
        """Make the indexes as soon as the store answers."""
        while True:
            try:
                await self.open()
            except Recoverable:
                await asyncio.sleep(1)
            else:
                return

    # --- entries and documents

    async def load(self, keys: Sequence[str]) -> Mapping[str, Remembered]:
        """Everything stored of these patients; those it does not know are left out."""
        found: dict[str, Remembered] = {}
        facts: dict[str, dict[str, bytes]] = {}
        async for record in self._by_id(self._patients, keys):
            found[record["_id"]] = _remembered(record)
        months = [f"{key}/{month}" for key, one in found.items() for month in one.months]
        async for record in self._by_id(self._entries, months):
            mine = facts.setdefault(record["_id"].rpartition("/")[0], {})
            for some in record.get("e", {}).values():
                mine.update(_facts_of(some))
        for key, mine in facts.items():
            one = found[key]
            one.facts += [fact for fact in mine.items() if fact[0] not in one.aside]
        return found

    async def add(self, additions: Sequence[Additions]) -> None:
        """Store facts and documents; of a document the highest version stays."""
        entries = [
            UpdateOne(
                {"_id": f"{one.key}/{month}"},
                {"$set": {f"e.{sha256(some).hexdigest()[:24]}": some}},
                upsert=True,
            )
            for one in additions
            for month, facts in one.facts.items()
            for some in [_one_value(facts)]
        ]
        # what leads to the facts last: a month is known once something is in it
        patients = [
            UpdateOne({"_id": one.key}, change, upsert=True) for one in additions if (change := _patient_change(one))
        ]
        await write_all(self._entries, entries, at_once=WRITES)
        await write_all(self._patients, patients, at_once=WRITES)

    async def put_aside(self, key: str, event_id: str, *, risk: bool) -> None:
        """Note that an entry could not be processed: if it got among the facts, it is no longer one of them."""
        noted = UpdateOne({"_id": key}, {"$set": {f"x.{_quoted(event_id)}": risk}}, upsert=True)
        await write_all(self._patients, [noted], at_once=WRITES)

    async def papers(self, key: str) -> Remembered | None:
        """A patient's documents, months and entries set aside, without the facts; None where nothing is stored."""
        with recoverable():
            record = await self._patients.find_one({"_id": key})
        return None if record is None else _remembered(record)

    async def entries(self, key: str, months: Sequence[str]) -> list[tuple[str, bytes]]:
        """A patient's facts of these months as they are kept, by id; those set aside may be among them."""
        found: dict[str, bytes] = {}
        async for record in self._by_id(self._entries, [f"{key}/{month}" for month in months]):
            for some in record.get("e", {}).values():
                found.update(_facts_of(some))
        return list(found.items())

    # --- assessments

    async def save(self, assessments: Sequence[Saved]) -> None:
        """Store assessments; one that is older than what is stored changes nothing but `judged`."""
        await write_all(
            self._assessments,
            [
                UpdateOne({"_id": one.key}, {"$max": {"a": _written(one), "j": order_text(one.order)}}, upsert=True)
                for one in assessments
            ],
            at_once=WRITES,
        )

    async def dues(self, keys: Sequence[str]) -> Sequence[Due]:
        """When the saved assessments of these patients are due; those without one are left out."""
        return [
            Due(
                record["_id"],
                _instant(a["due"]),
                a["settings"],
                a["rules"],
                a["aside"],
                a["aside_risk"],
                _order(record["j"]),
                _order(a["o"]) == PROVISIONAL,
            )
            async for record in self._by_id(self._assessments, keys, _DUE_FIELDS)
            if (a := record.get("a"))
        ]

    async def assessment(self, key: str) -> Saved | None:
        """A patient's saved assessment."""
        with recoverable():
            record = await self._assessments.find_one({"_id": key})
        return None if record is None else _saved(record)

    async def caseload(self, clinic: str, wanted: Wanted, *, after: str | None, limit: int) -> Sequence[Saved]:
        """A clinic's assessments that have a place and are wanted, in order of it, from behind `after`."""
        query: Record = {"a.clinic": clinic, "a.place": {"$gt": after or ""}}
        if wanted.clinician is not None:
            query["a.clinician"] = wanted.clinician
        if wanted.rule is not None:
            query["a.concerns"] = wanted.rule
        if wanted.at_once:
            query["a.at_once"] = True
        if wanted.silent_since is not None:
            query["a.heard"] = {"$lt": stamp(wanted.silent_since)}
        with recoverable():
            records = await self._assessments.find(query).sort([("a.place", 1)]).limit(limit).to_list(None)
        return [_saved(record) for record in records]

    async def patients(self, clinic: str) -> Sequence[str]:
        """Everybody of a clinic of whom there is an assessment (clinic/patient), in order."""
        with recoverable():
            records = await self._assessments.find({"a.clinic": clinic}, {"_id": 1}).to_list(None)
        return sorted(record["_id"] for record in records)

    async def ended(self, clinic: str, since: date) -> Sequence[str]:
        """The patients of a clinic (clinic/patient) with an episode of care that ended on this day or later."""
        query = {"a.clinic": clinic, "a.ended": {"$gte": since.isoformat()}}
        with recoverable():
            records = await self._assessments.find(query, {"_id": 1}).to_list(None)
        return sorted(record["_id"] for record in records)

    async def _by_id(self, collection: Collection, keys: Iterable[str], fields: Mapping[str, Any] | None = None) -> Any:
        for some in _portions(keys, READS):
            with recoverable():
                records = await collection.find({"_id": {"$in": some}}, fields).to_list(None)
            for record in records:
                yield record


class ResumeReader:
    """How far the partitions have been read, by what the resume store (`shared.documents`) notes of them."""

    def __init__(self, *, database: Database, group: str, topics: Some[str]) -> None:
        self._resume: Collection = database["resume"]
        self._group, self._topics = group, topics

    async def read_up_to(self, partitions: Iterable[int]) -> Mapping[int, datetime]:
        """Up to which instant everything recorded has been read; those never read are left out."""
        ids = {f"{self._group}/{partition}": partition for partition in partitions}
        if not ids:
            return {}
        with recoverable():
            records = await self._resume.find({"_id": {"$in": list(ids)}}).to_list(None)
        found: dict[int, datetime] = {}
        for record in records:
            times = [record["times"].get(topic) for topic in self._topics]
            if all(times):
                found[ids[record["_id"]]] = datetime.fromisoformat(min(times))
        return found


def _remembered(record: Record) -> Remembered:
    """What is stored of a patient but for the facts."""
    return Remembered(
        documents=[kept["b"] for kept in record.get("d", {}).values()],
        months=set(record.get("m", {})),
        aside={_unquoted(name): risk for name, risk in record.get("x", {}).items()},
    )


def _one_value(facts: Mapping[str, bytes]) -> bytes:
    return bson.encode({"f": list(chain.from_iterable(facts.items()))})


def _facts_of(value: bytes) -> Iterator[tuple[str, bytes]]:
    parts = iter(bson.decode(value)["f"])
    return zip(parts, parts, strict=True)


def _patient_change(one: Additions) -> Record:
    change: Record = {}
    if one.months:
        change["$set"] = {f"m.{month}": 1 for month in one.months}
    if one.documents:
        change["$max"] = {
            f"d.{_quoted(place)}": {"v": version, "b": kept} for place, (version, kept) in one.documents.items()
        }
    if one.recovered:
        change["$unset"] = {f"x.{_quoted(name)}": "" for name in one.recovered}
    return change


def _written(one: Saved) -> Record:
    """The fields in the sequence in which they are compared."""
    return {
        "o": order_text(one.said),
        "e": order_text(one.order),
        "clinic": one.clinic,
        "clinician": one.clinician,
        "place": one.place,
        "partition": one.partition,
        "due": None if one.due is None else stamp(one.due),
        "settings": one.settings_version,
        "rules": one.rules_version,
        "aside": one.aside,
        "aside_risk": one.aside_risk,
        "body": one.body,
        "concerns": list(one.rules),
        "at_once": one.at_once,
        "heard": "" if one.heard is None else stamp(one.heard),
        "ended": [day.isoformat() for day in one.ended],
    }


def _saved(record: Record) -> Saved:
    a = record["a"]
    return Saved(
        key=record["_id"],
        said=_order(a["o"]),
        order=_order(a["e"]),
        clinic=a["clinic"],
        clinician=a["clinician"],
        place=a["place"],
        partition=a["partition"],
        due=_instant(a["due"]),
        settings_version=a["settings"],
        rules_version=a["rules"],
        aside=a["aside"],
        aside_risk=a["aside_risk"],
        body=a["body"],
        rules=tuple(a.get("concerns", ())),  # these four are missing where an older version saved it
        at_once=a.get("at_once", False),
        heard=_instant(a.get("heard") or None),
        ended=tuple(map(date.fromisoformat, a.get("ended", ()))),
    )


def _order(text: str) -> Order:
    return tuple(map(int, text.split(".")))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _quoted(name: str) -> str:
    """A name as the name of a field, where dots, dollars and the empty name mean something else."""
    if name.replace("-", "").isalnum():  # as all ids of ours are
        return name
    return "%" + name.replace("%", "%25").replace(".", "%2E").replace("$", "%24").replace("\0", "%00")


def _unquoted(name: str) -> str:
    if not name.startswith("%"):
        return name
    return name[1:].replace("%00", "\0").replace("%24", "$").replace("%2E", ".").replace("%25", "%")


def _portions(things: Iterable[T], most: int) -> Iterator[list[T]]:
    rest = iter(things)
    while portion := list(islice(rest, most)):
        yield portion
