"""The platform as four separate processes, and a clinic that reaches each path's owner by a base-URL map."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI
from starlette.routing import Match

from deploy.native.ports import free_port
from services.__main__ import service_apps
from shared.auth import SCOPES, DevelopmentIssuer
from shared.clock import SystemClock
from tests.providers import MailServer, Twilio

ROOT = Path(__file__).parents[2]
POLL = 0.05  # seconds between two looks
ISSUER, AUDIENCE = "https://rapport.example/development", "rapport"
Answer = TypeVar("Answer")


async def until(what: str, ask: Callable[[], Awaitable[Answer | None]], *, seconds: float = 30) -> Answer:
    """Ask again and again until the answer is neither None nor False; fail by name when it takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await ask()
        if answer is not None and answer is not False:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(POLL)


def providers_told(mail: MailServer, twilio: Twilio) -> dict[str, str]:
    """What notify is told of its providers."""
    return {
        "NOTIFY_SMTP_HOST": mail.host,
        "NOTIFY_SMTP_PORT": str(mail.port),
        "NOTIFY_SMTP_TLS": "none",
        "NOTIFY_MAIL_FROM": "alerts@rapport.example",
        "NOTIFY_TWILIO_URL": twilio.url,
        "NOTIFY_TWILIO_ACCOUNT": twilio.account,
        "NOTIFY_TWILIO_TOKEN": twilio.token,
        "NOTIFY_TWILIO_FROM": "+447700900000",
        "NOTIFY_PUBLIC_URL": "https://rapport.example",
        "NOTIFY_LINK_SECRET": "a-secret-of-the-tests-alone",
    }


@dataclass
class Platform:
    """Four processes on one broker and one store server, with the log of each in `folder`."""

    bootstrap: str
    mongo_url: str
    folder: Path
    environment: dict[str, str]
    urls: dict[str, str] = field(default_factory=dict)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _apps: dict[str, FastAPI] = field(default_factory=service_apps)
    _issuer: DevelopmentIssuer = field(
        default_factory=lambda: DevelopmentIssuer(
            environment="development", issuer=ISSUER, audience=AUDIENCE, clock=SystemClock()
        )
    )

    async def start(self, *names: str) -> None:
        """Start the named services, or all, and return when they are ready. `notify-2` is another one of notify."""
        for name in names or self._apps:
            self.urls.setdefault(name, f"http://127.0.0.1:{free_port()}")
            self._launch(name)
        for name in names or self._apps:
            await self.ready(name)

    def _launch(self, name: str) -> None:
        environment = os.environ | {
            "RAPPORT_ENV": "development",
            "RAPPORT_KAFKA": self.bootstrap,
            "RAPPORT_MONGO": self.mongo_url,
            "RAPPORT_DATABASE_PREFIX": f"e2e_{self.folder.name}",
            "RAPPORT_PORT": self.urls[name].rsplit(":", maxsplit=1)[-1],
            "RAPPORT_JWT_KEYS": json.dumps(self._issuer.jwks()),
            "RAPPORT_JWT_ISSUER": ISSUER,
            "RAPPORT_JWT_AUDIENCE": AUDIENCE,
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"services.{name.partition('-')[0]}"],
                cwd=ROOT,
                env=environment | self.environment,
                stdout=log,
                stderr=log,
            )

    async def ready(self, name: str) -> None:
        """Return when the service says that it is ready."""

        async def asks() -> bool:
            assert self._processes[name].poll() is None, f"{name} ended: {self.folder / name}.log\n{self.log(name)}"
            try:
                async with httpx.AsyncClient() as client:
                    return (await client.get(f"{self.urls[name]}/readyz", timeout=5)).status_code == 200
            except httpx.HTTPError:
                return False

        await until(f"{name} is ready", asks, seconds=60)

    def kill(self, name: str) -> None:
        """SIGKILL: what an out-of-memory killer does."""
        self._processes[name].send_signal(signal.SIGKILL)
        self._processes[name].wait()

    def stop(self) -> None:
        """End all processes in order; a graceful stop is part of what is tested."""
        self.end(*self._processes)

    def end(self, *names: str) -> None:
        """End some in order; one that was killed is gone already."""
        processes = {name: self._processes.pop(name) for name in names}
        for process in processes.values():
            process.terminate()
        for name, process in processes.items():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"{name} did not stop within 20 s of SIGTERM") from None

    @asynccontextmanager
    async def instead(self, service: str, *replicas: str, environment: Mapping[str, str]) -> AsyncIterator[None]:
        """While the block lasts a service runs as these replicas, which are told something else as well."""
        self.end(service)
        before, self.environment = self.environment, {**self.environment, **environment}
        try:
            await self.start(*replicas)
            yield
        finally:
            self.end(*(name for name in replicas if name in self._processes))
            for name in set(replicas) - {service}:
                del self.urls[name]
            self.environment = before
            await self.start(service)

    def log(self, name: str) -> str:
        """The end of a service's output."""
        return (self.folder / f"{name}.log").read_text()[-4000:]

    def clinic(self, clinic: str | None = None, *, scopes: tuple[str, ...] = SCOPES) -> "Clinic":
        """A client with a token for one clinic; a new clinic where none is named."""
        name = clinic or f"clinic-{uuid.uuid4().hex[:10]}"
        token = self._issuer.issue(clinic=name, client="e2e", scopes=scopes)
        return Clinic(name, self, {"Authorization": f"Bearer {token}"})

    def owner(self, method: str, path: str) -> str:
        """The base URL of the service that has a route for this path."""
        scope = {
            "type": "http",
            "method": method,
            "path": path.split("?", maxsplit=1)[0],
            "root_path": "",
            "headers": [],
        }
        for name, app in self._apps.items():
            if any(route.matches(scope)[0] is Match.FULL for route in app.router.routes):
                return self.urls[name]
        raise LookupError(f"no service has a route for {method} {path}")


