"""The oracle against examples worked out by hand from the published numbers, never by the oracle itself."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.oracle import assess, check_alerts, check_wording, differences, telling_ever
from tests.oracle.comparing import mentions
from tests.oracle.plain import closing_time
from tests.oracle.rules import lag_1_autocorrelation

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday morning."""

RATING = ("felt_welcome", "room_was_comfortable", "felt_listened_to", "worked_on_what_matters")


def on(day: float) -> datetime:
    """The instant that many days after the start."""
    return START + timedelta(days=day)


def fact(name: str, day: float, origin: str = "live", **data: Any) -> dict[str, Any]:
    """A fact that occurred that many days after the start, in UTC."""
    at = on(day)
    return {"id": name, "occurred_at": at.isoformat(), "local_day": at.date().isoformat(), "origin": origin, **data}


def form(name: str, day: float, instrument: str, score: int | None, **more: Any) -> dict[str, Any]:
    """A questionnaire with a score and no risk answers, unless given."""
    return fact(name, day, **{"instrument": instrument, "score": score, "risk_answers": [], **more})


def item_9(name: str, day: float, value: int, origin: str = "live") -> dict[str, Any]:
    """A PHQ-9 whose item 9 was answered so."""
    answer = {"item": "9", "value": value, "recall_days": 14, "urgent_from": 2}
    return form(name, day, "phq9", None, risk_answers=[answer], origin=origin)


def moods(values: list[float], days: list[int] | None = None) -> list[dict[str, Any]]:
    """One check-in a day."""
    return [fact(f"m{n:03}", n if days is None else days[n], mood=value) for n, value in enumerate(values)]


def patient(**more: Any) -> dict[str, Any]:
    """An active patient registered at the start."""
    return {"status": "active", "registered_at": START.isoformat(), "version": 1, **more}


