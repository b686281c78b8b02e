"""What is kept of when entries were first seen: by exact `_id`, a hash of the entry's id parts a patient's receipts.

receipts     {_id: "clinic/patient/7f", s: {<entry>: {a: when, i: the fact's id, t: through, b: by}}}
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from pymongo import DeleteOne, UpdateOne

from services.mood.domain import Seen, bucket_of, buckets
from services.mood.store.records import Taken, field_of, found_by_id, name_of, patient_key, write
from shared.contracts import EntriesSeen
from shared.contracts.moods import Through
from shared.documents import stamp
from shared.mongo import Database, Record


class ReceiptStore:
    """When entries were first seen by a clinician."""

    def __init__(self, database: Database) -> None:
        self._receipts = database["receipts"]

    async def record(self, taken: Sequence[Taken]) -> None:
        """Keep the earliest time each entry was seen; facts of other kinds are passed over."""
        seen: dict[str, dict[str, Record]] = defaultdict(dict)
        for one in taken:
            if not isinstance(one.fact, EntriesSeen):
                continue
            written = {
                "a": stamp(one.fact.occurred_at),
                "i": one.id,
                "t": one.fact.through.value,
                "b": one.fact.by,
            }
            for entry in one.fact.entries:
                there = seen[f"{patient_key(one.fact)}/{bucket_of(entry)}"]
                name = f"s.{field_of(entry)}"
                there[name] = min(there.get(name, written), written, key=lambda kept: list(kept.values()))
        writes = [UpdateOne({"_id": key}, {"$min": entries}, upsert=True) for key, entries in seen.items()]
        await write(self._receipts, writes)

    async def seen(self, clinic: str, patient: str, entries: Collection[str]) -> dict[str, Seen]:
        """When, through what and by whom these entries were first seen; those nobody has seen are left out."""
        keys = {f"{clinic}/{patient}/{bucket_of(entry)}" for entry in entries}
        found = await found_by_id(self._receipts, keys)
        kept = {name_of(name): one for record in found.values() for name, one in record.get("s", {}).items()}
        return {entry: _read(kept[entry]) for entry in entries if entry in kept}

    async def forget(self, patients: Collection[str]) -> None:
        """Remove the receipts of these patients (`clinic/patient`)."""
        for patient in patients:
            await write(self._receipts, [DeleteOne({"_id": f"{patient}/{bucket}"}) for bucket in buckets()])


def _read(kept: Record) -> Seen:
    return Seen(datetime.fromisoformat(kept["a"]), Through(kept["t"]), kept["b"])
