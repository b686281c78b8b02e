"""Mood's projection, on the real store server with either driver: again, in any order, in any batches."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.mood.handlers import Clinics, Follower, Reminding
from services.mood.store import Store, Taken
from shared.bus import Batch, Event, Position
from shared.contracts import (
    CheckInCorrected,
    CheckInRecorded,
    Contract,
    EntryWithdrawn,
    Patient,
    ReminderDue,
    Session,
)
from shared.contracts.base import Origin
from shared.contracts.patients import AssignedProtocol
from shared.mongo import Database
from tests.fakes import FakeClock, FakePublisher

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def check_in(patient: str, days_ago: int, mood: float) -> CheckInRecorded:
    at = NOW - timedelta(days=days_ago)
    return CheckInRecorded(
        clinic="c", patient=patient, occurred_at=at, local_day=at.date(), origin=Origin.IMPORT, mood=mood
    )


def event(name: str, data: Contract, *, minutes: int = 0) -> Event:
    value = data.model_dump_json().encode()
    return Event(name, NOW + timedelta(minutes=minutes), data, Position(data.topic, 0, 0), value)


def batch(events: Sequence[Event]) -> Batch:
    return Batch(0, events, 0, NOW, caught_up=True)


def following(store: Store) -> Follower:
    log, clinics = FakePublisher(), Clinics()
    return Follower(store=store, reminding=Reminding(store=store, clinics=clinics, publisher=log, clock=FakeClock(NOW)))


async def shown(store: Store, patient: str) -> set[tuple[str, datetime, str]]:
    known = await store.known("c", patient)
    entries = await store.read("c", patient, known.months)
    return {(entry.id, entry.recorded_at, entry.fact.model_dump_json()) for entry in entries}


async def test_any_schedule_of_batches_ends_in_the_same_entries(database: Database) -> None:
    """Duplicates, replays, a crash between two writes and a new owner: the first acceptance stands."""
    chance = random.Random(4)
    facts = [check_in(f"p{n % 3}", chance.randrange(90), n % 11) for n in range(60)]
    events = [event(f"id.{n}$", fact, minutes=n) for n, fact in enumerate(facts)]
    events += [event(one.id, one.data, minutes=100) for one in events[::3]]
    store = Store(database)
    follower = following(store)
    for _ in range(3):
        chance.shuffle(events)
        for start in range(0, len(events), 17):
            await follower.handle(batch(events[start : start + 17]))
        await follower.revoked(0)
        await follower.assigned(0)

    for patient in ("p0", "p1", "p2"):
        expected = {
            (f"id.{n}$", NOW + timedelta(minutes=n), fact.model_dump_json())
            for n, fact in enumerate(facts)
            if fact.patient == patient
        }
        assert await shown(store, patient) == expected


async def test_what_was_set_aside_is_counted_until_it_is_replayed(database: Database) -> None:
    """A patient whose only entry failed is known, with one entry missing."""
    store = Store(database)
    follower = following(store)
    failed, other = event("id.1", check_in("p", 1, 5)), event("id.2", check_in("p", 1, 6))
    await follower.handle(batch([other]))
    await follower.set_aside(failed, "ValueError in store.py:1")
    missing = (await store.known("c", "p")).set_aside
    await follower.handle(batch([failed]))

    assert (missing, (await store.known("c", "p")).set_aside) == (1, 0)


async def test_a_forgotten_patient_leaves_nothing_in_the_store(database: Database) -> None:
    """Neither entries nor the list of months; entries that come later are not kept."""
    store = Store(database)
    follower = following(store)
    for name in ("gone", "stays"):
        await follower.handle(batch([event(f"{name}{n}", check_in(name, n * 20, 5)) for n in range(4)]))
    common = {"clinic": "c", "patient": "gone", "occurred_at": NOW, "local_day": NOW.date(), "origin": Origin.LIVE}
    follows = AssignedProtocol(protocol="daily", starts_on=NOW.date())
    occasion = {"protocol": "daily", "occasion": "daily/2026-11-23/1", "asks": "check_in", "nth": 1}
    beside: list[Contract] = [
        Patient(clinic="c", patient="gone", version=1, protocols=[follows], registered_at=NOW, updated_at=NOW),
        Session(clinic="c", patient="gone", session="s.1", version=1, scheduled_at=NOW, updated_at=NOW),
        CheckInCorrected.model_validate(common | {"entry": "gone0", "mood": 3}),
        EntryWithdrawn.model_validate(common | {"entry": "gone1"}),
        ReminderDue.model_validate(common | occasion | {"due_at": NOW, "expires_at": NOW}),
    ]
    await follower.handle(batch([event(f"beside.{n}", one) for n, one in enumerate(beside)]))
    known = [
        await store.schedules.meetings(["c/gone"]),
        await store.changes.of(["c/gone"]),
        await store.schedules.reminded(["c/gone"]),
    ]
    assert [len(one["c/gone"]) for one in known] == [1, 2, 1]
    assert await store.schedules.followers("c") == ["gone"]
    tombstone = Patient(clinic="c", patient="gone", version=2, deleted=True, registered_at=NOW, updated_at=NOW)
    await follower.handle(batch([event("late", check_in("gone", 0, 1)), event("t", tombstone)]))
    await follower.handle(batch([event("later", check_in("gone", 0, 1)), *(event("again", one) for one in beside[1:])]))

    collections = ("entries", "timelines", "changes", "sessions", "reminded")
    found = [await database[name].find({}).to_list(None) for name in collections]
    assert await store.schedules.followers("c") == []
    left = [record["_id"] for records in found for record in records]
    assert not [key for key in left if "gone" in key]
    assert len(await shown(store, "stays")) == 4


async def test_thousands_of_entries_of_one_month_are_stored_in_parts(database: Database) -> None:
    """An import of one busy month does not outgrow one update."""
    store = Store(database)
    facts = [check_in("p", n % 20, n % 11) for n in range(2_500)]
    taken = [Taken(f"id{n}", NOW, fact, fact.model_dump_json().encode()) for n, fact in enumerate(facts)]
    await store.record(taken)

    assert len(await shown(store, "p")) == 2_500