def clinic(**rules: Any) -> dict[str, Any]:
    """A London clinic with the starter rules and these changes."""
    return {
        "version": 1,
        "settings": [
            {
                "effective_from": "2020-01-01T00:00:00+00:00",
                "zone": "Europe/London",
                "working_hours": {day: ["09:00:00", "17:00:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
                "holidays": ["2026-04-03", "2026-04-06"],
                "rule_set": {"base": "starter", "rules": rules},
            }
        ],
    }


def session(name: str, day: float, answer: int, **more: Any) -> dict[str, Any]:
    """A session rated with the same answer five times, unless told otherwise."""
    rating: dict[str, Any] = dict.fromkeys((*RATING, "questions_were_answered"), answer)
    rating |= {"rated_at": on(day).isoformat(), "origin": "live"}
    return {"session": name, "version": 2, "rating": rating | more}


def concern(rule: str, now: float, facts: list[dict[str, Any]] = (), **given: Any) -> dict[str, Any] | None:  # type: ignore[assignment]
    """What the oracle says of one rule, that many days after the start."""
    horizon = given.pop("horizon", now)
    inputs: dict[str, Any] = {"patient": None, "sessions": [], "questions": [], "clinic": None} | given
    said = assess(list(facts), **inputs, now=on(now), horizon=on(horizon))
    return next((one for one in said["concerns"] if one["rule"] == rule), None)


# mood shift ----------------------------------------------------------------------------------------------------------

MEAN_7_SD_1 = [8, 6] * 5 + [8.5, 5.5] * 2 + [7] * 6
"""Twenty values: squares about 7 are 10 * 1 + 4 * 2.25 = 19 = n - 1; every neighbouring product is negative or 0."""
TWENTY_DAYS_OVER_28 = [*range(19), 27]


def test_ewma_alarms_at_the_fifth_day_of_the_published_example() -> None:
    """clinical.md 4.2, mirrored about 5: z and limits as printed there, the first alarm at the fifth value."""
    after = [7, 6, 5, 5, 4, 4, 4, 3]
    days = [*TWENTY_DAYS_OVER_28, *range(28, 36)]
    printed_z = [3.0, 3.1, 3.29, 3.461, 3.7149, 3.9434, 4.1491, 4.4342]
    printed_limit = [3.27, 3.3632, 3.424, 3.4675, 3.4999, 3.5247, 3.544, 3.5591]
    for count in range(1, 9):
        said = concern("mood_shift", 40, moods([*MEAN_7_SD_1, *after[:count]], days[: 20 + count]))
        if count < 5:
            assert said is None
            continue
        assert said is not None
        assert said["numbers"] == {
            "baseline_mean": 7.0,
            "baseline_sd": 1.0,
            "phi": 0.0,
            "ewma": pytest.approx(10 - printed_z[count - 1], abs=1e-4),
            "limit": pytest.approx(10 - printed_limit[count - 1], abs=1e-4),
            "latest": float(after[count - 1]),
        }
        assert on(32) == said["since"]
        assert [{"id": "mood_shift:2026-04-03", "at": on(32), "origin": "live", "urgency": "working_hours"}] == said[
            "telling"
        ]


def test_a_baseline_needs_its_days_and_its_span() -> None:
    """Twenty days over 27 are no baseline yet; a twenty-first makes the run long enough, so nothing follows it."""
    low = [0.0] * 10
    days = [*range(19), 26, *range(27, 37)]
    assert concern("mood_shift", 50, moods([*MEAN_7_SD_1, *low[:1]], days[:21])) is None
    said = concern("mood_shift", 50, moods([*MEAN_7_SD_1, *low], days))
    assert said is not None
    assert pytest.approx(7 * 20 / 21, abs=1e-4) == said["numbers"]["baseline_mean"]


def test_autocorrelation_widens_the_limits() -> None:
    """1, 2, 3, 4: phi 1.25 / 5 = .25, sd sqrt(5/3), so sigma 5/3; four zeros are then a shift, three are not."""
    short = clinic(mood_shift={"parameters": {"baseline_days": 4, "baseline_span": 4}})
    assert concern("mood_shift", 20, moods([1, 2, 3, 4, 0, 0, 0]), clinic=short) is None
    said = concern("mood_shift", 20, moods([1, 2, 3, 4, 0, 0, 0, 0]), clinic=short)
    assert said is not None
    # z is 2.5 times .9 to the 4th; the limit 2.5 less 4.5 times the root of (1 less .9 to the 8th) over 19
    expected = {"baseline_mean": 2.5, "baseline_sd": 1.291, "phi": 0.25, "ewma": 1.64025, "limit": 1.7209, "latest": 0}
    assert {name: pytest.approx(value, abs=1.01e-4) for name, value in expected.items()} == said["numbers"]
    assert said["parameters"] == {"lambda": 0.1, "limit": 2.7, "baseline_days": 4, "baseline_span": 4, "sd_floor": 0.5}


def test_autocorrelation_of_the_published_example() -> None:
    """clinical.md 4.4: 5, 6, 4, 5, 7, 3 has -.5, which counts as 0; a long rise is clamped to .7; a flat line has 0."""
    assert lag_1_autocorrelation([5, 6, 4, 5, 7, 3], 5) == 0
    assert pytest.approx(0.25) == lag_1_autocorrelation([1, 2, 3, 4], 2.5)
    assert lag_1_autocorrelation([float(n) for n in range(101)], 50) == 0.7
    assert lag_1_autocorrelation([6.1] * 20, 6.1 + 1e-15) == 0


def test_a_perfectly_constant_baseline_uses_the_floor_and_no_autocorrelation() -> None:
    """6.1 thirty times: sd .5, so z = 5.9 is below the limit 6.1 - 2.7 * .5 * .1 = 5.965 on the first day at 4.1."""
    said = concern("mood_shift", 40, moods([6.1] * 28 + [4.1]))
    assert said is not None
    expected = {"baseline_mean": 6.1, "baseline_sd": 0.5, "phi": 0, "ewma": 5.9, "limit": 5.965, "latest": 4.1}
    assert {name: pytest.approx(value, abs=1e-9) for name, value in expected.items()} == said["numbers"]


def test_a_shift_ends_at_the_centre_line_and_another_may_begin() -> None:
    """6.1, then 4.1 (z 5.9), then 7.9: z = 6.1 exactly, which is back; a second 4.1 begins a shift of its own day."""
    back = [6.1] * 28 + [4.1, 7.9]
    assert concern("mood_shift", 40, moods(back)) is None
    again = concern("mood_shift", 40, moods([*back, 0.0]))
    assert again is not None
    assert [told["id"] for told in again["telling"]] == ["mood_shift:2026-04-01"]


def test_a_shift_stays_open_between_limit_and_centre_line() -> None:
    """6.1, then 4.1, then 7: z = .9 * 5.9 + .7 = 6.01, within the limit but not back; the day it began is kept."""
    said = concern("mood_shift", 40, moods([6.1] * 28 + [4.1, 7]))
    assert said is not None
    assert said["numbers"]["ewma"] == pytest.approx(6.01)
    assert on(28) == said["since"]


def test_charts_show_the_last_days_and_scores() -> None:
    """At most 30 day means, and 12 scores."""
    low = concern("mood_shift", 40, moods([6.1] * 28 + [4.1] * 5))
    worse = concern("reliable_deterioration", 200, [form(f"p{n:02}", 7 * n, "phq9", n) for n in range(15)])
    assert low is not None
    assert worse is not None
    assert [on(day).date() for day in range(3, 33)] == [day for day, _ in low["chart"]["points"]]
    assert list(range(3, 15)) == [score for _, score in worse["chart"]["points"]]


def test_several_check_ins_of_a_day_count_as_their_mean() -> None:
    """A day's first check-in says since when, its last says the origin, its mean says the mood."""
    late = [fact("b", 28.2, "sync", mood=1), fact("a", 28.1, "import", mood=7.2)]
    said = concern("mood_shift", 40, [*moods([6.1] * 28), *late])
    assert said is not None
    assert said["numbers"]["latest"] == 4.1
    assert on(28.1) == said["since"]
    assert said["telling"][0]["origin"] == "sync"
    assert said["chart"]["points"][-1] == (date(2026, 3, 30), 4.1)
    assert len(said["chart"]["points"]) == 29


# reliable deterioration ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phq", "gad", "open_measures"),
    [
        ((15, 8), (12, 6), []),
        ((10, 9), (8, 7), []),
        ((9, 4), (7, 3), []),
        ((16, 11), (14, 11), []),
        ((12, 6), (9, 13), ["gad7"]),
        ((9, 15), (10, 10), ["phq9"]),
        ((9, 14), (10, 13), []),
        ((9, 15), (10, 14), ["phq9", "gad7"]),
    ],
)
def test_reliable_change_vectors(phq: tuple[int, int], gad: tuple[int, int], open_measures: list[str]) -> None:
    """clinical.md 11: PHQ-9 +6 and GAD-7 +4 are reliable deterioration, one point less is not."""
    facts = [
        form("p0", 0, "phq9", phq[0]),
        form("p1", 7, "phq9", phq[1]),
        form("g0", 0.01, "gad7", gad[0]),
        form("g1", 7.01, "gad7", gad[1]),
    ]
    said = concern("reliable_deterioration", 10, facts)
    if not open_measures:
        assert said is None
        return
    assert said is not None
    first_last = {"phq9": phq, "gad7": gad}
    expected = {f"{m}_{part}": first_last[m][n] for m in open_measures for n, part in enumerate(("first", "latest"))}
    assert expected == said["numbers"]
    assert [f"{measure[0]}1" for measure in open_measures] == [told["id"] for told in said["telling"]]
    assert {told["urgency"] for told in said["telling"]} == {"at_once"}
    assert said["chart"]["measure"] == open_measures[0]


@pytest.mark.parametrize(
    ("scores", "evidence"),
    [
        ([10, 16, 12], 1),
        ([10, 16, 12, 17, 11], 1),
        ([10, 16, 12, 11], None),
        ([10, 16, 12, 11, 17], 4),
        ([10, 16, 12, None, 11], None),
        ([10, 5, 11], None),
        ([None, 10, 16], 2),
        ([10], None),
    ],
)
def test_an_episode_ends_after_two_scores_running(scores: list[int | None], evidence: int | None) -> None:
    """One score back below the threshold is not enough; after two, the next worse score is news; None counts not."""
    facts = [form(f"p{n}", 7 * n, "phq9", score) for n, score in enumerate(scores)]
    said = concern("reliable_deterioration", 60, facts)
    if evidence is None:
        assert said is None
        return
    assert said is not None
    assert [told["id"] for told in said["telling"]] == [f"p{evidence}"]
    assert on(7 * evidence) == said["since"]


def test_an_earlier_episode_of_care_is_no_baseline() -> None:
    """4 then 12 then 13: worse than the 4, but care began anew before the 12."""
    facts = [form("p0", 0, "phq9", 4), form("p1", 30, "phq9", 12), form("p2", 37, "phq9", 13)]
    assert concern("reliable_deterioration", 60, facts, patient=patient()) is not None
    anew = patient(episode_started_on=on(30).date().isoformat())
    assert concern("reliable_deterioration", 60, facts, patient=anew) is None
    worse = concern("reliable_deterioration", 60, [*facts, form("p3", 44, "phq9", 18)], patient=anew)
    assert worse is not None
    assert worse["numbers"] == {"phq9_first": 12, "phq9_latest": 18}


def test_two_measures_hold_since_the_earlier() -> None:
    """The PHQ-9 from day 14, the GAD-7 from day 7: both are told, in order of time."""
    phq = [form(f"p{n}", 7 * n, "phq9", score) for n, score in enumerate([5, 5, 11])]
    gad = [form(f"g{n}", 7 * n, "gad7", score) for n, score in enumerate([5, 9, 9])]
    said = concern("reliable_deterioration", 20, phq + gad)
    assert said is not None
    assert on(7) == said["since"]
    assert [told["id"] for told in said["telling"]] == ["g1", "p2"]


# risk item -----------------------------------------------------------------------------------------------------------


def test_a_risk_answer_holds_for_its_recall_and_is_telling_for_90_days() -> None:
    """Answered on day 0: holds until day 14 and not at it; told until day 90 and not at it."""
    facts = [item_9("r", 0, 1)]
    just_before = concern("risk_item", 13.999, facts)
    assert just_before is not None
    assert (just_before["holds"], just_before["since"]) == (True, START)
    past = concern("risk_item", 14, facts)
    assert past is not None
    assert (past["holds"], past["since"], [told["id"] for told in past["telling"]]) == (False, None, ["r"])
    assert concern("risk_item", 89.999, facts) is not None
    assert concern("risk_item", 90, facts) is None


def test_an_imported_risk_answer_is_telling_only_within_its_recall() -> None:
    """An import pages nobody and is not dug up later."""
    assert concern("risk_item", 13, [item_9("r", 0, 3, "import")]) is not None
    assert concern("risk_item", 14, [item_9("r", 0, 3, "import")]) is None


def test_touching_windows_join_and_a_gap_parts_them() -> None:
    """Answers on days 0 and 14 are one stretch from day 0; with the second on day 15 it begins there."""
    touching = concern("risk_item", 20, [item_9("a", 0, 1), item_9("b", 14, 1)])
    parted = concern("risk_item", 20, [item_9("a", 0, 1), item_9("b", 15, 1)])
    assert touching is not None
    assert parted is not None
    assert (on(0), on(15)) == (touching["since"], parted["since"])


def test_a_long_recall_reaches_over_a_short_one() -> None:
    """A scale's answer of day 0 with 28 days of recall still holds on day 20, when item 9 of day 1 no longer does."""
    answer = {"item": "x", "value": 1, "recall_days": 28, "urgent_from": 2}
    said = concern("risk_item", 20, [form("s", 0, "scale", None, risk_answers=[answer]), item_9("p", 1, 3)])
    assert said is not None
    assert (said["holds"], said["since"], said["numbers"]["highest"]) == (True, on(0), 3)


def test_a_later_zero_is_shown_beside_it_and_reassures_nobody() -> None:
    """2, then 1, then 0: highest 2, latest 0, two above zero; the 2 at once, the 1 in working hours, the 0 not told."""
    said = concern("risk_item", 5, [item_9("a", 0, 2), item_9("b", 1, 1), item_9("c", 2, 0)])
    assert said is not None
    assert said["numbers"] == {"highest": 2, "latest": 0, "above_zero": 2}
    assert [(told["id"], told["urgency"]) for told in said["telling"]] == [("a", "at_once"), ("b", "working_hours")]
    assert said["chart"] is None


def test_a_fast_clock_does_not_hide_an_answer() -> None:
    """An answer five minutes ahead of now holds, since then."""
    said = concern("risk_item", 1, [item_9("a", 1 + 5 / 1440, 1)])
    assert said is not None
    assert (True, on(1 + 5 / 1440)) == (said["holds"], said["since"])


def test_nobody_is_told_of_somebody_who_has_died() -> None:
    """A deceased patient has no concerns; a discharged one can have all but gone quiet."""
    facts = [item_9("a", 0, 3)]
    assert concern("risk_item", 1, facts, patient=patient(status="deceased")) is None
    assert concern("risk_item", 1, facts, patient=patient(status="discharged")) is not None
    assert concern("gone_quiet", 60, facts, patient=patient(status="discharged")) is None


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


# the whole -----------------------------------------------------------------------------------------------------------


def test_facts_are_a_set() -> None:
    """The same entries in any order and any number say the same."""
    facts = [item_9("r", 3, 2), *moods([5, 6, 4]), form("p", 1, "phq9", 9)]
    once = assess(facts, patient(), [], [], clinic(), on(20), on(20))
    again = assess([*facts[::-1], *facts], patient(), [], [], clinic(), on(20), on(20))
    assert differences(once, again) == []
    assert (True, 5, on(3)) == (once["registered"], once["entries"], once["last_heard"])
    assert [one["rule"] for one in once["concerns"]] == ["risk_item", "gone_quiet"]


def test_a_clinic_chooses_its_rules() -> None:
    """`none` turns all off, an entry turns one on or off and changes a parameter, an unknown one is ignored."""
    facts = [item_9("r", 3, 2)]
    off = clinic(risk_item={"enabled": False}, unknown={})
    assert concern("risk_item", 4, facts, clinic=off) is None
    one = clinic(gone_quiet={"parameters": {"min_days": 3, "unknown": 1}})
    one["settings"][0]["rule_set"]["base"] = "none"
    said = assess(facts, patient(), [], [], one, on(10), on(10))["concerns"]
    assert [(c["rule"], c["parameters"]) for c in said] == [("gone_quiet", {"min_days": 3, "factor": 3, "gaps": 20})]


def test_settings_count_from_their_day_on() -> None:
    """The rules are those in force now, a question's working time that in force when it was asked."""
    both = clinic()
    later = {**both["settings"][0], "effective_from": on(2).isoformat()}
    later["working_hours"] = {"sun": ["10:00", "12:00"]}
    both["settings"].append(later)
    asked = [fact("q1", 0, question="q1"), fact("q2", 3, question="q2")]
    said = concern("question_unanswered", 30, asked, clinic=both)
    assert said is not None
    due = [datetime(2026, 3, 4, 17, tzinfo=UTC), datetime(2026, 3, 15, 12, tzinfo=UTC)]
    assert due == [told["at"] for told in said["telling"]]


def an_assessment() -> dict[str, Any]:
    """As the service would say it of one risk answer, in JSON."""
    return {
        "registered": False,
        "entries": 1,
        "last_heard": "2026-03-02T10:00:00+01:00",
        "concerns": [
            {
                "rule": "risk_item",
                "holds": True,
                "since": "2026-03-02T09:00:00Z",
                "reason": "Item 9 of the PHQ-9 was answered 2 on 2 March.",
                "until": "The last answer above 0 is past its recall.",
                "source": "Na 2018",
                "parameters": {"tell_days": 90},
                "numbers": {"highest": 2, "latest": 2, "above_zero": 1},
                "telling": [
                    {
                        "id": "r",
                        "at": "2026-03-02T09:00:00Z",
                        "origin": "live",
                        "urgency": "at_once",
                        "said": "Item 9 answered 2",
                    }
                ],
                "chart": None,
            }
        ],
    }


def test_differences_say_where_and_what() -> None:
    """Equal assessments differ in nothing, however instants are written; otherwise each difference has its line."""
    expected = assess([item_9("r", 0, 2)], None, [], [], None, on(1), on(1))
    assert differences(expected, an_assessment()) == []
    wrong = an_assessment()
    wrong["entries"] = 2
    wrong["concerns"][0]["numbers"]["highest"] = 3
    wrong["concerns"][0]["since"] = None
    wrong["concerns"][0]["telling"][0] |= {"id": "x"}
    assert differences(expected, wrong) == [
        "entries: expected 1, actual 2",
        "risk_item.since: expected 2026-03-02T09:00:00+00:00, actual none",
        "risk_item.numbers.highest: expected 2, actual 3",
        "risk_item.telling: r is missing",
        "risk_item.telling: x should not be there",
    ]
    assert differences(expected, {**an_assessment(), "concerns": []}) == ["concerns: expected risk_item, actual none"]


def test_differences_see_into_charts() -> None:
    """A point, a range or a missing chart is seen; a tie in the fourth decimal is not a difference."""
    facts = moods([6.1] * 28 + [4.1])
    expected = assess(facts, None, [], [], None, on(30), on(30))
    actual = assess(facts, None, [], [], None, on(30), on(30))
    actual["concerns"][0]["numbers"]["ewma"] += 1e-4
    assert differences(expected, actual) == []
    actual["concerns"][0]["numbers"]["ewma"] += 1e-4
    actual["concerns"][0]["chart"]["points"][-1] = ("2026-03-30", 4.2)
    assert differences(expected, actual) == [
        "mood_shift.numbers.ewma: expected 5.9, actual 5.9002",
        "mood_shift.chart point 29: expected 4.1 on 2026-03-30, actual 4.2 on 2026-03-30",
    ]
    actual["concerns"][0]["chart"] = None
    assert "mood_shift.chart: there should be one" in differences(expected, actual)


@pytest.mark.parametrize(
    ("text", "number", "said"),
    [
        ("rose from 9 to 15", 15, True),
        ("the PHQ-9 is 15", 9, False),
        ("moving average 4.2", 4.2347, True),
        ("moving average 4.3", 4.2347, False),
        ("moving average 4", 4.2347, False),
        ("nothing for 10.5 days", 10.5, True),
        ("Two questions", 2, True),
        ("one question", 2, False),
        ("mean 5.0", 4.9975, True),
        ("usually 7 out of 10", 6.96, True),
        ("usually 7 out of 10", 6.9, False),
        ("item 19", 9, False),
    ],
)
def test_a_number_is_mentioned_in_digits_or_as_a_counted_word(text: str, number: float, said: bool) -> None:  # noqa: FBT001
    """Rounded as written, and never found inside the name of an instrument."""
    assert said == mentions(text, number)


@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        ("Item 9 answered 2.", False),
        ("Item 9 was answered.", True),
        ("Item 9 answered 2: high risk.", True),
        ("Item 9 answered 2, risk score 2.", True),
        ("Item 9 answered 2; the patient is failing.", True),
    ],
)
def test_a_reason_has_its_numbers_and_no_tier(reason: str, wrong: bool) -> None:  # noqa: FBT001
    """The number it rests on must be there; tiers, scores of risk and verdicts must not."""
    assessment = an_assessment()
    assessment["concerns"][0]["reason"] = reason
    assert wrong == bool(check_wording(assessment))


