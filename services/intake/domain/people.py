"""People: clinicians and patients."""

from collections.abc import Iterator
from datetime import datetime

from services.intake.domain.when import EARLIEST, LONG_AGO, invalid
from shared.contracts import Clinician, Patient
from shared.contracts.base import ChannelName
from shared.contracts.patients import PatientStatus
from shared.errors import FieldError


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


def register_patient(current: Patient | None, wished: Patient, now: datetime) -> Patient:
    """The patient as wished; since when they are registered is settled by the first registration."""
    if wished.registered_at > now:
        raise invalid(FieldError("/registered_at", "This is in the future: send when it was, or leave it out for now."))
    if wished.registered_at < EARLIEST:
        raise invalid(FieldError("/registered_at", "This is before 1950: check the year."))
    if current is not None:
        settled = {"registered_at": current.registered_at, "created_at": current.created_at}
        return wished.model_copy(update=settled)
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
