"""Patients, sessions and questions: what is taken, and what is refused with a word on what to do."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from services.intake import domain
from shared.contracts import Clinician, Patient, Question, QuestionAsked, Session
from shared.contracts.base import ChannelName, Origin
from shared.contracts.clinics import ClinicSettings, Contact, Role, RuleSet
from shared.contracts.questions import QuestionStatus
from shared.contracts.sessions import Attendance, Rating
from shared.errors import Problem

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def patient(**changes: Any) -> Patient:
    fields = {"clinic": "harbour", "patient": "sam", "version": 1, "registered_at": NOW, "updated_at": NOW}
    return Patient.model_validate(fields | changes)


def session(**changes: Any) -> Session:
    fields = {"clinic": "harbour", "patient": "sam", "session": "s1", "version": 1, "scheduled_at": NOW - HOUR}
    return Session.model_validate(fields | {"updated_at": NOW - DAY} | changes)


def rating(at: datetime = NOW, origin: Origin = Origin.LIVE) -> Rating:
    return Rating(
        felt_welcome=9,
        room_was_comfortable=7,
        felt_listened_to=9,
        worked_on_what_matters=8,
        questions_were_answered=8,
        rated_at=at,
        origin=origin,
    )


SETTINGS = ClinicSettings(
    effective_from=NOW - 3000 * timedelta(days=1),
    zone="Europe/London",
    working_hours={day: (time(9), time(17)) for day in ("mon", "tue", "wed", "thu", "fri")},
    rule_set=RuleSet(base="starter"),
    fallback_contact=Contact(name="Duty", email="duty@harbour.example"),
)


def ask(at: datetime = NOW, origin: Origin = Origin.LIVE) -> QuestionAsked:
    return domain.ask_question(
        question="q1",
        clinic="harbour",
        patient="sam",
        text="Why?",
        occurred_at=at,
        origin=origin,
        now=NOW,
        settings=SETTINGS,
        held=frozenset(Role),
    )


def code(refused: pytest.ExceptionInfo[Problem]) -> str:
    return refused.value.code


# --- when ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("age", "origin"),
    [
        (timedelta(minutes=-10), Origin.LIVE),
        (24 * HOUR, Origin.LIVE),
        (90 * DAY, Origin.SYNC),
        (20 * 365 * DAY, Origin.IMPORT),
    ],
)
def test_what_is_within_its_origins_bounds_is_taken(age: timedelta, origin: Origin) -> None:
    """Live up to 24 hours, sync up to 90 days, import of long ago; a phone's clock may run 10 minutes ahead."""
    assert ask(NOW - age, origin).occurred_at == NOW - age


@pytest.mark.parametrize(
    ("age", "origin", "word"),
    [
        (timedelta(minutes=-10, seconds=-1), Origin.IMPORT, "future"),
        (24 * HOUR + timedelta(seconds=1), Origin.LIVE, "`sync`"),
        (91 * DAY, Origin.LIVE, "`import`"),
        (91 * DAY, Origin.SYNC, "`import`"),
        (80 * 365 * DAY, Origin.IMPORT, "1950"),
    ],
)
def test_what_is_not_is_refused_with_what_to_send(age: timedelta, origin: Origin, word: str) -> None:
    """An old entry is not lost: the refusal names the origin it belongs to."""
    with pytest.raises(Problem) as refused:
        ask(NOW - age, origin)

    assert word in refused.value.errors[0].message


def test_a_questions_day_is_the_day_where_it_was_asked() -> None:
    """Half past eleven at night in New York is the next day in UTC, and the same day for the patient."""
    at = datetime(2026, 11, 22, 23, 30, tzinfo=timezone(-5 * HOUR))

    assert ask(at).local_day == date(2026, 11, 22)


# --- people ----------------------------------------------------------------------------------------------------------
def test_a_channel_needs_its_address() -> None:
    """A clinician who is to be told by SMS must have a mobile."""
    wished = Clinician(
        clinic="harbour",
        clinician="priya",
        version=1,
        email="p@harbour.example",
        channels=[ChannelName.EMAIL, ChannelName.SMS],
    )
    with pytest.raises(Problem) as refused:
        domain.register_clinician(wished)

    assert [error.pointer for error in refused.value.errors] == ["/mobile"]


