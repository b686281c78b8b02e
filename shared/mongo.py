"""The one place that opens MongoDB, and the little of it that the stores use.

Motor is the default driver; it is past its end of life, so the stores keep to what `pymongo.AsyncMongoClient` offers
as well: the protocols below are that common ground, and one setting swaps the driver. Where they differ (`aggregate`,
sessions, change streams, `close`) nothing here goes. Every write waits for a majority of the replicas and their
journals. The development stand-in has neither sessions nor transactions: it does not announce them, so both drivers
leave retryable writes out by themselves there and use them on a replica set.
"""

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from inspect import isawaitable
from typing import Any, Final, Literal, Protocol, Self, TypeAlias, cast

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from shared.errors import Recoverable

Driver = Literal["motor", "pymongo"]
Record: TypeAlias = dict[str, Any]
"""A stored record, as JSON-like as BSON is."""
Keys: TypeAlias = Sequence[tuple[str, int]]
"""The fields of an index or a sort, each with 1 (ascending) or -1."""

OPTIONS: Final[Mapping[str, Any]] = {
    "w": "majority",
    "journal": True,
    "wTimeoutMS": 10_000,
    "tz_aware": True,
    "appname": "rapport",
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 20_000,
    "waitQueueTimeoutMS": 5_000,
}
"""What every client is opened with; these win over the same options in the URL. Nothing waits without a bound."""

_PASSING_CODES: Final = frozenset(
    # HostUnreachable, HostNotFound, NetworkTimeout, ShutdownInProgress, PrimarySteppedDown, SocketException,
    # NotWritablePrimary, InterruptedAtShutdown, InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk,
    # NotPrimaryOrSecondary, and 50 / 262: a time limit exceeded
    {6, 7, 50, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436}
)
DUPLICATE_KEY: Final = 11000


class UpdateResult(Protocol):
    """What came of an update."""

    @property
    def matched_count(self) -> int: ...
    @property
    def modified_count(self) -> int: ...
    @property
    def upserted_id(self) -> Any: ...


class DeleteResult(Protocol):
    """What came of a deletion."""

    @property
    def deleted_count(self) -> int: ...


class BulkResult(Protocol):
    """What came of a bulk write."""

    @property
    def matched_count(self) -> int: ...
    @property
    def modified_count(self) -> int: ...
    @property
    def upserted_count(self) -> int: ...


class Cursor(Protocol):
    """The records a query finds."""

    def sort(self, keys: Keys, /) -> Self: ...
    def limit(self, limit: int, /) -> Self: ...
    def to_list(self, length: int | None, /) -> Awaitable[list[Record]]: ...
    def __aiter__(self) -> AsyncIterator[Record]: ...


class Collection(Protocol):
    """The operations on a collection that both drivers share and the stores use."""

    @property
    def name(self) -> str: ...
    def find(self, query: Mapping[str, Any], projection: Mapping[str, Any] | None = None, /) -> Cursor: ...
    def find_one(
        self, query: Mapping[str, Any], projection: Mapping[str, Any] | None = None, /
    ) -> Awaitable[Record | None]: ...
    def find_one_and_update(
        self, query: Mapping[str, Any], update: Mapping[str, Any], /, *, upsert: bool = ..., return_document: bool = ...
    ) -> Awaitable[Record | None]: ...
    def insert_one(self, document: Record, /) -> Awaitable[Any]: ...
    def insert_many(self, documents: Sequence[Record], /, *, ordered: bool = ...) -> Awaitable[Any]: ...
    def update_one(
        self, query: Mapping[str, Any], update: Mapping[str, Any], /, *, upsert: bool = ...
    ) -> Awaitable[UpdateResult]: ...
    def replace_one(
        self, query: Mapping[str, Any], document: Mapping[str, Any], /, *, upsert: bool = ...
    ) -> Awaitable[UpdateResult]: ...
    def delete_one(self, query: Mapping[str, Any], /) -> Awaitable[DeleteResult]: ...
    def delete_many(self, query: Mapping[str, Any], /) -> Awaitable[DeleteResult]: ...
    def bulk_write(self, operations: Sequence[Any], /, *, ordered: bool = ...) -> Awaitable[BulkResult]: ...
    def count_documents(self, query: Mapping[str, Any], /) -> Awaitable[int]: ...
    def create_index(self, keys: Keys, /, *, unique: bool = ..., sparse: bool = ...) -> Awaitable[str]: ...
    def drop(self) -> Awaitable[None]: ...


