"""Stand-ins for providers that speak HTTP, on real ports: GOV.UK Notify, a clinic's webhook receiver, an Apprise API.

Each behaves as its documentation says, keeps what it accepts, and refuses, delays or forgets when told to. (Twilio and
the mail server stand in tests/providers.py.)
"""

import asyncio
import re
import socket
import uuid
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Any, Self

import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.clock import Clock
from tests.providers import HOST, Server


@dataclass
class Trouble:
    """What is answered instead, for so many `times` (None: until it is taken away).

    kept: the message is taken all the same, so that the sender cannot know; hang: there is no answer.
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    kept: bool = False
    hang: bool = False
    times: int | None = None

    def strikes(self) -> bool:
        """Whether it happens this time."""
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


class HttpStandIn:
    """A service on a port of its own, in this event loop."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._socket = socket.create_server((HOST, 0))
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self.trouble: Trouble | None = None
        self._server = Server(uvicorn.Config(Starlette(routes=list(routes)), log_config=None, lifespan="off"))
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        self._server.should_exit = self._server.force_exit = True
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task
        self._socket.close()

    async def in_trouble(self) -> Response | None:
        """The answer of what was set to go wrong, if it does."""
        trouble = self.trouble
        if trouble is None or not trouble.strikes():
            return None
        if trouble.hang:
            await self._closing.wait()
        return JSONResponse(trouble.body, trouble.status, trouble.headers)


@dataclass(frozen=True)
class Text:
    """A text message as GOV.UK Notify accepted it."""

    id: str
    to: str
    body: str
    reference: str


class GovUk(HttpStandIn):
    """`POST /v2/notifications/sms`: a JWT (HS256) of at most 30 s, a template of one placeholder, 201 or its errors."""

    service, secret = "26785a09-ab16-4eb0-8407-a37497a57506", "3d844edf-8d35-48ac-975b-e847b4f122b0"
    template, token = "f33517ff-2a88-4f6e-b855-c550268ce08a", "a-bearer-token-of-the-tests"

    def __init__(self, clock: Clock) -> None:
        super().__init__([Route("/v2/notifications/sms", self._send, methods=["POST"])])
        self.messages: list[Text] = []
        self.attempts: list[str] = []
        self._clock = clock

    @property
    def api_key(self) -> str:
        """As the service's page shows it."""
        return f"rapport-{self.service}-{self.secret}"

    async def _send(self, request: Request) -> Response:
        refused = self._unauthorised(request)
        if refused is not None:
            return refused
        said = await request.json()
        self.attempts.append(said["reference"])
        trouble = await self.in_trouble()
        if trouble is not None and not (self.trouble and self.trouble.kept):
            return trouble
        if not re.fullmatch(r"\+?[0-9]{10,15}", said["phone_number"]):
            return _errors(400, "ValidationError", "phone_number Not enough digits")
        if said["template_id"] != self.template or set(said["personalisation"]) != {"message"}:
            return _errors(400, "BadRequestError", "Template not found")
        text = Text(str(uuid.uuid4()), said["phone_number"], said["personalisation"]["message"], said["reference"])
        self.messages.append(text)
        content = {"body": text.body, "from_number": "GOVUK"}
        return trouble or JSONResponse({"id": text.id, "reference": text.reference, "content": content}, 201)

    def _unauthorised(self, request: Request) -> Response | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, self.secret, algorithms=["HS256"], options={"verify_iat": False})
        except jwt.InvalidTokenError:
            return _errors(403, "AuthError", "Invalid token: signature, api token not found")
        if claims["iss"] != self.service or abs(self._clock.now().timestamp() - claims["iat"]) > 30:
            return _errors(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds")
        return None

    def receipt(self, text: Text, status: str) -> dict[str, Any]:
        """What Notify posts to the callback URL about a message."""
        at = "2026-11-23T10:00:05.000000Z"
        return {
            "id": text.id,
            "reference": text.reference,
            "to": text.to,
            "status": status,
            "created_at": at,
            "completed_at": at,
            "sent_at": at,
            "notification_type": "sms",
            "template_id": self.template,
            "template_version": 1,
        }


def _errors(status: int, error: str, message: str) -> Response:
    return JSONResponse({"status_code": status, "errors": [{"error": error, "message": message}]}, status)


@dataclass(frozen=True)
class Hook:
    """A webhook message as it was taken."""

    id: str
    at: datetime
    body: dict[str, Any]
    raw: bytes
    headers: dict[str, str]


class Receiver(HttpStandIn):
    """A receiver of Standard Webhooks: checks signature and age, and takes each id once.

    secrets: those it accepts; a message signed with none of them is answered 401.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__([Route("/rapport", self._take, methods=["POST"])])
        self.secrets: list[str] = []
        self.taken: list[Hook] = []
        self.seen: list[Hook] = []
        self._clock = clock

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"{self.url}/rapport"

    async def _take(self, request: Request) -> Response:
        raw = await request.body()
        hook = Hook(request.headers["webhook-id"], self._clock.now(), await request.json(), raw, dict(request.headers))
        self.seen.append(hook)
        trouble = await self.in_trouble()
        if trouble is not None:
            return trouble
        return Response(status_code=self.judge(hook))

    def judge(self, hook: Hook) -> int:
        """The status it answers a message with, whoever posts it: 401 forged, 400 too old, 208 known, 204 taken."""
        given = hook.headers["webhook-signature"].split()
        signed = f"{hook.id}.{hook.headers['webhook-timestamp']}.".encode() + hook.raw
        keys = [b64decode(secret.removeprefix("whsec_")) for secret in self.secrets]
        expected = ["v1," + b64encode(digest(key, signed, sha256)).decode() for key in keys]
        if not any(compare_digest(one, right) for one in given for right in expected):
            return 401
        if abs(self._clock.now().timestamp() - int(hook.headers["webhook-timestamp"])) > 300:
            return 400
        if any(known.id == hook.id for known in self.taken):
            return 208
        self.taken.append(hook)
        return 204


class Apprise(HttpStandIn):
    """An Apprise API with one key that leads somewhere: `POST /notify/{key}`; 204 for a key that leads nowhere."""

    def __init__(self, key: str) -> None:
        super().__init__([Route("/notify/{key}", self._notify, methods=["POST"])])
        self.key = key
        self.messages: list[dict[str, Any]] = []

    async def _notify(self, request: Request) -> Response:
        trouble = await self.in_trouble()
        if trouble is not None:
            return trouble
        if request.path_params["key"] != self.key:
            return Response(status_code=204)
        self.messages.append(await request.json())
        return Response("sent", 200)
