"""The rules about outcomes and about mood in both directions, against the oracle: any order, lateness, duplication."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.insights.domain import PatientState, Standing, assess
from shared.contracts import Clinic
from shared.contracts.base import Fact
from shared.contracts.clinics import CutOff, RuleChoice, Scale
from shared.contracts.expected_response import ExpectedResponse, ExpectedStratum
from shared.contracts.patients import Episode
from shared.contracts.sessions import Attendance
from tests.oracle import assess as oracle
from tests.oracle import check_wording, differences
from tests.unit.insights import builders as b

MODEL = ExpectedResponse(
    version="etr-test",
    fitted_at=datetime(2026, 1, 1, tzinfo=UTC),
    measures={
        "phq9": [
            ExpectedStratum(first_from=9, first_to=17, episodes=120, b0=13, b1=-2.6, sd=[2.0, 3.0, 4.5]),
            ExpectedStratum(first_from=18, first_to=27, episodes=140, b0=20, b1=-3.1, sd=[4.0]),
        ],
        "calm": [ExpectedStratum(first_from=0, first_to=12, episodes=100, b0=6, b1=2.5, sd=[1.5, 2])],
    },
)
GAPS = {"gap_cap": 7, "stale_days": 14, "warm_up": 3, "renew_days": 30}
SHORT = {"baseline_days": 4, "baseline_span": 5, "lambda": 0.4, "limit": 1}
SWINGS = {"days": 10, "pairs": 2, "factor": 1.2, "floor": 0.1, "baseline_days": 4, "baseline_span": 5}


def clinic_with(gaps: dict[str, float]) -> Clinic:
    """A clinic in New York with every rule on, a scale on which more is better, and a model of its own."""
    rules = {
        "mood_shift": RuleChoice(parameters=SHORT | gaps),
        "mood_shift_up": RuleChoice(parameters=SHORT | gaps),
        "mood_instability": RuleChoice(parameters=SWINGS),
        "stalled": RuleChoice(parameters={"sessions": 2}),
    }
    own = b.settings(zone="America/New_York", rules=rules).model_copy(
        update={
            "scales": [Scale(name="calm", minimum=0, maximum=20, higher_is_worse=False)],
            "cut_offs": {
                "calm": CutOff(caseness=8, reliable_change=3),
                "core10": CutOff(reliable_change=5),
                "phq9": CutOff(caseness=3, reliable_change=1),
            },
            "expected_response": MODEL,
        }
    )
    return b.clinic(own)


def changing_clinic() -> Clinic:
    """A clinic that gets a model and cut-offs, then gives one of them another number and loses a band of the model."""
    before = b.settings(zone="America/New_York")
    then = clinic_with({}).settings[0]
    assert then.expected_response is not None
    band = then.expected_response.measures["phq9"][0].model_copy(update={"b0": 11.0})
    measures = {**then.expected_response.measures, "phq9": [band]}
    last = {
        "effective_from": on(60),
        "cut_offs": {**then.cut_offs, "calm": CutOff(caseness=8, reliable_change=2)},
        "expected_response": then.expected_response.model_copy(update={"measures": measures}),
    }
    return b.clinic(before, then.model_copy(update={"effective_from": on(40)}), then.model_copy(update=last))


def on(day: float, hours: float = 0) -> datetime:
    """So many days after a day four weeks before the rules came into the catalogue."""
    return b.day(147 + day, hours)


CLINICS = [clinic_with({}), clinic_with(GAPS), clinic_with({"stale_days": 3, "warm_up": 1}), changing_clinic()]


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    """A check-in or a score; its local day now and then another than the instant's."""
    at = on(draw(st.integers(0, 70)), draw(st.sampled_from([0, 0, 3, 19.5])))
    kind = draw(st.sampled_from(["mood"] * 4 + ["phq9", "phq9", "gad7", "calm", "core10"]))
    score, least = draw(st.one_of(st.none(), st.integers(0, 20))), draw(st.integers(0, 17))
    made: Fact = (
        b.check_in(at, draw(st.integers(0, 20)) / 2)
        if kind == "mood"
        else b.answers(at, score, instrument=kind, partial=None if score is not None else (least, least + 3, 1))
    )
    if kind in {"phq9", "gad7"} and draw(st.integers(0, 5)) == 0:  # as recorded before mood said between which totals
        items = {str(number): draw(st.integers(0, 3)) for number in range(1, draw(st.integers(2, 11)))}
        made = b.answers(at, instrument=kind).model_copy(update={"items": items})
    return made.model_copy(update={"local_day": made.local_day + timedelta(days=draw(st.sampled_from([0, 0, 0, 1])))})


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """Any version of five sessions, attended or not, or of the patient, whose episode may have begun later."""
    version, deleted = draw(st.integers(1, 4)), draw(st.integers(0, 9)) == 0
    if draw(st.integers(0, 4)) == 0:
        started = [None, on(20).date(), on(9).date(), None][version - 1]
        referred = [one for one in (0, 12) if draw(st.booleans())]
        episodes = [Episode(episode=f"e{day}", referred_on=on(day).date(), started_on=started) for day in referred]
        return b.patient(version, episode_started_on=started, episodes=episodes)
    name = draw(st.sampled_from("abcde"))
    planned = on("abcde".index(name) * 9 + version, draw(st.sampled_from([0, 19])))
    kind = draw(st.sampled_from([Attendance.ATTENDED, Attendance.ATTENDED, Attendance.LATE, None]))
    update = {"scheduled_at": planned, "attendance": kind, "deleted": deleted}
    return b.session(name, None, version=version).model_copy(update=update)


