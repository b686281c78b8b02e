"""Reconciling, case by case: what opens an alert, what is appended, what closes it, and what changes nothing."""

import pytest

from services.notify.domain import RISK, acknowledge, close, owed, reconcile, rounds_of, settle, still_needed
from shared.contracts import Alert
from shared.contracts.alerts import AlertStatus, Disposition, Route
from shared.contracts.base import Origin, Urgency
from shared.contracts.patients import PatientStatus
from shared.errors import Problem
from tests.unit.notify.made import DAY, HOUR, LONDON, MONDAY, assessment, concern, patient, situation, telling

SUNDAY = MONDAY - DAY


def opened(*concerns, **changes) -> Alert:
    """The one alert that these concerns open."""
    (alert,) = reconcile(situation(assessment(*concerns), **changes))
    return alert


def test_live_news_opens_an_alert_that_is_owed_at_once() -> None:
    """Item 9 = 2: open, a message of its own, due now, to be answered by today's closing time."""
    alert = opened(concern(telling("e1")))

    (news,) = owed(alert)
    assert (alert.status, alert.route, alert.urgency) == (AlertStatus.OPEN, Route.MESSAGE, Urgency.AT_ONCE)
    assert news.due_at(LONDON) == MONDAY
    assert alert.deadline == MONDAY.replace(hour=17)
    assert alert.clinician == "priya"


def test_news_for_working_hours_is_due_when_the_clinic_opens() -> None:
    """Item 9 = 1 on a Sunday: Monday at nine, and answered by Monday's closing time."""
    alert = opened(concern(telling("e1", urgency=Urgency.WORKING_HOURS)), now=SUNDAY)

    (news,) = owed(alert)
    assert news.due_at(LONDON) == MONDAY.replace(hour=9)
    assert alert.deadline == MONDAY.replace(hour=17)


def test_a_concern_that_is_only_shown_opens_no_alert() -> None:
    """It holds and has no telling evidence: nobody is sent anything, however often it is looked at."""
    shown = assessment(concern(rule="stalled"), concern(rule="mood_instability"))

    assert reconcile(situation(shown)) == []


def test_asking_again_changes_nothing() -> None:
    """Level-triggered: what has been decided is not decided again."""
    said = assessment(concern(telling("e1")), concern(telling("m1"), rule="mood_shift"))
    alerts = reconcile(situation(said))

    assert len(alerts) == 2
    assert reconcile(situation(said, alerts, now=MONDAY + HOUR)) == []


def test_whoever_opens_an_alert_opens_the_same_one() -> None:
    """A stale owner that knows an earlier piece of evidence, or another one, still opens the alert with the same id."""
    first, second = opened(concern(telling("e1"))), opened(concern(telling("e0"), telling("e1")))

    assert first.key == second.key
    assert first.reference == second.reference


def test_news_is_appended_and_unacknowledges() -> None:
    """The second round is open again, more urgent where it is, and owed, while the first is settled."""
    alert = opened(concern(telling("e1", urgency=Urgency.WORKING_HOURS)))
    taken = acknowledge(alert, by="priya", now=MONDAY + HOUR)
    said = assessment(concern(telling("e1", urgency=Urgency.WORKING_HOURS), telling("e2")), basis=2)

    (again,) = reconcile(situation(said, [taken], now=MONDAY + DAY))

    assert (again.status, again.acknowledged_by, again.urgency) == (AlertStatus.OPEN, None, Urgency.AT_ONCE)
    assert again.open_since == MONDAY + DAY
    assert again.deadline == (MONDAY + DAY).replace(hour=17)
    assert [(told.id, told.round) for told in again.told] == [("e1", 1), ("e2", 2)]
    assert [news.number for news in owed(again)] == [2]


def test_less_urgent_news_does_not_move_the_deadline_of_an_alert_that_waits() -> None:
    """What was promised at once stays promised."""
    alert = opened(concern(telling("e1")))
    said = assessment(concern(telling("e1"), telling("e2", urgency=Urgency.WORKING_HOURS)), basis=2)

    (again,) = reconcile(situation(said, [alert], now=MONDAY + HOUR))

    assert (again.urgency, again.deadline, again.open_since) == (Urgency.AT_ONCE, alert.deadline, alert.opened_at)


