"""Each rule of docs/rules.md, with its worked examples and its edges to the microsecond."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.base import Origin, Urgency
from shared.contracts.clinics import RuleChoice
from shared.contracts.patients import PatientStatus
from shared.contracts.questions import QuestionStatus
from tests.unit.insights import builders as b

MOMENT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


# --- risk item


def test_a_risk_answer_holds_until_its_recall_and_is_told_for_90_days() -> None:
    """Both to the second: at the very end it is over."""
    state = b.state_of(("q1", b.answers(b.day(0), 12, risk=[(1, 14, 2)])))

    def at(when: datetime) -> tuple[bool, int] | None:
        found = b.concern(b.look(state, when), "risk_item")
        return (found.holds, len(found.telling)) if found else None

    assert at(b.day(0)) == (True, 1)
    assert at(b.day(14) - SECOND) == (True, 1)
    assert at(b.day(14)) == (False, 1)
    assert at(b.day(90) - SECOND) == (False, 1)
    assert at(b.day(90)) is None


def test_a_risk_item_says_what_was_answered_when_and_how_it_came() -> None:
    """In numbers and words, with no tier and no verdict; a 0 is no evidence, but shown beside it."""
    state = b.state_of(
        ("q1", b.answers(b.day(0), risk=[(2, 14, 2)], origin=Origin.SYNC)),
        ("q2", b.answers(b.day(3), risk=[(1, 14, 2)])),
        ("q3", b.answers(b.day(5), risk=[(0, 14, 2)])),
    )
    found = b.listed(b.look(state, b.day(6)), "risk_item")

    assert found.numbers == {"highest": 2, "latest": 0, "above_zero": 2}
    assert found.since == b.day(0)
    assert [(t.id, t.at, t.origin, t.urgency) for t in found.telling] == [
        ("q1", b.day(0), Origin.SYNC, Urgency.AT_ONCE),
        ("q2", b.day(3), Origin.LIVE, Urgency.WORKING_HOURS),
    ]
    assert found.telling[0].said == (
        "PHQ-9 item 9 was answered 2 (more than half the days), given on Mon 1 June 2026 at 09:00, made offline and "
        "sent later (it asks about the last 14 days)."
    )
    assert "the highest is 2" in found.reason
    assert "The latest answer is 0" in found.reason
    assert found.chart is None


def test_an_imported_risk_answer_is_evidence_only_within_its_recall() -> None:
    """It pages nobody later on; a live one of the same day still does."""
    imported = b.state_of(b.answers(b.day(0), risk=[(3, 14, 2)], origin=Origin.IMPORT))

    assert len(b.listed(b.look(imported, b.day(14) - SECOND), "risk_item").telling) == 1
    assert b.concern(b.look(imported, b.day(14)), "risk_item") is None


def test_recalls_that_touch_join_to_one_stretch() -> None:
    """Since when it holds goes back to the first of them, in whatever sequence they came; a gap begins anew."""
    touching = b.state_of(b.answers(b.day(14), risk=[(1, 14, 2)]), b.answers(b.day(0), risk=[(1, 14, 2)]))
    apart = b.state_of(b.answers(b.day(14) + MOMENT, risk=[(1, 14, 2)]), b.answers(b.day(0), risk=[(1, 14, 2)]))

    assert b.listed(b.look(touching, b.day(20)), "risk_item").since == b.day(0)
    assert b.listed(b.look(apart, b.day(20)), "risk_item").since == b.day(14) + MOMENT


def test_a_long_recall_outlasts_the_time_to_tell() -> None:
    """It still holds, with nothing left to tell; the stretch spans the short ones within it."""
    state = b.state_of(
        b.answers(b.day(0), risk=[(1, 200, 2)], instrument="own"), b.answers(b.day(10), risk=[(1, 14, 2)])
    )
    found = b.listed(b.look(state, b.day(150)), "risk_item")

    assert (found.holds, found.since, found.telling) == (True, b.day(0), [])


def test_a_risk_answer_from_a_clock_that_is_fast_holds_at_once() -> None:
    """A few minutes ahead of us is not a reason to wait."""
    state = b.state_of(b.answers(b.day(0, 0.1), risk=[(2, 14, 2)]))
    found = b.listed(b.look(state, b.day(0)), "risk_item")

    assert (found.holds, found.since, len(found.telling)) == (True, b.day(0, 0.1), 1)


def test_a_questionnaire_takes_its_highest_value_longest_recall_and_any_urgency() -> None:
    """Several risk answers in one questionnaire are one piece of evidence; below its own bar it can wait."""
    state = b.state_of(b.answers(b.day(0), risk=[(1, 30, 1), (2, 7, 3)], instrument="own"))
    found = b.listed(b.look(state, b.day(29)), "risk_item")

    assert (found.numbers["highest"], [t.urgency for t in found.telling]) == (2, [Urgency.AT_ONCE])


# --- reliable deterioration


def test_deterioration_is_a_rise_by_the_reliable_change_to_the_point() -> None:
    """PHQ-9 +6, GAD-7 +4; one point less is none."""
    for measure, first, short, enough in (("phq9", 9, 14, 15), ("gad7", 6, 9, 10)):
        calm = b.state_of(*(b.answers(b.day(n), s, instrument=measure) for n, s in enumerate((first, short))))
        rose = b.state_of(*(b.answers(b.day(n), s, instrument=measure) for n, s in enumerate((first, enough))))

        assert b.concern(b.look(calm, b.day(5)), "reliable_deterioration") is None
        assert b.listed(b.look(rose, b.day(5)), "reliable_deterioration").since == b.day(1)


def test_deterioration_says_the_scores_the_change_and_the_threshold() -> None:
    """In words that read well, with the episode's scores as a chart."""
    state = b.state_of(*((f"q{n}", b.answers(b.day(n), score)) for n, score in enumerate((9, 10, 16))))
    found = b.listed(b.look(state, b.day(5)), "reliable_deterioration")

    assert found.reason == "PHQ-9 rose from 9 to 16 (+7; reliable change is 6)."
    assert found.numbers == {"phq9_first": 9, "phq9_latest": 16}
    assert found.parameters == {"phq9": 6, "gad7": 4}
    assert [(t.id, t.urgency) for t in found.telling] == [("q2", Urgency.AT_ONCE)]
    assert found.telling[0].said == (
        "PHQ-9 16, given on Wed 3 June 2026 at 09:00: up from 9 at the start of the episode (+7; reliable change is 6)."
    )
    assert found.chart is not None
    assert (found.chart.measure, found.chart.minimum, found.chart.maximum) == ("phq9", 0, 27)
    assert [score for _, score in found.chart.points] == [9, 10, 16]


