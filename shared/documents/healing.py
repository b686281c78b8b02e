"""What an owner does about the records of its own topic. Pure: the whole judgement, without the doing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from shared.documents.kept import D, same
from shared.documents.record import Stored


@dataclass(frozen=True, slots=True)
class Verdict(Generic[D]):
    """What is to be done once the records of a key have been read.

    known: the newest version afterwards.
    adopt: the topic knows more than the store (which was rebuilt or restored): store what it says.
    again: an older version stands behind the newest: publish the newest again, for compaction keeps the last.
    outvote: the store had lost versions and has made others of the same numbers since: give its word a number above
        `top`, the highest met, so that every reader ends at the same one. Never happens to a store that keeps what it
        acknowledged.
    """

    known: Stored[D]
    adopt: bool
    again: bool
    outvote: bool
    top: int


def judge(known: Stored[D] | None, told: Sequence[Stored[D]]) -> Verdict[D]:
    """Judge the records of one key, at least one, in log order with their positions, against what is stored."""
    adopt = again = outvote = False
    top = known.version if known else 0
    for record in told:
        top = max(top, record.version)
        behind = known is None or _behind(record, known)
        if known is None or (record.version > known.version and behind):
            known, adopt, again = record, True, False
        elif record.version > known.version:
            outvote = True
        elif record.version < known.version:
            again = again or behind
        elif not same(record.document, known.document):
            outvote = True
        elif behind:
            again = False
    if known is None:
        raise ValueError("at least one record is judged")
    return Verdict(known, adopt=adopt, again=again, outvote=outvote, top=top)


def _behind(record: Stored[D], known: Stored[D]) -> bool:
    """Whether a record stands behind the newest version known; not while that is still to be published."""
    at, newest = record.position, known.position
    return at is not None and newest is not None and at.offset > newest.offset
