"""The channels against an SMTP server and Twilio's stand-in: every answer is understood for what it asks of us."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from prometheus_client import REGISTRY

from deploy.demo.sink import Messages, run_sink
from deploy.native.ports import free_port
from services.notify.channels import Charts, EmailChannel, Failover, SmsChannel, SmtpServer, Twilio, no_chart
from services.notify.channels.charts import WARM_UP
from services.notify.domain import Channel, Line, Notice, Outcome
from shared.contracts.base import Urgency
from shared.runtime import background
from tests.fakes import FakeClock
from tests.integration.notify_house import MONDAY, until
from tests.providers import Answer, Fault, MailServer
from tests.providers import Twilio as TwilioServer

Tls = Literal["none", "starttls", "tls"]
ADDRESS, NUMBER = "priya@harbour.example", "+447700900001"


def notice(address: str = ADDRESS) -> Notice:
    """A message about one alert."""
    link = "https://rapport.example/a/7F3KQ2-0123456789ABCDEF"
    line = Line("7F3KQ2", link, Urgency.AT_ONCE, MONDAY, MONDAY)
    zone = ZoneInfo("Europe/London")
    return Notice("b7d9a5de-3c5e", address, "Priya", "Harbour Clinic", zone, MONDAY, digest=False, lines=(line,))


@asynccontextmanager
async def email_to(server: MailServer, tls: Tls = "none", **settings: str) -> AsyncIterator[EmailChannel]:
    """The channel, with its connections closed at the end."""
    smtp = SmtpServer(server.host, server.port, tls, **settings)
    channel = EmailChannel(server=smtp, sender="alerts@rapport.example", draw=no_chart)
    try:
        yield channel
    finally:
        await channel.close()


@asynccontextmanager
async def sms_to(url: str, *, token: str = TwilioServer.token, timeout: float = 5) -> AsyncIterator[SmsChannel]:  # noqa: ASYNC109
    """The channel on Twilio's API."""
    async with httpx.AsyncClient(base_url=url, auth=(TwilioServer.account, token), timeout=timeout) as client:
        yield SmsChannel(provider=Twilio(client=client, account=TwilioServer.account, sender="+447700900000"))


