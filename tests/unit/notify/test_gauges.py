"""The gauges that say whether anybody is in danger of not being told."""

from datetime import timedelta

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.notify.channels import Failover
from services.notify.domain import Channel, Notice, Outcome, Result, acknowledge, reconcile
from services.notify.handlers import OpenAlerts, show
from services.notify.handlers.gauges import Named
from shared.contracts import Alert
from shared.contracts.base import Origin, Urgency
from shared.contracts.patients import PatientStatus
from tests.fakes import FakeClock
from tests.unit.notify.made import DAY, HOUR, MONDAY, assessment, concern, patient, situation, telling
from tests.unit.notify.test_words import notice


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


def test_an_alert_of_somebody_who_has_died_keeps_no_operator_awake() -> None:
    """Nobody further is told, so there is nothing to chase; it is open, and a human closes it."""
    said = assessment(concern(telling("e1")))
    [opened] = reconcile(situation(said))
    [ended] = reconcile(situation(said, [opened], who=patient(PatientStatus.DECEASED)))
    show([ended], MONDAY + 3 * DAY)

    assert value("alerts_open", urgency="at_once", status="open") == 1
    assert value("alert_unacked_oldest_age_seconds", urgency="at_once") == 0
    assert value("alerts_overdue", urgency="at_once") == 0


def test_imported_evidence_and_what_is_no_risk_page_nobody_for_being_late() -> None:
    """A history that is imported opens alerts by the hundred, for the morning's digest; a late risk answer pages."""
    imported = concern(telling("i1", origin=Origin.IMPORT))
    calm = concern(telling("m1", urgency=Urgency.WORKING_HOURS), rule="mood_shift")
    show(reconcile(situation(assessment(imported, calm))), MONDAY + 3 * DAY)
    quiet = [value("alerts_overdue", urgency=urgency.value) for urgency in Urgency]
    old = value("alert_unacked_oldest_age_seconds", urgency="at_once")
    show(reconcile(situation(assessment(concern(telling("r1", urgency=Urgency.WORKING_HOURS))))), MONDAY + 3 * DAY)

    assert (quiet, old) == ([0, 0], 0)
    assert value("alerts_overdue", urgency="working_hours") == 1


def test_what_was_acknowledged_a_week_ago_and_not_closed_counts_as_forgotten() -> None:
    """From the eighth day on."""
    urgent, _ = alerts()
    taken = acknowledge(urgent, by="priya", now=MONDAY)
    show([taken], MONDAY + 7 * DAY)
    early = value("alerts_forgotten", urgency="at_once")
    show([taken], MONDAY + 7 * DAY + HOUR)

    assert (early, value("alerts_forgotten", urgency="at_once")) == (0, 1)
    show([], MONDAY)


def test_the_log_names_clinic_and_reference_of_what_pages_once_and_nothing_of_the_patient() -> None:
    """Again only where it had passed in between."""
    named, (urgent, calm) = Named(), alerts()
    late = MONDAY + timedelta(minutes=31)
    with capture_logs() as said:
        named.say(show([urgent, calm], MONDAY + timedelta(minutes=30)))
        nothing = list(said)
        named.say(show([urgent, calm], late))
        named.say(show([urgent, calm], late))
        named.say(show([acknowledge(urgent, by="priya", now=late)], late))
        named.say(show([urgent], late))

    line = {"event": "alert_needs_somebody", "log_level": "warning", "state": "unacknowledged", "clinic": "harbour"}
    assert nothing == []
    assert said == [line | {"alert": urgent.reference}] * 2


class Fails:
    """A provider that is away."""

    async def send(self, notice: Notice) -> Result:
        """Not now."""
        return Result(outcome=Outcome.TEMPORARY, code="503")


async def test_the_breaker_s_gauge_falls_when_a_message_may_try_the_provider_though_there_is_none() -> None:
    """After three failures it is left alone for half a minute, not until the next alert."""
    clock = FakeClock(MONDAY)
    channel = Failover(channel=Channel.SMS, providers={"away": Fails()}, weights={}, clock=clock)
    for _ in range(3):
        await channel.send(notice())
    channel.show()
    left_alone = value("provider_breaker", channel="sms", provider="away")
    clock.advance(timedelta(seconds=31))
    channel.show()

    assert (left_alone, value("provider_breaker", channel="sms", provider="away")) == (1, 0.5)
