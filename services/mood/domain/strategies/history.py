"""What a patient's facts say of their coping strategies: the same for every order, duplicate and replay."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.mood.domain.strategies.library import LIBRARY
from services.mood.domain.timeline import Recorded
from shared.contracts import StrategiesAllowed, StrategiesPinned, StrategySuggested, StrategyTried

FROM: Final = 3
"""Ratings from which on counts are told; below, one good or bad day would say too much."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of one strategy for one patient.

    tried: how often. rated: how often distress was told before and after. helped: of these, how often it was lower
    after. eased: the sum of before less after. quarters: the sum of rewards in quarters, whole, so that no order of
    adding shows.
    """

    tried: int = 0
    rated: int = 0
    helped: int = 0
    eased: int = 0
    quarters: int = 0

    def with_try(self, fact: StrategyTried) -> "Tally":
        """This and one more."""
        if fact.before is None or fact.after is None:
            return Tally(self.tried + 1, self.rated, self.helped, self.eased, self.quarters)
        fell = fact.before - fact.after
        return Tally(
            self.tried + 1,
            self.rated + 1,
            self.helped + (fell > 0),
            self.eased + fell,
            self.quarters + max(-4, min(4, fell)),
        )

    @property
    def reward(self) -> float:
        """The sum of rewards, each -1 to 1."""
        return self.quarters / 4

    @property
    def mean_fall(self) -> float | None:
        """By how much distress fell on average, -10 to 10; None where it was never rated."""
        return self.eased / self.rated if self.rated else None

    @property
    def shows_help(self) -> bool:
        """Whether it helped more often than not, and by more than it did not, from `FROM` ratings on."""
        return self.rated >= FROM and 2 * self.helped > self.rated and self.eased > 0


@dataclass(frozen=True)
class Coping:
    """A patient's strategies. allowed: what a clinician listed; None where nobody did. suggested: when last."""

    pinned: tuple[str, ...] = ()
    allowed: frozenset[str] | None = None
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    suggested: Mapping[str, datetime] = field(default_factory=dict)

    def tally(self, name: str) -> Tally:
        """What came of a strategy; nothing yet, where it was never tried."""
        return self.tallies.get(name, Tally())

    def listed(self, name: str) -> bool:
        """Whether a clinician listed it for this very patient."""
        return self.allowed is not None and name in self.allowed

    @property
    def shown_pins(self) -> list[str]:
        """The pinned ones that may be shown: a therapist-set one only where a clinician has listed it."""
        return [
            name
            for name in self.pinned
            if name in LIBRARY and (not LIBRARY[name].therapist_set_only or self.listed(name))
        ]


def helped_often(coping: Coping) -> list[str]:
    """The strategies tried, those that helped most often first."""
    return sorted(coping.tallies, key=lambda name: (-coping.tally(name).helped, -coping.tally(name).eased, name))


def coping_of(facts: Iterable[Recorded]) -> Coping:
    """The fold. Of two facts with one id the one accepted first counts; of pins and lists the last word does."""
    first: dict[str, Recorded] = {}
    for one in facts:
        known = first.get(one.id)
        if known is None or one.recorded_at < known.recorded_at:
            first[one.id] = one
    pinned: tuple[str, ...] = ()
    allowed: frozenset[str] | None = None
    tallies: dict[str, Tally] = {}
    suggested: dict[str, datetime] = {}
    for one in sorted(first.values(), key=lambda one: one.place):
        match one.fact:
            case StrategyTried() as fact:
                tallies[fact.strategy] = tallies.get(fact.strategy, Tally()).with_try(fact)
            case StrategiesPinned() as fact:
                pinned = tuple(dict.fromkeys(fact.strategies))
            case StrategiesAllowed() as fact:
                allowed = None if fact.strategies is None else frozenset(fact.strategies)
            case StrategySuggested() as fact:
                suggested |= dict.fromkeys(fact.strategies, fact.occurred_at)
            case _:
                pass
    return Coping(pinned, allowed, dict(sorted(tallies.items())), dict(sorted(suggested.items())))
