"""The parts of the runner by themselves: arithmetic that a broker need not be started for."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import metrics
from shared.bus import Batch, Resume
from shared.bus.ahead import Ahead
from shared.bus.memory import MemoryBroker, MemoryPublisher, MemoryRecord, MemoryResumeStore, MemorySource
from shared.bus.outcomes import Backoff, Fuse, describe
from shared.bus.progress import Progress
from shared.bus.records import clinic_of, encode
from shared.bus.source import Limits
from shared.clock import SystemClock
from shared.contracts import Topic
from shared.errors import Recoverable
from tests.behaviour.bus_parts import (
    BOTH,
    MOODS,
    QUICK,
    Ledger,
    MemoryBus,
    caught_up,
    check_in,
    document,
    eventually,
    patients_of,
    publish,
    running,
)


def records(topic: Topic, bad: Sequence[bool], start: int = 0) -> list[MemoryRecord]:
    """Records of a topic, of which some cannot be read."""
    make = check_in if topic is Topic.MOODS else document
    made = [encode(make("p", n + 1)) for n in range(len(bad))]
    return [
        MemoryRecord(topic.value, 0, start + n, one.key, b"{" if bad[n] else one.value, one.headers)
        for n, one in enumerate(made)
    ]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.booleans(), min_size=1, max_size=9), max_size=6),
    st.lists(st.booleans(), max_size=9),
    st.integers(1, 12),
)
def test_batches_take_everything_once_in_order_and_count_right(
    moods: list[list[bool]], patients: list[bool], room: int
) -> None:
    """However records came in, batches hold them all, in order per topic, and say where each topic is after them."""
    ahead, start = Ahead(BOTH), 0
    for chunk in moods:
        ahead.add(Topic.MOODS, records(Topic.MOODS, chunk, start))
        start += len(chunk)
    if patients:
        ahead.add(Topic.PATIENTS, records(Topic.PATIENTS, patients))
    bad = {Topic.MOODS: [flag for chunk in moods for flag in chunk], Topic.PATIENTS: patients}
    seen: dict[Topic, list[int]] = {topic: [] for topic in bad}
    applied = dict.fromkeys(bad, 0)
    while ahead.waiting:
        before = dict(applied)
        taken = ahead.take(room, applied)
        assert 0 < taken.records == ahead.in_hand <= max(room, 2) + sum(map(sum, bad.values()))
        assert taken.records == len(taken.events) + len(taken.unparsable)
        assert all(0 <= index < taken.records for index, _, _ in taken.unparsable)
        applied = taken.next
        offsets: dict[Topic, list[int]] = {topic: [] for topic in bad}
        for event in taken.events:
            offsets[event.position.topic].append(event.position.offset)
        for _, record, _ in taken.unparsable:
            assert bad[Topic(record.topic)][record.offset]
            offsets[Topic(record.topic)].append(record.offset)
        for topic, found in offsets.items():
            assert sorted(found) == list(range(before[topic], applied[topic]))
            seen[topic] += sorted(found)
    assert {topic: list(range(len(flags))) for topic, flags in bad.items()} == seen


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=600))
def test_the_fuse_blows_at_a_fifth_of_the_last_200_and_never_below_ten(diverted: list[bool]) -> None:
    """It agrees with counting by hand, whatever the sizes of batches."""
    fuse, limits = Fuse(Limits()), Limits()
    for start in range(0, len(diverted), 50):
        batch = diverted[start : start + 50]
        for index, bad in enumerate(batch):
            if not bad:
                continue
            number = start + index + 1
            window = diverted[max(0, number - limits.fuse_window) : number]
            expected = sum(window) >= 10 and sum(window) >= 0.2 * len(window)
            assert fuse.divert(index) == expected
        fuse.seen(len(batch))


@settings(deadline=None)
@given(st.lists(st.sampled_from([None, "", "a", "b", "c", "d"]), max_size=600))
def test_of_one_clinic_the_fuse_counts_five_diversions(records: list[str | None]) -> None:
    """None is a good record, "" one that is nobody's; beyond five, a clinic's are not even among the records."""
    fuse, limits = Fuse(Limits()), Limits()
    for number, clinic in enumerate(records):
        if clinic is None:
            continue
        window = records[max(0, number + 1 - limits.fuse_window) : number + 1]
        times = {name: window.count(name) for name in "abcd"}
        counted = window.count("") + sum(min(5, those) for those in times.values())
        among = len(window) - sum(max(0, those - 5) for those in times.values())
        assert fuse.divert(number, clinic or None) == (counted >= 10 and counted >= 0.2 * among)
        assert {name for name in "abcd" if fuse.used_up(name)} == {name for name in "abcd" if times[name] >= 5}


def test_one_clinic_never_blows_the_fuse_and_two_do() -> None:
    """A thousand bad records of one clinic stop nobody; where a second one fails as well the fault is ours."""
    fuse = Fuse(Limits())
    assert not any(fuse.divert(number, "hill") for number in range(1_000))
    assert [fuse.divert(1_000 + number, "dale") for number in range(5)] == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("key", "clinic"),
    [
        (b"hill/p1", "hill"),
        (b"hill", "hill"),
        (b"hill/clinician/lee", "hill"),
        (None, None),
        (b"", None),
        (b"/p1", None),
        (b"\xff\xfe/p1", None),
        (b"h" * 65, None),
    ],
)
def test_whose_a_record_is_stands_in_its_key(key: bytes | None, clinic: str | None) -> None:
    """The first part of the key, where it could be a clinic's id."""
    assert clinic_of(key) == clinic


