"""Which provider of a channel takes a message: by weight and health, as GOV.UK Notify chooses between its two.

A provider has 100 points; each attempt that fails for now takes 10, and 10 come back every 15 minutes, until it rests
at 100 again (the steps are GOV.UK Notify's; there they are taken for 50 errors within a minute, here for each error,
because a clinic sends few). Beside them a circuit breaker: after three failures in a row a provider is left alone for
30 seconds, twice as long each time, 10 minutes at most; then one message tries it. Nothing is ever held back because
every provider is left alone: then the one that would be tried soonest gets it.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

FULL: Final = 100
STEP: Final = 10
DRIFT: Final = timedelta(minutes=15)
OPENS_AFTER: Final = 3
FIRST_REST: Final = timedelta(seconds=30)
LONGEST_REST: Final = timedelta(minutes=10)
PROBE: Final = timedelta(seconds=30)
"""How long a message that tries a provider may take before another one may."""
_LOWEST_WEIGHT: Final = 1


class Breaker(StrEnum):
    """closed: in use; half_open: one message may try it; open: left alone."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Health:
    """How a provider has been doing, as one replica saw it.

    points: 0 to 100 at `reckoned_at`. failures: in a row. open_until: left alone until then; None while closed.
    opened: how often in a row. wait_until: it asked for a pause.
    """

    points: int = FULL
    reckoned_at: datetime | None = None
    failures: int = 0
    open_until: datetime | None = None
    opened: int = 0
    wait_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider that takes an attempt; another: whether one is left that could take the next at once."""

    name: str
    another: bool


def points(health: Health, now: datetime) -> int:
    """What a provider's points have drifted back to, 0 to 100."""
    if health.reckoned_at is None:
        return FULL
    steps = max(0, (now - health.reckoned_at) // DRIFT)
    return min(FULL, health.points + steps * STEP)


def breaker(health: Health, now: datetime) -> Breaker:
    """Whether a provider is in use."""
    if health.open_until is None:
        return Breaker.CLOSED
    return Breaker.OPEN if health.open_until > now else Breaker.HALF_OPEN


def failed(health: Health, now: datetime, retry_after: timedelta | None = None) -> Health:
    """After an attempt that failed for now, or that nobody knows the end of."""
    failures, opened, open_until = health.failures + 1, health.opened, health.open_until
    if failures >= OPENS_AFTER or open_until is not None:
        open_until = now + min(FIRST_REST * (1 << min(opened, 10)), LONGEST_REST)
        opened += 1
    return Health(
        points=max(0, points(health, now) - STEP),
        reckoned_at=now,
        failures=failures,
        open_until=open_until,
        opened=opened,
        wait_until=None if retry_after is None else now + retry_after,
    )


def answered(health: Health) -> Health:
    """After an attempt that the provider took or refused for good: it works."""
    return replace(health, failures=0, opened=0, open_until=None, wait_until=None)


def probing(health: Health, now: datetime) -> Health:
    """As it stands while a message tries it: nobody else does."""
    return health if breaker(health, now) is Breaker.CLOSED else replace(health, open_until=now + PROBE)


def choose(
    weights: Mapping[str, int], healths: Mapping[str, Health], *, tried: Sequence[str], seed: str, now: datetime
) -> Choice:
    """The provider for an attempt of a leg: by lot among those in use, the same lot for the same seed.

    weights: of each provider, 1 or more; they are multiplied with its points. tried: the providers of the leg's
    attempts so far, oldest first: one that was just tried is not taken again before the others. Raises ValueError
    where there is no provider.
    """
    names = list(weights)
    if not names:
        raise ValueError("a channel needs a provider")
    this_time = tried[len(tried) - len(tried) % len(names) :]
    usable = [name for name in names if _usable(healths.get(name, Health()), now)]
    fresh = [name for name in usable if name not in this_time]
    if not usable:
        soonest = [name for name in names if name not in this_time] or names
        return Choice(min(soonest, key=lambda name: _free_at(healths.get(name, Health()), now)), another=False)
    among = fresh or usable
    lots = [weights[name] * max(_LOWEST_WEIGHT, points(healths.get(name, Health()), now)) for name in among]
    [chosen] = random.Random(seed).choices(among, weights=lots)  # noqa: S311  spreading load, hiding nothing
    return Choice(chosen, another=any(name != chosen for name in fresh))


def _usable(health: Health, now: datetime) -> bool:
    waits = health.wait_until is not None and health.wait_until > now
    return breaker(health, now) is not Breaker.OPEN and not waits


def _free_at(health: Health, now: datetime) -> datetime:
    return max(health.open_until or now, health.wait_until or now)
