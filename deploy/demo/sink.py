"""Where the messages of a development platform end: an SMTP server, Twilio's door, and a page that shows both.

Nothing leaves the machine. Messages are kept as files in a directory: `<number>.eml` and `<number>.sms.json`.

GET /             the messages, newest first          GET /messages/{number}   one of them
GET /api/messages the same as JSON                     GET /api/counts          {"email": n, "sms": n}
"""

import asyncio
import email
import html
import json
import socket
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

HOST: Final = "127.0.0.1"
SHOWN: Final = 500
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}
STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .3rem .6rem .3rem 0; }
pre { white-space: pre-wrap; border: 1px solid #8888; border-radius: 6px; padding: 1rem; }
iframe { width: 100%; height: 34rem; border: 1px solid #8888; border-radius: 6px; background: #fff; }
"""


class Messages:
    """The messages in a directory; the ones of earlier runs stay."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._numbers = [int(path.name.split(".")[0]) for path in directory.iterdir() if path.name[:1].isdigit()]
        self._next = max(self._numbers, default=0) + 1
        self.rows: list[dict[str, Any]] = [
            self._row(path) for path in sorted(directory.iterdir()) if path.suffix in (".eml", ".json")
        ]

    def add(self, kind: str, content: bytes) -> int:
        """Keep a message: `eml` or `sms.json`."""
        number, self._next = self._next, self._next + 1
        path = self._directory / f"{number:08}.{kind}"
        path.write_bytes(content)
        self.rows.append(self._row(path))
        return number

    def counts(self) -> dict[str, int]:
        """How many arrived by each channel."""
        return {kind: sum(row["channel"] == kind for row in self.rows) for kind in ("email", "sms")}

    def email(self, number: int) -> EmailMessage | None:
        """An e-mail, parsed."""
        path = self._directory / f"{number:08}.eml"
        return _parsed(path.read_bytes()) if path.exists() else None

    def sms(self, number: int) -> dict[str, Any] | None:
        """An SMS."""
        path = self._directory / f"{number:08}.sms.json"
        return json.loads(path.read_text()) if path.exists() else None

    def _row(self, path: Path) -> dict[str, Any]:
        number = int(path.name.split(".")[0])
        if path.suffix == ".eml":
            message = _parsed(path.read_bytes())
            return {
                "number": number,
                "channel": "email",
                "to": str(message["To"]),
                "subject": str(message["Subject"]),
                "reference": str(message["X-Rapport-Reference"] or ""),
                "message_id": str(message["Message-ID"]),
                "received_at": str(message["X-Sink-Received-At"] or ""),
            }
        sms = json.loads(path.read_text())
        return {
            "number": number,
            "channel": "sms",
            "to": sms["to"],
            "subject": sms["body"],
            "received_at": sms["received_at"],
        }


def _parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=default_policy)
    if not isinstance(message, EmailMessage):
        raise TypeError("a message that is not one")
    return message


def _now() -> str:
    return datetime.now(UTC).isoformat()


class _Mail:
    """aiosmtpd's handler: everything is welcome."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """A message has arrived."""
        self._messages.add("eml", f"X-Sink-Received-At: {_now()}\r\n".encode() + (envelope.original_content or b""))
        return "250 OK"


class _Pages:
    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def routes(self) -> list[Route]:
        return [
            Route("/", self.index),
            Route("/messages/{number:int}", self.message),
            Route("/messages/{number:int}/html", self.body),
            Route("/api/messages", self.listed),
            Route("/api/counts", self.counted),
            Route("/2010-04-01/Accounts/{account}/Messages.json", self.twilio, methods=["POST"]),
        ]

    async def index(self, _: Request) -> Response:
        rows = "".join(
            f"<tr><td>{html.escape(row['received_at'][:19])}<td>{row['channel']}<td>{html.escape(row['to'])}"
            f"<td><a href='/messages/{row['number']}'>{html.escape(row['subject'])}</a>"
            for row in reversed(self._messages.rows[-SHOWN:])
        )
        counts = self._messages.counts()
        heading = f"{counts['email']} e-mails and {counts['sms']} SMS arrived; none of them left this machine"
        table = f"<table><tr><th>received (UTC)<th>by<th>to<th>subject or text{rows}</table>"
        return _page("Messages", f"<h1>{heading}</h1>{table}")

    async def message(self, request: Request) -> Response:
        number = request.path_params["number"]
        sms, mail = self._messages.sms(number), self._messages.email(number)
        if sms is not None:
            return _page("SMS", f"<h1>SMS to {html.escape(sms['to'])}</h1><pre>{html.escape(sms['body'])}</pre>")
        if mail is None:
            return PlainTextResponse("There is no such message.", 404)
        names = ("From", "To", "Subject", "Date", "Message-ID")
        headers = "".join(f"<tr><th>{name}<td>{html.escape(str(mail[name]))}" for name in names)
        plain = mail.get_body(("plain",))
        text = html.escape(plain.get_content() if plain is not None else "")
        frame = f"<iframe sandbox src='/messages/{number}/html' title='The message as HTML'></iframe>"
        return _page("E-mail", f"<p><a href='/'>All messages</a></p><table>{headers}</table>{frame}<pre>{text}</pre>")

    async def body(self, request: Request) -> Response:
        mail = self._messages.email(request.path_params["number"])
        part = mail.get_body(("html",)) if mail is not None else None
        if mail is None or part is None:
            return PlainTextResponse("There is no such message.", 404)
        content = part.get_content()
        for picture in mail.walk():
            if picture.get_content_maintype() == "image":
                data = b64encode(picture.get_content()).decode()
                content = content.replace(
                    f"cid:{str(picture['Content-ID']).strip('<>')}", f"data:{picture.get_content_type()};base64,{data}"
                )
        return HTMLResponse(content, headers=HEADERS | {"Content-Security-Policy": HEADERS[
            "Content-Security-Policy"] + "; sandbox"})  # fmt: skip

    async def listed(self, _: Request) -> Response:
        return JSONResponse(self._messages.rows)

    async def counted(self, _: Request) -> Response:
        return JSONResponse(self._messages.counts())

    async def twilio(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if missing := next((name for name in ("To", "From", "Body") if name not in form), None):
            return JSONResponse({"code": 21604, "message": f"'{missing}' is required", "status": 400}, 400)
        sid = f"SM{uuid.uuid4().hex}"
        sms = {"to": form["To"], "from": form["From"], "body": form["Body"], "sid": sid, "received_at": _now()}
        self._messages.add("sms.json", json.dumps(sms).encode())
        answer = {"sid": sid, "status": "queued", "to": form["To"], "from": form["From"], "body": form["Body"],
                  "error_code": None, "error_message": None, "num_segments": "1"}  # fmt: skip
        return JSONResponse(answer, 201)


def _page(title: str, body: str) -> HTMLResponse:
    text = (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{STYLE}</style>{body}"
    )
    return HTMLResponse(text, headers=HEADERS)


class _Server(uvicorn.Server):
    """uvicorn without its hand on the signals of the process it is a guest in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_sink(smtp_port: int, http_port: int, directory: Path) -> None:
    """Take in messages until cancelled. Raises OSError where a port is taken."""
    messages = Messages(directory)
    handler = _Mail(messages)
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: SMTP(handler, enable_SMTPUTF8=True, loop=loop), HOST, smtp_port)
    app = Starlette(routes=_Pages(messages).routes())
    http = _Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    try:
        with socket.create_server((HOST, http_port)) as door:
            try:
                await http.serve(sockets=[door])
            finally:
                # Cancelled, uvicorn leaves its socket registered with the loop: once closed like that, the loop refuses
                # whatever the system opens next under the same number.
                if http.started:
                    await http.shutdown(sockets=[door])
    finally:
        smtp.close()
