"""Who is on duty: a rotation handed over at a local time of day, and what overrides it. Pure.

The rota's own zone decides: a turn that spans the night the clocks change is an hour shorter or longer, and nobody's
hand-over moves.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Override:
    """From `since` (inclusive) to `until` (exclusive) somebody else is on duty, or nobody (None)."""

    since: datetime
    until: datetime
    who: str | None


@dataclass(frozen=True, slots=True)
class Rota:
    """A rotation: the first of `turns` begins on `starts_on` at `hand_over_at`, local time; each lasts `days` (1 or 7).

    turns: at least one; None is a turn nobody has. Of two overrides that overlap the later in the list counts.
    """

    zone: ZoneInfo
    turns: Sequence[str | None]
    starts_on: date
    hand_over_at: time
    days: int
    overrides: Sequence[Override] = ()

    def hand_over(self, day: date) -> datetime:
        """The instant of a local day's hand-over, in UTC.

        A time that the clocks pass twice is meant the first time; one they leave out falls an hour later.
        """
        return datetime.combine(day, self.hand_over_at, self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nobody can be told as the one on duty. who: whose turn it is, where there is somebody."""

    since: datetime
    until: datetime
    who: str | None


def on_duty(rota: Rota, instant: datetime) -> str | None:
    """Who is on duty at an aware instant; None where it is nobody's turn, or the rotation has not begun."""
    for override in reversed(rota.overrides):
        if override.since <= instant < override.until:
            return override.who
    day = instant.astimezone(rota.zone).date()
    if instant < rota.hand_over(day):
        day -= _DAY
    turn = (day - rota.starts_on).days // rota.days
    return None if turn < 0 else rota.turns[turn % len(rota.turns)]


def gaps(rota: Rota, since: datetime, until: datetime, *, known: Collection[str] | None = None) -> list[Gap]:
    """The times from `since` to `until` (aware) that nobody covers, in order, as long as they are.

    known: who can be told; where given, the turns of others are gaps too.
    """
    edges = [since, *sorted(edge for edge in set(_edges(rota, since, until)) if since < edge < until), until]
    found: list[Gap] = []
    for begins, ends in pairwise(edges):
        who = on_duty(rota, begins)
        if begins >= ends or (who is not None and (known is None or who in known)):
            continue
        if found and found[-1].until == begins and found[-1].who == who:
            begins = found.pop().since  # noqa: PLW2901  one gap, though a hand-over lies in it
        found.append(Gap(begins, ends, who))
    return found


def _edges(rota: Rota, since: datetime, until: datetime) -> Iterator[datetime]:
    """When the answer to who is on duty may change."""
    for override in rota.overrides:
        yield from (override.since, override.until)
    day, last = since.astimezone(rota.zone).date() - _DAY, until.astimezone(rota.zone).date() + _DAY
    while day <= last:
        if (day - rota.starts_on).days % rota.days == 0:
            yield rota.hand_over(day)
        day += _DAY
