"""Episodes of care, transfers and care teams: what is taken, what is refused, and what holds whatever was sent."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import domain
from shared.contracts import Patient
from shared.contracts.clinics import Role
from shared.contracts.patients import Episode, EpisodeEnd, PatientStatus
from shared.errors import Problem

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
TODAY = NOW.date()


def day(number: int) -> date:
    """So many days before (negative) or after today."""
    return TODAY + timedelta(days=number)


def patient(**changes: Any) -> Patient:
    fields = {"clinic": "harbour", "patient": "sam", "version": 1, "registered_at": NOW - timedelta(days=900)}
    return Patient.model_validate(fields | {"updated_at": NOW} | changes)


def referred(
    current: Patient, referred_on: date = TODAY, *, name: str = "e1", started_on: date | None = None
) -> Patient:
    wished = Episode(episode=name, referred_on=referred_on, started_on=started_on, problem="depression")
    return domain.refer_patient(current, wished, TODAY)


def put(current: Patient, **fields: Any) -> Patient:
    """What a PUT with these fields makes of a patient."""
    return domain.register_patient(current, patient(**fields), NOW, said=frozenset(fields), today=TODAY)


def refusal(call: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as refused:
        call()
    return refused.value


# --- there and back --------------------------------------------------------------------------------------------------
def test_a_referral_takes_into_care_and_a_discharge_ends_it() -> None:
    """Status and start follow; the clinician stands in the episode."""
    open_ = referred(patient(clinician="priya", status="discharged"), day(-30))
    started = domain.start_episode(open_, "e1", day(-20), TODAY)
    ended = domain.discharge_patient(started, EpisodeEnd.COMPLETED, day(-1), TODAY)

    assert (open_.status, open_.episode_started_on) == (PatientStatus.ACTIVE, day(-30))
    assert (started.episodes[0].started_on, started.episode_started_on) == (day(-20), day(-20))
    assert (ended.status, ended.episode_started_on) == (PatientStatus.DISCHARGED, day(-20))
    assert (ended.episodes[0].clinician, ended.episodes[0].end) == ("priya", EpisodeEnd.COMPLETED)


def test_a_new_referral_begins_another_baseline() -> None:
    """The scores of the episode before are none."""
    ended = domain.discharge_patient(referred(patient(), day(-90)), EpisodeEnd.DROPPED_OUT, day(-60), TODAY)
    again = referred(ended, day(-60), name="e2")

    assert (again.status, again.episode_started_on) == (PatientStatus.ACTIVE, day(-60))
    assert [one.episode for one in again.episodes] == ["e1", "e2"]


def test_the_first_session_attended_starts_an_episode_and_later_ones_do_not() -> None:
    """One held before the referral was of another time."""
    open_ = referred(patient(), day(-30))
    before = domain.start_by_sessions(open_, [day(-31)], TODAY)
    first = domain.start_by_sessions(open_, [day(-31), day(-13), day(-20)], TODAY)

    assert before == open_
    assert first.episodes[0].started_on == day(-20)
    assert domain.start_by_sessions(first, [day(-25)], TODAY) == first


def test_a_session_attended_before_its_day_starts_the_episode_today() -> None:
    """Somebody came early, across midnight: no episode starts ahead."""
    assert domain.start_by_sessions(referred(patient(), TODAY), [day(1)], TODAY).episodes[0].started_on == TODAY


def test_care_that_ran_before_there_were_episodes_keeps_its_start() -> None:
    """A clinic that begins to use episodes does not move anybody's baseline."""
    running = patient(status="active", episode_started_on=day(-40))

    assert referred(running, day(-50)).episode_started_on == day(-40)
    assert referred(running, day(-10)).episode_started_on == day(-10)
    assert referred(patient(episode_started_on=day(9))).episode_started_on == TODAY


def test_an_episode_that_ended_by_death_says_so_of_the_patient() -> None:
    """And nobody is referred any more, until that is put right."""
    gone = domain.discharge_patient(referred(patient()), EpisodeEnd.DECEASED, TODAY, TODAY)

    assert gone.status is PatientStatus.DECEASED
    assert refusal(lambda: referred(gone, name="e2")).code == "patient_deceased"
    assert referred(put(gone, status="discharged"), name="e2").status is PatientStatus.ACTIVE


