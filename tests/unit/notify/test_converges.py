"""The real reconciler and dispatcher under every schedule: duplicates, reorderings, kills at any step, lost stores.

At the end all telling evidence was told in one alert, alerts were opened once, every round's message was handed over,
and a message that went twice carries the same Message-ID and is owed to a process killed in mid-flight.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notify.domain import RISK, acknowledge, owed
from services.notify.handlers import handing_over as handing_over_module
from shared.contracts import Alert, Assessment
from shared.contracts.alerts import AlertStatus
from shared.contracts.assessments import Concern
from shared.contracts.base import Origin, Urgency
from shared.errors import Recoverable
from tests.unit.notify.made import assessment, concern, telling
from tests.unit.notify.memory_mongo import Killed, Life
from tests.unit.notify.world import Process, World, silenced

EVENTS = st.sampled_from(
    ["live", "calm", "import", "mood", "mood over", "again", "stale", "poll", "hour", "night", "drop", "take", "away"]
)
STEPS = st.lists(st.tuples(EVENTS, st.one_of(st.none(), st.integers(0, 60))), min_size=3, max_size=14)


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
    world.accidents += await silenced()
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


@pytest.mark.parametrize("step", range(60))
def test_killed_at_each_step_of_an_alert_it_is_told_all_the_same(step: int) -> None:
    """From the first read to the last write of one risk answer, in order."""
    asyncio.run(_play([("live", step), ("poll", None), ("night", None)]))
