"""Corrected and withdrawn entries, with numbers (docs/rules.md, what an assessment is made from)."""

from itertools import permutations
from typing import Any

import pytest

from services.insights.domain import PatientState
from shared.contracts.base import Origin
from shared.contracts.clinics import RuleChoice
from shared.contracts.moods import EntriesSeen, StrategyTried, Through
from tests.unit.insights import builders as b

QUICK = b.clinic(
    b.settings(
        rules={
            "mood_shift": RuleChoice(
                parameters={"baseline_days": 3, "baseline_span": 3, "lambda": 1, "limit": 1, "sd_floor": 0.5}
            )
        }
    )
)


def moods(*values: float) -> list[tuple[str, Any]]:
    """One check-in a day."""
    return [(f"m{day}", b.check_in(b.day(day), value)) for day, value in enumerate(values)]


def shift(state: PatientState, day: float) -> dict[str, Any] | None:
    """The numbers of the mood shift on a day."""
    found = b.concern(b.look(state, b.day(day), known=QUICK), "mood_shift")
    return None if found is None else dict(found.numbers)


def test_a_corrected_check_in_counts_with_its_correction_in_any_order() -> None:
    """At its own time: the day after it is judged anew. The last of two corrections counts, whichever came first."""
    things = [
        moods(6, 6, 6, 6)[3],
        ("k1", b.corrected(b.day(5), "m3", 9)),
        ("k2", b.corrected(b.day(6), "m3", 1)),
        ("k0", b.corrected(b.day(4), "m9", 0)),
    ]
    for order in permutations(things):
        state = b.state_of(*moods(6, 6, 6), *order, order[0])
        found = shift(state, 7)

        assert found is not None
        assert (found["latest"], state.entries) == (1, 7)


@pytest.mark.parametrize("looked_at", [True, False])
def test_a_withdrawn_check_in_counts_no_longer_and_its_day_is_gone(looked_at: bool) -> None:  # noqa: FBT001  a case
    """Of the last day, which was low, nothing stays; a correction of it changes nothing."""
    state = b.state_of(*moods(6, 6, 6, 1))
    assert shift(state, 4) is not None or not looked_at
    state.add("w", b.withdrawn(b.day(5), "m3"))
    state.add("k", b.corrected(b.day(6), "m3", 0))

    assert shift(state, 7) is None
    state.add("m7", b.check_in(b.day(7), 2))
    found = shift(state, 8)
    assert found is not None
    assert found["latest"] == 2


def test_withdrawing_a_day_of_the_baseline_makes_the_next_day_part_of_it() -> None:
    """Three days are needed: without the second, the fourth is the third of them."""
    state = b.state_of(*moods(6, 0, 6, 3, 1))
    shift(state, 5)
    state.add("w", b.withdrawn(b.day(5), "m1"))
    found = shift(state, 6)

    assert found is not None
    assert found["baseline_mean"] == 5


def test_of_several_on_a_day_the_others_stay() -> None:
    """First and last of the day move to those that are left."""
    both = [("a", b.check_in(b.day(3), 1)), ("z", b.check_in(b.day(3, 2), 2, origin=Origin.SYNC))]
    state = b.state_of(*moods(6, 6, 6), *both, ("w", b.withdrawn(b.day(4), "a")))
    found = b.listed(b.look(state, b.day(4), known=QUICK), "mood_shift")

    assert (found.since, found.telling[0].origin, found.numbers["latest"]) == (b.day(3, 2), Origin.SYNC, 2)


def test_a_withdrawn_score_neither_raises_nor_ends_a_deterioration() -> None:
    """As if it had never been given, whether the withdrawal came before or after it."""
    scores = [(f"q{day}", b.answers(b.day(day), score)) for day, score in enumerate((5, 15, 5, 16))]
    for place in (0, 4):
        things: list[Any] = list(scores)
        things.insert(place, ("w", b.withdrawn(b.day(9), "q1")))
        found = b.listed(b.look(b.state_of(*things), b.day(9)), "reliable_deterioration")

        assert [one.id for one in found.telling] == ["q3"]


def test_a_withdrawn_entry_is_no_observed_day_but_was_heard() -> None:
    """The gap is that of what is left; the withdrawal itself is word from the patient."""
    state = b.state_of(
        b.patient(), *((f"c{n}", b.check_in(b.day(10 * n), 5)) for n in range(4)), ("w", b.withdrawn(b.day(30), "c1"))
    )
    found = b.listed(b.look(state, b.day(90)), "gone_quiet")

    assert (found.numbers["median_gap"], found.numbers["days_allowed"]) == (15, 45)
    assert (state.entries, b.look(state, b.day(90)).last_heard) == (5, b.day(30))


def test_what_is_no_word_from_the_patient_is_not_counted() -> None:
    """A clinician who looks is not the patient who writes; a strategy tried is."""
    common: dict[str, Any] = {
        "clinic": b.CLINIC, "patient": b.PATIENT, "occurred_at": b.day(5), "local_day": b.day(5).date(),
        "origin": Origin.LIVE,
    }  # fmt: skip
    state = b.state_of(("c", b.check_in(b.day(0), 5)))
    seen = state.add("s", EntriesSeen(**common, entries=["c"], through=Through.TIMELINE, by="priya"))

    assert (seen, state.entries, b.look(state, b.day(6)).last_heard) == (False, 1, b.day(0))
    assert state.add("t", StrategyTried(**common, strategy="paced-breathing"))
    assert (state.entries, b.look(state, b.day(6)).last_heard) == (2, b.day(5))


def test_a_correction_walks_only_the_days_after_its_entry() -> None:
    """Counted in days of the control chart, with the default baseline and ten thousand days of history."""
    state = b.state_of(*((b.fact_id(day), b.check_in(b.day(day), 5 + day % 3)) for day in range(10_000)))
    b.look(state, b.day(10_000))
    assert state.mood is not None
    walked = []
    for number, back in enumerate((1, 100)):
        before = state.mood.chart().walked
        state.add(f"k{number}", b.corrected(b.day(10_001), b.fact_id(10_000 - back), 4))
        b.look(state, b.day(10_002))
        walked.append(state.mood.chart().walked - before)

    assert walked == [1, 100]
