"""What messages say, for any clinic, patient and time: short, plain, nothing of the patient where that is not meant."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, PackageLoader

from services.notify.api.page import Pages
from services.notify.channels import EmailChannel, SmtpServer, no_chart, sms_text
from services.notify.channels.words import by_when, subject
from services.notify.domain import Detail, Line, Notice, Verification, detail_allowed, link_of, parse_link, reference_of
from shared.contracts.assessments import Chart
from shared.contracts.base import Urgency
from shared.gsm7 import gsm, septets
from tests.unit.notify.made import MONDAY

PICTURE = b"\x89PNG not really"
CHART = Chart(measure="phq9", minimum=0, maximum=27, points=[(date(2026, 11, 2), 4), (date(2026, 11, 9), 16)])
SECRET = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=4, max_size=30)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(["Europe/London", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "UTC"])
RELAXED = settings(deadline=None)
VERIFYING = {"verify.txt.j2", "verify.html.j2", "verify-page.html.j2"}
LETTERS = {"letter.txt.j2", "letter.html.j2"}
LONGEST_URL = "https://" + "alerts-of-the-clinic" * 2 + ".example.org"


def line(*, urgency: Urgency = Urgency.AT_ONCE, deadline: datetime = MONDAY, detail: Detail | None = None) -> Line:
    """One alert in a message."""
    link = f"{LONGEST_URL[:50]}/a/{link_of('secret', 'harbour/sam/a', '7F3KQ2', to='priya', number=1, until=MONDAY)}"
    return Line("7F3KQ2", link, urgency, MONDAY, deadline, detail)


def notice(*lines: Line, clinic: str = "Harbour Clinic", zone: str = "Europe/London", digest: bool = False) -> Notice:
    """A message."""
    return Notice(
        token="b7d9a5de-3c5e-5a0d-9b7e-0a4b3c2d1e0f",
        address="priya@harbour.example",
        name="Priya",
        clinic_name=clinic,
        zone=ZoneInfo(zone),
        written_at=MONDAY,
        digest=digest,
        lines=lines or (line(),),
    )


def composed(wanted: Notice, picture: bytes | None = None) -> EmailMessage:
    """The e-mail as it goes over the wire and is read again."""

    async def draw(_: Chart) -> bytes | None:
        return picture

    channel = EmailChannel(server=SmtpServer("127.0.0.1", 1), sender="alerts@rapport.example", draw=draw)
    read = message_from_bytes(asyncio.run(channel.compose(wanted)).as_bytes(), policy=default_policy)
    assert isinstance(read, EmailMessage)
    return read


def body(message: EmailMessage, kind: str) -> str:
    """The text or HTML part."""
    part = message.get_body((kind,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


def test_an_sms_reads_as_it_should() -> None:
    """Clinic, reference, urgency, deadline and link, in one line."""
    wanted = notice(line(deadline=MONDAY.replace(hour=17)))

    assert sms_text(wanted).startswith("Harbour Clinic: alert 7F3KQ2 needs you, urgent, by 5pm today. https://")
    short = replace(wanted.lines[0], link="https://rapport.example/a/7F3KQ2-0000")
    assert sms_text(notice(short)) == (
        "Harbour Clinic: alert 7F3KQ2 needs you, urgent, by 5pm today. Reply A if you have it, or open "
        "https://rapport.example/a/7F3KQ2-0000"
    )


@RELAXED
@given(
    clinic=st.text(max_size=120),
    zone=ZONES,
    deadline=INSTANTS,
    urgency=st.sampled_from(Urgency),
    count=st.integers(1, 99),
)
def test_any_sms_is_one_segment_of_gsm_7_bit(
    clinic: str, zone: str, deadline: datetime, urgency: Urgency, count: int
) -> None:
    """Whatever a clinic is called and wherever it is: at most 160 septets, with reference and link whole."""
    for digest in (False, True):
        lines = [line(urgency=urgency, deadline=deadline)] * (count if digest else 1)
        text = sms_text(notice(*lines, clinic=clinic, zone=zone, digest=digest))

        assert (septets(text) or 999) <= 160
        assert "7F3KQ2" in text
        assert text.endswith(lines[0].link)


@RELAXED
@given(name=SECRET, reason=SECRET, said=SECRET)
def test_nothing_of_the_patient_is_in_a_message_unless_it_is_meant(name: str, reason: str, said: str) -> None:
    """An SMS and a subject never say who or why; an e-mail only in the part that is for listed domains."""
    detail = Detail(patient=f"patient-{name}", reason=f"reason-{reason}", evidence=(f"said-{said}",), chart=CHART)
    detailed = notice(line(detail=detail))

    for text in (sms_text(detailed), subject(detailed)):
        assert "patient-" not in text
        assert "reason-" not in text
        assert "said-" not in text
    assert sms_text(detailed) == sms_text(notice())
    assert subject(detailed) == subject(notice())


@RELAXED
@given(reason=SECRET, clinic=st.text(min_size=1, max_size=60))
def test_html_shows_what_was_said_and_runs_none_of_it(reason: str, clinic: str) -> None:
    """Everything is escaped: a reason or a clinic's name cannot become a tag."""
    hostile = f"<script>{reason}</script><img src=x onerror=alert(1)>"
    message = composed(notice(line(detail=Detail(patient="S.T.", reason=hostile, evidence=()))), None)
    html = body(message, "html")

    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


