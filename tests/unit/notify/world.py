"""The world notify's unit tests play in: the real reconciler, dispatcher and desk over a log and a store in memory.

A process dies at any step; what outlives it is the log, the store, what was handed over, and the time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.notify.domain import Channel, Delivery, Notice, Outcome, Result
from services.notify.handlers import (
    Auditor,
    ByLink,
    BySms,
    Contacts,
    Deciding,
    Desk,
    Dispatcher,
    Figures,
    HandingOver,
    Holding,
    OpenAlerts,
    OwnRead,
    Pacing,
    Post,
    Reconciler,
)
from services.notify.handlers.handing_over import Messenger
from services.notify.store import ALERT_FACETS, Clinics, Store
from shared.bus import Batch, Event, Message, Position
from shared.bus.runner import Health, LaneHealth
from shared.contracts import Alert, Assessment, Clinic, Clinician, ContactState, Contract, Patient, Topic
from shared.contracts.clinics import ClinicSettings, Contact, RuleSet
from shared.documents import Mirror, Owned
from tests.fakes import FakeClock, FakePublisher
from tests.unit.notify.made import MONDAY, patient
from tests.unit.notify.memory_mongo import Killed, Life, MemoryDatabase


@dataclass(frozen=True)
class Sent:
    """A message a provider accepted."""

    at: datetime
    channel: Channel
    notice: Notice

    @property
    def to(self) -> str:
        """The address."""
        return self.notice.address


@dataclass
class World:
    """What outlives a process: the log, the store, what was handed over, and the time."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(MONDAY))
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    log: FakePublisher = field(default_factory=FakePublisher)
    said: list[Assessment] = field(default_factory=list)
    documents: list[Contract] = field(default_factory=lambda: [CLINIC, CLINICIAN])
    handed_over: list[tuple[str, Channel]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[object]] | None = None
    told: list[str] = field(default_factory=list)
    excused: set[str] = field(default_factory=set)
    accidents: int = 0
    away: bool = False

    def process(self, life: Life) -> "Process":
        """notify, started anew."""
        return Process(self, life)

    def alerts(self) -> list[Alert]:
        """What the store holds."""
        records = self.database._records.get("alerts", {}).values()
        return [Alert.model_validate_json(record["body"]) for record in records]

    def rows(self) -> dict[str, Delivery]:
        """The rows of deliveries, by id."""
        records = self.database._records.get("deliveries", {}).items()
        return {name: Delivery.model_validate_json(record["body"]) for name, record in records}


@dataclass
class Publishing:
    """The bus, as a process sees it."""

    world: World
    life: Life

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        """Dies before or after, or does it."""
        await self.life.step()
        positions = await self.world.log.publish(messages)
        await self.life.step()
        return positions


@dataclass
class Provider:
    """A channel that accepts everything, unless providers are away."""

    world: World
    life: Life
    channel: Channel

    async def send(self, notice: Notice) -> Result:
        """Dies before it, or after it, which nobody can tell apart."""
        await self.life.step()
        if self.world.away:
            return Result(outcome=Outcome.TEMPORARY, code="away")
        if "refused" in notice.address:
            return Result(outcome=Outcome.PERMANENT, code="550")
        if self.world.meanwhile is not None:
            meanwhile, self.world.meanwhile = self.world.meanwhile, None
            await meanwhile()
        self.world.sent.append(Sent(self.world.clock.now(), self.channel, notice))
        self.world.handed_over.append((notice.token, self.channel))
        for line in notice.lines:
            self.world.told += line.detail.evidence if line.detail else ()
        await self.life.step()
        return Result(outcome=Outcome.ACCEPTED, code="250")


@dataclass
class Lane:
    """The bus as `OwnRead` sees it: one partition, ours, and whether its own topics were read."""

    own_read: bool = True
    partitions: int = 1

    async def ends(self, partition: int) -> Mapping[Topic, int]:
        """Something stands there."""
        return {Topic.ALERTS: 1, Topic.LETTERS: 1}

    async def passed(self, position: Position) -> bool:
        """The store says nothing."""
        return False

    def health(self) -> Health:
        """Well."""
        return Health(
            ready=True, reasons=[], lanes={0: LaneHealth("running", 0, caught_up=self.own_read, own_read=self.own_read)}
        )

    def as_told(self) -> OwnRead:
        """What a process makes of it."""
        topics = frozenset({Topic.ALERTS, Topic.LETTERS})
        return OwnRead(source=self, health=self.health, passed=self.passed, topics=topics)


