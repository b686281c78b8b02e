"""The worked answers of the project's clinical reference, one by one, and what holds of every answer there can be."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mood.domain import INSTRUMENTS, Direction, Instrument, progress_of, score_answers
from services.mood.domain.instruments import prorate
from shared.contracts.moods import PartialTotal
from tests.unit.mood.made import scored

FIRST, LAST = date(2026, 9, 1), date(2026, 11, 25)


def numbered(*values: int | None) -> dict[str, int]:
    """Items in order; None for one that was left out."""
    return {str(number): value for number, value in enumerate(values, 1) if value is not None}


def test_phq9_with_item_nine_skipped_is_estimated_and_the_skip_is_recorded() -> None:
    """Eight answered, sum 10: 11.25 is 11, moderate; item 9 itself gets no value."""
    found = score_answers(INSTRUMENTS["phq9"], numbered(2, 2, 1, 2, 1, 1, 1, 0, None), None)

    assert (found.score, found.prorated) == (None, 11)
    assert INSTRUMENTS["phq9"].band_of(11) == "moderate"
    assert (found.skipped_risk_items, found.risk_answers, found.risk) == (["9"], [], False)


def test_phq9_of_one_point_on_item_nine_is_minimal_and_still_a_risk() -> None:
    """A total of 1 hides nothing."""
    found = score_answers(INSTRUMENTS["phq9"], numbered(0, 0, 0, 0, 0, 0, 0, 0, 1), None)

    assert found.score == 1
    assert INSTRUMENTS["phq9"].band_of(1) == "none to minimal"
    assert found.risk


def test_phq9_of_threes_is_27_and_severe() -> None:
    """The highest there is."""
    assert score_answers(INSTRUMENTS["phq9"], numbered(*[3] * 9), None).score == 27
    assert INSTRUMENTS["phq9"].band_of(27) == "severe"


@pytest.mark.parametrize(("missing", "prorated"), [(1, 18), (2, 18), (3, None)])
def test_phq9_and_gad7_are_estimated_with_at_most_two_missing(missing: int, prorated: int | None) -> None:
    """With three missing there is nothing at all."""
    phq9 = score_answers(INSTRUMENTS["phq9"], numbered(*[None] * missing, *[2] * (9 - missing)), None)
    gad7 = score_answers(INSTRUMENTS["gad7"], numbered(*[None] * missing, *[2] * (7 - missing)), None)

    assert (phq9.score, phq9.prorated) == (None, prorated)
    assert (gad7.score, gad7.prorated) == (None, None if prorated is None else 14)


def test_items_left_out_leave_a_range_that_no_completion_is_outside_of() -> None:
    """PHQ-9 of eight twos: 16 to 19. Reversed items (CORE-10) and totals counted four times (WHO-5) as they add up."""
    phq9 = score_answers(INSTRUMENTS["phq9"], numbered(*[2] * 8, None, 3), None)
    core10 = score_answers(INSTRUMENTS["core10"], numbered(0, None, 4, *[1] * 7), None)
    who5 = score_answers(INSTRUMENTS["who5"], numbered(5, 5, 5, None, None), None)
    k10 = score_answers(INSTRUMENTS["k10-50"], numbered(None, *[1] * 9), None)

    assert phq9.partial == PartialTotal(least=16, most=19, missing=1)
    assert core10.partial == PartialTotal(least=7, most=11, missing=1)
    assert who5.partial == PartialTotal(least=60, most=100, missing=2)
    assert k10.partial == PartialTotal(least=10, most=14, missing=1)


def test_nothing_is_said_of_a_range_where_all_or_none_was_answered_or_a_total_is_given() -> None:
    """A score needs none, and of nothing nothing follows."""
    asked = ((numbered(*[1] * 9), None), ({"10": 3}, None), (numbered(*[1] * 8), 10), (None, 10))

    assert [score_answers(INSTRUMENTS["phq9"], items, total).partial for items, total in asked] == [None] * 4


def test_phq9s_functional_item_is_recorded_and_never_scored() -> None:
    """The tenth changes no total, and without it a PHQ-9 is complete."""
    assert score_answers(INSTRUMENTS["phq9"], numbered(*[1] * 9, 3), None).score == 9
    assert score_answers(INSTRUMENTS["phq9"], numbered(*[1] * 9), None).score == 9
    alone = score_answers(INSTRUMENTS["phq9"], {"10": 3}, None)
    assert (alone.score, alone.prorated, alone.skipped_risk_items) == (None, None, ["9"])


def test_wsas_without_work_is_the_mean_of_the_others_out_of_40_half_rounded_up() -> None:
    """15 / 4 * 5 is 18.75, so 19; two missing are discarded; and out of 32 it is another instrument."""
    without_work = numbered(None, 4, 6, 2, 3)

    assert score_answers(INSTRUMENTS["wsas-40"], without_work, None).prorated == 19
    assert score_answers(INSTRUMENTS["wsas-40"], numbered(None, None, 6, 2, 3), None).prorated is None
    assert score_answers(INSTRUMENTS["wsas-32"], without_work, None).score == 15
    assert (INSTRUMENTS["wsas-40"].maximum, INSTRUMENTS["wsas-32"].maximum) == (40, 32)


@pytest.mark.parametrize(("raw", "total", "case"), [((3, 3, 2, 2, 2), 48, True), ((3, 3, 3, 2, 2), 52, False)])
def test_who5_counts_four_times_and_is_flagged_at_50_or_below(raw: tuple[int, ...], total: int, *, case: bool) -> None:
    """Raw 12 is 48, raw 13 is 52; lower is worse."""
    assert score_answers(INSTRUMENTS["who5"], numbered(*raw), None).score == total
    assert INSTRUMENTS["who5"].is_case(total) is case
    assert INSTRUMENTS["who5"].is_case(50)


def test_core10_not_at_all_to_everything_is_eight() -> None:
    """Items 2 and 3 are good things: never having them adds four each, and they are recorded as printed."""
    assert score_answers(INSTRUMENTS["core10"], numbered(*[0] * 10), None).score == 8
    assert score_answers(INSTRUMENTS["core10"], numbered(0, 4, 4, *[0] * 7), None).score == 0
    assert score_answers(INSTRUMENTS["core10"], numbered(4, 0, 0, *[4] * 7), None).score == 40


def test_core10s_item_on_plans_is_told_at_once_and_never_estimated() -> None:
    """Any answer above 0; skipped, it is said to be, while one missing item still leaves an estimate of the total."""
    core10 = INSTRUMENTS["core10"]
    answered, skipped = (score_answers(core10, numbered(1, 1, 1, 1, 1, six, 1, 1, 1, 1), None) for six in (1, None))

    assert (answered.score, answered.risk, answered.urgent) == (14, True, True)
    assert [(a.item, a.recall_days) for a in answered.risk_answers] == [("6", 7)]
    # 7 items of 1 and two turned round to 3: 13, times 10 / 9 is 14.44
    assert (skipped.score, skipped.prorated, skipped.skipped_risk_items) == (None, 14, ["6"])
    assert score_answers(core10, numbered(1, 1, 1, 1, 1, 1, 1, 1), None).prorated is None


def test_k10_of_none_at_all_is_10_or_0_by_its_variant() -> None:
    """The two are never mixed: each has an id and a range of its own."""
    assert score_answers(INSTRUMENTS["k10-50"], numbered(*[1] * 10), None).score == 10
    assert score_answers(INSTRUMENTS["k10-40"], numbered(*[0] * 10), None).score == 0
    assert INSTRUMENTS["k10-50"].measure == INSTRUMENTS["k10-40"].measure == "k10"


@pytest.mark.parametrize(
    ("points", "answered", "of", "total"), [(10, 8, 9, 11), (15, 4, 5, 19), (2, 4, 5, 3), (37, 2, 1, 19), (0, 3, 7, 0)]
)
def test_halves_are_rounded_up(points: int, answered: int, of: int, total: int) -> None:
    """floor(points * of / answered + 0.5): 2.5 is 3 and 18.5 is 19, where rounding to even would say 2 and 18."""
    assert prorate(points, answered, of) == total


B, H, N = Direction.BETTER, Direction.HARDER, Direction.NO_CLEAR_CHANGE


@pytest.mark.parametrize(
    ("phq9", "gad7", "change", "cases"),
    [
        ((15, 8), (12, 6), (B, B), (True, False, True, False)),
        ((15, 9), (12, 8), (B, B), (True, False, True, True)),
        ((10, 9), (8, 7), (N, N), (True, False, True, False)),
        ((9, 4), (7, 3), (N, B), (False, False, False, False)),
        ((16, 10), (14, 13), (B, N), (True, True, True, True)),
        ((16, 11), (14, 11), (N, N), (True, True, True, True)),
        ((12, 6), (9, 13), (B, H), (True, False, True, True)),
        ((9, 15), (10, 10), (H, N), (False, True, True, True)),
    ],
)
def test_reliable_change_and_caseness_of_each_measure(
    phq9: tuple[int, int], gad7: tuple[int, int], change: tuple[Direction, Direction], cases: tuple[bool, ...]
) -> None:
    """The reference's table of first and last scores, by measure: caseness 10 and 8, reliable change 6 and 4."""
    entries = [
        scored(day, name, score)
        for name, scores in (("phq9", phq9), ("gad7", gad7))
        for day, score in zip((FIRST, LAST), scores, strict=True)
    ]
    found = progress_of(entries, today=LAST, episode_started_on=None).since_start.scores

    assert tuple(one.change for one in found) == change
    assert tuple(score.case for one in found for score in (one.first, one.latest)) == cases


