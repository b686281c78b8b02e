"""Missed sessions, held to docs/rules.md at its edges, and to the oracle whatever was recorded in whatever order."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.domain import Findings, PatientState
from shared.contracts import Session
from shared.contracts.base import Fact, Origin, Urgency
from shared.contracts.clinics import RuleChoice
from shared.contracts.patients import PatientStatus
from shared.contracts.sessions import Attendance
from tests import oracle
from tests.unit.insights import builders as b

DNA, CANCELLED = Attendance.DID_NOT_ATTEND, Attendance.CANCELLED_BY_PATIENT
MOMENT = timedelta(microseconds=1)


def planned(
    name: str, at: datetime, attendance: Attendance | None, *, recorded: datetime | None = None, version: int = 1
) -> Session:
    """A session, and what became of it."""
    marked = {"attendance": attendance, "attendance_at": recorded or at} if attendance else {}
    made = b.session(name, None, version=version)
    return Session.model_validate(made.model_dump() | {"scheduled_at": at} | marked)


def run(*attendances: Attendance | None) -> list[Session]:
    """Weekly sessions from day 7 on."""
    return [planned(f"s{n}", b.day(7 * n), what) for n, what in enumerate(attendances, 1)]


def told(found: Findings) -> list[tuple[str, Urgency]]:
    return [(one.id, one.urgency) for one in b.listed(found, "missed_sessions").telling]


def test_two_missed_in_a_row_hold_and_each_that_follows_is_told() -> None:
    """Since the one that completed the run; the first alone is nobody's task."""
    one = b.look(b.state_of(b.patient(), *run(DNA)), b.day(60))
    found = b.look(b.state_of(b.patient(), *run(Attendance.ATTENDED, DNA, CANCELLED, DNA)), b.day(60))
    concern = b.listed(found, "missed_sessions")

    assert b.concern(one, "missed_sessions") is None
    assert (concern.since, concern.numbers) == (b.day(21), {"missed": 3, "not_attended": 2})
    assert told(found) == [
        ("session/s3/cancelled_by_patient", Urgency.WORKING_HOURS),
        ("session/s4/did_not_attend", Urgency.WORKING_HOURS),
    ]
    assert oracle.check_wording({"concerns": [concern.model_dump()]}) == []


@pytest.mark.parametrize("between", [None, Attendance.CANCELLED_BY_CLINIC])
def test_what_the_clinic_cancelled_or_nobody_marked_neither_counts_nor_breaks(between: Attendance | None) -> None:
    """The patient did nothing there."""
    found = b.look(b.state_of(b.patient(), *run(DNA, between, DNA)), b.day(60))

    assert b.listed(found, "missed_sessions").since == b.day(21)


@pytest.mark.parametrize("there", [Attendance.ATTENDED, Attendance.LATE])
def test_it_ends_with_a_session_attended_or_with_a_slip_put_right(there: Attendance) -> None:
    """A corrected attendance withdraws its evidence."""
    state = b.state_of(b.patient(), *run(DNA, DNA))
    assert b.concern(b.look(state, b.day(60)), "missed_sessions") is not None

    state.apply(planned("s3", b.day(21), there))
    assert b.concern(b.look(state, b.day(60)), "missed_sessions") is None
    state.apply(planned("s3", b.day(21), None, version=2))
    assert len(told(b.look(state, b.day(60)))) == 1
    state.apply(planned("s2", b.day(14), there, version=2))
    assert b.concern(b.look(state, b.day(60)), "missed_sessions") is None


def test_a_session_cancelled_ahead_counts_when_its_time_has_come() -> None:
    """Not a moment before; the assessment is due then."""
    state = b.state_of(b.patient(), *run(DNA), planned("s2", b.day(14), CANCELLED, recorded=b.day(8)))
    before = b.look(state, b.day(13))

    assert (b.concern(before, "missed_sessions"), before.due) == (None, b.day(14))
    assert told(b.look(state, b.day(14))) == [("session/s2/cancelled_by_patient", Urgency.WORKING_HOURS)]


@pytest.mark.parametrize(
    ("answers", "pressing"),
    [
        ([(-1, 1)], True),
        ([(0, 3)], True),
        ([(-90 + 1e-9, 1)], True),
        ([(-90, 1)], False),
        ([(-2, 2), (-1, 0)], False),
        ([(-2, 0), (-1, 1)], True),
        ([(1, 3)], False),
    ],
)
def test_one_not_attended_after_an_answer_about_harm_above_0_is_told_at_once(
    answers: list[tuple[float, int]],
    pressing: bool,  # noqa: FBT001  a row of the table
) -> None:
    """The last answer before it counts, for ninety days; in days before (negative) and after the session."""
    given_ = [(b.fact_id(at), b.answers(b.day(100 + at), risk=[(value, 14, 2)])) for at, value in answers]
    state = b.state_of(b.patient(), *given_, planned("s1", b.day(100), DNA))
    concern = b.concern(b.look(state, b.day(101)), "missed_sessions")

    assert (concern is not None) == pressing
    if concern is not None:
        assert told(b.look(state, b.day(101))) == [("session/s1/did_not_attend", Urgency.AT_ONCE)]
        assert oracle.check_wording({"concerns": [concern.model_dump()]}) == []


