"""The library: whole, kind, easy to read, and careful about what it leaves to a clinician."""

import re
from dataclasses import replace
from typing import Any

import pytest

from services.mood.domain import LIBRARY, Strategy
from tests.unit.mood.readability import BANNED, GRADE, grade, sentences

STRATEGIES = list(LIBRARY.values())


def test_there_are_at_least_fifteen_and_each_is_whole() -> None:
    """What it is for, effort, minutes, steps and evidence; names are ids."""
    assert len(LIBRARY) >= 15
    for one in STRATEGIES:
        assert re.fullmatch(r"[a-z_]{3,40}", one.name)
        assert all((one.title, one.what_for, one.steps, one.evidence, one.evidence_words))
        assert 1 <= one.effort <= 3
        assert 1 <= one.minutes <= 30


def test_exposure_and_sleep_restriction_are_set_by_a_therapist_alone() -> None:
    """And what they are not for is said."""
    assert {one.name for one in STRATEGIES if one.therapist_set_only} == {"graded_exposure", "sleep_window"}
    assert all(one.contraindications for one in STRATEGIES if one.therapist_set_only)


def test_nobody_is_told_to_hold_their_breath() -> None:
    """Breath-holding is never part of a strategy: the one that breathes says so."""
    steps = [step for one in STRATEGIES for step in one.steps if "hold" in step.lower()]

    assert steps == ["Breathe out slowly for 6 counts. Do not hold your breath."]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda one: one.name)
def test_a_nine_year_old_can_read_what_a_patient_is_shown(strategy: Strategy) -> None:
    """Flesch-Kincaid grade of what it is for and its steps together; no sentence over 20 words; no banned word."""
    text = " ".join((strategy.what_for, *strategy.steps))

    assert grade(text) <= GRADE, f"{grade(text):.1f}"
    assert [one for one in sentences(text) if len(one.split()) > 20] == []
    assert [word for word in BANNED if re.search(word, f"{strategy.title} {text}".lower())] == []


def test_a_declaration_that_contradicts_itself_does_not_start() -> None:
    """Effort beyond 3, no steps, no time."""
    good = LIBRARY["short_walk"]

    wrongs: list[dict[str, Any]] = [{"effort": 4}, {"minutes": 0}, {"steps": ()}, {"steps": ("Sit.",) * 6}]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="short_walk"):
            replace(good, **wrong)
