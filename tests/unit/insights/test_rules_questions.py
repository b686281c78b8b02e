"""Crisis language, questions overdue and lingering: what raises, tells and ends them; by the oracle too."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.insights.domain import PatientState, Standing, assess
from services.insights.handlers.kept import carries_risk
from shared.contracts import CheckInRecorded, EntryWithdrawn, Question, QuestionAsked, Session
from shared.contracts.base import Origin, Urgency
from shared.contracts.clinics import Role
from shared.contracts.questions import Category, QuestionStatus, Triage
from shared.contracts.screening import Screening
from shared.contracts.sessions import Attendance, Rating
from tests.oracle import assess as by_the_oracle
from tests.oracle import check_wording, differences
from tests.unit.insights import builders as b

FOUND = Screening(crisis_language=True, signs=["plan_or_means", "wish_to_die"], screen="words-1")
NOTHING = Screening(crisis_language=False, screen="words-1")
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def note(at: datetime, screening: Screening | None = FOUND, origin: Origin = Origin.LIVE) -> CheckInRecorded:
    return b.check_in(at, 5, origin=origin).model_copy(update={"note": "...", "screening": screening})


def why(at: datetime, entry: str, screening: Screening | None = FOUND, origin: Origin = Origin.LIVE) -> EntryWithdrawn:
    return b.withdrawn(at, entry).model_copy(update={"why": "...", "screening": screening, "origin": origin})


def triage(target: datetime) -> Triage:
    return Triage(
        category=Category.TREATMENT, role=Role.THERAPIST, half_at=b.START, target_at=target, by="keyword-triage-1"
    )


def asked(at: datetime, name: str = "q1", target: datetime | None = None, **changes: Any) -> tuple[str, QuestionAsked]:
    fact = b.asked(at, name, origin=changes.pop("origin", Origin.LIVE))
    return name, fact.model_copy(update={"triage": None if target is None else triage(target), **changes})


def handled(name: str = "q1", status: str = "open", *, version: int = 1, **changes: Any) -> Question:
    return b.handling(name, QuestionStatus(status), version=version).model_copy(update=changes)


def met(name: str, at: datetime, attendance: str | None = "attended", *, version: int = 1, **changes: Any) -> Session:
    update = {"scheduled_at": at, "attendance": attendance and Attendance(attendance), **changes}
    return b.session(name, None, version=version).model_copy(update=update)


# --- crisis language -------------------------------------------------------------------------------------------------


def test_words_found_hold_for_14_days_are_told_at_once_and_stay_to_be_told_for_90() -> None:
    """Of the screen's own word at the door; where it found nothing, nothing is said."""
    state = b.state_of(("n", note(b.day(0))), ("m", note(b.day(1), NOTHING)), ("o", note(b.day(1), None)))
    now = b.listed(b.look(state, b.day(13.99)), "crisis_language")
    past = b.listed(b.look(state, b.day(14)), "crisis_language")

    assert (now.holds, now.since, now.numbers) == (True, b.day(0), {"texts": 1})
    assert [(t.id, t.at, t.urgency) for t in now.telling] == [("n", b.day(0), Urgency.AT_ONCE)]
    assert (past.holds, past.since, [t.id for t in past.telling]) == (False, None, ["n"])
    assert b.concern(b.look(state, b.day(90)), "crisis_language") is None
    assert b.look(state, b.day(1), known=b.clinic()).due is not None


def test_a_note_made_offline_three_weeks_ago_is_still_told() -> None:
    """It holds no more, but nobody has heard of it."""
    found = b.listed(b.look(b.state_of(("n", note(b.day(0), origin=Origin.SYNC))), b.day(21)), "crisis_language")

    assert (found.holds, [t.id for t in found.telling]) == (False, ["n"])
    assert "made offline and sent later" in found.telling[0].said


def test_questions_and_the_comments_of_ratings_are_texts_as_well() -> None:
    """Each by its own name; a rating's newest document counts."""
    rating = Rating.model_validate(
        dict.fromkeys(("felt_welcome", "room_was_comfortable", "felt_listened_to", "worked_on_what_matters"), 5)
        | {"questions_were_answered": 5, "rated_at": b.day(2), "screening": FOUND}
    )
    rated = met("s1", b.day(2)).model_copy(update={"rating": rating})
    state = b.state_of(asked(b.day(1), screening=FOUND), rated)
    gone = b.state_of(asked(b.day(1), screening=FOUND), met("s1", b.day(2), version=2), rated)

    told = b.listed(b.look(state, b.day(3)), "crisis_language").telling
    assert [t.id for t in told] == ["q1", "rating:s1"]
    assert "A session rating of" in told[1].said
    assert [t.id for t in b.listed(b.look(gone, b.day(3)), "crisis_language").telling] == ["q1"]


