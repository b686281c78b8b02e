"""Intake's HTTP door: what is asked for, checked and handed to the use cases; nothing is decided here."""

from services.intake.api import clinic, clinicians, episodes, handling, patients, questions, sessions

ROUTERS = (
    clinic.router,
    clinicians.router,
    patients.router,
    episodes.router,
    sessions.router,
    questions.router,
    handling.router,
)

__all__ = ["ROUTERS"]