def test_an_import_is_a_line_in_the_morning_digest() -> None:
    """No message of its own, however urgent it was at the time, and due on the next working morning."""
    alert = opened(concern(telling("i1", origin=Origin.IMPORT)))

    (news,) = owed(alert)
    assert (alert.route, alert.urgency, news.urgency) == (Route.DIGEST, Urgency.WORKING_HOURS, None)
    assert news.due_at(LONDON) == (MONDAY + DAY).replace(hour=9)


def test_an_import_that_no_longer_holds_is_told_to_nobody() -> None:
    """Last year's answer is history, not news; beside live news it is told as well."""
    old = telling("i1", origin=Origin.IMPORT)

    assert reconcile(situation(assessment(concern(old, holds=False)))) == []
    assert [told.id for told in opened(concern(old, telling("e1"))).told] == ["i1", "e1"]


def test_live_news_makes_a_digest_line_a_message() -> None:
    """The message speaks for the line, which is then not due any more."""
    line = opened(concern(telling("i1", origin=Origin.IMPORT)))
    said = assessment(concern(telling("i1", origin=Origin.IMPORT), telling("e1")), basis=2)

    (alert,) = reconcile(situation(said, [line], now=MONDAY + HOUR))

    assert (alert.route, alert.urgency) == (Route.MESSAGE, Urgency.AT_ONCE)
    assert still_needed(alert, 2, LONDON, MONDAY + HOUR)
    assert not still_needed(alert, 1, LONDON, MONDAY + DAY)
    assert owed(settle(alert, 2, LONDON, MONDAY + HOUR)) == []


def test_imported_news_on_an_open_alert_neither_pages_nor_unacknowledges() -> None:
    """Somebody has it already; they read of it in the morning."""
    taken = acknowledge(opened(concern(telling("e1"))), by="priya", now=MONDAY)
    said = assessment(concern(telling("e1"), telling("i1", origin=Origin.IMPORT)), basis=2)

    (alert,) = reconcile(situation(said, [taken]))

    assert alert.status is AlertStatus.ACKNOWLEDGED
    assert [news.urgency for news in owed(alert)] == [None]


@pytest.mark.parametrize("said", [assessment(basis=2), assessment(concern(rule="mood_shift", holds=False), basis=2)])
def test_a_concern_that_ends_closes_its_alert_with_the_reason(said) -> None:
    """By `rapport`, with a note, and nothing is owed any more."""
    alert = opened(concern(telling("m1", urgency=Urgency.WORKING_HOURS), rule="mood_shift"), now=SUNDAY)

    (closed,) = reconcile(situation(said, [alert]))

    assert (closed.status, closed.closed_by, closed.holds) == (AlertStatus.CLOSED, "rapport", False)
    assert closed.note
    assert owed(closed) == []


def test_only_a_human_closes_a_risk_alert() -> None:
    """It says that the concern no longer holds, and waits."""
    alert = opened(concern(telling("e1")))

    (waiting,) = reconcile(situation(assessment(basis=2), [alert]))
    closed = close(waiting, by="priya", disposition=Disposition.CONTACTED, note="Rang.", now=MONDAY)

    assert (waiting.status, waiting.holds) == (AlertStatus.OPEN, False)
    assert owed(waiting) == owed(alert)
    assert (closed.status, closed.disposition) == (AlertStatus.CLOSED, Disposition.CONTACTED)


def test_a_later_answer_is_shown_on_an_open_risk_alert() -> None:
    """The reason follows what insights says, so that a later 0 stands beside it."""
    alert = opened(concern(telling("e1"), reason="Answered 2."))

    (shown,) = reconcile(
        situation(assessment(concern(telling("e1"), reason="Answered 2, lately 0."), basis=2), [alert])
    )

    assert shown.reason == "Answered 2, lately 0."
    assert shown.told == alert.told


def test_a_closed_alert_does_not_come_back_without_news() -> None:
    """The same evidence opens nothing; new evidence opens another alert."""
    alert = opened(concern(telling("e1")))
    closed = close(alert, by="priya", disposition=Disposition.CONTACTED, note=None, now=MONDAY)

    nothing = reconcile(situation(assessment(concern(telling("e1")), basis=2), [closed]))
    (another,) = reconcile(situation(assessment(concern(telling("e1"), telling("e2")), basis=3), [closed]))

    assert nothing == []
    assert another.alert != alert.alert
    assert [told.id for told in another.told] == ["e2"]


def test_an_older_assessment_than_one_acted_upon_decides_nothing() -> None:
    """A stale owner can neither close what a newer assessment opened nor add to it."""
    alert = opened(concern(telling("m1"), rule="mood_shift"))
    stale = assessment(concern(telling("e9")), basis=0)

    assert reconcile(situation(stale, [alert])) == []


