"""The recommender: worked figures, a draw that can be made again, and what is never drawn."""

import random
from datetime import timedelta
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mood.domain import LIBRARY, PRIOR, Coping, Recorded, Tally, choose, coping_of, draw, prior_of, seed_of
from services.mood.domain.strategies import belief_of, may_be_suggested, reward
from services.mood.domain.strategies.recommending import energy_of, most_effort
from shared.contracts.moods import Belief
from tests.unit.mood.made import NOW
from tests.unit.mood.made_strategies import allowed, check_in, pinned, rated, suggested, tried

EVERYTHING = list(LIBRARY)


def test_the_posterior_is_that_of_the_reference() -> None:
    """m0 = 0.1, k0 = 4, rewards 0.5, 0.25, 0.75: m = (0.4 + 1.5) / 7 = 0.2714 (clinical notes, 8)."""
    belief = belief_of(coping_of(rated("short_walk", (6, 4), (5, 4), (9, 6))).tally("short_walk"), 0.1)

    assert round(belief.mean, 4) == 0.2714
    assert (belief.rated, belief.prior) == (3, 0.1)


@pytest.mark.parametrize(
    ("before", "after", "expected"), [(7, 3, 1), (10, 0, 1), (0, 10, -1), (5, 5, 0), (5, 6, -0.25)]
)
def test_a_reward_is_the_fall_in_quarters_cut_off_at_one(before: int, after: int, expected: float) -> None:
    """clip((before - after) / 4, -1, 1), in the tally as in the formula."""
    tally = coping_of(rated("grounding", (before, after))).tally("grounding")

    assert reward(before, after) == tally.reward == expected


def test_draws_are_normal_around_the_posterior_and_narrow_with_ratings() -> None:
    """N(m, s^2 / (k0 + n)) with s = 0.5: mean and spread of 4,000 draws."""
    for n in (0, 12):
        drawn = [draw(Belief(mean=0.3, rated=n, prior=0.1), seed, "short_walk") for seed in range(4_000)]

        assert fmean(drawn) == pytest.approx(0.3, abs=0.02)
        assert pstdev(drawn) == pytest.approx(0.5 / (4 + n) ** 0.5, rel=0.05)


def test_a_draw_is_the_same_on_every_machine() -> None:
    """Fixed figures: a draw logged years ago can be made again."""
    belief = Belief(mean=0.2, rated=2, prior=0.1)

    assert [round(draw(belief, 42, name), 6) for name in ("short_walk", "grounding")] == [0.341049, 0.004795]
    assert seed_of("5f0e7d0c-2a51-5a0e-9c39-3a6f4d4a1b11") == 4740216803903593


def test_the_draw_is_made_again_from_what_was_logged() -> None:
    """Seed and beliefs give every value drawn, and the values give the order shown."""
    history = coping_of(rated("short_walk", (8, 4), (7, 3)) + rated("grounding", (5, 7)))
    choice = choose(history, {"reach_out": 0.4}, energy=8, now=NOW, seed=7, most=3)
    again = {name: draw(belief, 7, name) for name, belief in choice.beliefs.items()}

    assert again == choice.drawn
    assert sorted(again, key=lambda name: -again[name])[:3] == choice.strategies
    assert choice.beliefs["reach_out"].prior == 0.4


def test_nothing_needing_a_clinician_is_drawn_unless_listed_and_therapist_set_never() -> None:
    """Contraindications are the clinician's to weigh; exposure and sleep restriction are never suggested at all."""
    free = {name for name in EVERYTHING if may_be_suggested(LIBRARY[name], Coping(), energy=9, now=NOW)}
    listed = coping_of([allowed(EVERYTHING)])
    drawn = {name for name in EVERYTHING if may_be_suggested(LIBRARY[name], listed, energy=9, now=NOW)}

    assert free == {name for name, one in LIBRARY.items() if not one.contraindications and not one.therapist_set_only}
    assert drawn == set(EVERYTHING) - {"graded_exposure", "sleep_window"}


@given(
    seed=st.integers(0, 2**53),
    energy=st.none() | st.integers(0, 10),
    names=st.none() | st.sets(st.sampled_from(EVERYTHING)),
)
def test_whatever_is_drawn_fits(seed: int, energy: int | None, names: set[str] | None) -> None:
    """Listed where there is a list, within the energy there is, and never therapist-set."""
    history = Coping() if names is None else coping_of([allowed(sorted(names))])
    choice = choose(history, {}, energy=energy, now=NOW, seed=seed, most=3)

    assert len(choice.strategies) == len(set(choice.strategies)) == min(3, len(choice.drawn))
    for name in choice.drawn:
        assert names is None or name in names
        assert LIBRARY[name].effort <= most_effort(energy)
        assert not LIBRARY[name].therapist_set_only
        assert names is not None or not LIBRARY[name].contraindications


