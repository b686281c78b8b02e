"""Quiet hours as a clinician's document takes them: what cannot be meant is refused, field by field."""

from typing import Any

import pytest

from services.intake import domain
from shared.contracts import Clinician
from shared.errors import Problem


def wished(**fields: Any) -> Clinician:
    """A clinician as somebody sends them."""
    return Clinician.model_validate({"clinic": "harbour", "clinician": "priya", "version": 1} | fields)


def test_quiet_and_working_hours_that_can_be_meant_are_taken_as_they_are() -> None:
    """Across midnight too."""
    hours = {"quiet": [{"starts": "18:00", "ends": "08:00"}], "working_hours": {"mon": ["09:00", "17:00"]}}
    asked = wished(**hours)

    assert asked == domain.register_clinician(asked)
    assert asked.quiet[0].days == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"quiet": [{"starts": "18:00", "ends": "07:00+01:00"}]}, "/quiet/0"),
        ({"working_hours": {"tue": ["17:00", "09:00"]}}, "/working_hours/tue"),
        ({"working_hours": {"tue": ["09:00Z", "17:00Z"]}}, "/working_hours/tue"),
    ],
)
def test_hours_that_cannot_be_meant_are_refused_by_name(fields: dict[str, Any], pointer: str) -> None:
    """An offset would be a second zone; work that ends before it begins would hold everything."""
    with pytest.raises(Problem) as refused:
        domain.register_clinician(wished(**fields))

    assert refused.value.status == 422
    assert [error.pointer for error in refused.value.errors] == [pointer]