def test_a_later_zero_must_be_in_the_reason() -> None:
    """Where the latest answer is lower than the highest, both are said."""
    assessment = an_assessment()
    assessment["concerns"][0]["numbers"]["latest"] = 0
    assert len(check_wording(assessment)) == 1
    assessment["concerns"][0]["reason"] += " The latest answer is 0."
    assert check_wording(assessment) == []


# what was told -------------------------------------------------------------------------------------------------------


def alert(name: str, told: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """An open alert about risk."""
    return {
        "alert": name,
        "version": 1,
        "rule": "risk_item",
        "status": "open",
        "route": "message",
        "told": told,
        **more,
    }


def told(name: str, origin: str = "live", urgency: str = "at_once") -> dict[str, Any]:
    """What an alert remembers of a piece of evidence."""
    return {"id": name, "at": START.isoformat(), "origin": origin, "urgency": urgency}


def test_everything_live_must_be_told_once_by_message() -> None:
    """Missing, twice, by the wrong route, in two open alerts: each is said."""
    facts = [item_9("a", 0, 2), item_9("b", 1, 3)]
    telling = telling_ever(facts, None, [], [], None, [on(2)])
    assert [evidence["id"] for evidence in telling["risk_item"]] == ["a", "b"]
    assert check_alerts([alert("1", [told("a"), told("b")])], telling) == []
    assert check_alerts([alert("1", [told("a")], status="closed"), alert("2", [told("b")])], telling) == []
    newer = [alert("1", [told("a"), told("b")], version=2), alert("1", [told("a")])]
    assert check_alerts(newer, telling) == []
    assert check_alerts([alert("1", [told("a")])], telling) == [
        "risk_item: b (live, 2026-03-03T09:00:00+00:00) was never told"
    ]
    assert check_alerts([alert("1", [told("a")]), alert("2", [told("b")])], telling) == [
        "risk_item: 2 alerts are not closed: 1, 2"
    ]
    twice = [alert("1", [told("a")], status="closed"), alert("2", [told("a"), told("b")])]
    assert check_alerts(twice, telling) == ["risk_item: a was told 2 times"]
    assert check_alerts([alert("1", [told("a"), told("b")], route="digest")], telling) == [
        "risk_item: alert 1 tells of live by digest, should be message"
    ]
    assert check_alerts([alert("1", [told("a", urgency="working_hours"), told("b")])], telling) == [
        "risk_item: a was told as urgency working_hours, but is at_once"
    ]


def test_an_import_pages_nobody() -> None:
    """It is told by a digest, at most once, and only must be once the digest is out and while its concern holds."""
    facts = [item_9("a", 0, 2, "import")]
    telling = telling_ever(facts, None, [], [], None, [on(2)])
    assert check_alerts([], telling) == []
    assert check_alerts([], telling, digest_is_out=True) == [
        "risk_item: a (import, 2026-03-02T09:00:00+00:00) was never told"
    ]
    assert check_alerts([alert("1", [told("a", "import")], route="digest")], telling, digest_is_out=True) == []
    assert check_alerts([alert("1", [told("a", "import")])], telling) == [
        "risk_item: alert 1 tells of import by message, should be digest"
    ]
    assert telling_ever(facts, None, [], [], None, [on(20)]) == {}


def test_a_day_told_from_an_import_is_not_told_again() -> None:
    """Its last check-in came later and live: the evidence has another origin now, but the same id."""
    facts = [*moods([6.1] * 28), fact("i", 28, "import", mood=4.1), fact("l", 28.1, mood=4.1)]
    telling = telling_ever(facts, None, [], [], None, [on(29)])
    assert [evidence["origin"] for evidence in telling["mood_shift"]] == ["live"]
    as_import = told("mood_shift:2026-03-30", "import", "working_hours")
    assert check_alerts([alert("1", [as_import], rule="mood_shift", route="digest")], telling) == []
    assert len(check_alerts([], telling)) == 1
