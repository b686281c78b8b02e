"""Where alerts are found, the deliveries, and when each is due.

Everything is found by exact `_id`; nothing here scans, on the development stand-in either. Everything but the
deliveries' trail can be rebuilt from the topics: what still has to be sent is a function of the alerts.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from services.notify.domain import Delivery, next_due
from services.notify.store.ledgers import CHUNK, TRIES, Answered, Load, Openings, Paces, written
from shared.clock import Clock
from shared.contracts import Clinic, Clinician, Contract
from shared.contracts.alerts import Alert
from shared.documents import Facets, Table
from shared.errors import Recoverable
from shared.mongo import Collection, Database, Record, recoverable

ALERT_FACETS: Final[Facets[Alert]] = {
    "status": lambda alert: alert.status.value,
    "patient": lambda alert: alert.patient,
    "clinician": lambda alert: alert.clinician,
}
"""What lists of alerts may be filtered by."""

_SHARDS: Final = 8
_MINUTE: Final = timedelta(minutes=1)
LATE: Final = timedelta(minutes=10)
"""How long a bucket is kept: whoever writes into a bucket does so long before."""


class Clinics:
    """Clinics and clinicians, whole and in memory, fed before any patient is handled."""

    def __init__(self) -> None:
        self._clinics: Table[Clinic] = Table()
        self._clinicians: Table[Clinician] = Table()
        self._of_clinic: dict[str, dict[str, None]] = {}

    def keep(self, documents: Iterable[Contract]) -> None:
        """Take in documents read from the topic."""
        for document in documents:
            if isinstance(document, Clinic):
                self._clinics.keep_highest([document])
            elif isinstance(document, Clinician):
                self._clinicians.keep_highest([document])
                self._of_clinic.setdefault(document.clinic, {})[document.clinician] = None

    def clinic(self, clinic: str) -> Clinic | None:
        """A clinic; None where it is not known, or gone."""
        found = self._clinics.get(clinic)
        return None if found is None or found.deleted else found

    def clinicians(self, clinic: str) -> list[Clinician]:
        """A clinic's clinicians."""
        found = [self.clinician(clinic, one) for one in self.clinicians_of(clinic)]
        return [one for one in found if one is not None and not one.deleted]

    def clinician(self, clinic: str, clinician: str) -> Clinician | None:
        """A clinician as last published, a tombstone included."""
        return self._clinicians.get(f"{clinic}/clinician/{clinician}")

    def clinicians_of(self, clinic: str) -> list[str]:
        """The ids of a clinic's clinicians, those that are gone included."""
        return list(self._of_clinic.get(clinic, {}))

    def __iter__(self) -> Iterator[Clinic]:
        """Every clinic there is."""
        return iter([clinic for clinic in self._clinics if not clinic.deleted])


class Register:
    """Where alerts are: the ones of a patient, the one with an id, the ones with a reference.

    Records only ever grow, and are written before the alert they lead to, so none is ever missed.
    """

    def __init__(self, *, collection: Collection) -> None:
        self._collection = collection

    async def enter(self, alerts: Iterable[Alert], *, new: bool = False) -> None:
        """Make sure that these alerts are found; `new`: they are most likely not yet. Safe to repeat.

        Raises Recoverable.
        """
        wanted = {alert.key: alert for alert in alerts}
        names = [f"alert/{alert.clinic}/{alert.alert}" for alert in wanted.values()]
        known = {} if new else await self._find(names)
        entries = [
            UpdateOne({"_id": name}, {"$addToSet": {"keys": alert.key}}, upsert=True)
            for alert in wanted.values()
            if f"alert/{alert.clinic}/{alert.alert}" not in known
            for name in (
                f"patient/{alert.clinic}/{alert.patient}",
                f"reference/{alert.reference}",
                f"alert/{alert.clinic}/{alert.alert}",  # the last one: it says that the others are there
            )
        ]
        await written(self._collection, entries, ordered=True)

    async def of_patients(self, patients: Iterable[str]) -> dict[str, list[str]]:
        """The keys of all alerts there ever were, by patient (`clinic/patient`). Raises Recoverable."""
        found = await self._find(f"patient/{patient}" for patient in patients)
        return {name.removeprefix("patient/"): keys for name, keys in found.items()}

    async def of_id(self, clinic: str, alert: str) -> str | None:
        """The key of a clinic's alert. Raises Recoverable."""
        name = f"alert/{clinic}/{alert}"
        return next(iter((await self._find([name])).get(name, [])), None)

    async def of_reference(self, reference: str) -> list[str]:
        """The keys of the alerts with a reference; one, but for a rare coincidence. Raises Recoverable."""
        name = f"reference/{reference}"
        return (await self._find([name])).get(name, [])

    async def _find(self, names: Iterable[str]) -> dict[str, list[str]]:
        wanted = list(dict.fromkeys(names))
        found: dict[str, list[str]] = {}
        with recoverable():
            for start in range(0, len(wanted), CHUNK):
                query = {"_id": {"$in": wanted[start : start + CHUNK]}}
                for record in await self._collection.find(query).to_list(None):
                    found[record["_id"]] = list(record["keys"])
        return found