def test_waiting_times_double_within_their_bounds() -> None:
    """From 100 ms to 10 s, with up to half taken off, and from the beginning after a success."""
    backoff = Backoff(Limits())
    waits = [backoff.next() for _ in range(40)]
    for number, wait in enumerate(waits):
        whole = min(10.0, 0.1 * 2**number)
        assert whole / 2 <= wait <= whole
    backoff.reset()
    assert backoff.next() <= 0.1


def test_an_error_is_named_by_its_class_and_our_line_never_by_its_message() -> None:
    """What a patient said stays out of logs and dead letters."""

    def fail() -> None:
        raise KeyError("Jane said this")

    with pytest.raises(KeyError) as raised:
        fail()

    assert describe(raised.value).startswith("KeyError at tests/unit/test_bus_inside.py:")
    assert "Jane" not in describe(raised.value)
    assert describe(ValueError("Jane")) == "ValueError"


async def test_batches_shrink_while_they_take_too_long() -> None:
    """The time a batch may take is kept by making batches smaller, and they grow again when it is quick."""
    bus, ledger, slow = MemoryBus(), Ledger(), [True] * 4

    async def handle_slowly(batch: Batch) -> None:
        if batch.partition == 0 and slow:
            slow.pop()
            await asyncio.sleep(0.03)

    ledger.before = handle_slowly
    patient = patients_of(bus.partitions)[0]
    await publish(bus, *(check_in(patient, n) for n in range(4000)))
    async with running(bus, ledger, limits=replace(QUICK, batch_records=1000, batch_seconds=0.02)):
        await eventually(lambda: len(ledger.order) == 4000)
    sizes = [len(batch.events) for batch in ledger.batches]
    assert sizes[0] == 1000
    assert min(sizes[1:6]) < 500
    assert max(sizes[-8:]) > 2 * min(sizes)
    assert ledger.of(patient) == [f"{patient}-{n}" for n in range(4000)]


async def test_memory_is_bounded_whatever_waits() -> None:
    """Partitions that wait for the world hold a bounded number of records, and do not starve those that go on."""
    bus, ledger = MemoryBus(), Ledger()
    patients = patients_of(bus.partitions)

    async def three_wait(batch: Batch) -> None:
        if batch.partition < 3:
            raise Recoverable("the store is away")

    ledger.before = three_wait
    await publish(bus, *(check_in(p, n) for n in range(3000) for p in patients))
    limits = replace(QUICK, batch_records=100, buffered_records=400)
    async with running(bus, ledger, limits=limits) as runner:
        await eventually(lambda: len(ledger.of(patients[3])) == 3000)
        lanes = [lane for lane, _ in runner._lanes.values()]
        assert all(lane._ahead.waiting + lane._ahead.in_hand <= 100 + 1000 + 100 for lane in lanes)


async def test_the_gauges_say_how_far_behind_and_forget_what_is_another_s() -> None:
    """Lag by topic and partition while owned; nothing once revoked."""
    bus, ledger, hold = MemoryBus(), Ledger(), asyncio.Event()

    async def held(_: Batch) -> None:
        await hold.wait()

    def lag() -> float | None:
        labels = {"service": "mood", "topic": "moods", "partition": "1"}
        samples = next(iter(metrics.BUS_LAG_RECORDS.collect())).samples
        return next((sample.value for sample in samples if sample.labels == labels), None)

    ledger.before = held
    async with running(bus, ledger) as runner:
        await publish(bus, *(check_in(patients_of(bus.partitions)[1], n) for n in range(7)))
        await eventually(lambda: lag() == 7)
        hold.set()
        await eventually(lambda: lag() == 0)
        await eventually(lambda: caught_up(runner, bus.partitions))
    assert lag() is None


