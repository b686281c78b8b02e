"""People: clinicians and patients."""

from collections.abc import Iterator
from datetime import date, datetime

from services.intake.domain.care_team import Roles, hand_over
from services.intake.domain.episodes import keep_to_episodes
from services.intake.domain.when import EARLIEST, LONG_AGO
from shared.contracts import Clinician, Patient
from shared.contracts.base import ChannelName
from shared.contracts.patients import PatientStatus
from shared.errors import FieldError, invalid


def register_clinician(wished: Clinician) -> Clinician:
    """The clinician as wished. Raises Problem 422 where a chosen channel has no address, or hours cannot be meant."""
    addresses = {ChannelName.EMAIL: ("email", wished.email), ChannelName.SMS: ("mobile", wished.mobile)}
    missing = [
        (channel, name) for channel in wished.channels if (name := addresses[channel][0]) and not addresses[channel][1]
    ]
    if missing:
        raise invalid(
            *(
                FieldError(f"/{name}", f"The channel `{channel}` needs it: send it, or leave the channel out.")
                for channel, name in missing
            )
        )
    if wished.deputy == wished.clinician:
        raise invalid(FieldError("/deputy", "Somebody else must stand in for them: send another clinician, or none."))
    for place, leave in enumerate(wished.away):
        if leave.ends_at <= leave.starts_at:
            raise invalid(FieldError(f"/away/{place}/ends_at", "Leave ends after it begins: send a later time."))
    wrong = list(_wrong_times(wished))
    if wrong:
        raise invalid(*wrong)
    return wished


def _wrong_times(wished: Clinician) -> Iterator[FieldError]:
    plain = "Send times without an offset: they are meant in the clinician's zone."
    for index, quiet in enumerate(wished.quiet):
        if quiet.starts.tzinfo is not None or quiet.ends.tzinfo is not None:
            yield FieldError(f"/quiet/{index}", plain)
    for weekday, (begins, ends) in (wished.working_hours or {}).items():
        if begins.tzinfo is not None or ends.tzinfo is not None:
            yield FieldError(f"/working_hours/{weekday}", plain)
        elif begins >= ends:
            yield FieldError(f"/working_hours/{weekday}", "Work must begin before it ends, on the same day.")


_EVERYTHING = frozenset(Patient.model_fields)


def register_patient(
    current: Patient | None,
    wished: Patient,
    now: datetime,
    *,
    said: frozenset[str] = _EVERYTHING,
    today: date | None = None,
    roles: Roles | None = None,
) -> Patient:
    """The patient as wished; since when they are registered is settled by the first registration.

    said: the fields the client sent. today: the patient's local day. What is the episodes' and the care team's stays
    theirs: see `keep_to_episodes` and `hand_over`.
    """
    if wished.registered_at > now:
        raise invalid(FieldError("/registered_at", "This is in the future: send when it was, or leave it out for now."))
    if wished.registered_at < EARLIEST:
        raise invalid(FieldError("/registered_at", "This is before 1950: check the year."))
    if current is not None:
        theirs = hand_over(current, to=wished.clinician, at=now, note="", roles=roles or {})
        settled = {
            "registered_at": current.registered_at,
            "created_at": current.created_at,
            "clinician_since": theirs.clinician_since,
            "care_team": theirs.care_team,
        }
        return keep_to_episodes(current, wished.model_copy(update=settled), said, today or now.date())
    return wished.model_copy(update={"created_at": now})


def forget_patient(current: Patient) -> Patient:
    """What is left of a deleted patient: the id, so that nobody comes back under it."""
    return Patient(
        clinic=current.clinic,
        patient=current.patient,
        version=current.version,
        status=PatientStatus.DISCHARGED,
        registered_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
