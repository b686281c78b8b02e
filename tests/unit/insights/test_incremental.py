"""A state is a function of the set of facts and documents, and costs no more than what changed."""

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.insights.domain import PatientState
from shared.contracts.base import Fact, Origin
from shared.contracts.clinics import RuleChoice
from shared.contracts.patients import PatientStatus
from shared.contracts.questions import QuestionStatus
from tests.unit.insights import builders as b

ORIGINS = st.sampled_from(list(Origin))
IDS = st.one_of(st.integers(0, 60).map(b.fact_id), st.sampled_from(["a", "b", "z", "fact-1", "FACT-1", "é"]))


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    """Within 90 days, often at the very same instant as others."""
    return b.day(draw(st.integers(0, 90)), draw(st.sampled_from([0, 0, 0, 1, 3.5, 12])))


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    """Any fact, its local day now and then another than the instant's."""
    at, origin = draw(instants()), draw(ORIGINS)
    kind = draw(st.sampled_from(["mood"] * 6 + ["phq9", "gad7", "own", "question", "correct", "withdraw", "skip"]))
    if kind == "mood":
        made: Fact = b.check_in(at, draw(st.integers(0, 1000)) / 100, origin=origin)
    elif kind == "correct":
        made = b.corrected(at, draw(IDS), draw(st.integers(0, 10)))
    elif kind == "withdraw":
        made = b.withdrawn(at, draw(IDS))
    elif kind == "skip":
        made = b.answers(at, skipped=["phq9.9"], origin=origin)
    elif kind == "question":
        made = b.asked(at, draw(st.sampled_from("qrs")), origin=origin)
    else:
        risk = draw(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([7, 14, 200]), st.just(2)), max_size=2))
        score = draw(st.one_of(st.none(), st.integers(0, 21)))
        made = b.answers(at, score, instrument=kind, risk=risk, origin=origin)
    shift = draw(st.sampled_from([0, 0, 0, -1, 1]))
    return made.model_copy(update={"local_day": made.local_day + timedelta(days=shift)})


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """Any version of the patient, of two sessions, of the questions."""
    version, deleted = draw(st.integers(1, 4)), draw(st.integers(0, 9)) == 0
    kind = draw(st.sampled_from(["patient", "session", "question"]))
    if kind == "patient":
        started = draw(st.sampled_from([None, date(2026, 6, 20)])) if version % 2 else None
        status = list(PatientStatus)[version % 2]
        return b.patient(version, status=status, episode_started_on=started, deleted=version == 4)
    if kind == "session":
        name = draw(st.sampled_from(["s1", "s2", "s3", "s4", "s5"]))
        each = (len(name) * version * 3 + ord(name[1])) % 11
        return b.session(name, None if version == 3 else b.day(ord(name[1]) - 40), each, version=version)
    status = list(QuestionStatus)[version % 3]
    return b.handling(draw(st.sampled_from("qrs")), status, version=version, deleted=deleted and version == 4)


EASY = b.clinic(
    b.settings(
        rules={"mood_shift": RuleChoice(parameters={"baseline_days": 4, "baseline_span": 5, "limit": 1, "lambda": 0.4})}
    )
)


def said(state: PatientState) -> list[Any]:
    """Everything a state says, at several instants and under two clinics."""
    return [
        b.look(state, b.day(number), b.day(number - 1), known)
        for number in (0, 30, 90, 120, 300)
        for known in (None, EASY)
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(IDS, facts()), max_size=40), st.lists(documents(), max_size=8), st.data())
def test_any_interleaving_duplication_and_lateness_gives_the_same_state(
    drawn: list[tuple[str, Fact]], papers: list[Any], data: st.DataObject
) -> None:
    """Built piece by piece and looked at in between, or from the sorted set at once: the same assessments."""
    unique = dict(reversed(drawn))
    papers = list({(type(p), p.key, p.version): p for p in papers}.values())
    in_order = sorted(unique.items(), key=lambda pair: (pair[1].occurred_at, pair[0]))
    at_once = b.state_of(*in_order, *sorted(papers, key=lambda p: p.version))
    things: list[Any] = [*unique.items(), *papers]
    things += data.draw(st.lists(st.sampled_from(things), max_size=10)) if things else []
    looks = data.draw(st.sets(st.integers(0, 60), max_size=4))

    piecemeal = PatientState()
    for place, thing in enumerate(data.draw(st.permutations(things))):
        if isinstance(thing, tuple):
            piecemeal.add(*thing)
        else:
            piecemeal.apply(thing)
        if place in looks:
            said(piecemeal)

    assert said(at_once) == said(piecemeal)


def test_facts_with_one_id_are_one_and_the_first_recorded_counts() -> None:
    """A retry that says something else changes nothing, not even the day."""
    state = b.state_of(("a", b.check_in(b.day(0), 5)), ("a", b.check_in(b.day(3), 1)))

    assert (1, b.day(0)) == (state.entries, b.look(state, b.day(4)).last_heard)


def _daily(days: int) -> PatientState:
    state = b.state_of(*(b.check_in(b.day(number), 5 + number % 3) for number in range(days)))
    b.look(state, b.day(days))
    return state


def _walked(state: PatientState, at: datetime) -> int:
    assert state.mood is not None
    before = state.mood.chart().walked
    state.add("new", b.check_in(at, 6))
    b.look(state, at + timedelta(days=400))
    return state.mood.chart().walked - before


def test_a_check_in_in_order_walks_one_day_however_long_the_history() -> None:
    """Counted in days of the control chart."""
    assert [_walked(_daily(days), b.day(days)) for days in (40, 400, 4000)] == [1, 1, 1]


def test_a_late_check_in_walks_only_the_days_after_it() -> None:
    """Counted in days of the control chart: ten days late, ten days walked again, and its own."""
    assert _walked(_daily(1000), b.day(989, 1)) == 11


def test_a_score_in_order_walks_one_step_and_a_late_one_those_after_it() -> None:
    """Counted in scores."""
    state = b.state_of(*(b.answers(b.day(number), number % 10) for number in range(100)))
    b.look(state, b.day(100))
    walked = []
    for number in (100, 95.5):
        before = state.scores["phq9"].walked
        state.add(f"late-{number}", b.answers(b.day(number), 3))
        b.look(state, b.day(200))
        walked.append(state.scores["phq9"].walked - before)

    assert walked == [1, 6]


def test_a_risk_answer_in_order_walks_one_step() -> None:
    """Counted in joined recalls; older answers are not looked at again."""
    state = b.state_of(*(b.answers(b.day(number), risk=[(1, 14, 2)]) for number in range(300)))
    b.look(state, b.day(300))
    assert state.risk is not None
    before = state.risk.walked
    state.add("new", b.answers(b.day(300), risk=[(1, 14, 2)]))
    b.look(state, b.day(301))

    assert state.risk.walked - before == 1


def test_many_ids_are_told_apart() -> None:
    """The compact table of known ids grows without losing or inventing one."""
    state = PatientState()
    fact = b.check_in(b.day(0), 5)
    fresh = [state.add(b.fact_id(number), fact) for number in range(5000)]
    again = [state.add(b.fact_id(number), fact) for number in range(5000)]

    assert (all(fresh), any(again), state.entries) == (True, False, 5000)