def test_two_better_scores_running_end_a_deterioration_and_the_next_worse_begins_another() -> None:
    """One better score does not; a worse one in between starts the count again."""
    scores = [5, 12, 6, 12, 6, 7, 8, 11]
    since = []
    for count in range(1, len(scores) + 1):
        state = b.state_of(*(b.answers(b.day(n), score) for n, score in enumerate(scores[:count])))
        found = b.concern(b.look(state, b.day(20)), "reliable_deterioration")
        since.append(found.since if found else None)

    assert since == [None, b.day(1), b.day(1), b.day(1), b.day(1), None, None, b.day(7)]


def test_a_better_latest_score_is_said_beside_the_worse_one() -> None:
    """The clinician sees both."""
    state = b.state_of(*(b.answers(b.day(n), score) for n, score in enumerate((5, 12, 6))))

    assert b.listed(b.look(state, b.day(5)), "reliable_deterioration").reason == (
        "PHQ-9 rose from 5 to 12 (+7; reliable change is 6); the latest score is 6."
    )


def test_scores_before_the_episode_are_no_baseline_and_invalid_ones_are_passed_over() -> None:
    """By local day; no score, no comparison."""
    facts = [b.answers(b.day(0), 2), b.answers(b.day(9)), b.answers(b.day(10), 10), b.answers(b.day(11), 15)]
    episode = b.patient(episode_started_on=b.day(10).date())

    assert b.concern(b.look(b.state_of(*facts, episode), b.day(12)), "reliable_deterioration") is None
    assert b.concern(b.look(b.state_of(*facts), b.day(12)), "reliable_deterioration") is not None


