"""insights' HTTP door: patients' assessments, caseload, rules, outcomes. Nothing is decided here."""

from typing import Final

from services.insights.api import outcomes, patients

ROUTERS: Final = (patients.router, outcomes.router)

__all__ = ["ROUTERS"]