async def test_an_email_is_handed_over_and_the_connection_is_kept() -> None:
    """Thirty messages at once take no more connections than there are slots, and all arrive."""
    async with MailServer() as server, email_to(server) as channel:
        results = await asyncio.gather(*(channel.send(notice(f"p{n}@harbour.example")) for n in range(30)))
        again = await channel.send(notice())

        assert {result.outcome for result in [*results, again]} == {Outcome.ACCEPTED}
        assert len(server.messages) == 31
        assert server.connections <= 8


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A mail server's certificate and key, signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.harbour.example")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "mail.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return pem


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_over_tls_a_message_goes_to_a_server_that_proves_who_it_is_and_to_no_other(
    tls: Tls, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate nobody we trust has signed gets nothing, whatever is asked of us; trusted, it gets the message."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with MailServer(certificate=context, implicit=tls == "tls") as server:
        async with email_to(server, tls) as channel:
            stranger = await channel.send(notice())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with email_to(server, tls) as channel:
            known = await channel.send(notice())

        assert (stranger.outcome, known.outcome) == (Outcome.TEMPORARY, Outcome.ACCEPTED)
        assert len(server.messages) == 1


async def test_a_server_that_offers_no_tls_gets_nothing_where_it_is_asked_for() -> None:
    """Whoever strips STARTTLS off the greeting learns no address and no alert."""
    async with MailServer() as server, email_to(server, "starttls") as channel:
        refused = await channel.send(notice())

        assert refused.outcome is Outcome.TEMPORARY
        assert server.messages == []


async def test_a_server_that_asks_for_a_password_gets_it() -> None:
    """A wrong one is our own account's trouble: tried again, and never the recipient's fault."""
    async with MailServer(username="rapport", password="right") as server:
        async with email_to(server, username="rapport", password="right") as channel:
            right = await channel.send(notice())
        async with email_to(server, username="rapport", password="wrong") as channel:
            wrong = await channel.send(notice())

    assert right.outcome is Outcome.ACCEPTED
    assert (wrong.outcome, wrong.code) == (Outcome.TEMPORARY, "535 on connecting")


@pytest.mark.parametrize(
    ("fault", "outcome", "code"),
    [
        (Fault("refuse", "550 5.1.1 No such mailbox"), Outcome.PERMANENT, "550"),
        (Fault("refuse", "450 4.2.1 Busy"), Outcome.TEMPORARY, "450"),
        (Fault("refuse", "552 5.2.2 Mailbox full"), Outcome.TEMPORARY, "552"),
        (Fault("refuse", "550 Unknown user"), Outcome.PERMANENT, "550"),
        (Fault("refuse", "550 5.4.1 Recipient address rejected: Access denied"), Outcome.PERMANENT, "550"),
        (Fault("refuse", "556 5.1.10 Recipient domain has null MX"), Outcome.PERMANENT, "556"),
        (Fault("refuse", "550 5.2.2 Mailbox full"), Outcome.TEMPORARY, "550"),
        (Fault("refuse", "550 relay not permitted"), Outcome.TEMPORARY, "550"),
        (Fault("refuse", "553 5.7.1 Sender address rejected: not owned by user"), Outcome.TEMPORARY, "553"),
        (Fault("refuse", "550 5.1.8 Sender address rejected: domain not found"), Outcome.TEMPORARY, "550"),
        (Fault("refuse", "554 5.7.1 Client host rejected"), Outcome.TEMPORARY, "554"),
        (Fault("refuse", "530 5.7.0 Authentication required"), Outcome.TEMPORARY, "530"),
        (Fault("refuse_data", "550 5.1.1 No such mailbox"), Outcome.PERMANENT, "550"),
        (Fault("refuse_data", "554 5.7.1 Refused"), Outcome.TEMPORARY, "554"),
        (Fault("refuse_data", "554 Transaction failed"), Outcome.TEMPORARY, "554"),
        (Fault("refuse_data", "552 5.3.4 Message too big"), Outcome.TEMPORARY, "552"),
        (Fault("refuse_data", "451 4.3.0 Try later"), Outcome.TEMPORARY, "451"),
        (Fault("drop"), Outcome.UNSURE, "SMTPServerDisconnected"),
    ],
)
async def test_each_answer_of_a_mail_server_is_understood(fault: Fault, outcome: Outcome, code: str) -> None:
    """Refused for good, for now, or nobody knows; and the next message goes through all the same."""
    async with MailServer() as server, email_to(server) as channel:
        server.faults[ADDRESS] = replace(fault, times=1)
        result = await channel.send(notice())
        after = await channel.send(notice("lee@harbour.example"))

        assert (result.outcome, result.code) == (outcome, code)
        assert after.outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("code", ["530", "550", "553", "554"])
async def test_a_relay_that_refuses_our_sender_is_left_alone_and_the_other_has_every_message(code: str) -> None:
    """MAIL FROM refused is our own account's trouble: nobody is passed over for it, and the breaker sees it."""
    async with MailServer() as bad, MailServer() as good, email_to(bad) as one, email_to(good) as two:
        bad.sender_refused = f"{code} 5.7.1 You are blocked"
        both = {"smtp": one, "smtp2": two}
        clock = FakeClock(MONDAY)
        channel = Failover(channel=Channel.EMAIL, providers=both, weights={"smtp": 100, "smtp2": 100}, clock=clock)
        results = []
        for number in range(40):
            message = replace(notice(f"p{number}@harbour.example"), token=f"t{number}")
            first = await channel.send(message)
            results.append(first)
            if first.another:
                results.append(await channel.send(replace(message, tried=(first.provider,))))

        assert [result for result in results if result.outcome is Outcome.PERMANENT] == []
        assert {result.outcome for result in results if result.code == code} == {Outcome.TEMPORARY}
        assert {mail.recipients[0] for mail in good.messages} == {f"p{n}@harbour.example" for n in range(40)}
        breaker = {"channel": "email", "provider": "smtp"}
        assert REGISTRY.get_sample_value("rapport_provider_breaker", breaker) == 1


async def test_a_mail_server_that_is_not_there_is_tried_again() -> None:
    """Nothing was handed over, so nothing is in doubt; a kept connection that has died is noticed and replaced."""
    async with MailServer() as server, email_to(server) as channel:
        first = await channel.send(notice())
        await server.down()
        away = await channel.send(notice())
        await server.up()
        back = await channel.send(notice())

        assert (first.outcome, back.outcome) == (Outcome.ACCEPTED, Outcome.ACCEPTED)
        assert away.outcome in (Outcome.TEMPORARY, Outcome.UNSURE)


@pytest.mark.parametrize(
    "address", ["jörg@harbour.example", 'a"b@harbour.example', "a\\b@harbour.example", "(@h.example"]
)
async def test_odd_addresses_that_the_contract_lets_through_never_raise(address: str) -> None:
    """They are handed over, or refused for good so that another way is taken."""
    async with MailServer() as server, email_to(server) as channel:
        result = await channel.send(notice(address))

        assert result.outcome in (Outcome.ACCEPTED, Outcome.PERMANENT)
        assert bool(server.messages) is (result.outcome is Outcome.ACCEPTED)


async def test_an_sms_is_handed_over_as_twilio_documents() -> None:
    """Form-encoded To, From and Body, with basic auth; 201 is acceptance."""
    async with TwilioServer() as twilio, sms_to(twilio.url) as channel:
        result = await channel.send(notice(NUMBER))

        (sms,) = twilio.to(NUMBER)
        assert (result.outcome, result.code) == (Outcome.ACCEPTED, "queued")
        assert sms.sender == "+447700900000"
        assert "7F3KQ2" in sms.body


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (Answer(400, 21211), Outcome.PERMANENT, "400 21211"),
        (Answer(400, 21610), Outcome.PERMANENT, "400 21610"),
        (Answer(400, 21265), Outcome.PERMANENT, "400 21265"),
        (Answer(400, 21614), Outcome.PERMANENT, "400 21614"),
        (Answer(400, 21635), Outcome.PERMANENT, "400 21635"),
        (Answer(400, 21212), Outcome.TEMPORARY, "400 21212"),
        (Answer(400, 21408), Outcome.TEMPORARY, "400 21408"),
        (Answer(400, 21606), Outcome.TEMPORARY, "400 21606"),
        (Answer(400, 21612), Outcome.TEMPORARY, "400 21612"),
        (Answer(400, 21659), Outcome.TEMPORARY, "400 21659"),
        (Answer(400, 63038), Outcome.TEMPORARY, "400 63038"),
        (Answer(400), Outcome.TEMPORARY, "400"),
        (Answer(422, 99999), Outcome.TEMPORARY, "422 99999"),
        (Answer(429, 20429, {"Retry-After": "7"}), Outcome.TEMPORARY, "429 20429"),
        (Answer(500), Outcome.TEMPORARY, "500"),
        (Answer(503), Outcome.TEMPORARY, "503"),
        (Answer(hang=True), Outcome.UNSURE, "ReadTimeout"),
    ],
)
async def test_each_answer_of_twilio_is_understood(answer: Answer, outcome: Outcome, code: str) -> None:
    """Refused for good, for now (and until when), or nobody knows."""
    async with TwilioServer() as twilio, sms_to(twilio.url, timeout=0.5) as channel:
        twilio.answers[NUMBER] = answer
        result = await channel.send(notice(NUMBER))

        assert (result.outcome, result.code) == (outcome, code)
        assert (result.retry_after is not None) is (code == "429 20429")


