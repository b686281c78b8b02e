"""Words that stop and start, numbers as they come in, and codes that only whoever reads the message has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain import Said, normal_number, said, signature, webhook_secret
from services.notify.domain.contacts import code_matches, hashed, verification_code
from shared.contracts.base import ChannelName


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("STOP", Said.STOP),
        (" stop.\n", Said.STOP),
        ("StopAll", Said.STOP),
        ('"quit"', Said.STOP),
        ("Start", Said.START),
        ("UNSTOP!", Said.START),
        ("yes", Said.OTHER),
        ("please stop", Said.OTHER),
        ("STOPPED", Said.OTHER),
        ("", Said.OTHER),
    ],
)
def test_only_the_word_alone_stops_or_starts(text: str, word: Said) -> None:
    """A sentence is for a person to read."""
    assert said(text) is word


@pytest.mark.parametrize(
    ("given_as", "expected"),
    [
        ("+447700900001", "+447700900001"),
        ("447700900001", "+447700900001"),
        ("00447700900001", "+447700900001"),
        ("+44 (7700) 900-001", "+447700900001"),
        ("GOVUK", None),
        ("60006", None),
        ("", None),
    ],
)
def test_numbers_are_read_as_providers_write_them(given_as: str, expected: str | None) -> None:
    """A sender's name and a short code are no number that we send to."""
    assert normal_number(given_as) == expected


@given(st.text(max_size=12))
def test_a_code_is_right_however_it_is_typed_and_nothing_else_is(typed: str) -> None:
    """Small letters, spaces and the letters that look like digits."""
    code = verification_code("key", "harbour", "contact")

    assert code_matches(f" {code[:4].lower()}-{code[4:].lower()} ", code)
    assert not code_matches(typed, code)
    assert verification_code("key", "riverside", "contact") != code


def test_an_address_is_known_by_a_hash_that_only_we_can_make() -> None:
    """The same in any case of its letters; another with another key, or another channel."""
    name = hashed("key", ChannelName.EMAIL, "Priya@Harbour.example")

    assert name == hashed("key", ChannelName.EMAIL, "priya@harbour.example")
    assert len({name, hashed("other", ChannelName.EMAIL, "priya@harbour.example")}) == 2
    assert name != hashed("key", ChannelName.SMS, "priya@harbour.example")
    assert "priya" not in name


def test_signatures_are_those_of_the_standard_webhooks_specification() -> None:
    """The specification's own example: its secret, id, time-stamp and body give its signature."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'

    assert (
        signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )
    assert webhook_secret("key", "harbour", "records", 1) != webhook_secret("key", "harbour", "records", 2)
    with pytest.raises(ValueError, match="whsec_"):
        signature("secret", "m", 1, body)
