"""Who calls, by the role in their token: what only a clinician's word or look can do."""

from typing import Final

from shared.contracts.clinics import Role

SYSTEM: Final = "clinic_system"
PATIENT: Final = "patient"
CLINICIANS: Final = frozenset({"clinician", Role.THERAPIST.value, Role.PRESCRIBER.value, Role.LEAD.value})
"""Roles of people who care for patients. Neither `admin` nor `support`: what they see, no clinician has seen."""


def is_clinician(role: str) -> bool:
    """Whether somebody who cares for patients calls."""
    return role in CLINICIANS


def is_system(role: str) -> bool:
    """Whether the clinic's own system calls."""
    return role == SYSTEM


def is_patient(role: str) -> bool:
    """Whether a patient calls with a token of their own."""
    return role == PATIENT
