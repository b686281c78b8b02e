"""Mood's HTTP door: what is asked for, checked and handed to the use cases; nothing is decided here."""

from services.mood.api import entries, instruments, patients, receipts, strategies

ROUTERS = (entries.router, patients.router, instruments.router, strategies.router, receipts.router)

__all__ = ["ROUTERS"]
