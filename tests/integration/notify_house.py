"""notify alone on the real broker and store, between people who speak as intake and insights do, and the providers."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any, TypeVar

import httpx

from services.notify.app import create_app
from services.notify.settings import Settings
from shared.auth import DevelopmentIssuer
from shared.bus import Message
from shared.bus.kafka import KafkaPublisher
from shared.contracts import Assessment, Clinic, Clinician, Contract, Patient
from shared.contracts.assessments import Chart, Concern, Telling
from shared.contracts.base import ChannelName, Origin, Urgency
from shared.contracts.clinics import ClinicSettings, Contact, RuleSet
from shared.contracts.patients import PatientStatus
from shared.mongo import open_database
from tests.fakes import FakeClock
from tests.providers import MailServer, Twilio
from tests.stack import Stack

POLL = 0.02  # seconds between two looks
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
"""A Monday in working hours, in London."""
Answer = TypeVar("Answer")


async def until(what: str, ask: Callable[[], Answer | Awaitable[Answer]], *, seconds: float = 20) -> Answer:
    """Ask again and again until the answer is true; fail by name when it takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer  # type: ignore[return-value]
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(POLL)


COLLECTIONS = (
    "alerts",
    "assessments",
    "patients",
    "register",
    "due",
    "deliveries",
    "references",
    "paces",
    "contacts",
    "openings",
    "answered",
    "load",
    "letters",
    "letters_due",
    "letter_names",
    "resume",
)


@dataclass
class House:
    """The broker, the store, the providers, a clock to move, and notify when it is started."""

    stack: Stack
    mail: MailServer
    twilio: Twilio
    clock: FakeClock = field(default_factory=lambda: FakeClock(MONDAY))
    prefix: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:10]}")
    callbacks: bool = False

    def __post_init__(self) -> None:
        self._issuer = DevelopmentIssuer(environment="development", issuer="i", audience="a", clock=self.clock)

    def settings(self) -> Settings:
        """As the environment would tell them."""
        return Settings(
            env="development",
            kafka=self.stack.bootstrap,
            mongo=self.stack.mongo_url,
            database_prefix=self.prefix,
            jwt_keys=json.dumps(self._issuer.jwks()),
            jwt_issuer="i",
            jwt_audience="a",
            smtp_host=self.mail.host,
            smtp_port=self.mail.port,
            smtp_tls="none",
            mail_from="alerts@rapport.example",
            twilio_url=self.twilio.url,
            twilio_account=self.twilio.account,
            twilio_token=self.twilio.token,
            twilio_from="+447700900000",
            twilio_callbacks=self.callbacks,
            public_url="https://rapport.example",
            link_secret="a-secret-of-the-tests-alone",
        )

    @asynccontextmanager
    async def notify(self) -> AsyncIterator["Door"]:
        """notify, running and ready, until the block ends."""
        app = create_app(self.settings(), self.clock)
        async with AsyncExitStack() as stack:
            state = await stack.enter_async_context(app.router.lifespan_context(app))

            async def asgi(scope: Any, receive: Any, send: Any) -> None:
                await app(scope | {"state": dict(state or {})}, receive, send)

            client = httpx.AsyncClient(transport=httpx.ASGITransport(app=asgi), base_url="http://notify")
            door = Door(await stack.enter_async_context(client), self._issuer)
            await until("notify is ready", door.ready)
            yield door

    async def drop_store(self) -> None:
        """Lose everything notify has stored."""
        async with open_database(self.stack.mongo_url, f"{self.prefix}_notify") as database:
            for collection in COLLECTIONS:
                await database[collection].drop()

    async def backup(self) -> dict[str, list[Any]]:
        """Everything notify has stored, as it stands."""
        async with open_database(self.stack.mongo_url, f"{self.prefix}_notify") as database:
            return {name: await database[name].find({}).to_list(None) for name in COLLECTIONS}

    async def restore(self, backup: dict[str, list[Any]]) -> None:
        """The store as it was, while notify is stopped."""
        await self.drop_store()
        async with open_database(self.stack.mongo_url, f"{self.prefix}_notify") as database:
            for name, records in backup.items():
                if records:
                    await database[name].insert_many(records)

    @asynccontextmanager
    async def clinic(self, **settings: Any) -> AsyncIterator["Place"]:
        """A clinic nobody has heard of yet, with one clinician and one patient."""
        async with KafkaPublisher(bootstrap=self.stack.bootstrap, service="tests") as publisher:
            place = Place(f"c-{uuid.uuid4().hex[:8]}", publisher, self.clock)
            await place.set_up(**settings)
            yield place