# --- what is refused, and what to do ---------------------------------------------------------------------------------
def test_what_cannot_be_of_an_episode_is_refused_with_what_to_do() -> None:
    """A second open one, an end before the start, days to come, an overlap, an id used before."""
    open_ = referred(patient(), day(-30), started_on=day(-20))
    ended = domain.discharge_patient(open_, EpisodeEnd.COMPLETED, day(-5), TODAY)

    assert refusal(lambda: referred(open_, name="e2")).code == "episode_open"
    assert "/discharge" in refusal(lambda: referred(open_, name="e2")).detail
    assert refusal(lambda: domain.discharge_patient(ended, EpisodeEnd.OTHER, TODAY, TODAY)).code == "no_open_episode"
    assert refusal(lambda: domain.discharge_patient(patient(), EpisodeEnd.OTHER, TODAY, TODAY)).status == 409
    for wrong in (day(-21), day(1)):
        problem = refusal(lambda wrong=wrong: domain.discharge_patient(open_, EpisodeEnd.OTHER, wrong, TODAY))
        assert [error.pointer for error in problem.errors] == ["/ended_on"]
    for wrong in (day(-31), day(1)):
        problem = refusal(lambda wrong=wrong: domain.start_episode(open_, "e1", wrong, TODAY))
        assert [error.pointer for error in problem.errors] == ["/started_on"]
    assert refusal(lambda: referred(ended, day(-6), name="e2")).errors[0].pointer == "/referred_on"
    assert refusal(lambda: referred(ended, day(1), name="e2")).errors[0].pointer == "/referred_on"
    assert refusal(lambda: referred(ended, name="e1")).code == "episode_exists"
    assert refusal(lambda: domain.start_episode(ended, "e1", TODAY, TODAY)).code == "episode_over"
    assert refusal(lambda: domain.start_episode(open_, "other", TODAY, TODAY)).status == 404


# --- beside PUT ------------------------------------------------------------------------------------------------------
def test_a_put_that_knows_nothing_of_episodes_leaves_them_as_they_are() -> None:
    """A new mobile neither ends nor begins care."""
    open_ = referred(patient(clinician="priya"), day(-30), started_on=day(-20))
    ended = domain.discharge_patient(open_, EpisodeEnd.COMPLETED, TODAY, TODAY)

    assert put(open_, mobile="+447700900002", clinician="priya").episodes == open_.episodes
    for known in (open_, ended):
        changed = put(known, mobile="+447700900002", clinician="priya")
        assert (changed.status, changed.episode_started_on) == (known.status, known.episode_started_on)


def test_a_put_that_discharges_ends_the_open_episode_and_one_that_reactivates_needs_a_referral() -> None:
    """The reason nobody gave is `other`."""
    open_ = referred(patient(), day(-30))
    ended = put(open_, status="discharged")

    assert (ended.status, ended.episodes[0].end, ended.episodes[0].ended_on) == ("discharged", EpisodeEnd.OTHER, TODAY)
    assert put(open_, status="deceased").episodes[0].end is EpisodeEnd.DECEASED
    assert refusal(lambda: put(ended, status="active")).code == "no_open_episode"


def test_without_episodes_a_put_says_the_status_as_it_always_did() -> None:
    """Discharged and back, with a start of its own."""
    gone = put(patient(), status="discharged")
    back = put(gone, episode_started_on=day(-3))

    assert (gone.status, gone.episodes) == (PatientStatus.DISCHARGED, [])
    assert (back.status, back.episode_started_on) == (PatientStatus.ACTIVE, day(-3))


def test_a_start_said_by_put_is_the_open_episodes_and_sending_back_what_was_read_changes_nothing() -> None:
    """It keeps to the same bounds."""
    open_ = referred(patient(), day(-30))

    assert put(open_, episode_started_on=day(-30)).episodes[0].started_on is None
    assert put(open_, episode_started_on=day(-9)).episodes[0].started_on == day(-9)
    assert refusal(lambda: put(open_, episode_started_on=day(-31))).errors[0].pointer == "/episode_started_on"


# --- whose patient ---------------------------------------------------------------------------------------------------
def moved(current: Patient, to: str, *, hours_ago: float = 0, note: str = "") -> Patient:
    at = NOW - timedelta(hours=hours_ago)
    return domain.transfer_patient(current, to=to, at=at, note=note, roles={"priya": Role.PRESCRIBER}, now=NOW)


def test_after_a_transfer_the_one_before_stays_in_the_teams_past() -> None:
    """With the role, the time and the note; the open episode follows."""
    given = moved(referred(patient(clinician="priya")), "lee", hours_ago=2, note="On leave.")
    [past] = given.care_team

    assert (given.clinician, given.clinician_since) == ("lee", NOW - timedelta(hours=2))
    assert (past.clinician, past.role, past.note) == ("priya", Role.PRESCRIBER, "On leave.")
    assert (past.since, past.until) == (patient().registered_at, NOW - timedelta(hours=2))
    assert given.episodes[0].clinician == "lee"
    assert moved(given, "lee") == given


def test_a_transfer_neither_lies_ahead_nor_before_the_one_before() -> None:
    """What is in force is what stands in the document."""
    given = moved(patient(clinician="priya"), "lee", hours_ago=2)

    for hours_ago in (-1, 3):
        assert refusal(lambda ago=hours_ago: moved(given, "mei", hours_ago=ago)).errors[0].pointer == "/at"


