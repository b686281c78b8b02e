"""The life of a session: moved, late, taken back, looked back on; and what was left open when it ended."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import domain
from shared.contracts import Question, Session
from shared.contracts.sessions import Attendance, Checklist, Rating, SessionKind
from shared.errors import Problem

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def session(**changes: Any) -> Session:
    fields = {"clinic": "harbour", "patient": "sam", "session": "s1", "version": 1, "scheduled_at": NOW - HOUR}
    return Session.model_validate(fields | {"updated_at": NOW - DAY} | changes)


def checklist(**points: Any) -> Checklist:
    return Checklist(filled_by="priya", filled_at=NOW, **points)


def rating() -> Rating:
    return Rating.model_validate(
        dict.fromkeys(Rating.model_fields.keys() - {"comment", "rated_at", "screening", "origin"}, 8)
        | {"rated_at": NOW}
    )


def refusal(call: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as refused:
        call()
    return refused.value


def move(current: Session, to: datetime, ends_at: datetime | None = None) -> Session:
    return domain.reschedule_session(current, to=to, ends_at=ends_at, by="patient", now=NOW)


def test_a_session_that_moves_keeps_its_id_its_length_and_where_it_was() -> None:
    """Once to another day, once to another hour; who asked stands with each."""
    planned = session(scheduled_at=NOW + DAY, ends_at=NOW + DAY + HOUR)
    once = move(planned, NOW + 2 * DAY)
    twice = domain.reschedule_session(once, to=NOW + 3 * DAY, ends_at=None, by="clinic", now=NOW + HOUR)

    assert (twice.scheduled_at, twice.ends_at) == (NOW + 3 * DAY, NOW + 3 * DAY + HOUR)
    assert [(one.was, one.at, one.by) for one in twice.rescheduled] == [
        (NOW + DAY, NOW, "patient"),
        (NOW + 2 * DAY, NOW + HOUR, "clinic"),
    ]
    assert move(twice, NOW + 3 * DAY) == twice


def test_what_a_session_is_for_is_said_when_planning_and_put_right_at_any_time() -> None:
    """Treatment where nothing is said; also after it was held and rated, and only what it is for changes."""
    plain = domain.plan_session(None, session(), NOW)
    assessed = domain.plan_session(None, session(), NOW, kind=SessionKind.ASSESSMENT)
    held = session(attendance="attended", rating=rating())
    later = domain.say_kind(held, SessionKind.FOLLOW_UP)

    assert (plain.kind, assessed.kind) == (SessionKind.TREATMENT, SessionKind.ASSESSMENT)
    assert later == held.model_copy(update={"kind": SessionKind.FOLLOW_UP})
    assert domain.say_kind(later, SessionKind.FOLLOW_UP) is later


def test_planning_the_same_session_for_something_else_is_refused_with_where_to_put_it_right() -> None:
    """Unsaid, it is whatever it is now: planning again undoes no correction."""
    current = session(kind="follow_up")
    problem = refusal(lambda: domain.plan_session(current, session(), NOW, kind=SessionKind.TREATMENT))

    assert domain.plan_session(current, session(), NOW) == current
    assert domain.plan_session(current, session(), NOW, kind=SessionKind.FOLLOW_UP) == current
    assert (problem.status, problem.code) == (409, "session_exists")
    assert "PUT /v1/sessions/{session}/kind" in problem.detail


def test_planning_again_what_has_moved_since_is_the_same_session() -> None:
    """A client that sends its plan again does not move it back."""
    planned = session(scheduled_at=NOW + DAY)
    moved = move(planned, NOW + 2 * DAY)

    assert domain.plan_session(moved, planned, NOW) == moved


@pytest.mark.parametrize("attendance", list(Attendance))
def test_a_session_of_which_something_has_become_does_not_move(attendance: Attendance) -> None:
    """The refusal names both ways on: another session, or taking back a slip."""
    refused = refusal(lambda: move(session(attendance=attendance), NOW + DAY))

    assert (refused.code, "DELETE" in refused.detail) == ("session_over", True)


@pytest.mark.parametrize(
    ("to", "ends_at", "pointer"),
    [
        (NOW + 800 * DAY, None, "/scheduled_at"),
        (NOW + DAY, NOW + DAY, "/ends_at"),
        (NOW + DAY, NOW + 2 * DAY, "/ends_at"),
    ],
)
def test_a_move_to_a_time_that_cannot_be_meant_is_refused(to: datetime, ends_at: datetime | None, pointer: str) -> None:
    """As planning it would be."""
    assert refusal(lambda: move(session(), to, ends_at)).errors[0].pointer == pointer


def test_a_session_moves_fifty_times_and_then_wants_to_be_planned_anew() -> None:
    """Something else is wrong by then."""
    current = session(scheduled_at=NOW)
    for number in range(50):
        current = move(current, NOW + (number + 1) * HOUR)

    assert refusal(lambda: move(current, NOW + 99 * HOUR)).code == "moved_too_often"


def test_who_came_late_may_be_told_by_how_much_and_nobody_else() -> None:
    """Marking on time afterwards takes the minutes away; the same word again changes nothing."""
    late = domain.record_attendance(session(), Attendance.LATE, NOW, late_minutes=10)

    assert (late.late_minutes, late.attendance_at) == (10, NOW)
    assert domain.record_attendance(late, Attendance.LATE, NOW + HOUR) == late
    assert domain.record_attendance(late, Attendance.ATTENDED, NOW + HOUR).late_minutes is None
    refused = refusal(lambda: domain.record_attendance(session(), Attendance.ATTENDED, NOW, late_minutes=10))
    assert refused.errors[0].pointer == "/late_minutes"


def test_a_session_cancelled_by_mistake_is_planned_again() -> None:
    """And can move; one that was rated or looked back on took place."""
    cancelled = domain.record_attendance(session(scheduled_at=NOW + DAY), Attendance.CANCELLED_BY_CLINIC, NOW)
    back = domain.take_back_attendance(cancelled)

    assert back == session(scheduled_at=NOW + DAY)
    assert domain.take_back_attendance(back) == back
    for held in (domain.rate_session(session(), rating(), NOW), session(checklist=checklist(welcomed=True))):
        assert refusal(lambda held=held: domain.take_back_attendance(held)).code == "session_over"


def test_a_checklist_is_filled_of_a_session_that_was_and_replaced_by_a_later_one() -> None:
    """The same again, by anybody, is no news; what was not said stays unsaid."""
    first = domain.fill_checklist(session(), checklist(welcomed=True), NOW)
    again = domain.fill_checklist(first, checklist(welcomed=True).model_copy(update={"filled_by": "lee"}), NOW)
    second = domain.fill_checklist(first, checklist(time_for_questions=False), NOW)

    assert first.checklist == checklist(welcomed=True)
    assert again == first
    assert second.checklist == checklist(time_for_questions=False)


@pytest.mark.parametrize(
    ("current", "wished", "code"),
    [
        (session(), checklist(), "invalid"),
        (session(scheduled_at=NOW + 2 * HOUR), checklist(welcomed=True), "session_not_yet"),
        (session(attendance="did_not_attend"), checklist(welcomed=True), "session_not_attended"),
    ],
)
def test_a_checklist_of_nothing_of_tomorrow_or_of_a_missed_session_is_refused(
    current: Session, wished: Checklist, code: str
) -> None:
    """It is about what happened in the room."""
    assert refusal(lambda: domain.fill_checklist(current, wished, NOW)).code == code


def test_a_session_with_a_checklist_was_not_missed() -> None:
    """Somebody has to say which of the two is wrong."""
    filled = domain.fill_checklist(session(), checklist(welcomed=True), NOW)

    assert refusal(lambda: domain.record_attendance(filled, Attendance.DID_NOT_ATTEND, NOW)).code == "checklist_filled"
    assert domain.record_attendance(filled, Attendance.ATTENDED, NOW).attendance is Attendance.ATTENDED


@pytest.mark.parametrize(
    ("asked", "answered", "settled", "left"),
    [
        (-60, None, None, True),
        (40, None, None, True),
        (51, None, None, False),
        (-60, 49, None, False),
        (-60, 51, None, True),
        (-60, None, 30, False),
    ],
)
def test_a_question_is_left_open_if_neither_answered_nor_settled_by_the_end(
    *, asked: int, answered: int | None, settled: int | None, left: bool
) -> None:
    """In minutes from the beginning of a session of the usual fifty."""
    held = session(scheduled_at=NOW)

    def at(minutes: int | None) -> datetime | None:
        return None if minutes is None else NOW + timedelta(minutes=minutes)

    handling = Question(
        clinic="harbour", patient="sam", question="q1", version=1, asked_at=NOW, updated_at=NOW,
        answered_at=at(answered), settled_at=at(settled),
    )  # fmt: skip

    assert domain.left_open(NOW + timedelta(minutes=asked), handling, held) is left


MOVES = st.tuples(st.just("move"), st.integers(-48, 96))
MARKS = st.tuples(st.just("mark"), st.sampled_from(Attendance))
OTHERS = st.sampled_from([("back", None), ("rate", None), ("check", None), ("wait", 5), ("wait", 30)])


@given(st.lists(st.one_of(MOVES, MARKS, OTHERS), max_size=25))
def test_whatever_is_sent_a_session_that_was_looked_back_on_took_place(calls: list[tuple[str, Any]]) -> None:
    """Rated or with a checklist it is neither missed nor cancelled; late minutes are of the late; a move ends there."""
    current, now = session(scheduled_at=NOW), NOW
    for kind, what in calls:
        try:
            match kind:
                case "move":
                    current = domain.reschedule_session(
                        current, to=NOW + what * HOUR, ends_at=None, by="clinic", now=now
                    )
                case "mark":
                    minutes = 7 if what is Attendance.LATE else None
                    current = domain.record_attendance(current, what, now, late_minutes=minutes)
                case "back":
                    current = domain.take_back_attendance(current)
                case "rate":
                    current = domain.rate_session(current, rating().model_copy(update={"rated_at": now}), now)
                case "check":
                    current = domain.fill_checklist(current, checklist(welcomed=True), now)
                case _:
                    now += what * HOUR
        except Problem:
            continue
        there = current.attendance in (None, Attendance.ATTENDED, Attendance.LATE)
        assert there or (current.rating is None and current.checklist is None)
        assert (current.attendance is None) == (current.attendance_at is None)
        assert current.late_minutes is None or current.attendance is Attendance.LATE
        assert not current.rescheduled or current.rescheduled[0].was == NOW