@dataclass
class Clinic:
    """One clinic's patient-management system."""

    name: str
    platform: Platform
    headers: dict[str, str]
    _client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=30))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, content: bytes | None = None
    ) -> httpx.Response:
        """One request to the service that owns the path. POSTs get an Idempotency-Key, `key` or a new one."""
        headers = dict(self.headers)
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        url = self.platform.owner(method, path) + path
        return await self._client.request(method, url, json=body, content=content, headers=headers)

    async def get(self, path: str, *, after: str = "") -> Any:
        """The JSON behind a path that must answer 200; once its service has read up to a `position` a write gave."""

        async def read() -> httpx.Response | None:
            headers = self.headers | ({"Wait-For-Position": after} if after else {})
            answer = await self._client.get(self.platform.owner("GET", path) + path, headers=headers)
            return None if "Projection-Behind" in answer.headers else answer

        answer = await until(f"{path} after {after}", read)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, *, key: str | None = None, status: int = 202) -> Any:
        """The JSON of a POST that must be accepted."""
        answer = await self.ask("POST", path, body, key=key)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def put(self, path: str, body: Any) -> Any:
        """The JSON of a PUT that must be accepted."""
        answer = await self.ask("PUT", path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def set_up(self, *, patients: tuple[str, ...] = (), scales: list[Any] | None = None) -> None:
        """A clinic that works day and night, one clinician with both channels, and the patients, all active."""
        always = {day: ["00:00", "23:59:59"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
        await self.put(
            "/v1/clinic",
            {
                "name": f"Clinic {self.name}",
                "zone": "Europe/London",
                "region": "GB",
                "working_hours": always,
                "rule_set": {"base": "starter", "rules": {}},
                "fallback_contact": {"name": "Duty", "email": f"duty@{self.name}.example", "mobile": "+447700900999"},
                "scales": scales or [],
                "detail_domains": [],
            },
        )
        await self.put("/v1/clinicians/c-1", clinician(self.name))
        for patient in patients:
            await self.register(patient)

    async def register(self, patient: str) -> None:
        """An active patient of the one clinician."""
        await self.put(f"/v1/patients/{patient}", {"name": f"Person {patient}", "clinician": "c-1"})


class Gateway(httpx.AsyncBaseTransport):
    """The base-URL map as a transport: any HTTP client sees one origin, each request goes to the path's owner."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=16))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request on to the service that has a route for it."""
        owner = httpx.URL(self._platform.owner(request.method, request.url.path))
        request.url = request.url.copy_with(scheme=owner.scheme, host=owner.host, port=owner.port)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def clinician(clinic: str) -> dict[str, Any]:
    """The one clinician of a test's clinic."""
    return {
        "name": "Priya",
        "email": f"priya@{clinic}.example",
        "mobile": "+447700900001",
        "channels": ["email", "sms"],
    }


def phq9(patient: str, *items: int, at: datetime | None = None, origin: str = "live") -> dict[str, Any]:
    """A PHQ-9 with its nine items."""
    return {
        "patient": patient,
        "instrument": "phq9",
        "items": {str(number): value for number, value in enumerate(items, 1)},
        "occurred_at": (at or datetime.now(UTC)).isoformat(),
        "origin": origin,
    }


def check_in(patient: str, mood: float, *, at: datetime | None = None, origin: str = "live") -> dict[str, Any]:
    """A check-in."""
    return {"patient": patient, "mood": mood, "occurred_at": (at or datetime.now(UTC)).isoformat(), "origin": origin}


async def read_topic(bootstrap: str, topic: str, *clinics: str) -> list[tuple[str, dict[str, str], Any]]:
    """Every record of some clinics on a topic, oldest first, read without our code: key, headers, JSON."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        cluster = await consumer._client.fetch_all_metadata()  # what is known after a start may be of no topic yet
        partitions = [TopicPartition(topic, number) for number in cluster.partitions_for_topic(topic) or ()]
        assert partitions, f"{topic} has no partitions"
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found = []
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for record in (await consumer.getmany(partition, timeout_ms=500)).get(partition, []):
                    key = (record.key or b"").decode()
                    if key.split("/")[0] in clinics:
                        headers = {name: value.decode() for name, value in record.headers}
                        found.append((key, headers, json.loads(record.value)))
        return found
    finally:
        await consumer.stop()
