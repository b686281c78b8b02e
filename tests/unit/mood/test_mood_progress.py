"""How somebody is doing, in numbers and in plain, kind words."""

import random
from datetime import date, timedelta

import pytest

from services.mood.domain import Direction, Progress, Recorded, instruments_of, progress_of
from tests.unit.mood.made import checked_in, scored, settings

TODAY = date(2026, 11, 25)  # a Wednesday
MONDAY = date(2026, 11, 23)
NEVER_SAID = ("fail", "declin", "deteriorat", "severe", "depress", "anxi", "disorder", "diagnos", "wors")


def progress(entries: list[Recorded], *, today: date = TODAY, since: date | None = None) -> Progress:
    return progress_of(entries, today=today, episode_started_on=since)


@pytest.mark.parametrize(
    ("instrument", "first", "last", "change"),
    [
        ("phq9", 15, 8, Direction.BETTER),
        ("phq9", 16, 10, Direction.BETTER),
        ("phq9", 16, 11, Direction.NO_CLEAR_CHANGE),
        ("phq9", 9, 15, Direction.HARDER),
        ("phq9", 9, 14, Direction.NO_CLEAR_CHANGE),
        ("gad7", 7, 3, Direction.BETTER),
        ("gad7", 14, 11, Direction.NO_CLEAR_CHANGE),
        ("gad7", 9, 13, Direction.HARDER),
        ("gad7", 10, 10, Direction.NO_CLEAR_CHANGE),
    ],
)
def test_reliable_change_is_six_on_phq9_and_four_on_gad7(
    instrument: str, first: int, last: int, change: Direction
) -> None:
    """NHS Talking Therapies: a smaller difference is called chance, in words as in the code."""
    found = progress([scored(date(2026, 9, 1), instrument, first), scored(TODAY, instrument, last)])
    (measured,) = found.since_start.scores

    assert measured.change is change
    assert measured.difference == last - first
    assert ("can be chance" in measured.in_words) is (change is Direction.NO_CLEAR_CHANGE)
    assert ("harder time" in measured.in_words) is (change is Direction.HARDER)


@pytest.mark.parametrize(
    ("instrument", "first", "last", "change"),
    [
        ("who5", 40, 50, Direction.BETTER),
        ("who5", 52, 40, Direction.HARDER),
        ("who5", 48, 40, Direction.NO_CLEAR_CHANGE),
        ("core10", 20, 15, Direction.BETTER),
        ("core10", 15, 19, Direction.NO_CLEAR_CHANGE),
        ("k10-50", 50, 10, Direction.NOT_KNOWN),
        ("pcl5", 80, 0, Direction.NOT_KNOWN),
        ("wsas-40", 0, 40, Direction.NOT_KNOWN),
        ("ors", 12.5, 30.1, Direction.NOT_KNOWN),
        ("fatigue", 30, 2, Direction.NOT_KNOWN),
    ],
)
def test_change_is_told_where_it_is_published_and_in_the_instruments_own_direction(
    instrument: str, first: float, last: float, change: Direction
) -> None:
    """Where no reliable change is confirmed, no difference is called better, harder or chance."""
    entries = [scored(date(2026, 9, 1), instrument, first), scored(TODAY, instrument, last)]
    known = instruments_of(settings())
    (measured,) = progress_of(entries, today=TODAY, episode_started_on=None, instruments=known).since_start.scores

    assert measured.change is change
    assert (measured.reliable_change is None) is (change is Direction.NOT_KNOWN)
    assert ("is not known" in measured.in_words) is (change is Direction.NOT_KNOWN)
    assert ("higher is better" in measured.in_words) is not measured.higher_is_worse


def test_every_score_carries_its_instrument_range_band_and_caseness() -> None:
    """Where they are published; null says that none is confirmed."""
    first, second = date(2026, 9, 1), date(2026, 10, 1)
    found = progress(
        [scored(day, name, score) for name in ("phq9", "core10", "k10-40") for day, score in ((first, 9), (second, 21))]
    )
    shown = {
        one.instrument: (one.range.maximum, one.first.band, one.latest.band, one.first.case, one.latest.case)
        for one in found.since_start.scores
    }

    assert shown == {
        "phq9": (27, "mild", "severe", False, True),
        "core10": (40, "low", "moderate to severe", None, None),
        "k10-40": (40, None, None, None, None),
    }


def test_variants_of_a_measure_never_stand_in_one_line() -> None:
    """K10 from 10 and from 0, WSAS out of 40 and of 32: each is compared with itself alone."""
    days = [date(2026, 9, n) for n in range(1, 9)]
    names = ["k10-50", "k10-40", "wsas-40", "wsas-32"] * 2
    found = progress([scored(day, name, 20 + n) for n, (day, name) in enumerate(zip(days, names, strict=True))])

    assert [one.instrument for one in found.since_start.scores] == names[:4]
    assert {one.difference for one in found.since_start.scores} == {4}


def test_an_estimated_total_never_shows_change() -> None:
    """Neither as the first nor as the latest score: it may not on its own say that somebody recovered."""
    entries = [
        scored(date(2026, 9, 1), "phq9", 20),
        scored(date(2026, 10, 1), "phq9", 19),
        scored(TODAY, "phq9", None, prorated=4),
    ]
    (measured,) = progress(entries).since_start.scores

    assert (measured.latest.score, measured.change) == (19, Direction.NO_CLEAR_CHANGE)


def test_scores_of_a_scale_the_clinic_no_longer_has_are_passed_over() -> None:
    """Nobody knows any more which way they read."""
    assert progress([scored(TODAY, "forgotten", 5)]).since_start.scores == []


