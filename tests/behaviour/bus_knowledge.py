"""What a handler may conclude: basis, horizon, caught up, and its own words first."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from shared.bus.memory import MemoryResumeStore
from shared.bus.runner import wait_for
from shared.contracts import Topic
from tests.behaviour.bus_parts import (
    BOTH,
    HOUR,
    MOODS,
    QUICK,
    Bus,
    Ledger,
    caught_up,
    check_in,
    document,
    eventually,
    patients_of,
    publish,
    running,
)
from tests.fakes import FakeClock


class Knowledge:
    """What a handler may conclude: basis, horizon, caught up, and its own words first."""

    async def test_own_topics_are_read_whole_before_anything_else(self, bus: Bus) -> None:
        """On every assignment the service's own topics come first, from the beginning, then the rest from the store."""
        patients, store = patients_of(bus.partitions), MemoryResumeStore()
        await publish(bus, *(check_in(p, n) for n in range(5) for p in patients))
        await publish(bus, *(document(p, version) for version in range(1, 21) for p in patients))
        for arriving in (5, 0):  # the first time, and after a restart
            ledger = Ledger()
            async with running(
                bus, ledger, store, topics=BOTH, own=frozenset({Topic.PATIENTS}), limits=replace(QUICK, batch_records=8)
            ) as runner:
                await eventually(lambda runner=runner: caught_up(runner, bus.partitions))
            for patient in patients:
                documents = [f"{patient}-v{version}" for version in range(1, 21)]
                assert ledger.of(patient) == documents + [f"{patient}-{n}" for n in range(arriving)]

    async def test_basis_counts_what_is_known_without_own_topics(self, bus: Bus) -> None:
        """The basis is the sum of the next offsets of the other topics, and grows with every batch."""
        patient = patients_of(bus.partitions)[0]
        await publish(bus, *(check_in(patient, n) for n in range(10)), document(patient, 1), document(patient, 2))
        whole, without_own = Ledger(), Ledger()
        async with running(bus, whole, topics=BOTH, limits=replace(QUICK, batch_records=4)):
            await eventually(lambda: (0, 12) in {tick[:2] for tick in whole.ticks})
        async with running(bus, without_own, topics=BOTH, own=frozenset({Topic.PATIENTS})):
            await eventually(lambda: (0, 10) in {tick[:2] for tick in without_own.ticks})
        bases = [batch.basis for batch in whole.batches]
        assert bases == sorted(set(bases))
        assert bases[-1] == 12
        assert without_own.batches[0].basis == 0

    async def test_the_horizon_is_the_time_reached_and_then_the_present(self, bus: Bus) -> None:
        """While behind, rules of absence are judged as of the record time reached; at the end, as of now."""
        patient, clock = patients_of(bus.partitions)[0], FakeClock(datetime(2026, 11, 2, 9, tzinfo=UTC))
        start = clock.now()
        await publish(bus, *(check_in(patient, n, at=start + n * HOUR) for n in range(10)))
        clock.advance(100 * HOUR)
        ledger = Ledger()
        async with running(bus, ledger, clock=clock, limits=replace(QUICK, batch_records=4)):
            await eventually(lambda: any(partition == 0 for partition, _, _ in ledger.ticks))
            ahead = [batch.horizon for batch in ledger.batches if not batch.caught_up]
            assert ahead == sorted(ahead)
            assert set(ahead) <= {start + n * HOUR for n in range(10)}
            assert ledger.batches[-1].caught_up
            assert ledger.batches[-1].horizon == clock.now()
            clock.advance(192 * HOUR)
            await eventually(lambda: clock.now() in {horizon for _, _, horizon in ledger.ticks})

    async def test_the_time_reached_outlives_a_restart(self, bus: Bus) -> None:
        """With the store, what was known to be over stays over: the horizon does not fall back to the last record."""
        patient, clock, store = patients_of(bus.partitions)[0], FakeClock(), MemoryResumeStore()
        await publish(bus, check_in(patient, 0, at=clock.now()))
        clock.advance(50 * HOUR)
        async with running(bus, Ledger(), store, clock=clock) as runner:
            await eventually(lambda: caught_up(runner, bus.partitions))
        seen = clock.now()
        clock.advance(200 * HOUR)
        replayed = [check_in(patient, n, at=seen - 40 * HOUR) for n in range(1, 4)]
        await publish(bus, *replayed, check_in(patient, 4, at=seen + HOUR), check_in(patient, 5, at=seen + HOUR))
        ledger = Ledger()
        async with running(bus, ledger, store, clock=clock, limits=replace(QUICK, batch_records=1)):
            await eventually(lambda: len(ledger.order) == 5)
        assert [batch.horizon for batch in ledger.batches] == [seen] * 3 + [seen + HOUR, clock.now()]

    async def test_nothing_falls_due_while_behind(self, bus: Bus) -> None:
        """A partition that is not read to the end is not asked what falls due."""
        patient = patients_of(bus.partitions)[0]
        ledger, hold = Ledger(), asyncio.Event()
        ledger.before = lambda _: _waited(hold)
        await publish(bus, *(check_in(patient, n) for n in range(10)))
        async with running(bus, ledger, limits=replace(QUICK, batch_records=5)):
            await eventually(lambda: len({partition for partition, _, _ in ledger.ticks}) == bus.partitions - 1)
            assert 0 not in {partition for partition, _, _ in ledger.ticks}
            hold.set()
            await eventually(lambda: 0 in {partition for partition, _, _ in ledger.ticks})
        assert next(len(batch.events) for batch in ledger.batches) == 5

    async def test_a_read_can_wait_for_its_write(self, bus: Bus) -> None:
        """A position is passed once it is applied and stored, and not before."""
        patient, store = patients_of(bus.partitions)[0], MemoryResumeStore()
        position = (await publish(bus, check_in(patient, 0)))[0]
        assert not await wait_for(store, position, 0.05)
        async with running(bus, Ledger(), store, topics=MOODS):
            assert await wait_for(store, position, 30)
        assert not await store.passed(position._replace(offset=1))


async def _waited(event: asyncio.Event) -> None:
    await event.wait()
