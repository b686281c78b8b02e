"""Stand-ins for the providers of messages, on real ports: an SMTP server, and Twilio as its documentation describes it.

Both keep what arrives, and refuse, hang, drop or go away when told to.
"""

import asyncio
import email
import socket
import ssl
import time
import uuid
import warnings
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default as default_policy
from typing import Any, Literal, Self
from urllib.parse import parse_qs

import uvicorn
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.native.ports import free_port

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Mail:
    """An e-mail as it arrived; `received_at` is `time.perf_counter()`, when its last line had been read."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    received_at: float

    @property
    def message_id(self) -> str:
        """The Message-ID header: the same for a message sent again."""
        return str(self.message["Message-ID"])

    @property
    def subject(self) -> str:
        """The Subject header."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The plain text part."""
        part = self.message.get_body(("plain",))
        return part.get_content() if part is not None else ""

    @property
    def html(self) -> str:
        """The HTML part."""
        part = self.message.get_body(("html",))
        return part.get_content() if part is not None else ""

    @property
    def pictures(self) -> dict[str, bytes]:
        """Inline pictures by Content-ID."""
        parts = (part for part in self.message.walk() if part.get_content_maintype() == "image")
        return {str(part["Content-ID"]): part.get_content() for part in parts}


@dataclass
class Fault:
    """What goes wrong with a recipient's messages, for so many `times` (None: until it is taken away).

    refuse: `answer` to RCPT; refuse_data: `answer` after the message; hang: no answer to RCPT; hold, drop: the message
    is read and kept, then there is no answer, or the connection ends, so that the sender cannot know.
    """

    kind: Literal["refuse", "refuse_data", "hang", "hold", "drop"]
    answer: str = "450 4.2.1 Try again later"
    times: int | None = None

    def strikes(self) -> bool:
        """Whether it happens this time."""
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


