"""As much of a MongoDB collection as the stores of notify use, in memory, where a process can be killed at any step."""

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError


class Killed(BaseException):
    """The process ended here: nothing of it runs on, and nothing catches it."""


class Life:
    """A process's life: so many more steps (reads, writes, publishes, sends), then the end; None: it lives on."""

    def __init__(self, steps: int | None = None) -> None:
        self.left = steps
        self.dead = False

    async def step(self) -> None:
        """One step towards the end; other tasks get their turn."""
        await asyncio.sleep(0)
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.dead = True
        if self.dead:
            raise Killed


class MemoryCursor:
    """What a query found."""

    def __init__(self, records: list[dict[str, Any]], life: Life) -> None:
        self._records, self._life = records, life

    def sort(self, keys: Sequence[tuple[str, int]], /) -> Self:
        for name, direction in reversed(keys):
            self._records.sort(key=lambda record: _get(record, name), reverse=direction < 0)
        return self

    def limit(self, limit: int, /) -> Self:
        self._records = self._records[:limit]
        return self

    async def to_list(self, length: int | None, /) -> list[dict[str, Any]]:
        await self._life.step()
        return copy.deepcopy(self._records)


class MemoryDatabase:
    """Collections by name; `as_seen_by` gives the view of one process, which dies when its life ends."""

    def __init__(self, records: dict[str, dict[str, dict[str, Any]]] | None = None, life: Life | None = None) -> None:
        self.name = "memory"
        self._records = {} if records is None else records
        self._life = life or Life()

    def as_seen_by(self, life: Life) -> "MemoryDatabase":
        """The same records, through a process with this life."""
        return MemoryDatabase(self._records, life)

    def drop(self) -> None:
        """Lose everything."""
        self._records.clear()

    def __getitem__(self, name: str, /) -> "MemoryCollection":
        return MemoryCollection(name, self._records.setdefault(name, {}), self._life)


class MemoryCollection:
    """Records by `_id`."""

    def __init__(self, name: str, records: dict[str, dict[str, Any]], life: Life) -> None:
        self.name, self._records, self._life = name, records, life

    def find(self, query: Mapping[str, Any], projection: Mapping[str, Any] | None = None, /) -> MemoryCursor:
        wanted = query.get("_id")
        if isinstance(wanted, dict) and set(wanted) == {"$in"}:
            records = [self._records[one] for one in wanted["$in"] if one in self._records]
        else:
            records = list(self._records.values())
        return MemoryCursor([record for record in records if _without_id(record, query)], self._life)

    async def find_one(
        self, query: Mapping[str, Any], projection: Mapping[str, Any] | None = None, /
    ) -> dict[str, Any] | None:
        found = await self.find(query).limit(1).to_list(1)
        return found[0] if found else None

    async def insert_one(self, document: dict[str, Any], /) -> None:
        await self._life.step()
        self._insert(document)

    async def update_one(
        self, query: Mapping[str, Any], update: Mapping[str, Any], /, *, upsert: bool = False
    ) -> "Updated":
        await self._life.step()
        return Updated(self._update(query, update, upsert=upsert))

    async def delete_one(self, query: Mapping[str, Any], /) -> None:
        await self._life.step()
        for record in [record for record in self._records.values() if _matches(record, query)][:1]:
            del self._records[record["_id"]]

    async def bulk_write(self, operations: Sequence[Any], /, *, ordered: bool = True) -> None:
        faults = []
        for index, operation in enumerate(operations):
            await self._life.step()
            try:
                if isinstance(operation, InsertOne):
                    self._insert(operation._doc)
                elif isinstance(operation, UpdateOne):
                    self._update(operation._filter, operation._doc, upsert=bool(operation._upsert))
                else:
                    raise TypeError(operation)
            except DuplicateKeyError:
                faults.append({"index": index, "code": 11000})
                if ordered:
                    break
        if faults:
            raise BulkWriteError({"writeErrors": faults, "writeConcernErrors": []})

    async def create_index(self, keys: Any, /, **_: Any) -> str:
        return "not needed"

    def _insert(self, document: Mapping[str, Any]) -> None:
        if document["_id"] in self._records:
            raise DuplicateKeyError("it is there")
        self._records[document["_id"]] = copy.deepcopy(dict(document))

    def _update(self, query: Mapping[str, Any], update: Mapping[str, Any], *, upsert: bool) -> int:
        found = next((record for record in self._records.values() if _matches(record, query)), None)
        if found is None:
            if not upsert:
                return 0
            self._insert({name: value for name, value in query.items() if not isinstance(value, dict)})
            found = self._records[query["_id"]]
        for operator, changes in update.items():
            for name, value in changes.items():
                _OPERATORS[operator](found, name, copy.deepcopy(value))
        return 1


class Updated:
    """What came of an update."""

    def __init__(self, matched_count: int) -> None:
        self.matched_count = matched_count


def _get(record: Mapping[str, Any], name: str) -> Any:
    value: Any = record
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _set(record: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for part in path:
        record = record.setdefault(part, {})
    record[last] = value


def _matches(record: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    return all(_meets(_get(record, name), wanted) for name, wanted in query.items())


def _without_id(record: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    wanted = query.get("_id")
    by_list = isinstance(wanted, dict) and set(wanted) == {"$in"}
    return _matches(record, {name: value for name, value in query.items() if not (by_list and name == "_id")})


def _meets(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(value == wanted)
    tests: dict[str, Callable[[Any], bool]] = {
        "$in": lambda given: value in given,
        "$size": lambda given: isinstance(value, list) and len(value) == given,
        "$regex": lambda _: isinstance(value, str),
        "$gt": lambda given: value is not None and value > given,
        "$lt": lambda given: value is not None and value < given,
        "$gte": lambda given: value is not None and value >= given,
    }
    return all(tests[operator](given) for operator, given in wanted.items())


def _comparable(value: Any) -> Any:
    return tuple(value.values()) if isinstance(value, dict) else value


def _larger(record: dict[str, Any], name: str, value: Any) -> None:
    known = _get(record, name)
    if known is None or _comparable(known) < _comparable(value):
        _set(record, name, value)


def _smaller(record: dict[str, Any], name: str, value: Any) -> None:
    known = _get(record, name)
    if known is None or _comparable(known) > _comparable(value):
        _set(record, name, value)


def _added(record: dict[str, Any], name: str, value: Any) -> None:
    known = record.setdefault(name, [])
    if value not in known:
        known.append(value)


def _pushed(record: dict[str, Any], name: str, value: Any) -> None:
    record[name] = (record.get(name, []) + value["$each"])[value["$slice"] :]


_OPERATORS: dict[str, Callable[[dict[str, Any], str, Any], None]] = {
    "$set": _set,
    "$unset": lambda record, name, _: record.pop(name, None) and None,
    "$max": _larger,
    "$min": _smaller,
    "$addToSet": _added,
    "$push": _pushed,
    "$pullAll": lambda record, name, value: _set(
        record, name, [one for one in record.get(name, []) if one not in value]
    ),
}
