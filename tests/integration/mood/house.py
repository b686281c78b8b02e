"""Mood running on a real broker and store, the clinics that talk to it, and intake's side of the bus."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx

from services.mood.app import create_app
from services.mood.settings import Settings
from shared.auth import SCOPES, DevelopmentIssuer
from shared.bus import Message, Position
from shared.bus.kafka import KafkaPublisher
from shared.contracts import Clinic, Contract, Patient, Question, QuestionAsked
from shared.contracts.base import Origin
from shared.contracts.clinics import ClinicSettings, Contact, RuleSet
from shared.contracts.questions import QuestionStatus
from tests.fakes import FakeClock
from tests.integration.service import MONDAY, Service, opened, told, until
from tests.stack import Stack


@dataclass
class Client:
    """One clinic's system, and what intake publishes of that clinic."""

    clinic: str
    http: httpx.AsyncClient
    publisher: KafkaPublisher

    async def check_in(self, patient: str = "sam", mood: float = 6, *, key: str | None = None, **more: Any) -> Any:
        """A check-in, sent."""
        body = {"patient": patient, "mood": mood, "occurred_at": MONDAY.isoformat()} | more
        return await self.post("/v1/check-ins", json.dumps(body), key=key)

    async def phq9(self, *items: int, patient: str = "sam", **more: Any) -> Any:
        """A PHQ-9, sent."""
        named = {str(number): value for number, value in enumerate(items, 1)}
        body = {"patient": patient, "instrument": "phq9", "items": named, "occurred_at": MONDAY.isoformat()} | more
        return await self.post("/v1/questionnaires", json.dumps(body))

    async def post(self, path: str, body: str, *, key: str | None = None) -> httpx.Response:
        """One POST, with `key` or a new one."""
        return await self.http.post(path, content=body, headers={"Idempotency-Key": key or uuid.uuid4().hex})

    async def get(self, path: str, *positions: Any) -> Any:
        """What a path that must answer 200 says, once mood has read up to these positions."""
        answer = await self.ask(path, *positions)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ask(self, path: str, *positions: Any) -> httpx.Response:
        """The answer of a path, once mood has read up to these positions; it may need more than the 2 s of one read."""
        headers = {"Wait-For-Position": ",".join(map(str, positions))} if positions else {}

        async def reached() -> httpx.Response | None:
            answer = await self.http.get(path, headers=headers)
            return None if "Projection-Behind" in answer.headers else answer

        answer = await until(f"{path} up to {positions}", reached)
        assert answer is not None
        return answer

    async def publish(self, data: Contract, name: str | None = None) -> Position:
        """Intake's word on the bus."""
        return (await self.publisher.publish([Message(name or uuid.uuid4().hex, MONDAY, data)]))[0]

    async def set_up(self, *, version: int = 1, **more: Any) -> Position:
        """The clinic, as intake publishes it."""
        hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (time(9), time(17)))
        settings = ClinicSettings(
            effective_from=datetime(2026, 1, 1, tzinfo=UTC),
            zone="Europe/London",
            working_hours=hours,
            rule_set=RuleSet(base="starter"),
            fallback_contact=Contact(name="Duty", email="duty@harbour.example"),
            **more,
        )
        return await self.publish(Clinic(clinic=self.clinic, version=version, name="Harbour", settings=[settings]))

    async def register(self, patient: str = "sam", *, version: int = 1, **more: Any) -> Position:
        """A patient's document, as intake publishes it."""
        return await self.publish(
            Patient(
                clinic=self.clinic,
                patient=patient,
                version=version,
                registered_at=MONDAY,
                updated_at=MONDAY,
                **more,
            )
        )

    async def asks(self, text: str, *, patient: str = "sam", at: datetime = MONDAY) -> tuple[QuestionAsked, Position]:
        """A question, as intake publishes it."""
        name = str(uuid.uuid4())
        asked = QuestionAsked(
            clinic=self.clinic,
            patient=patient,
            question=name,
            text=text,
            occurred_at=at,
            local_day=at.date(),
            origin=Origin.LIVE,
        )
        return asked, await self.publish(asked, name)

    async def answers(self, asked: QuestionAsked, answer: str) -> Position:
        """The care team's answer to a question."""
        return await self.publish(
            Question(
                clinic=asked.clinic,
                patient=asked.patient,
                question=asked.question,
                version=2,
                asked_at=asked.occurred_at,
                status=QuestionStatus.ANSWERED,
                answer=answer,
                answered_at=MONDAY + timedelta(hours=1),
                updated_at=MONDAY + timedelta(hours=1),
            )
        )


@dataclass
class Mood(Service):
    """Mood, clients of it, and intake's side of the bus."""

    publisher: KafkaPublisher

    def client(self, clinic: str | None = None, scopes: tuple[str, ...] = SCOPES) -> Client:
        """A client with a token for one clinic; a new clinic where none is named."""
        return Client(*self.connect(clinic, scopes), self.publisher)


@asynccontextmanager
async def running(stack: Stack, *, prefix: str, clock: FakeClock, issuer: DevelopmentIssuer) -> AsyncIterator[Mood]:
    """Mood with a database of its own, ready."""
    app = create_app(Settings(**told(stack, prefix, issuer)), clock)
    async with (
        KafkaPublisher(bootstrap=stack.bootstrap, service="intake") as publisher,
        opened(app, clock, issuer) as service,
    ):
        mood = Mood(**vars(service), publisher=publisher)
        await until("mood is ready", mood.ready)
        yield mood


def again(client: Client, mood: Mood) -> Client:
    """The same clinic, talking to another instance."""
    return replace(client, http=mood.client(client.clinic).http)
