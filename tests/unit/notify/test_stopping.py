"""A replica stopped in order: what it had claimed and not begun is another's at once, and nothing goes twice."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from unittest.mock import patch

from services.notify.domain import LEASE, Channel, Notice, Outcome, Result
from services.notify.handlers import dispatching, handing_over
from shared.contracts.base import Urgency
from tests.unit.notify.made import assessment, concern, patient, telling
from tests.unit.notify.memory_mongo import Life
from tests.unit.notify.world import CLINIC, CLINICIAN, Process, World, batch, event, silenced


class Slow:
    """A provider that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.reached, self.answer = asyncio.Event(), asyncio.Event()

    async def send(self, notice: Notice) -> Result:
        """Keeps everybody waiting."""
        self.asked.append(notice.token)
        self.reached.set()
        await self.answer.wait()
        return Result(outcome=Outcome.ACCEPTED, code="250")


async def raised(process: Process, *rules: str) -> None:
    """Urgent alerts, all in one batch; nobody waits for what it starts."""
    found = [concern(telling(rule, urgency=Urgency.AT_ONCE), rule=rule) for rule in rules]
    await process.reconciler.handle(batch([event(patient()), event(assessment(*found))]))


def messages(world: World) -> list[tuple[bool, bool, set[str]]]:
    """Of each message: whether it is done, whether somebody has claimed it, and the states of its legs."""
    rows = [row for row in world.rows().values() if row.step is None]
    return sorted(
        ((row.done, row.lease_until is not None, {leg.state.value for leg in row.legs}) for row in rows),
        key=lambda one: one[0],
    )


async def another(world: World) -> Process:
    """The replica that takes over, at the same moment."""
    process = world.process(Life())
    await process.learn()
    await process.calm()
    return process


async def test_what_was_claimed_and_not_begun_is_another_replica_s_at_once() -> None:
    """Its tasks had not had their turn: nothing was sent, and no lease is waited for."""
    world = World()
    stopped = world.process(Life())
    await raised(stopped, "one", "two")
    claimed = [row.lease_until is not None for row in world.rows().values() if row.step is None]
    await stopped.dispatcher.stop()
    given_back, before = messages(world), list(world.sent)
    await another(world)

    assert claimed == [True, True]
    assert before == []
    assert given_back == [(False, False, {"pending"})] * 2
    assert messages(world) == [(True, False, {"sent"})] * 2
    assert len({one.notice.token for one in world.sent}) == len(world.sent) == 4


async def test_what_waits_for_its_turn_is_given_back_and_what_is_in_flight_is_finished() -> None:
    """One slot: the first is with the provider and is waited for; the others, behind it, are another's at once."""
    by_mail = CLINICIAN.model_copy(update={"mobile": None, "channels": ["email"]})
    world, slow = World(documents=[CLINIC, by_mail]), Slow()
    with patch.object(handing_over, "SLOTS", 1):
        stopped = Process(world, Life(), {Channel.EMAIL: slow})
        await raised(stopped, "one", "two", "three")
        await slow.reached.wait()
        stopping = asyncio.create_task(stopped.dispatcher.stop())
        for _ in range(200):  # steps of the other tasks; none of them waits for time to pass
            await asyncio.sleep(0)
        in_flight = messages(world)
        slow.answer.set()
        await stopping
    finished = messages(world)
    await another(world)

    given_back = [(False, False, {"pending"})] * 2
    assert sorted(in_flight, key=str) == [*given_back, (False, True, {"pending"})]
    assert finished == [*given_back, (True, False, {"sent"})]
    assert messages(world) == [(True, False, {"sent"})] * 3
    assert len({*slow.asked, *(one.notice.token for one in world.sent)}) == len(slow.asked) + len(world.sent) == 3


async def test_what_does_not_finish_in_its_grace_keeps_its_lease() -> None:
    """It may have gone: it is sent again when the lease ends, not before, with the same reference."""
    world, slow = World(), Slow()
    stopped = Process(world, Life(), {Channel.EMAIL: slow})
    with patch.object(dispatching, "GRACE", 0.01):
        await raised(stopped, "one")
        await slow.reached.wait()
        await stopped.dispatcher.stop()
    other = await another(world)
    early = len(world.sent)
    world.clock.advance(LEASE + timedelta(seconds=1))
    await other.calm()

    assert early == 0
    assert slow.asked[0] in {one.notice.token for one in world.sent}


async def test_a_claim_that_has_become_another_s_is_left_alone() -> None:
    """The lease is theirs by now: whoever stops gives back only its own."""
    world = World()
    with patch.object(handing_over, "SLOTS", 0):
        stopped = world.process(Life())
    await raised(stopped, "one")
    for _ in range(100):  # until its tasks wait for their turn
        await asyncio.sleep(0)
    [row] = [row for row in world.rows().values() if row.step is None]
    until = world.clock.now() + 2 * LEASE
    theirs = world.process(Life()).store.deliveries
    await theirs.change(row.id, lambda one: one.model_copy(update={"lease_until": until}))
    await stopped.dispatcher.stop()

    assert world.rows()[row.id].lease_until == until
    assert world.sent == []


async def test_a_replica_stopped_while_it_writes_a_claimed_row_gives_that_back_too() -> None:
    """At whatever step of its work on a batch it is stopped, no lease is left behind."""
    for steps in range(60):
        world = World()
        stopped = world.process(Life())
        work = asyncio.create_task(raised(stopped, "one", "two"))
        for _ in range(steps):
            await asyncio.sleep(0)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        await stopped.dispatcher.stop()
        await silenced()
        claimed = [row.id for row in world.rows().values() if row.lease_until is not None]

        assert (steps, claimed) == (steps, [])
