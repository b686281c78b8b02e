"""Intake's HTTP door: what is asked for, checked and handed to the use cases; nothing is decided here."""

from services.intake.api import clinic, handling, patients, questions, sessions

ROUTERS = (clinic.router, patients.router, sessions.router, questions.router, handling.router)

__all__ = ["ROUTERS"]
