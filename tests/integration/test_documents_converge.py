"""Documents after crashes, broker failures, zombies and lost stores: store, topic and readers end at one truth."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from shared.bus import Event, Message, Position
from shared.contracts import Clinic, Patient
from shared.documents import Idempotency, Owned, Table
from shared.documents.record import Stored
from shared.documents.shelf import Shelf
from shared.errors import Problem, Recoverable
from shared.mongo import Database
from tests.fakes import Died, Failure, FakeClock, FakePublisher
from tests.integration.patients import KEY, REGISTERED, documents, owner, patient, to, versions

LONG = timedelta(minutes=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


@pytest.fixture
async def patients(database: Database, publisher: FakePublisher, clock: FakeClock) -> Owned[Patient]:
    owned = owner(database["patients"], publisher, clock)
    await owned.open()
    return owned


def event(publisher: FakePublisher, document: Patient) -> Event:
    """What somebody else, a zombie or an older store, puts on the topic."""
    publisher.record(Message(id=str(uuid4()), time=REGISTERED, data=document))
    return publisher.events[-1]


def healed() -> float:
    return REGISTRY.get_sample_value("rapport_documents_healed_total", {"service": "tests"}) or 0


@pytest.mark.parametrize("failure", list(Failure))
async def test_what_a_failure_left_unpublished_is_swept(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock, database: Database, failure: Failure
) -> None:
    """Broker away, answer lost, killed before or after: the stored decision stands on the topic after a sweep."""
    await patients.write(KEY, to("Ada"))
    publisher.failure = failure
    try:
        written = await patients.write(KEY, to("Ada B."), idempotency=Idempotency.of(client="c", key="k", body=b""))
        assert written.position is None
    except Died:
        pass
    publisher.failure = None
    clock.advance(LONG)
    restarted = owner(database["patients"], publisher, clock)

    assert await restarted.sweep() == 1
    assert await restarted.sweep() == 0
    assert publisher.last(KEY).data == await restarted.load(KEY)
    assert versions(publisher)[-1] == 2
    retried = await restarted.write(KEY, to("Ada B."), idempotency=Idempotency.of(client="c", key="k", body=b""))
    assert (True, publisher.last(KEY).position) == (retried.replayed, retried.position)


async def test_a_crash_before_anything_is_stored_leaves_nothing(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock
) -> None:
    """Nothing to sweep: the decision was never made, and the client was never told that it was."""

    def dies(_: Patient | None) -> Patient:
        raise Died

    with pytest.raises(Died):
        await patients.write(KEY, dies)
    clock.advance(LONG)

    assert (await patients.sweep(), publisher.events) == (0, [])


async def test_a_sweep_leaves_alone_what_is_on_its_way(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock
) -> None:
    """A version younger than the grace is most likely being published this very moment."""
    publisher.failure = Failure.AWAY
    await patients.write(KEY, to("Ada"))
    publisher.failure = None
    clock.advance(timedelta(seconds=4))

    assert (await patients.sweep(), publisher.events) == (0, [])
    clock.advance(timedelta(seconds=2))
    assert (await patients.sweep(), versions(publisher)) == (1, [1])


async def test_a_slow_writer_does_not_take_a_later_version_for_published(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock, database: Database
) -> None:
    """While version 1 is being published, another process stores version 2 and dies: 2 is still swept."""

    async def another_dies() -> None:
        its_own = FakePublisher()
        its_own.failure = Failure.DIES_BEFORE
        with pytest.raises(Died):
            await owner(database["patients"], its_own, clock).write(KEY, to("Ada B."))

    publisher.meanwhile = another_dies
    await patients.write(KEY, to("Ada"))
    clock.advance(LONG)

    assert (await patients.sweep(), versions(publisher)) == (1, [1, 2])


async def test_only_the_newest_of_several_unpublished_versions_is_needed(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock
) -> None:
    """Each version is the whole document."""
    publisher.failure = Failure.AWAY
    for name in ("Ada", "Ada B.", "Ada C."):
        await patients.write(KEY, to(name))
    publisher.failure = None
    clock.advance(LONG)

    assert (await patients.sweep(), versions(publisher)) == (1, [3])


async def test_replicas_that_sweep_at_once_say_the_same(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock, database: Database
) -> None:
    """What is published twice has one id and one version, and changes nothing for anybody."""
    publisher.failure = Failure.AWAY
    for number in range(5):
        await patients.write(f"riverside/p{number}", to("Ada", f"p{number}"))
    publisher.failure = None
    clock.advance(LONG)
    await asyncio.gather(patients.sweep(), owner(database["patients"], publisher, clock).sweep())

    readers = Table[Patient]()
    readers.keep_highest(documents(publisher.events))
    assert 5 == len(readers) == len({event.id for event in publisher.events})
    assert await patients.sweep() == 0


async def test_a_sweep_without_a_broker_is_put_off(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock
) -> None:
    """It says so, and loses nothing."""
    publisher.failure = Failure.AWAY
    await patients.write(KEY, to("Ada"))
    clock.advance(LONG)
    with pytest.raises(Recoverable):
        await patients.sweep()
    publisher.failure = None

    assert await patients.sweep() == 1


async def test_the_sweeper_goes_on_when_the_broker_is_back(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock
) -> None:
    """The loop outlives an outage."""
    publisher.failure = Failure.AWAY
    await patients.write(KEY, to("Ada"))
    clock.advance(LONG)
    sweeper = asyncio.create_task(patients.run_sweeper(timedelta(milliseconds=1)))
    try:
        await patients.load(KEY)
        publisher.failure = None
        async with asyncio.timeout(10):
            while not publisher.events:
                await patients.load(KEY)
    finally:
        sweeper.cancel()

    assert versions(publisher) == [1]


async def test_the_owner_publishes_the_newest_again_behind_an_older_one(
    patients: Owned[Patient], publisher: FakePublisher
) -> None:
    """A slow writer's version 1 came last on the topic, and compaction would keep it."""
    before = healed()
    first = await patients.write(KEY, to("Ada"))
    await patients.write(KEY, to("Ada B."))
    late = event(publisher, first.document)

    await patients.observe(publisher.events)

    assert versions(publisher)[-1] == 2
    assert publisher.last(KEY).data == await patients.load(KEY)
    assert healed() - before == 1
    await patients.observe([late])  # once more, as after a crash: the healing stands behind it already
    assert versions(publisher) == [1, 2, 1, 2]