def test_a_late_first_score_moves_the_baseline() -> None:
    """As if it had always been known."""
    state = b.state_of(b.answers(b.day(5), 10), b.answers(b.day(6), 14))
    assert b.concern(b.look(state, b.day(7)), "reliable_deterioration") is None
    state.add("late", b.answers(b.day(1), 8))

    assert b.listed(b.look(state, b.day(7)), "reliable_deterioration").numbers["phq9_first"] == 8


def test_both_measures_tell_their_own_evidence() -> None:
    """In the order in which it was given, the chart of PHQ-9 first."""
    state = b.state_of(
        ("p1", b.answers(b.day(0), 5)),
        ("g1", b.answers(b.day(0), 5, instrument="gad7")),
        ("g2", b.answers(b.day(1), 9, instrument="gad7")),
        ("p2", b.answers(b.day(2), 11.5)),
    )
    found = b.listed(b.look(state, b.day(3)), "reliable_deterioration")

    assert [t.id for t in found.telling] == ["g2", "p2"]
    assert found.numbers == {"phq9_first": 5, "phq9_latest": 11.5, "gad7_first": 5, "gad7_latest": 9}
    assert found.chart is not None
    assert found.chart.measure == "phq9"


# --- mood shift

FEW = b.clinic(b.settings(rules={"mood_shift": RuleChoice(parameters={"baseline_days": 2, "baseline_span": 2})}))


def test_the_worked_limits_of_the_page_come_out_mirrored() -> None:
    """mu 3 and sigma 1 there, 7 and 1 here: the fifth day is the first below the limit, as 3.7149 was above 3.4999."""
    wide = {"baseline_days": 2, "baseline_span": 2, "sd_floor": 1}
    known = b.clinic(b.settings(rules={"mood_shift": RuleChoice(parameters=wide)}))
    moods = [7, 7, 7, 6, 5, 5, 4]
    facts = [b.check_in(b.day(n), mood) for n, mood in enumerate(moods)]
    listed = [
        b.concern(b.look(b.state_of(*facts[:count]), b.day(9), known=known), "mood_shift") for count in range(3, 8)
    ]
    last = listed[-1]

    assert listed[:4] == [None] * 3 + [listed[3]]
    assert last is not None
    assert (last.numbers["ewma"], last.numbers["limit"]) == (6.2851, 6.5001)
    assert (last.numbers["baseline_mean"], last.numbers["baseline_sd"], last.numbers["phi"]) == (7, 1, 0)


def test_a_shift_ends_when_the_average_is_back_at_the_mean_and_another_may_begin() -> None:
    """Its evidence is the day that began it, told from that day's first check-in."""
    moods = [7, 7, *[3] * 3, *[10] * 6, *[2] * 6]
    facts = [b.check_in(b.day(n, 2), mood) for n, mood in enumerate(moods)]
    facts.append(b.check_in(b.day(2, 1), 3, origin=Origin.SYNC))
    facts.append(b.check_in(b.day(2, 3), 3, origin=Origin.IMPORT))
    begun: list[datetime | None] = []
    for count in range(len(moods) + 1):
        found = b.concern(b.look(b.state_of(*facts[:count], *facts[-2:]), b.day(40), known=FEW), "mood_shift")
        if not begun or begun[-1] != (found.since if found else None):
            begun.append(found.since if found else None)
    first = b.listed(b.look(b.state_of(*facts[:4], *facts[-2:]), b.day(40), known=FEW), "mood_shift")

    assert begun[1] == b.day(2, 1)
    assert begun[2] is None
    assert begun[3] is not None
    assert [(t.id, t.at, t.origin) for t in first.telling] == [("mood_shift:2026-06-03", b.day(2, 1), Origin.IMPORT)]


