"""Who cares for a patient: their clinician, and the care team beside. Past members stay known."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from services.intake.domain.episodes import open_episode
from services.intake.domain.when import EARLIEST
from shared.contracts import Patient
from shared.contracts.clinics import Role
from shared.contracts.patients import CareTeamMember
from shared.errors import FieldError, Problem, invalid, not_found

MOST_MEMBERS: Final = 500
"""Members past and present together."""

Roles = Mapping[str, Role]
"""What clinicians do, by id; whoever is not among them counts as a therapist."""


def transfer_patient(current: Patient, *, to: str, at: datetime, note: str, roles: Roles, now: datetime) -> Patient:
    """The patient with another clinician from an instant on; the one before stays in the care team's past.

    Raises Problem 422 for an instant to come or before the present clinician took over.
    """
    if current.clinician == to:
        return current
    if at > now:
        raise invalid(
            FieldError("/at", "A transfer takes effect when it is sent: send it then, or leave this out for now.")
        )
    if at < EARLIEST:
        raise invalid(FieldError("/at", "This is before 1950: check the year."))
    if current.clinician is not None and at < clinician_since(current):
        raise invalid(
            FieldError("/at", "The present clinician took over later than this: send that instant or a later one.")
        )
    return hand_over(current, to=to, at=at, note=note, roles=roles)


def hand_over(current: Patient, *, to: str | None, at: datetime, note: str, roles: Roles) -> Patient:
    """The patient with another clinician, or none; whoever goes is kept in the care team's past, and so is a past
    beside them that ends where somebody of the team takes over."""
    if current.clinician == to:
        return current
    team = [_until(one, at) if one.clinician == to and one.until is None else one for one in current.care_team]
    if current.clinician is not None:
        gone = CareTeamMember(
            clinician=current.clinician,
            role=roles.get(current.clinician, Role.THERAPIST),
            since=min(clinician_since(current), at),
            until=at,
            note=note,
        )
        team = [*team, gone]
    _room(team)
    changed = current.model_copy(
        update={"clinician": to, "clinician_since": None if to is None else at, "care_team": team}
    )
    running = open_episode(changed)
    if running is not None:
        follows = running.model_copy(update={"clinician": to})
        changed = changed.model_copy(update={"episodes": [*changed.episodes[:-1], follows]})
    return changed


def clinician_since(patient: Patient) -> datetime:
    """Since when the present clinician is the patient's; where that was never told, since we know the patient."""
    return patient.clinician_since or patient.registered_at


def join_care_team(current: Patient, *, clinician: str, role: Role, since: datetime, now: datetime) -> Patient:
    """The patient with somebody more who shares the care; in another role than before, from then on.

    Raises Problem 409 where they are the patient's clinician, 422 for an instant to come.
    """
    if current.clinician == clinician:
        raise Problem(
            409,
            "already_clinician",
            "They are this patient's clinician",
            "The care team is who shares the care beside them. To change the clinician, POST to /transfer.",
        )
    if not EARLIEST <= since <= now:
        raise invalid(FieldError("/since", "Send when they joined, an instant that has come, or leave it out for now."))
    present = next((one for one in current.care_team if one.clinician == clinician and one.until is None), None)
    if present is not None and present.role is role:
        return current
    if present is not None:
        since = max(since, present.since)
    team = [_until(one, since) if one is present else one for one in current.care_team]
    team = [*team, CareTeamMember(clinician=clinician, role=role, since=since)]
    _room(team)
    return current.model_copy(update={"care_team": team})


def leave_care_team(current: Patient, *, clinician: str, now: datetime) -> Patient:
    """The patient with one fewer in the care team. Raises Problem 404 where they never were in it."""
    if not any(one.clinician == clinician for one in current.care_team):
        raise not_found("member of the care team")
    team = [_until(one, now) if one.clinician == clinician and one.until is None else one for one in current.care_team]
    return current.model_copy(update={"care_team": team})


def _until(member: CareTeamMember, at: datetime) -> CareTeamMember:
    return member.model_copy(update={"until": max(at, member.since)})


def _room(team: list[CareTeamMember]) -> None:
    if len(team) > MOST_MEMBERS:
        raise Problem(
            409,
            "care_team_full",
            f"This patient's care team has had {MOST_MEMBERS} members already",
            "There is no room for more: tell your operator.",
        )
