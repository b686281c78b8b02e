"""insights' store in MongoDB: patients with their entries and assessments, how far was read, backtests."""

from services.insights.store.backtests import MongoBacktests
from services.insights.store.patients import MongoStore, ResumeReader

__all__ = ["MongoBacktests", "MongoStore", "ResumeReader"]
