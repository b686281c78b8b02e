"""A changed rule never pages anyone for the past: which evidence of a rule is still told (docs/rules.md)."""

from datetime import datetime, timedelta
from typing import Final

from services.insights.domain.declaring import Severity
from shared.contracts.assessments import Concern, Telling

BENEFIT: Final = timedelta(hours=24)
"""How long before a change evidence about harm is not yet the past: nobody may have been told of it."""


def without_the_past(concern: Concern, told_from: datetime, severity: Severity) -> Concern | None:
    """The concern with the evidence that is told; None where it neither holds nor has any."""
    about_harm = severity is Severity.SAFETY
    first = told_from - BENEFIT if about_harm else told_from
    kept = [one for one in concern.telling if one.at >= first or (about_harm and _came(one, first))]
    if len(kept) == len(concern.telling):
        return concern
    return concern.model_copy(update={"telling": kept}) if kept or concern.holds else None


def _came(telling: Telling, first: datetime) -> bool:
    return telling.accepted_at is not None and telling.accepted_at >= first
