"""When no strategy may be suggested: help from people comes first."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.mood.domain.timeline import Recorded
from shared.contracts import (
    Assessment,
    CheckInCorrected,
    CheckInRecorded,
    EntryWithdrawn,
    QuestionAsked,
    QuestionnaireCompleted,
)

CRISIS_WORDS_COUNT: Final = timedelta(days=14)
"""How long words of a crisis keep suggestions away; as long as most risk items look back."""
LOOK_BACK: Final = timedelta(days=366)
"""How far back the gate needs a patient's entries: a clinic's own scale may ask about a year."""


_WRITTEN: Final = (CheckInRecorded, CheckInCorrected, EntryWithdrawn, QuestionAsked)
"""What a patient writes that is screened at the door."""


class Gate(StrEnum):
    """Whether suggestions may be made, or why not."""

    OPEN = "open"
    CONCERN = "concern"
    NOT_KNOWN = "not_known"


def about_risk(rule: str) -> bool:
    """Whether a rule is about harm."""
    return rule == "crisis_language" or rule.startswith("risk_")


def gate_of(
    assessment: Assessment | None,
    recent: Iterable[Recorded],
    *,
    missing: int,
    now: datetime,
    ratings: Iterable[datetime] = (),
) -> Gate:
    """Shut by any sign of harm, and by not knowing.

    assessment: insights' last word; None: it has not spoken of this patient yet. recent: the patient's own entries of
    `LOOK_BACK`, questions among them, their corrections and withdrawals, which are known here before insights has
    looked at them. missing: entries that could not be processed, any of which may have been a risk answer. ratings:
    when sessions were rated whose comments have words of a crisis.
    """
    told = () if assessment is None else assessment.concerns
    if any(about_risk(concern.rule) and (concern.holds or concern.telling) for concern in told):
        return Gate.CONCERN
    if any(_speaks_of_harm(entry, now) for entry in recent):
        return Gate.CONCERN
    if any(now - rated_at <= CRISIS_WORDS_COUNT for rated_at in ratings):
        return Gate.CONCERN
    if assessment is None or missing or assessment.entries_not_processed:
        return Gate.NOT_KNOWN
    return Gate.OPEN


def _speaks_of_harm(entry: Recorded, now: datetime) -> bool:
    fact, age = entry.fact, now - entry.fact.occurred_at
    if isinstance(fact, QuestionnaireCompleted):
        recalls = [answer.recall_days for answer in fact.risk_answers if answer.value > 0]
        return any(age <= timedelta(days=max(1, recall)) for recall in recalls)
    if isinstance(fact, _WRITTEN) and fact.screening is not None:
        return fact.screening.crisis_language and age <= CRISIS_WORDS_COUNT
    return False
