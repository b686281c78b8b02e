"""Relapse, not on track, stalled, and mood in both directions: the worked examples of the clinical reference."""

from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from services.insights.domain import Standing, assess
from services.insights.domain.expected_response import expected, fit, stratum_of, upper, version_of
from services.insights.domain.instability import slope, variability
from shared.contracts import Clinic
from shared.contracts.assessments import Concern
from shared.contracts.clinics import CutOff, RuleChoice, Scale
from shared.contracts.expected_response import ExpectedResponse, ExpectedStratum
from shared.contracts.sessions import Attendance
from tests.oracle import assess as oracle
from tests.oracle import differences
from tests.unit.insights import builders as b

WORKED = ExpectedStratum(first_from=13, first_to=18, episodes=150, b0=16, b1=-2.6, sd=[4.5] * 12)
MODEL = ExpectedResponse(version="etr-worked", fitted_at=datetime(2026, 1, 1, tzinfo=UTC), measures={"phq9": [WORKED]})


def scored(*scores: float, instrument: str = "phq9") -> list[Any]:
    """A questionnaire a day."""
    return [(f"q{n}", b.answers(b.day(n), score, instrument=instrument)) for n, score in enumerate(scores)]


def sessions(*days: float, attendance: Attendance = Attendance.ATTENDED) -> list[Any]:
    """A session on each of these days."""
    return [
        b.session(f"s{n}", None).model_copy(update={"scheduled_at": b.day(day), "attendance": attendance})
        for n, day in enumerate(days)
    ]


def with_settings(**update: Any) -> Clinic:
    """A clinic whose settings differ so."""
    return b.clinic(b.settings().model_copy(update=update))


def said(rule: str, *things: Any, known: Clinic | None = None) -> Concern | None:
    """One rule's word on day 90, as if it had always been in the catalogue."""
    standing = Standing(known, as_if_always=True)
    return b.concern(assess(b.state_of(*things), standing, now=b.day(90), horizon=b.day(90)), rule)


# --- relapse


@pytest.mark.parametrize(
    ("scores", "holds", "told"),
    [
        ((15, 8, 9, 14), True, ["q3"]),
        ((15, 8, 13), False, []),
        ((15, 3, 9), False, []),
        ((15, 10, 16), False, []),
        ((12, 4, 18), True, []),
        ((9, 15), True, []),
        ((15, 8, 14, 9), True, ["q2"]),
        ((15, 8, 14, 9, 9), False, []),
        ((15, 8, 14, 9, 12, 9), True, ["q2"]),
        ((15, 8, 14, 9, 9, 14), True, ["q5"]),
    ],
)
def test_a_relapse_is_back_at_caseness_and_reliably_above_the_best(
    *, scores: tuple[float, ...], holds: bool, told: list[str]
) -> None:
    """One episode until two scores running are below caseness; what deterioration tells of is not told twice."""
    found = said("relapse", *scored(*scores))

    assert (found is not None) == holds
    assert told == ([] if found is None else [telling.id for telling in found.telling])


def test_a_relapse_tells_of_its_score_itself_where_deterioration_is_off() -> None:
    """The rule that would have told is not in force, so this one does."""
    off = b.clinic(b.settings(rules={"reliable_deterioration": RuleChoice(enabled=False)}))
    found = said("relapse", *scored(12, 4, 18), known=off)

    assert found is not None
    assert [telling.id for telling in found.telling] == ["q2"]
    assert found.reason == (
        "PHQ-9 was 18: at or over caseness (10), and 14 above the best of the episode, 4 (reliable change is 6)."
    )
    assert found.numbers == {"phq9_best": 4, "phq9_latest": 18}


