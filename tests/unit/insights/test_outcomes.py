"""Outcomes of episodes: every vector of the clinical reference, the denominators, and what is not shown."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.domain.outcomes import (
    FEWEST_SHOWN,
    EpisodeOutcome,
    Pair,
    Scored,
    Thresholds,
    outcome_of,
    pair_of,
    report,
    reports,
)

SPRING = date(2026, 3, 31)


def outcome(phq: tuple[Any, Any], gad: tuple[Any, Any], **changes: Any) -> EpisodeOutcome:
    """The outcome of an episode with two contacts."""
    fields: dict[str, Any] = {
        "episode": "e1",
        "clinician": "priya",
        "ended_on": SPRING,
        "contacts": 2,
        "depression": Pair(*phq),
        "anxiety": Pair(*gad),
    }
    return outcome_of(**(fields | changes))


VECTORS = [
    # PHQ-9, GAD-7, case, recovery, reliable improvement, reliable recovery, deterioration, no change
    ((15, 8), (12, 6), True, True, True, True, False, False),
    ((15, 9), (12, 8), True, False, True, False, False, False),
    ((10, 9), (8, 7), True, True, False, False, False, True),
    ((9, 4), (7, 3), False, False, True, False, False, False),
    ((16, 10), (14, 13), True, False, True, False, False, False),
    ((16, 11), (14, 11), True, False, False, False, False, True),
    ((12, 6), (9, 13), True, False, False, False, False, True),
    ((9, 15), (10, 10), True, False, False, False, True, False),
    ((20, None), (15, 6), True, False, False, False, False, False),
]


@pytest.mark.parametrize(("phq", "gad", "flags"), [(row[0], row[1], row[2:]) for row in VECTORS])
def test_each_vector_of_the_clinical_reference(phq: Any, gad: Any, flags: tuple[bool, ...]) -> None:
    """The nine first-and-last pairs of clinical.md 11, flag by flag."""
    found = outcome(phq, gad)

    assert flags == (
        found.case,
        found.recovery,
        found.reliable_improvement,
        found.reliable_recovery,
        found.reliable_deterioration,
        found.no_reliable_change,
    )


def test_a_missing_last_score_is_not_recovered_and_stays_in_the_denominator() -> None:
    """Ten recovered, ten without a last score: half of twenty."""
    done = [outcome((15, 8), (12, 6))] * 10 + [outcome((20, None), (15, 6))] * 10

    found = report(done)

    assert (found.recovery.count, found.recovery.of, found.recovery.share) == (10, 20, 0.5)
    assert found.not_classified.count == 10


def test_those_who_were_no_case_leave_the_denominator_of_recovery_alone() -> None:
    """Improvement counts them, recovery does not."""
    done = [outcome((15, 8), (12, 6))] * 10 + [outcome((9, 4), (7, 3))] * 10

    found = report(done)

    assert (found.recovery.count, found.recovery.of) == (10, 10)
    assert (found.reliable_improvement.count, found.reliable_improvement.of) == (20, 20)
    assert found.not_a_case == 10


@pytest.mark.parametrize(
    ("phq", "gad", "case"),
    [(9, None, None), (None, 5, None), (None, None, None), (10, None, True), (None, 8, True), (9, 7, False)],
)
def test_no_case_is_known_only_where_both_first_scores_are_there(
    phq: int | None,
    gad: int | None,
    case: bool | None,  # noqa: FBT001  a parametrised case
) -> None:
    """One first score at caseness is enough for a case; one below says nothing of the other measure."""
    assert outcome((phq, None), (gad, None)).case is case


def test_those_of_whom_a_first_score_is_missing_stay_in_the_denominator_of_recovery() -> None:
    """Six with a first GAD-7 of 5 and no PHQ-9: none of six recovered, and nobody is known to have been no case."""
    found = report([outcome((None, None), (5, 3))] * 6)

    assert (found.recovery.count, found.recovery.of, found.reliable_recovery.of) == (0, 6, 6)
    assert (found.not_a_case, found.not_classified.count) == (0, 6)


def test_an_episode_with_one_contact_ended_but_is_no_course_of_treatment() -> None:
    """Two attended contacts make a course."""
    done = [outcome((15, 8), (12, 6))] * 6 + [outcome((15, 8), (12, 6), contacts=1)] * 7

    found = report(done)

    assert (found.ended, found.completed, found.recovery.of) == (13, 6, 6)


def test_the_measure_of_the_problem_stands_in_where_both_its_scores_are_there() -> None:
    """PCL-5 first and last instead of the GAD-7; with one of them missing the GAD-7 counts."""
    cuts = {"phq9": Thresholds(10, 6), "gad7": Thresholds(8, 4), "pcl5": Thresholds(32, 10)}

    specific = outcome((15, 8), (12, 12), specific=("pcl5", Pair(50, 20)), thresholds=cuts)
    generic = outcome((15, 8), (12, 12), specific=("pcl5", Pair(50, None)), thresholds=cuts)

    assert (specific.anxiety_measure, specific.recovery) == ("pcl5", True)
    assert (generic.anxiety_measure, generic.recovery) == ("gad7", False)


def test_effect_sizes_are_in_national_standard_deviations_of_first_scores() -> None:
    """(14.2 - 9.5) / 6.1 is .77, as worked out in the reference."""
    found = report([outcome((14.2, 9.5), (13.3, 8.6))] * 5)

    assert [round(one.effect_size or 0, 2) for one in found.effects] == [0.77, 0.92]


def test_first_and_last_are_those_within_the_episode_and_one_score_is_a_first() -> None:
    """Scores before the referral or after the end count for nothing."""
    scores = [Scored(date(2026, month, 1), (month, ""), score) for month, score in ((1, 20), (2, 15), (4, 9), (6, 3))]

    assert Pair(15, 9) == pair_of(scores, date(2026, 2, 1), date(2026, 5, 31))
    assert Pair(9, None) == pair_of(scores, date(2026, 3, 1), date(2026, 5, 31))
    assert Pair(None, None) == pair_of([], date(2026, 3, 1), date(2026, 5, 31))


def test_small_numbers_are_hidden_and_what_they_could_be_worked_out_from() -> None:
    """Three who got worse among forty: they, and the smallest other group, are not shown."""
    done = [outcome((15, 8), (12, 6))] * 30 + [outcome((9, 15), (10, 10))] * 3 + [outcome((16, 11), (14, 11))] * 7

    found = report(done)

    assert found.reliable_deterioration.count is None
    assert found.reliable_deterioration.share is None
    assert found.no_reliable_change.count is None
    assert found.reliable_improvement.count == 30


def test_a_group_that_is_hidden_takes_another_one_with_it() -> None:
    """Two recovered with one clinician, nine with another, twenty with a third: only the twenty are shown."""
    well, same = outcome((15, 8), (12, 6)), outcome((16, 11), (14, 11))
    groups = {"a": [well] * 2 + [same] * 20, "b": [well] * 9 + [same] * 20, "c": [well] * 20 + [same] * 20}

    found = reports(groups)

    assert [found[name].recovery.count for name in "abc"] == [None, None, 20]


SCORE = st.one_of(st.none(), st.integers(0, 21))
EPISODES = st.lists(
    st.builds(
        outcome,
        st.tuples(SCORE, SCORE).map(lambda pair: pair if pair[0] is not None else (None, None)),
        st.tuples(SCORE, SCORE).map(lambda pair: pair if pair[0] is not None else (None, None)),
        contacts=st.integers(0, 3),
    ),
    max_size=60,
)


@given(EPISODES)
def test_no_number_from_one_to_four_is_ever_shown(done: list[EpisodeOutcome]) -> None:
    """Not as a count, not as a whole, not as the difference of a shown count and its shown whole."""
    found = report(done)
    counts = [
        found.recovery,
        found.reliable_recovery,
        found.reliable_improvement,
        found.reliable_deterioration,
        found.no_reliable_change,
        found.not_classified,
    ]

    shown = [found.ended, found.completed, found.not_a_case]
    shown += [number for one in counts for number in (one.count, one.of)]
    shown += [one.of - one.count for one in counts[:2] if one.of is not None and one.count is not None]
    assert not [number for number in shown if number is not None and 0 < number < FEWEST_SHOWN]


@given(EPISODES)
def test_every_completed_course_is_better_worse_the_same_or_not_classified(done: list[EpisodeOutcome]) -> None:
    """The four never overlap and leave nobody out."""
    for one in done:
        kinds = [one.reliable_improvement, one.reliable_deterioration, one.no_reliable_change, not one.classified]
        assert kinds.count(True) == 1
        assert not (one.recovery and one.case is not True)
