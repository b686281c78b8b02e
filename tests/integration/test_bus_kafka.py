"""The bus suite on a real broker of its own, and what only a real one can do.

Its own, because the suite kills it and leaves behind records that nobody can read.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import OutOfOrderSequenceNumber
from structlog.testing import capture_logs

from shared.bus.kafka import KafkaPublisher, KafkaSource, describe_cluster
from shared.bus.memory import MemoryResumeStore
from shared.bus.provision import declared_topics, provision
from shared.bus.source import Owner, Record, Refused, Source
from shared.contracts import Topic
from shared.errors import Recoverable
from tests.behaviour.bus import BusSuite
from tests.behaviour.bus_parts import (
    BOTH,
    CLINIC,
    MOODS,
    Ledger,
    Publishing,
    caught_up,
    check_in,
    document,
    eventually,
    patients_of,
    publish,
    running,
)
from tests.stack import Stack, open_stack

PARTITIONS = 4


class _Nobody(Owner):
    async def assigned(self, partitions: object) -> None: ...
    async def revoked(self, partitions: object) -> None: ...


class KafkaBus:
    """A real broker as the suite wants it."""

    partitions = PARTITIONS

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.is_down = False
        self.bootstrap = stack.bootstrap

    def source(self, topics: frozenset[Topic], group: str | None) -> Source:
        return KafkaSource(bootstrap=self.stack.bootstrap, group=group, topics=topics)

    def publisher(self) -> AbstractAsyncContextManager[Publishing]:
        return KafkaPublisher(bootstrap=self.stack.bootstrap, service="mood", timeout=3.0)

    async def records(self, topic: Topic) -> Sequence[Record]:
        source = self.source(frozenset({topic}), None)
        await source.open(_Nobody())
        try:
            found: list[Record] = []
            partitions = range(1 if topic in (Topic.DEAD_LETTERS, Topic.CLINICS) else PARTITIONS)
            ends = sum([(await source.ends(partition))[topic] for partition in partitions])

            async def all_read() -> bool:
                polled = await source.poll([(topic, p) for p in partitions], limit=1_000, seconds=0.1)
                for records in polled.values():
                    found.extend(records)
                return len(found) >= ends

            await eventually(all_read)
            return found
        finally:
            await source.close()

    async def cut(self) -> None:
        self.is_down = True
        await asyncio.to_thread(self.stack.kill_kafka)

    async def heal(self) -> None:
        await asyncio.to_thread(self.stack.start_kafka)
        self.is_down = False


@pytest.fixture(scope="module")
def broker() -> Iterator[Stack]:
    """A broker that may be killed and spoilt."""
    with open_stack() as stack:
        yield stack


@pytest.fixture(scope="module")
def declaration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The platform's topics, with few partitions."""
    path = tmp_path_factory.mktemp("topics") / "topics.yaml"
    topics = {
        topic.value: {"per_patient": True, "compact": topic is Topic.PATIENTS}
        for topic in (Topic.MOODS, Topic.PATIENTS)
    }
    single: dict[str, Any] = {
        topic.value: {"partitions": 1, "compact": False} for topic in (Topic.CLINICS, Topic.DEAD_LETTERS)
    }
    path.write_text(yaml.safe_dump({"patient_partitions": PARTITIONS, "topics": topics | single}))
    return path


@pytest.fixture
async def bus(broker: Stack, declaration: Path) -> AsyncIterator[KafkaBus]:
    """Empty topics on the broker."""
    await empty_topics(broker.bootstrap, declaration)
    bus = KafkaBus(broker)
    yield bus
    if bus.is_down:
        await bus.heal()


async def empty_topics(bootstrap: str, declaration: Path | None) -> None:
    """Delete what is there and create it anew, where it is declared."""
    _, present = await describe_cluster(bootstrap)
    doomed = [name for name in present if not name.startswith("__")]
    if doomed:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.delete_topics(doomed)
        await admin.close()

        async def gone() -> bool:
            return not set(doomed) & set((await describe_cluster(bootstrap))[1])

        await eventually(gone)
    if declaration is not None:
        await provision(bootstrap, declaration)


class TestKafkaBus(BusSuite):
    """What the bus promises, on a real broker."""