def test_what_is_shown_and_not_told_opens_nothing() -> None:
    """A rise that another rule tells of, or evidence from before a rule came on: it holds, and pages nobody."""
    assert reconcile(situation(assessment(concern(rule="risk_item_rising"), concern(rule="gone_quiet")))) == []


def test_an_alert_of_a_rise_is_closed_by_a_human_alone_and_one_of_an_item_left_out_ends() -> None:
    """A rise is something said about harm, also where it holds no more; an item left out has been answered since."""
    rise, left_out = concern(telling("e1"), rule="risk_item_rising"), concern(telling("s1"), rule="risk_item_skipped")
    alerts = reconcile(situation(assessment(rise, left_out)))
    over = concern(telling("e1"), telling("e2"), rule="risk_item_rising", holds=False)

    changed = {alert.rule: alert for alert in reconcile(situation(assessment(over, basis=2), alerts))}

    assert changed["risk_item_rising"].status is AlertStatus.OPEN
    assert [told.id for told in changed["risk_item_rising"].told] == ["e1", "e2"]
    assert changed["risk_item_skipped"].status is AlertStatus.CLOSED


def test_nobody_is_told_anything_new_about_somebody_who_has_died() -> None:
    """Alerts close, but for risk; what was still to be sent is not; nothing opens."""
    both = concern(telling("e1")), concern(telling("m1"), rule="mood_shift")
    alerts = reconcile(situation(assessment(*both)))
    late = assessment(*both, concern(telling("q1"), rule="gone_quiet"), basis=2)

    changed = reconcile(situation(late, alerts, who=patient(PatientStatus.DECEASED)))

    assert {alert.rule: alert.status for alert in changed} == {RISK: AlertStatus.OPEN, "mood_shift": AlertStatus.CLOSED}
    assert [news for alert in changed for news in owed(alert)] == []


def test_an_open_alert_follows_the_patient_to_another_clinician() -> None:
    """Whose it is changes; who was told does not."""
    said = assessment(concern(telling("e1")))
    alert = opened(concern(telling("e1")))

    (moved,) = reconcile(situation(said, [alert], who=patient(clinician="lee")))

    assert moved.clinician == "lee"
    assert moved.told == alert.told


def test_two_rounds_that_are_due_together_are_one_message() -> None:
    """Two answers over the weekend: Monday's one e-mail speaks for both."""
    first = telling("e1", urgency=Urgency.WORKING_HOURS)
    alert = opened(concern(first), now=SUNDAY)
    said = assessment(concern(first, telling("e2", urgency=Urgency.WORKING_HOURS)), basis=2)
    (alert,) = reconcile(situation(said, [alert], now=SUNDAY + HOUR))

    needed = [news.number for news in rounds_of(alert) if still_needed(alert, news.number, LONDON, MONDAY)]

    assert needed == [2]
    assert owed(settle(alert, 2, LONDON, MONDAY)) == []


def test_an_urgent_round_is_not_silenced_by_a_later_less_urgent_one() -> None:
    """The SMS that could not be sent yet is still owed after Monday's e-mail."""
    alert = opened(concern(telling("e1")), now=SUNDAY)
    said = assessment(concern(telling("e1"), telling("e2", urgency=Urgency.WORKING_HOURS)), basis=2)
    (alert,) = reconcile(situation(said, [alert], now=SUNDAY + HOUR))

    left = owed(settle(alert, 2, LONDON, MONDAY))

    assert [news.number for news in left] == [1]
    assert still_needed(alert, 1, LONDON, MONDAY)


def test_taking_twice_is_taking_once_and_what_is_closed_stays_closed() -> None:
    """The first to have it keeps it; a closed one is refused with what to do instead."""
    alert = opened(concern(telling("e1")))
    taken = acknowledge(alert, by="priya", now=MONDAY)
    closed = close(taken, by="priya", disposition=Disposition.NOT_APPLICABLE, note=None, now=MONDAY)

    assert acknowledge(taken, by="lee", now=MONDAY + HOUR) == taken
    for again in (
        lambda: acknowledge(closed, by="lee", now=MONDAY),
        lambda: close(closed, by="lee", disposition=Disposition.CONTACTED, note=None, now=MONDAY),
    ):
        with pytest.raises(Problem) as refused:
            again()
        assert refused.value.status == 409
