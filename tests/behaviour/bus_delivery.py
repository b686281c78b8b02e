"""Everything arrives, in order, whoever dies and whoever takes over."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from shared.bus import Batch, Position, Resume, StoreOfAnotherCluster
from shared.bus.memory import MemoryResumeStore
from shared.bus.runner import wait_for
from shared.contracts import Topic
from shared.errors import Recoverable
from tests.behaviour.bus_parts import (
    QUICK,
    SUDDEN,
    Bus,
    Ledger,
    Mortal,
    caught_up,
    check_in,
    eventually,
    patients_of,
    publish,
    running,
)


class Delivery:
    """Everything arrives, in order, whoever dies."""

    async def test_order_is_kept_per_patient_and_everything_arrives_once(self, bus: Bus) -> None:
        """A patient's facts are handed over in the order they were published in, each once."""
        patients = patients_of(bus.partitions)
        ledger = Ledger()
        async with running(bus, ledger) as runner:
            for start in range(0, 60, 20):
                await publish(bus, *(check_in(p, n) for n in range(start, start + 20) for p in patients))
            await eventually(lambda: len(ledger.order) >= 60 * len(patients))
            await eventually(lambda: caught_up(runner, bus.partitions))
        for patient in patients:
            assert ledger.of(patient) == [f"{patient}-{n}" for n in range(60)]

    async def test_positions_name_where_each_message_stands(self, bus: Bus) -> None:
        """Publishing gives the positions in the order of the messages."""
        first, second = patients_of(bus.partitions)[:2]
        positions = await publish(bus, check_in(second, 0), check_in(first, 0), check_in(second, 1))
        assert positions == [
            Position(Topic.MOODS, 1, 0),
            Position(Topic.MOODS, 0, 0),
            Position(Topic.MOODS, 1, 1),
        ]

    @pytest.mark.parametrize("step", ["before handle", "after handle", "before save", "after save"])
    async def test_a_death_at_any_step_loses_nothing(self, bus: Bus, step: str) -> None:
        """Whatever step the process dies at, its successor comes to have every fact."""
        patients = patients_of(bus.partitions)
        store, facts = MemoryResumeStore(), {}
        mortal, ledger = Mortal(store, step), Ledger(facts)
        ledger.before = lambda _: mortal.reach("before handle")
        ledger.after = lambda _: mortal.reach("after handle")
        await publish(bus, *(check_in(p, n) for n in range(30) for p in patients))
        async with running(bus, ledger, mortal, limits=replace(SUDDEN, batch_records=10)):
            await asyncio.wait_for(mortal.died.wait(), 30)
        await publish(bus, *(check_in(p, n) for n in range(30, 35) for p in patients))
        async with running(bus, Ledger(facts), store) as runner:
            await eventually(lambda: len(facts) == 35 * len(patients))
            await eventually(lambda: caught_up(runner, bus.partitions))
        assert set(facts) == {f"{p}-{n}" for n in range(35) for p in patients}

    async def test_a_stopped_service_goes_on_where_it_was(self, bus: Bus) -> None:
        """After a graceful stop nothing is handed over twice."""
        patient = patients_of(bus.partitions)[0]
        store, group = MemoryResumeStore(), uuid4().hex
        first, second = Ledger(), Ledger()
        await publish(bus, *(check_in(patient, n) for n in range(10)))
        async with running(bus, first, store, group=group) as runner:
            await eventually(lambda: len(first.order) == 10)
            await runner.stop()
        await publish(bus, check_in(patient, 10))
        async with running(bus, second, store.another(), group=group):
            await eventually(lambda: second.order)
        assert second.order == [f"{patient}-10"]

    async def test_batches_are_bounded(self, bus: Bus) -> None:
        """No batch has more events than the limit says."""
        patient = patients_of(bus.partitions)[0]
        ledger = Ledger()
        await publish(bus, *(check_in(patient, n) for n in range(100)))
        async with running(bus, ledger, limits=replace(QUICK, batch_records=7)):
            await eventually(lambda: len(ledger.order) == 100)
        assert max(len(batch.events) for batch in ledger.batches) <= 7
        assert ledger.of(patient) == [f"{patient}-{n}" for n in range(100)]

    async def test_a_partition_far_behind_waits_for_a_full_batch(self, bus: Bus) -> None:
        """With thousands to come no batch is begun half empty, however short it lingers otherwise."""
        patients = patients_of(bus.partitions)[:2]
        ledger = Ledger()
        await publish(bus, *(check_in(p, n) for n in range(4_000) for p in patients))
        async with running(bus, ledger, limits=replace(QUICK, batch_records=2_500, linger=0.0)):
            await eventually(lambda: len(ledger.order) == 8_000)
        first = {batch.partition: len(batch.events) for batch in reversed(ledger.batches)}
        assert first == {0: 2_500, 1: 2_500}
        for patient in patients:
            assert ledger.of(patient) == [f"{patient}-{n}" for n in range(4_000)]

    async def test_where_memory_is_full_whoever_holds_most_goes_first(self, bus: Bus) -> None:
        """Memory for less than one batch ends in smaller batches, never in waiting for what cannot come."""
        patients = patients_of(bus.partitions)[:2]
        ledger = Ledger()
        await publish(bus, *(check_in(p, n) for n in range(4_000) for p in patients))
        limits = replace(QUICK, batch_records=4_000, buffered_records=2_000, concurrency=1, batch_seconds=60.0)
        async with running(bus, ledger, limits=limits):
            await eventually(lambda: len(ledger.order) == 8_000)
        assert len(ledger.batches[0].events) >= 1_000

    async def test_a_broker_that_dies_and_comes_back_loses_nothing_acknowledged(self, bus: Bus) -> None:
        """What was acknowledged before, and what is after, arrives; in between publishing says it is uncertain."""
        patients = patients_of(bus.partitions)
        ledger, acknowledged = Ledger(), set()
        async with bus.publisher() as publisher, running(bus, ledger):
            for number in range(10):
                await publisher.publish([check_in(p, number) for p in patients])
                acknowledged |= {f"{p}-{number}" for p in patients}
            await eventually(lambda: len(ledger.facts) > 5)
            await bus.cut()
            with pytest.raises(Recoverable):
                await publisher.publish([check_in(patients[0], 10)])
            await bus.heal()

            async def published_again() -> bool:
                try:
                    await publisher.publish([check_in(p, 11) for p in patients])
                except Recoverable:
                    return False
                return True

            await eventually(published_again, within=60)
            acknowledged |= {f"{p}-11" for p in patients}
            await eventually(lambda: acknowledged <= set(ledger.facts), within=60)