def test_whoever_takes_over_from_the_team_is_no_longer_beside_the_patient() -> None:
    """One person has one place at a time."""
    shared = domain.join_care_team(
        patient(clinician="priya"), clinician="lee", role=Role.LEAD, since=NOW - timedelta(days=3), now=NOW
    )
    given = moved(shared, "lee")

    assert [(one.clinician, one.until) for one in given.care_team] == [("lee", NOW), ("priya", NOW)]


def test_a_care_team_is_joined_and_left_and_another_role_holds_from_then_on() -> None:
    """Doing it again changes nothing; the patient's own clinician is not beside themselves."""
    alone = patient(clinician="priya")
    join = {"clinician": "lee", "since": NOW - timedelta(days=1), "now": NOW}
    joined = domain.join_care_team(alone, role=Role.SUPPORT, **join)  # type: ignore[arg-type]
    lead = domain.join_care_team(joined, clinician="lee", role=Role.LEAD, since=NOW, now=NOW)
    left = domain.leave_care_team(lead, clinician="lee", now=NOW)

    assert domain.join_care_team(joined, role=Role.SUPPORT, **join) == joined  # type: ignore[arg-type]
    assert [(one.role, one.until) for one in lead.care_team] == [(Role.SUPPORT, NOW), (Role.LEAD, None)]
    assert [one.until for one in left.care_team] == [NOW, NOW]
    assert domain.leave_care_team(left, clinician="lee", now=NOW + timedelta(days=1)) == left
    assert refusal(lambda: domain.leave_care_team(alone, clinician="lee", now=NOW)).status == 404
    refused = refusal(lambda: domain.join_care_team(alone, clinician="priya", role=Role.LEAD, since=NOW, now=NOW))
    assert refused.code == "already_clinician"


def test_a_put_with_another_clinician_is_a_transfer_too() -> None:
    """However it was said, it is known who had the patient before."""
    changed = put(referred(patient(clinician="priya")), clinician="lee")

    assert [(one.clinician, one.until) for one in changed.care_team] == [("priya", NOW)]
    assert (changed.clinician_since, changed.episodes[0].clinician) == (NOW, "lee")


# --- whatever was sent -----------------------------------------------------------------------------------------------
DAYS = st.integers(-40, 3).map(day)
CALLS = st.one_of(
    st.tuples(st.just("refer"), DAYS, st.none() | DAYS),
    st.tuples(st.just("start"), DAYS, st.integers(0, 5)),
    st.tuples(st.just("session"), DAYS, st.none()),
    st.tuples(st.just("discharge"), DAYS, st.sampled_from(EpisodeEnd)),
    st.tuples(st.just("put"), DAYS, st.none() | st.sampled_from(PatientStatus)),
    st.tuples(st.just("transfer"), st.sampled_from(["priya", "lee"]), st.integers(-2, 50)),
)


def called(current: Patient, call: tuple[str, Any, Any], number: int) -> Patient:
    kind, one, other = call
    if kind == "refer":
        return referred(current, one, name=f"e{number}", started_on=other)
    if kind == "start":
        return domain.start_episode(current, f"e{other}", one, TODAY)
    if kind == "session":
        return domain.start_by_sessions(current, [one], TODAY)
    if kind == "discharge":
        return domain.discharge_patient(current, other, one, TODAY)
    if kind == "transfer":
        return moved(current, one, hours_ago=other)
    said = {} if other is None else {"status": other}
    return put(current, clinician=current.clinician, episode_started_on=one, **said)


@given(begun=st.booleans(), calls=st.lists(CALLS, max_size=25))
def test_whatever_is_sent_in_whatever_order_the_episodes_stay_in_order(*, begun: bool, calls: list[Any]) -> None:
    """At most one is open, and it is the last; none overlaps another or ends before it began; status and start follow.

    What was refused changed nothing.
    """
    now = patient(clinician="priya", status="active" if begun else "discharged")
    for number, call in enumerate(calls):
        try:
            now = called(now, call, number)
        except Problem:
            continue
        assert now == Patient.model_validate_json(now.model_dump_json())
        for one in now.episodes:
            days = [on for on in (one.referred_on, one.started_on, one.ended_on) if on is not None]
            assert days == sorted(days)
            assert all(on <= TODAY for on in days)
            assert (one.ended_on is None) == (one.end is None)
        assert all(a.ended_on is not None and a.ended_on <= b.referred_on for a, b in pairwise(now.episodes))
        assert len({one.episode for one in now.episodes}) == len(now.episodes)
        if now.episodes:
            last = now.episodes[-1]
            assert (last.ended_on is None) == (now.status is PatientStatus.ACTIVE)
            assert now.episode_started_on == (last.started_on or last.referred_on)
            assert last.ended_on is not None or last.clinician == now.clinician
        assert all(one.until is not None and one.since <= one.until for one in now.care_team)
