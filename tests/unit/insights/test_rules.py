"""Each rule of docs/rules.md, with its worked examples and its edges to the microsecond."""

from datetime import UTC, datetime, timedelta

from shared.contracts.base import Origin, Urgency
from shared.contracts.clinics import RuleChoice
from shared.contracts.patients import PatientStatus
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
        return state.mood.chart().base == len(days) and b.concern(b.look(state, b.day(70)), "mood_shift") is not None

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
    assert (state.mood.chart().phi, state.mood.chart().deviation) == (0.0, 0.5)
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


# --- all of them


def test_nothing_is_concluded_about_the_deceased_and_only_quiet_is_not_of_the_discharged() -> None:
    """Whatever their entries say."""
    facts = [b.answers(b.day(0), 5, risk=[(2, 14, 2)]), b.answers(b.day(1), 15)]
    said = {
        status: [concern.rule for concern in b.look(b.state_of(*facts, b.patient(status=status)), b.day(10)).concerns]
        for status in PatientStatus
    }

    assert said == {
        PatientStatus.ACTIVE: ["risk_item", "reliable_deterioration", "relapse", "gone_quiet"],
        PatientStatus.DISCHARGED: ["risk_item", "reliable_deterioration", "relapse"],
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

    assert said(b.day(20) - SECOND) == ["risk_item", "reliable_deterioration", "relapse"]
    assert said(b.day(20)) == ["risk_item", "gone_quiet"]
    quiet = b.listed(b.look(state, b.day(21), known=known), "gone_quiet")
    assert quiet.parameters == {"min_days": 1, "factor": 1, "gaps": 20, "missed": 3}
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
        *b.rated(9, 9, 9, 3),
    )
    found = b.look(state, b.day(50))
    text = " ".join(c.reason + c.until + "".join(t.said for t in c.telling) for c in found.concerns).lower()

    assert len(found.concerns) == 7
    for word in ("high risk", "low risk", "medium", "risk score", "failing", "rupture", "stable", "worse"):
        assert word not in text
