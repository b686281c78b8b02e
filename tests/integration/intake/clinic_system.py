"""Intake running on a real broker and store, and the systems of the clinics that talk to it."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from services.intake.app import create_app
from services.intake.settings import Settings
from shared.auth import SCOPES, DevelopmentIssuer
from tests.fakes import FakeClock
from tests.integration.service import MONDAY, Service, opened, told, until
from tests.stack import Stack

CLINIC: dict[str, Any] = {
    "name": "Harbour Clinic",
    "zone": "Europe/London",
    "working_hours": {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    "rule_set": {"base": "starter"},
    "fallback_contact": {"name": "Duty", "email": "duty@harbour.example"},
}
PRIYA: dict[str, Any] = {"name": "Priya", "email": "priya@harbour.example", "channels": ["email"]}
SAM: dict[str, Any] = {"name": "Sam Taylor", "mobile": "+447700900002", "clinician": "priya"}
RATING = {
    "felt_welcome": 9,
    "room_was_comfortable": 7,
    "felt_listened_to": 9,
    "worked_on_what_matters": 8,
    "questions_were_answered": 8,
}


@dataclass
class Client:
    """One clinic's system."""

    clinic: str
    http: httpx.AsyncClient

    async def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        """One request; POSTs get an Idempotency-Key, `key` or a new one."""
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        return await self.http.request(method, path, json=body, headers=headers)

    async def get(self, path: str, **headers: str) -> Any:
        """What a path that must answer 200 says."""
        answer = await self.ask("GET", path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def do(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        """A request that must be accepted."""
        answer: httpx.Response = await self.ask(method, path, body, key=key)
        assert answer.is_success, answer.text
        return answer

    async def set_up(self) -> None:
        """A clinic with one clinician and one patient."""
        await self.do("PUT", "/v1/clinic", CLINIC)
        await self.do("PUT", "/v1/clinicians/priya", PRIYA)
        await self.do("PUT", "/v1/patients/sam", SAM)


class Intake(Service):
    """Intake, and clients of it."""

    def client(
        self, clinic: str | None = None, scopes: tuple[str, ...] = SCOPES, *, patient: str | None = None
    ) -> Client:
        """A client with a token for one clinic, or for one of its patients; a new clinic where none is named."""
        return Client(*self.connect(clinic, scopes, patient=patient))

    async def reads(self) -> None:
        """Return once it has been given its partitions and applies what stands on them."""
        client = self.client()
        await client.set_up()
        asked = (await client.do("POST", "/v1/questions", question())).json()

        async def known() -> bool:
            answer: httpx.Response = await client.ask("GET", f"/v1/questions/{asked['id']}")
            return answer.is_success

        await until("the first question", known)


@asynccontextmanager
async def running(stack: Stack, *, prefix: str, clock: FakeClock, issuer: DevelopmentIssuer) -> AsyncIterator[Intake]:
    """Intake with a database of its own, ready and reading."""
    settings = Settings(**told(stack, prefix, issuer), sweep_seconds=0.2)
    async with opened(create_app(settings, clock), clock, issuer) as service:
        intake = Intake(**vars(service))
        await until("intake", intake.ready)
        await intake.reads()
        yield intake


def question(**changes: Any) -> dict[str, Any]:
    return {"patient": "sam", "text": "Is it normal?", "occurred_at": MONDAY.isoformat()} | changes


def session(**changes: Any) -> dict[str, Any]:
    return {"session": "s1", "scheduled_at": (MONDAY - timedelta(hours=2)).isoformat()} | changes
