"""The oracle against examples computed by hand: what is missing, and how sessions were found."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.oracle.plain import closing_time
from tests.oracle_cases import clinic, concern, fact, on, patient, session

# gone quiet ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "allowed", "median"),
    [
        ([0], 7, None),
        ([0, 1, 2, 3], 7, 1),
        ([0, 2, 4, 11], 7, 2),
        ([0, 5, 10], 15, 5),
        ([0, 2, 7], 10.5, 3.5),
        ([0, 30, *range(31, 51)], 7, 1),
        ([*range(25), *range(28, 105, 4)], 12, 4),
    ],
)
def test_the_time_allowed_is_three_usual_gaps_and_a_week_at_least(
    days: list[int], allowed: float, median: float | None
) -> None:
    """Three times the median of the last twenty gaps; quiet from that instant on and not a second before."""
    facts = [fact(f"f{day:02}", day, "sync", mood=5) for day in days]
    due = days[-1] + allowed
    assert concern("gone_quiet", due - 1 / 86400, facts, patient=patient()) is None
    said = concern("gone_quiet", due, facts, patient=patient())
    assert said is not None
    assert {"days_allowed": allowed, "median_gap": median} == said["numbers"]
    name = f"gone_quiet:f{days[-1]:02}"
    assert [{"id": name, "at": on(due), "origin": "sync", "urgency": "working_hours"}] == said["telling"]


def test_a_patient_never_heard_of_is_quiet_from_registration() -> None:
    """Seven days after registration; without a registration nobody is quiet."""
    said = concern("gone_quiet", 7, patient=patient())
    assert said is not None
    assert (said["telling"][0]["id"], said["telling"][0]["origin"]) == ("gone_quiet:registration", "live")
    assert concern("gone_quiet", 6.9, patient=patient()) is None
    assert concern("gone_quiet", 60) is None
    assert concern("gone_quiet", 60, patient=patient(deleted=True)) is None


def test_a_reader_that_lags_calls_nobody_quiet() -> None:
    """Absence is judged as of the horizon, not of now."""
    assert concern("gone_quiet", 60, patient=patient(), horizon=6) is None


# question unanswered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-03-02T09:00:00+00:00", "2026-03-04T17:00:00+00:00"),  # Monday: Wednesday's close
        ("2026-03-07T12:00:00+00:00", "2026-03-10T17:00:00+00:00"),  # Saturday: Tuesday's close
        ("2026-03-27T12:00:00+00:00", "2026-03-31T17:00:00+01:00"),  # over the change to summer time
        ("2026-04-01T12:00:00+01:00", "2026-04-07T17:00:00+01:00"),  # over Good Friday and Easter Monday
        ("2026-07-06T23:30:00+00:00", "2026-07-09T17:00:00+01:00"),  # Tuesday already in London
    ],
)
def test_a_question_is_due_at_the_close_of_the_second_working_day(asked: str, due: str) -> None:
    """Counted from the clinic's local day on which it was asked, over weekends, holidays and daylight saving."""
    settings = clinic()["settings"][0]
    assert datetime.fromisoformat(due) == closing_time(settings, datetime.fromisoformat(asked), 2)


@pytest.mark.parametrize(
    ("handling", "counted"),
    [
        (None, True),
        ({"status": "open"}, True),
        ({"status": "answered"}, False),
        ({"status": "settled"}, False),
        ({"deleted": True}, False),
    ],
)
def test_only_an_answer_settles_a_question(handling: dict[str, Any] | None, counted: bool) -> None:  # noqa: FBT001
    """Open, or without any handling, it is unanswered; answered, settled or deleted it is not."""
    asked = [fact("q", 0, question="q", text="?")]
    handlings = [] if handling is None else [{"question": "q", "version": 1, **handling}]
    said = concern("question_unanswered", 7, asked, questions=handlings)
    assert counted == (said is not None)


