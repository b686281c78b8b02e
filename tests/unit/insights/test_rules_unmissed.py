"""That a reliable deterioration is not lost: to the first session, to an item left out, to a form entered twice."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.insights.domain import PatientState
from shared.contracts import Patient, QuestionnaireCompleted
from shared.contracts.assessments import Concern
from shared.contracts.base import Origin
from shared.contracts.clinics import CutOff, RuleChoice
from shared.contracts.patients import Episode
from tests.oracle import assess as oracle
from tests.oracle import check_wording, differences
from tests.unit.insights import builders as b

RULE = "reliable_deterioration"


def waiting(version: int, started: date | None = None) -> Patient:
    """Referred on day 0, their care begun then or not yet, as intake publishes it."""
    episode = Episode(episode="e1", referred_on=b.START.date(), started_on=started)
    return b.patient(version, episodes=[episode], episode_started_on=started or b.START.date())


def phq9(day: float, *items: int | None, origin: Origin = Origin.LIVE) -> QuestionnaireCompleted:
    """As the door records it: a score, or between which totals it lies; None for an item left out."""
    given = [value for value in items if value is not None]
    missing = 9 - len(given)
    made = b.answers(b.day(day), None if missing else sum(given), origin=origin)
    if missing:
        made = b.answers(b.day(day), partial=(sum(given), sum(given) + 3 * missing, missing), origin=origin)
    named = {str(place): value for place, value in enumerate(items, 1) if value is not None}
    return made.model_copy(update={"items": named})


def held(state: PatientState, day: float, rule: str = RULE, known: Any = None) -> Concern | None:
    """What the rule says, with words that are fit to be read."""
    found = b.look(state, b.day(day), known=known)
    assert check_wording({"concerns": [one.model_dump() for one in found.concerns]}) == []
    return b.concern(found, rule)


def telling(found: Concern | None) -> list[str]:
    """The evidence by id."""
    return [] if found is None else [one.id for one in found.telling]


# --- the wait between referral and the first session


def test_the_first_session_takes_nothing_away_of_what_was_said_in_the_wait() -> None:
    """10 at referral, 17 in the wait: worse; care begins the day after: still worse, from 10, and 20 later too."""
    state = b.state_of(waiting(1), ("q0", b.answers(b.day(0), 10)), ("q1", b.answers(b.day(20), 17)))
    before = held(state, 20)
    state.apply(waiting(2, b.day(21).date()))
    after = held(state, 21)
    state.add("q2", b.answers(b.day(28), 20))
    later = held(state, 28)

    assert before is not None
    assert (before, before.numbers) == (after, {"phq9_first": 10, "phq9_latest": 17})
    assert later is not None
    assert later.reason == "PHQ-9 rose from 10 to 20 (+10; reliable change is 6)."
    assert telling(later) == ["q1"]


def test_a_rise_after_the_first_session_is_measured_from_the_referral() -> None:
    """10 at referral, 14 at the first session, 16: worse by 6; scores from before the referral are no baseline."""
    facts = [b.answers(b.day(-30), 1), *(b.answers(b.day(n), score) for n, score in ((0, 10), (21, 14), (28, 16)))]
    found = held(b.state_of(*facts, waiting(1, b.day(21).date())), 30)

    assert found is not None
    assert found.numbers == {"phq9_first": 10, "phq9_latest": 16}


def test_a_new_referral_begins_anew_before_its_first_session() -> None:
    """The scores of the episode before it are no baseline, those of its own wait are."""
    first = Episode(episode="e1", referred_on=b.START.date(), started_on=b.day(3).date(), ended_on=b.day(40).date())
    second = Episode(episode="e2", referred_on=b.day(60).date(), started_on=b.day(80).date())
    again = b.patient(3, episodes=[first, second], episode_started_on=b.day(80).date())
    facts = [b.answers(b.day(n), score) for n, score in ((0, 2), (61, 12), (90, 18))]

    found = held(b.state_of(again, *facts), 91)
    assert found is not None
    assert found.numbers == {"phq9_first": 12, "phq9_latest": 18}


# --- items left out


def test_whoever_always_leaves_out_one_item_is_not_overlooked() -> None:
    """Complete at the start, then everything at its greatest but one item left out: at least 24, told at once."""
    state = b.state_of(("q0", phq9(0, *[1] * 9)), *((f"q{n}", phq9(7 * n, *[3] * 8, None)) for n in (1, 2)))
    found = held(state, 20)

    assert found is not None
    assert found.since == b.day(7)
    assert found.numbers == {"phq9_first": 9, "phq9_latest": 9, "phq9_at_least": 24}
    assert found.reason == (
        "PHQ-9 rose from 9 to at least 24 (1 item was left out; +15; reliable change is 6); the latest full score is 9."
    )
    assert telling(found) == ["q1"]
    assert found.telling[0].said == (
        "PHQ-9 at least 24, given on Mon 8 June 2026 at 09:00: up from 9 at the start of the episode "
        "(1 item was left out; +15; reliable change is 6)."
    )
    assert found.chart is not None
    assert [score for _, score in found.chart.points] == [9]


@pytest.mark.parametrize("left_out", [0, 8])
def test_a_form_recorded_before_mood_said_so_counts_by_its_items(left_out: int) -> None:
    """The functional item 10 adds nothing."""
    items: list[int | None] = [2] * 9
    items[left_out] = None
    old = phq9(7, *items).model_copy(update={"partial": None})
    old = old.model_copy(update={"items": {**(old.items or {}), "10": 3}})
    start = ("q0", b.answers(b.day(0), 10))

    assert telling(held(b.state_of(start, ("q1", old)), 8)) == ["q1"]
    assert held(b.state_of(("q0", b.answers(b.day(0), 11)), ("q1", old)), 8) is None


def test_a_form_with_items_left_out_ends_nothing_improves_nothing_and_is_no_baseline() -> None:
    """Neither first nor best nor calm, however low; and it never keeps a full score from being the latest."""
    low = [(f"low{n}", phq9(10 + n, *[0] * 8, None)) for n in range(4)]
    rose = [("q0", b.answers(b.day(0), 10)), ("q1", b.answers(b.day(5), 16))]
    found = held(b.state_of(*rose, *low), 20)
    first = b.state_of(("p", phq9(0, *[0] * 8, None)), ("q", b.answers(b.day(5), 10)))
    relapsed = b.state_of(("q0", b.answers(b.day(0), 15)), *low, ("q1", b.answers(b.day(20), 16)))

    assert found is not None
    assert (telling(found), found.numbers) == (["q1"], {"phq9_first": 10, "phq9_latest": 16})
    assert held(first, 20) is None
    assert held(relapsed, 21, "relapse") is None


def test_a_full_score_that_is_better_is_what_is_said_last() -> None:
    """One calm score does not end it; a bound that is worse begins the count anew, one that is not does nothing."""
    worse, unclear = phq9(7, *[2] * 8, None), phq9(9, *[1] * 8, None)
    calm = [("c1", b.answers(b.day(8), 9)), ("c2", b.answers(b.day(10), 9))]
    start = ("q0", b.answers(b.day(0), 8))
    again = phq9(9, *[2] * 8, None)

    one = held(b.state_of(start, ("w", worse), calm[0]), 12)
    assert one is not None
    assert one.reason.endswith("the latest full score is 9.")
    assert held(b.state_of(start, ("w", worse), calm[0], ("u", unclear), calm[1]), 12) is None
    assert telling(held(b.state_of(start, ("w", worse), calm[0], ("w2", again), calm[1]), 12)) == ["w"]


def test_where_higher_is_better_the_bound_is_the_most_it_can_be() -> None:
    """60 at the start of a WHO-5; one of five left out: at most 48 is worse by 10, at most 52 is not known to be."""
    own = b.settings().model_copy(update={"cut_offs": {"who5": CutOff(reliable_change=10)}})
    known = b.clinic(own.model_copy(update={"effective_from": b.day(-100)}))

    def after(least: float, most: float) -> Concern | None:
        form = b.answers(b.day(7), instrument="who5", partial=(least, most, 1))
        return held(b.state_of(b.answers(b.day(0), 60, instrument="who5"), ("p", form)), 8, known=known)

    found = after(28, 48)
    assert found is not None
    assert found.numbers == {"who5_first": 60, "who5_latest": 60, "who5_at_most": 48}
    assert found.reason.startswith("who5 fell from 60 to at most 48 (1 item was left out; -12; reliable change is 10)")
    assert after(32, 52) is None


def test_a_relapse_may_begin_with_a_form_with_items_left_out() -> None:
    """15, 3, then at least 12: at caseness, and 9 above the best."""
    state = b.state_of(b.answers(b.day(0), 15), b.answers(b.day(7), 3), ("p", phq9(14, *[2] * 6, None, 0, 0)))
    found = held(state, 15, "relapse")

    assert telling(found) == ["p"]
    assert found is not None
    assert found.reason == (
        "PHQ-9 was at least 12 (1 item was left out): at or over caseness (10), and 9 above the best of the episode, 3 "
        "(reliable change is 6). The latest full score is 3."
    )


def test_withdrawing_a_form_with_items_left_out_ends_what_it_began() -> None:
    """As if it had never been, whichever came first."""
    things: list[Any] = [("q", b.answers(b.day(0), 9)), ("p", phq9(7, *[3] * 8, None)), b.withdrawn(b.day(8), "p")]

    assert [held(b.state_of(*order), 9) for order in (things, things[::-1])] == [None, None]
    assert len(b.state_of(*things).observed.day) == 2


# --- one administration entered twice


@pytest.mark.parametrize(("rule", "scores"), [(RULE, (5, 12, 6)), ("relapse", (15, 3, 12, 4))])
def test_the_same_form_entered_twice_is_one_calm_score(rule: str, scores: tuple[int, ...]) -> None:
    """The patient's own form and, minutes later, the clinic's import of it; another day's ends it."""
    off = {} if rule == RULE else {RULE: RuleChoice(enabled=False)}
    known = b.clinic(b.settings(rules=off))
    forms: list[Any] = [(f"q{n}", b.answers(b.day(7 * n), score)) for n, score in enumerate(scores)]
    last = forms[-1][1]
    twice = last.model_copy(update={"occurred_at": last.occurred_at + timedelta(minutes=9), "origin": Origin.IMPORT})
    next_day = last.model_copy(
        update={"occurred_at": last.occurred_at + timedelta(days=1), "local_day": last.local_day + timedelta(days=1)}
    )

    assert held(b.state_of(*forms, ("copy", twice)), 40, rule, known) is not None
    assert held(b.state_of(*forms, ("copy", twice), ("next", next_day)), 40, rule, known) is None


