"""The one place that reads the time: everything else is given a Clock."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time; tests inject one that can be moved."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)
