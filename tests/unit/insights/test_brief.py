"""The session brief: what it compares, and what it says is missing."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.domain import Standing
from services.insights.domain.brief import Brief
from services.insights.domain.briefing import Papers, make_brief
from shared.contracts import (
    Assessment,
    CheckInCorrected,
    EntryWithdrawn,
    Session,
    StrategiesPinned,
    StrategyTried,
)
from shared.contracts.base import Contract, Fact, Origin
from shared.contracts.clinics import RuleChoice
from shared.contracts.patients import Episode
from shared.contracts.questions import QuestionStatus
from shared.contracts.sessions import Attendance, Checklist
from tests.unit.insights import builders as b
from tests.unit.insights.planned import HELD, LAST, NOW, session


def of(kind: type[Fact], at: datetime, **data: Any) -> Any:
    """A fact of the patient."""
    common = {
        "clinic": b.CLINIC,
        "patient": b.PATIENT,
        "occurred_at": at,
        "local_day": at.date(),
        "origin": Origin.LIVE,
    }
    return kind.model_validate(common | data)


def said(*concerns: Any) -> Assessment:
    """An assessment."""
    return Assessment(
        clinic=b.CLINIC, patient=b.PATIENT, epoch=0, basis=1, settings_version=0, rules_version=2, made_at=NOW,
        registered=True, entries=0, last_heard=None, concerns=list(concerns),
    )  # fmt: skip


def made(*things: Any, now: datetime = NOW, before: Session | None = None, known: Any = None) -> Brief:
    """The brief of facts, (id, fact) pairs and documents."""
    facts = [
        thing if isinstance(thing, tuple) else (b.fact_id(place), thing)
        for place, thing in enumerate(things)
        if not isinstance(thing, Contract) or isinstance(thing, Fact)
    ]
    papers = Papers.of(thing for thing in things if isinstance(thing, Contract) and not isinstance(thing, Fact))
    return make_brief(said(), facts, papers, Standing(known), now=now, up_to_date=True, before=before)


# --- sessions


def test_the_last_session_is_the_last_one_held_and_the_next_one_is_not_over() -> None:
    """One under way is the one the brief is for; one nobody marked was held where its patient rated it."""
    rated = b.session("rated", b.day(52)).model_copy(update={"scheduled_at": b.day(52)})
    under_way = session("now", NOW - timedelta(minutes=30), ends_at=NOW + timedelta(minutes=1))
    later = session("later", NOW + timedelta(days=7))
    cancelled = session("off", NOW + timedelta(days=1), Attendance.CANCELLED_BY_CLINIC)
    unmarked = session("open", b.day(55))
    found = made(LAST, rated, unmarked, cancelled, later, under_way)
    without = made(LAST, unmarked, cancelled, later)

    assert found.last_session is not None
    assert (found.last_session.session, found.since) == ("rated", b.day(52))
    assert found.next_session is not None
    assert found.next_session.session == "now"
    assert without.next_session is not None
    assert (without.next_session.session, without.next_session.ends_at) == (
        "later",
        NOW + timedelta(days=7, minutes=50),
    )


def test_a_brief_for_a_named_session_looks_back_from_that_one() -> None:
    """To the last one held before it."""
    first = session("first", b.day(40), Attendance.ATTENDED)
    found = made(first, LAST, before=LAST)

    assert found.last_session is not None
    assert found.next_session is not None
    assert (found.last_session.session, found.next_session.session, found.since) == ("first", "last", b.day(40))


def test_before_the_first_session_it_looks_back_four_weeks_and_says_so() -> None:
    """Nothing is made up where there is nothing to compare."""
    found = made(b.check_in(b.day(59), 5))

    assert (found.last_session, found.since, found.entries_since) == (None, b.day(32), 1)
    assert found.not_enough_data == [
        "No session has been attended yet: what changed is shown since 28 days ago.",
        "No questionnaire of this episode of care has a valid score yet.",
        "Mood: no check-in in the 28 days before 28 days ago; a mean is shown from 3 on.",
        "Mood: 1 check-in since 28 days ago; a mean is shown from 3 on.",
    ]


def test_missed_sessions_and_the_checklist_of_the_last_one_are_shown() -> None:
    """As the rule counts them."""
    points = Checklist(welcomed=True, time_for_questions=False, filled_by="priya", filled_at=HELD)
    missed = [session(f"m{n}", b.day(50 + n), Attendance.DID_NOT_ATTEND) for n in (2, 4)]
    found = made(LAST.model_copy(update={"checklist": points}), *missed)

    assert (found.missed_in_a_row, found.checklist) == (2, points)


# --- what changed


@pytest.mark.parametrize(
    ("then", "now", "says"),
    [
        (15, 9, "reliable_improvement"),
        (15, 10, "no_reliable_change"),
        (9, 14, "no_reliable_change"),
        (9, 15, "reliable_deterioration"),
    ],
)
def test_a_measure_is_compared_then_and_now_by_the_rules_threshold(then: float, now: float, says: str) -> None:
    """Six points of the PHQ-9, to the point; the last score on either side counts."""
    found = made(
        LAST, b.answers(b.day(30), 20), b.answers(HELD, then), b.answers(b.day(51), 27), b.answers(b.day(59), now)
    )
    [phq9] = found.measures

    assert (phq9.then, phq9.now, phq9.change, phq9.threshold, phq9.says) == (then, now, now - then, 6, says)
    assert (phq9.then_at, phq9.now_at) == (HELD, b.day(59))


def test_a_clinics_own_threshold_is_used_and_other_measures_have_none() -> None:
    """No verdict where no source confirms a number."""
    rules = {"reliable_deterioration": RuleChoice(parameters={"gad7": 2}, enabled=True)}
    things = [
        b.answers(at, score, instrument=name) for name in ("gad7", "wsas") for at, score in ((HELD, 10), (NOW, 8))
    ]
    gad7, wsas = made(LAST, *things, known=b.clinic(b.settings(rules=rules))).measures

    assert (gad7.threshold, gad7.says) == (2, "reliable_improvement")
    assert (wsas.change, wsas.threshold, wsas.says) == (-2, None, None)


def test_scores_of_an_earlier_episode_are_no_comparison() -> None:
    """What is missing is named by its measure."""
    known = b.patient(episode_started_on=b.day(40).date())
    found = made(
        LAST, known, b.answers(b.day(30), 20), b.answers(b.day(59), 9), b.answers(b.day(45), 9, instrument="gad7")
    )

    assert [(one.instrument, one.then, one.now, one.says) for one in found.measures] == [
        ("gad7", 9, None, None),
        ("phq9", None, 9, None),
    ]
    assert found.not_enough_data[:2] == [
        "GAD-7: no valid score since the last session.",
        "PHQ-9: no valid score of this episode before the last session.",
    ]


def test_mood_is_compared_from_three_check_ins_on_either_side() -> None:
    """Four weeks before, and all since."""
    before = [b.check_in(b.day(20 + n), mood) for n, mood in ((1, 0), (3, 4), (4, 5), (30, 6))]
    since = [b.check_in(b.day(51 + n), mood) for n, mood in enumerate((7, 8, 7))]
    found = made(LAST, *before, *since).mood

    assert (found.before_mean, found.before_entries, found.since_mean, found.change) == (5, 3, 7.33, 2.33)
    assert made(LAST, *before, *since[:2]).mood.since_mean is None


def test_entries_count_as_corrected_and_not_when_withdrawn_whatever_the_order() -> None:
    """Of two corrections the later one; a withdrawal wins over both."""
    kept = ("kept", b.check_in(b.day(51), 2))
    gone = ("gone", b.check_in(b.day(52), 1))
    facts = [
        kept,
        gone,
        of(CheckInCorrected, b.day(53), entry="kept", mood=6, note="Better than I said."),
        of(CheckInCorrected, b.day(52), entry="kept", mood=4),
        of(EntryWithdrawn, b.day(52), entry="gone"),
        of(CheckInCorrected, b.day(54), entry="gone", mood=9),
    ]
    found = made(LAST, *facts)
    [entry] = found.entries

    assert (entry.id, entry.mood, entry.note, entry.corrected, entry.occurred_at) == (
        "kept", 6, "Better than I said.", True, b.day(51),
    )  # fmt: skip
    assert found.entries_since == 1


def test_only_the_newest_hundred_entries_are_shown_and_all_are_counted() -> None:
    """Newest first; a questionnaire with its answers about harm."""
    things = [b.check_in(b.day(51) + timedelta(minutes=n), 5) for n in range(120)]
    found = made(LAST, *things, b.answers(b.day(58), 9, risk=[(0, 14, 2)]))

    assert (found.entries_since, len(found.entries)) == (121, 100)
    assert (found.entries[0].score, found.entries[0].risk_answers) == (9, {"phq9.9": 0})


# --- what is open, what was tried


def test_open_questions_are_shown_with_what_was_left_open_by_the_last_session() -> None:
    """Answered, settled and deleted ones are not; one never handled is."""
    asked = [b.asked(b.day(day), f"q{day}") for day in (10, 20, 30, 55)]
    handled = [b.handling("q10", QuestionStatus.ANSWERED), b.handling("q20", deleted=True), b.handling("q30")]
    found = made(LAST, *asked, *handled)

    assert [(one.question, one.asked_at, one.open_at_last_session) for one in found.questions] == [
        ("q30", b.day(30), True),
        ("q55", b.day(55), False),
    ]
    assert found.questions[0].text == "When is my next session?"


def test_strategies_tried_since_are_counted_with_their_relief() -> None:
    """The last word on pinned ones counts, however old."""
    tries = [("breathing", 8, 5), ("breathing", 6, 5), ("breathing", None, 5), ("walk", None, None)]
    found = made(
        LAST,
        *(of(StrategyTried, b.day(51 + n), strategy=s, before=x, after=y) for n, (s, x, y) in enumerate(tries)),
        of(StrategyTried, b.day(49), strategy="walk", before=9, after=0),
        of(StrategiesPinned, b.day(12), strategies=["walk"]),
        of(StrategiesPinned, b.day(11), strategies=["breathing"]),
    )

    assert [(one.strategy, one.times, one.rated, one.mean_change) for one in found.strategies] == [
        ("breathing", 3, 2, -2),
        ("walk", 1, 0, None),
    ]
    assert found.pinned == ["walk"]
    assert made(LAST).pinned is None


def test_the_last_rating_stands_beside_the_mean_before() -> None:
    """With its five answers."""
    found = made(LAST, *b.rated(8, 9, 5.2)).rating

    assert found is not None
    assert (found.session, found.mean, found.mean_before, found.earlier) == ("s2", 5.2, 8.5, 2)
    assert found.rating.felt_welcome == 6


def test_a_form_with_items_left_out_is_shown_with_what_is_known_of_it() -> None:
    """Between which totals it lies, the estimate, and the question about harm left out; it is no score to compare."""
    form = b.answers(b.day(55), partial=(16, 19, 1), skipped=["9"]).model_copy(update={"prorated_score": 18})
    found = made(LAST, b.answers(b.day(49), 9), form)
    (shown,) = found.entries

    assert (shown.score, shown.prorated_score, shown.skipped_risk_items) == (None, 18, ["9"])
    assert (shown.at_least, shown.at_most, shown.items_left_out) == (16, 19, 1)
    assert [(one.then, one.now) for one in found.measures] == [(9, None)]


def test_that_no_form_was_ever_whole_is_said() -> None:
    """There is no baseline then, and the rules about scores are silent: the clinician is told so."""
    forms = [b.answers(b.day(day), partial=(24, 27, 1)) for day in (35, 45, 55)]
    never = "PHQ-9: items were left out of every form of this episode, so no rule can compare them."

    assert never in made(LAST, *forms).not_enough_data
    assert never not in made(LAST, *forms, b.answers(b.day(40), 9)).not_enough_data


def test_scores_of_the_wait_before_the_first_session_are_compared() -> None:
    """They are of this episode of care: it begins with the referral."""
    episode = Episode(episode="e1", referred_on=b.day(29).date(), started_on=b.day(50).date())
    known = b.patient(episodes=[episode], episode_started_on=b.day(50).date())
    found = made(LAST, known, b.answers(b.day(20), 3), b.answers(b.day(30), 10), b.answers(b.day(55), 17))

    assert [(one.then, one.now, one.says) for one in found.measures] == [(10, 17, "reliable_deterioration")]


def test_the_example_of_the_page_is_a_brief() -> None:
    """Field by field, none missing and none invented."""
    page = (Path(__file__).parents[3] / "docs/sessions.md").read_text()
    example = json.loads(page.partition("```json")[2].partition("```")[0])

    assert shape(Brief.model_validate(example).model_dump(mode="json")) == shape(example)


def shape(value: Any) -> Any:
    """The names of all fields, nested as they are."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else None


