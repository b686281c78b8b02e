"""The reading side on the real store server: the highest version of each key, whatever comes in whatever order."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bus import Message, Position
from shared.contracts import Assessment, Patient
from shared.documents import Mirror, Table, order_text
from shared.mongo import Database
from tests.fakes import FakePublisher

MADE = datetime(2026, 11, 2, 9, tzinfo=UTC)


def patient(version: int, number: str = "p1", *, deleted: bool = False) -> Patient:
    return Patient(
        clinic="riverside",
        patient=number,
        version=version,
        deleted=deleted,
        name="" if deleted else f"version {version}",
        registered_at=MADE,
        updated_at=MADE,
    )


def assessment(basis: int, *, made: int = 0, epoch: int = 1, patient: str = "p1") -> Assessment:
    return Assessment(
        clinic="riverside",
        patient=patient,
        epoch=epoch,
        basis=basis,
        settings_version=1,
        rules_version=1,
        made_at=MADE + timedelta(microseconds=made),
        registered=True,
        entries=basis,
        last_heard=None,
        concerns=[],
    )


@pytest.fixture
async def mirror(database: Database) -> Mirror[Patient]:
    return Mirror(collection=database["patients"], model=Patient)


@pytest.mark.parametrize("sequence", list(permutations([1, 2, 10])))
async def test_the_highest_version_is_kept_in_any_sequence(mirror: Mirror[Patient], sequence: Sequence[int]) -> None:
    """One by one, repeated, and 10 is above 2."""
    for version in (*sequence, *sequence):
        await mirror.apply([patient(version)])

    assert patient(10) == await mirror.get("riverside/p1")


async def test_a_tombstone_is_kept_against_stale_copies(mirror: Mirror[Patient]) -> None:
    """Nobody is brought back by a late record."""
    await mirror.apply([patient(1), patient(3, deleted=True), patient(2)])
    await mirror.apply([patient(2)])

    assert patient(3, deleted=True) == await mirror.get("riverside/p1")


async def test_what_was_never_seen_is_none(mirror: Mirror[Patient]) -> None:
    """And left out of many."""
    await mirror.apply([])
    await mirror.apply([patient(1)])

    assert await mirror.get("riverside/p2") is None
    assert {"riverside/p1": patient(1)} == await mirror.get_many(["riverside/p1", "riverside/p2", "riverside/p1"])


async def test_thousands_are_kept_in_one_call(mirror: Mirror[Patient]) -> None:
    """More than fit one message, with several versions of each."""
    everybody = [patient(version, f"p{number}") for version in (2, 1) for number in range(1_500)]
    await mirror.apply(everybody)

    found = await mirror.get_many(document.key for document in everybody)
    assert len(found) == 1_500
    assert {2} == {document.version for document in found.values()}


async def test_first_writers_of_one_key_do_not_get_in_one_anothers_way(
    mirror: Mirror[Patient], database: Database
) -> None:
    """Five processes that see a patient for the first time, at once."""
    others = [Mirror(collection=database["patients"], model=Patient) for _ in range(5)]
    await asyncio.gather(*(other.apply([patient(version)]) for version, other in enumerate(others, 1)))

    assert patient(5) == await mirror.get("riverside/p1")


async def test_an_assessments_order_compares_as_numbers_do(database: Database) -> None:
    """Epoch before basis before the time it was made; 9 before 10, and a microsecond counts."""
    mirror = Mirror(collection=database["assessments"], model=Assessment)
    newest = assessment(9, made=2, epoch=2)
    await mirror.apply([assessment(10), newest, assessment(9, made=1, epoch=2), assessment(99)])

    assert newest == await mirror.get("riverside/p1")


@given(st.lists(st.tuples(*[st.integers(0, 10**19 - 1)] * 3), min_size=2, max_size=20))
def test_order_text_sorts_as_the_order_does(orders: list[tuple[int, ...]]) -> None:
    """For every number that a BSON integer can be, and beyond."""
    assert sorted(orders) == sorted(orders, key=order_text)


@pytest.mark.parametrize("number", [-1, 10**19])
def test_an_order_out_of_range_is_refused(number: int) -> None:
    """Rather than compared wrongly for ever."""
    with pytest.raises(ValueError, match="0 to"):
        order_text([number])


def test_a_table_keeps_the_highest_and_tells_the_news() -> None:
    """Duplicates, older versions and replays are no news."""
    table = Table[Patient]()

    assert [patient(2), patient(1, "p2")] == table.keep_highest([patient(1), patient(2), patient(1, "p2")])
    assert table.keep_highest([patient(1), patient(2)]) == []
    assert (patient(2), None, 2) == (table.get("riverside/p1"), table.get("riverside/p9"), len(table))
    assert [patient(2), patient(1, "p2")] == list(table)


async def test_an_older_record_behind_the_newest_is_told_to_be_published_again(mirror: Mirror[Patient]) -> None:
    """Once, and not when it is history in front of the newest, nor for keys that are whole."""
    topic = FakePublisher()
    stale, newest, whole = patient(1), patient(2), patient(1, "p2")
    told = [topic.record(Message(str(n), MADE, document)) for n, document in enumerate([stale, newest, whole])]

    assert await mirror.follow(topic.events) == []
    assert await mirror.follow(topic.events) == []  # a replay
    topic.record(Message("late", MADE, stale))
    assert [newest] == await mirror.follow(topic.events[3:])
    again = await topic.publish([Message("again", MADE, newest)])
    await mirror.apply([newest], again)
    assert await mirror.follow(topic.events[3:]) == []
    assert told[1].offset < again[0].offset


async def test_what_was_healed_already_is_not_healed_again(mirror: Mirror[Patient]) -> None:
    """The newest stands behind the older one in the same batch, published again by an owner that died since."""
    topic = FakePublisher()
    for n, document in enumerate([patient(2), patient(1), patient(2)]):
        topic.record(Message(str(n), MADE, document))

    assert await mirror.follow(topic.events) == []
    assert await mirror.follow(topic.events[1:2]) == []


async def test_following_takes_in_what_the_store_lacks(mirror: Mirror[Patient], database: Database) -> None:
    """A dropped store says what the topic says, and heals what it finds out of order on the way."""
    topic = FakePublisher()
    for n, document in enumerate([patient(1), patient(3), patient(2)]):
        topic.record(Message(str(n), MADE, document))
    await mirror.follow(topic.events)
    await database["patients"].drop()

    assert [patient(3)] == await mirror.follow(topic.events)
    assert patient(3) == await mirror.get("riverside/p1")


SAID = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6), st.integers(1, 3)), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=SAID, sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4), replay=st.integers(0, 12))
async def test_every_history_ends_at_the_highest(
    database: Database, said: list[tuple[str, int, int]], sizes: list[int], replay: int
) -> None:
    """Duplicated, reordered, by stale writers, in any batches, replayed from anywhere: the topic ends there as well."""
    run = uuid4().hex[:12]
    mirror = Mirror(collection=database["histories"], model=Patient)
    topic = FakePublisher()
    for letter, version, times in said:
        for _ in range(times):
            topic.record(Message("x", MADE, patient(version, f"{run}-{letter}")))
    at, turn, replays = 0, 0, 1
    while at < len(topic.events):
        batch = topic.events[at : at + sizes[turn % len(sizes)]]
        again = await mirror.follow(batch)
        if again:
            await mirror.apply(again, await topic.publish([Message("again", MADE, document) for document in again]))
        at, turn = at + len(batch), turn + 1
        if at >= len(topic.events) and replays:
            at, replays = min(replay, at), 0

    for letter in {letter for letter, _, _ in said}:
        highest = patient(max(version for one, version, _ in said if one == letter), f"{run}-{letter}")
        assert highest == await mirror.get(highest.key) == topic.last(highest.key).data
    assert len(topic.events) <= sum(times for _, _, times in said) * 2


async def test_positions_belong_to_documents_one_by_one(mirror: Mirror[Patient]) -> None:
    """A list that does not fit is a mistake of ours."""
    with pytest.raises(ValueError, match="zip"):
        await mirror.apply([patient(1)], [Position(Patient.topic, 0, n) for n in range(2)])