def test_leave_ends_after_it_starts() -> None:
    """The refusal names the stretch that does not."""
    leave = [{"starts_at": NOW, "ends_at": NOW + DAY}, {"starts_at": NOW, "ends_at": NOW}]
    wished = Clinician.model_validate({"clinic": "harbour", "clinician": "priya", "version": 1, "away": leave})
    with pytest.raises(Problem) as refused:
        domain.register_clinician(wished)

    assert [error.pointer for error in refused.value.errors] == ["/away/1/ends_at"]
    assert domain.register_clinician(wished.model_copy(update={"away": wished.away[:1]})).away == wished.away[:1]


def test_since_when_a_patient_is_registered_is_settled_once() -> None:
    """A later PUT cannot move the start from which silence is counted."""
    first = domain.register_patient(None, patient(registered_at=NOW - 90 * DAY), NOW)
    later = domain.register_patient(first, patient(name="Sam", registered_at=NOW), NOW)

    assert later.registered_at == NOW - 90 * DAY
    assert later.name == "Sam"


@pytest.mark.parametrize("at", [NOW + timedelta(seconds=1), datetime(1026, 1, 1, tzinfo=UTC)])
def test_a_registration_that_cannot_have_been_is_refused(at: datetime) -> None:
    """Neither tomorrow nor a thousand years ago."""
    with pytest.raises(Problem):
        domain.register_patient(None, patient(registered_at=at), NOW)


def test_nothing_personal_is_left_of_a_deleted_patient() -> None:
    """The tombstone differs from nobody's but by the id."""
    full = patient(
        name="Sam", email="s@x.example", mobile="+447700900002", consent_to_contact=True, clinician="priya",
        zone="Europe/Dublin", status="deceased", episode_started_on=date(2026, 1, 1),
    )  # fmt: skip

    assert domain.forget_patient(full) == domain.forget_patient(patient())


# --- sessions --------------------------------------------------------------------------------------------------------
def test_a_session_can_be_planned_ahead_or_brought_in_from_the_past() -> None:
    """Two years ahead, or years ago."""
    for at in (NOW + 700 * DAY, NOW - 3000 * DAY):
        assert domain.plan_session(None, session(scheduled_at=at), NOW).scheduled_at == at


@pytest.mark.parametrize("at", [datetime(2099, 1, 1, tzinfo=UTC), datetime(26, 1, 1, tzinfo=UTC)])
def test_a_session_of_a_mistyped_year_is_refused(at: datetime) -> None:
    """A date in 2099 is a slip."""
    with pytest.raises(Problem) as refused:
        domain.plan_session(None, session(scheduled_at=at), NOW)

    assert refused.value.errors[0].pointer == "/scheduled_at"


def test_planning_the_same_session_again_changes_nothing_and_another_under_its_id_is_refused() -> None:
    """An id stands for one session."""
    known = domain.record_attendance(session(), Attendance.ATTENDED, NOW)

    assert domain.plan_session(known, session(), NOW) == known
    with pytest.raises(Problem) as refused:
        domain.plan_session(known, session(scheduled_at=NOW), NOW)
    assert code(refused) == "session_exists"


@pytest.mark.parametrize("attendance", ["attended", "late", "did_not_attend"])
def test_a_session_to_come_can_only_be_cancelled(attendance: str) -> None:
    """Nobody can have missed tomorrow's session."""
    tomorrow = session(scheduled_at=NOW + DAY)
    with pytest.raises(Problem) as refused:
        domain.record_attendance(tomorrow, Attendance(attendance), NOW)

    assert code(refused) == "session_not_yet"
    cancelled = domain.record_attendance(tomorrow, Attendance.CANCELLED_BY_PATIENT, NOW)
    assert cancelled.attendance is Attendance.CANCELLED_BY_PATIENT


