"""A clinic's settings, for tests of what its door takes."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from services.intake import domain
from shared.contracts import Clinic
from shared.contracts.clinics import ClinicSettings
from shared.errors import Problem

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""A Monday."""
NINE_TO_FIVE = {day: (time(9), time(17)) for day in ("mon", "tue", "wed", "thu", "fri")}


def settings(at: datetime = NOW, **changes: Any) -> ClinicSettings:
    fields: dict[str, Any] = {
        "effective_from": at,
        "zone": "Europe/London",
        "working_hours": NINE_TO_FIVE,
        "rule_set": {"base": "starter"},
        "fallback_contact": {"name": "Duty", "email": "duty@harbour.example"},
    }
    return ClinicSettings.model_validate(fields | changes)


def set_up(current: Clinic | None = None, *, name: str = "Harbour", **changes: Any) -> Clinic:
    return domain.set_up_clinic(current, clinic="harbour", name=name, settings=settings(**changes))


def pointers(refused: pytest.ExceptionInfo[Problem]) -> list[str]:
    return [error.pointer for error in refused.value.errors]


def rules(**rules: Any) -> dict[str, Any]:
    return {"base": "starter", "rules": rules}
