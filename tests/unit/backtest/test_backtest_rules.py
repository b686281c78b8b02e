"""Each rule in a backtest, by tables made by hand: raised, cleared, raised again, and at which instant."""

from datetime import UTC, datetime, timedelta

from services.insights.domain import Raised, Standing, backtest
from shared.contracts.base import Urgency
from tests.unit.backtest.tables import at, row, told
from tests.unit.insights import builders as b

ONLY = "base: none\nrules: {%s: {}}\n"


def test_a_risk_item_is_raised_by_its_row_and_cleared_when_its_recall_is_past() -> None:
    """At the very instant 14 days later, though no row is there; an answer within them prolongs it."""
    found = told(
        [row(0, "phq9.9", 1), row(10, "phq9.9", 2), row(30, "phq9.9", 3), row(60, "phq9.9", 0)],
        ONLY % "risk_item",
    )
    assert found.of("risk_item") == [(at(0), at(24)), (at(30), at(44))]


def test_the_severity_of_a_risk_item_is_that_of_the_answer_that_raised_it() -> None:
    """From 2 a human would have been told at once; a 1 waits for working hours."""
    found = told([row(0, "phq9.9", 1), row(1, "phq9.9", 3), row(40, "phq9.9", 2)], ONLY % "risk_item")

    assert [one["severity"] for one in found.rows] == ["working_hours", "at_once"]
    assert "answered 1" in found.rows[0]["reason"]


def test_a_deterioration_ends_with_the_second_score_that_is_not_worse() -> None:
    """And the next worse score raises it again, against the same baseline."""
    scores = [5, 11, 10, 12, 8, 7, 9, 11]
    found = told([row(day, "phq9", score) for day, score in enumerate(scores)], ONLY % "reliable_deterioration")

    assert found.of("reliable_deterioration") == [(at(1), at(5)), (at(7), "")]
    assert found.rows[0]["reason"] == "PHQ-9 rose from 5 to 11 (+6; reliable change is 6)."
    assert found.rows[0]["severity"] == "at_once"


def test_two_measures_that_deteriorate_are_one_concern() -> None:
    """It is raised by the first and cleared with the last."""
    rows = [row(0, "phq9", 5), row(0, "gad7", 3), row(1, "phq9", 15), row(2, "gad7", 9)]
    rows += [row(day, "phq9", 5) for day in (3, 4)] + [row(day, "gad7", 3) for day in (5, 6)]

    assert told(rows, ONLY % "reliable_deterioration").of("reliable_deterioration") == [(at(1), at(6))]


def test_a_mood_shift_is_raised_and_cleared_by_the_days_that_cross_its_limits() -> None:
    """A low stretch after a level baseline; back at the baseline's mean it is over; another one is raised again."""
    rules = "base: none\nrules: {mood_shift: {baseline_days: 5, baseline_span: 5, lambda: 0.5}}\n"
    moods = [6, 6, 6, 6, 6, 6, 2, 2, 6, 9, 6, 1]
    # 6, 4, 3, 4.5, 6.75, 6.375, 3.6875 are the averages; the limits are 5.325, 5.245, 5.226, ... below 6
    found = told([row(day, "mood", mood) for day, mood in enumerate(moods)], rules)

    assert found.of("mood_shift") == [(at(6), at(9)), (at(11), "")]
    assert {one["severity"] for one in found.rows} == {"working_hours"}


def test_a_mood_shift_is_judged_after_each_row_of_a_day() -> None:
    """What the morning raised, the evening may clear: so it would have been shown."""
    rules = "base: none\nrules: {mood_shift: {baseline_days: 5, baseline_span: 5, lambda: 1, limit: 1}}\n"
    rows = [row(day, "mood", 6) for day in range(5)] + [row(5, "mood", 3), row(5.25, "mood", 9)]

    assert told(rows, rules).of("mood_shift") == [(at(5), at(5.25))]


def test_gone_quiet_is_raised_when_it_fell_due_and_cleared_by_the_next_row() -> None:
    """No row says so: an assessment is made at the instant the one before said it is due."""
    found = told([row(0, "mood", 5), row(10, "mood", 5), row(50, "mood", 5)], ONLY % "gone_quiet")

    # 7 days where there is no gap yet; 3 times the median of 10 and 40 after the third, which is not past at the end
    assert found.of("gone_quiet") == [(at(7), at(10)), (at(40), at(50))]
    assert [one["severity"] for one in found.rows] == ["working_hours", "working_hours"]