def test_decimals_of_a_total_do_not_make_a_change() -> None:
    """25.2 less 20.1 is 5.1, though a computer says 5.099999999999998."""
    entries = [scored(date(2026, 9, 1), "ors", 20.1), scored(TODAY, "ors", 25.2)]
    known = instruments_of(settings(cut_offs={"ors": {"caseness": 25, "reliable_change": 5.1}}))
    (measured,) = progress_of(entries, today=TODAY, episode_started_on=None, instruments=known).since_start.scores

    assert (measured.difference, measured.change) == (5.1, Direction.BETTER)
    assert (measured.first.case, measured.latest.case) == (True, False)
    assert measured.reliable_change_source == "set by the clinic"


def test_scores_that_are_not_valid_do_not_count() -> None:
    """First and latest are of valid scores only, in the order they happened."""
    entries = [
        scored(date(2026, 9, 1), "phq9", None, risk=1),
        scored(date(2026, 9, 8), "phq9", 14),
        scored(date(2026, 9, 15), "phq9", None),
    ]
    (measured,) = progress(entries).since_start.scores

    assert (measured.first.score, measured.latest.score) == (14, 14)
    assert measured.change is Direction.ONE_SCORE_SO_FAR


def test_the_start_is_that_of_the_present_episode() -> None:
    """What was before it is no baseline, and no observed day."""
    entries = [scored(date(2025, 1, 1), "phq9", 3), scored(date(2026, 9, 1), "phq9", 15), scored(TODAY, "phq9", 8)]
    found = progress(entries, since=date(2026, 8, 1))

    assert found.since_start.first_day == date(2026, 8, 1)
    assert found.since_start.scores[0].first.score == 15


def test_weeks_are_iso_weeks_of_local_days() -> None:
    """Monday to Sunday; the mean is of the check-ins, and days count once."""
    entries = [
        checked_in(MONDAY, 4, hour=8),
        checked_in(MONDAY, 5, hour=20),
        checked_in(TODAY, 7.25),
        scored(TODAY, "gad7", 5),
        checked_in(MONDAY - timedelta(days=1), 9),
        checked_in(MONDAY - timedelta(days=8), 1),
    ]
    found = progress(entries)

    assert (found.this_week.week, found.this_week.first_day, found.this_week.last_day) == (
        "2026-W48",
        MONDAY,
        date(2026, 11, 29),
    )
    assert (found.this_week.entries, found.this_week.check_ins, found.this_week.days_observed) == (4, 3, 2)
    assert found.this_week.mean_mood == 5.42
    assert (found.last_week.week, found.last_week.check_ins, found.last_week.mean_mood) == ("2026-W47", 1, 9)


def test_the_iso_year_turns_with_the_week() -> None:
    """The first of January 2027 is a Friday of 2026's last week."""
    assert progress([], today=date(2027, 1, 1)).this_week.week == "2026-W53"


def test_under_five_check_ins_it_says_that_there_is_not_enough_data() -> None:
    """Plainly, and without a comparison of weeks."""
    entries = [checked_in(MONDAY - timedelta(days=n), 5) for n in range(4)]
    found = progress(entries)

    assert not found.enough_data
    assert "not enough data" in found.in_words[0]
    assert progress([*entries, checked_in(TODAY, 5)]).enough_data


def test_weeks_are_compared_only_where_both_have_enough() -> None:
    """Five check-ins in each; else the words say that it is not enough."""
    full = [checked_in(MONDAY - timedelta(days=7 * w) + timedelta(days=d), 4 + w) for w in (0, 1) for d in range(5)]
    some = [*full[:2], *full[5:]]

    assert "4 on average this week and 5 last week" in progress(full).in_words[0]
    assert "2 check-ins this week and 5 check-ins last week" in progress(some).in_words[0]
    assert "not enough data" in progress(some).in_words[0]


def test_nothing_yet_is_said_kindly() -> None:
    """No zero, no reproach."""
    found = progress([])

    assert found.in_words == ["When you check in, you will see it here. There is no right number of check-ins."]
    assert found.this_week.mean_mood is None
    assert found.since_start.coverage == 0


def test_coverage_is_the_share_of_days_with_a_check_in() -> None:
    """Two days of ten, counting the first and today."""
    found = progress([checked_in(TODAY - timedelta(days=9), 5), checked_in(TODAY, 5, hour=7), checked_in(TODAY, 6)])

    assert (found.since_start.days, found.since_start.days_observed, found.since_start.coverage) == (10, 2, 0.2)


def test_the_order_of_entries_changes_nothing() -> None:
    """Progress is a function of the set of entries."""
    chance = random.Random(7)
    entries = [checked_in(TODAY - timedelta(days=n), chance.randrange(1001) / 100, hour=n % 24) for n in range(60)]
    entries += [scored(TODAY - timedelta(days=n), "phq9", n % 28) for n in range(0, 60, 7)]
    shuffled = chance.sample(entries, len(entries))

    assert progress(shuffled) == progress(entries)


def test_the_words_never_judge_and_never_diagnose() -> None:
    """Whatever came, none of these words is shown to a patient."""
    worst = [scored(date(2026, 9, 1), "phq9", 2), scored(TODAY, "phq9", 27), scored(TODAY, "gad7", 21)]
    for entries in ([], [checked_in(TODAY, 0)], worst, [*worst, *(checked_in(TODAY, 0, hour=n) for n in range(9))]):
        said = " ".join(progress(entries).in_words).lower()
        assert not [word for word in NEVER_SAID if word in said]