async def test_an_owner_that_reads_late_heals_nothing_that_is_whole(
    patients: Owned[Patient], publisher: FakePublisher
) -> None:
    """Older versions in front of the newest are history, read one by one or again from the start."""
    for name in ("Ada", "Ada B.", "Ada C."):
        await patients.write(KEY, to(name))
    for one in list(publisher.events):
        await patients.observe([one])
    await patients.observe(publisher.events)

    assert versions(publisher) == [1, 2, 3]


async def test_a_version_not_yet_published_is_left_to_the_sweep(
    patients: Owned[Patient], publisher: FakePublisher
) -> None:
    """It will stand behind the older one by itself."""
    await patients.write(KEY, to("Ada"))
    publisher.failure = Failure.AWAY
    await patients.write(KEY, to("Ada B."))
    publisher.failure = None
    await patients.observe(publisher.events)

    assert versions(publisher) == [1]


async def test_healing_without_a_broker_has_the_batch_again(patients: Owned[Patient], publisher: FakePublisher) -> None:
    """The offset must not move on past what was not healed."""
    first = await patients.write(KEY, to("Ada"))
    await patients.write(KEY, to("Ada B."))
    late = event(publisher, first.document)
    publisher.failure = Failure.AWAY
    with pytest.raises(Recoverable):
        await patients.observe([late])
    publisher.failure = None
    await patients.observe([late])

    assert versions(publisher)[-1] == 2