@RELAXED
@given(clinic=st.text(max_size=120), name=st.text(max_size=60))
def test_headers_are_one_line_each_whatever_is_in_a_name(clinic: str, name: str) -> None:
    """A line break in a clinic's name adds no header."""
    hostile = "\r\nBcc: everybody@example.org"
    message = composed(replace(notice(clinic=clinic + hostile), name=name + hostile))

    assert message["Bcc"] is None
    assert message["Message-ID"] == "<b7d9a5de-3c5e-5a0d-9b7e-0a4b3c2d1e0f@rapport.example>"
    assert "7F3KQ2" in message["Subject"]


@pytest.mark.parametrize("digest", [False, True])
@pytest.mark.parametrize("detailed", [False, True])
@pytest.mark.parametrize("picture", [None, PICTURE])
def test_every_email_has_text_and_html_that_say_the_same(
    *, digest: bool, detailed: bool, picture: bytes | None
) -> None:
    """Reference, deadline with its zone, and link are in both; a chart only in a detailed message about one alert."""
    detail = Detail(patient="S.T. (sam)", reason="It went from 4 to 16.", evidence=("PHQ-9 was 16",), chart=CHART)
    wanted = notice(line(detail=detail if detailed else None), digest=digest)
    message = composed(wanted, picture)
    pictures = [part for part in message.walk() if part.get_content_maintype() == "image"]

    assert message.get_content_type() == "multipart/alternative"
    for text in (body(message, "plain"), body(message, "html")):
        assert "7F3KQ2" in text
        assert "10am on Monday 23 November 2026 (Europe/London)" in text
        assert wanted.lines[0].link in text
        assert ("It went from 4 to 16." in text) is detailed
        assert ("S.T. (sam)" in text) is detailed
    assert bool(pictures) is (detailed and not digest and picture is not None)
    for part in pictures:
        assert part.get_content() == PICTURE
        assert f"cid:{part['Content-ID'].strip('<>')}" in body(message, "html")
        assert 'alt="The 2 latest values: 4, 16"' in body(message, "html")


def test_a_risk_message_never_asks_for_a_chart() -> None:
    """There is none in its detail, so nothing is drawn and nothing waits."""

    async def never(_: Chart) -> bytes | None:
        raise AssertionError("a chart was asked for")

    channel = EmailChannel(server=SmtpServer("127.0.0.1", 1), sender="alerts@rapport.example", draw=never)
    detail = Detail(patient="S.T.", reason="Item 9 was answered 2.", evidence=())

    assert asyncio.run(channel.compose(notice(line(detail=detail))))


def test_without_a_drawing_process_there_is_no_chart() -> None:
    """A deployment may do without pictures."""
    assert asyncio.run(no_chart(CHART)) is None


@pytest.mark.parametrize(
    ("deadline", "words"),
    [
        (MONDAY + timedelta(hours=7), "by 5pm today"),
        (MONDAY + timedelta(hours=7, minutes=30), "by 5:30pm today"),
        (MONDAY + timedelta(days=1, hours=-1), "by 9am on Tue 24 Nov"),
        (MONDAY - timedelta(hours=1), "was due at 9am today"),
    ],
)
def test_deadlines_are_said_as_people_say_them(deadline: datetime, words: str) -> None:
    """In the clinic's zone, today where it is today, and overdue where it is past."""
    assert by_when(deadline, MONDAY, ZoneInfo("Europe/London")) == words


def test_typographic_marks_become_plain() -> None:
    """What a phone's keyboard puts into a name would make the text two segments."""
    assert gsm("St Mary’s – “Harbour” Śląsk 診療所") == 'St Mary\'s - "Harbour" Slask'


