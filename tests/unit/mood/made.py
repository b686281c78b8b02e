"""Clinics, bodies and entries, short enough to read in a test, and mood's door with a log in memory behind it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

import httpx

from services.mood.api import ROUTERS
from services.mood.domain import Recorded, Wording
from services.mood.handlers import Catalogue, Clinics, Follower, Reader, Receipts, Recorder, Reminding, Strategies
from services.mood.store import Store
from shared.auth import SCOPES, DevelopmentIssuer, Verifier
from shared.bus import Batch, Event, Position
from shared.contracts import CheckInRecorded, Clinic, QuestionnaireCompleted, Topic
from shared.contracts.base import Origin
from shared.contracts.clinics import ClinicSettings, Contact, RuleChoice, RuleSet, Scale, ScaleItem
from shared.contracts.moods import RiskAnswer
from shared.mongo import Database
from shared.runtime import create_app
from tests.fakes import FakeClock, FakePublisher
from tests.unit.notify.memory_mongo import MemoryDatabase

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)  # a Monday, in working hours
CLINIC = "harbour"
FATIGUE = Scale(name="fatigue", minimum=0, maximum=40, recall_days=7)
SAFE = Scale(
    name="safe",
    minimum=0,
    maximum=8,
    items={
        "sleep": ScaleItem(minimum=0, maximum=4),
        "harm": ScaleItem(minimum=0, maximum=4, risk=True, urgent_from=3),
    },
)


def settings(rule_set: RuleSet | None = None, **more: Any) -> ClinicSettings:
    """A clinic's settings: London, Monday to Friday, 9 to 5, two scales of its own, no licences."""
    return ClinicSettings(
        effective_from=datetime(2026, 1, 1, tzinfo=UTC),
        zone="Europe/London",
        working_hours=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (time(9), time(17))),
        rule_set=rule_set or RuleSet(base="starter"),
        fallback_contact=Contact(name="Duty", email="duty@harbour.example"),
        scales=[FATIGUE, SAFE],
        **more,
    )


def without_risk_item() -> RuleSet:
    """A clinic that has turned the rule off."""
    return RuleSet(base="starter", rules={"risk_item": RuleChoice(enabled=False)})


def clinic_event(name: str = CLINIC, rule_set: RuleSet | None = None, version: int = 1, **more: Any) -> Event:
    """A clinic, as read from its topic."""
    clinic = Clinic(clinic=name, version=version, name="Harbour", settings=[settings(rule_set, **more)])
    return Event("made", NOW, clinic, Position(Topic.CLINICS, 0, 0), clinic.model_dump_json().encode())


def check_in_body(**changes: Any) -> dict[str, Any]:
    """A check-in as sent, half an hour ago."""
    return {"patient": "p-1", "mood": 6.5, "occurred_at": "2026-11-23T09:00:00+00:00"} | changes


def phq9_body(*items: int, **changes: Any) -> dict[str, Any]:
    """A PHQ-9 as sent, its items in order."""
    named = {str(number): value for number, value in enumerate(items, 1)}
    body = {"patient": "p-1", "instrument": "phq9", "items": named, "occurred_at": "2026-11-23T09:00:00+00:00"}
    return body | changes


def line(key: str, body: Mapping[str, Any]) -> str:
    """A line of a batch; the type follows from the body."""
    return json.dumps({"key": key, "type": "questionnaire" if "instrument" in body else "check_in"} | dict(body))


def checked_in(day: date, mood: float, *, hour: int = 9, name: str = "") -> Recorded:
    """A check-in on a timeline."""
    at = datetime.combine(day, time(hour), UTC)
    fact = CheckInRecorded(clinic=CLINIC, patient="p-1", occurred_at=at, local_day=day, origin=Origin.IMPORT, mood=mood)
    return Recorded(name or str(uuid5(NAMESPACE_URL, f"{at} {mood}")), NOW, fact)


def scored(
    day: date, instrument: str, score: float | None, *, risk: int | None = None, prorated: int | None = None
) -> Recorded:
    """A questionnaire on a timeline."""
    answers = [] if risk is None else [RiskAnswer(item="9", value=risk, recall_days=14, urgent_from=2)]
    at = datetime.combine(day, time(10), UTC)
    fact = QuestionnaireCompleted(
        clinic=CLINIC,
        patient="p-1",
        occurred_at=at,
        local_day=day,
        origin=Origin.IMPORT,
        instrument=instrument,
        score=score,
        risk_answers=answers,
        prorated_score=prorated,
    )
    return Recorded(str(uuid5(NAMESPACE_URL, f"{at} {instrument} {score}")), NOW, fact)