def test_somebody_who_comes_early_can_be_marked_as_there() -> None:
    """The front desk does not wait for the hour."""
    early = session(scheduled_at=NOW + HOUR)

    assert domain.record_attendance(early, Attendance.ATTENDED, NOW).attendance is Attendance.ATTENDED


def test_a_slip_in_the_attendance_can_be_corrected_until_the_session_is_rated() -> None:
    """Who rated a session was there."""
    missed = domain.record_attendance(session(), Attendance.DID_NOT_ATTEND, NOW)
    rated = domain.rate_session(domain.record_attendance(missed, Attendance.LATE, NOW), rating(), NOW)

    assert domain.record_attendance(rated, Attendance.ATTENDED, NOW).attendance is Attendance.ATTENDED
    with pytest.raises(Problem) as refused:
        domain.record_attendance(rated, Attendance.DID_NOT_ATTEND, NOW)
    assert code(refused) == "already_rated"


@pytest.mark.parametrize("attendance", [None, "attended", "late"])
def test_a_session_is_rated_once(attendance: str | None) -> None:
    """Also one the front desk has not marked yet: its patient knows whether it was."""
    rated = domain.rate_session(session(attendance=attendance), rating(), NOW)

    assert rated.rating == rating()
    with pytest.raises(Problem) as refused:
        domain.rate_session(rated, rating(), NOW)
    assert code(refused) == "already_rated"


@pytest.mark.parametrize("attendance", ["did_not_attend", "cancelled_by_patient", "cancelled_by_clinic"])
def test_a_session_that_was_not_is_not_rated(attendance: str) -> None:
    """The refusal says how a wrong attendance is put right."""
    with pytest.raises(Problem) as refused:
        domain.rate_session(session(attendance=attendance), rating(), NOW)

    assert code(refused) == "session_not_attended"


@pytest.mark.parametrize("planned", [NOW + timedelta(minutes=1), NOW + DAY])
def test_a_session_is_not_rated_before_its_time(planned: datetime) -> None:
    """A rating of tomorrow's session says nothing."""
    with pytest.raises(Problem) as refused:
        domain.rate_session(session(scheduled_at=planned), rating(), NOW)

    assert code(refused) == "session_not_yet"


def test_a_rating_keeps_to_the_bounds_of_its_origin() -> None:
    """As every entry does: what was made two days ago is not live."""
    held = session(scheduled_at=NOW - 3 * DAY)
    with pytest.raises(Problem) as refused:
        domain.rate_session(held, rating(NOW - 2 * DAY), NOW)

    assert refused.value.errors[0].pointer == "/origin"
    assert domain.rate_session(held, rating(NOW - 2 * DAY, Origin.SYNC), NOW).rating is not None


# --- questions -------------------------------------------------------------------------------------------------------
def untouched() -> Question:
    return domain.open_question(ask(), NOW)


def test_a_question_is_answered_once_and_then_settled() -> None:
    """What the patient may have read is not changed."""
    answered = domain.answer_question(untouched(), text="Because.", by="priya", now=NOW)

    assert (answered.status, answered.answer, answered.answered_by) == (QuestionStatus.ANSWERED, "Because.", "priya")
    with pytest.raises(Problem) as refused:
        domain.answer_question(answered, text="Or not.", by="priya", now=NOW)
    assert code(refused) == "already_answered"
    assert domain.settle_question(answered, NOW).status is QuestionStatus.SETTLED


def test_a_question_can_be_settled_unanswered_and_settling_twice_is_settling_once() -> None:
    """The patient may find the answer alone."""
    settled = domain.settle_question(untouched(), NOW)

    assert settled.answer is None
    assert domain.settle_question(settled, NOW + DAY) == settled


def test_nothing_personal_is_left_of_sessions_and_questions_of_a_deleted_patient() -> None:
    """Neither the comment nor the answer."""
    rated = domain.rate_session(session(clinician="priya"), rating(), NOW)
    answered = domain.answer_question(untouched(), text="Because.", by="priya", now=NOW)

    assert domain.forget_session(rated) == domain.forget_session(session(scheduled_at=NOW))
    assert domain.forget_question(answered) == domain.forget_question(untouched())