def amendments(places: int) -> st.SearchStrategy[list[Fact]]:
    """Corrections and withdrawals of some of so many entries."""
    one = st.tuples(st.integers(0, places - 1), st.one_of(st.none(), st.integers(0, 20)), st.integers(0, 79))
    return st.lists(
        one.map(
            lambda drawn: (
                b.withdrawn(on(drawn[2], 1), b.fact_id(drawn[0]))
                if drawn[1] is None
                else b.corrected(on(drawn[2], 1), b.fact_id(drawn[0]), drawn[1] / 2)
            )
        ),
        max_size=8,
    )


def plain(state_facts: dict[str, Fact], papers: list[Any]) -> dict[str, Any]:
    """The same, as the oracle takes it."""
    patients = [paper for paper in papers if hasattr(paper, "episode_started_on")]
    return {
        "facts": [{**fact.model_dump(mode="json"), "id": name} for name, fact in state_facts.items()],
        "patient": max(patients, key=lambda p: p.version).model_dump(mode="json") if patients else None,
        "sessions": [p.model_dump(mode="json") for p in papers if hasattr(p, "attendance")],
        "questions": [],
    }


@settings(max_examples=250, deadline=None)
@given(
    st.lists(facts(), min_size=1, max_size=45),
    st.lists(documents(), max_size=10),
    st.sampled_from(CLINICS),
    st.data(),
)
def test_every_word_is_the_oracles_whatever_the_order(
    drawn: list[Fact], papers: list[Any], known: Clinic, data: st.DataObject
) -> None:
    """Built piece by piece, with repetition, looked at in between under another clinic's rules: the same words."""
    drawn = [*drawn, *data.draw(amendments(len(drawn)))]
    named = {b.fact_id(place): fact for place, fact in enumerate(drawn)}
    papers = list({(type(p), p.key, p.version): p for p in papers}.values())
    things: list[Any] = [*named.items(), *papers]
    things += data.draw(st.lists(st.sampled_from(things), max_size=6))
    looks = data.draw(st.sets(st.integers(0, 60), max_size=4))
    state, now = PatientState(), on(80)
    for place, thing in enumerate(data.draw(st.permutations(things))):
        if isinstance(thing, tuple):
            state.add(*thing)
        else:
            state.apply(thing)
        if place in looks:
            assess(state, Standing(data.draw(st.sampled_from(CLINICS))), now=now, horizon=now)

    found = assess(state, Standing(known), now=now, horizon=now)
    said = {
        "registered": found.registered,
        "entries": found.entries,
        "last_heard": found.last_heard,
        "concerns": [concern.model_dump(mode="json") for concern in found.concerns],
    }
    expected = oracle(**plain(named, papers), clinic=known.model_dump(mode="json"), now=now, horizon=now)

    assert differences(expected, said) == []
    assert check_wording(said) == []


@pytest.mark.parametrize("kind", ["phq9", "mood"])
def test_an_entry_in_order_costs_the_same_however_long_the_history(kind: str) -> None:
    """Counted in steps of every walk there is; a late entry costs those after it."""

    def entry(day: float) -> Fact:
        return b.check_in(on(day), 5 + day % 3) if kind == "mood" else b.answers(on(day), 10 + day % 7)

    def walked(state: PatientState) -> list[int]:
        walks = state.mood.walks if state.mood is not None else state.scores["phq9"].walks
        return [walk.walked for walk in walks.values()]  # type: ignore[attr-defined]  # each of them counts its steps

    steps = []
    for length in (40, 400, 2000):
        sessions = [
            b.session(f"s{n}", None).model_copy(update={"scheduled_at": on(10 * n), "attendance": Attendance.ATTENDED})
            for n in range(4)
        ]
        state = b.state_of(b.patient(), *sessions, *(entry(n) for n in range(length)))
        b.look(state, on(3000), known=CLINICS[0])
        before = walked(state)
        state.add("in order", entry(length))
        b.look(state, on(3000), known=CLINICS[0])
        middle = walked(state)
        state.add("late", entry(length - 9.5))
        b.look(state, on(3000), known=CLINICS[0])
        steps.append(
            ([now - then for then, now in zip(before, middle, strict=True)],
             [now - then for then, now in zip(middle, walked(state), strict=True)])
        )  # fmt: skip

    assert steps[0] == steps[1] == steps[2]
    assert steps[0][0] == [1] * len(steps[0][0])
    assert len(steps[0][0]) == 3