async def test_a_dropped_store_is_rebuilt_from_the_topic(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock, database: Database
) -> None:
    """Documents, tombstones and places in lists come back as they were; the next version counts on."""
    for number in range(3):
        await patients.write(f"riverside/p{number}", to("Ada", f"p{number}"))
        clock.advance(LONG)
    await patients.write("riverside/p0", to("Ada B.", "p0"))
    await patients.remove("riverside/p1")
    before = await patients.page("riverside", with_deleted=True)
    count = len(publisher.events)
    await database["patients"].drop()

    rebuilt = owner(database["patients"], publisher, clock)
    await rebuilt.open()
    await rebuilt.observe(publisher.events)

    assert before == await rebuilt.page("riverside", with_deleted=True)
    assert count == len(publisher.events)
    assert (await rebuilt.write("riverside/p0", to("Ada C.", "p0"))).document.version == 3
    with pytest.raises(Problem):
        await rebuilt.write("riverside/p1", to("Ada", "p1"))


async def test_a_rebuild_heals_what_it_finds_out_of_order(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock, database: Database
) -> None:
    """The newest is adopted and published again, for the topic ends in an older one."""
    first = await patients.write(KEY, to("Ada"))
    second = await patients.write(KEY, to("Ada B."))
    event(publisher, first.document)
    await database["patients"].drop()
    await patients.open()
    await patients.observe(publisher.events)

    assert second.document == await patients.load(KEY) == publisher.last(KEY).data


async def test_a_store_that_lost_what_it_acknowledged_still_ends_at_one_truth(
    patients: Owned[Patient], publisher: FakePublisher, database: Database
) -> None:
    """Restored to version 1, it made another version 2: its later word goes above both, for all readers alike."""
    await patients.write(KEY, to("Ada"))
    backup = await database["patients"].find_one({"_id": KEY})
    assert backup is not None
    await patients.write(KEY, to("Ada B."))
    await patients.write(KEY, to("Ada C."))
    await database["patients"].replace_one({"_id": KEY}, backup)
    await patients.write(KEY, to("Ada the second"))

    await patients.observe(publisher.events)

    newest = await patients.load(KEY)
    assert newest is not None
    assert (newest.name, newest.version) == ("Ada the second", 4)
    assert newest == publisher.last(KEY).data


async def test_observing_meets_a_writer(patients: Owned[Patient], publisher: FakePublisher, database: Database) -> None:
    """A document written while its topic is being adopted is judged anew, and nothing is lost."""
    event(publisher, patient("Ada", version=7))
    told = list(publisher.events)
    await asyncio.gather(patients.observe(told), patients.write("riverside/p2", to("Bea", "p2")))
    await asyncio.gather(*(patients.observe(told) for _ in range(3)), patients.write(KEY, to("Ada B.")))
    await patients.observe(publisher.events)

    newest = await patients.load(KEY)
    assert newest is not None
    assert (newest.name, newest.version) == ("Ada B.", 8)
    assert newest == publisher.last(KEY).data


async def test_an_adoption_that_somebody_overtook_is_told(database: Database, publisher: FakePublisher) -> None:
    """Judged on what is no longer stored, it is not done, and its key is to be judged again; the others are done."""
    shelf = Shelf(collection=database["patients"], model=Patient, facets={})
    await shelf.open()
    one, two = (Stored(document=patient("Ada", version=v), changed_at=REGISTERED) for v in (1, 2))
    await shelf.swap(None, one, None)
    await shelf.swap(one, two, None)
    others = [Stored(document=patient("Bea", "p2"), changed_at=REGISTERED)]
    from_the_topic = Stored(document=patient("Old", version=7), changed_at=REGISTERED)

    assert {KEY} == await shelf.adopt([from_the_topic, *others], {KEY: one})
    assert {KEY, "riverside/p2"} == await shelf.adopt([from_the_topic, *others], {})
    assert {KEY: two.document, "riverside/p2": others[0].document} == {
        key: stored.document for key, stored in (await shelf.get_many([KEY, "riverside/p2"])).items()
    }


async def test_events_of_other_models_are_passed_over(patients: Owned[Patient], database: Database) -> None:
    """A topic may hold documents of several models, and facts."""
    stranger = Clinic.model_construct(clinic="riverside", version=1, name="Riverside", settings=[])
    position = Position(Clinic.topic, 0, 0)
    await patients.observe([Event("1", REGISTERED, stranger, position, b"")])

    assert await database["patients"].count_documents({}) == 0