class Deliveries:
    """The rows of deliveries: `{_id, version, body}`, changed by compare-and-set, and marked in the due times.

    A row is marked in the bucket of the minute it is next due *before* it is written: a mark without a row is
    harmless, a row without a mark would be forgotten.
    """

    def __init__(self, *, collection: Collection, references: Collection, due: "DueTimes", clock: Clock) -> None:
        """references: of a collection of its own, which leads from a leg's id to its row, for receipts."""
        self._collection, self._references, self._due, self._clock = collection, references, due, clock

    async def open(self) -> None:
        """Make the index that compare-and-set needs on the stand-in. Raises Recoverable."""
        with recoverable():
            await self._collection.create_index([("_id", 1), ("version", 1)], unique=True)

    async def load_many(self, ids: Iterable[str]) -> dict[str, Delivery]:
        """The rows there are, by id. Raises Recoverable."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Delivery] = {}
        with recoverable():
            for start in range(0, len(wanted), CHUNK):
                query = {"_id": {"$in": wanted[start : start + CHUNK]}}
                for record in await self._collection.find(query).to_list(None):
                    found[record["_id"]] = _read(record)
        return found

    async def add(self, delivery: Delivery) -> bool:
        """Add a row; False where it is there already. Raises Recoverable."""
        began = self._clock.now()
        await self._due.mark(delivery.id, next_due(delivery))
        try:
            with recoverable():
                await self._collection.insert_one({"_id": delivery.id} | _fields(delivery))
        except DuplicateKeyError:
            return False
        await self._remark(delivery, began)
        return True

    async def change(self, delivery_id: str, change: Callable[[Delivery], Delivery | None]) -> Delivery | None:
        """Change a row; `change` may be called again when somebody else was faster, and gives None to leave it.

        Returns the row as it now is, or None where it was left or is not there. Raises Recoverable.
        """
        for _ in range(TRIES):
            old = (await self.load_many([delivery_id])).get(delivery_id)
            new = None if old is None else change(old)
            if old is None or new is None:
                return None
            swapped = await self.swap(old, new)
            if swapped is not None:
                return swapped
        raise Recoverable("This delivery is being changed by too many at once; try again.")

    async def swap(self, old: Delivery, new: Delivery) -> Delivery | None:
        """Compare-and-set; None where somebody else was faster. Raises Recoverable."""
        began = self._clock.now()
        new = new.model_copy(update={"version": old.version + 1})
        at = next_due(new)
        marked = not old.finished and at == next_due(old) and at > began  # in a bucket that is not cleared before then
        if not new.finished and not marked:
            await self._due.mark(new.id, at)
        with recoverable():
            result = await self._collection.update_one({"_id": old.id, "version": old.version}, {"$set": _fields(new)})
        if result.matched_count == 0:
            return None
        await self._remark(new, began)
        return new

    async def _remark(self, delivery: Delivery, began: datetime) -> None:
        """Whoever was halted between mark and row marks again: that bucket may have been cleared away by now."""
        if not delivery.finished and self._clock.now() - began > LATE / 2:
            await self._due.mark(delivery.id, next_due(delivery))

    async def refer(self, delivery: Delivery, legs: Iterable[str]) -> None:
        """Have a row found by legs' ids, which providers know them by. Safe to repeat. Raises Recoverable."""
        writes = [UpdateOne({"_id": leg}, {"$addToSet": {"rows": delivery.id}}, upsert=True) for leg in legs]
        if writes:
            await written(self._references, writes)

    async def of_leg(self, leg: str) -> dict[str, Delivery]:
        """The rows that a leg's message spoke for, by id; none where it is no leg of ours. Raises Recoverable."""
        with recoverable():
            found = await self._references.find_one({"_id": leg})
        return {} if found is None else await self.load_many(found["rows"])


def _fields(delivery: Delivery) -> Record:
    return {"version": delivery.version, "body": delivery.model_dump_json()}


