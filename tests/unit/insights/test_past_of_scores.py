"""A changed measure, model or neighbour of a rule about scores never pages anyone for the past."""

from datetime import datetime
from typing import Any

import pytest

from services.insights.domain import PatientState, Standing, assess
from shared.contracts.clinics import ClinicSettings, CutOff, RuleChoice, Scale
from shared.contracts.sessions import Attendance
from tests.oracle import assess as oracle
from tests.oracle import differences
from tests.unit.insights import builders as b
from tests.unit.insights.test_new_rules_oracle import MODEL, on

SCALE = Scale(name="calm", minimum=0, maximum=20, higher_is_worse=False)
CUT = CutOff(caseness=8, reliable_change=3)
OFF = {"reliable_deterioration": RuleChoice(enabled=False)}


def chosen(at: datetime | None = None, *, rules: dict[str, RuleChoice] | None = None, **update: Any) -> ClinicSettings:
    """Settings from an instant on; the first from long ago."""
    return b.settings(*([] if at is None else [at]), rules=rules or {}).model_copy(update=update)


def told(rule: str, things: list[Any], *stretches: ClinicSettings) -> list[str] | None:
    """What a rule tells on day 90, in the service as in the oracle; None where it is silent."""
    known, now = b.clinic(*stretches), on(90)
    found = assess(b.state_of(*things), Standing(known), now=now, horizon=now)
    facts = [{**fact.model_dump(mode="json"), "id": name} for name, fact in things]
    said = {"registered": False, "entries": len(facts), "last_heard": found.last_heard}
    said["concerns"] = [one.model_dump(mode="json") for one in found.concerns]
    word = oracle(facts, None, [], [], known.model_dump(mode="json"), now, now)
    assert differences(word, said) == []
    concern = b.concern(found, rule)
    return None if concern is None else [telling.id for telling in concern.telling]


def scored(instrument: str, *scores: tuple[float, float]) -> list[Any]:
    """Questionnaires by day."""
    return [
        (b.fact_id(f"{instrument}{day}"), b.answers(on(day), score, instrument=instrument)) for day, score in scores
    ]


def test_cut_offs_make_a_rule_judge_a_measure_and_tell_from_then_on() -> None:
    """A score from before they stood is shown; the first from after it is told, and so it is with another number."""
    things = scored("calm", (31, 15), (35, 10))
    without, later = chosen(scales=[SCALE]), {"scales": [SCALE], "cut_offs": {"calm": CUT}}
    narrower = {"scales": [SCALE], "cut_offs": {"calm": CutOff(caseness=8, reliable_change=4)}}

    assert told("reliable_deterioration", things, chosen(**later)) == [things[1][0]]
    assert told("reliable_deterioration", things, without, chosen(on(33), **later)) == [things[1][0]]
    assert told("reliable_deterioration", things, without, chosen(on(36), **later)) == []
    assert told("reliable_deterioration", things, chosen(**later), chosen(on(36), **narrower)) == []
    assert told("reliable_deterioration", things, chosen(**later), chosen(on(36), **later)) == [things[1][0]]
    assert told("reliable_deterioration", things, chosen(**later), chosen(on(36), scales=[SCALE])) is None


def test_cut_offs_that_no_rule_judges_by_change_nothing() -> None:
    """Those for PHQ-9, and a caseness alone, are progress's."""
    things = scored("phq9", (31, 9), (35, 16))
    progress = {"cut_offs": {"phq9": CutOff(caseness=8, reliable_change=5), "core10": CutOff(caseness=11)}}

    assert told("reliable_deterioration", things, chosen(), chosen(on(36), **progress)) == [things[1][0]]


def test_a_relapse_told_by_deterioration_is_not_told_again_when_that_is_switched_off() -> None:
    """Whatever breaks the one rule breaks the other; what comes afterwards is told."""
    things = scored("phq9", (31, 12), (33, 4), (35, 18))

    assert told("relapse", things, chosen(rules=OFF)) == [things[2][0]]
    assert told("relapse", things, chosen(), chosen(on(36), rules=OFF)) == []
    assert told("relapse", things, chosen(), chosen(on(34), rules=OFF)) == [things[2][0]]


@pytest.mark.parametrize(("b0", "tells"), [(13.0, True), (12.0, False)])
def test_a_model_with_other_bands_is_another_rule_and_one_with_another_name_is_not(*, b0: float, tells: bool) -> None:
    """The same curves under a new name, or fitted on another day, page nobody and hide nothing."""
    low, high = MODEL.measures["phq9"]
    bands = [low.model_copy(update={"b0": b0}), high]
    newer = MODEL.model_copy(update={"version": "etr-next", "measures": {**MODEL.measures, "phq9": bands}})
    things: list[Any] = [*scored("phq9", (30, 16), (35, 22))]
    sessions = [
        b.session(f"s{n}", None).model_copy(update={"scheduled_at": on(31 + n), "attendance": Attendance.ATTENDED})
        for n in range(3)
    ]
    known = b.clinic(chosen(expected_response=MODEL), chosen(on(36), expected_response=newer))
    state = b.state_of(*things, *sessions)
    concern = b.concern(assess(state, Standing(known), now=on(90), horizon=on(90)), "not_on_track")

    assert concern is not None
    assert [telling.id for telling in concern.telling] == ([things[1][0]] if tells else [])


@pytest.mark.parametrize("rule", ["mood_shift", "mood_shift_up", "mood_instability"])
def test_a_last_day_withdrawn_leaves_every_walk_as_if_it_had_never_been(rule: str) -> None:
    """Looked at in between, so that each walk's columns were a day longer; down to a day of the baseline."""
    short: dict[str, float] = {"baseline_days": 4, "baseline_span": 4}
    own: dict[str, float] = (
        {"lambda": 0.9, "limit": 0.5, "renew_days": 9} if "shift" in rule else {"pairs": 2, "factor": 1}
    )
    known = b.clinic(b.settings(rules={rule: RuleChoice(parameters=short | own)}))
    end = {"mood_shift": 1.0, "mood_shift_up": 9.0}.get(rule, 9.5)
    moods = [5, 5.5, 5, 5, 5, 5, 5 if rule == "mood_instability" else end, end]
    days = [on(day) for day in (0, 1, 2, 3, 4, 5, 6, 7)]
    kept = list(zip(days, moods, strict=True))

    def held(state: PatientState) -> Any:
        found = b.concern(assess(state, Standing(known), now=on(90), horizon=on(90)), rule)
        return None if found is None else found.model_dump(exclude={"chart"})

    state = b.state_of(*((b.fact_id(at), b.check_in(at, mood)) for at, mood in kept))
    assert held(state) is not None
    for count in range(len(kept), 1, -1):
        gone = b.fact_id(kept[count - 1][0])
        state.add(b.fact_id(f"gone{count}"), b.withdrawn(on(10), gone))
        fresh = b.state_of(*((b.fact_id(at), b.check_in(at, mood)) for at, mood in kept[: count - 1]))
        assert held(state) == held(fresh)
    assert held(state) is None
