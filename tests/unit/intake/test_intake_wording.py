"""Where a clinic's messages go and how it words them: what could not be sent is refused."""

import pytest
from pydantic import ValidationError

from services.intake.api.clinic import ClinicBody
from services.intake.api.clinicians import ClinicianBody
from shared.contracts.clinics import Webhook
from shared.contracts.escalation import Step
from shared.errors import Problem
from tests.unit.intake.made_clinic import pointers, set_up, settings


def test_two_webhooks_with_one_name_are_refused() -> None:
    """Their secrets are made from their names."""
    hook = {"name": "records", "url": "https://hooks.harbour.example/rapport"}
    with pytest.raises(Problem) as refused:
        set_up(webhooks=[hook, hook | {"url": "https://elsewhere.example/"}])

    assert pointers(refused) == ["/webhooks/1/name"]


@pytest.mark.parametrize(
    "url", ["ftp://x.example", "https://user:word@x.example/", "https://x.example/#part", "x.example"]
)
def test_a_webhook_needs_a_url_that_can_be_posted_to(url: str) -> None:
    """HTTP, with a host, and without a user name: that would be a secret everybody could read."""
    with pytest.raises(ValidationError):
        Webhook(name="records", url=url)


def test_webhooks_are_the_clinic_s_and_no_person_s_channel() -> None:
    """A step and a clinician name e-mail or SMS; the refusal says so."""
    with pytest.raises(ValidationError, match="send email or sms"):
        Step.model_validate({"who": "clinician", "after_minutes": 0, "channels": ["webhook"]})


def test_a_clinic_may_word_messages_to_patients_itself() -> None:
    """In any language, text by text; what it does not word stays ours."""
    own = {"de": {"check_in_sms": "{sender}: Zeit für Ihren Eintrag: {where}"}}

    assert set_up(wording=own).settings[-1].wording == own


@pytest.mark.parametrize(
    "text",
    ["{name}, it is time: {where}", "It is time", "Время: {where}", "{where" + "x" * 60, "x" * 49 + "{where}"],
)
def test_words_that_could_not_be_sent_are_refused_with_where_they_stand(text: str) -> None:
    """Another placeholder, none, letters that make two messages of one, an open brace, too long."""
    with pytest.raises(Problem) as refused:
        set_up(wording={"en": {"button": "Open", "check_in_sms": text}})

    assert pointers(refused) == ["/wording/en/check_in_sms"]


def test_a_clinic_may_word_messages_to_clinicians_itself() -> None:
    """Beside those to patients, language by language."""
    own = {"de": {"alert_sms": "Hinweis {reference}, {priority}: {link}", "priority_urgent": "dringend"}}

    assert set_up(wording=own).settings[-1].wording == own


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("alert_sms", "{patient}: {reference} {priority} {link}"),
        ("alert_sms", "{priority}: {link}"),
        ("alert_sms", "{reference} {priority}"),
        ("alert_sms", "{reference} {link}"),
        ("alert_sms", "Внимание {reference} {priority} {link}"),
        ("alert_sms", "{reference} {priority} {link} " + "x" * 60),
        ("priority_urgent", ""),
        ("alert_closing", "Call {patient}"),
    ],
)
def test_words_for_clinicians_that_say_too_little_or_too_much_are_refused(name: str, text: str) -> None:
    """A patient's data has no placeholder; reference, link and priority are never left out; an SMS is one segment."""
    with pytest.raises(Problem) as refused:
        set_up(wording={"de": {name: text}})

    assert pointers(refused) == [f"/wording/de/{name}"]


def test_a_clinician_may_choose_a_language() -> None:
    """As a code; English where none is said."""
    plain = {"name": "Priya", "email": "priya@harbour.example", "channels": ["email"]}

    assert ClinicianBody.model_validate(plain).language == "en"
    assert ClinicianBody.model_validate(plain | {"language": "de-AT"}).language == "de-AT"
    with pytest.raises(ValidationError):
        ClinicianBody.model_validate(plain | {"language": "German"})


def test_what_is_urgent_has_another_word_than_what_can_wait() -> None:
    """Else the word would say nothing."""
    with pytest.raises(Problem) as refused:
        set_up(wording={"de": {"priority_urgent": "Bitte", "priority_working_hours": "bitte "}})

    assert pointers(refused) == ["/wording/de/priority_urgent"]


@pytest.mark.parametrize("wording", [{"english": {"button": "Open"}}, {"en": {"nonsense": "Open"}}])
def test_a_language_or_text_there_is_not_is_refused_at_the_door(wording: dict[str, dict[str, str]]) -> None:
    """A slip in a name would be silence: the clinic's words would never be used."""
    with pytest.raises(ValidationError):
        ClinicBody.model_validate(settings().model_dump(exclude={"effective_from"}) | {"name": "H", "wording": wording})