answers = st.sampled_from(sorted(name for name, one in INSTRUMENTS.items() if one.items)).flatmap(
    lambda name: st.tuples(
        st.just(INSTRUMENTS[name]),
        st.fixed_dictionaries(
            {}, optional={n: st.integers(i.minimum, i.maximum) for n, i in INSTRUMENTS[name].items.items()}
        ).filter(bool),
    )
)


@given(answers)
def test_whatever_is_answered_the_total_keeps_to_its_range_and_no_risk_item_is_made_up(
    given_answers: tuple[Instrument, dict[str, int]],
) -> None:
    """A score, an estimate or neither; every risk item is answered or skipped, never both; bands cover totals."""
    instrument, items = given_answers
    found = score_answers(instrument, items, None)

    assert (found.score is not None) == (instrument.scored.keys() <= items.keys())
    assert found.score is None or found.prorated is None
    for total in (found.score, found.prorated):
        if total is not None:
            assert instrument.minimum <= total <= instrument.maximum
            assert (instrument.band_of(total) is not None) == bool(instrument.bands)
            assert score_answers(instrument, None, total).score == total
    assert [answer.item for answer in found.risk_answers] == [name for name in instrument.risk_items if name in items]
    assert found.skipped_risk_items == [name for name in instrument.risk_items if name not in items]


@given(st.lists(st.integers(0, 4), min_size=10, max_size=10))
def test_the_two_ways_of_counting_k10_are_ten_apart(values: list[int]) -> None:
    """The same answers, one scored from 0 and the other from 1."""
    low = score_answers(INSTRUMENTS["k10-40"], numbered(*values), None).score
    high = score_answers(INSTRUMENTS["k10-50"], numbered(*(value + 1 for value in values)), None).score

    assert low is not None
    assert high == low + 10
