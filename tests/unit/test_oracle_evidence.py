"""The oracle against examples computed by hand: what patients enter."""

from datetime import date
from typing import Any

import pytest

from tests.oracle.moods import lag_1_autocorrelation
from tests.oracle_cases import START, clinic, concern, fact, form, item_9, moods, on, patient

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
    assert said["parameters"] == {
        "lambda": 0.1, "limit": 2.7, "baseline_days": 4, "baseline_span": 4, "sd_floor": 0.5,
        "gap_cap": 0, "stale_days": 0, "warm_up": 5, "renew_days": 0,
    }  # fmt: skip


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
        ([10, (16, 19)], 1),
        ([10, (15, 18)], None),
        ([(16, 19), 10, 11], None),
        ([10, 16, (2, 5), (2, 5)], 1),
        ([10, 16, 12, (16, 19), 12], 1),
        ([10, 16, 12, (2, 5), 12], None),
    ],
)
def test_an_episode_ends_after_two_scores_running(scores: list[Any], evidence: int | None) -> None:
    """One score back below the threshold is not enough; after two, the next worse score is news; None counts not; of a
    form with items left out (least, most) only that it is worse."""
    facts = [
        form(f"p{n}", 7 * n, "phq9", None, partial={"least": score[0], "most": score[1], "missing": 1})
        if isinstance(score, tuple)
        else form(f"p{n}", 7 * n, "phq9", score)
        for n, score in enumerate(scores)
    ]
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


def test_the_same_day_twice_is_one_score_that_is_better() -> None:
    """A form and the import of it end nothing; the next day's does."""
    facts = [form(f"p{n}", day, "phq9", score) for n, (day, score) in enumerate(((0, 5), (7, 12), (14, 6), (14.01, 6)))]

    assert concern("reliable_deterioration", 60, facts) is not None
    assert concern("reliable_deterioration", 60, [*facts, form("p9", 15, "phq9", 6)]) is None


def test_a_protocol_makes_no_silence_be_noticed_later() -> None:
    """Daily check-ins, then nothing: seven days, though only a questionnaire every four weeks is asked for."""
    asks = {
        "name": "forms", "asks": "phq9", "rhythm": {"every": "weeks", "weeks": 4, "on": "mon"},
        "windows": [{"opens": "08:00", "closes": "10:00"}], "expires_after": 4320,
    }  # fmt: skip
    follows = [{"protocol": "forms", "starts_on": on(0).date().isoformat()}]
    who = patient(clinic="harbour", patient="sam", protocols=follows)
    known = clinic()
    known["settings"][0]["protocols"] = [asks]
    said = concern("gone_quiet", 90, moods([5] * 40), patient=who, clinic=known)

    assert said is not None
    assert (said["since"], said["numbers"]) == (on(46), {"days_allowed": 7, "median_gap": 1})


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


# crisis language -----------------------------------------------------------------------------------------------------

FOUND = {"crisis_language": True, "signs": ["wish_to_die"], "screen": "words-1"}
NOTHING = {"crisis_language": False, "signs": [], "screen": "words-1"}
SINCE = 300
"""Days after the start: the rule has been there for weeks, and what is older pages nobody."""


def test_words_in_the_reason_of_a_withdrawal_are_told_and_take_back_none() -> None:
    """Each text by its own name: the check-in that was withdrawn, its correction, and why it was withdrawn."""
    facts = [
        fact("n", SINCE, mood=3, screening=FOUND),
        fact("c", SINCE + 1, entry="n", mood=4, screening=FOUND),
        fact("w", SINCE + 2, entry="n", why="...", screening=FOUND),
        fact("x", SINCE + 2, entry="n", why="...", screening=NOTHING),
        fact("y", SINCE + 2, entry="n", why=""),
    ]
    said = concern("crisis_language", SINCE + 5, facts)

    assert said is not None
    assert (said["holds"], said["since"], said["numbers"]) == (True, on(SINCE), {"texts": 3})
    assert [(told["id"], told["at"], told["urgency"]) for told in said["telling"]] == [
        (name, on(SINCE + day), "at_once") for day, name in enumerate("ncw")
    ]
    assert concern("crisis_language", SINCE + 5, facts[3:]) is None
