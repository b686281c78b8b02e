"""Requests to where a clinic chose: only to the public address that was checked, and however much it answers."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from services.notify.channels import AppriseChannel, GovUkNotify, SmsChannel, Twilio, WebhookChannel, outward
from services.notify.channels.answers import READ
from services.notify.channels.outward import NotPublic, PublicOnly, is_public
from services.notify.domain import Line, Notice, Outcome, Result
from shared.contracts.base import Urgency
from tests.fakes import FakeClock
from tests.harness.standins import GovUk

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
HERE = "127.0.0.1"
MOST = 16 * 1024 * 1024
"""Bytes that the buffers of two sockets may take in before anybody reads."""


def notice(address: str) -> Notice:
    """A message about one alert."""
    line = Line("7F3KQ2", "https://rapport.example/a/x", Urgency.AT_ONCE, NOW, NOW)
    return Notice("leg-1", address, "records", "Harbour", ZoneInfo("UTC"), NOW, digest=False, lines=(line,))


class Server:
    """Keeps the heads of requests, and answers each with a head and the same part again and again for as long as
    anybody takes it."""

    def __init__(self, head: str, part: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[str] = []
        self.names: list[str | None] = []
        self.written = 0
        self._head, self._part, self._tls = head, part, tls
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.names.append(name)

    @asynccontextmanager
    async def up(self) -> AsyncIterator[int]:
        """Listen; gives the port."""
        server = await asyncio.start_server(self._answer, HERE, 0, ssl=self._tls)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            self.seen.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
            writer.write(f"HTTP/1.1 {self._head}\r\n\r\n".encode())
            while self._part and self.written < 20 * MOST:
                writer.write(self._part)
                await writer.drain()
                self.written += len(self._part)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


def answer(status: str, *more: str) -> str:
    """The head of an answer."""
    return "\r\n".join([status, *(more or ("Content-Length: 0",))])


@asynccontextmanager
async def hooks() -> AsyncIterator[WebhookChannel]:
    """Webhooks as in development."""
    async with outward(ports={443}, inside=True, seconds=5) as client:
        yield WebhookChannel(client=client, key="key", clock=FakeClock(NOW))


# --- how much is read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
async def test_an_endless_answer_of_a_webhook_is_not_read(*, packed: bool) -> None:
    """Status and headers are all that is looked at, whether the rest is packed or not."""
    zeros = bytes(1024 * 1024)
    more = ["Content-Encoding: gzip"] if packed else []
    server = Server(answer("503 Away", "Retry-After: 7", *more), gzip.compress(zeros) if packed else zeros)
    async with server.up() as port, hooks() as channel, asyncio.timeout(5):
        result = await channel.send(notice(f"http://{HERE}:{port}/x"))

    assert result == Result(outcome=Outcome.TEMPORARY, code="503", retry_after=timedelta(seconds=7))
    assert server.written < MOST
    assert "accept-encoding: identity" in server.seen[0]


async def sent_by_twilio(url: str) -> Result:
    """One text by Twilio."""
    async with httpx.AsyncClient(base_url=url) as client:
        return await SmsChannel(provider=Twilio(client=client, account="AC1", sender="+447700900000")).send(
            notice("+4")
        )


async def sent_by_govuk(url: str) -> Result:
    """One text by GOV.UK Notify."""
    async with httpx.AsyncClient(base_url=url) as client:
        key = f"rapport-{GovUk.service}-{GovUk.secret}"
        return await GovUkNotify(client=client, api_key=key, template="t", clock=FakeClock(NOW)).send(
            "+4", "x", "leg-1"
        )


async def sent_by_apprise(url: str) -> Result:
    """One message by Apprise."""
    async with httpx.AsyncClient(base_url=url) as client:
        return await AppriseChannel(client=client).send(notice("chat"))


@pytest.mark.parametrize("send", [sent_by_twilio, sent_by_govuk, sent_by_apprise])
async def test_of_a_provider_s_answer_no_more_is_read_than_real_ones_have(
    send: Callable[[str], asyncio.Future[Result]],
) -> None:
    """An endless one is cut off; what was accepted stays accepted."""
    head = "200 OK" if send is sent_by_apprise else "201 Created"
    server = Server(answer(head, "X-Length: endless"), b" " * READ)
    async with server.up() as port, asyncio.timeout(5):
        result = await send(f"http://{HERE}:{port}")

    assert result.outcome is Outcome.ACCEPTED
    assert server.written < MOST


# --- where it goes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("192.88.99.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("::", False),
        ("::93.184.215.14", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.215.14", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("2001::1", False),
        ("2001:db8::1", False),
        ("2002:a00:1::1", False),
        ("3fff::1", False),
        ("fc00::1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("ff0e::1", False),
    ],
)
def test_an_address_that_leads_inside_by_any_disguise_is_none(address: str, *, public: bool) -> None:
    """Translated, mapped, tunnelled, site-local and multicast ones too."""
    assert is_public(ip_address(address)) is public


def resolving(*answers: Sequence[str]) -> Callable[[str], asyncio.Future[Sequence[str]]]:
    """A name server with one answer after the other."""
    left = list(answers)

    async def resolve(_: str) -> Sequence[str]:
        return left.pop(0)

    return resolve  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("url", "addresses", "why"),
    [
        ("http://hooks.example/x", ["93.184.215.14"], "neither https nor a public address"),
        ("https://hooks.example:22/x", ["93.184.215.14"], "a port that is not allowed"),
        ("https://hooks.example/x", ["93.184.215.14", "10.0.0.1"], "neither https nor a public address"),
        ("https://hooks.example/x", ["64:ff9b::7f00:1"], "neither https nor a public address"),
        ("https://hooks.example/x", [], "no address"),
        ("https://hooks.example/x", ["what?"], "no address"),
    ],
)
async def test_a_webhook_never_knocks_at_our_own_doors(url: str, addresses: list[str], why: str) -> None:
    """Neither plain HTTP, nor another port, nor a name of which one address leads inside; the trail says why."""
    transport = PublicOnly(ports={443}, resolve=resolving(addresses))
    async with httpx.AsyncClient(transport=transport) as client:
        result = await WebhookChannel(client=client, key="key", clock=FakeClock(NOW)).send(notice(url))

    assert result == Result(outcome=Outcome.TEMPORARY, code=why)


@pytest.mark.parametrize("url", ["https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "https://x:99999/x"])
async def test_by_the_client_that_notify_has_it_does_not_either(url: str) -> None:
    """With the system's own look-up."""
    async with outward(ports={443}, inside=False, seconds=2) as client:
        result = await WebhookChannel(client=client, key="key", clock=FakeClock(NOW)).send(notice(url))

    assert result.outcome is Outcome.TEMPORARY
    assert result.code in ("neither https nor a public address", "not a URL", "a port that is not allowed")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """The certificate and key of hooks.example, signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "hooks.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return pem


async def test_the_connection_goes_to_the_address_that_was_checked_and_asks_for_the_name(certificate: Path) -> None:
    """Looked up once a request, with the name in SNI, Host and certificate; another name at that address gets nothing,
    though a connection to it was just open, and a name that moved inside is refused."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = Server(answer("204 Taken"), tls=context)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with server.up() as port:
        transport = PublicOnly(
            ports={port},
            resolve=resolving([HERE], [HERE], ["10.0.0.1"]),  # a second look-up in a request would leave one short
            public=lambda address: str(address) == HERE,
            verify=trusting,
        )
        async with httpx.AsyncClient(transport=transport) as client:
            channel = WebhookChannel(client=client, key="key", clock=FakeClock(NOW))
            right = await channel.send(notice(f"https://hooks.example:{port}/x"))
            wrong = await channel.send(notice(f"https://other.example:{port}/x"))
            moved = await channel.send(notice(f"https://hooks.example:{port}/x"))

    assert (right.outcome, right.code) == (Outcome.ACCEPTED, "204")
    assert (wrong.outcome, wrong.code) == (Outcome.TEMPORARY, "ConnectError")
    assert (moved.outcome, moved.code) == (Outcome.TEMPORARY, "neither https nor a public address")
    assert server.names == ["hooks.example", "other.example"]
    [head] = server.seen
    assert f"\r\nhost: hooks.example:{port}\r\n" in head


