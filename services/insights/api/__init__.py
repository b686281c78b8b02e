"""insights' HTTP door: patients' assessments, caseload, rules, outcomes, backtests. Nothing is decided here."""

from typing import Final

from services.insights.api import backtests, outcomes, patients

ROUTERS: Final = (patients.router, outcomes.router, backtests.router)

__all__ = ["ROUTERS"]
