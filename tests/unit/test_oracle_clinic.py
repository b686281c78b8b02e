"""The oracle's words on a clinic: briefs, the caseload and backtests, in tables made by hand."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import Inputs
from tests.oracle.backtests import Stretch, as_if_always, raised
from tests.oracle.briefs import brief
from tests.oracle.caseload import order, severities
from tests.oracle.ended import ended_episodes
from tests.oracle_cases import clinic, fact, form, item_9, moods, on, patient, session

RULES = severities((Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8"))


def planned(name: str, day: float, attendance: str | None = None, **more: Any) -> dict[str, Any]:
    """A session without a rating."""
    return {"session": name, "version": 1, "scheduled_at": on(day).isoformat(), "attendance": attendance, **more}


def stretches(until: float, since: float = -400, **given: Any) -> list[tuple[str, float, float | None]]:
    """What would have been raised of one patient, in days after the start."""
    of = Inputs(**{"patient": patient(updated_at=on(0).isoformat()), "clinic": clinic()} | given)
    found = raised("sam", of, as_if_always(of.clinic), on(since), on(until))
    return [(one.rule, days(one.raised_at), one.cleared_at and days(one.cleared_at)) for one in found]


def days(at: datetime) -> float:
    """Days after the start."""
    return (at - on(0)) / timedelta(days=1)


def test_a_silence_is_raised_when_it_falls_due_and_cleared_by_the_next_entry() -> None:
    """Seven days after the last entry, to the microsecond; then after three times the median gap of 6 days."""
    assert stretches(30, facts=moods([5, 5, 5], [0, 1, 12])) == [("gone_quiet", 8, 12), ("gone_quiet", 12 + 18, None)]


def test_a_recall_ends_by_time_alone() -> None:
    """Fourteen days after the answer, though nothing is known of that day."""
    facts = [item_9("a", 1, 2), *moods([5] * 6, [3, 8, 13, 18, 23, 28])]

    assert stretches(30, facts=facts) == [("risk_item", 1, 15)]


def test_what_was_raised_before_the_period_is_not_counted_in_it() -> None:
    """It was raised on the first day and still held when the period began."""
    assert stretches(10, since=3, facts=[item_9("a", 1, 2), *moods([5] * 3, [3, 6, 9])]) == []


def test_nobody_goes_quiet_between_two_episodes_of_care() -> None:
    """Discharged on day 5, referred again on day 40: from that midnight on the silence counts, until the next entry."""
    episodes = [
        {"episode": "e1", "referred_on": on(0).date(), "started_on": None, "ended_on": on(5).date()},
        {"episode": "e2", "referred_on": on(40).date(), "started_on": None, "ended_on": None},
    ]
    who = patient(updated_at=on(60).isoformat(), episodes=episodes)

    midnight = 40 - 10 / 24  # on the clinic's clock, which is an hour ahead by then
    assert stretches(60, patient=who, facts=moods([5, 5, 5], [0, 4, 41])) == [("gone_quiet", midnight, 41)]


def test_the_first_session_clears_no_deterioration_of_the_wait() -> None:
    """10 at referral, 17 while waiting, care begins on day 21: raised in the wait, and it holds on."""
    facts = [form("p1", 0, "phq9", 10), form("p2", 20, "phq9", 17), *moods([5] * 6, [5, 10, 15, 22, 24, 26])]
    episodes = [{"episode": "e1", "referred_on": on(0).date(), "started_on": on(21).date(), "ended_on": None}]
    who = patient(updated_at=on(21).isoformat(), episodes=episodes, episode_started_on=on(21).date())

    assert stretches(28, patient=who, facts=facts) == [("reliable_deterioration", 20, None)]


def test_a_zero_to_another_question_about_harm_hides_nothing() -> None:
    """PHQ-9 item 9 at 3, then CORE-10 item 6 at 0, then not there: raised when it was marked."""
    zero = {"item": "6", "value": 0, "recall_days": 7, "urgent_from": 1}
    facts = [item_9("a", 1, 3), form("b", 1.1, "core10", None, risk_answers=[zero])]
    missed = planned("s1", 3, "did_not_attend", attendance_at=on(3.5).isoformat())

    assert ("missed_sessions", 3.5, None) in stretches(4, facts=facts, sessions=[missed])


def test_two_sessions_missed_in_a_row_are_raised_when_the_second_was_marked() -> None:
    """Marked a day late; of one marked a year late, as of its end."""
    held = [planned("s1", 0, "attended"), planned("s2", 2, "did_not_attend")]
    marked = planned("s3", 4, "did_not_attend", attendance_at=on(5).isoformat())
    brought_in = planned("s3", 4, "did_not_attend", attendance_at=on(365).isoformat())
    facts = moods([5] * 4, [0, 2, 4, 6])

    assert stretches(7, facts=facts, sessions=[*held, marked]) == [("missed_sessions", 5, None)]
    assert [(rule, round(at * 24 * 60)) for rule, at, _ in stretches(7, facts=facts, sessions=[*held, brought_in])] == [
        ("missed_sessions", 4 * 24 * 60 + 50)
    ]


def test_a_rule_set_is_as_if_it_had_always_been_in_force() -> None:
    """Whatever the clinic had chosen in those days."""
    own = clinic(gone_quiet={"enabled": False})
    of = Inputs(facts=moods([5]), patient=patient(updated_at=on(0).isoformat()), clinic=own)

    assert raised("sam", of, as_if_always(own), on(-1), on(9)) == []
    assert raised("sam", of, as_if_always(own, {"base": "starter", "rules": {}}), on(-1), on(9)) == [
        Stretch("sam", "gone_quiet", on(7), None)
    ]


def test_a_brief_compares_with_the_last_session_held() -> None:
    """Scores, moods, questions and ratings on either side of it, as the example of docs/sessions.md is made."""
    facts = [
        form("p1", 6.9, "phq9", 15),
        form("p2", 20, "phq9", 9),
        form("g1", 20, "gad7", 4),
        *moods([4, 5, 6, 7], [1, 2, 3, 8]),
        fact("q1", 9, question="q1", text="?"),
        fact("t1", 10, strategy="short_walk", before=6, after=3),
        fact("t2", 11, strategy="short_walk", before=6, after=None),
    ]
    sessions = [
        {**session("s1", 1, 9), "scheduled_at": on(0.5).isoformat(), "attendance": "attended"},
        {**session("s2", 7.5, 7), "scheduled_at": on(7).isoformat(), "attendance": "late"},
        planned("s3", 14, "did_not_attend"),
        planned("s4", 21),
    ]

    said = brief(Inputs(facts, patient(), sessions, [], clinic()), on(20.5))

    assert (said["since"], said["last_session"], said["next_session"]) == (on(7), "s2", "s4")
    assert said["missed_in_a_row"] == 1
    assert [(one["instrument"], one["then"], one["now"], one["says"]) for one in said["measures"]] == [
        ("gad7", None, 4, None),
        ("phq9", 15, 9, "reliable_improvement"),
    ]
    assert said["mood"] == {"before_mean": 5, "before_entries": 3, "since_mean": None, "since_entries": 1}
    assert (said["entries_since"], said["entries"]) == (3, ["p2", "g1", "m003"])
    assert said["questions"] == ["q1"]
    assert said["strategies"] == [{"strategy": "short_walk", "times": 2, "rated": 1, "mean_change": -3}]
    assert said["rating"] == {"session": "s2", "mean": 7, "mean_before": 9, "earlier": 1}


@pytest.mark.parametrize(
    ("first", "second", "completed"),
    [
        ({}, {}, True),
        ({"kind": "assessment_and_treatment"}, {"kind": "treatment"}, True),
        ({"kind": "assessment"}, {}, False),
        ({}, {"kind": "follow_up"}, False),
    ],
)
def test_a_course_has_two_attended_sessions_of_treatment(
    first: dict[str, Any], second: dict[str, Any], *, completed: bool
) -> None:
    """A session that says nothing of what it is for is treatment; an assessment alone and a follow-up are not."""
    over = {"episode": "e1", "clinician": "priya", "referred_on": on(0).date(), "ended_on": on(30).date()}
    sessions = [planned("s1", 5, "attended", **first), planned("s2", 12, "late", **second)]
    of = Inputs([], patient(episodes=[over]), sessions, [], clinic())

    [found] = ended_episodes({"sam": of}, on(0).date(), on(60).date(), on(61))

    assert found["completed"] is completed


def test_the_caseload_begins_with_harm_at_once_and_ends_with_those_without_a_concern() -> None:
    """Then by severity, by the order of the rules, by how long; who left has a place only with a concern."""

    def assessed(*concerns: tuple[str, float, str]) -> dict[str, Any]:
        told = [
            {
                "rule": rule,
                "holds": not how.startswith("over"),
                "since": None if how.startswith("over") else on(day),
                "telling": [{"at": on(day), "urgency": how.removeprefix("over ")}],
            }
            for rule, day, how in concerns
        ]
        return {"entries": 1, "concerns": told}

    assessments = {
        "calm": assessed(),
        "left": assessed(),
        "left-quiet": assessed(("mood_shift", 1, "working_hours")),
        "over-now": assessed(("risk_item", 0, "over at_once")),
        "over": assessed(("risk_item", 0, "over working_hours")),
        "harm": assessed(("risk_item", 9, "working_hours")),
        "worse": assessed(("reliable_deterioration", 9, "at_once"), ("gone_quiet", 1, "working_hours")),
        "skipped": assessed(("risk_item_skipped", 8, "working_hours")),
        "harm-now": assessed(("risk_item_rising", 7, "at_once")),
        "harm-long": assessed(("risk_item", 5, "at_once")),
        "quiet": assessed(("gone_quiet", 0, "working_hours")),
    }
    documents = {name: patient(status="discharged" if name.startswith("left") else "active") for name in assessments}

    assert order(assessments, documents, RULES) == [
        *("harm-long", "harm-now", "over-now", "harm", "over", "skipped", "worse", "left-quiet", "quiet", "calm"),
    ]
