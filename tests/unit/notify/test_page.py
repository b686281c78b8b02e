"""The page behind a message's link, in each of its states."""

from datetime import timedelta
from typing import Any

import pytest

from services.notify.api.page import Pages
from services.notify.domain import acknowledge, close, reconcile
from services.notify.handlers import Shown
from shared.contracts import Alert, Clinic
from shared.contracts.alerts import Acknowledgement, Disposition, Via
from shared.contracts.clinics import ClinicSettings, Contact, RuleSet
from tests.unit.notify.made import HOUR, MONDAY, assessment, concern, situation, telling

BUTTON = '<button type="submit">I am dealing with this</button>'


def clinic(name: str = "Harbour Clinic") -> Clinic:
    """The clinic the page speaks for."""
    settings = ClinicSettings(
        effective_from=MONDAY - timedelta(days=1),
        zone="Europe/London",
        working_hours={"mon": ("09:00", "17:00")},
        rule_set=RuleSet(base="starter"),
        fallback_contact=Contact(name="Duty", email="duty@harbour.example"),
    )
    return Clinic(clinic="harbour", version=1, name=name, settings=[settings])


@pytest.fixture
def alert() -> Alert:
    """One that is open."""
    (alert,) = reconcile(situation(assessment(concern(telling("e1"), reason="Sam Taylor answered 2."))))
    return alert


def page(
    alert: Alert, *, taken: bool = False, name: str = "Harbour Clinic", used: Acknowledgement | None = None
) -> str:
    """What a browser is sent."""
    state: Any = "taken" if taken else alert.status.value
    answer = Pages().shown(Shown(alert, clinic(name), state, used), MONDAY + HOUR)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    return bytes(answer.body).decode()


def test_an_open_alert_has_one_button_and_says_by_when(alert: Alert) -> None:
    """Clinic, reference, urgency and deadline; a form that needs no script."""
    text = page(alert)

    assert text.count("<button") == text.count(BUTTON) == 1
    assert '<form method="post">' in text
    for word in ("Harbour Clinic", alert.reference, "Urgent", "5pm today", "raised 10am today"):
        assert word in text
    assert "<script" not in text


@pytest.mark.parametrize("state", ["open", "taken", "acknowledged", "closed"])
def test_no_state_shows_anything_of_the_patient(alert: Alert, state: str) -> None:
    """Neither who it is nor why: whoever has the phone in their hand may read it."""
    if state != "open":
        alert = acknowledge(alert, by="priya", now=MONDAY)
    if state == "closed":
        alert = close(alert, by="priya", disposition=Disposition.CONTACTED, note="Rang Sam.", now=MONDAY)
    text = page(alert, taken=state == "taken").lower()

    for secret in ("sam", "taylor", "answered", "risk", "e1", "rang"):
        assert secret not in text, secret


def test_who_takes_it_reads_what_is_next_and_the_second_that_somebody_has_it(alert: Alert) -> None:
    """Both see since when; neither sees the button again."""
    taken = acknowledge(alert, by="priya", now=MONDAY + HOUR)

    assert "You have this since 11am today" in page(taken, taken=True)
    assert "Already acknowledged by priya, 11am today" in page(taken)
    assert BUTTON not in page(taken) + page(taken, taken=True)


def test_a_clinic_s_name_cannot_become_a_tag(alert: Alert) -> None:
    """Everything is escaped."""
    assert "<b>" not in page(alert, name="<b>Harbour</b>")


def test_a_link_that_was_used_says_who_has_it_and_offers_no_button_though_news_came(alert: Alert) -> None:
    """Single use: it was for what its holder had been told."""
    text = page(alert, used=Acknowledgement(at=MONDAY, by="priya", via=Via.LINK, link="f"))

    assert "This link was used already: priya acknowledged the alert 10am today." in text
    assert "the newest message" in text
    assert BUTTON not in text


def test_an_expired_link_says_what_to_do_and_shows_no_more_than_the_reference(alert: Alert) -> None:
    """Whoever finds an old message learns nothing, and whoever needs the alert learns where it is."""
    answer = Pages().shown(Shown(alert, clinic(), "expired"), MONDAY + HOUR)
    text = bytes(answer.body).decode()

    assert answer.status_code == 410
    assert "Nothing was acknowledged" in text
    assert "look the alert up by its reference" in text
    assert "Urgent" not in text
    assert BUTTON not in text


@pytest.mark.parametrize(("state", "status", "word"), [("missing", 404, "not whole"), ("unavailable", 503, "not ack")])
def test_what_cannot_be_shown_says_what_to_do(state: str, status: int, word: str) -> None:
    """A person reads it, so it is a page too, and never says that something was recorded which was not."""
    answer = Pages().page(state, status)

    assert answer.status_code == status
    assert word in bytes(answer.body).decode()
    assert BUTTON not in bytes(answer.body).decode()