async def test_stopping_is_quick_even_while_the_world_is_away() -> None:
    """A lane that waits for the store lets go at once, and nothing is stored."""
    bus, ledger, store = MemoryBus(), Ledger(), MemoryResumeStore()

    async def store_away(_: Batch) -> None:
        raise Recoverable("the store is away")

    ledger.before = store_away
    patient = patients_of(bus.partitions)[0]
    await publish(bus, check_in(patient, 0))
    async with running(bus, ledger, store, limits=replace(QUICK, longest_wait=600, first_wait=600)) as runner:
        await eventually(lambda: runner.health().lanes and runner.health().lanes[0].state == "waiting")
        await asyncio.wait_for(runner.stop(), 5)
    assert (await store.open(0, "memory")).offsets.get(Topic.MOODS, 0) == 0


async def test_a_log_cut_short_while_running_is_noticed() -> None:
    """A broker restored from an old backup is refused, not read past."""
    bus, ledger, store = MemoryBus(), Ledger(), MemoryResumeStore()
    patient = patients_of(bus.partitions)[0]
    await publish(bus, *(check_in(patient, n) for n in range(10)))
    async with running(bus, ledger, store) as runner:
        await eventually(lambda: len(ledger.order) == 10)
        await eventually(lambda: caught_up(runner, bus.partitions))
        bus.broker.truncate(Topic.MOODS, 0, 4)
        await eventually(lambda: "do not belong together" in " ".join(runner.health().reasons))
        assert not runner.health().ready


async def test_resume_offsets_never_go_back() -> None:
    """A late word of a former owner changes nothing."""
    store, at = MemoryResumeStore(), check_in("p", 0).time
    await store.open(0, "memory")
    await store.save(0, Resume({Topic.MOODS: 9}, {Topic.MOODS: at}))
    await store.save(0, Resume({Topic.MOODS: 5, Topic.PATIENTS: 2}, {Topic.MOODS: at - timedelta(days=1)}))
    found = await store.open(0, "memory")
    assert found == Resume({Topic.MOODS: 9, Topic.PATIENTS: 2}, {Topic.MOODS: at})


async def test_own_topics_read_again_never_lower_what_is_stored() -> None:
    """While the service's own topics are read from the beginning, positions in them stay passed."""
    bus, store = MemoryBus(), MemoryResumeStore()
    patient = patients_of(bus.partitions)[0]
    positions = await publish(bus, *(document(patient, version) for version in range(1, 41)))
    own = frozenset({Topic.PATIENTS})
    for _ in range(2):
        ledger = Ledger()
        saw: list[bool] = []

        async def look(_: Batch, saw: list[bool] = saw) -> None:
            saw.append(await store.passed(positions[-1]))

        ledger.after = look
        async with running(bus, ledger, store, topics=BOTH, own=own, limits=replace(QUICK, batch_records=5)):
            await eventually(lambda ledger=ledger: len(ledger.order) == 40)
            await eventually(lambda: store.passed(positions[-1]))
    assert all(saw)


async def test_what_is_stored_of_own_topics_is_never_less_than_before() -> None:
    """A store that took every word as it comes would still not go back."""
    broker = MemoryBroker(patient_partitions=1)
    source = MemorySource(broker, group=None, topics=BOTH)
    progress = Progress(0, source=source, own_topics=frozenset({Topic.PATIENTS}), clock=SystemClock(), limits=QUICK)
    progress.begin(Resume({Topic.MOODS: 3, Topic.PATIENTS: 8}, {}), {Topic.MOODS: 3, Topic.PATIENTS: 9})
    progress.applied = {Topic.MOODS: 3, Topic.PATIENTS: 2}
    assert progress.to_store() is None
    progress.applied = {Topic.MOODS: 4, Topic.PATIENTS: 5}
    assert progress.to_store() == Resume({Topic.MOODS: 4, Topic.PATIENTS: 8}, {})


async def test_the_twin_s_publisher_counts_as_kafka_s_does() -> None:
    """The metric of published events is the same on both."""
    broker = MemoryBroker()
    before = metrics.BUS_PUBLISHED.labels("twin", "moods")._value.get()
    async with MemoryPublisher(broker, service="twin") as publisher:
        await publisher.publish([check_in("p", 0), check_in("p", 1)])
    assert metrics.BUS_PUBLISHED.labels("twin", "moods")._value.get() == before + 2
    source = MemorySource(broker, group=None, topics=MOODS)
    assert source.cluster == "memory"


async def test_a_member_cancelled_while_it_leaves_has_left() -> None:
    """No ghost keeps partitions: leaving the group is finished even when the service is stopped in the middle of it."""
    bus, ledger = MemoryBus(), Ledger()
    async with running(bus, ledger, group="service"):
        await eventually(lambda: len(ledger.mine) == bus.partitions)
        lock = bus.broker._groups["service"].lock
        await lock.acquire()
        await bus.cut()  # the runner lets go, and waits for its turn to leave
        await eventually(lambda: not ledger.mine)
        release = asyncio.get_running_loop().call_later(0.05, lock.release)
    assert release.when() <= asyncio.get_running_loop().time()
    assert not bus.broker._groups["service"].members
