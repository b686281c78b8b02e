"""Intake's use cases (`Register`, `Care`, `Sessions`, `Inbox`), and what it does about its topics (`SUBSCRIPTIONS`)."""

from services.intake.handlers.documents import SERVICE, Documents
from services.intake.handlers.episodes import Care
from services.intake.handlers.follow import SUBSCRIPTIONS, TABLES, Clinics, Follower, keep_up
from services.intake.handlers.passing import Passing
from services.intake.handlers.questions import Inbox, Receipt
from services.intake.handlers.register import Register
from services.intake.handlers.sessions import Sessions
from services.intake.handlers.team import Team

__all__ = [
    "SERVICE",
    "SUBSCRIPTIONS",
    "TABLES",
    "Care",
    "Clinics",
    "Documents",
    "Follower",
    "Inbox",
    "Passing",
    "Receipt",
    "Register",
    "Sessions",
    "Team",
    "keep_up",
]
