"""The words of messages to patients, every one of them: short, neutral where that is wished, nothing of the patient."""

import asyncio
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.notify.channels import EmailChannel, SmtpServer, no_chart, sms_text
from services.notify.domain.notices import Notice
from services.notify.domain.patient_links import LENGTH, parse_patient_link, patient_link_is, patient_link_token
from services.notify.domain.wording import PACKS, Words, words_of
from services.notify.settings import LONGEST_PATIENT_URL, Settings
from shared.contracts.letters import LetterKind
from shared.contracts.wording import MOST_IN_SMS, WordingName, wrong_words
from shared.gsm7 import SMS_SEPTETS, septets
from tests.unit.notify.made import MONDAY

LONGEST_LINK = "https://" + "x" * (LONGEST_PATIENT_URL + LENGTH - 8)
TELLING = ("check", "question", "answer", "care", "clinic", "therap", "mood", "health", "PHQ", "GAD")
KEY = "what-patients-links-are-sealed-with"


def words(kind: LetterKind = LetterKind.CHECK_IN, **changes: Any) -> Words:
    """Words of a letter, as most patients get them."""
    usual: dict[str, Any] = {
        "neutral": False,
        "language": "en",
        "sender": "Harbour",
        "named": False,
        "link": "https://app.example/c/T",
        "stop": False,
        "own": {},
    }
    return words_of(kind, **usual | changes)


def composed(said: Words) -> EmailMessage:
    """The e-mail as it goes over the wire and is read again."""
    notice = Notice(
        token="b7d9a5de-3c5e-5a0d-9b7e-0a4b3c2d1e0f",
        address="sam@patients.example",
        name="",
        clinic_name="Harbour Clinic",
        zone=ZoneInfo("Europe/London"),
        written_at=MONDAY,
        digest=False,
        lines=(),
        letter=said,
    )
    assert sms_text(notice) == said.sms
    server = SmtpServer("127.0.0.1", 1)
    channel = EmailChannel(
        server=server, sender="alerts@rapport.example", draw=no_chart, patient_sender="post@post.example"
    )
    read = message_from_bytes(asyncio.run(channel.compose(notice)).as_bytes(), policy=default_policy)
    assert isinstance(read, EmailMessage)
    return read


def everything(message: EmailMessage) -> str:
    """All that stands in it, headers included."""
    parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
    return "\n".join([*(f"{name}: {value}" for name, value in message.items()), *parts])


@pytest.mark.parametrize("language", PACKS)
def test_every_language_has_every_text_and_each_is_one_a_clinic_could_send(language: str) -> None:
    """Ours keep to the rules that clinics' own have to."""
    pack = PACKS[language]

    assert set(pack) == set(WordingName)
    assert {name: wrong_words(name, text) for name, text in pack.items() if wrong_words(name, text)} == {}


@pytest.mark.parametrize("stop", [True, False])
@pytest.mark.parametrize("link", [LONGEST_LINK, None])
@pytest.mark.parametrize("sender", ["", "Harbour", "The Harbour Clinic of Saint Mary {} ~ Überlingen " * 4])
@pytest.mark.parametrize("neutral", [True, False])
@pytest.mark.parametrize("kind", LetterKind)
@pytest.mark.parametrize("language", [*PACKS, "xx-YY"])
def test_every_text_fits_one_sms_and_makes_an_e_mail(
    language: str, kind: LetterKind, *, neutral: bool, sender: str, link: str | None, stop: bool
) -> None:
    """However long link and sender are: one segment, nothing left to be filled, a text and an HTML part."""
    said = words(kind, language=language, neutral=neutral, sender=sender, link=link, stop=stop)
    message = composed(said)
    whole = everything(message)

    assert (septets(said.sms) or 999) <= SMS_SEPTETS
    assert (link or "please open the app") in said.sms
    assert said.sms.endswith("Reply STOP to end") is stop
    assert "{" not in said.sms + said.subject + said.text
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "prefers-color-scheme: dark" in whole
    assert ('class="button"' in whole) is (link is not None)
    assert (message["From"].addresses[0].addr_spec, message["To"]) == ("post@post.example", "sam@patients.example")


@pytest.mark.parametrize("kind", LetterKind)
def test_neutral_words_say_nothing_of_care(kind: LetterKind) -> None:
    """Whoever looks over the shoulder learns nothing, from no header either."""
    said = words(kind, neutral=True, sender="", link="https://app.example/c/T")
    whole = everything(composed(said)) + said.sms

    assert said.sms == "You have a message waiting: https://app.example/c/T"
    assert [word for word in TELLING if word.lower() in whole.lower()] == []


def test_without_a_link_it_says_where_to_go() -> None:
    """A patient app that has no links is opened by hand."""
    said = words(LetterKind.ANSWER, link=None)

    assert said.sms == "Harbour: your question has an answer: please open the app you use with us"


def test_a_clinics_own_words_come_before_ours_in_the_patients_language_first() -> None:
    """German where the clinic gave it, its own English before ours, and ours where it gave none."""
    own = {"de": {"check_in_sms": "{sender}: Zeit für Ihren Eintrag: {where}"}, "en": {"answer_sms": "Look: {where}"}}

    german = words(language="de-AT", own=own)
    answer = words(LetterKind.ANSWER, language="de-AT", own=own)
    other = words(LetterKind.QUESTIONNAIRE, language="de-AT", own=own)

    assert german.sms == "Harbour: Zeit für Ihren Eintrag: https://app.example/c/T"
    assert answer.sms == "Look: https://app.example/c/T"
    assert other.sms.startswith("Harbour: your questionnaire is ready")