@dataclass
class Door:
    """Mood's routes for recording, with a clock and a log that the test moves."""

    http: httpx.AsyncClient
    clock: FakeClock
    log: FakePublisher
    clinics: Clinics
    issuer: DevelopmentIssuer
    store: Store
    receipts: Receipts

    def token(
        self,
        clinic: str = CLINIC,
        scopes: tuple[str, ...] = SCOPES,
        client: str = "tests",
        role: str = "clinic_system",
        patient: str | None = None,
    ) -> dict[str, str]:
        """The header that says who calls; a patient is p-1 where it does not say who."""
        patient = patient or ("p-1" if role == "patient" else None)
        token = self.issuer.issue(clinic=clinic, client=client, scopes=scopes, role=role, patient=patient)
        return {"Authorization": f"Bearer {token}"}

    async def follow(self) -> None:
        """Apply all that stands on the log, again from its beginning: it may be done at any time."""
        await self.receipts.settled()
        reminding = Reminding(store=self.store, clinics=self.clinics, publisher=self.log, clock=self.clock)
        follower = Follower(store=self.store, reminding=reminding)
        await follower.handle(Batch(0, self.log.events, 0, self.clock.now(), caught_up=True))

    async def put(self, path: str, body: Any, *, key: str = "k-1", **who: Any) -> httpx.Response:
        """One PUT of an object."""
        headers = self.token(**who) | {"Idempotency-Key": key}
        return await self.http.put(path, content=json.dumps(body), headers=headers)

    async def post(self, path: str, body: Any, *, key: str | None = "k-1", **who: Any) -> httpx.Response:
        """One POST; `body` is an object, or text sent as it is."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        headers = self.token(**who) | ({} if key is None else {"Idempotency-Key": key})
        return await self.http.post(path, content=content, headers=headers)

    async def get(self, path: str, **who: Any) -> httpx.Response:
        """One GET."""
        return await self.http.get(path, headers=self.token(**who))

    async def check_in(self, body: Any, **how: Any) -> httpx.Response:
        """A check-in, sent."""
        return await self.post("/v1/check-ins", body, **how)

    async def questionnaire(self, body: Any, **how: Any) -> httpx.Response:
        """A questionnaire, sent."""
        return await self.post("/v1/questionnaires", body, **how)

    async def batch(self, *lines: str, **how: Any) -> httpx.Response:
        """A batch, sent."""
        return await self.post("/v1/events:batch", "\n".join(lines), key=None, **how)


@asynccontextmanager
async def open_door(
    packs: Mapping[str, Wording] | None = None, codes: Mapping[str, str] | None = None
) -> AsyncIterator[Door]:
    """The door of a clinic that is set up; packs, codes: wordings and SNOMED CT codes that are installed."""
    clock, log, clinics = FakeClock(NOW), FakePublisher(partitions=4), Clinics()
    issuer = DevelopmentIssuer(environment="development", issuer="tests", audience="tests", clock=clock)
    await clinics.apply(clinic_event())

    async def reached(position: Position) -> bool:
        return position.offset < 1_000

    store = Store(cast("Database", MemoryDatabase()))
    receipts = Receipts(publisher=log, store=store, clock=clock)

    state = {
        "verifier": Verifier(jwks=issuer.jwks(), issuer="tests", audience="tests", clock=clock),
        "recorder": Recorder(publisher=log, clinics=clinics, clock=clock),
        "catalogue": Catalogue(clinics=clinics, clock=clock, packs=packs or {}, codes=codes or {}),
        "reader": Reader(store=store, clinics=clinics, clock=clock),
        "strategies": Strategies(publisher=log, store=store, clinics=clinics, clock=clock),
        "receipts": receipts,
        "reached": reached,
    }

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[Mapping[str, Any]]:
        yield state

    app = create_app(service="mood", title="mood", routers=ROUTERS, lifespan=lifespan)

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"state": dict(state)}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=with_state), base_url="http://mood") as http:
        yield Door(http, clock, log, clinics, issuer, store, receipts)


def at(hours: float) -> str:
    """So many hours before NOW, as sent."""
    return (NOW - timedelta(hours=hours)).isoformat()
