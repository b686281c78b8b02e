"""One service, whole, on a real broker and store: what the houses of the four services have in common."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI

from shared.auth import SCOPES, DevelopmentIssuer
from tests.fakes import FakeClock
from tests.stack import Stack

POLL = 0.02  # seconds between two looks
MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
Answer = TypeVar("Answer")


async def until(what: str, ask: Callable[[], Awaitable[Answer]], *, seconds: float = 60) -> Answer:
    """Ask again and again until the answer is true; fail by name when it takes too long."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (answer := await ask()):
        assert asyncio.get_running_loop().time() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(POLL)
    return answer


@dataclass
class Service:
    """A service's app, open, with its clock, and connections of as many clinics as a test needs."""

    app: FastAPI
    state: dict[str, Any]
    clock: FakeClock
    issuer: DevelopmentIssuer

    def connect(
        self, clinic: str | None, scopes: tuple[str, ...] = SCOPES, *, patient: str | None = None
    ) -> tuple[str, httpx.AsyncClient]:
        """A clinic's name, new where none is given, and a connection with a token of it, or of one of its patients."""
        name = clinic or f"clinic-{uuid.uuid4().hex[:10]}"
        role, lasts = "clinic_system" if patient is None else "patient", timedelta(days=3000)
        token = self.issuer.issue(clinic=name, client="tests", role=role, patient=patient, scopes=scopes, lasts=lasts)
        headers = {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app=self._with_state)
        return name, httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def _with_state(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope | {"state": dict(self.state)}, receive, send)

    async def readiness(self) -> dict[str, Any]:
        """What `/readyz` says."""
        _, http = self.connect("nobody")
        answer: dict[str, Any] = (await http.get("/readyz")).json()
        return answer

    async def ready(self) -> bool:
        """Whether it says it is."""
        return bool((await self.readiness())["ready"])


def issuer_at(clock: FakeClock) -> DevelopmentIssuer:
    """Who signs the tokens that `told` makes a service accept."""
    return DevelopmentIssuer(environment="development", issuer="i", audience="a", clock=clock)


def told(stack: Stack, prefix: str, issuer: DevelopmentIssuer) -> dict[str, Any]:
    """The settings all services share: this stack, this prefix of databases and groups, this issuer."""
    return {
        "env": "development",
        "kafka": stack.bootstrap,
        "mongo": stack.mongo_url,
        "database_prefix": prefix,
        "jwt_keys": json.dumps(issuer.jwks()),
        "jwt_issuer": "i",
        "jwt_audience": "a",
    }


@asynccontextmanager
async def opened(app: FastAPI, clock: FakeClock, issuer: DevelopmentIssuer) -> AsyncIterator[Service]:
    """The app with its lifespan entered; ready or not."""
    async with app.router.lifespan_context(app) as state:
        yield Service(app, dict(state or {}), clock, issuer)