def _read(record: Record) -> Delivery:
    return Delivery.model_validate_json(record["body"]).model_copy(update={"version": record["version"]})


class DueTimes:
    """Which rows to look at in which minute: buckets `{_id: "<minute>/<shard>", ids}`, fetched by `_id`.

    `cursor` is the oldest minute that may still have a bucket: every mark sees to that, in the same write.
    """

    def __init__(self, *, collection: Collection, clock: Clock) -> None:
        self._collection, self._clock = collection, clock

    async def open(self) -> datetime:
        """The minute to begin at. Raises Recoverable."""
        with recoverable():
            record = await self._collection.find_one({"_id": "cursor"})
        latest = _minute(self._clock.now() - LATE)
        return latest if record is None else min(latest, datetime.fromisoformat(record["minute"]))

    async def mark(self, delivery_id: str, at: datetime) -> None:
        """Have a row looked at in the minute of `at`, or in this one where that is past. Raises Recoverable."""
        minute = _minute(max(at, self._clock.now()))
        name = _bucket(minute, zlib.crc32(delivery_id.encode()) % _SHARDS)
        writes = [
            UpdateOne({"_id": "cursor"}, {"$min": {"minute": minute.isoformat()}}, upsert=True),
            UpdateOne({"_id": name}, {"$addToSet": {"ids": delivery_id}}, upsert=True),
        ]
        await written(self._collection, writes, ordered=True)

    async def marked(self, since: datetime, until: datetime) -> dict[str, list[str]]:
        """The buckets from the minute of `since` to that of `until`, with their rows. Raises Recoverable."""
        found: dict[str, list[str]] = {}
        names = list(_buckets(since, until))
        with recoverable():
            for start in range(0, len(names), CHUNK):
                query = {"_id": {"$in": names[start : start + CHUNK]}}
                for record in await self._collection.find(query).to_list(None):
                    found[record["_id"]] = list(record.get("ids", ()))
        return found

    async def clear(self, buckets: Mapping[str, Iterable[str]]) -> None:
        """Take rows out of their buckets; buckets that are empty go. Raises Recoverable."""
        with recoverable():
            for name, ids in buckets.items():
                await self._collection.update_one({"_id": name}, {"$pullAll": {"ids": list(ids)}})
                await self._collection.delete_one({"_id": name, "ids": {"$size": 0}})

    async def advance(self, minute: datetime) -> None:
        """Nothing is left before this minute. Raises Recoverable."""
        with recoverable():
            await self._collection.update_one({"_id": "cursor"}, {"$max": {"minute": _minute(minute).isoformat()}})


def _minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _bucket(minute: datetime, shard: int) -> str:
    return f"{minute.isoformat()[:16]}/{shard}"


def minute_of(bucket: str) -> datetime:
    """The minute a bucket is for."""
    return datetime.fromisoformat(bucket.partition("/")[0]).replace(tzinfo=UTC)


def _buckets(since: datetime, until: datetime) -> Iterator[str]:
    minute, last = _minute(since), _minute(until)
    while minute <= last:
        for shard in range(_SHARDS):
            yield _bucket(minute, shard)
        minute += _MINUTE


class LetterNames:
    """Which letters go by a name: what a provider knows one by, or what stands in its link."""

    def __init__(self, *, collection: Collection) -> None:
        self._collection = collection

    async def enter(self, names: Mapping[str, str]) -> None:
        """Have letters found by these names. Safe to repeat. Raises Recoverable."""
        writes = [UpdateOne({"_id": name}, {"$addToSet": {"letters": one}}, upsert=True) for name, one in names.items()]
        await written(self._collection, writes)

    async def find(self, name: str) -> list[str]:
        """The letters that go by a name. Raises Recoverable."""
        with recoverable():
            found = await self._collection.find_one({"_id": name})
        return [] if found is None else list(found["letters"])


class Store:
    """notify's collections, opened together."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self.database = database
        self.register = Register(collection=database["register"])
        self.due = DueTimes(collection=database["due"], clock=clock)
        self.paces = Paces(collection=database["paces"])
        self.letters_due = DueTimes(collection=database["letters_due"], clock=clock)
        self.letter_names = LetterNames(collection=database["letter_names"])
        self.deliveries = Deliveries(
            collection=database["deliveries"], references=database["references"], due=self.due, clock=clock
        )
        self.openings = Openings(collection=database["openings"])
        self.answered = Answered(collection=database["answered"])
        self.load = Load(collection=database["load"])

    async def open(self) -> None:
        """Make what indexes there are. Raises Recoverable."""
        await self.deliveries.open()
