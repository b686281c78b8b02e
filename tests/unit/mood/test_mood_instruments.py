"""What questionnaires add up to, and everything that may be missing or wrong."""

from typing import Any

import pytest

from services.mood.domain import GAD7, INSTRUMENTS, PHQ9, Instrument, score_answers
from services.mood.domain.instruments import instrument_named
from shared.contracts.clinics import Scale, ScaleItem
from shared.errors import Problem
from tests.unit.mood.made import FATIGUE, SAFE


def items(*values: int) -> dict[str, int]:
    return {str(number): value for number, value in enumerate(values, 1)}


@pytest.mark.parametrize(
    ("instrument", "answers", "total", "score"),
    [
        (PHQ9, items(0, 0, 0, 0, 0, 0, 0, 0, 1), None, 1),
        (PHQ9, items(3, 3, 3, 3, 3, 3, 3, 3, 3), None, 27),
        (PHQ9, items(2, 2, 1, 2, 1, 1, 1, 0), None, None),
        (PHQ9, items(1, 1, 1, 1, 1, 1), None, None),
        (PHQ9, items(2, 2, 1, 2, 1, 1, 1, 0, 0), 10, 10),
        (PHQ9, None, 0, 0),
        (PHQ9, None, 27, 27),
        (PHQ9, {}, 12, 12),
        (PHQ9, {"9": 1}, 12, 12),
        (GAD7, items(3, 3, 3, 3, 3, 3, 3), None, 21),
        (GAD7, items(3, 3, 3, 3, 3, 3), None, None),
        (GAD7, None, 21, 21),
    ],
)
def test_a_score_needs_every_item_or_a_total(
    instrument: Instrument, answers: dict[str, int] | None, total: int | None, score: int | None
) -> None:
    """An estimate is no score; a total beside items counts where they can add up to it."""
    assert score_answers(instrument, answers, total).score == score


@pytest.mark.parametrize(
    ("answers", "total", "values", "risk", "urgent"),
    [
        (items(0, 0, 0, 0, 0, 0, 0, 0, 0), None, [0], False, False),
        (items(0, 0, 0, 0, 0, 0, 0, 0, 1), None, [1], True, False),
        ({"9": 2}, None, [2], True, True),
        ({"9": 3, "1": 0}, None, [3], True, True),
        ({"9": 1}, 12, [1], True, False),
        (items(2, 2, 1, 2, 1, 1, 1, 0), None, [], False, False),
        (None, 24, [], False, False),
        (None, 25, [1], True, False),
        (None, 26, [2], True, True),
        (None, 27, [3], True, True),
    ],
)
def test_item_nine_counts_wherever_it_was_answered(
    answers: dict[str, int] | None, total: int | None, values: list[int], *, risk: bool, urgent: bool
) -> None:
    """Also in a partial questionnaire, and where a bare total needs it; a 0 is kept as an answer."""
    scoring = score_answers(PHQ9, answers, total)

    assert [answer.value for answer in scoring.risk_answers] == values
    assert (scoring.risk, scoring.urgent) == (risk, urgent)
    assert all((a.item, a.recall_days, a.urgent_from) == ("9", 14, 2) for a in scoring.risk_answers)


@pytest.mark.parametrize(
    ("answers", "total", "least", "skipped"),
    [
        ({str(n): 0 for n in range(1, 9)}, 3, [3], []),
        ({str(n): 3 for n in range(1, 9)}, 25, [1], []),
        ({str(n): 3 for n in range(1, 8)}, 25, [1], []),
        ({str(n): 3 for n in range(1, 8)}, 24, [], ["9"]),
        ({str(n): 0 for n in range(1, 9)}, 0, [], ["9"]),
    ],
)
def test_a_total_that_cannot_be_reached_without_item_nine_says_so(
    answers: dict[str, int], total: int, least: list[int], skipped: list[str]
) -> None:
    """Beside the other answers it is arithmetic: what is proved is told, at the least it can be; nothing is guessed."""
    scoring = score_answers(PHQ9, answers, total)

    assert ([answer.value for answer in scoring.risk_answers], scoring.skipped_risk_items) == (least, skipped)


@pytest.mark.parametrize(("total", "least"), [(36, []), (37, [1]), (38, [2]), (39, [3]), (40, [4])])
def test_a_bare_total_of_the_core_10_that_needs_item_six_is_told_at_once(total: int, least: list[int]) -> None:
    """Its other nine items come to 36 at most, reversed ones too; nothing is said to have been skipped."""
    scoring = score_answers(INSTRUMENTS["core10"], None, total)

    assert ([answer.value for answer in scoring.risk_answers], scoring.skipped_risk_items) == (least, [])
    assert all((answer.item, answer.recall_days) == ("6", 7) for answer in scoring.risk_answers)
    assert scoring.urgent is bool(least)
    assert scoring.score == total


def test_the_item_on_daily_life_proves_nothing() -> None:
    """Item 10 of the PHQ-9 is not in the total: whatever it says, 24 can be reached without item 9, 25 cannot."""
    found = [score_answers(PHQ9, {"10": hard}, total).risk_answers for hard in (0, 3) for total in (24, 25)]

    assert [[answer.value for answer in answers] for answers in found] == [[], [1], [], [1]]


@pytest.mark.parametrize("name", [name for name, one in INSTRUMENTS.items() if not one.risk_items])
def test_a_total_of_an_instrument_without_a_risk_item_says_nothing_of_harm(name: str) -> None:
    """However high."""
    instrument = INSTRUMENTS[name]

    assert score_answers(instrument, None, instrument.maximum).risk_answers == []


