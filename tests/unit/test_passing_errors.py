"""Which errors of the store pass by themselves."""

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
)

from shared.errors import Recoverable
from shared.mongo import only_duplicates, recoverable

DUPLICATE = {"index": 0, "code": 11000}
STEPPED_DOWN = {"index": 1, "code": 189}
UNCONFIRMED = {"code": 64}


def bulk(*faults: object, unconfirmed: bool = False) -> BulkWriteError:
    return BulkWriteError({"writeErrors": list(faults), "writeConcernErrors": [UNCONFIRMED] if unconfirmed else []})


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("x"),
        NetworkTimeout("x"),
        NotPrimaryError("x"),
        ServerSelectionTimeoutError("x"),
        ExecutionTimeout("x", 50),
        WriteConcernError("x", 64),
        WTimeoutError("x", 64),
        OperationFailure("x", 11600),
        OperationFailure("x", 1, {"errorLabels": ["RetryableWriteError"]}),
        bulk(STEPPED_DOWN),
        bulk(DUPLICATE, STEPPED_DOWN),
        bulk(unconfirmed=True),
    ],
    ids=repr,
)
def test_what_passes_by_itself_is_recoverable(error: PyMongoError) -> None:
    """Away, slow, failing over, or not confirmed by a majority; the message repeats nothing of the server's."""
    with pytest.raises(Recoverable, match=type(error).__name__), recoverable():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        DuplicateKeyError("x", 11000),
        WriteError("x", 2),
        OperationFailure("x", 13),
        InvalidOperation("x"),
        bulk(DUPLICATE),
        bulk(),
    ],
    ids=repr,
)
def test_what_does_not_pass_is_not_hidden(error: PyMongoError) -> None:
    """A wrong operation would be wrong for ever."""
    with pytest.raises(type(error)), recoverable():
        raise error


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (bulk(DUPLICATE, DUPLICATE), True),
        (bulk(), False),
        (bulk(DUPLICATE, STEPPED_DOWN), False),
        (bulk(DUPLICATE, unconfirmed=True), False),
    ],
    ids=repr,
)
def test_lost_races_are_told_from_everything_else(*, error: BulkWriteError, lost: bool) -> None:
    """Only a bulk write in which nothing but duplicate keys went wrong may be taken for races lost."""
    assert lost == only_duplicates(error)
