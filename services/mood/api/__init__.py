"""Mood's HTTP door: what is asked for, checked and handed to the use cases; nothing is decided here."""

from services.mood.api import entries, patients

ROUTERS = (entries.router, patients.router)

__all__ = ["ROUTERS"]