class Ownership:
    """Who has a partition, and what becomes of one that goes to somebody else."""

    async def test_two_instances_part_the_work_and_one_takes_over(self, bus: Bus) -> None:
        """A second instance gets its share, nobody has a partition twice, and when one goes the other has all."""
        patients, store, group = patients_of(bus.partitions), MemoryResumeStore(), uuid4().hex
        facts: dict = {}
        first, second = Ledger(facts), Ledger(facts)
        everything = set(range(bus.partitions))
        async with running(bus, first, store, group=group):
            await publish(bus, *(check_in(p, 0) for p in patients))
            await eventually(lambda: first.mine == everything and len(facts) == len(patients))
            async with running(bus, second, store.another(), group=group):
                await eventually(lambda: second.mine and first.mine == everything - second.mine)
                await publish(bus, *(check_in(p, 1) for p in patients))
                await eventually(lambda: len(facts) == 2 * len(patients))
            await eventually(lambda: first.mine == everything)
            await publish(bus, *(check_in(p, 2) for p in patients))
            await eventually(lambda: len(facts) == 3 * len(patients))
        assert sorted(first.order + second.order) == sorted(f"{p}-{n}" for p in patients for n in range(3))

    async def test_a_batch_that_does_not_finish_in_time_is_dropped(self, bus: Bus) -> None:
        """On a revoke stuck batches are given up, their offsets never stored, and the next owner has them again."""
        patients, store, group = patients_of(bus.partitions), MemoryResumeStore(), uuid4().hex
        hanging, loose = set(), asyncio.Event()
        first, second, firsts = Ledger(), Ledger(), Mortal(store)

        async def hang(batch: Batch) -> None:
            hanging.add(batch.partition)
            try:
                await loose.wait()
            except asyncio.CancelledError:
                await loose.wait()  # a handler that will not be stopped: the zombie

        first.before = hang
        await publish(bus, *(check_in(p, 0) for p in patients))
        async with running(bus, first, firsts, group=group, limits=replace(QUICK, grace=0.2)):
            await eventually(lambda: len(hanging) == bus.partitions)
            async with running(bus, second, store.another(), group=group):
                await eventually(lambda: len(second.mine) == bus.partitions / 2)
                theirs = set(second.mine)
                heard = sorted(f"{patients[partition]}-0" for partition in theirs)
                await eventually(lambda: sorted(second.order) == heard)
                loose.set()
                await eventually(lambda: set(heard) <= set(first.order))
                await publish(bus, *(check_in(p, 1) for p in patients))
                await eventually(lambda: len(second.order) == bus.partitions)
                await eventually(lambda: len(first.facts) >= bus.partitions + bus.partitions / 2)
                assert theirs.isdisjoint(firsts.saved)
        assert {("revoked", partition) for partition in theirs} <= set(first.calls)

    async def test_zombies_converge(self, bus: Bus) -> None:
        """Two owners of the same partitions, neither knowing of the other, leave the store as one would."""
        patients, store = patients_of(bus.partitions), MemoryResumeStore()
        facts: dict = {}
        async with running(bus, Ledger(facts), store) as one, running(bus, Ledger(facts), store.another()) as other:
            for number in range(20):
                positions = await publish(bus, *(check_in(p, number) for p in patients))
            await eventually(lambda: caught_up(one, bus.partitions) and caught_up(other, bus.partitions))
            for position in positions:
                assert await wait_for(store, position, 10)
        assert set(facts) == {f"{p}-{n}" for p in patients for n in range(20)}

    async def test_a_replaced_store_is_rebuilt_from_the_beginning(self, bus: Bus) -> None:
        """A store dropped while running is noticed at the next save, and everything is handed over again."""
        patient, store = patients_of(bus.partitions)[0], MemoryResumeStore()
        ledger = Ledger()
        await publish(bus, *(check_in(patient, n) for n in range(5)))
        async with running(bus, ledger, store):
            await eventually(lambda: len(ledger.order) == 5)
            store.drop()
            ledger.facts.clear()
            await publish(bus, check_in(patient, 5))
            await eventually(lambda: len(ledger.facts) == 6)
        assert ledger.of(patient)[-6:] == [f"{patient}-{n}" for n in range(6)]
        assert [call for call, partition in ledger.calls if partition == 0][:3] == ["assigned", "revoked", "assigned"]

    async def test_a_store_that_is_ahead_of_the_log_is_refused(self, bus: Bus) -> None:
        """An offset past the end of the log makes the service not ready, and says what to do."""
        store = MemoryResumeStore()
        ledger = Ledger()
        async with bus.publisher() as publisher:
            await publisher.publish([check_in(patients_of(bus.partitions)[0], 0)])
        async with running(bus, Ledger(), store) as runner:
            await eventually(lambda: caught_up(runner, bus.partitions))
        await store.save(0, Resume({Topic.MOODS: 999}, {}))
        async with running(bus, ledger, store) as runner:
            await eventually(lambda: "999" in " ".join(runner.health().reasons))
            assert not runner.health().ready
            assert "drop the store" in runner.health().reasons[0]
            assert not ledger.of(patients_of(bus.partitions)[0])
            store.drop()
            await eventually(lambda: runner.health().ready and ledger.order)

    async def test_a_store_of_another_cluster_is_refused(self, bus: Bus) -> None:
        """A store built from another Kafka cluster makes the service not ready."""
        store = MemoryResumeStore()
        await store.open(0, "somewhere else")
        async with running(bus, Ledger(), store) as runner:
            await eventually(lambda: "somewhere else" in " ".join(runner.health().reasons))
            assert not runner.health().ready
        with pytest.raises(StoreOfAnotherCluster):
            await store.open(0, "elsewhere")
