"""What is kept of corrections and withdrawals: they stand beside the entries, which never change.

changes    {_id: "clinic/patient", c: {<id>: {r: recorded at, k: kind, d: the event's JSON}}}
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from pymongo import DeleteOne, UpdateOne

from services.mood.domain import CHANGES, Recorded, change_of
from services.mood.store.records import Taken, field_of, found_by_id, name_of, patient_key, when, write
from shared.mongo import Database, Record


class ChangeStore:
    """Corrections of check-ins, and entries withdrawn."""

    def __init__(self, database: Database) -> None:
        self._changes = database["changes"]

    async def record(self, taken: Sequence[Taken]) -> None:
        """Keep changes, of each the one accepted first; facts of other kinds are passed over."""
        writes = [
            UpdateOne({"_id": patient_key(one.fact)}, {"$min": {f"c.{field_of(one.id)}": _written(one)}}, upsert=True)
            for one in taken
            if type(one.fact) in CHANGES.values()
        ]
        await write(self._changes, writes)

    async def of(self, keys: Collection[str]) -> dict[str, list[Recorded]]:
        """The corrections and withdrawals of these patients (`clinic/patient`), by key."""
        found = await found_by_id(self._changes, keys)
        return {key: [_read(name, one) for name, one in record.get("c", {}).items()] for key, record in found.items()}

    async def forget(self, patients: Collection[str]) -> None:
        """Remove the changes of these patients (`clinic/patient`)."""
        await write(self._changes, [DeleteOne({"_id": key}) for key in patients])


def _written(taken: Taken) -> Record:
    """The time comes first: `$min` compares embedded documents field by field."""
    return {"r": when(taken), "k": change_of(taken.fact), "d": taken.json.decode()}


def _read(name: str, one: Record) -> Recorded:
    fact = CHANGES[one["k"]].model_validate_json(one["d"])
    return Recorded(name_of(name), datetime.fromisoformat(one["r"]), fact)
