"""(d) Coping strategies: what drawing costs and gains against always the best so far, on simulated patients.

Nobody is simulated truly: effects are drawn from normal distributions we chose. It compares rules of choosing with one
another; it says nothing of what strategies do for people. `python -m benchmarks.strategies` prints the tables.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from statistics import fmean, stdev
from typing import Any, Final

from services.mood.domain import LIBRARY, PRIOR, Tally, draw
from services.mood.domain.strategies import belief_of
from shared.contracts import StrategyTried
from shared.contracts.base import Origin
from shared.contracts.moods import Belief

NAMES: Final = [name for name, one in LIBRARY.items() if not one.contraindications and not one.therapist_set_only]
PATIENTS, EARLIER = 100, 40
SPANS: Final = (20, 60, 200)
"""Suggestions: some weeks of care, some months, and half a year of one a day."""
NOISE: Final = 2.0
"""Standard deviation of one fall in distress, in points of 10: what `SPREAD` assumes."""
ALIKE, UNLIKE = 0.1, 0.3
"""How far patients' true effects lie from the strategy's mean among all (rewards; 0.25 is one point of 10)."""
WEIGHTS: Final = (1, 4, 16)
AT: Final = datetime(2026, 11, 23, 9, tzinfo=UTC)
Choose = Callable[[dict[str, Belief], int], str]


@dataclass(frozen=True)
class Rule:
    """A way of choosing. weight: how many ratings the prior counts as."""

    name: str
    weight: int
    choose: Choose


def thompson(weight: int) -> Rule:
    """The product's own: the highest draw."""
    return Rule(
        f"thompson, prior counts as {weight}",
        weight,
        lambda beliefs, seed: max(NAMES, key=lambda name: draw(beliefs[name], seed, name, weight)),
    )


def raw_best(beliefs: dict[str, Belief], _: int) -> str:
    """The highest plain mean of the patient's own ratings; what is new counts as no change, the best prior first."""
    return max(NAMES, key=lambda name: (_raw(beliefs[name]), beliefs[name].prior))


def _raw(belief: Belief) -> float:
    if not belief.rated:
        return 0.0
    return (belief.mean * (PLAIN.weight + belief.rated) - PLAIN.weight * belief.prior) / belief.rated


PLAIN: Final = Rule("best so far", 4, raw_best)
EXPECTED: Final = Rule("best expected", 4, lambda beliefs, _: max(NAMES, key=lambda name: beliefs[name].mean))
ANY: Final = Rule("any", 4, lambda _, seed: Random(seed).choice(NAMES))
RULES: Final = (*(thompson(weight) for weight in WEIGHTS), EXPECTED, PLAIN, ANY)


def population(chance: Random) -> dict[str, float]:
    """Mean effects of the strategies among all patients, in rewards."""
    return {name: chance.gauss(PRIOR, 0.15) for name in NAMES}


def tried_once(name: str, effect: float, chance: Random) -> StrategyTried:
    """One try, rated as the door takes it: whole points, 0 to 10."""
    before = chance.randint(4, 9)
    after = max(0, min(10, round(before - 4 * effect - chance.gauss(0, NOISE))))
    return StrategyTried(
        clinic="bench", patient="p", occurred_at=AT, local_day=AT.date(), origin=Origin.LIVE,
        strategy=name, before=before, after=after,
    )  # fmt: skip


def regrets(rule: Rule, effects: dict[str, float], priors: dict[str, float], seed: int) -> list[float]:
    """By how much each suggestion's true effect falls short of the best one's, in rewards."""
    chance, best = Random(seed), max(effects.values())
    tallies = {name: Tally() for name in NAMES}
    beliefs = {name: belief_of(Tally(), priors[name], rule.weight) for name in NAMES}
    short = []
    for number in range(SPANS[-1]):
        name = rule.choose(beliefs, seed * 1_000 + number)
        tallies[name] = tallies[name].with_try(tried_once(name, effects[name], chance))
        beliefs[name] = belief_of(tallies[name], priors[name], rule.weight)
        short.append(best - effects[name])
    return short


def simulate(spread: float, *, of_the_clinic: bool) -> dict[str, dict[int, list[float]]]:
    """By rule and span each patient's mean regret per suggestion, every rule on the same patients.

    of_the_clinic: priors are means of earlier patients; else the constant.
    """
    found: dict[str, dict[int, list[float]]] = {rule.name: {span: [] for span in SPANS} for rule in RULES}
    for patient in range(PATIENTS):
        chance = Random(f"{spread}/{patient}")
        means = population(chance)
        effects = {name: chance.gauss(mean, spread) for name, mean in means.items()}
        priors = dict.fromkeys(NAMES, PRIOR)
        if of_the_clinic:
            for name, mean in means.items():
                ratings = [
                    Tally().with_try(tried_once(name, chance.gauss(mean, spread), chance)).reward
                    for _ in range(EARLIER)
                ]
                priors[name] = fmean(ratings)
        for rule in RULES:
            short = regrets(rule, effects, priors, patient)
            for span, so_far in found[rule.name].items():
                so_far.append(fmean(short[:span]))
    return found


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half the width of its 95 % confidence interval."""
    return fmean(values), 1.96 * stdev(values) / math.sqrt(len(values))


SCENES: Final = {
    "alike, constant prior": (ALIKE, False),
    "alike, clinic's prior": (ALIKE, True),
    "unlike, constant prior": (UNLIKE, False),
    "unlike, clinic's prior": (UNLIKE, True),
}


def run() -> dict[str, Any]:
    """Mean regret per suggestion, and how much less it is than that of the best so far on the same patients."""
    began, figures = time.perf_counter(), dict[str, Any]()
    for scene, (spread, of_the_clinic) in SCENES.items():
        found = simulate(spread, of_the_clinic=of_the_clinic)
        for span in SPANS:
            for rule in RULES:
                mean, half = interval(found[rule.name][span])
                pairs = zip(found[PLAIN.name][span], found[rule.name][span], strict=True)
                less, less_half = interval([one - other for one, other in pairs])
                figures[f"regret, {scene}, {span} suggestions, {rule.name}"] = (
                    f"{mean:.3f} ± {half:.3f}, less than best so far by {less:+.3f} ± {less_half:.3f}"
                )
    return figures | {"strategies_seconds": round(time.perf_counter() - began, 1)}


if __name__ == "__main__":
    for label, value in run().items():
        print(f"{label}: {value}")
