"""How much evidence a concern lists. What is beyond is said to be, and stays in the patient's entries.

Evidence is of one kind where it is told alike: imported or not, at once or in working hours. Of each kind the last to
be accepted are listed, whenever it happened: what has just come is always among them, and what is left out has at
least so many of its own kind beside it that came later. So whoever hears of what is listed hears in time, and as
urgently, as of what is not. It is a function of the set of facts: any order of reading them lists the same.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from services.insights.domain.instants import micros, sort_key
from services.insights.domain.words import counted
from shared.contracts.assessments import Concern, Telling
from shared.contracts.base import Origin, Urgency

MOST: Final = 50
"""Pieces of evidence of each kind that a concern lists."""
MOST_NAMED: Final = 5
"""Items, or rises, that one piece of evidence names."""

T = TypeVar("T")
Kind = tuple[bool, bool]
"""Whether it is imported, and whether it is told at once."""


def listed(pieces: Sequence[T], *, kind: Callable[[T], Kind], came: Callable[[T], tuple[int, bytes]]) -> list[T]:
    """The pieces to list, in their order. came: when it was accepted (or happened, where that is not known), and its
    `sort_key`.

    As long as there are few it costs nothing.
    """
    if len(pieces) <= MOST:
        return list(pieces)
    room: Counter[Kind] = Counter()
    kept = set()
    for index in sorted(range(len(pieces)), key=lambda index: came(pieces[index]), reverse=True):
        of_kind = kind(pieces[index])
        room[of_kind] += 1
        if room[of_kind] <= MOST:
            kept.add(index)
    return [piece for index, piece in enumerate(pieces) if index in kept]


def beyond(left_out: int) -> str:
    """What a reason says of evidence that is not listed; nothing where all is."""
    if not left_out:
        return ""
    pieces = counted(left_out, "piece of evidence that came earlier is", "pieces of evidence that came earlier are")
    return f" {pieces} not listed here: read the patient's entries."


def bounded(concern: Concern) -> Concern:
    """A concern of any rule with no more evidence than is listed."""
    kept = listed(concern.telling, kind=_kind, came=_came)
    left_out = len(concern.telling) - len(kept)
    if not left_out:
        return concern
    return concern.model_copy(update={"telling": kept, "reason": concern.reason + beyond(left_out)})


def named(words: Sequence[str]) -> list[str]:
    """The first of many, and how many more there are."""
    rest = len(words) - MOST_NAMED
    return [*words[:MOST_NAMED], f"and {rest} more"] if rest > 0 else list(words)


def _kind(one: Telling) -> Kind:
    return one.origin is Origin.IMPORT, one.urgency is Urgency.AT_ONCE


def _came(one: Telling) -> tuple[int, bytes]:
    return micros(one.accepted_at or one.at), sort_key(micros(one.at), one.id)