@pytest.mark.parametrize(
    ("instrument", "answers", "total", "pointer", "words"),
    [
        (PHQ9, {"1": 4}, None, "/items/1", "from 0 to 3"),
        (PHQ9, {"1": -1}, None, "/items/1", "from 0 to 3"),
        (PHQ9, {"1": True}, None, "/items/1", "from 0 to 3"),
        (PHQ9, {"1": 1.5}, None, "/items/1", "from 0 to 3"),
        (PHQ9, {"1": "2"}, None, "/items/1", "from 0 to 3"),
        (PHQ9, {"1": None}, None, "/items/1", "from 0 to 3"),
        (PHQ9, {"11": 1}, None, "/items/11", "it has 1, 2, 3"),
        (PHQ9, {"he hit me": 1}, None, "/items/…", "it has 1, 2, 3"),
        (GAD7, {"8": 1}, None, "/items/8", "it has 1, 2, 3"),
        (PHQ9, None, 28, "/total", "from 0 to 27"),
        (PHQ9, None, -999, "/total", "from 0 to 27"),
        (PHQ9, None, 12.5, "/total", "whole number"),
        (PHQ9, items(0, 0, 0, 0, 0, 0, 0, 0, 0), 1, "/total", "cannot add up"),
        (PHQ9, items(3, 3, 3, 3), 11, "/total", "cannot add up"),
        (PHQ9, items(3, 3, 3, 3, 3, 3, 3, 3), 23, "/total", "cannot add up"),
        (PHQ9, None, None, "/items", "a total, or both"),
        (PHQ9, {}, None, "/items", "a total, or both"),
    ],
)
def test_what_cannot_be_right_is_named_with_what_may_be_sent(
    instrument: Instrument, answers: dict[str, Any] | None, total: Any, pointer: str, words: str
) -> None:
    """The field, the allowed range, and never the words that were sent."""
    with pytest.raises(Problem) as refusal:
        score_answers(instrument, answers, total)

    assert [error.pointer for error in refusal.value.errors] == [pointer]
    assert words in refusal.value.errors[0].message
    assert "hit" not in str(refusal.value.errors)


@pytest.mark.parametrize(
    ("name", "answers", "total", "score", "risk", "urgent"),
    [
        ("fatigue", None, 12.5, 12.5, False, False),
        ("safe", {"sleep": 4, "harm": 0}, None, 4, False, False),
        ("safe", {"harm": 2}, None, None, True, False),
        ("safe", {"harm": 3}, None, None, True, True),
    ],
)
def test_a_clinics_own_scale_is_scored_like_the_others(
    name: str, answers: dict[str, int] | None, total: float | None, score: float | None, *, risk: bool, urgent: bool
) -> None:
    """Its declared items, ranges, risk flags and range of totals are what counts."""
    scoring = score_answers(instrument_named(name, [FATIGUE, SAFE]), answers, total)

    assert (scoring.score, scoring.risk, scoring.urgent) == (score, risk, urgent)


def test_an_answer_about_harm_is_kept_though_the_scale_was_declared_wrongly() -> None:
    """All items answered add up to more than the declared range: no score, but the risk answer counts."""
    narrow = SAFE.model_copy(update={"maximum": 3})
    scoring = score_answers(instrument_named("safe", [narrow]), {"sleep": 4, "harm": 4}, None)

    assert scoring.score is None
    assert scoring.urgent


def test_a_clinic_cannot_redefine_a_published_instrument() -> None:
    """A scale called phq9 does not make item 9 harmless."""
    assert instrument_named("phq9", [SAFE.model_copy(update={"name": "phq9"})]) is PHQ9


def test_an_unknown_instrument_is_refused_with_the_names_there_are() -> None:
    """Also those the clinic declared."""
    with pytest.raises(Problem) as refusal:
        instrument_named("bdi", [FATIGUE])

    assert "phq9, gad7, phq4, core10, " in refusal.value.errors[0].message
    assert "wai-sr, fatigue;" in refusal.value.errors[0].message
    assert "bdi" not in str(refusal.value.errors)


@pytest.mark.parametrize(("name", "wanted"), [("k10", "k10-50"), ("wsas", "wsas-32"), ("wai", "wai-sr")])
def test_a_measure_with_variants_is_refused_until_one_is_named(name: str, wanted: str) -> None:
    """A bare K10 total of 25 means two things; the refusal says which variants there are."""
    with pytest.raises(Problem) as refusal:
        instrument_named(name, [])

    assert wanted in refusal.value.errors[0].message


def test_a_scale_declared_before_an_instrument_of_its_name_was_built_in_goes_on() -> None:
    """Its answers are not refused overnight, and it stays the clinic's own."""
    declared = SAFE.model_copy(update={"name": "pcl5"})

    assert instrument_named("pcl5", [declared]).own
    assert not instrument_named("pcl5", [SAFE]).own


def test_no_answer_and_no_total_is_beyond_a_million_however_wide_a_scale_was_declared() -> None:
    """A scale may be older than the bound of its declaration."""
    item = ScaleItem(minimum=0, maximum=3_000_000_000, risk=True)
    wide = Scale(name="wide", minimum=-(10**9), maximum=10**399, items={"1": item})
    instrument = instrument_named("wide", [wide])

    assert score_answers(instrument, {"1": 1_000_000}, None).score == 1_000_000
    for answers, total, pointer in (
        ({"1": 1_000_001}, None, "/items/1"),
        (None, 10**399, "/total"),
        (None, -1e7, "/total"),
    ):
        with pytest.raises(Problem) as refusal:
            score_answers(instrument, answers, total)
        assert [error.pointer for error in refusal.value.errors] == [pointer]
        assert "1000000" in refusal.value.errors[0].message
