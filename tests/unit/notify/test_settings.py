"""What notify is told from outside: what is left out or empty is not set up, and what cannot work is refused."""

import pytest
from pydantic import ValidationError

from services.notify.settings import Settings


def test_variables_that_are_empty_are_as_if_they_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """compose passes on an empty word for everything that nobody set."""
    for name in (
        "APPRISE_KEYS",
        "APPRISE_URL",
        "GOVUK_API_KEY",
        "EMAIL_RECEIPTS_SECRET",
        "SMTP2_HOST",
        "WEBHOOKS_PORTS",
    ):
        monkeypatch.setenv(f"NOTIFY_{name}", "")

    assert Settings() == Settings.model_validate({})
    assert Settings().apprise_keys == {}


def test_apprise_keys_are_read_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """By clinic; what Apprise would not take as a key is refused."""
    monkeypatch.setenv("NOTIFY_APPRISE_KEYS", '{"harbour": "harbour-chat"}')
    assert Settings().apprise_keys == {"harbour": "harbour-chat"}

    monkeypatch.setenv("NOTIFY_APPRISE_KEYS", '{"harbour": "../another"}')
    with pytest.raises(ValidationError):
        Settings()


def test_webhooks_lead_to_443_unless_other_ports_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By commas; what is no port is refused."""
    assert Settings().webhooks_ports == {443}
    monkeypatch.setenv("NOTIFY_WEBHOOKS_PORTS", "443, 8443")
    assert Settings().webhooks_ports == {443, 8443}

    monkeypatch.setenv("NOTIFY_WEBHOOKS_PORTS", "443,https")
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize("secret", ["a-word", "whsec_short", "whsec_" + "!" * 40])
def test_a_secret_that_nobody_could_sign_with_is_refused(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is whsec_ and base64 of at least 24 bytes; the refusal does not repeat it."""
    monkeypatch.setenv("NOTIFY_EMAIL_RECEIPTS_SECRET", secret)

    with pytest.raises(ValidationError) as refusal:
        Settings()
    assert secret not in str(refusal.value)
