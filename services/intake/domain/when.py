"""When something can have happened, and the answer to what cannot be right."""

from datetime import UTC, datetime, timedelta
from typing import Final

from shared.contracts.base import Origin
from shared.errors import FieldError, invalid

AHEAD: Final = timedelta(minutes=10)
"""How far a phone's clock may run ahead of ours."""
LIVE: Final = timedelta(hours=24)
SYNC: Final = timedelta(days=90)
EARLIEST: Final = datetime(1950, 1, 1, tzinfo=UTC)
"""No record of care we could be sent is older."""
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands in tombstones where a time is mandatory and the true one would say something of somebody."""
_WORDS: Final = {Origin.LIVE: "24 hours", Origin.SYNC: "90 days"}


def check_when(at: datetime, origin: Origin, now: datetime, *, pointer: str) -> None:
    """Refuse what cannot have happened then: in the future by over 10 minutes, or older than its origin allows.

    live: at most 24 hours old; sync: at most 90 days; import: since 1950.
    """
    if at > now + AHEAD:
        raise invalid(
            FieldError(pointer, "This is in the future: check the clock and the offset, and send when it happened.")
        )
    if at < EARLIEST:
        raise invalid(FieldError(pointer, "This is before 1950: check the year."))
    longest = {Origin.LIVE: LIVE, Origin.SYNC: SYNC}.get(origin)
    if longest is not None and now - at > longest:
        instead = (
            "`sync` if it was made offline, or `import`" if origin is Origin.LIVE and now - at <= SYNC else "`import`"
        )
        raise invalid(
            FieldError("/origin", f"`{origin}` is for entries at most {_WORDS[origin]} old: send the origin {instead}.")
        )