async def test_a_wrong_token_and_a_provider_that_is_away_are_tried_again() -> None:
    """An operator mends the one and time the other: neither is the recipient's fault."""
    async with TwilioServer() as twilio, sms_to(twilio.url, token="wrong") as channel:
        wrong = await channel.send(notice(NUMBER))
    async with sms_to(f"http://127.0.0.1:{free_port()}") as channel:
        away = await channel.send(notice(NUMBER))

    assert (wrong.outcome, wrong.code) == (Outcome.TEMPORARY, "401 20003")
    assert (away.outcome, away.code) == (Outcome.TEMPORARY, "ConnectError")


async def test_a_chart_is_drawn_beside_the_service_and_the_process_ends_with_it() -> None:
    """A PNG within the budget once it is warm; while one is drawn, the next is done without rather than waited for."""
    async with Charts(budget=60).running() as charts:
        drawn: bytes | None = await until("the first chart", lambda: charts.draw(WARM_UP), seconds=60)
        both = await asyncio.gather(charts.draw(WARM_UP), charts.draw(WARM_UP))
        process = charts._process
        assert process is not None

    assert drawn is not None
    assert drawn.startswith(b"\x89PNG")
    assert sorted(picture is None for picture in both) == [False, True]
    assert process.returncode is not None


async def test_a_chart_that_takes_too_long_is_done_without() -> None:
    """The budget is kept whatever the drawing process does."""
    async with Charts(budget=0.0).running() as charts:

        async def late() -> bool:
            return not charts._drawing and await charts.draw(WARM_UP) is None

        assert await until("a late chart", late, seconds=60)


async def test_the_development_sink_shows_what_arrived_and_runs_none_of_it(tmp_path: Path) -> None:
    """E-mails and SMS by the real channels, counted, listed, and shown in a sandbox; another run still has them."""
    smtp_port, http_port = free_port(), free_port()
    url = f"http://127.0.0.1:{http_port}"
    hostile = replace(notice(), clinic_name="<script>alert(1)</script>")
    async with (
        background(run_sink(smtp_port, http_port, tmp_path), name="sink"),
        httpx.AsyncClient(base_url=url) as client,
        sms_to(url) as sms,
    ):

        async def up() -> bool:
            try:
                return (await client.get("/api/counts")).status_code == 200
            except httpx.HTTPError:
                return False

        await until("the sink", up)
        smtp = SmtpServer("127.0.0.1", smtp_port, "none")
        email = EmailChannel(server=smtp, sender="alerts@rapport.example", draw=no_chart)
        results = [await email.send(hostile), await sms.send(notice(NUMBER))]
        await email.close()
        counts = (await client.get("/api/counts")).json()
        pages = [await client.get(path) for path in ("/", "/messages/1", "/messages/1/html", "/messages/2")]
        missing = await client.get("/messages/9")

    assert [result.outcome for result in results] == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert counts == Messages(tmp_path).counts() == {"email": 1, "sms": 1}
    assert [page.status_code for page in pages] == [200] * 4
    assert all("default-src 'none'" in page.headers["Content-Security-Policy"] for page in pages)
    assert all("<script" not in page.text for page in pages)
    assert missing.status_code == 404