class MailServer:
    """A real SMTP server (aiosmtpd) on a port of its own, in this event loop.

    certificate: with one it takes no message without TLS, begun by STARTTLS or, where `implicit`, by connecting.
    """

    def __init__(
        self,
        *,
        username: str = "",
        password: str = "",
        certificate: ssl.SSLContext | None = None,
        implicit: bool = False,
    ) -> None:
        self.host, self.port = HOST, free_port()
        self.messages: list[Mail] = []
        self.faults: dict[str, Fault] = {}
        self.sender_refused = ""
        self.connections = 0
        self._username, self._password = username, password
        self._starttls = None if implicit else certificate
        self._tls = certificate if implicit else None
        self._server: asyncio.Server | None = None
        self._sessions: set[SMTP] = set()

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    async def up(self) -> None:
        """Listen, on the same port as ever."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, self.host, self.port, ssl=self._tls)

    async def down(self) -> None:
        """Listen no more, and hang up on everybody."""
        if self._server is not None:
            self._server.close()
            for session in list(self._sessions):
                if isinstance(session.transport, asyncio.WriteTransport):
                    session.transport.abort()
            self._sessions.clear()
            await self._server.wait_closed()
            self._server = None

    def refuse(self, address: str, answer: str, *, times: int | None = None) -> None:
        """Refuse a recipient."""
        self.faults[address] = Fault("refuse", answer, times)

    def hang(self, address: str) -> None:
        """Never answer when this recipient is named."""
        self.faults[address] = Fault("hang")

    def hold(self, address: str) -> None:
        """Keep this recipient's messages, and never say so."""
        self.faults[address] = Fault("hold")

    def release(self) -> None:
        """No more faults."""
        self.faults.clear()

    def to(self, address: str) -> list[Mail]:
        """What arrived for an address, oldest first."""
        return [message for message in self.messages if address in message.recipients]

    def _session(self) -> SMTP:
        options: dict[str, Any] = {}
        if self._username:
            options = {"auth_required": True, "auth_require_tls": False, "authenticator": self._authenticate}
        if self._starttls is not None:
            options |= {"tls_context": self._starttls, "require_starttls": True}
        with warnings.catch_warnings():  # a password without TLS is what this test is about
            warnings.simplefilter("ignore")
            session = SMTP(self, enable_SMTPUTF8=True, loop=asyncio.get_running_loop(), **options)
        self._sessions.add(session)
        self.connections += 1
        return session

    def _authenticate(self, *given: Any) -> AuthResult:
        data = given[-1]
        right = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == (
            self._username,
            self._password,
        )
        return AuthResult(success=right, handled=False)

    async def handle_MAIL(  # noqa: N802  aiosmtpd's name for it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd asks whether a sender is welcome: nobody is where `sender_refused` is an answer."""
        if self.sender_refused:
            return self.sender_refused
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name for it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd asks whether a recipient is welcome."""
        fault = self.faults.get(address)
        if fault is not None and fault.kind == "refuse" and fault.strikes():
            return fault.answer
        if fault is not None and fault.kind == "hang" and fault.strikes():
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd hands over a message."""
        content = envelope.original_content or b""
        fault = next((self.faults[address] for address in envelope.rcpt_tos if address in self.faults), None)
        if fault is not None and fault.kind == "refuse_data" and fault.strikes():
            return fault.answer
        message = email.message_from_bytes(content, policy=default_policy)
        assert isinstance(message, EmailMessage)
        sender = envelope.mail_from or ""
        self.messages.append(Mail(sender, tuple(envelope.rcpt_tos), message, time.perf_counter()))
        if fault is not None and fault.kind == "hold" and fault.strikes():
            await asyncio.Event().wait()
        if fault is not None and fault.kind == "drop" and fault.strikes():
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 OK"


@dataclass(frozen=True)
class Sms:
    """A text as it was accepted."""

    to: str
    sender: str
    body: str
    sid: str
    received_at: float
    callback: str = ""


@dataclass
class Answer:
    """What Twilio says instead of 201, for so many `times` (None: until it is taken away).

    code: of the error; kept: the text is sent all the same (an answer that was lost); hang: there is no answer.
    """

    status: int = 500
    code: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    kept: bool = False
    hang: bool = False
    times: int | None = None


class Server(uvicorn.Server):
    """uvicorn without its hand on the signals of the process it is a guest in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Twilio:
    """Twilio's `POST /2010-04-01/Accounts/{sid}/Messages.json` on a port of its own: basic auth, form, 201 or error."""

    account, token = "AC0123456789abcdef0123456789abcdef", "a-token-of-the-tests"

    def __init__(self) -> None:
        self._socket = socket.create_server((HOST, 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self.messages: list[Sms] = []
        self.attempts: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.everybody: Answer | None = None
        self.meanwhile: Callable[[Sms], Awaitable[object]] | None = None
        routes = [Route("/2010-04-01/Accounts/{account}/Messages.json", self._create, methods=["POST"])]
        self._server = Server(uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off"))
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    async def up(self) -> None:
        """Listen again, on the same port as ever, and answer as it should."""
        self.everybody = None
        self._socket = socket.create_server((HOST, self.port))
        self._server, self._closing = Server(self._server.config), asyncio.Event()
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))

    async def down(self) -> None:
        """Refuse connections."""
        self._closing.set()
        self._server.should_exit = self._server.force_exit = True
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._socket.close()

    def refuse(self, number: str, status: int, code: int | None = None, *, times: int | None = None) -> None:
        """Answer with an error when this number is written to."""
        self.answers[number] = Answer(status, code, times=times)

    def about(self, text: str) -> list[Sms]:
        """What was accepted and says a text, oldest first."""
        return [message for message in self.messages if text in message.body]

    def to(self, number: str) -> list[Sms]:
        """What was accepted for a number, oldest first."""
        return [message for message in self.messages if message.to == number]

    async def _create(self, request: Request) -> Response:
        if not self._authenticated(request):
            return _error(401, 20003, "Authenticate")
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if missing := next((name for name in ("To", "From", "Body") if not form.get(name)), None):
            return _error(400, {"To": 21604, "From": 21603, "Body": 21602}[missing], f"'{missing}' is required")
        self.attempts.append(form["To"])
        answer = self._fault(form["To"])
        if answer is not None and answer.hang:
            await self._closing.wait()
        if answer is None or answer.kept:
            sid = f"SM{uuid.uuid4().hex}"
            callback = form.get("StatusCallback", "")
            self.messages.append(Sms(form["To"], form["From"], form["Body"], sid, time.perf_counter(), callback))
            if self.meanwhile is not None:
                await self.meanwhile(self.messages[-1])
            if answer is None:
                return JSONResponse(_resource(request.path_params["account"], sid, form), 201)
        return _error(answer.status, answer.code, "as the test asked", answer.headers)

    def _authenticated(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        right = f"{self.account}:{self.token}"
        return (
            scheme.lower() == "basic"
            and b64decode(given).decode() == right
            and request.path_params["account"] == self.account
        )

    def _fault(self, to: str) -> Answer | None:
        answer = self.answers.get(to, self.everybody)
        if answer is None or answer.times == 0:
            return None
        if answer.times is not None:
            answer.times -= 1
        return answer


def _resource(account: str, sid: str, form: dict[str, str]) -> dict[str, Any]:
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": form["Body"],
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": form["From"],
        "num_segments": "1",
        "sid": sid,
        "status": "queued",
        "to": form["To"],
        "uri": f"/2010-04-01/Accounts/{account}/Messages/{sid}.json",
    }


def _error(status: int, code: int | None, message: str, headers: dict[str, str] | None = None) -> Response:
    body = {"message": message, "status": status} | ({"code": code} if code is not None else {})
    return JSONResponse(body, status, headers)