def test_the_reason_of_a_withdrawal_is_a_text_and_takes_back_no_words() -> None:
    """Neither those of what it withdraws nor those of another reason for the same entry."""
    state = b.state_of(("n", note(b.day(0))), ("w1", why(b.day(1), "n")), ("w2", why(b.day(2), "n")))
    calm = b.state_of(("n", note(b.day(0), NOTHING)), ("w", why(b.day(1), "n", NOTHING)))
    told = b.listed(b.look(state, b.day(3)), "crisis_language")

    assert [t.id for t in told.telling] == ["n", "w1", "w2"]
    assert told.telling[1].said.startswith("A note on a withdrawn entry of ")
    assert told.numbers == {"texts": 3}
    assert b.concern(b.look(calm, b.day(3)), "crisis_language") is None


def test_words_set_aside_by_a_failure_count_as_somebody_in_danger() -> None:
    """The operator is paged for them as for a risk answer."""
    assert [carries_risk(note(b.day(0), screening)) for screening in (FOUND, NOTHING, None)] == [True, False, False]
    assert [carries_risk(why(b.day(0), "n", one)) for one in (FOUND, NOTHING, None)] == [True, False, False]


# --- question overdue ------------------------------------------------------------------------------------------------


def test_a_question_is_overdue_at_its_own_target_to_the_second() -> None:
    """As of the horizon; the clinic's flat promise is not watched beside it."""
    target = b.day(1, 8)
    state = b.state_of(asked(b.day(0), target=target))
    found = b.listed(b.look(state, target), "question_overdue")

    assert b.concern(b.look(state, target - SECOND, known=b.clinic()), "question_overdue") is None
    assert b.concern(b.look(state, b.day(9), target - SECOND, b.clinic()), "question_overdue") is None
    assert (found.since, found.numbers, [t.id for t in found.telling]) == (target, {"overdue": 1}, ["q1"])
    assert b.look(state, b.day(0), known=b.clinic()).due == target
    assert b.concern(b.look(state, b.day(30), known=b.clinic()), "question_unanswered") is None


def test_a_question_without_a_target_keeps_the_flat_promise_and_so_does_one_nobody_else_watches() -> None:
    """Asked before there was a triage; or in a clinic that turned the new rule off."""
    flat = b.state_of(asked(b.day(0)))
    off = b.clinic(b.settings(rules={"question_overdue": b.RuleChoice(enabled=False)}))
    targeted = b.state_of(asked(b.day(0), target=b.day(1)))

    assert b.concern(b.look(flat, b.day(30), known=b.clinic()), "question_overdue") is None
    assert b.listed(b.look(flat, b.day(30), known=b.clinic()), "question_unanswered").numbers == {"unanswered": 1}
    assert b.listed(b.look(targeted, b.day(30), known=off), "question_unanswered").numbers == {"unanswered": 1}


def test_an_answer_ends_it_and_a_question_opened_again_is_news_again() -> None:
    """With the new target in its name, so that whoever was told before is told once more."""
    state = b.state_of(asked(b.day(0), target=b.day(1)), handled(status="answered"))
    again = b.state_of(
        asked(b.day(0), target=b.day(1)),
        handled(status="open", version=2, triage=triage(b.day(5))),
        handled(status="answered"),
    )

    assert b.concern(b.look(state, b.day(3)), "question_overdue") is None
    assert b.concern(b.look(again, b.day(4)), "question_overdue") is None
    [told] = b.listed(b.look(again, b.day(5)), "question_overdue").telling
    assert told.id == f"q1/{int(b.day(5).timestamp())}"


# --- lingering question ----------------------------------------------------------------------------------------------


def test_a_question_not_settled_an_hour_after_a_session_lingers_answered_or_not() -> None:
    """50 minutes are taken for a session whose end nobody gave; an answer is not the patient's word."""
    ends = b.day(3) + timedelta(minutes=50)
    for status in ("open", "answered"):
        state = b.state_of(asked(b.day(0)), met("s1", b.day(3)), handled(status=status))
        found = b.listed(b.look(state, ends + HOUR), "lingering_question")

        assert b.concern(b.look(state, ends + HOUR - SECOND), "lingering_question") is None
        assert (found.since, found.numbers) == (ends + HOUR, {"lingering": 1})
        assert [(t.id, t.urgency) for t in found.telling] == [("q1/s1", Urgency.WORKING_HOURS)]
    settled = b.state_of(asked(b.day(0)), met("s1", b.day(3)), handled(status="settled"))
    assert b.concern(b.look(settled, b.day(9)), "lingering_question") is None


