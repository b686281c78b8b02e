"""The simulation behind docs/strategies.md: fair to every rule, and the same each time."""

from random import Random
from statistics import fmean

import pytest

from benchmarks.strategies import ANY, EXPECTED, NAMES, PLAIN, RULES, interval, regrets, thompson, tried_once
from services.mood.domain import LIBRARY

EFFECTS = {name: 0.8 if name == "short_walk" else 0.0 for name in NAMES}
PRIORS = dict.fromkeys(NAMES, 0.1)


def test_it_is_of_those_that_need_no_clinician() -> None:
    """As a patient without a list is suggested."""
    assert set(NAMES) == {name for name, one in LIBRARY.items() if not one.contraindications}


def test_the_same_seed_gives_the_same_regret() -> None:
    """For every rule; regret is never below 0."""
    for rule in RULES:
        found = regrets(rule, EFFECTS, PRIORS, 7)
        assert found == regrets(rule, EFFECTS, PRIORS, 7)
        assert min(found) >= 0


def test_every_rule_but_chance_finds_a_strategy_that_stands_out() -> None:
    """One helps by 3.2 points, the others do nothing: the last 50 suggestions of ten patients."""
    late = {
        rule.name: fmean(fmean(regrets(rule, EFFECTS, PRIORS, seed)[-50:]) for seed in range(10))
        for rule in (thompson(4), EXPECTED, PLAIN, ANY)
    }

    assert late[thompson(4).name] < 0.15
    assert late[EXPECTED.name] < late[ANY.name]
    assert late[ANY.name] == pytest.approx(0.8 * (1 - 1 / len(NAMES)), abs=0.05)


def test_a_simulated_try_falls_by_its_effect() -> None:
    """0.5 is two points of ten, but for what the ends of the scale cut off."""
    chance = Random(1)
    tries = [tried_once("short_walk", 0.5, chance) for _ in range(3_000)]
    falls = [one.before - one.after for one in tries if one.before is not None and one.after is not None]

    assert fmean(falls) == pytest.approx(2, abs=0.15)


def test_an_interval_is_that_of_the_mean() -> None:
    """1.96 standard errors."""
    assert interval([0.0, 1.0] * 50) == pytest.approx((0.5, 1.96 * 0.0502519))