def test_a_row_at_the_instant_a_silence_falls_due_ends_it_before_it_is_raised() -> None:
    """What happened at an instant is known at it; a microsecond later it has been raised."""
    later = (datetime(2026, 6, 8, 9, tzinfo=UTC) + timedelta(microseconds=1)).isoformat()

    assert told([row(0, "mood", 5), row(7, "mood", 5)], ONLY % "gone_quiet").rows == []
    assert told([row(0, "mood", 5), f"a,{later},mood,5"], ONLY % "gone_quiet").stretches == [
        ("a", "gone_quiet", at(7), "2026-06-08T09:00:00.000001Z")
    ]


def test_the_data_ends_for_everybody_with_its_last_row() -> None:
    """Who fell silent before then is raised, due at the very end included, and nothing after it."""
    rows = [row(0, "mood", 5, "a"), row(1, "mood", 5, "b"), row(7, "mood", 5, "c")]

    assert told(rows, ONLY % "gone_quiet").stretches == [("a", "gone_quiet", at(7), "")]


def test_a_concern_that_holds_at_the_end_has_no_clearing() -> None:
    """The recall goes on after the data."""
    assert told([row(0, "phq9.9", 2), row(3, "mood", 5)], ONLY % "risk_item").of("risk_item") == [(at(0), "")]


def test_rules_about_questions_and_sessions_stay_silent() -> None:
    """A tidy log has neither, and no row can raise them."""
    rules = "base: none\nrules: {question_unanswered: {}, rating_drop: {}}\n"

    assert told([row(day, "mood", 9 - day) for day in range(10)], rules).rows == []


def test_a_question_that_nobody_answers_is_raised_at_its_due_time() -> None:
    """The domain takes any fact: a question asked falls due at the close of the second working day after it."""
    standing = Standing(b.clinic())
    found = backtest(b.PATIENT, [("q", b.asked(b.day(0), "q"))], standing, until=b.day(6))
    asked = [one for one in found if one.rule == "question_unanswered"]

    assert [(one.raised_at, one.cleared_at) for one in asked] == [
        (standing.at(0).working_time.close_after(b.day(0), 2), None)
    ]
    assert isinstance(asked[0], Raised)
    assert asked[0].severity is Urgency.WORKING_HOURS


def test_scores_of_a_declared_scale_and_its_risk_item_are_judged_as_the_clinics_own() -> None:
    """With the recall it declares."""
    scales = "scales: {s: {minimum: 0, maximum: 4, recall_days: 3, items: {1: {minimum: 0, maximum: 4, risk: true}}}}"
    found = told([row(0, "s.1", 1), row(9, "s.1", 0)], f"base: starter\n{scales}\n")

    assert found.of("risk_item") == [(at(0), at(3))]


def test_a_measure_with_cut_offs_is_judged_by_the_rules_about_scores() -> None:
    """A relapse, and a deterioration where more is better; without cut-offs the same scores raise nothing."""
    scales = "scales: {bdi: {minimum: 0, maximum: 63}, calm: {minimum: 0, maximum: 20, higher_is_worse: false}}\n"
    cut_offs = "cut_offs: {bdi: {reliable_change: 9, caseness: 10}, calm: {reliable_change: 5}}\n"
    rows = [row(7 * week, "bdi", score) for week, score in enumerate((25, 8, 5, 19, 9, 8))]
    rows += [row(1, "calm", 12), row(8, "calm", 7)]
    found = told(rows, f"base: starter\nrules: {{gone_quiet: off}}\n{scales}{cut_offs}")

    assert found.of("relapse") == [(at(21), at(35))]
    assert found.of("reliable_deterioration") == [(at(8), "")]
    assert told(rows, f"base: starter\nrules: {{gone_quiet: off}}\n{scales}").rows == []


def test_a_rule_that_is_off_raises_nothing() -> None:
    """YAML's off, and the word."""
    rows = [row(0, "phq9.9", 2), row(30, "mood", 5)]
    for off in ("off", "'off'"):
        found = told(rows, f"base: starter\nrules: {{risk_item: {off}}}\n")
        assert {one["rule"] for one in found.rows} == {"gone_quiet"}
