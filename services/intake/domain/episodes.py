"""Episodes of care: from referral to discharge. Oldest first, at most one is open, and none overlaps another.

Where a patient has episodes, `status` and `episode_started_on` follow from them: who has an open one is active. A
patient who never had one is as PUT /v1/patients/{patient} says.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

from services.intake.domain.when import EARLIEST
from shared.contracts import Patient
from shared.contracts.patients import Episode, EpisodeEnd, PatientStatus
from shared.errors import FieldError, Problem, invalid, not_found

MOST_EPISODES: Final = 200


def open_episode(patient: Patient) -> Episode | None:
    """The episode that is not over, where there is one."""
    last = patient.episodes[-1] if patient.episodes else None
    return last if last is not None and last.ended_on is None else None


def refer_patient(current: Patient, wished: Episode, today: date) -> Patient:
    """The patient with a new open episode, in care again; `wished` has neither an end nor a clinician.

    today: the patient's local day. Raises Problem 409 where they are in care already, and 422 for days that cannot be.
    """
    if current.status is PatientStatus.DECEASED:
        raise Problem(
            409,
            "patient_deceased",
            "This patient is recorded as deceased",
            "If that is a mistake, put it right first: PUT /v1/patients/{patient} with the status `discharged`.",
        )
    running = open_episode(current)
    if running is not None:
        raise Problem(
            409,
            "episode_open",
            "There is an open episode of care already",
            "Discharge the patient from it first: POST /v1/patients/{patient}/discharge. Then refer anew.",
        )
    if any(known.episode == wished.episode for known in current.episodes):
        raise Problem(
            409,
            "episode_exists",
            "There is an episode with this id already",
            "Send another id, or none and one is made.",
        )
    if len(current.episodes) >= MOST_EPISODES:
        raise Problem(
            409,
            "too_many_episodes",
            f"This patient has {MOST_EPISODES} episodes already",
            "There is no room for more: tell your operator.",
        )
    _not_ahead("/referred_on", wished.referred_on, today)
    last = current.episodes[-1] if current.episodes else None
    if last is not None and last.ended_on is not None and wished.referred_on < last.ended_on:
        raise invalid(
            FieldError(
                "/referred_on",
                "The episode before ended later than this: send the day it ended on, or a later one.",
            )
        )
    if wished.started_on is None and last is None:
        wished = wished.model_copy(update={"started_on": _in_care_since(current, wished.referred_on, today)})
    if wished.started_on is not None:
        _check_start("/started_on", wished.started_on, wished.referred_on, today)
    return _with_last(current, [*current.episodes, wished])


def start_episode(current: Patient, episode: str, started_on: date, today: date) -> Patient:
    """The patient with the first day of care of an open episode as said; a later word replaces an earlier one.

    Raises Problem 404, 409 where it is over, 422 where the day is before the referral or ahead.
    """
    known = next((one for one in current.episodes if one.episode == episode), None)
    if known is None:
        raise not_found("episode")
    if known.ended_on is not None:
        raise Problem(
            409,
            "episode_over",
            "This episode is over",
            "What came of it is settled. If the patient is in care again, POST /v1/patients/{patient}/referrals.",
        )
    _check_start("/started_on", started_on, known.referred_on, today)
    return _with_last(current, [*current.episodes[:-1], known.model_copy(update={"started_on": started_on})])


def waits_for_session(patient: Patient) -> bool:
    """Whether there is an open episode that has not started: the first session held will start it."""
    running = open_episode(patient)
    return running is not None and running.started_on is None


def start_by_sessions(current: Patient, days: Iterable[date], today: date) -> Patient:
    """The patient after sessions held on these local days: the first one of an open episode starts it.

    A session planned for a later day and attended already starts it today.
    """
    running = open_episode(current)
    if running is None or running.started_on is not None:
        return current
    first = min((day for day in days if day >= running.referred_on), default=None)
    if first is None:
        return current
    return _with_last(current, [*current.episodes[:-1], running.model_copy(update={"started_on": min(first, today)})])


def discharge_patient(current: Patient, end: EpisodeEnd, ended_on: date, today: date) -> Patient:
    """The patient with the open episode ended, hence discharged (or deceased, where that is why it ended).

    Raises Problem 409 where none is open, 422 where the day is before its start or ahead.
    """
    running = open_episode(current)
    if running is None:
        raise Problem(
            409,
            "no_open_episode",
            "There is no open episode of care to end",
            "POST /v1/patients/{patient}/referrals opens one, also for care that began long ago. For a patient without "
            "episodes, PUT /v1/patients/{patient} with the status `discharged`.",
        )
    _not_ahead("/ended_on", ended_on, today)
    begun = running.started_on or running.referred_on
    if ended_on < begun:
        what = "started" if running.started_on else "was referred"
        raise invalid(FieldError("/ended_on", f"The episode {what} later than this: send that day or a later one."))
    return _with_last(current, [*current.episodes[:-1], _ended(running, end, ended_on, current.clinician)])


def keep_to_episodes(current: Patient, wished: Patient, said: frozenset[str], today: date) -> Patient:
    """A patient as wished by PUT, with the episodes there are.

    said: the fields the client sent; `status` and `episode_started_on` left out stay as the episodes have them. The
    status discharged or deceased ends an open episode, today at the earliest that can be. Raises Problem 409 where
    somebody discharged would be active without a referral, 422 for a start that cannot be.
    """
    kept = wished.model_copy(update={"episodes": current.episodes})
    if not current.episodes:
        return kept
    status = wished.status if "status" in said else current.status
    kept = _started_as_said(kept, current, said, today)
    running = open_episode(kept)
    if running is not None and status is not PatientStatus.ACTIVE:
        end = EpisodeEnd.DECEASED if status is PatientStatus.DECEASED else EpisodeEnd.OTHER
        ended_on = max(today, running.started_on or running.referred_on)
        return _with_last(kept, [*kept.episodes[:-1], _ended(running, end, ended_on, wished.clinician)])
    if running is None and status is PatientStatus.ACTIVE:
        raise Problem(
            409,
            "no_open_episode",
            "This patient's last episode of care is over",
            "To take them into care again POST /v1/patients/{patient}/referrals. To change anything else, send the "
            "status `discharged`, or leave `status` out.",
        )
    if running is None:
        return kept.model_copy(update={"status": status, "episode_started_on": current.episode_started_on})
    return _with_last(kept, kept.episodes)


def _started_as_said(kept: Patient, current: Patient, said: frozenset[str], today: date) -> Patient:
    day = kept.episode_started_on
    if "episode_started_on" not in said or day is None or day == current.episode_started_on:
        return kept
    last = current.episodes[-1]
    if last.ended_on is not None:
        raise invalid(
            FieldError("/episode_started_on", "The last episode of care is over and its start settled: leave this out.")
        )
    _check_start("/episode_started_on", day, last.referred_on, today)
    return kept.model_copy(update={"episodes": [*current.episodes[:-1], last.model_copy(update={"started_on": day})]})


def _with_last(patient: Patient, episodes: list[Episode]) -> Patient:
    """The patient with these episodes, and what follows from the last of them."""
    last = episodes[-1]
    status = PatientStatus.ACTIVE
    if last.ended_on is None:
        last = last.model_copy(update={"clinician": patient.clinician})
    else:
        status = PatientStatus.DECEASED if last.end is EpisodeEnd.DECEASED else PatientStatus.DISCHARGED
    return patient.model_copy(
        update={
            "episodes": [*episodes[:-1], last],
            "status": status,
            "episode_started_on": last.started_on or last.referred_on,
        }
    )


def _ended(episode: Episode, end: EpisodeEnd, ended_on: date, clinician: str | None) -> Episode:
    return episode.model_copy(update={"ended_on": ended_on, "end": end, "clinician": clinician})


def _in_care_since(patient: Patient, referred_on: date, today: date) -> date | None:
    """The start of care that was told before there were episodes, where it fits what is referred now."""
    told = patient.episode_started_on
    fits = patient.status is PatientStatus.ACTIVE and told is not None and referred_on <= told <= today
    return told if fits else None


def _check_start(pointer: str, started_on: date, referred_on: date, today: date) -> None:
    _not_ahead(pointer, started_on, today)
    if started_on < referred_on:
        raise invalid(
            FieldError(pointer, "Care cannot start before the referral: send the day of the referral, or a later one.")
        )


def _not_ahead(pointer: str, day: date, today: date) -> None:
    if day > today:
        raise invalid(FieldError(pointer, "This day is still to come where the patient is: send it when it has come."))
    if day < EARLIEST.date():
        raise invalid(FieldError(pointer, "This is before 1950: check the year."))