def test_a_0_to_another_question_about_harm_hides_no_answer_above_0() -> None:
    """PHQ-9 item 9 at 3, an hour later CORE-10 item 6 at 0, then not there: told at once; the PHQ-9's own 0 counts."""
    said = [
        b.answers(b.day(5), risk=[(3, 14, 2)]),
        b.answers(b.day(5, 1), instrument="core10", risk=[(0, 7, 1)]),
        b.withdrawn(b.day(5, 2), b.fact_id(1)),
    ]
    missed = planned("s1", b.day(7), DNA)
    found = b.look(b.state_of(b.patient(), *said, missed), b.day(8))
    calmed = b.look(b.state_of(b.patient(), *said, b.answers(b.day(6), risk=[(0, 14, 2)]), missed), b.day(8))

    assert told(found) == [("session/s1/did_not_attend", Urgency.AT_ONCE)]
    assert b.concern(calmed, "missed_sessions") is None


def test_one_cancelled_after_an_answer_about_harm_is_no_absence() -> None:
    """They said that they would not come."""
    state = b.state_of(b.patient(), b.answers(b.day(6), risk=[(2, 14, 2)]), *run(CANCELLED))

    assert b.concern(b.look(state, b.day(60)), "missed_sessions") is None


@pytest.mark.parametrize(("days", "origin"), [(14, Origin.LIVE), (14.001, Origin.IMPORT)])
def test_what_was_recorded_long_afterwards_pages_nobody(days: float, origin: Origin) -> None:
    """It came from another system's past."""
    second = planned("s2", b.day(14), DNA, recorded=b.day(14 + days))
    found = b.look(b.state_of(b.patient(), *run(DNA), second), b.day(60))

    assert [one.origin for one in b.listed(found, "missed_sessions").telling] == [origin]


@pytest.mark.parametrize(
    "document",
    [None, b.patient(status=PatientStatus.DISCHARGED), b.patient(deleted=True)],
)
def test_only_who_is_in_care_misses_sessions(document: Any) -> None:
    """A discharge ends it."""
    known = [] if document is None else [document]

    assert b.concern(b.look(b.state_of(*known, *run(DNA, DNA)), b.day(60)), "missed_sessions") is None


def test_a_clinic_says_how_many_in_a_row() -> None:
    """And for how long an answer about harm presses."""
    rules = {"missed_sessions": RuleChoice(parameters={"in_a_row": 3.9, "risk_days": 1})}
    settled = b.clinic(b.settings(rules=rules))
    state = b.state_of(b.patient(), b.answers(b.day(5), risk=[(2, 14, 2)]), *run(DNA, DNA))
    two = b.look(state, b.day(60), known=settled)
    state.apply(planned("s3", b.day(21), DNA))

    assert b.concern(two, "missed_sessions") is None
    assert b.listed(b.look(state, b.day(60), known=settled), "missed_sessions").since == b.day(21)


DOCUMENTS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 8),
        st.none() | st.sampled_from(Attendance),
        st.integers(0, 30),
        st.booleans(),
    ),
    max_size=14,
)
ANSWERS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 2), st.sampled_from(["phq9", "core10"]), st.booleans()), max_size=5
)


@given(DOCUMENTS, ANSWERS, st.integers(0, 10), st.integers(1, 3), st.randoms(use_true_random=False))
def test_whatever_was_recorded_in_whatever_order_it_says_what_the_oracle_says(
    documents: list[Any], answers: list[Any], now: int, in_a_row: int, chance: Random
) -> None:
    """Sessions moved, marked, corrected, deleted, their versions late or twice; answers about harm before and after."""
    settled = b.clinic(b.settings(rules={"missed_sessions": RuleChoice(parameters={"in_a_row": in_a_row})}))
    versions: dict[int, int] = {}
    sessions = []
    for name, at, what, late, deleted in documents:
        versions[name] = versions.get(name, 0) + 1
        recorded = b.day(10 * at) + timedelta(days=late)
        made = planned(f"s{name}", b.day(10 * at), what, recorded=recorded, version=versions[name])
        sessions.append(made.model_copy(update={"deleted": deleted and chance.random() < 0.3}))
    facts: list[tuple[str, Fact]] = [
        (b.fact_id(n), b.answers(b.day(10 * at - 1), instrument=of, risk=[(v, 14, 2)]))
        for n, (at, v, of, _) in enumerate(answers)
    ]
    facts += [(f"w{n}", b.withdrawn(b.day(90), b.fact_id(n))) for n, one in enumerate(answers) if one[3]]
    things: list[Any] = [b.patient(), *sessions, *facts, *chance.sample(sessions, len(sessions) // 2)]
    chance.shuffle(things)
    state: PatientState = b.state_of(*things)
    at = b.day(10 * now)
    expected = oracle.assess(
        [fact.model_dump(mode="json") | {"id": name} for name, fact in facts],
        b.patient().model_dump(mode="json"),
        [one.model_dump(mode="json") for one in sessions],
        [],
        settled.model_dump(mode="json"),
        at,
        at,
    )
    found = b.look(state, at, known=settled)
    actual = {"registered": found.registered, "entries": found.entries, "last_heard": found.last_heard}
    actual["concerns"] = [concern.model_dump() for concern in found.concerns]

    assert oracle.differences(expected, actual) == []
    assert oracle.check_wording(actual) == []