def test_the_baseline_needs_20_observed_days_over_28() -> None:
    """19 days, or 20 within 27, are not enough: then there is nothing to compare with."""

    def shifted(days: list[int]) -> bool:
        facts = [b.check_in(b.day(n), 8) for n in days] + [b.check_in(b.day(60 + n), 1) for n in range(3)]
        state = b.state_of(*facts)
        b.look(state, b.day(70))
        assert state.mood is not None
        return state.mood.base == len(days) and b.concern(b.look(state, b.day(70)), "mood_shift") is not None

    assert shifted([*range(19), 27])
    assert not shifted([*range(18), 27])
    assert not shifted([*range(19), 26])


def test_the_clock_change_does_not_make_or_lose_a_day() -> None:
    """Days are the patient's own calendar days, on the 25-hour Sunday as on any other."""
    facts = [
        b.check_in(datetime(2026, 10, 24, 23, 30, tzinfo=UTC), 6).model_copy(
            update={"local_day": datetime(2026, 10, 25).date()}  # noqa: DTZ001  a calendar day
        ),
        b.check_in(datetime(2026, 10, 25, 23, 30, tzinfo=UTC), 8),
    ]
    state = b.state_of(*facts)

    assert state.mood is not None
    assert (len(state.mood.day), state.mood.mean_of(0)) == (1, 7.0)


def test_day_means_do_not_depend_on_the_order_of_decimals() -> None:
    """Moods are whole hundredths: 0.1 + 0.2 + 0.3 is what 0.3 + 0.2 + 0.1 is."""
    one = b.state_of(*(b.check_in(b.day(0, n), mood) for n, mood in enumerate((0.1, 0.2, 0.35))))
    other = b.state_of(*(b.check_in(b.day(0, n), mood) for n, mood in enumerate((0.35, 0.2, 0.1))))

    assert one.mood is not None
    assert other.mood is not None
    assert one.mood.mean_of(0) == other.mood.mean_of(0) == 65 / 300


def test_the_same_mood_every_day_has_no_autocorrelation() -> None:
    """Rounding must not make one out of nothing, nor a shift out of the floor."""
    state = b.state_of(*(b.check_in(b.day(n), 4.1) for n in range(40)))
    b.look(state, b.day(41))

    assert state.mood is not None
    assert (state.mood.phi, state.mood.deviation) == (0.0, 0.5)
    assert b.concern(b.look(state, b.day(41)), "mood_shift") is None


def test_ties_within_a_day_go_by_id_as_text() -> None:
    """The origin told is that of the last check-in in the order of facts, whatever came first."""

    def origin(*ids: str) -> Origin:
        origins = dict(zip(sorted(ids), (Origin.LIVE, Origin.SYNC, Origin.IMPORT), strict=True))
        facts = [(name, b.check_in(b.day(2), 0, origin=origins[name])) for name in ids]
        state = b.state_of(b.check_in(b.day(0), 7), b.check_in(b.day(1), 7), *facts)
        return b.listed(b.look(state, b.day(3), known=FEW), "mood_shift").telling[0].origin

    uuids = [b.fact_id(f"tie {n}") for n in range(3)]
    for ids in (uuids, ["a", "B", "\u00e9"], [uuids[0], uuids[1].upper(), "zz"]):
        assert {origin(*ids), origin(*ids[::-1]), origin(ids[1], ids[2], ids[0])} == {Origin.IMPORT}


# --- gone quiet


def test_an_active_patient_goes_quiet_after_seven_days_to_the_second() -> None:
    """Judged as of the horizon: a consumer that lags calls nobody quiet."""
    state = b.state_of(b.patient(), ("c1", b.check_in(b.day(0), 5, origin=Origin.SYNC)))
    due = b.day(7)
    found = b.listed(b.look(state, due), "gone_quiet")

    assert b.concern(b.look(state, due - SECOND), "gone_quiet") is None
    assert b.concern(b.look(state, b.day(30), horizon=due - SECOND), "gone_quiet") is None
    assert (found.since, found.numbers) == (due, {"days_allowed": 7, "median_gap": None})
    assert [(t.id, t.at, t.origin) for t in found.telling] == [("gone_quiet:c1", due, Origin.SYNC)]
    assert "worse" not in found.reason
    assert b.look(state, b.day(1)).due == due


