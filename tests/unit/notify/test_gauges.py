"""The gauges that say whether anybody is in danger of not being told."""

from prometheus_client import REGISTRY

from services.notify.domain import acknowledge, reconcile
from services.notify.handlers import OpenAlerts, show
from shared.contracts import Alert
from shared.contracts.base import Urgency
from tests.unit.notify.made import DAY, HOUR, MONDAY, assessment, concern, situation, telling


def value(name: str, **labels: str) -> float | None:
    """What would be scraped."""
    return REGISTRY.get_sample_value(f"rapport_{name}", labels)


def alerts() -> list[Alert]:
    """One at once, one in working hours."""
    urgent = concern(telling("e1"))
    calm = concern(telling("m1", urgency=Urgency.WORKING_HOURS), rule="mood_shift")
    return reconcile(situation(assessment(urgent, calm)))


def test_open_unacknowledged_and_overdue_alerts_are_counted_by_urgency() -> None:
    """A day later both wait, and the at-once one is past its deadline."""
    show(alerts(), MONDAY + DAY)

    assert value("alerts_open", urgency="at_once", status="open") == 1
    assert value("alert_unacked_oldest_age_seconds", urgency="at_once") == DAY.total_seconds()
    assert value("alerts_overdue", urgency="at_once") == 1
    assert value("alerts_overdue", urgency="working_hours") == 0


def test_an_alert_that_is_taken_is_open_and_neither_unacknowledged_nor_overdue() -> None:
    """Somebody has it; news would start the clock again, not where it began."""
    urgent, _ = alerts()
    taken = acknowledge(urgent, by="priya", now=MONDAY)
    show([taken], MONDAY + DAY)
    assert value("alerts_open", urgency="at_once", status="acknowledged") == 1
    assert value("alert_unacked_oldest_age_seconds", urgency="at_once") == 0
    assert value("alerts_overdue", urgency="at_once") == 0

    more = assessment(concern(telling("e1"), telling("e2")), basis=2)
    (again,) = reconcile(situation(more, [taken], now=MONDAY + DAY))
    show([again], MONDAY + DAY + HOUR)
    assert value("alert_unacked_oldest_age_seconds", urgency="at_once") == HOUR.total_seconds()


def test_what_is_closed_or_another_s_is_not_counted() -> None:
    """Older versions do not come back, and a revoked partition's alerts are the next owner's to show."""
    known, (urgent, calm) = OpenAlerts(), alerts()
    newer = acknowledge(urgent, by="priya", now=MONDAY).model_copy(update={"version": 2})
    known.note(1, [newer, calm])
    known.note(1, [urgent])
    assert sorted(alert.version for alert in known) == [1, 2]

    known.forget(1)
    assert list(known) == []
