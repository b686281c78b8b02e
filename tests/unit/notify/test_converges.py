"""The real reconciler and dispatcher under every schedule: duplicates, reorderings, kills at any step, lost stores.

At the end all telling evidence was told in one alert, alerts were opened once, every round's message was handed over,
and a message that went twice carries the same Message-ID and is owed to a process killed in mid-flight.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notify.domain import RISK, Channel, Notice, Outcome, Result, acknowledge, owed
from services.notify.handlers import Dispatcher, HandingOver, OpenAlerts, Post, Reconciler
from services.notify.handlers import handing_over as handing_over_module
from services.notify.store import ALERT_FACETS, Clinics, Store
from shared.bus import Batch, Event, Message, Position
from shared.contracts import Alert, Assessment, Clinic, Clinician, Patient
from shared.contracts.alerts import AlertStatus
from shared.contracts.assessments import Concern
from shared.contracts.base import Origin, Urgency
from shared.contracts.clinics import ClinicSettings, Contact, RuleSet
from shared.documents import Mirror, Owned
from shared.errors import Recoverable
from tests.fakes import FakeClock, FakePublisher
from tests.unit.notify.made import MONDAY, assessment, concern, patient, telling
from tests.unit.notify.memory_mongo import Killed, Life, MemoryDatabase

EVENTS = st.sampled_from(
    ["live", "calm", "import", "mood", "mood over", "again", "stale", "poll", "hour", "night", "drop", "take", "away"]
)
STEPS = st.lists(st.tuples(EVENTS, st.one_of(st.none(), st.integers(0, 60))), min_size=3, max_size=14)


@dataclass
class World:
    """What outlives a process: the log, the store, what was handed over, and the time."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(MONDAY))
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    log: FakePublisher = field(default_factory=FakePublisher)
    said: list[Assessment] = field(default_factory=list)
    handed_over: list[tuple[str, Channel]] = field(default_factory=list)
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
        self.world.handed_over.append((notice.token, self.channel))
        for line in notice.lines:
            self.world.told += line.detail.evidence if line.detail else ()
        await self.life.step()
        return Result(outcome=Outcome.ACCEPTED, code="250")


class Process:
    """The real parts of notify on the world."""

    def __init__(self, world: World, life: Life) -> None:
        self.world, self.life = world, life
        database, clock = world.database.as_seen_by(life), world.clock
        store, clinics = Store(database=database, clock=clock), Clinics()  # type: ignore[arg-type]
        clinics.keep([CLINIC, CLINICIAN])
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
        post = Post(
            clinics=clinics,
            patients=patients,
            assessments=assessments,
            public_url="https://rapport.example",
            link_key="a-secret-of-the-tests-alone",
        )
        handing_over = HandingOver(
            deliveries=store.deliveries,
            alerts=self.alerts,
            post=post,
            channels={channel: Provider(world, life, channel) for channel in Channel},
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
            open_alerts=OpenAlerts(),
            clock=clock,
        )

    async def learn(self) -> None:
        """Read its own topic to the end, before anything else."""
        await self.reconciler.assigned(0)
        if self.world.log.events:
            await self.reconciler.handle(_batch(self.world.log.events))

    async def handle(self, said: Sequence[Assessment]) -> None:
        """Apply a batch."""
        events = [_event(patient()), *(_event(one) for one in said)]
        await self.reconciler.handle(_batch(events))

    async def calm(self) -> None:
        """Let what is in flight finish, and see to what is due."""
        for _ in range(3):
            await self.dispatcher.poll()
            while self.dispatcher._tasks:
                await asyncio.wait(list(self.dispatcher._tasks.values()))
        if self.life.dead:
            raise Killed


def _event(data: Any) -> Event:
    return Event("id", MONDAY, data, Position(data.topic, 0, 0), b"")


def _batch(events: Sequence[Event]) -> Batch:
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


class Truth:
    """What insights would say: risk answers only add up, a mood shift comes and goes with evidence of its own."""

    def __init__(self) -> None:
        self.risk: list = []
        self.mood: list = []
        self.basis = 0

    def said(self) -> Assessment:
        """The assessment as of now."""
        self.basis += 1
        concerns: list[Concern] = []
        if self.risk:
            concerns.append(concern(*self.risk))
        if self.mood:
            concerns.append(concern(self.mood[-1], rule="mood_shift"))
        return assessment(*concerns, basis=self.basis)

    def happens(self, what: str, world: World) -> None:
        """Change what is true."""
        name, at = f"{what} {self.basis}", world.clock.now()
        match what:
            case "live":
                self.risk.append(telling(name, at=at))
            case "calm":
                self.risk.append(telling(name, at=at, urgency=Urgency.WORKING_HOURS, origin=Origin.SYNC))
            case "import":
                self.risk.append(telling(name, at=at, origin=Origin.IMPORT))
            case "mood":
                self.mood.append(telling(name, at=at, urgency=Urgency.WORKING_HOURS))
            case "mood over" if self.mood:
                world.excused.add(self.mood[-1].id)
                self.mood = []