def test_html_shows_a_clinics_own_words_as_they_are() -> None:
    """What looks like markup is text."""
    message = composed(words(own={"en": {"check_in_text": "<b>Now</b> & then: {where}"}}))
    html = message.get_body(("html",))

    assert html is not None
    assert "&lt;b&gt;Now&lt;/b&gt; &amp; then" in html.get_content()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("check_in_sms", "Hello {name}: {where}"),
        ("check_in_sms", "{where.__class__}"),
        ("check_in_sms", "{where!r}"),
        ("check_in_sms", "{where:>20}"),
        ("check_in_sms", "{0} {where}"),
        ("check_in_sms", "{where"),
        ("check_in_sms", "Your check-in"),
        ("check_in_sms", "{where} {where}"),
        ("check_in_sms", "Ваш опрос: {where}"),
        ("check_in_sms", "x" * (MOST_IN_SMS + 1) + "{where}"),
        ("check_in_sms", "two\nlines {where}"),
        ("check_in_subject", "Go to {where}"),
        ("check_in_subject", "two\nlines"),
        ("stop", "Reply STOP to {sender}"),
        ("stop", "Reply STOP whenever you wish"),
        ("button", " "),
        ("neutral_text", "x" * 2001 + "{where}"),
    ],
)
def test_words_that_could_not_be_sent_are_refused(name: str, text: str) -> None:
    """No other placeholders, no second segment, no line break in a header."""
    assert wrong_words(WordingName(name), text)


@settings(deadline=None, max_examples=200)
@given(
    text=st.text(alphabet="ab €~{}:", max_size=60).map(lambda text: text + "{where}"),
    sender=st.text(max_size=40),
    stop=st.booleans(),
)
def test_whatever_passes_the_check_fits_one_segment(text: str, sender: str, *, stop: bool) -> None:
    """With the longest link, the words for STOP and any sender's name."""
    if wrong_words(WordingName.ANSWER_SMS, text) is not None:
        return
    said = words(LetterKind.ANSWER, sender=sender, link=LONGEST_LINK, stop=stop, own={"en": {"answer_sms": text}})

    assert (septets(said.sms) or 999) <= SMS_SEPTETS


# --- links ------------------------------------------------------------------------------------------------------------

UNTIL = MONDAY + timedelta(hours=12)


def token(**changes: Any) -> str:
    """Sam's link."""
    usual: dict[str, Any] = {
        "clinic": "harbour",
        "patient": "sam",
        "about": "daily/1",
        "letter": "fact-1",
        "until": UNTIL,
    }
    return patient_link_token(KEY, **usual | changes)


def good(typed: str, *, now: datetime = MONDAY, key: str = KEY, about: str = "daily/1", patient: str = "sam") -> bool:
    """Whether a patient app would take it."""
    return patient_link_is(key, typed, clinic="harbour", patient=patient, about=about, now=now)


def test_a_link_is_good_for_its_patient_and_occasion_until_it_expires() -> None:
    """Not for another one's, not with another key, not a minute longer; typed by hand it is the same."""
    mine = token()

    assert good(mine)
    assert good(f" {mine.lower()} ")
    assert not good(mine, patient="kim")
    assert not good(mine, about="daily/2")
    assert not good(mine, key="another-key-of-sixteen")
    assert good(mine, now=UNTIL - timedelta(seconds=1))
    assert not good(mine, now=UNTIL)


@given(place=st.integers(0, LENGTH - 1), to=st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_link_with_one_other_letter_is_not_good(place: int, to: str) -> None:
    """Nobody can prolong it. The reference alone only helps to find it: it is not sealed, and proves nothing."""
    mine = token()
    forged = mine[:place] + to + mine[place + 1 :]
    in_reference = 6 <= place < 14

    assert good(forged) is (forged == mine or in_reference)


def test_no_id_stands_in_a_link() -> None:
    """Thirty letters of no meaning; the end of it to the minute."""
    mine = token(until=UNTIL + timedelta(seconds=1))
    parsed = parse_patient_link(mine)

    assert len(mine) == LENGTH
    assert "SAM" not in mine
    assert parsed is not None
    assert parsed[0] == UNTIL + timedelta(minutes=1)


@pytest.mark.parametrize("typed", ["", "x", "a" * 29, "a" * 31, "!" * 30, "ü" * 30])
def test_what_is_no_link_is_none(typed: str) -> None:
    """Whatever is typed."""
    assert parse_patient_link(typed) is None
    assert not good(typed)


@pytest.mark.parametrize("url", ["https://app.example/c/", "ftp://app/{token}", "https://" + "x" * 60 + "/{token}"])
def test_a_patient_url_that_cannot_work_is_refused_at_the_start(url: str) -> None:
    """No place for the token, no web address, or no room left in an SMS."""
    with pytest.raises(ValidationError):
        Settings(patient_url=url)


@pytest.mark.parametrize("secret", ["", "short", "the-same-as-the-other-one"])
def test_links_need_a_secret_of_their_own(secret: str) -> None:
    """The patient app has it too: it must not open alerts."""
    chosen = Settings(
        patient_url="https://app.example/c/{token}",
        patient_link_secret=secret,
        link_secret="the-same-as-the-other-one",
    )

    with pytest.raises(RuntimeError, match="NOTIFY_PATIENT_LINK_SECRET"):
        chosen.patient_link_key()