def test_the_allowance_is_three_times_the_median_of_the_last_twenty_gaps() -> None:
    """Of observed days, all facts counted; even numbers take the mean of the middle two."""
    days = [0, 30, 33, 38]
    state = b.state_of(b.patient(), *(b.answers(b.day(n)) for n in days))
    rare = b.state_of(b.patient(), b.check_in(b.day(0), 5), *(b.check_in(b.day(100 + n), 5) for n in range(0, 84, 4)))

    assert b.listed(b.look(state, b.day(53)), "gone_quiet").numbers == {"days_allowed": 15, "median_gap": 5}
    assert b.listed(b.look(rare, b.day(300)), "gone_quiet").numbers == {"days_allowed": 12, "median_gap": 4}
    even = b.state_of(b.patient(), *(b.check_in(b.day(n), 5) for n in (0, 3, 10)))
    assert b.listed(b.look(even, b.day(25)), "gone_quiet").numbers == {"days_allowed": 15, "median_gap": 5}


def test_who_never_wrote_goes_quiet_from_registration_on() -> None:
    """As a live piece of evidence."""
    found = b.listed(b.look(b.state_of(b.patient()), b.day(7)), "gone_quiet")

    assert [(t.id, t.origin) for t in found.telling] == [("gone_quiet:registration", Origin.LIVE)]


@pytest.mark.parametrize(
    "document",
    [
        None,
        b.patient(status=PatientStatus.DISCHARGED),
        b.patient(status=PatientStatus.DECEASED),
        b.patient(deleted=True),
    ],
)
def test_only_active_registered_patients_go_quiet(document: object) -> None:
    """Nobody else is expected to write."""
    papers = [document] if document else []

    assert b.concern(b.look(b.state_of(b.check_in(b.day(0), 5), *papers), b.day(60)), "gone_quiet") is None


# --- question unanswered


def test_a_question_is_unanswered_at_closing_time_two_working_days_later() -> None:
    """Asked on a Monday: Wednesday at 17:00 in the clinic's zone, which is 16:00 UTC in summer."""
    state = b.state_of(("q1", b.asked(b.day(0), "q1")))
    due = datetime(2026, 6, 3, 16, 0, tzinfo=UTC)
    found = b.listed(b.look(state, due, known=b.clinic()), "question_unanswered")

    assert b.concern(b.look(state, due - SECOND, known=b.clinic()), "question_unanswered") is None
    assert b.concern(b.look(state, b.day(9), due - SECOND, b.clinic()), "question_unanswered") is None
    assert (found.since, found.numbers) == (due, {"unanswered": 1})
    assert [(t.id, t.at) for t in found.telling] == [("q1", due)]
    assert b.look(state, b.day(0), known=b.clinic()).due == due


def test_working_days_are_those_of_the_settings_when_it_was_asked() -> None:
    """A weekend, a holiday and the end of summer time in between; settings that came later change nothing."""
    asked = datetime(2026, 10, 23, 8, 0, tzinfo=UTC)
    known = b.clinic(
        b.settings(holidays=[datetime(2026, 10, 26).date()]),  # noqa: DTZ001  a calendar day
        b.settings(asked + SECOND, zone="Asia/Tokyo"),
    )
    state = b.state_of(b.asked(asked, "q1"))

    assert b.listed(b.look(state, b.day(200), known=known), "question_unanswered").since == datetime(
        2026, 10, 28, 17, 0, tzinfo=UTC
    )


def test_only_an_answer_a_settlement_or_its_deletion_ends_the_wait() -> None:
    """An open handling does not, and a newer version decides, whichever came first."""
    waits = []
    for handling in (
        [],
        [b.handling("q1")],
        [b.handling("q1", QuestionStatus.ANSWERED)],
        [b.handling("q1", QuestionStatus.SETTLED)],
        [b.handling("q1", deleted=True)],
        [b.handling("q1", QuestionStatus.ANSWERED), b.handling("q1", version=2)],
        [b.handling("q1", version=2), b.handling("q1", QuestionStatus.ANSWERED)],
    ):
        for things in ([b.asked(b.day(0), "q1"), *handling], [*handling, b.asked(b.day(0), "q1")]):
            found = b.concern(b.look(b.state_of(*things), b.day(10)), "question_unanswered")
            waits.append(found is not None)

    assert waits == [True, True] * 2 + [False, False] * 3 + [True, True] * 2