def test_unanswered_questions_count_once_past_due() -> None:
    """Asked Monday and Thursday, looked at on Thursday: one is past due, since Wednesday 17:00."""
    asked = [fact("q1", 0, question="q1"), fact("q2", 3, "import", question="q2")]
    said = concern("question_unanswered", 3.5, asked)
    assert said is not None
    assert said["numbers"] == {"unanswered": 1}
    assert datetime(2026, 3, 4, 17, tzinfo=UTC) == said["since"]
    later = concern("question_unanswered", 9, asked)
    assert later is not None
    assert [(told["id"], told["origin"]) for told in later["telling"]] == [("q1", "live"), ("q2", "import")]
    assert concern("question_unanswered", 9, asked, horizon=2) is None
    old = [{"question": "q1", "version": 1, "status": "open"}, {"question": "q1", "version": 2, "status": "answered"}]
    answered = concern("question_unanswered", 9, asked, questions=old[::-1])
    assert answered is not None
    assert [told["id"] for told in answered["telling"]] == ["q2"]


# rating drop ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratings", "holds"),
    [
        ([8, 8, 8], False),  # only two before the last
        ([8, 8, 8, 8], False),
        ([8, 8, 8, 7], True),  # sd 0: a fall of .5 is enough
        ([6, 8, 6, 8, 7], False),  # sd 1.1547, a fall of 1
        ([6, 8, 6, 8, 6], True),  # a fall of 2
        ([9, 9, 7, 7, 7], False),  # sd 1.1547, level
        ([10, 6, 9, 8, 7], True),  # fell twice running, each less than the sd of 1.7078
        ([8, 8, 8, 3, 3], False),  # mean 6.75 - 2 * 2.5 = 1.75
        ([8, 8, 8, 8, 8, 8, 8, 8, 4, 4], True),  # mean 7.5556 - 2 * 1.3333 = 4.889
    ],
)
def test_a_rating_drops_by_a_fall_a_distance_or_two_falls(ratings: list[int], holds: bool) -> None:  # noqa: FBT001
    """The reference's generic rule, each of its three ways, and what is none of them."""
    sessions = [session(f"s{n}", 7 * n, answer) for n, answer in enumerate(ratings)]
    assert holds == (concern("rating_drop", 90, sessions=sessions) is not None)


def test_a_fall_of_just_the_least_that_counts_is_one() -> None:
    """8.4, 8.0, 8.2, then 7.6: a fall of .6, whatever a computer makes of the difference."""
    sessions = [session(f"s{n}", 7 * n, 8, felt_welcome=first) for n, first in enumerate([10, 8, 9, 6])]
    for min_drop, holds in ((0.6, True), (0.61, False)):
        chosen = clinic(rating_drop={"parameters": {"min_drop": min_drop, "sd_factor": 100}})
        assert holds == (concern("rating_drop", 90, sessions=sessions, clinic=chosen) is not None)


def test_a_rating_drop_says_its_numbers() -> None:
    """8, 8, 6, then 5: previous 6, mean 22/3, sd sqrt(4/3); told by the session, in working hours."""
    sessions = [session(f"s{n}", 7 * n, answer) for n, answer in enumerate([8, 8, 6])]
    last = {**session("s3", 21, 5, origin="import")}
    last["rating"]["felt_welcome"] = 6
    said = concern("rating_drop", 90, sessions=[last, *sessions])
    assert said is not None
    expected = {"latest": 5.2, "previous": 6.0, "earlier_mean": 7.3333, "earlier_sd": 1.1547}
    assert {name: pytest.approx(value, abs=1e-9) for name, value in expected.items()} == said["numbers"]
    assert [{"id": "rating:s3", "at": on(21), "origin": "import", "urgency": "working_hours"}] == said["telling"]
    assert said["chart"]["points"][0] == (date(2026, 3, 2), 8.0)
    assert concern("rating_drop", 90, sessions=[{**last, "deleted": True}, *sessions]) is None