def test_the_same_is_not_suggested_twice_in_24_hours() -> None:
    """To the second; then it may come again."""
    walk = LIBRARY["short_walk"]
    history = coping_of([suggested(["short_walk"], hours=24), suggested(["grounding"], hours=23.9)])

    assert may_be_suggested(walk, history, energy=9, now=NOW)
    assert not may_be_suggested(walk, history, energy=9, now=NOW - timedelta(seconds=1))
    assert not may_be_suggested(LIBRARY["grounding"], history, energy=9, now=NOW)


def test_energy_is_that_of_the_last_check_in_while_it_is_fresh() -> None:
    """Little energy leaves little effort; not known leaves out the greatest."""
    assert energy_of([check_in(hours=30, energy=9), check_in(hours=2, energy=1)], NOW) == 1
    assert energy_of([check_in(hours=49, energy=9)], NOW) is None
    assert energy_of([], NOW) is None
    assert [most_effort(energy) for energy in (0, 3, 4, 6, 7, 10, None)] == [1, 1, 2, 2, 3, 3, 2]


def test_a_clinics_prior_counts_patients_not_tries_and_needs_twenty() -> None:
    """Under 20 it is the constant."""
    assert prior_of({f"p{n}": 1.0 for n in range(19)}) == PRIOR
    assert prior_of({f"p{n}": 0.5 if n % 2 else 0.0 for n in range(20)}) == 0.25


def test_what_helped_is_soon_suggested_more_than_what_did_not() -> None:
    """After ten ratings each, of 300 seeds nearly all go to what helped."""
    facts = rated("short_walk", *[(7, 4)] * 10) + rated("grounding", *[(5, 6)] * 10)
    history = coping_of([*facts, allowed(["short_walk", "grounding"])])
    walks = sum(
        choose(history, {}, energy=5, now=NOW, seed=seed, most=1).strategies == ["short_walk"] for seed in range(300)
    )

    assert walks > 290


def facts_of(draws: random.Random) -> list[Recorded]:
    """Some history."""
    made: list[Recorded] = []
    for number in range(draws.randrange(25)):
        name, hours = draws.choice(EVERYTHING), draws.random() * 900
        made.append(
            draws.choice(
                [
                    tried(name, draws.choice([None, 2, 9]), draws.choice([None, 0, 6]), hours=hours, name=f"t{number}"),
                    pinned([name], hours=hours, name=f"p{number}"),
                    allowed(draws.choice([None, [name]]), hours=hours, name=f"a{number}"),
                    suggested([name], hours=hours, name=f"s{number}"),
                    check_in(hours=hours, energy=3),
                ]
            )
        )
    return made


@given(seed=st.integers(0, 10_000))
def test_replaying_a_history_in_any_order_with_duplicates_gives_the_same_state(seed: int) -> None:
    """The state is a fold over the set of facts, and so is every later draw."""
    chance = random.Random(seed)
    facts = facts_of(chance)
    again = facts + chance.choices(facts, k=len(facts)) if facts else []
    chance.shuffle(again)

    assert coping_of(again) == coping_of(facts)
    assert choose(coping_of(again), {}, energy=5, now=NOW, seed=seed, most=3) == choose(
        coping_of(facts), {}, energy=5, now=NOW, seed=seed, most=3
    )


def test_pins_and_lists_are_the_last_word() -> None:
    """By when it was said, not by when it came; empty unpins, null lifts the list."""
    facts = [pinned(["short_walk", "grounding"], hours=2), pinned(["reach_out"], hours=9), allowed([], hours=5)]
    said = coping_of(facts)
    later = coping_of([*facts, pinned([], hours=1), allowed(None, hours=1)])

    assert (said.shown_pins, said.allowed) == (["short_walk", "grounding"], frozenset())
    assert (later.shown_pins, later.allowed) == ([], None)


def test_a_pinned_therapist_set_strategy_is_shown_where_a_clinician_listed_it() -> None:
    """Only there."""
    pins = pinned(["graded_exposure", "short_walk"])

    assert coping_of([pins]).shown_pins == ["short_walk"]
    assert coping_of([pins, allowed(["graded_exposure"])]).shown_pins == ["graded_exposure", "short_walk"]


def test_a_try_without_both_ratings_counts_as_tried_and_teaches_nothing() -> None:
    """No rating is no rating of zero."""
    facts = [tried("short_walk", 7, None, name="a"), tried("short_walk", None, 2, name="b")]

    assert coping_of(facts).tally("short_walk") == Tally(tried=2)
