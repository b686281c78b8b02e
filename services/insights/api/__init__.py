"""insights' HTTP door: assessments, trends, briefs, caseload, rules, outcomes, backtests. Nothing is decided here."""

from typing import Final

from services.insights.api import backtests, brief, outcomes, patients, trends

ROUTERS: Final = (patients.router, trends.router, brief.router, outcomes.router, backtests.router)

__all__ = ["ROUTERS"]
