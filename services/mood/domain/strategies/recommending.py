"""Which strategy to suggest: Thompson sampling on the patient's own ratings, beginning from what others found.

Source of the formula: the project's clinical notes, section 8 (ours; not validated). docs/strategies.md says it whole.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Final

from services.mood.domain.strategies.declaration import Strategy
from services.mood.domain.strategies.history import Coping, Tally
from services.mood.domain.strategies.library import LIBRARY
from services.mood.domain.timeline import Recorded
from shared.contracts import CheckInRecorded
from shared.contracts.moods import Belief

MODEL: Final = "thompson.v1"
PRIOR: Final = 0.1
"""The mean reward believed of a strategy nobody of the clinic has rated: 0.4 points of 10. Ours: small, so that what a
patient tells soon outweighs it; above 0, so that what is new is tried at all. No source gives a figure per try."""
PRIOR_WEIGHT: Final = 4
"""How many ratings of their own the prior counts as."""
SPREAD: Final = 0.5
"""Standard deviation assumed of one reward."""
ENOUGH_PATIENTS: Final = 20
"""Patients of the clinic who rated a strategy, from which on their mean is the prior."""
AGAIN_AFTER: Final = timedelta(hours=24)
ENERGY_COUNTS: Final = timedelta(hours=48)
"""How long what a check-in said of energy is taken for true."""
_STANDARD: Final = NormalDist()
_SEED_BITS: Final = 53  # what every reader of JSON keeps exactly


def reward(before: int, after: int) -> float:
    """How good one try was, -1 to 1: clip((before - after) / 4), distress 0 to 10."""
    return max(-1.0, min(1.0, (before - after) / 4))


def prior_of(means: Mapping[str, float]) -> float:
    """The prior of a strategy. means: each patient's mean reward of it; every patient counts once, however often they
    tried. Under 20 patients it is `PRIOR`."""
    return math.fsum(means.values()) / len(means) if len(means) >= ENOUGH_PATIENTS else PRIOR


def belief_of(tally: Tally, prior: float, weight: int = PRIOR_WEIGHT) -> Belief:
    """What is believed of a strategy for a patient: m = (k0 m0 + sum r) / (k0 + n); weight: k0, 1 or more."""
    mean = (weight * prior + tally.reward) / (weight + tally.rated)
    return Belief(mean=mean, rated=tally.rated, prior=prior)


def draw(belief: Belief, seed: int, name: str, weight: int = PRIOR_WEIGHT) -> float:
    """One draw from N(m, s^2 / (k0 + n)), s = 0.5; the same for the same belief, seed and strategy, on any machine."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    chance = (int.from_bytes(digest[:6], "big") + 0.5) / 2**48
    return belief.mean + SPREAD / math.sqrt(weight + belief.rated) * _STANDARD.inv_cdf(chance)


def seed_of(fact_id: str) -> int:
    """The seed of a suggestion, from its id: a retry draws the same."""
    return int.from_bytes(hashlib.sha256(fact_id.encode()).digest()[:8], "big") >> (64 - _SEED_BITS)


def most_effort(energy: int | None) -> int:
    """The most effort that fits an energy of 0 to 10: 1 up to 3, 2 up to 6, else 3; 2 where it is not known."""
    if energy is None:
        return 2
    return 1 if energy <= 3 else 2 if energy <= 6 else 3


def energy_of(recent: Iterable[Recorded], now: datetime) -> int | None:
    """What the last check-in said of energy; None where it said nothing, or is older than `ENERGY_COUNTS`."""
    check_ins = [(entry.place, entry.fact) for entry in recent if isinstance(entry.fact, CheckInRecorded)]
    if not check_ins:
        return None
    _, last = max(check_ins, key=lambda one: one[0])
    return last.energy if now - last.occurred_at <= ENERGY_COUNTS else None


def may_be_suggested(strategy: Strategy, coping: Coping, *, energy: int | None, now: datetime) -> bool:
    """Whether a strategy may be drawn at all for a patient at this moment."""
    last = coping.suggested.get(strategy.name)
    return (
        not strategy.therapist_set_only
        and (coping.allowed is None or strategy.name in coping.allowed)
        and (not strategy.contraindications or coping.listed(strategy.name))
        and strategy.effort <= most_effort(energy)
        and (last is None or now - last >= AGAIN_AFTER)
    )


@dataclass(frozen=True)
class Choice:
    """What was drawn. strategies: the best draws, the highest first."""

    strategies: list[str]
    drawn: dict[str, float]
    beliefs: dict[str, Belief]


def choose(
    coping: Coping, priors: Mapping[str, float], *, energy: int | None, now: datetime, seed: int, most: int
) -> Choice:
    """Draw for every strategy that may be suggested, and take the highest; none where none may be."""
    beliefs = {
        name: belief_of(coping.tally(name), priors.get(name, PRIOR))
        for name, strategy in LIBRARY.items()
        if may_be_suggested(strategy, coping, energy=energy, now=now)
    }
    drawn = {name: draw(belief, seed, name) for name, belief in beliefs.items()}
    best = sorted(drawn, key=lambda name: (-drawn[name], name))
    return Choice(best[:most], drawn, beliefs)
