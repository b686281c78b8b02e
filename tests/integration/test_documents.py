"""The owner's side of documents on the real store server: writing, retrying, removing, listing."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts import Patient
from shared.documents import Idempotency, Owned, owned
from shared.errors import Problem
from shared.mongo import Database
from tests.fakes import Failure, FakeClock, FakePublisher
from tests.integration.patients import KEY, owner, patient, to, versions


def retry(key: str, body: bytes = b"{}") -> Idempotency:
    return Idempotency.of(client="clinic-system", key=key, body=body)


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


async def test_a_write_is_stored_published_whole_and_answered_with_its_position(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock
) -> None:
    """Version 1 is made by the mechanism, stamped with its clock, and stands on the topic as it is stored."""
    written = await patients.write(KEY, to("Ada"))

    assert patient("Ada").model_copy(update={"updated_at": clock.now()}) == written.document
    assert (written.created, written.replayed) == (True, False)
    assert publisher.last(KEY).position == written.position
    assert publisher.last(KEY).data == written.document == await patients.load(KEY)


async def test_the_next_write_counts_up_and_moves_on_in_time_even_if_the_clock_does_not(
    patients: Owned[Patient], clock: FakeClock
) -> None:
    """A clock that stands still, or runs back on another machine, never makes a later version look older."""
    first = await patients.write(KEY, to("Ada"))
    clock.advance(timedelta(hours=-1))
    second = await patients.write(KEY, to("Ada B."))

    assert (second.document.version, second.created) == (2, False)
    assert second.document.updated_at > first.document.updated_at


async def test_a_write_that_changes_nothing_makes_no_version(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock
) -> None:
    """The same content again is answered with what there is, and nobody is told twice."""
    first = await patients.write(KEY, to("Ada"))
    clock.advance(timedelta(minutes=5))
    again = await patients.write(KEY, to("Ada"))

    assert (first.document, first.position, False) == (again.document, again.position, again.created)
    assert len(publisher.events) == 1


async def test_a_change_that_refuses_leaves_no_trace(patients: Owned[Patient], publisher: FakePublisher) -> None:
    """What the use case forbids is neither stored nor published."""

    def refuse(_: Patient | None) -> Patient:
        raise Problem(409, "no", "No", "No.")

    with pytest.raises(Problem):
        await patients.write(KEY, refuse)

    assert (await patients.load(KEY), publisher.events) == (None, [])


async def test_a_change_cannot_change_who_a_document_is(patients: Owned[Patient], publisher: FakePublisher) -> None:
    """A document under another's key would be lost to everybody."""
    with pytest.raises(ValueError, match="identity"):
        await patients.write(KEY, to("Ada", number="p2"))

    assert publisher.events == []


async def test_no_change_is_lost_between_writers_at_once(
    patients: Owned[Patient], database: Database, publisher: FakePublisher, clock: FakeClock
) -> None:
    """Ten writers of two replicas each add a letter at the same time; all ten letters and versions are there."""
    other = owner(database["patients"], publisher, clock)

    def adding(letter: str) -> Callable[[Patient | None], Patient]:
        return lambda old: patient((old.name if old else "") + letter)

    letters = "abcdefghij"
    written = await asyncio.gather(
        *((patients if n % 2 else other).write(KEY, adding(letter)) for n, letter in enumerate(letters))
    )

    newest = await patients.load(KEY)
    assert newest is not None
    assert (letters, 10) == ("".join(sorted(newest.name)), newest.version)
    assert list(range(1, 11)) == sorted(result.document.version for result in written)
    assert [result.created for result in written if result.created] == [True]
    assert set(range(1, 11)) == set(versions(publisher))


async def test_a_retry_gets_the_answer_of_the_decision_it_repeats(
    patients: Owned[Patient], publisher: FakePublisher
) -> None:
    """Even when the document has moved on since, and without another version."""
    first = await patients.write(KEY, to("Ada"), idempotency=retry("k1"))
    second = await patients.write(KEY, to("Ada B."), idempotency=retry("k2"))
    again = await patients.write(KEY, to("Ada"), idempotency=retry("k1"))

    assert (first.document, True, True) == (again.document, again.replayed, again.created)
    assert again.position == second.position  # there, and behind it, the decision is known
    assert len(publisher.events) == 2


async def test_retries_at_once_decide_once(patients: Owned[Patient], publisher: FakePublisher) -> None:
    """An impatient client that sends the same request five times has made one decision."""
    written = await asyncio.gather(
        *(
            patients.write(KEY, lambda old: patient((old.name if old else "") + "!"), idempotency=retry("k1"))
            for _ in range(5)
        )
    )

    assert {"!"} == {result.document.name for result in written}
    assert sum(result.replayed for result in written) == 4
    assert len(publisher.events) == 1


async def test_a_decision_that_changed_nothing_is_remembered_too(patients: Owned[Patient]) -> None:
    """Its late retry must not undo what others decided in between."""
    await patients.write(KEY, to("Ada"))
    await patients.write(KEY, to("Ada"), idempotency=retry("k1"))
    await patients.write(KEY, to("Ada B."))
    again = await patients.write(KEY, to("Ada"), idempotency=retry("k1"))

    newest = await patients.load(KEY)
    assert newest is not None
    assert (again.document.name, again.replayed) == ("Ada", True)
    assert newest.name == "Ada B."


