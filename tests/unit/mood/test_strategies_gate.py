"""The safety gate: shut by any sign of harm, from whichever side it is known first, and by not knowing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from annotated_types import Le

from services.mood.domain import LOOK_BACK, Gate, Recorded, gate_of
from shared.contracts import Assessment
from shared.contracts.clinics import Scale
from shared.contracts.screening import Screening
from tests.unit.mood.made import NOW
from tests.unit.mood.made_strategies import assessment, check_in, concern, correction, question, risk, withdrawal


def gate(told: Assessment | None, *recent: Recorded, missing: int = 0) -> Gate:
    return gate_of(told, recent, missing=missing, now=NOW)


def test_it_is_open_where_insights_has_spoken_and_nothing_speaks_of_harm() -> None:
    """Other concerns do not shut it."""
    assert gate(assessment(), risk(0), check_in()) is Gate.OPEN
    assert gate(assessment(concern("mood_shift")), check_in()) is Gate.OPEN


@pytest.mark.parametrize("rule", ["risk_item", "risk_item_skipped", "risk_of_a_later_version", "crisis_language"])
@pytest.mark.parametrize(("holds", "telling"), [(True, False), (False, True), (True, True)])
def test_a_concern_about_harm_shuts_it_while_it_holds_or_must_be_told(rule: str, *, holds: bool, telling: bool) -> None:
    """By the rule's name, of today's rules and of later ones; one that is over does not."""
    assert gate(assessment(concern(rule, holds=holds, telling=telling))) is Gate.CONCERN
    assert gate(assessment(concern(rule, holds=False, telling=False))) is Gate.OPEN


def test_the_patients_own_risk_answer_shuts_it_before_insights_has_spoken() -> None:
    """Any answer above 0 within its recall, whatever was answered since; then no longer."""
    day = 24.0
    assert gate(assessment(), risk(1, hours=0.1)) is Gate.CONCERN
    assert gate(None, risk(1, hours=0.1)) is Gate.CONCERN
    assert gate(assessment(), risk(1, hours=13 * day), risk(0, hours=1)) is Gate.CONCERN
    assert gate(assessment(), risk(3, hours=14 * day)) is Gate.CONCERN
    assert gate(assessment(), risk(3, hours=14 * day + 1)) is Gate.OPEN
    assert gate(assessment(), risk(1, hours=6 * day, recall=7)) is Gate.CONCERN
    assert gate(assessment(), risk(1, hours=23, recall=0)) is Gate.CONCERN


def test_entries_are_read_as_far_back_as_any_risk_item_asks() -> None:
    """A clinic may declare a scale that asks about a year."""
    (longest,) = [bound.le for bound in Scale.model_fields["recall_days"].metadata if isinstance(bound, Le)]

    assert timedelta(days=longest) < LOOK_BACK
    assert gate(assessment(), risk(1, hours=364 * 24, recall=365)) is Gate.CONCERN


def test_words_of_a_crisis_in_a_note_shut_it_for_two_weeks() -> None:
    """As the screen found them at the door."""
    found = Screening(crisis_language=True, screen="screen.v1")

    assert gate(assessment(), check_in(screening=found, hours=13 * 24)) is Gate.CONCERN
    assert gate(assessment(), check_in(screening=found, hours=15 * 24)) is Gate.OPEN
    assert gate(assessment(), check_in(screening=Screening(crisis_language=False, screen="screen.v1"))) is Gate.OPEN


def test_words_of_a_crisis_in_a_correction_shut_it_from_when_it_was_corrected() -> None:
    """However long ago the check-in was."""
    found = Screening(crisis_language=True, screen="screen.v1")

    assert gate(assessment(), correction(screening=found, hours=13 * 24)) is Gate.CONCERN
    assert gate(assessment(), correction(screening=found, hours=15 * 24)) is Gate.OPEN
    assert gate(assessment(), correction(hours=1)) is Gate.OPEN


@pytest.mark.parametrize("made", [question, withdrawal])
def test_words_of_a_crisis_in_a_question_or_in_why_something_was_withdrawn_shut_it(
    made: Callable[..., Recorded],
) -> None:
    """Whatever a patient writes: the gate reads the screen's word on it before insights has."""
    found = Screening(crisis_language=True, screen="screen.v1")

    assert gate(assessment(), made(screening=found, hours=0.1)) is Gate.CONCERN
    assert gate(None, made(screening=found, hours=13 * 24)) is Gate.CONCERN
    assert gate(assessment(), made(screening=found, hours=15 * 24)) is Gate.OPEN
    assert gate(assessment(), made(screening=Screening(crisis_language=False, screen="screen.v1"))) is Gate.OPEN
    assert gate(assessment(), made(hours=1)) is Gate.OPEN


def test_words_of_a_crisis_in_the_comment_on_a_session_shut_it_for_two_weeks() -> None:
    """From when the session was rated."""
    day = timedelta(days=1)
    shut, opened = (
        gate_of(assessment(), [], missing=0, now=NOW, ratings=[NOW - age]) for age in (13 * day, 14 * day + day / 24)
    )

    assert (shut, opened) == (Gate.CONCERN, Gate.OPEN)


def test_not_knowing_shuts_it() -> None:
    """Insights has not spoken, or an entry that may be a risk answer could not be processed, here or there."""
    assert gate(None, check_in()) is Gate.NOT_KNOWN
    assert gate(assessment(), missing=1) is Gate.NOT_KNOWN
    assert gate(assessment(entries_not_processed=1)) is Gate.NOT_KNOWN
