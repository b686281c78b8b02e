"""Worked numbers of the clinical reference that no other file has: 2.3 reliable change, 4.2 limits, 4.4 a baseline."""

from math import ceil, sqrt

import pytest

from services.insights.domain.catalogue import RELIABLE_DETERIORATION
from services.insights.domain.outcomes import PUBLISHED
from shared.contracts.clinics import RuleChoice
from tests.unit.insights import builders as b
from tests.unit.insights.test_rules_outcomes import said


@pytest.mark.parametrize(
    ("measure", "sd", "reliability", "index"), [("phq9", 5.66, 0.89, 5.20), ("gad7", 4.50, 0.92, 3.53)]
)
def test_reliable_change_is_the_whole_number_above_the_index(
    measure: str, sd: float, reliability: float, index: float
) -> None:
    """1.96 sqrt(2) SD sqrt(1 - r) is 5.20 and 3.53: of whole scores 6 and 4, for outcomes and for the rule alike."""
    found = 1.96 * sqrt(2) * sd * sqrt(1 - reliability)

    assert round(found, 2) == index
    assert ceil(found) == PUBLISHED[measure].reliable_change == RELIABLE_DETERIORATION.defaults[measure]


@pytest.mark.parametrize(("weight", "limit", "asymptotic"), [(0.1, 2.7, 0.6194), (0.2, 3, 1.0)])
def test_the_control_limits_come_to_those_printed(weight: float, limit: float, asymptotic: float) -> None:
    """Of a baseline of 3 and a spread of 1, long after it: 0.6194 with the defaults, 1.0 with a weight of 0.2."""
    parameters = {"baseline_days": 5, "baseline_span": 5, "sd_floor": 1, "lambda": weight, "limit": limit}
    known = b.clinic(b.settings(rules={"mood_shift_up": RuleChoice(parameters=parameters)}))
    found = said("mood_shift_up", *(b.check_in(b.day(n), 3 if n < 5 else 9) for n in range(150)), known=known)

    assert found is not None
    assert found.numbers["limit"] == pytest.approx(3 + asymptotic, abs=0.00005)


def test_the_worked_series_as_a_baseline() -> None:
    """5, 6, 4, 5, 7, 3: mean 5, standard deviation 1.4142; its autocorrelation of -0.5 narrows no limits."""
    parameters = {"baseline_days": 6, "baseline_span": 6, "lambda": 1, "limit": 1}
    known = b.clinic(b.settings(rules={"mood_shift": RuleChoice(parameters=parameters)}))
    found = said("mood_shift", *(b.check_in(b.day(n), x) for n, x in enumerate([5, 6, 4, 5, 7, 3, 0])), known=known)

    assert found is not None
    assert [found.numbers[name] for name in ("baseline_mean", "baseline_sd", "phi")] == [5, 1.4142, 0]
    assert found.numbers["limit"] == pytest.approx(5 - 1.4142, abs=0.0001)
