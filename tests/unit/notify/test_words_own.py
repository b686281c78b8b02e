"""A clinic's own words for clinicians, every text of them: rendered in two languages, never less than ours must say."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.channels import sms_text
from services.notify.channels.words import subject
from services.notify.domain import Detail, Notice
from services.notify.domain.alert_wording import filled, own_words
from shared.contracts.alert_wording import LONGEST, AlertWordingName, wrong_alert_words
from shared.contracts.base import Urgency
from shared.contracts.escalation import EscalationSettings
from shared.gsm7 import SMS_SEPTETS, septets
from tests.unit.notify.escalating import STAFF, Story, staff
from tests.unit.notify.made import MONDAY
from tests.unit.notify.test_words import body, composed, line, notice

OWN: Final = {
    "de": {
        "alert_sms": "{clinic}: Hinweis {reference}, {priority}, bis {deadline}: {link}",
        "alert_subject": "{clinic}: Hinweis {reference}, {priority}, bis {deadline}",
        "alert_opening": "{clinic}: ein Hinweis wartet ({priority})",
        "alert_closing": "Öffnen <allein> ändert nichts & bestätigt nichts.",
        "digest_sms": "{clinic}: {count} Hinweise, {reference} {priority}: {link}",
        "digest_subject": "{clinic}: {count} Hinweise, {priority}, bis {deadline}",
        "digest_opening": "{clinic}: {count} Hinweise",
        "priority_urgent": "dringend",
        "priority_working_hours": "zur Arbeitszeit",
    },
    "en": {
        "alert_sms": "{clinic}: look at {reference}, {priority}: {link}",
        "alert_subject": "Look at {reference}, {priority}",
        "alert_opening": "Somebody is needed at {clinic}",
        "alert_closing": "Press the button once you have it.",
        "digest_sms": "{count} to look at, {reference} is {priority}: {link}",
        "digest_subject": "{count} to look at, {priority}",
        "digest_opening": "{count} to look at",
        "priority_urgent": "now",
        "priority_working_hours": "today",
    },
}
LONG_LINK: Final = "https://" + "x" * (LONGEST["link"] - 8)


def worded(language: str = "de", *, digest: bool = False, urgency: Urgency = Urgency.AT_ONCE) -> Notice:
    """A message to somebody who reads this language, in a clinic that has words of its own."""
    plain = notice(line(urgency=urgency, deadline=MONDAY.replace(hour=17)), digest=digest)
    return replace(plain, language=language, own=OWN, gathered="They could wait." if digest else None)


def test_every_text_there_is_is_worded_here() -> None:
    """A text that is added is rendered too, in both languages; and each is one that the door takes."""
    for texts in OWN.values():
        assert set(texts) == {name.value for name in AlertWordingName}
        assert [wrong_alert_words(AlertWordingName(name), text) for name, text in texts.items()] == [None] * len(texts)


@pytest.mark.parametrize("urgency", Urgency)
@pytest.mark.parametrize("digest", [False, True])
@pytest.mark.parametrize("own", [{}, OWN])
@pytest.mark.parametrize("language", ["de", "en", "de-AT", "fr"])
def test_every_message_is_whole_in_every_language(
    language: str, own: dict[str, dict[str, str]], *, digest: bool, urgency: Urgency
) -> None:
    """With our words and with the clinic's: reference, link, priority and safety sentence; no placeholder is left."""
    wanted = replace(worded(language, digest=digest, urgency=urgency), own=own)
    texts = OWN["de" if language.startswith("de") else "en"]
    ours = {Urgency.AT_ONCE: "urgent"}.get(urgency, "in working hours")
    name = "priority_urgent" if urgency is Urgency.AT_ONCE else "priority_working_hours"
    priority = texts[name] if own else ours
    sms, message = sms_text(wanted), composed(wanted)

    assert (septets(sms) or 999) <= SMS_SEPTETS
    assert wanted.lines[0].reference in sms
    assert wanted.lines[0].link in sms
    assert "{" not in sms + message["Subject"]
    for kind in ("plain", "html"):
        whole = body(message, kind)
        assert f"Alert 7F3KQ2, {priority}" in whole
        assert wanted.lines[0].link in whole
        assert "not a diagnosis" in whole
    assert "{" not in body(message, "plain")
    if own:
        assert priority in sms
        assert priority in message["Subject"]


