"""Intake's use cases (`Register`, `Sessions`, `Inbox`), and what it does about its own topics (`SUBSCRIPTIONS`)."""

from services.intake.handlers.documents import Documents
from services.intake.handlers.follow import SUBSCRIPTIONS, TABLES, ClinicsFeed, Follower
from services.intake.handlers.questions import Inbox, Receipt
from services.intake.handlers.register import Register
from services.intake.handlers.sessions import Sessions

__all__ = [
    "SUBSCRIPTIONS",
    "TABLES",
    "ClinicsFeed",
    "Documents",
    "Follower",
    "Inbox",
    "Receipt",
    "Register",
    "Sessions",
]