@RELAXED
@given(st.uuids().map(str))
def test_a_link_is_its_reference_and_a_token_nobody_can_guess(alert: str) -> None:
    """It is read back however it is typed, and another secret makes another token."""
    reference = reference_of(alert)
    key, until = f"harbour/sam/{alert}", MONDAY + timedelta(days=7)
    link = link_of("secret", key, reference, to="priya", number=1, until=until)
    parsed = parse_link(link.lower())

    assert parsed is not None
    assert (parsed.reference, parsed.until) == (reference, until)
    assert parsed.is_for("secret", key, "priya", 1)
    assert not parsed.is_for("secret", key, "lee", 1)
    assert not parsed.is_for("other secret", key, "priya", 1)
    assert not replace(parsed, until=until + timedelta(hours=1)).is_for("secret", key, "priya", 1)
    assert not parsed.is_for("secret", key, "priya", 2)
    assert parse_link(reference) is None


def test_a_domain_is_listed_as_a_whole() -> None:
    """Neither a longer nor a shorter one passes for it."""
    assert detail_allowed("priya@NHS.example", ["nhs.example"])
    assert not detail_allowed("priya@evil-nhs.example", ["nhs.example"])
    assert not detail_allowed("priya@nhs.example.org", ["nhs.example"])
    assert not detail_allowed("priya@mail.nhs.example", ["nhs.example"])


def test_no_template_is_left_unrendered() -> None:
    """Every template file is one of those rendered in these tests, so none can rot."""
    found = Environment(loader=PackageLoader("services.notify", "templates"), autoescape=True).list_templates()

    assert set(found) == {"email.txt.j2", "email.html.j2", "page.html.j2", *VERIFYING, *LETTERS}


def test_a_verification_message_asks_to_confirm_and_says_nothing_of_anybody() -> None:
    """As e-mail in both parts, and as an SMS of one segment however long the clinic's name and address are."""
    link = f"{LONGEST_URL[:60]}/a/verify/{'a' * 32}-0123ABCD"
    wanted = replace(notice(clinic="The Harbour Clinic of Saint Mary " * 4), lines=(), verification=Verification(link))

    text = sms_text(wanted)
    message = composed(wanted)

    assert (septets(text) or 999) <= 160
    assert text.endswith(f": confirm this number for alerts: {link}")
    assert "confirm that alerts reach you here" in message["Subject"]
    assert all(link in body(message, kind) for kind in ("plain", "html"))


@pytest.mark.parametrize("state", ["asked", "verified", "missing", "unavailable"])
def test_the_page_that_confirms_an_address_reads_well_in_every_state(state: str) -> None:
    """One button where there is something to confirm, none where there is not, and dark colours for a dark screen."""
    answer = Pages().page(state, 200, template="verify-page.html.j2", clinic="Harbour <Clinic>", what="number")
    text = bytes(answer.body).decode()

    assert ("<button" in text) == (state == "asked")
    assert "prefers-color-scheme: dark" in text
    assert "Harbour <Clinic>" not in text


@pytest.mark.parametrize(
    "wanted", [notice(), replace(notice(), lines=(), verification=Verification("https://x.example"))]
)
def test_an_email_is_readable_on_a_dark_screen(wanted: Notice) -> None:
    """It names both colour schemes, gives dark colours to everything that has light ones, and white to charts."""
    html = body(composed(wanted), "html")
    light, dark = html.split("@media (prefers-color-scheme: dark)")

    assert '<meta name="color-scheme" content="light dark">' in html
    assert all(part in dark for part in ("body {", ".card {", ".small {"))
    assert "img { max-width: 100%; height: auto; background: #ffffff; }" in light


def test_held_alerts_are_told_in_one_text_that_says_how_many() -> None:
    """The number, one reference to look up, its deadline and its link: in one segment."""
    text = sms_text(replace(notice(line(urgency=Urgency.WORKING_HOURS)), others=2))

    assert ": 3 alerts waiting, one is 7F3KQ2, " in text
    assert (septets(text) or 999) <= 160


def test_a_step_s_message_says_why_its_recipient_is_told() -> None:
    """In both parts of an e-mail; an SMS stays as short as it was, and the first message as plain."""
    because = "nobody had acknowledged it 30 minutes after it was raised, and you are on duty"
    wanted = replace(notice(), because=because)

    for kind in ("plain", "html"):
        assert f"You are told because {because}." in body(composed(wanted), kind)
        assert "You are told because" not in body(composed(notice()), kind)
    assert sms_text(wanted) == sms_text(notice())