# --- the oracle, by itself, says the same


def test_the_oracle_says_the_same_of_the_stories() -> None:
    """It shares no code with the services."""
    stories: list[list[Any]] = [
        [waiting(1), b.answers(b.day(0), 10), b.answers(b.day(20), 17), waiting(2, b.day(21).date())],
        [b.patient(), phq9(0, *[1] * 9), phq9(7, *[3] * 8, None), phq9(14, *[3] * 8, None)],
        [
            b.patient(),
            b.answers(b.day(0), 5),
            b.answers(b.day(7), 12),
            b.answers(b.day(14), 6),
            b.answers(b.day(14), 6),
        ],
    ]
    for story in stories:
        facts = [(b.fact_id(place), one) for place, one in enumerate(story) if isinstance(one, QuestionnaireCompleted)]
        who = max((one for one in story if isinstance(one, Patient)), key=lambda one: one.version)
        known = b.clinic()
        said = oracle(
            [{**fact.model_dump(mode="json"), "id": name} for name, fact in facts],
            who.model_dump(mode="json"), [], [], known.model_dump(mode="json"), b.day(25), b.day(25),
        )  # fmt: skip
        found = b.look(b.state_of(*facts, who), b.day(25), known=known)
        actual = {
            "registered": True,
            "entries": found.entries,
            "last_heard": found.last_heard,
            "concerns": [one.model_dump(mode="json") for one in found.concerns],
        }

        assert RULE in [one["rule"] for one in said["concerns"]]
        assert differences(said, actual) == []