# --- whatever came in whatever order

MOODS = st.tuples(st.integers(30, 59), st.integers(0, 10))


@given(st.lists(MOODS, max_size=12), st.lists(st.integers(0, 11), max_size=5), st.randoms(use_true_random=False))
def test_a_brief_is_the_same_in_whatever_order_everything_came(
    moods: list[Any], gone: list[int], chance: Random
) -> None:
    """And its means are those of what was not withdrawn, taken together by hand."""
    facts: list[tuple[str, Any]] = [(f"c{n}", b.check_in(b.day(at), mood)) for n, (at, mood) in enumerate(moods)]
    facts += [(f"w{n}", of(EntryWithdrawn, b.day(59), entry=f"c{n}")) for n in set(gone)]
    things: list[Any] = [LAST, session("next", b.day(70)), b.asked(b.day(1), "q"), b.handling("q")]
    first = made(*facts, *things)
    chance.shuffle(facts)
    again = made(*facts, *things[::-1])
    left = [(at, mood) for n, (at, mood) in enumerate(moods) if n not in gone]
    since = [mood for at, mood in left if b.day(at) > HELD]

    assert first.model_copy(update={"questions": []}) == again.model_copy(update={"questions": []})
    assert first.entries_since == len(since)
    assert first.mood.since_mean == (round(sum(since) / len(since), 2) if len(since) >= 3 else None)
