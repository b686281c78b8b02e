"""The reading side: keep the highest version of each key, whatever comes in whatever order."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Generic, cast

from bson import Int64
from pymongo import UpdateOne

from shared.bus import Event, Position
from shared.documents.kept import K, order_text
from shared.mongo import Collection, Record, recoverable, write_all

WRITES: Final = 1_000
"""Documents per bulk write: what a server takes in one message."""
READS: Final = 200
"""Keys per query: the stand-in takes a time that grows with their square beyond it."""


class Table(Generic[K]):
    """Small topics read whole, in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, K] = {}

    def keep_highest(self, documents: Iterable[K]) -> list[K]:
        """Take in documents; duplicates, older ones and replays change nothing. Returns those that did change it."""
        news: dict[str, K] = {}
        for document in documents:
            known = self._kept.get(document.key)
            if known is None or document.order > known.order:
                self._kept[document.key] = news[document.key] = document
        return list(news.values())

    def get(self, key: str) -> K | None:
        """The highest version seen of a key, tombstones included."""
        return self._kept.get(key)

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._kept.values()))

    def __len__(self) -> int:
        return len(self._kept)


class Mirror(Generic[K]):
    """Documents of somebody else (or one's own, rebuilt at will) in MongoDB.

    A record is `{_id: key, kept: {o: order, p: offset, d: document}}` and is only ever written with `$max`, which
    compares embedded documents field by field: the higher order wins, atomically and by exact `_id`, whoever writes
    and in whatever sequence. No compare-and-set, no lost races, no index but the one on `_id`.
    """

    def __init__(self, *, collection: Collection, model: type[K]) -> None:
        self._collection = collection
        self._model = model

    async def apply(self, documents: Sequence[K], positions: Sequence[Position] | None = None) -> None:
        """Keep the highest of what is kept and what is given. Safe to repeat. Raises Recoverable.

        positions: where the documents stand on their topic, in the same sequence, where that is known (`follow`
        needs it to tell an old record that comes late from one that stands last).
        """
        places = [-1] * len(documents) if positions is None else [position.offset for position in positions]
        highest: dict[str, tuple[tuple[int, ...], int, K]] = {}
        for document, place in zip(documents, places, strict=True):
            known = highest.get(document.key)
            if known is None or (document.order, place) > known[:2]:
                highest[document.key] = (document.order, place, document)
        writes = [
            UpdateOne({"_id": key}, {"$max": {"kept": _kept(order, place, document)}}, upsert=True)
            for key, (order, place, document) in highest.items()
        ]
        await write_all(self._collection, writes, at_once=WRITES)

    async def get(self, key: str) -> K | None:
        """The highest version kept of a key, tombstones included. Raises Recoverable."""
        with recoverable():
            record = await self._collection.find_one({"_id": key})
        return None if record is None else self._read(record)

    async def get_many(self, keys: Iterable[str]) -> dict[str, K]:
        """The highest versions kept, by key, tombstones included; what is not there is left out. Raises Recoverable."""
        return {key: self._read(record) for key, record in (await self._records(keys)).items()}

    async def walk(self, *, after: str = "", limit: int, prefix: str = "") -> list[K]:
        """What is kept, in the order of the keys: those behind one, that begin with `prefix`, at most so many.

        It scans where a server does not keep `_id` in order (the stand-in): for checks, not for answering. Tombstones
        included. Raises Recoverable.
        """
        last = chr(ord(prefix[-1]) + 1) if prefix else ""
        bounds = {"$gt": max(after, prefix)} | ({"$lt": prefix[:-1] + last} if prefix else {})
        with recoverable():
            records = await self._collection.find({"_id": bounds}).sort([("_id", 1)]).limit(limit).to_list(None)
        return [self._read(record) for record in records]

    async def follow(self, events: Iterable[Event]) -> list[K]:
        """Take in events of this model read from its topic, and say which documents must be published again.

        Compaction keeps the last record, not the highest. So where an older one stands behind the newest known, its
        owner publishes what is returned here again, and applies it with the new positions. Events of other models
        are passed over. Raises Recoverable.
        """
        mine = [(cast("K", event.data), event.position) for event in events if isinstance(event.data, self._model)]
        known = {
            key: (record["kept"]["o"], int(record["kept"]["p"]))
            for key, record in (await self._records(document.key for document, _ in mine)).items()
        }
        overtaken: dict[str, None] = {}
        for document, position in mine:
            order = order_text(document.order)
            kept = known.get(document.key, ("", -1))
            if (order, position.offset) > kept:
                known[document.key] = (order, position.offset)
                overtaken.pop(document.key, None)
            elif order < kept[0] and position.offset > kept[1]:
                overtaken[document.key] = None
        await self.apply([document for document, _ in mine], [position for _, position in mine])
        return list((await self.get_many(overtaken)).values())

    async def _records(self, keys: Iterable[str]) -> dict[str, Record]:
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Record] = {}
        with recoverable():
            for start in range(0, len(wanted), READS):
                query = {"_id": {"$in": wanted[start : start + READS]}}
                found.update({r["_id"]: r for r in await self._collection.find(query).to_list(None)})
        return found

    def _read(self, record: Record) -> K:
        return self._model.model_validate_json(record["kept"]["d"])


def _kept(order: tuple[int, ...], place: int, document: Any) -> Record:
    """The fields in the sequence in which they are compared."""
    return {"o": order_text(order), "p": Int64(place), "d": document.model_dump_json()}
