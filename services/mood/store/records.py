"""What all parts of the store have in common: facts as they came, and writes that are safe to repeat."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pymongo import DeleteOne, UpdateOne

from services.mood.domain import Recorded
from shared.contracts import Fact
from shared.documents import stamp
from shared.mongo import Collection as Records
from shared.mongo import Record, recoverable, write_all

TOGETHER: Final = 500
"""Entries per update and updates per message, so that neither outgrows what a server takes."""
READS: Final = 200
"""Keys per query: the stand-in takes a time that grows with their square beyond it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A fact as it came: its id, when it was accepted, and the event's own JSON."""

    id: str
    recorded_at: datetime
    fact: Fact
    json: bytes


def patient_key(fact: Fact) -> str:
    """The key of a fact's patient, `clinic/patient`, as of the patient's own document."""
    return f"{fact.clinic}/{fact.patient}"


def field_of(fact_id: str) -> str:
    """An id as a field's name: MongoDB gives dots and dollars a meaning."""
    return fact_id.replace("%", "%25").replace(".", "%2E").replace("$", "%24")


def name_of(field: str) -> str:
    """The id that `field_of` wrote."""
    return field.replace("%24", "$").replace("%2E", ".").replace("%25", "%")


def parts(whole: Sequence[str]) -> Iterable[list[str]]:
    """The same, `TOGETHER` at a time."""
    return (list(whole[start : start + TOGETHER]) for start in range(0, len(whole), TOGETHER))


async def write(collection: Records, writes: Sequence[UpdateOne | DeleteOne]) -> None:
    """Write, each by exact `_id`. Raises Recoverable."""
    await write_all(collection, writes, at_once=TOGETHER)


async def found_by_id(collection: Records, keys: Collection[str]) -> dict[str, Record]:
    """The records there are, by `_id`. Raises Recoverable."""
    wanted, found = sorted(set(keys)), dict[str, Record]()
    with recoverable():
        for start in range(0, len(wanted), READS):
            some = {"_id": {"$in": wanted[start : start + READS]}}
            found.update({record["_id"]: record for record in await collection.find(some).to_list(None)})
    return found


def kept(taken: Taken) -> Record:
    """A fact as a record. The time comes first: `$min` keeps the one accepted first."""
    return {"r": when(taken), "d": taken.json.decode()}


def when(taken: Taken) -> str:
    """When a fact was accepted, as text that compares as time does."""
    return stamp(taken.recorded_at)


def facts_in(model: type[Fact], record: Record) -> list[Recorded]:
    """The facts of a record's `s`, in no particular order."""
    return [
        Recorded(name_of(name), datetime.fromisoformat(one["r"]), model.model_validate_json(one["d"]))
        for name, one in record.get("s", {}).items()
    ]
