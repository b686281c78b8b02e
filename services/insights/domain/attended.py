"""The sessions a patient attended: how many there had been by the day of a score."""

from bisect import bisect_left, insort
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Final

from services.insights.domain.instants import NEVER_YET, micros
from shared.contracts import Session
from shared.contracts.sessions import THERE

Local = Callable[[int], datetime]


_NEVER: Final = 1 << 62


class Attended:
    """When attended sessions were planned for, ascending, in microseconds since 1970.

    `earliest_change` remembers for each who walks along them from which instant on they have changed.
    """

    __slots__ = ("_changed", "_known", "at")

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int | None]] = {}
        self._changed: dict[str, int] = {}
        self.at: list[int] = []

    def apply(self, session: Session) -> bool:
        """Take in a session's document; whether it was newer than what is known."""
        version, before = self._known.get(session.session, (0, None))
        if session.version <= version:
            return False
        seen = not session.deleted and session.attendance in THERE
        after = micros(session.scheduled_at) if seen else None
        self._known[session.session] = (session.version, after)
        if before == after:
            return True
        if before is not None:
            del self.at[bisect_left(self.at, before)]
        if after is not None:
            insort(self.at, after)
        first = min(at for at in (before, after) if at is not None)
        self._changed = {who: min(known, first) for who, known in self._changed.items()}
        return True

    def earliest_change(self, who: str) -> int | None:
        """From which instant on sessions have changed since `who` last asked; None where none has."""
        found = self._changed.get(who, NEVER_YET)
        self._changed[who] = _NEVER
        return None if found == _NEVER else found

    def from_day(self, day: int, local: Local) -> int:
        """How many lie before the local day with this ordinal: those of earlier episodes."""
        if day <= 0 or not self.at:
            return 0
        return bisect_left(self.at, day, key=lambda at: local(at).date().toordinal())

    def by(self, at: int, local: Local) -> int:
        """How many there had been by the end of the local day of an instant."""
        return bisect_left(self.at, following_midnight(at, local))

    def day_of(self, index: int, local: Local) -> int:
        """The instant at which the local day of the session at `index` begins."""
        return midnight(self.at[index], local)


def midnight(at: int, local: Local) -> int:
    """The instant at which the local day of an instant begins."""
    here = local(at)
    return micros(datetime.combine(here.date(), time(0), here.tzinfo))


def following_midnight(at: int, local: Local) -> int:
    """The instant at which the local day of an instant ends."""
    here = local(at)
    return micros(datetime.combine(here.date() + timedelta(days=1), time(0), here.tzinfo))
