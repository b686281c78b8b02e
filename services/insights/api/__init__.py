"""insights' HTTP door: assessments, session briefs, caseload, rules, outcomes, backtests. Nothing is decided here."""

from typing import Final

from services.insights.api import backtests, brief, outcomes, patients

ROUTERS: Final = (patients.router, brief.router, outcomes.router, backtests.router)

__all__ = ["ROUTERS"]