def test_german_words_read_as_the_clinic_wrote_them() -> None:
    """To the letter, in SMS, subject and e-mail; the deadline in the clinic's zone, in figures."""
    single, several = worded(), worded(digest=True)
    link = single.lines[0].link
    html = body(composed(single), "html")

    assert sms_text(single) == f"Harbour Clinic: Hinweis 7F3KQ2, dringend, bis 2026-11-23 17:00: {link}"
    assert sms_text(several) == f"Harbour Clinic: 1 Hinweise, 7F3KQ2 dringend: {link}"
    assert sms_text(replace(single, others=2)) == f"Harbour Clinic: 3 Hinweise, 7F3KQ2 dringend: {link}"
    assert subject(single) == "Harbour Clinic: Hinweis 7F3KQ2, dringend, bis 2026-11-23 17:00"
    assert subject(several) == "Harbour Clinic: 1 Hinweise, dringend, bis 2026-11-23 17:00"
    assert "<h1>Harbour Clinic: ein Hinweis wartet (dringend)</h1>" in html
    assert "Öffnen &lt;allein&gt; ändert nichts &amp; bestätigt nichts." in html
    assert "Harbour Clinic: 1 Hinweise" in body(composed(several), "plain")


def test_the_recipients_language_comes_first_then_the_clinics_english_then_ours() -> None:
    """Text by text."""
    own = {"de": {"alert_opening": "Hallo"}, "en": {"alert_opening": "Hello", "alert_closing": "Bye"}}

    assert own_words(AlertWordingName.ALERT_OPENING, "de-CH", own) == "Hallo"
    assert own_words(AlertWordingName.ALERT_CLOSING, "de-CH", own) == "Bye"
    assert own_words(AlertWordingName.ALERT_SMS, "de-CH", own) is None


def test_a_priority_stays_ours_where_the_clinic_has_no_word_for_it() -> None:
    """It is never left out."""
    texts = {name: text for name, text in OWN["de"].items() if not name.startswith("priority")}
    wanted = replace(worded(), own={"de": texts})

    assert "7F3KQ2, urgent, bis" in sms_text(wanted)
    assert "7F3KQ2, urgent, bis" in subject(wanted)


def test_words_the_door_would_refuse_are_passed_over_and_the_alert_goes_out() -> None:
    """Whatever stands in a document."""
    broken = {name.value: "{patient} {0" for name in AlertWordingName}
    wanted = replace(worded(), own={"de": broken})

    assert sms_text(wanted) == sms_text(notice(*wanted.lines))
    assert subject(wanted) == subject(replace(wanted, own={}))
    assert body(composed(wanted), "html") == body(composed(replace(wanted, own={})), "html")


def test_own_words_that_do_not_fit_after_all_give_way_to_ours() -> None:
    """A link that is longer than any should be leaves no half of a reference or link behind."""
    long = replace(line(), link=LONG_LINK + "x" * 40)
    own = {"en": {"alert_sms": "x" * 30 + " {reference} {priority} {link}"}}
    wanted = replace(notice(long), own=own)

    assert sms_text(wanted) == sms_text(notice(long))


def test_a_clinics_name_is_never_read_as_a_placeholder() -> None:
    """Braces in it stay what they are."""
    wanted = replace(worded(), clinic_name="The {link} {reference}")

    assert sms_text(wanted).startswith("The {link} {reference}: Hinweis 7F3KQ2")


@pytest.mark.parametrize("language", OWN)
def test_nothing_of_the_patient_gets_into_own_words(language: str) -> None:
    """With detail allowed, SMS and subject are the same as without it."""
    plain = worded(language)
    detail = Detail(patient="S.T. (sam)", reason="Item 9 was answered 2.", evidence=("PHQ-9 was 16",))
    detailed = replace(plain, lines=(replace(plain.lines[0], detail=detail),))

    assert sms_text(detailed) == sms_text(plain)
    assert subject(detailed) == subject(plain)