async def test_a_key_used_for_something_else_is_refused(patients: Owned[Patient], publisher: FakePublisher) -> None:
    """The same key with another body is a mistake of the client's; it is told, and nothing changes."""
    await patients.write(KEY, to("Ada"), idempotency=retry("k1", b"one"))
    with pytest.raises(Problem) as refusal:
        await patients.write(KEY, to("Bob"), idempotency=retry("k1", b"two"))

    assert (refusal.value.status, refusal.value.code) == (422, "idempotency_key_reused")
    assert len(publisher.events) == 1


async def test_the_same_key_of_two_clients_are_two_keys(patients: Owned[Patient]) -> None:
    """One client's key says nothing about another's."""
    await patients.write(KEY, to("Ada"), idempotency=Idempotency.of(client="one", key="k", body=b"1"))
    other = await patients.write(KEY, to("Bob"), idempotency=Idempotency.of(client="two", key="k", body=b"2"))

    assert (other.document.name, other.replayed) == ("Bob", False)


async def test_the_last_fifty_keys_are_kept(patients: Owned[Patient], database: Database) -> None:
    """Old keys make room, so that a document cannot grow without end."""
    for number in range(52):
        await patients.write(KEY, to(f"Ada {number}"), idempotency=retry(f"k{number}"))

    record = await database["patients"].find_one({"_id": KEY})
    assert record is not None
    assert len(record["answers"]) == 50
    assert (await patients.write(KEY, to("Ada 2"), idempotency=retry("k2"))).replayed
    assert not (await patients.write(KEY, to("Ada 1"), idempotency=retry("k1"))).replayed


async def test_a_removed_document_leaves_its_identity_and_nothing_personal(
    patients: Owned[Patient], database: Database, publisher: FakePublisher
) -> None:
    """Neither the tombstone on the topic, nor the record, its facets or its remembered answers, hold a name."""
    await patients.write(KEY, to("Ada Lovelace", clinician="dr-byron"), idempotency=retry("k1"))
    removed = await patients.remove(KEY)

    assert (removed.document.version, removed.document.deleted, removed.document.patient) == (2, True, "p1")
    assert removed.document == publisher.last(KEY).data == await patients.load(KEY, with_deleted=True)
    assert await patients.load(KEY) is None
    record = str(await database["patients"].find_one({"_id": KEY}))
    assert "Lovelace" not in record
    assert "byron" not in record


async def test_what_was_removed_takes_no_more_changes(patients: Owned[Patient], publisher: FakePublisher) -> None:
    """A late request, a retry included, is told that it is gone; removing again changes nothing."""
    await patients.write(KEY, to("Ada"), idempotency=retry("k1"))
    removed = await patients.remove(KEY)

    for idempotency in (None, retry("k1"), retry("k2")):
        with pytest.raises(Problem) as refusal:
            await patients.write(KEY, to("Ada"), idempotency=idempotency)
        assert refusal.value.status == 410
    assert (removed.document, removed.position, True) == (
        (again := await patients.remove(KEY)).document,
        again.position,
        again.replayed,
    )
    assert len(publisher.events) == 2


async def test_only_an_explicit_decision_brings_something_back(patients: Owned[Patient]) -> None:
    """It begins anew, above the tombstone, so that readers believe it."""
    await patients.write(KEY, to("Ada"))
    await patients.remove(KEY)
    seen: list[Patient | None] = []

    def begin(old: Patient | None) -> Patient:
        seen.append(old)
        return patient("Ada again")

    back = await patients.write(KEY, begin, revive=True)

    assert seen == [None]
    assert (back.document.version, back.document.deleted, back.created) == (3, False, True)
    assert back.document == await patients.load(KEY)


async def test_removing_what_is_not_there_is_not_found(patients: Owned[Patient]) -> None:
    """There is nothing to leave a tombstone of."""
    with pytest.raises(Problem) as refusal:
        await patients.remove(KEY)

    assert refusal.value.status == 404


async def test_without_the_broker_a_decision_stands(patients: Owned[Patient], publisher: FakePublisher) -> None:
    """It is stored and answered without a position, not with an older version's; a retry gets the same answer."""
    await patients.write(KEY, to("Ada B."))
    publisher.failure = Failure.AWAY
    written = await patients.write(KEY, to("Ada"), idempotency=retry("k1"))
    again = await patients.write(KEY, to("Ada"), idempotency=retry("k1"))

    assert (written.position, again.position) == (None, None)
    assert (written.document, True) == (again.document, again.replayed)
    assert written.document == await patients.load(KEY)


async def test_a_page_walks_a_clinic_once_in_the_order_of_change(patients: Owned[Patient], clock: FakeClock) -> None:
    """Seven patients by threes, all changed in the same instant: each once, none of another clinic."""
    for number in range(7):
        await patients.write(f"riverside/p{number}", to(f"P{number}", number=f"p{number}"))
        await patients.write(f"hill/p{number}", to(f"H{number}", number=f"p{number}", clinic="hill"))

    found, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = await patients.page("riverside", cursor=cursor, limit=3)
        found += [item.name for item in page.items]
        cursor, pages = page.next, pages + 1

    assert ([f"P{number}" for number in range(7)], 3) == (found, pages)


