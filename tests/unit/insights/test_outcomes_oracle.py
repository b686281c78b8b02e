"""Outcomes and the oracle: the vectors of the clinical reference, every report, and what a reader could work out."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.insights.api.outcomes import ShownOutcomes
from services.insights.domain.outcomes import FEWEST_SHOWN, EpisodeOutcome, OutcomeReport, Pair, outcome_of
from services.insights.domain.outcomes import report as report_of
from services.insights.domain.outcomes import reports as reports_of
from tests.oracle.ended import by_clinician, judged, report_differences, reports
from tests.unit.insights.test_outcomes import VECTORS

SPRING = date(2026, 3, 31)
Scores = tuple[int | None, int | None]
Drawn = tuple[str, int, Scores, Scores]
"""Clinician, attended contacts, first and last PHQ-9, first and last GAD-7."""

KINDS: list[tuple[Scores, Scores]] = [(row[0], row[1]) for row in VECTORS]
KINDS += [((None, None), (5, 3)), ((9, 4), (None, None)), ((None, None), (8, 3)), ((None, None), (None, None))]
PLENTY = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([1, 2, 2, 3]), st.sampled_from(KINDS), st.integers(1, 12)),
    max_size=9,
).map(lambda some: [(who, contacts, *kind) for who, contacts, kind, times in some for _ in range(times)])


@pytest.mark.parametrize(("phq", "gad", "flags"), [(row[0], row[1], row[2:]) for row in VECTORS])
def test_the_oracle_knows_each_vector_of_the_clinical_reference(phq: Any, gad: Any, flags: tuple[bool, ...]) -> None:
    """So that the two cannot agree on a mistake."""
    found = judged({"phq9": phq[0], "gad7": gad[0]}, {"phq9": phq[1], "gad7": gad[1]})
    names = ("case", "recovery", "reliable_improvement", "reliable_recovery", "reliable_deterioration")

    assert flags == tuple(found[name] for name in (*names, "no_reliable_change"))


@settings(max_examples=200, deadline=None)
@given(PLENTY)
def test_every_report_is_the_oracles(drawn: list[Drawn]) -> None:
    """Of everyone and of each clinician: counts, rates, effect sizes, and what is hidden."""
    expected = reports([_for_the_oracle(one) for one in drawn], by_clinician)
    actual = {"": report_of([_outcome(one) for one in drawn])} | reports_of(_groups(drawn))

    assert expected.keys() == actual.keys()
    for name, report in expected.items():
        assert report_differences(report, ShownOutcomes.of(actual[name]).model_dump()) == []


@settings(max_examples=200, deadline=None)
@given(PLENTY)
def test_what_one_group_hides_another_ones_report_does_not_give_away(drawn: list[Drawn]) -> None:
    """Of a known whole one kind of change alone is never hidden, nor a kind in one group alone."""
    groups = reports_of(_groups(drawn))
    everyone = report_of([_outcome(one) for one in drawn])
    kinds = ("reliable_improvement", "reliable_deterioration", "no_reliable_change", "not_classified")
    for report in groups.values():
        if report.completed is not None:
            assert [_hidden(report, kind) for kind in kinds].count(True) != 1
    for kind in kinds:
        if not _hidden(everyone, kind) and [_hidden(report, kind) for report in groups.values()].count(True) == 1:
            assert len(groups) == 1


def test_a_number_hidden_for_another_groups_sake_is_not_what_its_own_group_lacks() -> None:
    """Two unchanged with one clinician hide the twenty of the other; but twenty is all that the other's whole lacks."""
    well, same = ((15, 8), (12, 6)), ((16, 11), (14, 11))
    worse = ((9, 15), (10, 10))
    drawn: list[Drawn] = [("a", 2, *same)] * 2 + [("a", 2, *well)] * 9 + [("b", 2, *same)] * 20
    drawn += [("b", 2, *well)] * 30 + [("b", 2, *worse)] * 8

    found = reports_of(_groups(drawn))

    assert found["b"].no_reliable_change.count is None
    assert found["b"].reliable_deterioration.count is None
    assert (found["b"].completed, FEWEST_SHOWN) == (58, 5)


def _hidden(report: OutcomeReport, kind: str) -> bool:
    return getattr(report, kind).count is None


def _groups(drawn: list[Drawn]) -> dict[str, list[EpisodeOutcome]]:
    return {name: [_outcome(one) for one in drawn if one[0] == name] for name in sorted({one[0] for one in drawn})}


def _outcome(drawn: Drawn) -> EpisodeOutcome:
    clinician, contacts, phq, gad = drawn
    return outcome_of(
        episode="e1",
        clinician=clinician,
        ended_on=SPRING,
        contacts=contacts,
        depression=Pair(*phq),
        anxiety=Pair(*gad),
    )


def _for_the_oracle(drawn: Drawn) -> dict[str, Any]:
    clinician, contacts, phq, gad = drawn
    flags = judged({"phq9": phq[0], "gad7": gad[0]}, {"phq9": phq[1], "gad7": gad[1]})
    return {"clinician": clinician, "ended_on": SPRING, "completed": contacts >= 2, **flags}
