"""The answers to each item about harm, in order, and where one rose above the one before it."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.insights.domain.instants import key_at, sort_key
from shared.contracts.moods import RiskAnswer


class Rise(NamedTuple):
    """An answer above the previous one to the same item. over: a later one is at or below what it rose from."""

    key: bytes
    instrument: str
    item: str
    risen_from: int
    before: int
    value: int
    over: bool


class ItemAnswers:
    """The answers to one item, zeros included, by `sort_key`."""

    __slots__ = ("keys", "value")

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.value = array("i")

    def add(self, key: bytes, value: int) -> None:
        """Take in an answer."""
        index = len(self.keys)
        if index and key < self.keys[-1]:
            index = bisect_left(self.keys, key)
        self.keys.insert(index, key)
        self.value.insert(index, value)

    def by(self, at: int) -> tuple[int, int] | None:
        """The last answer by an instant: when it was given, and its value; None where there is none."""
        index = bisect_left(self.keys, sort_key(at + 1, "")) - 1
        return None if index < 0 else (key_at(self.keys[index]), self.value[index])

    def rose(self, index: int, within: int) -> bool:
        """Whether an answer is above 0 and above the previous one, given at most `within` (microseconds) before it."""
        if not index or self.value[index] < 1 or self.value[index] <= self.value[index - 1]:
            return False
        return key_at(self.keys[index]) - key_at(self.keys[index - 1]) <= within


class RiskItems:
    """A patient's answers to every item about harm, by (instrument, item)."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], ItemAnswers] = {}

    def add(self, key: bytes, instrument: str, answers: Sequence[RiskAnswer]) -> None:
        """Take in the risk answers of one questionnaire."""
        for answer in answers:
            name = (instrument, answer.item)
            known = self.items.get(name)
            if known is None:
                known = self.items[name] = ItemAnswers()
            known.add(key, answer.value)

    def last(self, instrument: str, item: str) -> bytes:
        """The `sort_key` of the last answer to an item; empty, and so before all others, where there is none."""
        known = self.items.get((instrument, item))
        return known.keys[-1] if known else b""

    def latest(self, instrument: str, item: str) -> tuple[bytes, int] | None:
        """Key and value of the last answer to an item; None where there is none."""
        known = self.items.get((instrument, item))
        return (known.keys[-1], known.value[-1]) if known else None

    def above_zero_by(self, at: int, within: int) -> bool:
        """Whether the last answer to any item by an instant is above 0 and not longer before it than that.

        Each item by itself: a 0 to one question about harm takes nothing back of the answer to another.
        """
        last = (known.by(at) for known in self.items.values())
        return any(one is not None and one[1] >= 1 and one[0] + within > at for one in last)

    def rises(self, *, after: int, within: int) -> list[Rise]:
        """The rises given after an instant, in order: it costs the answers since then."""
        found = []
        for name, known in self.items.items():
            least: int | None = None
            for index in range(len(known.keys) - 1, -1, -1):
                if key_at(known.keys[index]) <= after:
                    break
                value = known.value[index]
                if known.rose(index, within):
                    over = least is not None and least <= known.value[index - 1]
                    found.append(self._rise(name, index, over=over))
                least = value if least is None else min(least, value)
        return sorted(found)

    def of(self, key: bytes, within: int) -> Iterator[Rise]:
        """The rises of one questionnaire. Whether they are over is not looked at."""
        for name in sorted(self.items):
            known = self.items[name]
            index = bisect_left(known.keys, key)
            if index < len(known.keys) and known.keys[index] == key and known.rose(index, within):
                yield self._rise(name, index, over=False)

    def _rise(self, name: tuple[str, str], index: int, *, over: bool) -> Rise:
        known = self.items[name]
        before = index - 1
        return Rise(known.keys[index], *name, known.value[before], key_at(known.keys[before]), known.value[index], over)
