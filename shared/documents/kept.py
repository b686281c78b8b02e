"""What readers keep, and how it is compared and written down."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self, TypeVar

from shared.contracts import Document


class Kept(Protocol):
    """A contract of which the highest `order` per key is the truth: every Document, and insights' Assessment."""

    @property
    def key(self) -> str: ...
    @property
    def order(self) -> tuple[int, ...]: ...
    def model_dump_json(self) -> str: ...
    @classmethod
    def model_validate_json(cls, json_data: str | bytes, /) -> Self: ...


K = TypeVar("K", bound=Kept)
D = TypeVar("D", bound=Document)

_DIGITS: Final = 19


def order_text(order: Iterable[int]) -> str:
    """An order as text that compares as the numbers do, in MongoDB too: 19 digits each, 0 to 10**19 - 1.

    Raises ValueError on a number out of that range.
    """
    numbers = list(order)
    if not all(0 <= number < 10**_DIGITS for number in numbers):
        raise ValueError("an order is made of numbers from 0 to 10**19 - 1")
    return ".".join(f"{number:0{_DIGITS}d}" for number in numbers)


def stamp(instant: datetime) -> str:
    """An aware instant as UTC text that compares as time does, to the microsecond (BSON dates stop at milliseconds)."""
    if instant.tzinfo is None:
        raise ValueError("times are aware")
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def instant_of(text: str) -> datetime:
    """The instant that `stamp` wrote."""
    return datetime.fromisoformat(text)


def same(one: Any, other: Any) -> bool:
    """Whether two documents say the same when written down."""
    return type(one) is type(other) and one.model_dump_json() == other.model_dump_json()
