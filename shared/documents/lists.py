"""Lists of an owner's documents, page by page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic

from shared.documents.kept import D, instant_of, stamp
from shared.documents.record import Facet
from shared.errors import FieldError, Problem
from shared.mongo import Record

MOST: Final = 200
"""The most documents on a page."""


@dataclass(frozen=True, slots=True)
class Page(Generic[D]):
    """Some documents, oldest change first, and the cursor of the next page (None at the end)."""

    items: list[D]
    next: str | None


def query(
    clinic: str,
    *,
    updated_since: datetime | None,
    cursor: str | None,
    where: Mapping[str, Facet],
    with_deleted: bool,
) -> Record:
    """What a page is looked for with: all equalities but for one range, on the field it is sorted by."""
    wanted: Record = {"clinic": clinic} | {f"facets.{name}": value for name, value in where.items()}
    if not with_deleted:
        wanted["deleted"] = False
    beyond: Record = {}
    if updated_since is not None:
        beyond["$gte"] = stamp(updated_since)
    if cursor is not None:
        beyond["$gt"] = place_of(cursor)
    return wanted | {"place": beyond} if beyond else wanted


def cursor_of(place: str) -> str:
    """An opaque cursor that stands behind a place."""
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(cursor: str) -> str:
    """The place a cursor stands behind. Raises Problem 400 on what we did not hand out."""
    try:
        place = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
        instant_of(place.split(" ", 1)[0])
    except ValueError as error:
        raise Problem(
            400,
            "invalid_cursor",
            "This cursor was not made here",
            "Send `cursor` exactly as the last page's `next` gave it, or leave it out to begin at the first page.",
            errors=[FieldError("/cursor", "send the `next` of the last page, unchanged")],
        ) from error
    return place
