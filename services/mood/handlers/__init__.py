"""What mood does: takes entries in at the door, follows its topics, and reads timelines and progress."""

from services.mood.handlers.clinics import Clinics
from services.mood.handlers.following import SUBSCRIPTIONS, TABLES, Follower
from services.mood.handlers.instruments import Catalogue
from services.mood.handlers.reading import Reader, Shown
from services.mood.handlers.receipts import EntryReceipt, Receipts
from services.mood.handlers.recording import BatchReceipt, LineResult, Receipt, Recorder
from services.mood.handlers.reminding import Reminding
from services.mood.handlers.schedules import Called, Schedule, Schedules, Unanswered
from services.mood.handlers.strategies import Strategies, Suggested

__all__ = [
    "SUBSCRIPTIONS",
    "TABLES",
    "BatchReceipt",
    "Called",
    "Catalogue",
    "Clinics",
    "EntryReceipt",
    "Follower",
    "LineResult",
    "Reader",
    "Receipt",
    "Receipts",
    "Recorder",
    "Reminding",
    "Schedule",
    "Schedules",
    "Shown",
    "Strategies",
    "Suggested",
    "Unanswered",
]
