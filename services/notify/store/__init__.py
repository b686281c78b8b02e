"""What notify keeps in MongoDB beside its alerts: rows and when they are due, where alerts are, and what is counted."""

from services.notify.store.ledgers import Answered, Load, LoadDay, Openings, Paces, Texted
from services.notify.store.rows import (
    ALERT_FACETS,
    LATE,
    Clinics,
    Deliveries,
    DueTimes,
    LetterNames,
    Register,
    Store,
    minute_of,
)

__all__ = [
    "ALERT_FACETS",
    "LATE",
    "Answered",
    "Clinics",
    "Deliveries",
    "DueTimes",
    "LetterNames",
    "Load",
    "LoadDay",
    "Openings",
    "Paces",
    "Register",
    "Store",
    "Texted",
    "minute_of",
]
