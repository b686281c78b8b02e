"""The records of an owner's documents in MongoDB: everything that touches the collection, and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Generic

from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from shared.bus import Position
from shared.documents.kept import D
from shared.documents.lists import MOST, Page, cursor_of, query
from shared.documents.record import KEPT_ANSWERS, Answer, Facet, Facets, Stored, fields, noted, understood
from shared.mongo import Collection, Record, only_duplicates, recoverable

CHUNK: Final = 200
"""Records per message, either way; the stand-in looks up many keys in a time that grows with their square."""


class Shelf(Generic[D]):
    """One collection of documents of one model. Every method may raise Recoverable."""

    def __init__(self, *, collection: Collection, model: type[D], facets: Facets[D]) -> None:
        self._collection = collection
        self._model = model
        self._facets = facets

    async def open(self) -> None:
        """Make the indexes."""
        with recoverable():
            # the first serves nothing but compare-and-set on the development stand-in, which scans without it
            await self._collection.create_index([("_id", 1), ("version", 1)], unique=True)
            await self._collection.create_index([("pending", 1)], unique=True, sparse=True)
            await self._collection.create_index([("clinic", 1), ("place", 1)])
            for name in self._facets:
                await self._collection.create_index([("clinic", 1), (f"facets.{name}", 1), ("place", 1)])

    async def get(self, key: str) -> Stored[D] | None:
        """The record of a key."""
        with recoverable():
            record = await self._collection.find_one({"_id": key})
        return None if record is None else understood(record, self._model)

    async def get_many(self, keys: Iterable[str]) -> dict[str, Stored[D]]:
        """The records there are, by key."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Stored[D]] = {}
        with recoverable():
            for start in range(0, len(wanted), CHUNK):
                some = {"_id": {"$in": wanted[start : start + CHUNK]}}
                for record in await self._collection.find(some).to_list(None):
                    found[record["_id"]] = understood(record, self._model)
        return found

    async def page(
        self,
        clinic: str,
        *,
        updated_since: datetime | None,
        cursor: str | None,
        limit: int,
        where: Mapping[str, Facet],
        with_deleted: bool,
    ) -> Page[D]:
        """See `Owned.page`."""
        if unknown := set(where) - set(self._facets):
            raise ValueError(f"no facets of {self._model.__name__}: {sorted(unknown)}")
        wanted = query(clinic, updated_since=updated_since, cursor=cursor, where=where, with_deleted=with_deleted)
        size = max(1, min(limit, MOST))
        with recoverable():
            records = await self._collection.find(wanted).sort([("place", 1)]).limit(size + 1).to_list(None)
        items = [understood(record, self._model).document for record in records[:size]]
        return Page(items, cursor_of(records[size - 1]["place"]) if len(records) > size else None)

    async def swap(self, old: Stored[D] | None, new: Stored[D], answer: Answer | None) -> bool:
        """Compare-and-set on the version; False where somebody else was faster.

        The very write that makes a version marks it as not yet published, so that no crash can part the two.
        """
        content = fields(new.document, new.changed_at, self._facets) | {"pending": new.key}
        answers = [] if answer is None else [answer.written()]
        with recoverable():
            if old is None:
                try:
                    await self._collection.insert_one({"_id": new.key, "answers": answers} | content)
                except DuplicateKeyError:
                    return False
                return True
            update: Record = {"$set": content}
            if new.document.deleted:
                content["answers"] = []  # they hold what was said before
            elif answers:
                update["$push"] = _pushed(answers)
            result = await self._collection.update_one({"_id": new.key, "version": old.version}, update)
        return result.matched_count == 1

    async def remember(self, stored: Stored[D], answer: Answer) -> bool:
        """Note a decision that changed nothing; False where somebody else changed something meanwhile."""
        with recoverable():
            result = await self._collection.update_one(
                {"_id": stored.key, "version": stored.version}, {"$push": _pushed([answer.written()])}
            )
        return result.matched_count == 1

    async def note(self, stored: Sequence[Stored[D]], positions: Sequence[Position]) -> None:
        """Note where versions stand on their topic; those that have a successor by now are passed over."""
        writes = [
            UpdateOne({"_id": one.key, "version": one.version}, noted(one.version, position))
            for one, position in zip(stored, positions, strict=True)
        ]
        with recoverable():
            await self._collection.bulk_write(writes, ordered=False)

    async def adopt(self, newest: Iterable[Stored[D]], stored: Mapping[str, Stored[D]]) -> set[str]:
        """Store versions read from the topic; returns the keys where somebody else was faster."""
        versions = list(newest)
        if not versions:
            return set()
        try:
            with recoverable():
                await self._collection.bulk_write(
                    [self._adoption(version, stored.get(version.key)) for version in versions], ordered=False
                )
        except BulkWriteError as error:
            if not only_duplicates(error):
                raise
            faults: list[Any] = (error.details or {})["writeErrors"]
            return {versions[fault["index"]].key for fault in faults}
        return set()

    def _adoption(self, version: Stored[D], old: Stored[D] | None) -> InsertOne[Record] | UpdateOne:
        content = fields(version.document, version.changed_at, self._facets)
        if version.published is not None:
            content |= noted(version.version, version.published)["$set"]
        if old is None:
            return InsertOne({"_id": version.key, "answers": []} | content)
        if version.document.deleted:
            content["answers"] = []
        # as an upsert, so that a lost race shows, as a duplicate key
        return UpdateOne(
            {"_id": version.key, "version": old.version}, {"$set": content, "$unset": {"pending": ""}}, upsert=True
        )

    async def pending(self) -> list[Stored[D]]:
        """Versions not known to stand on the topic, at most CHUNK of them."""
        with recoverable():
            # a sparse unique index and a pattern: read from the index alone, by MongoDB and by the stand-in
            records = await self._collection.find({"pending": {"$regex": "^"}}).limit(CHUNK).to_list(None)
        return [understood(record, self._model) for record in records]


def _pushed(answers: Sequence[Record]) -> Record:
    return {"answers": {"$each": answers, "$slice": -KEPT_ANSWERS}}
