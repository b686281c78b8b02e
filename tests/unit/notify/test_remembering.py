"""An alert stays within its bounds however much it tells of, and still tells of everything once."""

from datetime import timedelta

from services.notify.domain.alerts import acknowledge, reconcile, settle
from services.notify.domain.audit import untold
from services.notify.domain.remembering import MOST_REMEMBERED, MOST_TOLD, fingerprint, shortened, told_by
from services.notify.domain.rounds import owed
from shared.contracts.alerts import Alert
from shared.contracts.assessments import Telling
from shared.contracts.base import Origin, Urgency
from tests.unit.notify.made import HOUR, LONDON, MONDAY, assessment, concern, situation, telling


def told_of(alert: Alert | None, *evidence: Telling, round_: int) -> Alert:
    """The alert after an assessment that lists this evidence, an hour later each time."""
    said, known = assessment(concern(*evidence), basis=round_), [] if alert is None else [alert]
    decided = reconcile(situation(said, known, now=MONDAY + round_ * timedelta(minutes=1)))
    return decided[0] if decided else known[0]


def test_thousands_of_pieces_one_after_the_other_stay_within_bounds_and_none_is_told_twice() -> None:
    """What fell out of the list is known by its fingerprint, so that an assessment that lists it again is no news."""
    alert: Alert | None = None
    for number in range(1, 2_501):
        alert = told_of(alert, telling(f"e{number}"), round_=number)
        alert = settle(alert, number, LONDON, MONDAY + number * timedelta(minutes=1))
    assert alert is not None
    again = [telling(f"e{number}") for number in range(1, 2_501) if number == 1 or number > 201]

    assert len(alert.told) == MOST_TOLD
    assert (alert.told[0].id, alert.told[1].id, alert.told[-1].id) == ("e1", "e2202", "e2500")
    assert len(alert.told_earlier) == MOST_REMEMBERED
    assert len(alert.model_dump_json()) < 200_000
    assert reconcile(situation(assessment(concern(*again), basis=9_999), [alert])) == []
    assert untold(assessment(concern(*again), basis=9_999), None, [alert], MONDAY + 24 * HOUR) == []
    late = telling("late", at=MONDAY - 100 * HOUR)
    assert told_of(alert, late, *again, round_=9_999).told[-1].id == "late"


def test_an_alert_that_nobody_has_been_told_of_yet_is_still_owed() -> None:
    """Pieces still to be told are dropped only where a newer one is owed that is as urgent; the most urgent stays."""
    alert = told_of(None, telling("urgent"), telling("also"), round_=1)
    for number in range(2, 1_000):
        alert = told_of(alert, telling(f"e{number}", urgency=Urgency.WORKING_HOURS), round_=number)

    rounds = owed(alert)
    assert len(alert.told) == MOST_TOLD + 1
    assert (rounds[0].number, rounds[0].urgency) == (1, Urgency.AT_ONCE)
    assert rounds[-1].number == 999
    assert all(told_by([alert])(name) for name in ("urgent", "also", "e2", "e500", "e999"))


def test_what_is_kept_beside_the_newest_is_the_most_urgent_still_owed() -> None:
    """An at-once piece among many that were settled or can wait is not lost with them."""
    alert = told_of(None, *(telling(f"e{n}", urgency=Urgency.WORKING_HOURS) for n in range(200)), round_=1)
    alert = told_of(alert, telling("urgent"), round_=2)
    imports = [telling(f"i{number}", origin=Origin.IMPORT) for number in range(400)]
    alert = told_of(alert, *imports, round_=3)

    assert len(alert.told) == MOST_TOLD + 1
    assert [one.id for one in alert.told[:3]] == ["e0", "urgent", "i101"]
    assert [news.urgency for news in owed(alert)] == [Urgency.WORKING_HOURS, Urgency.AT_ONCE, None]


def test_an_alert_opened_with_thousands_of_pieces_is_within_bounds_at_once() -> None:
    """An assessment made before there was a bound lists as many as it likes."""
    many = [telling(f"e{number}") for number in range(4_000)]
    alert = told_of(None, *many, round_=1)

    assert len(alert.told) == MOST_TOLD
    assert alert == shortened(alert)
    assert acknowledge(alert, by="lee", now=MONDAY + HOUR).told_earlier == alert.told_earlier


def test_a_fingerprint_is_short_and_always_the_same() -> None:
    """It must be the same for every process and version, for it stands in documents."""
    assert fingerprint("e1") == "G11eUfVPDwQ"