async def _play(steps: Sequence[tuple[str, int | None]]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # a dead process's tasks end as they may
    world, truth = World(), Truth()
    process = world.process(Life())
    await process.learn()
    for what, steps_left in steps:
        life = Life(steps_left)
        if steps_left is not None or what == "drop":
            process = await _restarted(world, life, dropped=what == "drop")
        try:
            await _step(world, truth, process, what)
        except Killed:
            world.accidents += 1
            process = await _restarted(world, Life())
            await process.handle(world.said)
        except Recoverable:
            pass  # the runner brings the batch again
    world.away = False
    process = await _restarted(world, Life())
    await process.handle(world.said)
    for _ in range(8):
        world.clock.advance(timedelta(hours=12))
        await process.calm()
    await process.alerts.sweep()
    _right(world, truth)


async def _restarted(world: World, life: Life, *, dropped: bool = False) -> Process:
    """A new process in place of the old one; with a store that was lost, what it did not publish is lost as well."""
    world.accidents += await _silenced()
    if dropped:
        world.database.drop()
        world.accidents += 1
    process = world.process(life)
    try:
        await process.learn()
        if dropped:
            await process.handle(world.said[:-1])
            await process.handle(world.said)
    except Killed:
        world.accidents += 1
        return await _restarted(world, Life())
    return process


async def _silenced() -> bool:
    """End what a process left running, and say whether there was anything."""
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    for task in rest:
        with suppress(asyncio.CancelledError, Killed, Exception):
            await task
    return bool(rest)


async def _step(world: World, truth: Truth, process: Process, what: str) -> None:
    match what:
        case "poll":
            await process.calm()
        case "hour" | "night":
            world.clock.advance(timedelta(hours=1 if what == "hour" else 15))
            await process.calm()
        case "again":
            await asyncio.gather(process.handle(world.said), world.process(process.life).handle(world.said))
        case "stale":
            await asyncio.gather(process.handle(world.said[-1:]), world.process(process.life).handle(world.said[:1]))
        case "take":
            await _take(world, process)
        case "away":
            world.away = not world.away
        case "drop":
            pass
        case _:
            truth.happens(what, world)
            world.said.append(truth.said())
            await process.handle(world.said[-1:])
    if process.life.dead:
        raise Killed


async def _take(world: World, process: Process) -> None:
    for alert in world.alerts():
        if alert.status is AlertStatus.OPEN:
            world.excused |= {evidence.id for news in owed(alert) for evidence in news.told}
            await process.alerts.write(alert.key, partial(_taken, world.clock.now(), alert))


def _taken(at: datetime, alert: Alert, now: Alert | None) -> Alert:
    return acknowledge(now or alert, by="priya", now=at)


def _right(world: World, truth: Truth) -> None:
    alerts = world.alerts()
    for rule in (RISK, "mood_shift"):
        mine = [alert for alert in alerts if alert.rule == rule]
        ids = [evidence.id for alert in mine for evidence in alert.told]
        assert len(ids) == len(set(ids)), "no evidence stands in two alerts, or twice in one"
        assert sum(alert.status is not AlertStatus.CLOSED for alert in mine) <= 1, "one open alert"
    told = {evidence.id for alert in alerts for evidence in alert.told}
    assert {evidence.id for evidence in [*truth.risk, *truth.mood[-1:]]} <= told, "all telling evidence is in an alert"
    assert [news for alert in alerts for news in owed(alert)] == [], "nothing is owed any more"
    said = {text.removesuffix(" was said") for text in world.told}
    assert {evidence.id for evidence in truth.risk} - world.excused <= said, "and a message spoke of it"
    doubles = sum(count - 1 for count in Counter(world.handed_over).values())
    assert doubles <= 2 * world.accidents, "only an accident sends a message twice, and with the same id"
    published = {key: world.log.last(key).data for key in {event.data.key for event in world.log.events}}
    assert {alert.key: alert for alert in alerts} == published, "what compaction keeps is what is stored"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_every_schedule_ends_with_everything_told_once(steps: list[tuple[str, int | None]]) -> None:
    """Kill it anywhere, bring anything twice or late, lose its store: nobody is left untold, nobody is told twice."""
    with patch.object(handing_over_module, "RECORD_TRIES", 1):
        asyncio.run(_play(steps))


@pytest.mark.parametrize("step", range(45))
def test_killed_at_each_step_of_an_alert_it_is_told_all_the_same(step: int) -> None:
    """From the first read to the last write of one risk answer, in order."""
    asyncio.run(_play([("live", step), ("poll", None), ("night", None)]))