@dataclass
class Door:
    """notify's HTTP."""

    client: httpx.AsyncClient
    issuer: DevelopmentIssuer

    async def ready(self) -> bool:
        """Whether it applies events."""
        answer = await self.client.get("/readyz")
        return answer.status_code == 200

    async def ask(
        self, clinic: str, method: str, path: str, *, key: str = "", body: Any = None, patient: str | None = None
    ) -> httpx.Response:
        """One request with a token of a clinic, or of one of its patients; POSTs with a key, `key` or a new one."""
        role = "clinic_system" if patient is None else "patient"
        token = self.issuer.issue(clinic=clinic, client="priya", role=role, patient=patient)
        headers = {"Authorization": f"Bearer {token}"}
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        return await self.client.request(method, path, headers=headers, json=body)

    async def alerts(self, clinic: str, **filters: str) -> list[Any]:
        """A clinic's alerts."""
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        answer = await self.ask(clinic, "GET", f"/v1/alerts?{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    async def trail(self, clinic: str, alert: str) -> list[Any]:
        """What was sent about an alert."""
        answer = await self.ask(clinic, "GET", f"/v1/alerts/{alert}")
        assert answer.status_code == 200, answer.text
        return answer.json()["deliveries"]


@dataclass
class Place:
    """One clinic, as intake and insights speak of it."""

    name: str
    publisher: KafkaPublisher
    clock: FakeClock
    basis: int = 0
    versions: dict[str, int] = field(default_factory=dict)

    @property
    def clinician(self) -> str:
        """The clinician's e-mail address."""
        return f"priya@{self.name}.example"

    @property
    def fallback(self) -> str:
        """The fallback contact's e-mail address."""
        return f"duty@{self.name}.example"

    @property
    def mobile(self) -> str:
        """The clinician's mobile number, of this clinic alone."""
        return f"+4477{int(self.name[2:], 16) % 10**8:08}"

    @property
    def fallback_mobile(self) -> str:
        """The fallback contact's mobile number, of this clinic alone."""
        return f"+4478{int(self.name[2:], 16) % 10**8:08}"

    async def say(self, document: Contract) -> None:
        """Publish a document."""
        await self.publisher.publish([Message(str(uuid.uuid4()), self.clock.now(), document)])

    def _version(self, what: str) -> int:
        self.versions[what] = self.versions.get(what, 0) + 1
        return self.versions[what]

    async def set_up(self, *, registered: bool = True, **settings: Any) -> None:
        """The clinic works Monday to Friday, 9 to 5, in London."""
        week = {day: (clock_time(9), clock_time(17)) for day in ("mon", "tue", "wed", "thu", "fri")}
        in_force = {
            "effective_from": MONDAY - timedelta(days=365),
            "zone": "Europe/London",
            "working_hours": week,
            "rule_set": RuleSet(base="starter"),
            "fallback_contact": Contact(name="Duty", email=self.fallback, mobile=self.fallback_mobile),
        } | settings
        await self.say(
            Clinic(
                clinic=self.name,
                version=self._version("clinic"),
                name=f"Clinic {self.name}",
                settings=[ClinicSettings(**in_force)],
            )
        )
        await self.staff()
        if registered:
            await self.register()

    async def staff(self, **changes: Any) -> None:
        """The clinician, with both channels unless said otherwise."""
        fields = {
            "name": "Priya",
            "email": self.clinician,
            "mobile": self.mobile,
            "channels": [ChannelName.EMAIL, ChannelName.SMS],
        } | changes
        await self.say(Clinician(clinic=self.name, clinician="priya", version=self._version("clinician"), **fields))

    async def also(self, clinician: str) -> str:
        """Another clinician, told by e-mail; returns their address."""
        address = f"{clinician}@{self.name}.example"
        found = {"name": clinician.title(), "email": address, "channels": [ChannelName.EMAIL]}
        await self.say(Clinician(clinic=self.name, clinician=clinician, version=self._version(clinician), **found))
        return address

    async def register(
        self, patient: str = "sam", clinician: str | None = "priya", status: PatientStatus = PatientStatus.ACTIVE
    ) -> None:
        """A patient of the clinician."""
        await self.say(
            Patient(
                clinic=self.name,
                patient=patient,
                version=self._version(patient),
                name="Sam Taylor",
                clinician=clinician,
                status=status,
                registered_at=MONDAY,
                updated_at=MONDAY,
            )
        )

    async def assess(
        self, *concerns: Concern, patient: str = "sam", registered: bool = True, basis: int | None = None
    ) -> Assessment:
        """What insights says of a patient; each time later than before, unless a basis is given."""
        self.basis += 1
        assessment = Assessment(
            clinic=self.name,
            patient=patient,
            epoch=0,
            basis=basis or self.basis,
            settings_version=1,
            rules_version=1,
            made_at=self.clock.now(),
            registered=registered,
            entries=1,
            last_heard=self.clock.now(),
            concerns=list(concerns),
        )
        await self.say(assessment)
        return assessment


def risk(*evidence: Telling, holds: bool = True) -> Concern:
    """Item 9 was answered above 0."""
    return concern("risk_item", *evidence, holds=holds, reason="Item 9 was answered 2.")


def concern(
    rule: str, *evidence: Telling, holds: bool = True, reason: str = "It says why.", chart: Chart | None = None
) -> Concern:
    """What one rule says."""
    return Concern(
        rule=rule,
        holds=holds,
        since=evidence[0].at if holds and evidence else None,
        reason=reason,
        until="until it does not",
        source="a test",
        parameters={},
        numbers={},
        telling=list(evidence),
        chart=chart,
    )


def evidence(
    name: str = "",
    *,
    at: datetime = MONDAY,
    origin: Origin = Origin.LIVE,
    urgency: Urgency = Urgency.AT_ONCE,
) -> Telling:
    """A piece of telling evidence."""
    return Telling(
        id=name or uuid.uuid4().hex,
        at=at,
        origin=origin,
        urgency=urgency,
        said="Answered 2 on 23 November",
        accepted_at=at,
    )
