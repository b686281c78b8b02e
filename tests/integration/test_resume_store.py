"""The resume store on the real store server: forward only, tied to one store and one cluster."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bus import Position, Resume, ResumeStore, StoreOfAnotherCluster, StoreReplaced
from shared.contracts import Topic
from shared.documents import MongoResumeStore
from shared.mongo import Database

READ = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> ResumeStore:
    return MongoResumeStore(database=database, group="insights")


async def test_a_new_store_begins_at_nothing(store: ResumeStore) -> None:
    """So that everything is read from the start."""
    assert Resume(offsets={}, times={}) == await store.open(3, "cluster-a")


async def test_what_was_saved_is_found_by_the_next_process(store: ResumeStore, database: Database) -> None:
    """Offsets and times by topic, to the microsecond, a topic with a dash in its name included."""
    await store.open(3, "cluster-a")
    resume = Resume({Topic.MOODS: 17, Topic.DEAD_LETTERS: 2}, {Topic.MOODS: READ})
    await store.save(3, resume)

    assert resume == await MongoResumeStore(database=database, group="insights").open(3, "cluster-a")


async def test_partitions_and_groups_are_apart(store: ResumeStore, database: Database) -> None:
    """Two services may share a server, and a process has many partitions."""
    other = MongoResumeStore(database=database, group="mood")
    for partition in (3, 4):
        await store.open(partition, "cluster-a")
    await other.open(3, "cluster-a")
    await store.save(3, Resume({Topic.MOODS: 17}, {}))

    assert Resume({}, {}) == await store.open(4, "cluster-a") == await other.open(3, "cluster-a")


async def test_a_stale_owner_cannot_turn_back(store: ResumeStore, database: Database) -> None:
    """Topic by topic the furthest stands, whoever said it, and what is not mentioned stays."""
    zombie = MongoResumeStore(database=database, group="insights")
    await zombie.open(3, "cluster-a")
    await store.open(3, "cluster-a")
    later = READ + timedelta(seconds=1)
    await store.save(3, Resume({Topic.MOODS: 20, Topic.PATIENTS: 5}, {Topic.MOODS: later}))
    await zombie.save(3, Resume({Topic.MOODS: 9, Topic.PATIENTS: 6}, {Topic.MOODS: READ}))
    await zombie.save(3, Resume({}, {}))

    assert Resume({Topic.MOODS: 20, Topic.PATIENTS: 6}, {Topic.MOODS: later}) == await store.open(3, "cluster-a")


async def test_a_position_is_passed_when_the_stored_offset_is_beyond_it(store: ResumeStore, database: Database) -> None:
    """The stored one: any replica may ask, also one that owns nothing."""
    await store.open(3, "cluster-a")
    await store.save(3, Resume({Topic.MOODS: 17}, {}))
    asking = MongoResumeStore(database=database, group="insights")

    answers = [
        await asking.passed(Position(topic, partition, offset))
        for topic, partition, offset in [
            (Topic.MOODS, 3, 16),
            (Topic.MOODS, 3, 17),
            (Topic.MOODS, 4, 0),
            (Topic.PATIENTS, 3, 0),
        ]
    ]
    assert answers == [True, False, False, False]


async def test_a_store_of_another_cluster_is_refused(store: ResumeStore, database: Database) -> None:
    """Its offsets mean nothing there; the operator is told what to do."""
    await store.open(3, "cluster-a")
    with pytest.raises(StoreOfAnotherCluster, match="drop its database"):
        await MongoResumeStore(database=database, group="mood").open(0, "cluster-b")


async def test_a_store_dropped_while_running_is_noticed_at_the_next_save(
    store: ResumeStore, database: Database
) -> None:
    """And opening again begins at nothing, with everything to be read again."""
    await store.open(3, "cluster-a")
    await store.save(3, Resume({Topic.MOODS: 17}, {}))
    await database["resume"].drop()
    with pytest.raises(StoreReplaced):
        await store.save(3, Resume({Topic.MOODS: 18}, {}))

    assert Resume({}, {}) == await store.open(3, "cluster-a")
    await store.save(3, Resume({Topic.MOODS: 1}, {}))


async def test_a_store_replaced_by_another_process_is_noticed_too(store: ResumeStore, database: Database) -> None:
    """The record is there again, but of another incarnation: nothing of ours is written into it."""
    await store.open(3, "cluster-a")
    await database["resume"].drop()
    fresh = MongoResumeStore(database=database, group="insights")
    await fresh.open(3, "cluster-a")
    with pytest.raises(StoreReplaced):
        await store.save(3, Resume({Topic.MOODS: 17}, {}))

    assert Resume({}, {}) == await fresh.open(3, "cluster-a")


async def test_the_rest_of_an_older_store_is_not_believed(store: ResumeStore, database: Database) -> None:
    """A partition's record that outlived the store's own covers effects that may be gone."""
    await store.open(3, "cluster-a")
    await store.save(3, Resume({Topic.MOODS: 17}, {}))
    await database["resume"].delete_one({"_id": "store"})

    assert Resume({}, {}) == await MongoResumeStore(database=database, group="insights").open(3, "cluster-a")


async def test_replicas_that_begin_at_once_agree_on_the_store(database: Database) -> None:
    """Whoever comes first names it; the others' saves count in it."""
    stores = [MongoResumeStore(database=database, group="insights") for _ in range(8)]
    await asyncio.gather(*(store.open(n % 2, "cluster-a") for n, store in enumerate(stores)))
    await asyncio.gather(*(store.save(n % 2, Resume({Topic.MOODS: n}, {})) for n, store in enumerate(stores)))

    assert {n: (await stores[n].open(n, "cluster-a")).offsets[Topic.MOODS] for n in (0, 1)} == {0: 6, 1: 7}


OFFSETS = st.dictionaries(st.sampled_from([Topic.MOODS, Topic.PATIENTS]), st.integers(0, 2**40), max_size=2)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(saves=st.lists(OFFSETS, max_size=8))
async def test_after_any_saves_each_topic_stands_at_its_highest(
    database: Database, saves: list[dict[Topic, int]]
) -> None:
    """In whatever sequence they come."""
    store = MongoResumeStore(database=database, group=uuid4().hex)
    await store.open(0, "cluster-a")
    for offsets in saves:
        await store.save(0, Resume(offsets, {}))

    highest = {topic: max(o[topic] for o in saves if topic in o) for topic in {t for o in saves for t in o}}
    assert highest == (await store.open(0, "cluster-a")).offsets