def test_a_measure_of_the_clinics_own_is_judged_by_its_own_numbers_and_direction() -> None:
    """Where more is better, a fall is worse; without a reliable change a measure is not judged."""
    scale = Scale(name="calm", minimum=0, maximum=20, higher_is_worse=False)
    known = with_settings(scales=[scale], cut_offs={"calm": CutOff(caseness=8, reliable_change=5)})
    without = with_settings(scales=[scale], cut_offs={"calm": CutOff(caseness=8)})
    facts = scored(8, 15, 6, instrument="calm")
    worse = said("reliable_deterioration", *scored(12, 7, instrument="calm"), known=known)
    back = said("relapse", *facts, known=known)

    assert worse is not None
    assert worse.reason == "calm fell from 12 to 7 (-5; reliable change is 5)."
    assert worse.parameters == {"phq9": 6, "gad7": 4, "calm": 5}
    assert worse.chart is not None
    assert (worse.chart.measure, worse.chart.minimum, worse.chart.maximum) == ("calm", 0, 20)
    assert back is not None
    assert [telling.id for telling in back.telling] == ["q2"]
    assert said("relapse", *facts, known=without) is None
    assert said("reliable_deterioration", *scored(12, 7, instrument="calm"), known=without) is None


# --- stalled


def test_no_reliable_change_by_the_fourth_attended_session_is_shown_and_alerts_nobody() -> None:
    """Sessions up to the score's day count, on the clinic's calendar; one not attended does not."""
    four, on = sessions(0, 1, 2, 3), b.clinic(b.settings(rules={"stalled": RuleChoice()}))
    found = said("stalled", *scored(16, 15, 14, 11), *four, known=on)

    assert found is not None
    assert (found.since, found.telling) == (b.day(3), [])
    assert found.numbers == {"phq9_first": 16, "phq9_latest": 11, "phq9_sessions": 4}
    assert "slower than most" in found.reason
    assert said("stalled", *scored(16, 15, 14, 10), *four, known=on) is None
    assert said("stalled", *scored(9, 9, 9, 9), *four, known=on) is None
    assert said("stalled", *scored(16, 15, 14, 11), *sessions(0, 1, 2, 4), known=on) is None
    missed = sessions(0, 1, 2, 3, attendance=Attendance.DID_NOT_ATTEND)
    assert said("stalled", *scored(16, 15, 14, 11), *missed, known=on) is None
    assert said("stalled", *scored(16, 15, 14, 11), *four) is None


# --- expected treatment response


def test_the_worked_curve_of_the_reference_comes_out() -> None:
    """b0 16 and b1 -2.6 at sessions 1, 2, 4, 8, 12; with sd 4.5, 19 is beyond the bound at session 4 and 18 is not."""
    assert [round(expected(WORKED, session), 2) for session in (1, 2, 4, 8, 12)] == [16.0, 14.2, 12.4, 10.59, 9.54]
    # 12.3956 + 1.2816 * 4.5: the reference prints 18.16
    assert upper(WORKED, 4) == pytest.approx(18.16, abs=0.005)
    known = with_settings(expected_response=MODEL)
    four = sessions(0, 1, 2, 3)

    assert said("not_on_track", *scored(16, 16, 16, 18), *four, known=known) is None
    found = said("not_on_track", *scored(16, 16, 16, 19), *four, known=known)
    assert found is not None
    assert [(telling.id, telling.urgency) for telling in found.telling] == [("q3", "working_hours")]
    assert found.numbers == {
        "phq9_first": 16,
        "phq9_latest": 19,
        "phq9_sessions": 4,
        "phq9_expected": 12.3956,
        "phq9_bound": 18.1628,
    }
    assert "etr-worked" in found.reason
    assert "etr-worked" in found.source


def test_without_a_model_of_the_clinics_own_nobody_is_off_track() -> None:
    """The rule is not in force, and names no parameters; nor for a start the model has no band for."""
    things = [*scored(16, 16, 16, 27), *sessions(0, 1, 2, 3)]

    assert said("not_on_track", *things) is None
    assert "not_on_track" not in Standing(b.clinic()).at(0).rules
    model = with_settings(expected_response=MODEL)
    assert said("not_on_track", *things, known=model) is not None
    assert said("not_on_track", *scored(10, 27, 27, 27), *sessions(0, 1, 2, 3), known=model) is None


