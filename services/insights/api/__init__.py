"""insights' HTTP doors: assessments, the caseload and the rules; trends. The clinic is always the token's."""

from typing import Final

from services.insights.api import assessments, trends

ROUTERS: Final = (assessments.router, trends.router)

__all__ = ["ROUTERS"]