@pytest.mark.parametrize("field", ["patient", "name", "score", "reason", "text", "evidence", "because", "0", ""])
@pytest.mark.parametrize("name", AlertWordingName)
def test_no_placeholder_could_carry_anything_of_a_patient(name: AlertWordingName, field: str) -> None:
    """Whatever it is called, in every text."""
    wrong = wrong_alert_words(name, OWN["en"][name] + f" {{{field}}}")

    assert wrong is not None
    assert wrong.startswith("Use no other placeholders")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("alert_sms", "{reference}, {priority}"),
        ("alert_sms", "{priority}: {link}"),
        ("alert_sms", "{reference}: {link}"),
        ("alert_sms", "{reference} {priority} {link} {link}"),
        ("alert_sms", "{reference} {priority}:{link}"),
        ("alert_sms", "{reference} {priority} {link}."),
        ("alert_sms", "{reference.__class__} {priority} {link}"),
        ("alert_sms", "{reference!r} {priority} {link}"),
        ("alert_sms", "{reference:>9} {priority} {link}"),
        ("alert_sms", "{reference} {priority} {link"),
        ("alert_sms", "{reference} {priority} {count} {link}"),
        ("alert_sms", "Внимание {reference} {priority} {link}"),
        ("alert_sms", "two\nlines {reference} {priority} {link}"),
        ("alert_sms", "{reference} {priority} {link} " + "x" * 60),
        ("digest_sms", "{reference} {priority} {link}"),
        ("alert_subject", "{reference}"),
        ("alert_subject", "{reference} {priority}\r\nBcc: all@example.org"),
        ("digest_subject", "{count} alerts"),
        ("digest_opening", "Some alerts"),
        ("alert_closing", " "),
        ("alert_closing", "x" * 501),
        ("alert_opening", "x" * 79),
        ("priority_urgent", "  "),
        ("priority_urgent", "-"),
        ("priority_urgent", "{priority}"),
        ("priority_urgent", "x" * 21),
        ("priority_working_hours", "позже"),
    ],
)
def test_words_that_could_not_be_sent_or_say_too_little_are_refused(name: str, text: str) -> None:
    """No reference, link or priority; another placeholder; a second segment; a second line; too long."""
    assert wrong_alert_words(AlertWordingName(name), text)


async def test_each_recipient_is_told_in_their_own_language() -> None:
    """A German clinician in the clinic's German; her deputy, who chose none, in its English; no deploy, no restart."""
    people = (staff("priya", language="de", deputy="dee"), *STAFF[1:])
    steps = [{"who": "clinician", "after_minutes": 0}, {"who": "deputy", "after_minutes": 15}]
    story = Story(
        people=people, wording=OWN, escalation=EscalationSettings.model_validate({"at_once": {"steps": steps}})
    )
    await story.hears("item 9")
    await story.minutes(15)

    told = {one.to.partition("@")[0]: subject(one.notice) for one in story.world.sent if "@" in one.to}
    reference = story.alert.reference
    assert set(told) == {"priya", "dee"}
    assert f": Hinweis {reference}, dringend, bis " in told["priya"]
    assert told["dee"] == f"Look at {reference}, now"


@settings(deadline=None, max_examples=200)
@given(
    text=st.text(alphabet="ab €~{}:", max_size=50),
    optional=st.sampled_from(["", "{clinic}", "{deadline}", "{clinic} {deadline}"]),
    clinic=st.text(max_size=120),
    word=st.text(alphabet="abc€", min_size=1, max_size=20),
)
def test_whatever_passes_the_check_is_sent_in_one_segment(text: str, optional: str, clinic: str, word: str) -> None:
    """With the longest link, any priority word that passes and any clinic's name: the clinic's words, in one SMS."""
    whole = f"{optional} {text} {{reference}} {{priority}} {{link}}"
    names = AlertWordingName.ALERT_SMS, AlertWordingName.PRIORITY_URGENT
    if wrong_alert_words(names[0], whole) is not None or wrong_alert_words(names[1], word) is not None:
        return
    one = replace(line(deadline=MONDAY + timedelta(days=40)), link=LONG_LINK)
    said = sms_text(replace(notice(one, clinic=clinic), own={"en": {names[0]: whole, names[1]: word}}))

    assert (septets(said) or 999) <= SMS_SEPTETS
    assert said.endswith(f"7F3KQ2 {filled(word, {})} {LONG_LINK}")