def test_off_track_is_one_alert_told_again_only_when_reliably_worse_and_ends_with_two_as_expected() -> None:
    """Session 1 is not judged; a score between the curve and its bound neither ends it nor begins one."""
    known, attended = with_settings(expected_response=MODEL), sessions(*range(12))

    def told(*scores: float) -> list[str] | None:
        found = said("not_on_track", *scored(*scores), *attended, known=known)
        return None if found is None else [telling.id for telling in found.telling]

    assert told(16, 20) == ["q1"] == told(16, 20, 21, 25) == told(16, 20, 12) == told(16, 20, 12, 15, 12)
    assert told(16, 20, 26) == ["q1", "q2"]
    assert told(16, 20, 12, 12) is None
    assert told(16, 20, 12, 12, 18) == ["q4"]


def test_a_fit_finds_the_curve_it_was_drawn_from_and_pools_bands_until_each_has_a_hundred() -> None:
    """Least squares on the logarithm of the session; residual spread never falls; too few episodes are no model."""
    chance = Random(7)
    fall = {1: 0.0, 2: 0.6931, 3: 1.0986, 4: 1.3863}
    episodes = [
        [(session, first - 2.6 * log + chance.gauss(0, 1)) for session, log in fall.items()]
        for first in (6, 7, 12, 13, 18)
        for _ in range(60)
    ]
    strata = fit(([(1, round(scores[0][1])), *scores[1:]] for scores in episodes), minimum=0)
    again = fit(([(1, round(scores[0][1])), *scores[1:]] for scores in reversed(episodes)), minimum=0)

    assert sum(stratum.episodes for stratum in strata) == 300
    assert all(stratum.episodes >= 100 for stratum in strata)
    assert all(stratum.sd == sorted(stratum.sd) for stratum in strata)
    assert all(there.first_from == here.first_to + 1 for here, there in pairwise(strata))
    assert all(-3.2 < stratum.b1 < -2.0 for stratum in strata)
    assert (strata, version_of({"phq9": strata})) == (again, version_of({"phq9": again}))
    assert stratum_of(strata, 99) is None
    assert fit(episodes[:99], minimum=0) == []
    assert fit([[(1, 12.0)]] * 500, minimum=0) == []


def test_an_exact_curve_is_fitted_exactly() -> None:
    """Scores that lie on 16 - 2.6 ln(s) give b0 16 and b1 -2.6, and the least spread there is."""
    on_it = [(session, expected(WORKED, session)) for session in (1, 2, 4, 8, 12)]
    (stratum,) = fit([on_it] * 100, minimum=0)

    assert (stratum.first_from, stratum.first_to, stratum.b0, stratum.b1) == (15, 17, 16, -2.6)
    assert stratum.sd == [0.1] * 12


# --- mood in both directions


def test_a_rise_is_found_at_the_fifth_day_of_the_published_example_where_a_clinic_asks_for_it() -> None:
    """mu 3, sigma 1: z and limits as printed in 4.2, the first alarm at the fifth value; off in the starter set."""
    rules = {"mood_shift_up": RuleChoice(parameters={"baseline_days": 5, "baseline_span": 5, "sd_floor": 1})}
    known = b.clinic(b.settings(rules=rules))
    moods = [3, 3, 3, 3, 3, 3, 4, 5, 5, 6, 6, 6, 7]
    printed = [(3.7149, 3.4999), (3.9434, 3.5247), (4.1491, 3.544), (4.4342, 3.5591)]
    for count in range(6, 14):
        facts = [b.check_in(b.day(n), mood) for n, mood in enumerate(moods[:count])]
        found = said("mood_shift_up", *facts, known=known)
        if count < 10:
            assert found is None
            continue
        assert found is not None
        assert (found.numbers["ewma"], found.numbers["limit"]) == printed[count - 10]
        assert [telling.id for telling in found.telling] == ["mood_shift_up:2026-06-10"]
        assert said("mood_shift_up", *facts) is None