async def test_what_changes_while_somebody_is_paging_comes_again_and_nothing_is_left_out(
    patients: Owned[Patient], clock: FakeClock
) -> None:
    """The changed one moves to the end; the ones behind the cursor keep their places."""
    for number in range(4):
        clock.advance(timedelta(seconds=1))
        await patients.write(f"riverside/p{number}", to(f"P{number}", number=f"p{number}"))
    first = await patients.page("riverside", limit=2)
    clock.advance(timedelta(seconds=1))
    await patients.write("riverside/p0", to("P0 changed", number="p0"))
    rest = await patients.page("riverside", cursor=first.next, limit=10)

    assert [item.name for item in first.items] == ["P0", "P1"]
    assert ([item.name for item in rest.items], rest.next) == (["P2", "P3", "P0 changed"], None)


async def test_a_list_can_be_filtered_and_asked_for_news(patients: Owned[Patient], clock: FakeClock) -> None:
    """By a facet, by the time of the last change (inclusive), and with tombstones for those who keep a copy."""
    for number, clinician in enumerate(["ann", "bea", "ann", None]):
        await patients.write(f"riverside/p{number}", to(f"P{number}", number=f"p{number}", clinician=clinician))
    clock.advance(timedelta(days=1))
    since = clock.now()
    await patients.write("riverside/p0", to("P0 changed", number="p0", clinician="bea"))
    await patients.remove("riverside/p3")

    async def names(**asked: Any) -> list[str]:
        return [item.patient for item in (await patients.page("riverside", **asked)).items]

    assert await names(where={"clinician": "ann"}) == ["p2"]
    assert await names(where={"clinician": "bea"}) == ["p1", "p0"]
    assert await names(updated_since=since) == ["p0"]
    assert await names(updated_since=since, with_deleted=True) == ["p0", "p3"]
    assert await names(updated_since=since, where={"clinician": "bea"}) == ["p0"]


async def test_a_filter_that_is_no_facet_is_a_mistake_of_ours(patients: Owned[Patient]) -> None:
    """It would find nothing, for ever, in silence."""
    with pytest.raises(ValueError, match="no facets of Patient"):
        await patients.page("riverside", where={"shoe_size": 42})


@pytest.mark.parametrize("cursor", ["", "%%%", "bm9wZQ", "é", "MjAyNi0xMS0wMgo"])
async def test_a_cursor_that_we_did_not_make_is_refused(patients: Owned[Patient], cursor: str) -> None:
    """With what to send instead."""
    with pytest.raises(Problem) as refusal:
        await patients.page("riverside", cursor=cursor)

    assert (refusal.value.status, refusal.value.code) == (400, "invalid_cursor")


async def test_documents_are_loaded_by_key_in_bulk(patients: Owned[Patient]) -> None:
    """What is not there is left out, and so are tombstones unless asked for."""
    for number in ("p1", "p2"):
        await patients.write(f"riverside/{number}", to(number, number=number))
    await patients.remove("riverside/p2")
    keys = ["riverside/p1", "riverside/p2", "riverside/p3"]

    assert list(await patients.load_many(keys)) == ["riverside/p1"]
    assert {"riverside/p1", "riverside/p2"} == set(await patients.load_many(keys, with_deleted=True))


async def test_a_version_too_large_for_the_bus_is_refused_before_it_is_stored(
    patients: Owned[Patient], publisher: FakePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored, it could never be published; so nothing changes, and the caller is told what to do."""
    await patients.write(KEY, to("Ada"))
    monkeypatch.setattr(owned, "fits", lambda outgoing: b"Large" not in outgoing.value)
    with pytest.raises(Problem) as refusal:
        await patients.write(KEY, to("Large"))

    assert (refusal.value.status, refusal.value.code) == (413, "too_large")
    assert await patients.load(KEY) == publisher.last(KEY).data
    assert [event.data.version for event in publisher.events] == [1]


async def test_one_left_behind_that_is_too_large_keeps_no_other_from_being_swept(
    patients: Owned[Patient], publisher: FakePublisher, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From before it was refused it may stand in the store: it is counted, and the others are published."""
    publisher.failure = Failure.AWAY
    for number, name in (("p1", "Large"), ("p2", "Bea"), ("p3", "Cem")):
        await patients.write(f"riverside/{number}", to(name, number=number))
    publisher.failure = None
    clock.advance(timedelta(minutes=1))
    monkeypatch.setattr(owned, "fits", lambda outgoing: b"Large" not in outgoing.value)
    published = [await patients.sweep(), await patients.sweep()]

    assert published == [2, 0]
    assert sorted(event.data.key for event in publisher.events) == ["riverside/p2", "riverside/p3"]
    await patients.write("riverside/p1", to("Ada"))
    assert [await patients.sweep(), publisher.last("riverside/p1").data.version] == [0, 2]
