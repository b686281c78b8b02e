"""What insights does: the subscription table, the handler of the bus, and what is asked of it."""

from collections.abc import Mapping
from typing import Final

from services.insights.handlers.backtests import Backtests
from services.insights.handlers.briefing import Briefs, Receipts
from services.insights.handlers.clinics import ClinicTable
from services.insights.handlers.insights import Insights
from services.insights.handlers.kept import DOCUMENTS, FACTS
from services.insights.handlers.outcomes import By, OutcomeReader, Outcomes
from services.insights.handlers.reading import Reader
from services.insights.handlers.trends import TrendReader
from shared.contracts import Assessment, Clinic, Contract

SUBSCRIPTIONS: Final[Mapping[type[Contract], str]] = {
    **dict.fromkeys(FACTS, "a fact of a patient: kept, and the patient assessed again"),
    **dict.fromkeys(DOCUMENTS, "a document about a patient: the highest version kept, and the patient assessed again"),
    Assessment: "our own words: compared with what we find, and said again where they do not fit",
    Clinic: "read whole by every instance: settings and rules; a change has the clinic's patients assessed again",
}
"""Everything insights reads, and what it does with it."""

OWN_TOPICS: Final = frozenset({Assessment.topic})
TABLES: Final = frozenset({Clinic.topic})
"""What every instance reads whole."""

TOPICS: Final = frozenset(kind.topic for kind in SUBSCRIPTIONS) - TABLES
"""What the runner reads, partition by partition."""

__all__ = [
    "OWN_TOPICS",
    "SUBSCRIPTIONS",
    "TABLES",
    "TOPICS",
    "Backtests",
    "Briefs",
    "By",
    "ClinicTable",
    "Insights",
    "OutcomeReader",
    "Outcomes",
    "Reader",
    "Receipts",
    "TrendReader",
]
