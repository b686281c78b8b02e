"""Alerts of crisis language: told however late, closed by a human alone, like those of a risk item."""

from services.notify.domain import reconcile
from shared.contracts.alerts import AlertStatus
from shared.contracts.base import Origin
from tests.unit.notify.made import assessment, concern, situation, telling


def test_words_found_late_are_told_though_they_count_no_longer() -> None:
    """A note made offline three weeks ago: nobody has heard of it."""
    late = concern(telling("n1", origin=Origin.SYNC), rule="crisis_language", holds=False)
    (alert,) = reconcile(situation(assessment(late)))

    assert (alert.rule, alert.status, [told.id for told in alert.told]) == ("crisis_language", AlertStatus.OPEN, ["n1"])


def test_imported_words_that_count_no_longer_page_nobody() -> None:
    """Another system's past is told only while it holds."""
    past = concern(telling("n1", origin=Origin.IMPORT), rule="crisis_language", holds=False)

    assert reconcile(situation(assessment(past))) == []


def test_an_alert_of_crisis_language_does_not_close_by_itself() -> None:
    """Neither when the words are long ago, nor when insights says nothing of them any more."""
    alerts = reconcile(situation(assessment(concern(telling("n1"), rule="crisis_language"))))
    for later in (
        assessment(concern(telling("n1"), rule="crisis_language", holds=False), basis=2),
        assessment(basis=2),
    ):
        [alert] = reconcile(situation(later, alerts))
        assert (alert.status, alert.holds) == (AlertStatus.OPEN, False)