def test_questions_are_told_by_when_they_fell_due() -> None:
    """The oldest says since when; of equals the id decides."""
    state = b.state_of(
        ("b", b.asked(b.day(0), "q1")), ("c", b.asked(b.day(-3), "q2")), ("a", b.asked(b.day(0, 3), "q3"))
    )
    found = b.listed(b.look(state, b.day(10)), "question_unanswered")

    assert [t.id for t in found.telling] == ["c", "a", "b"]
    assert found.since == found.telling[0].at
    assert found.reason.startswith("3 questions are past the 2 working days promised")


# --- rating drop


def _rated(*means: float) -> list[object]:
    """Sessions a day apart, rated so on average (in fifths)."""
    found: list[object] = []
    for number, mean in enumerate(means):
        total = round(mean * 5)
        each = tuple(total // 5 + (1 if place < total % 5 else 0) for place in range(5))
        found.append(b.session(f"s{number}", b.day(number), each))
    return found


def test_a_rating_drop_needs_three_earlier_ratings() -> None:
    """With two there is no usual to compare with."""
    assert b.concern(b.look(b.state_of(*_rated(9, 9, 2)), b.day(9)), "rating_drop") is None
    assert b.concern(b.look(b.state_of(*_rated(9, 9, 9, 2)), b.day(9)), "rating_drop") is not None


@pytest.mark.parametrize(
    ("means", "drops"),
    [
        ((8, 8, 8, 7.6), True),  # below mean - 2 sd, as sd is 0
        ((8, 9, 8, 9, 8.6), False),
        ((8, 8.4, 8, 8.4, 7.8), True),  # previous - latest 0.6 >= max(sd 0.23, 0.5)
        ((4, 9, 5, 9, 6.8), False),  # 2.2 < sd 2.63, 6.8 above mean - 2 sd
        ((4, 9, 5, 9, 8, 7.8), True),  # twice running
        ((9, 8, 9, 8.4), True),  # 0.6 >= sd 0.577
        ((9, 8, 9, 8.6), False),  # 0.4
    ],
)
def test_a_rating_drops_by_a_clear_step_far_below_the_mean_or_twice_running(
    means: tuple[float, ...], *, drops: bool
) -> None:
    """Each of the three ways by itself, and just short of them."""
    assert (b.concern(b.look(b.state_of(*_rated(*means)), b.day(20)), "rating_drop") is not None) == drops


def test_a_rating_drop_says_its_numbers_and_how_to_take_it() -> None:
    """The session's rating is the evidence; ask, do not conclude."""
    found = b.listed(b.look(b.state_of(*_rated(8, 9, 8.2, 5)), b.day(9)), "rating_drop")

    assert found.numbers == {"latest": 5, "previous": 8.2, "earlier_mean": 8.4, "earlier_sd": 0.5292}
    assert (found.since, found.telling[0].id, found.telling[0].at) == (b.day(3), "rating:s3", b.day(3))
    assert "Ask how sessions feel." in found.reason
    assert found.chart is not None
    assert (found.chart.measure, found.chart.points[-1]) == ("rating", (b.day(3).date(), 5))


def test_of_a_session_the_newest_version_counts_and_a_deleted_one_has_no_rating() -> None:
    """A corrected rating moves to where it belongs; ties go by session id."""
    sessions = _rated(8, 9, 8.2, 5)
    corrected = b.session("s3", b.day(3), 9, version=2)
    deleted = b.session("s3", None, version=3, deleted=True)
    tied = [b.session(name, b.day(1), each) for name, each in (("d", 2), ("a", 9), ("b", 9), ("c", 9))]

    assert b.concern(b.look(b.state_of(corrected, *sessions), b.day(9)), "rating_drop") is None
    assert b.concern(b.look(b.state_of(*sessions, deleted), b.day(9)), "rating_drop") is None
    assert b.listed(b.look(b.state_of(*tied), b.day(9)), "rating_drop").telling[0].id == "rating:d"


# --- all of them


def test_nothing_is_concluded_about_the_deceased_and_only_quiet_is_not_of_the_discharged() -> None:
    """Whatever their entries say."""
    facts = [b.answers(b.day(0), 5, risk=[(2, 14, 2)]), b.answers(b.day(1), 15)]
    said = {
        status: [concern.rule for concern in b.look(b.state_of(*facts, b.patient(status=status)), b.day(10)).concerns]
        for status in PatientStatus
    }

    assert said == {
        PatientStatus.ACTIVE: ["risk_item", "reliable_deterioration", "gone_quiet"],
        PatientStatus.DISCHARGED: ["risk_item", "reliable_deterioration"],
        PatientStatus.DECEASED: [],
    }


def test_a_clinic_turns_rules_on_and_off_and_changes_single_parameters_from_an_instant_on() -> None:
    """The rule set in force is that of now; unknown rules, parameters and values out of range do no harm."""
    rules = {
        "risk_item": RuleChoice(),
        "gone_quiet": RuleChoice(parameters={"min_days": 0, "factor": 1, "nonsense": 7}),
        "reliable_deterioration": RuleChoice(enabled=False),
        "unheard_of": RuleChoice(),
    }
    known = b.clinic(b.settings(), b.settings(b.day(20), base="none", rules=rules))
    facts = [b.answers(b.day(0), 5), b.answers(b.day(10), 15, risk=[(1, 14, 2)])]
    state = b.state_of(b.patient(), *facts)

    def said(when: datetime) -> list[str]:
        return [concern.rule for concern in b.look(state, when, known=known).concerns]

    assert said(b.day(20) - SECOND) == ["risk_item", "reliable_deterioration"]
    assert said(b.day(20)) == ["risk_item", "gone_quiet"]
    quiet = b.listed(b.look(state, b.day(21), known=known), "gone_quiet")
    assert quiet.parameters == {"min_days": 1, "factor": 1, "gaps": 20}
    assert b.look(state, b.day(12), known=known).due == b.day(20)


def test_time_alone_changes_an_assessment_only_when_it_is_due() -> None:
    """From one due instant to the next nothing changes; at each of them something may, on day 14 nothing does."""
    state = b.state_of(
        b.patient(),
        b.answers(b.day(0), 9, risk=[(1, 14, 2)]),
        b.answers(b.day(2), 16, risk=[(2, 14, 2)]),
        b.asked(b.day(1), "q1"),
        b.check_in(b.day(2), 4),
    )
    now, steps = b.day(2), []
    while (due := b.look(state, now).due) is not None:
        before = b.look(state, now)
        middle, last = now + (due - now) / 2, due - MOMENT
        assert b.look(state, middle).concerns == before.concerns == b.look(state, last).concerns
        steps.append(((due - b.START).days, b.look(state, due).concerns != before.concerns))
        now = due

    assert steps == [(3, True), (9, True), (14, False), (16, True), (90, True), (92, True)]


def test_no_reason_and_no_evidence_holds_a_tier_or_a_verdict() -> None:
    """Words matter to the people they are about."""
    state = b.state_of(
        b.patient(),
        *(b.check_in(b.day(n), 8 if n < 30 else 2) for n in range(40)),
        *(b.answers(b.day(n), score, risk=[(1, 14, 2)]) for n, score in ((0, 5), (39, 20))),
        b.asked(b.day(30), "q1"),
        *_rated(9, 9, 9, 3),
    )
    found = b.look(state, b.day(50))
    text = " ".join(c.reason + c.until + "".join(t.said for t in c.telling) for c in found.concerns).lower()

    assert len(found.concerns) == 6
    for word in ("high risk", "low risk", "medium", "risk score", "failing", "rupture", "stable", "worse"):
        assert word not in text