def test_only_a_session_the_patient_was_at_after_asking_leaves_a_question_lingering() -> None:
    """Missed, cancelled, not marked yet, or over before it was asked: nothing to say."""
    for attendance in ("did_not_attend", "cancelled_by_clinic", None):
        state = b.state_of(asked(b.day(0)), met("s1", b.day(3), attendance))
        assert b.concern(b.look(state, b.day(9)), "lingering_question") is None
    before = b.state_of(asked(b.day(3, 1)), met("s1", b.day(3)))
    assert b.concern(b.look(before, b.day(9)), "lingering_question") is None


def test_a_second_session_is_told_of_anew_and_since_when_stays() -> None:
    """The evidence names the last session; the concern began with the first."""
    state = b.state_of(asked(b.day(0)), met("s1", b.day(3)), met("s2", b.day(10), "late", ends_at=b.day(10, 1)))
    found = b.listed(b.look(state, b.day(12)), "lingering_question")

    assert [(t.id, t.at) for t in found.telling] == [("q1/s2", b.day(10, 2))]
    assert found.since == b.day(3) + timedelta(minutes=110)


# --- by the oracle ---------------------------------------------------------------------------------------------------

WHEN = st.integers(0, 40).map(b.day) | st.integers(0, 40).map(lambda day: b.day(day) + timedelta(minutes=110))
SCREENED = st.sampled_from([None, NOTHING, FOUND])
ORIGINS = st.sampled_from(list(Origin))


@st.composite
def stories(draw: st.DrawFn) -> list[Any]:
    """Notes, withdrawals, questions, handlings and sessions of one patient, in any order and number of versions."""
    found: list[Any] = [
        (f"n{place}", note(draw(WHEN), draw(SCREENED), draw(ORIGINS))) for place in range(draw(st.integers(0, 4)))
    ]
    for place in range(draw(st.integers(0, 3))):
        entry = draw(st.sampled_from(["n0", "n1", "unknown"]))
        found.append((f"w{place}", why(draw(WHEN), entry, draw(SCREENED), draw(ORIGINS))))
    for name in ("q1", "q2", "q3")[: draw(st.integers(0, 3))]:
        target = draw(st.none() | WHEN)
        found.append(asked(draw(WHEN), name, target, origin=draw(ORIGINS), screening=draw(SCREENED)))
        for version in range(1, draw(st.integers(1, 3))):
            target = draw(st.none() | WHEN)
            status = draw(st.sampled_from(["open", "answered", "settled"]))
            deleted = draw(st.integers(0, 9)) == 0
            moved = None if target is None else triage(target)
            found.append(handled(name, status, version=version, triage=moved, deleted=deleted))
    for name in ("s1", "s2", "s3")[: draw(st.integers(0, 3))]:
        for version in range(1, draw(st.integers(2, 3))):
            one = met(
                name,
                draw(WHEN),
                draw(st.sampled_from(["attended", "late", "did_not_attend", None])),
                version=version,
                ends_at=draw(st.none() | WHEN),
            )
            if draw(st.booleans()):
                rating = b.session(name, draw(WHEN)).rating
                assert rating is not None
                one = one.model_copy(update={"rating": rating.model_copy(update={"screening": draw(SCREENED)})})
            found.append(one)
    return found


@settings(max_examples=200, deadline=None)
@given(stories(), st.data())
def test_in_any_order_and_twice_the_three_rules_say_what_the_oracle_says(story: list[Any], data: st.DataObject) -> None:
    """The page written twice agrees with itself, at any instant, and its words are fit to be read."""
    state = PatientState()
    for thing in [*data.draw(st.permutations(story)), *story]:
        if isinstance(thing, tuple):
            state.add(*thing)
        else:
            state.apply(thing)
    facts = [fact.model_dump(mode="json") | {"id": name} for name, fact in (t for t in story if isinstance(t, tuple))]
    sessions = [one.model_dump(mode="json") for one in story if isinstance(one, Session)]
    questions = [one.model_dump(mode="json") for one in story if isinstance(one, Question)]
    known = b.clinic(b.settings(base="none", rules={name: b.RuleChoice() for name in RULES}))
    clinic = known.model_dump(mode="json")
    for day in (0, 3, 14, 20, 41, 60, 100):
        now = b.day(day).astimezone(UTC)
        horizon = now - HOUR * data.draw(st.sampled_from([0, 0, 30]))
        found = assess(state, Standing(known), now=now, horizon=horizon)
        said = {
            "registered": found.registered,
            "entries": found.entries,
            "last_heard": found.last_heard,
            "concerns": [concern.model_dump(mode="json") for concern in found.concerns],
        }
        expected = by_the_oracle(facts, None, sessions, questions, clinic, now, horizon)

        assert differences(expected, said) == []
        assert check_wording(said) == []
        assert found.due is None or found.due > horizon


RULES = ("question_unanswered", "crisis_language", "question_overdue", "lingering_question")
