"""Mood's HTTP door: what is asked for, checked and handed to the use cases; nothing is decided here."""

from services.mood.api import corrections, entries, instruments, patients, receipts, schedules, strategies

ROUTERS = (
    entries.router,
    corrections.router,
    patients.router,
    schedules.router,
    instruments.router,
    strategies.router,
    receipts.router,
)

__all__ = ["ROUTERS"]