class Process:
    """The real parts of notify on the world."""

    def __init__(
        self,
        world: World,
        life: Life,
        channels: Mapping[Channel, Messenger] | None = None,
        apprise: Mapping[str, str] | None = None,
    ) -> None:
        """channels: other ones than those that accept everything. apprise: keys by clinic."""
        self.world, self.life = world, life
        self.lane = Lane()
        self.own_read = own_read = self.lane.as_told()
        database, clock = world.database.as_seen_by(life), world.clock
        store, clinics = Store(database=database, clock=clock), Clinics()  # type: ignore[arg-type]
        clinics.keep(world.documents)
        self.store, self.clinics = store, clinics
        self.alerts = Owned(
            collection=database["alerts"],  # type: ignore[arg-type]
            model=Alert,
            publisher=Publishing(world, life),
            clock=clock,
            service="notify",
            facets=ALERT_FACETS,
        )
        assessments = Mirror(collection=database["assessments"], model=Assessment)  # type: ignore[arg-type]
        patients = Mirror(collection=database["patients"], model=Patient)  # type: ignore[arg-type]
        states = Owned(
            collection=database["contacts"],  # type: ignore[arg-type]
            model=ContactState,
            publisher=Publishing(world, life),
            clock=clock,
            service="notify",
        )
        self.contacts = Contacts(documents=states, key="a-secret-of-the-tests-alone", clock=clock)
        self.post = post = Post(
            clinics=clinics,
            contacts=self.contacts,
            patients=patients,
            assessments=assessments,
            public_url="https://rapport.example",
            link_key="a-secret-of-the-tests-alone",
            apprise=apprise or {},
        )
        handing_over = HandingOver(
            deliveries=store.deliveries,
            alerts=self.alerts,
            post=post,
            pacing=Pacing(paces=store.paces, deliveries=store.deliveries, contacts=self.contacts, clock=clock),
            channels=channels or {channel: Provider(world, life, channel) for channel in Channel},
            holding=Holding(deliveries=store.deliveries, load=store.load, post=post, clock=clock),
            own_read=own_read,
            clock=clock,
        )
        self.dispatcher = Dispatcher(deliveries=store.deliveries, due=store.due, handing_over=handing_over, clock=clock)
        self.reconciler = Reconciler(
            alerts=self.alerts,
            assessments=assessments,
            patients=patients,
            register=store.register,
            deliveries=store.deliveries,
            post=post,
            handing_over=handing_over,
            dispatcher=self.dispatcher,
            open_alerts=(open_alerts := OpenAlerts()),
            own_read=own_read,
            clock=clock,
        )
        self.auditor = Auditor(
            open_alerts=open_alerts,
            alerts=self.alerts,
            assessments=assessments,
            patients=patients,
            register=store.register,
            deliveries=store.deliveries,
            due=store.due,
            reconciler=self.reconciler,
            handing_over=handing_over,
            dispatcher=self.dispatcher,
            post=post,
            clock=clock,
        )
        self.figures = Figures(alerts=self.alerts, patients=patients, load=store.load, post=post, clock=clock)
        self.deciding = deciding = Deciding(
            alerts=self.alerts, deliveries=store.deliveries, post=post, own_read=own_read, clock=clock
        )
        shelves: dict[str, Any] = {"alerts": self.alerts, "register": store.register}
        decided: dict[str, Any] = {"deciding": deciding, "post": post, "clock": clock}
        by_sms = BySms(**shelves, **decided, deliveries=store.deliveries, paces=store.paces, answered=store.answered)
        self.by_link = ByLink(**shelves, **decided, openings=store.openings)
        self.desk = Desk(**shelves, **decided, deliveries=store.deliveries, openings=store.openings, by_sms=by_sms)

    async def learn(self) -> None:
        """Read its own topic to the end, before anything else."""
        await self.reconciler.assigned(0)
        if self.world.log.events:
            await self.reconciler.handle(batch(self.world.log.events))
        self.lane.own_read = True

    async def handle(self, said: Sequence[Assessment]) -> None:
        """Apply a batch."""
        events = [event(patient()), *(event(one) for one in said)]
        await self.reconciler.handle(batch(events))

    async def calm(self) -> None:
        """Let what is in flight finish, and see to what is due."""
        for _ in range(3):
            await self.dispatcher.poll()
            await self.dispatcher.calm()
        if self.life.dead:
            raise Killed


async def silenced() -> bool:
    """End what a process left running, and say whether there was anything."""
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    for task in rest:
        with suppress(asyncio.CancelledError, Killed, Exception):
            await task
    return bool(rest)


def event(data: Any) -> Event:
    """A document as the bus brings it."""
    return Event("id", MONDAY, data, Position(data.topic, 0, 0), b"")


def batch(events: Sequence[Event]) -> Batch:
    """Some of them together, at the end of what there is."""
    return Batch(partition=0, events=list(events), basis=1, horizon=MONDAY, caught_up=True)


CLINIC = Clinic(
    clinic="harbour",
    version=1,
    name="Harbour",
    settings=[
        ClinicSettings(
            effective_from=MONDAY - timedelta(days=365),
            zone="Europe/London",
            working_hours=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00", "17:00")),
            rule_set=RuleSet(base="starter"),
            fallback_contact=Contact(name="Duty", email="duty@listed.example"),
            detail_domains=["listed.example"],
        )
    ],
)
CLINICIAN = Clinician(
    clinic="harbour",
    clinician="priya",
    version=1,
    email="priya@listed.example",
    mobile="+447700900001",
    channels=["email", "sms"],
)