def test_after_a_long_gap_a_chart_starts_again_warms_up_and_after_a_longer_one_takes_a_new_baseline() -> None:
    """Only where the clinic chose so: by default a gap changes nothing."""
    easy = {"baseline_days": 5, "baseline_span": 5, "sd_floor": 1, "lambda": 0.5}

    def shifted(moods: list[tuple[int, float]], **gaps: float) -> bool:
        known = b.clinic(b.settings(rules={"mood_shift": RuleChoice(parameters=easy | gaps)}))
        return said("mood_shift", *(b.check_in(b.day(n), mood) for n, mood in moods), known=known) is not None

    before = [(n, 7.0) for n in range(6)]
    low = [*before, (6, 1.0), (7, 1.0)]
    assert shifted(low)
    back = [*low, (30, 6.9)]
    assert shifted(back)
    assert not shifted(back, stale_days=14)
    again = [*before, *((30 + n, 1.0) for n in range(6))]
    assert [shifted(again[:count], stale_days=14) for count in (7, 11, 12)] == [False, False, True]
    assert shifted(again, renew_days=42)
    far = [*before, *((60 + n, 1.0) for n in range(6))]
    assert not shifted(far, renew_days=42)
    # the second day weighs 1 - 0.5 ** 3: 2.54 lower is beyond a limit of 2.37; at a half, 1.45 is not beyond 1.51
    gap = [*before, (9, 4.1)]
    assert (shifted(gap, gap_cap=7), shifted(gap, gap_cap=1), shifted(gap)) == (True, False, False)


def test_the_worked_numbers_of_instability() -> None:
    """5, 6, 4, 5, 7, 3: MSSD 5.2, RMSSD 2.2804, least-squares slope -0.9615; no AR1 below twenty pairs, nor gaps."""
    values = [5.0, 6, 4, 5, 7, 3]
    found = variability(range(6), values)
    apart = variability([0, 1, 3, 4, 9, 11], values)

    assert (found.pairs, round(found.rmssd or 0, 4), found.ar1) == (5, 2.2804, None)
    assert round(slope(list(pairwise(values))) or 0, 4) == -0.9615
    assert (apart.pairs, apart.rmssd) == (2, 1.0)
    assert variability([0, 2], [1, 2]).rmssd is None
    assert variability(range(21), [float(n % 2) for n in range(21)]).ar1 == pytest.approx(-1)


@pytest.mark.parametrize("seed", range(40))
def test_instability_is_shown_while_mood_swings_more_than_it_used_to(seed: int) -> None:
    """As the oracle says, day after day, with days missing; a calm stretch behind it ends it; nobody is alerted."""
    chance = Random(seed)
    moods = [5 + chance.choice([-1, 0, 1]) for _ in range(30)] + [chance.choice([1, 9]) for _ in range(25)] + [5] * 40
    kept = [(n, mood) for n, mood in enumerate(moods) if chance.random() < 0.95]
    facts = [(b.fact_id(n), b.check_in(b.day(n), mood)) for n, mood in kept]
    known = b.clinic(b.settings(rules={"mood_instability": RuleChoice()}))
    state, held = b.state_of(), []
    for place, (name, fact) in enumerate(facts):
        state.add(name, fact)
        found = b.look(state, fact.occurred_at, known=known)
        concern = b.concern(found, "mood_instability")
        held.append(concern is not None)
        if place % 9 == seed % 9:
            plain = [{**one.model_dump(mode="json"), "id": name} for name, one in facts[: place + 1]]
            at = fact.occurred_at
            word = oracle(plain, None, [], [], known.model_dump(mode="json"), at, at)
            shown = {"registered": False, "entries": place + 1, "last_heard": at}
            shown["concerns"] = [one.model_dump(mode="json") for one in found.concerns]
            assert differences(word, shown) == []
        assert concern is None or concern.telling == []

    assert (held[20], any(held[40:60]), held[-1]) == (False, True, False)