class TestRealBroker:
    """What only a real broker can show."""

    async def test_killed_in_the_middle_of_a_stream_nothing_acknowledged_is_lost(self, bus: KafkaBus) -> None:
        """SIGKILL while events stream: whoever was told "recorded" finds it applied, in order, after the restart."""
        patients, ledger, acknowledged = patients_of(PARTITIONS), Ledger(), []
        stop = asyncio.Event()

        async def stream(publisher: Publishing) -> None:
            number = 0
            while not stop.is_set():
                try:
                    await publisher.publish([check_in(p, number) for p in patients])
                except Recoverable:
                    continue
                acknowledged.extend(f"{p}-{number}" for p in patients)
                number += 1

        async with bus.publisher() as publisher, running(bus, ledger) as runner:
            streaming = asyncio.create_task(stream(publisher))
            await eventually(lambda: len(ledger.facts) > 200)
            await bus.cut()
            before = len(acknowledged)
            await bus.heal()
            await eventually(lambda: len(acknowledged) > before + 200, within=90)
            stop.set()
            await streaming
            await eventually(lambda: set(acknowledged) <= set(ledger.facts), within=90)
            await eventually(lambda: caught_up(runner, PARTITIONS))
        for patient in patients:
            first_seen = list(dict.fromkeys(ledger.of(patient)))
            assert first_seen == sorted(first_seen, key=lambda event_id: int(event_id.rpartition("-")[2]))

    async def test_while_the_broker_is_away_every_publish_gets_an_answer(self, bus: KafkaBus) -> None:
        """Nobody waits for ever, a service may even start; once it is back all publishers work by themselves."""
        async with bus.publisher() as old:
            await old.publish([check_in("p", 0)])
            await bus.cut()
            async with bus.publisher() as new:
                told = await asyncio.gather(
                    *(publisher.publish([check_in("p", n)]) for n in range(1, 100) for publisher in (old, new)),
                    return_exceptions=True,
                )
                assert {type(error) for error in told} == {Recoverable}
                assert "may have been recorded or not" in str(told[0])
                await bus.heal()
                for number, publisher in enumerate((old, new), start=200):

                    async def published(publisher: Publishing = publisher, number: int = number) -> bool:
                        try:
                            return bool(await publisher.publish([check_in("p", number)]))
                        except Recoverable:
                            return False

                    await eventually(published, within=60)
        stored = {dict(record.headers)["ce_id"] for record in await bus.records(Topic.MOODS)}
        assert {b"p-0", b"p-200", b"p-201"} <= stored

    async def test_a_producer_whose_sequence_broke_is_replaced(self, bus: KafkaBus) -> None:
        """aiokafka's idempotent producer fails for ever once its sequence is broken; the next publish opens another."""
        async with KafkaPublisher(bootstrap=bus.bootstrap, service="mood", timeout=5.0) as publisher:
            await publisher.publish([check_in("p", 0)])
            producer = publisher._producer
            producer._txn_manager._sequence_numbers.clear()
            producer._txn_manager.increment_sequence_number(next(iter(await _places(bus))), 7)
            for place in await _places(bus):
                producer._txn_manager.increment_sequence_number(place, 7)
            with capture_logs() as logs, pytest.raises(Recoverable) as told:
                await publisher.publish([check_in("p", 1)])
            assert isinstance(told.value.__cause__, OutOfOrderSequenceNumber)
            assert [entry["event"] for entry in logs] == ["producer_replaced"]
            await publisher.publish([check_in("p", 1)])
        assert [record.offset for record in await bus.records(Topic.MOODS)] == [0, 1]

    async def test_a_record_too_large_is_refused_at_once(self, bus: KafkaBus) -> None:
        """What Kafka would never accept is a ValueError, not something to wait for."""
        async with bus.publisher() as publisher:
            with pytest.raises(ValueError, match="1000000 bytes"):
                await publisher.publish_raw(Topic.MOODS, key=b"k", value=b"x" * 1_100_000, headers=[])

    async def test_a_dead_letter_too_large_to_wrap_goes_without_its_value(self, bus: KafkaBus) -> None:
        """It stays where it came from; nothing expires."""
        ledger = Ledger()
        async with bus.publisher() as publisher, running(bus, ledger):
            await publisher.publish_raw(Topic.MOODS, key=b"hill/p", value=b"x" * 999_800, headers=[])
            await publisher.publish([check_in("p", 1)])
            await eventually(lambda: ledger.order)
        letter = (await bus.records(Topic.DEAD_LETTERS))[-1]
        assert letter.value is None
        assert dict(letter.headers)["dlq-value-omitted"] == b"too large"
        assert dict(letter.headers)["dlq-origin-offset"] == b"0"

    async def test_the_group_shows_how_far_it_is(self, bus: KafkaBus) -> None:
        """Operators see the lag in the group's offsets, which nothing reads back."""
        group, store, patient = uuid4().hex, MemoryResumeStore(), patients_of(PARTITIONS)[2]
        await publish(bus, *(check_in(patient, n) for n in range(7)))
        source = KafkaSource(bootstrap=bus.bootstrap, group=group, topics=MOODS)
        async with running(bus, Ledger(), store, group=group) as runner:
            await eventually(lambda: caught_up(runner, PARTITIONS))
            await publish(bus, check_in(patient, 7))
            admin = AIOKafkaAdminClient(bootstrap_servers=bus.bootstrap)
            await admin.start()

            async def shown() -> bool:
                offsets = await admin.list_consumer_group_offsets(group)
                return {place.partition: found.offset for place, found in offsets.items()}.get(2) == 8

            try:
                await eventually(shown)
            finally:
                await admin.close()
        ledger = Ledger()
        async with running(bus, ledger, MemoryResumeStore(), group=group):
            await eventually(lambda: len(ledger.of(patient)) == 8)
        await source.close()

    async def test_unequal_partition_counts_are_refused(self, bus: KafkaBus, tmp_path: Path) -> None:
        """A service does not start on topics that would tear a patient's records apart, and says so in a sentence."""
        declaration = tmp_path / "unequal.yaml"
        topics = {"sessions": {"partitions": PARTITIONS + 1, "compact": True}}
        declaration.write_text(yaml.safe_dump({"patient_partitions": PARTITIONS, "topics": topics}))
        await provision(bus.bootstrap, declaration)
        torn = frozenset({Topic.MOODS, Topic.SESSIONS})
        async with running(bus, Ledger(), topics=torn) as runner:
            await eventually(lambda: "moods 4, sessions 5" in " ".join(runner.health().reasons))
            assert not runner.health().ready

    async def test_missing_topics_are_refused_until_they_are_made(self, bus: KafkaBus, declaration: Path) -> None:
        """A service that starts before its topics says how to make them, and goes on by itself once they are there."""
        await empty_topics(bus.bootstrap, None)
        ledger = Ledger()
        async with running(bus, ledger, topics=BOTH) as runner:
            await eventually(lambda: "shared.bus.provision" in " ".join(runner.health().reasons))
            await provision(bus.bootstrap, declaration)
            await eventually(lambda: caught_up(runner, PARTITIONS))

    async def test_provisioning_twice_changes_nothing_and_a_mismatch_is_refused(
        self, bus: KafkaBus, declaration: Path, tmp_path: Path
    ) -> None:
        """The command can be run again and again; another number of partitions is refused in one sentence."""
        assert await provision(bus.bootstrap, declaration) == []
        other = tmp_path / "other.yaml"
        other.write_text(
            yaml.safe_dump({"patient_partitions": 9, "topics": {"moods": {"per_patient": True, "compact": False}}})
        )
        with pytest.raises(Refused, match="has 4 partitions where 9 are declared"):
            await provision(bus.bootstrap, other)
        assert {topic.name: topic.partitions for topic in declared_topics()}["moods"] == 12

    async def test_nothing_expires_and_documents_are_compacted(self, bus: KafkaBus) -> None:
        """Kafka is the record: no topic has a retention, and what is declared so is compacted."""
        admin = AIOKafkaAdminClient(bootstrap_servers=bus.bootstrap)
        await admin.start()
        try:
            found = await _settings(admin, ["moods", "patients"])
        finally:
            await admin.close()
        assert {name: found[name]["retention.ms"] for name in found} == {"moods": "-1", "patients": "-1"}
        assert {name: found[name]["cleanup.policy"] for name in found} == {"moods": "delete", "patients": "compact"}

    async def test_a_poll_that_finds_nothing_to_fetch_keeps_its_place_in_the_group(self, bus: KafkaBus) -> None:
        """With every partition waiting, the member polls nothing, stays in the group, and goes on where it was."""
        patients, ledger = patients_of(PARTITIONS), Ledger()
        away = True

        async def store_away(_: object) -> None:
            if away:
                raise Recoverable("the store is away")

        ledger.before = store_away
        async with running(bus, ledger) as runner:
            await publish(bus, *(check_in(p, 0) for p in patients))
            await eventually(lambda: {lane.state for lane in runner.health().lanes.values()} == {"waiting"})
            polled = runner.health().last_poll
            await eventually(lambda: runner.health().last_poll > polled)
            away = False
            await eventually(lambda: len(ledger.order) == len(patients))
        assert [call for call, _ in ledger.calls].count("assigned") == PARTITIONS

    async def test_keys_of_documents_stand_beside_their_patient(self, bus: KafkaBus) -> None:
        """A patient's facts and documents have the same partition number, whatever follows in the key."""
        patients = patients_of(PARTITIONS)
        await publish(bus, *(check_in(p, 0) for p in patients), *(document(p, 1) for p in patients))
        where = {record.key: record.partition for topic in BOTH for record in await bus.records(topic) if record.key}
        assert where == {f"{CLINIC}/{patient}".encode(): number for number, patient in enumerate(patients)}


async def _places(bus: KafkaBus) -> list[Any]:
    source = KafkaSource(bootstrap=bus.bootstrap, group=None, topics=MOODS)
    await source.open(_Nobody())
    await source.close()
    return list(source._places.values())


async def _settings(admin: AIOKafkaAdminClient, topics: list[str]) -> dict[str, dict[str, str]]:
    responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics])
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for response in responses
        for resource in response.resources
    }
