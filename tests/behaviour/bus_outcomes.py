"""What becomes of records and handlers that fail."""

import asyncio
from dataclasses import replace

from structlog.testing import capture_logs

from shared.bus import Batch
from shared.bus.memory import MemoryResumeStore
from shared.bus.progress import EPOCH
from shared.contracts import Topic
from shared.errors import Recoverable
from tests.behaviour.bus_parts import (
    BOTH,
    QUICK,
    Bus,
    Ledger,
    caught_up,
    check_in,
    document,
    eventually,
    patients_of,
    publish,
    publish_record,
    running,
)


class Outcomes:
    """What becomes of records and handlers that fail."""

    async def test_an_unparsable_record_goes_to_the_dead_letters_and_the_next_is_handled(self, bus: Bus) -> None:
        """The record is kept as it stood, with where it came from and why, and nothing waits for it."""
        patient = patients_of(bus.partitions)[1]
        ledger = Ledger()
        with capture_logs() as logs:
            async with running(bus, ledger) as runner:
                bad = b'{"clinic": "hill", "mood": "I said this", "feelings": 3}'
                await publish_record(bus, check_in(patient, 0), value=bad)
                await publish(bus, check_in(patient, 1))
                await eventually(lambda: ledger.of(patient) == [f"{patient}-1"])
                await eventually(lambda: caught_up(runner, bus.partitions))
        letter = (await bus.records(Topic.DEAD_LETTERS))[-1]
        headers = dict(letter.headers)
        assert letter.key == f"hill/{patient}".encode()
        assert letter.value == bad
        assert headers["ce_id"] == f"{patient}-0".encode()
        assert headers["dlq-origin-topic"] == b"moods"
        assert headers["dlq-origin-partition"] == b"1"
        assert headers["dlq-origin-offset"] == b"0"
        assert headers["dlq-kind"] == b"unparsable"
        assert headers["dlq-service"] == b"mood"
        assert b"mood: float_parsing" in headers["dlq-reason"]
        assert "I said this" not in str(logs) + headers["dlq-reason"].decode()
        assert f"'{patient}'" not in str(logs)

    async def test_an_event_a_bug_fails_on_is_set_aside_and_the_others_apply(self, bus: Bus) -> None:
        """After bounded tries the one event goes to the dead letters, with the line at fault and no patient data."""
        patient = patients_of(bus.partitions)[0]
        ledger = Ledger()

        async def buggy(batch: Batch) -> None:
            if any(event.id == f"{patient}-3" for event in batch.events):
                raise KeyError("what the patient wrote")

        ledger.before = buggy
        await publish(bus, *(check_in(patient, n) for n in range(6)))
        with capture_logs() as logs:
            async with running(bus, ledger) as runner:
                await eventually(lambda: len(ledger.facts) == 5)
                await eventually(lambda: caught_up(runner, bus.partitions))
                await publish(bus, check_in(patient, 6))
                await eventually(lambda: f"{patient}-6" in ledger.facts)
        assert ledger.of(patient) == [f"{patient}-{n}" for n in (0, 1, 2, 4, 5, 6)]
        assert [event_id for event_id, _ in ledger.aside] == [f"{patient}-3"]
        alone = [batch for batch in ledger.batches if batch.events[0].id != f"{patient}-6"]
        assert [batch.basis for batch in alone] == [1, 2, 3, 5, 6]
        assert not any(batch.caught_up for batch in alone)
        assert {batch.horizon for batch in alone} == {EPOCH}
        headers = dict((await bus.records(Topic.DEAD_LETTERS))[-1].headers)
        assert headers["dlq-kind"] == b"set_aside"
        assert headers["ce_id"] == f"{patient}-3".encode()
        assert headers["dlq-reason"].startswith(b"KeyError at tests/behaviour/bus_outcomes.py:")
        assert "what the patient wrote" not in str(logs) + str(headers)

    async def test_a_dead_letter_that_is_not_acknowledged_holds_its_partition(self, bus: Bus) -> None:
        """Nothing is skipped while the dead letters cannot be written."""
        patient = patients_of(bus.partitions)[0]

        class Refusing:
            refusing = True

            def __init__(self) -> None:
                self.letters: list[bytes | None] = []

            async def publish_raw(self, topic: Topic, *, key: bytes, value: bytes | None, headers: object) -> None:
                if self.refusing:
                    raise Recoverable("not now")
                self.letters.append(value)

        ledger, refusing = Ledger(), Refusing()
        await publish_record(bus, check_in(patient, 0), value=b"{}")
        await publish(bus, check_in(patient, 1))
        async with running(bus, ledger, publisher=refusing) as runner:
            await eventually(lambda: runner.health().lanes and runner.health().lanes[0].state == "waiting")
            assert not ledger.order
            refusing.refusing = False
            await eventually(lambda: ledger.of(patient) == [f"{patient}-1"])
        assert refusing.letters == [b"{}"]

    async def test_recoverable_waits_keeps_the_order_and_lets_the_others_go_on(self, bus: Bus) -> None:
        """One partition backs off with the same batch; the others are applied; polling goes on all the while."""
        held, free = patients_of(bus.partitions)[:2]
        ledger, tries = Ledger(), []
        away = True

        async def store_away(batch: Batch) -> None:
            if away and batch.partition == 0:
                tries.append([event.id for event in batch.events])
                raise Recoverable("the store is away")

        ledger.before = store_away
        await publish(bus, *(check_in(held, n) for n in range(3)))
        async with running(bus, ledger) as runner:
            await eventually(lambda: len(tries) >= 3)
            await publish(bus, *(check_in(p, n) for n in range(3, 6) for p in (held, free)))
            await eventually(lambda: len(ledger.of(free)) == 3)
            polled = runner.health().last_poll
            await eventually(lambda: runner.health().last_poll > polled)
            assert runner.health().lanes[0].state == "waiting"
            assert tries[0] == tries[-1]
            assert not ledger.of(held)
            away = False
            await eventually(lambda: ledger.of(held) == [f"{held}-{n}" for n in range(6)])
            assert runner.health().ready

    async def test_a_newer_major_stops_its_partition_only(self, bus: Bus) -> None:
        """What stands before it is applied, nothing after it, the others go on, and health says so."""
        stopped, free = patients_of(bus.partitions)[:2]
        ledger = Ledger()
        async with running(bus, ledger) as runner:
            await publish(bus, check_in(stopped, 0))
            await publish_record(bus, check_in(stopped, 1), kind=b"rapport.mood.check-in-recorded.v2")
            await publish(bus, check_in(stopped, 2), check_in(free, 0))
            await eventually(lambda: runner.health().lanes and runner.health().lanes[0].state == "newer_major")
            await publish(bus, check_in(free, 1))
            await eventually(lambda: len(ledger.of(free)) == 2)
            health = runner.health()
            assert ledger.of(stopped) == [f"{stopped}-0"]
            assert health.ready
            assert "newer version" in health.reasons[0]
            assert health.lanes[0].lag == 2
            assert not await bus.records(Topic.DEAD_LETTERS)

    async def test_the_fuse_stops_everything_before_all_is_diverted(self, bus: Bus) -> None:
        """When most of what comes of several clinics cannot be applied the consumer stops, and is not ready."""
        clinics = {clinic: patients_of(bus.partitions, clinic)[0] for clinic in ("hill", "dale", "moor")}
        other = patients_of(bus.partitions)[1]
        ledger, store = Ledger(), MemoryResumeStore()
        async with running(bus, ledger, store) as runner:
            for number in range(30):
                for clinic, patient in clinics.items():
                    await publish_record(bus, check_in(patient, number, clinic=clinic), value=b"{}")
            await eventually(lambda: not runner.health().ready and runner.health().lanes)
            assert "The fuse has blown on partition 0" in runner.health().reasons[0]
            assert {lane.state for lane in runner.health().lanes.values()} == {"fuse"}
            await publish(bus, check_in(other, 0))
        assert not ledger.order
        assert len(await bus.records(Topic.DEAD_LETTERS)) < 10

    async def test_with_the_fuse_blown_the_own_topics_are_still_read_to_their_end(self, bus: Bus) -> None:
        """What the service said itself is needed by its other parts, which go on; nothing else is applied any more."""
        other = patients_of(bus.partitions)[1]
        await publish(bus, *(document(other, number) for number in range(1, 40)))
        for number in range(30):
            for clinic in ("hill", "dale", "moor"):
                patient = patients_of(bus.partitions, clinic)[0]
                await publish_record(bus, check_in(patient, number, clinic=clinic), value=b"{}")
        await publish(bus, check_in(other, 0))
        ledger, blown = Ledger(), asyncio.Event()

        async def slowly(batch: Batch) -> None:
            if batch.partition == 1:
                await blown.wait()

        ledger.before = slowly
        limits = replace(QUICK, batch_records=10)
        async with running(bus, ledger, topics=BOTH, own=frozenset({Topic.PATIENTS}), limits=limits) as runner:
            await eventually(lambda: "fuse" in [lane.state for lane in runner.health().lanes.values()])
            assert not runner.health().lanes[1].own_read
            blown.set()
            await eventually(lambda: all(lane.own_read for lane in runner.health().lanes.values()))
            await eventually(lambda: {lane.state for lane in runner.health().lanes.values()} == {"fuse"})
        assert ledger.of(other) == [f"{other}-v{number}" for number in range(1, 40)]

    async def test_one_clinics_bad_records_stop_nobody(self, bus: Bus) -> None:
        """However many of one clinic's records go to the dead letters, its neighbours on the partition are applied."""
        mine, theirs = patients_of(bus.partitions)[0], patients_of(bus.partitions, "dale")[0]
        ledger = Ledger()

        async def buggy(batch: Batch) -> None:
            if any(event.data.clinic == "hill" for event in batch.events):
                raise OverflowError

        ledger.before = buggy
        for number in range(20):
            await publish_record(bus, check_in(mine, 100 + number), value=b"{}")
        await publish(bus, *(check_in(mine, number) for number in range(60)))
        await publish(bus, *(check_in(theirs, number, clinic="dale") for number in range(5)))
        async with running(bus, ledger) as runner:
            await eventually(lambda: caught_up(runner, bus.partitions))
            assert ledger.of(theirs) == [f"{theirs}-{number}" for number in range(5)]
            assert runner.health().ready
        assert len(ledger.aside) == 60
        assert len(await bus.records(Topic.DEAD_LETTERS)) == 80