class Database(Protocol):
    """A database: its collections by name, and commands."""

    @property
    def name(self) -> str: ...
    def __getitem__(self, name: str, /) -> Collection: ...
    def command(self, command: str, /) -> Awaitable[Any]: ...


def _client(url: str, driver: Driver) -> Any:
    if driver == "motor":
        from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415  a deployment may do without Motor

        return AsyncIOMotorClient(url, **OPTIONS)
    from pymongo import AsyncMongoClient  # noqa: PLC0415  the same, the other way round

    return AsyncMongoClient(url, **OPTIONS)


@asynccontextmanager
async def open_database(url: str, name: str, driver: Driver = "motor") -> AsyncIterator[Database]:
    """The database `name` on the server at `url`, until the block ends. Connects at the first operation, not here.

    Wrap operations in `recoverable()`; a server that is away is noticed within about 5 s.
    """
    client = _client(url, driver)
    try:
        yield cast("Database", client[name])
    finally:
        closing = client.close()
        if isawaitable(closing):
            await closing


async def ping(database: Database) -> None:
    """Return where the server answers. Raises Recoverable where it does not, after at most about 5 s."""
    with recoverable():
        await database.command("ping")


@contextmanager
def recoverable() -> Iterator[None]:
    """Turn what passes by itself (server away, fail-over, time-out, unconfirmed write) into Recoverable.

    A write that raised Recoverable may have been stored or not: everything written is safe to write again.
    """
    try:
        yield
    except PyMongoError as error:
        if not passing(error):
            raise
        raise Recoverable(f"The store did not answer as it should ({type(error).__name__}); try again.") from error


def passing(error: PyMongoError) -> bool:
    """Whether an error says that the world is not ready, rather than that the operation is wrong."""
    if isinstance(error, ConnectionFailure | ExecutionTimeout | WriteConcernError):
        return True
    if isinstance(error, BulkWriteError):
        details: Mapping[str, Any] = error.details or {}
        codes = {fault.get("code") for fault in details.get("writeErrors", [])}
        # beside one that passes, others are found again by writing once more
        return bool(codes & _PASSING_CODES or details.get("writeConcernErrors"))
    return isinstance(error, OperationFailure) and (
        error.code in _PASSING_CODES or error.has_error_label("RetryableWriteError")
    )


async def write_all(
    collection: Collection, writes: Sequence[Any], *, at_once: int, ordered: bool = False, tries: int = 5
) -> None:
    """Write in bulk, `at_once` to a message; once more where two first writers of one record met in an upsert.

    Raises Recoverable: what was written may be stored or not, so everything written here is safe to write again.
    """
    for start in range(0, len(writes), at_once):
        await _write_some(collection, writes[start : start + at_once], ordered=ordered, tries=tries)


async def _write_some(collection: Collection, writes: Sequence[Any], *, ordered: bool, tries: int) -> None:
    for _ in range(tries):
        try:
            with recoverable():
                await collection.bulk_write(writes, ordered=ordered)
        except DuplicateKeyError:
            continue
        except BulkWriteError as error:
            if not only_duplicates(error):  # else the record exists now
                raise
        else:
            return
    raise Recoverable("The same records are being written by too many at once; try again.")


def only_duplicates(error: BulkWriteError) -> bool:
    """Whether a bulk write failed in nothing but lost races: somebody else inserted the same key first."""
    details: Mapping[str, Any] = error.details or {}
    codes = {fault.get("code") for fault in details.get("writeErrors", [])}
    return codes == {DUPLICATE_KEY} and not details.get("writeConcernErrors")