async def test_the_next_address_is_tried_where_the_first_does_not_answer(certificate: Path) -> None:
    """And where none does, that is said."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = Server(answer("204 Taken"), tls=context)
    async with server.up() as port:
        transport = PublicOnly(
            ports={port},
            resolve=resolving(["127.0.0.9", HERE], ["127.0.0.9"]),
            public=lambda _: True,
            verify=ssl.create_default_context(cafile=str(certificate)),
        )
        async with httpx.AsyncClient(transport=transport) as client:
            there = await client.post(f"https://hooks.example:{port}/x")
            with pytest.raises(httpx.ConnectError) as away:
                await client.post(f"https://hooks.example:{port}/x")

    assert there.status_code == 204
    assert not isinstance(away.value, NotPublic)


async def test_no_redirect_is_followed_and_no_proxy_of_the_environment_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one would lead past every check, the other is not the clinic's to use."""
    proxy, elsewhere = Server(answer("200 OK")), Server(answer("200 OK"))
    async with proxy.up() as proxied, elsewhere.up() as other:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{HERE}:{proxied}")
        moved = Server(answer("302 Found", f"Location: http://{HERE}:{other}/y", "Content-Length: 0"))
        async with moved.up() as port, hooks() as channel:
            result = await channel.send(notice(f"http://{HERE}:{port}/x"))

    assert (result.outcome, result.code) == (Outcome.TEMPORARY, "302")
    assert [len(one.seen) for one in (moved, proxy, elsewhere)] == [1, 0, 0]
