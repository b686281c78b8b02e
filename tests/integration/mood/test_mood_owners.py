"""Who owns a partition reminds its patients: crashes, unconfirmed publishing, new owners and changed settings."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from services.mood.handlers import Clinics, Follower, Reminding
from services.mood.store import Store
from shared.bus import Batch, Event, Position
from shared.contracts import CheckInRecorded, Clinic, Contract, EntryWithdrawn, Patient
from shared.contracts.base import Origin
from shared.contracts.clinics import ClinicSettings, Contact, RuleSet
from shared.contracts.protocols import Protocol
from shared.errors import Recoverable
from shared.mongo import Database
from tests.fakes import Died, Failure, FakeClock, FakePublisher

DUE = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAILY: dict[str, Any] = {
    "name": "daily",
    "rhythm": {"every": "days"},
    "windows": [{"opens": "10:00", "closes": "12:00"}],
    "late_after": 60,
    "expires_after": 600,
    "reminders_after": [60, 240],
}


class World:
    """One partition: a store, a log, the clinics, and its owner."""

    def __init__(self, database: Database) -> None:
        self.store, self.log, self.clock = Store(database), FakePublisher(), FakeClock(DUE)
        self.clinics = Clinics()
        self.owner = self.new_owner()

    def new_owner(self) -> Follower:
        reminding = Reminding(store=self.store, clinics=self.clinics, publisher=self.log, clock=self.clock)
        self.owner = Follower(store=self.store, reminding=reminding)
        return self.owner

    async def settle(self, protocol: dict[str, Any], version: int = 1) -> None:
        """The clinic's settings: one protocol."""
        settings = ClinicSettings(
            effective_from=DUE - timedelta(days=100),
            zone="Europe/London",
            working_hours={"mon": (time(9), time(17))},
            rule_set=RuleSet(base="starter"),
            fallback_contact=Contact(name="Duty", email="duty@harbour.example"),
            protocols=[Protocol.model_validate(protocol)],
        )
        clinic = Clinic(clinic="c", version=version, name="H", settings=[settings])
        await self.clinics.apply(event("clinic", clinic))

    async def read(self, *events: Event) -> None:
        """The owner reads these."""
        await self.owner.handle(Batch(0, list(events), 0, self.clock.now(), caught_up=True))

    async def read_back(self) -> None:
        """The owner reads all reminders there are."""
        await self.read(*self.log.events)

    async def tick(self, at: datetime) -> None:
        """The owner looks at what fell due."""
        self.clock.set(at)
        await self.owner.tick(0, 0, at)


def event(name: str, data: Contract) -> Event:
    return Event(name, DUE, data, Position(data.topic, 0, 0), data.model_dump_json().encode())


def follower_of_daily(name: str = "sam", **more: Any) -> Event:
    fields = {
        "clinic": "c",
        "patient": name,
        "version": 1,
        "registered_at": DUE - timedelta(days=9),
        "updated_at": DUE,
        "consent_to_contact": True,
        "protocols": [{"protocol": "daily", "starts_on": "2026-11-01"}],
    }
    return event(f"patient {name}", Patient.model_validate(fields | more))


@pytest.fixture
async def world(database: Database) -> World:
    """A clinic with one patient who follows its protocol."""
    world = World(database)
    await world.settle(DAILY)
    await world.read(follower_of_daily())
    return world


async def test_an_owner_gives_each_reminder_once_however_often_it_looks(world: World) -> None:
    """Before it has read it back, too; the second is another."""
    for hours in (0.5, 1, 1.1, 2):
        await world.tick(DUE + hours * HOUR)
    await world.read_back()
    for hours in (3, 4, 9, 11):
        await world.tick(DUE + hours * HOUR)

    assert [one.data.nth for one in world.log.events] == [1, 2]  # type: ignore[attr-defined]  # reminders, all of them


@pytest.mark.parametrize("failure", [Failure.AWAY, Failure.UNCONFIRMED])
async def test_a_reminder_that_may_not_have_been_published_is_published_again_under_its_id(
    world: World, failure: Failure
) -> None:
    """The broker was away, or its answer was lost: the next look makes up for it."""
    world.log.failure = failure
    with pytest.raises(Recoverable):
        await world.tick(DUE + HOUR)
    world.log.failure = None
    await world.tick(DUE + HOUR * 1.1)

    assert len({one.id for one in world.log.events}) == 1


async def test_after_a_crash_the_next_owner_has_read_what_was_given_and_gives_the_rest(world: World) -> None:
    """The owner dies the moment one reminder is published, before anything is stored of it."""
    world.log.failure = Failure.DIES_AFTER
    with pytest.raises(Died):
        await world.tick(DUE + HOUR)
    world.log.failure = None
    world.new_owner()
    await world.read_back()  # it is caught up, or nothing would be concluded
    await world.tick(DUE + 2 * HOUR)
    await world.tick(DUE + 4 * HOUR)

    assert [one.data.nth for one in world.log.events] == [1, 2]  # type: ignore[attr-defined]


async def test_changed_settings_are_looked_at_at_once(world: World) -> None:
    """A protocol moved an hour earlier reminds an hour earlier; a new owner knows of it, too."""
    await world.tick(DUE - 3 * HOUR)
    world.new_owner()
    await world.settle(DAILY | {"windows": [{"opens": "08:00", "closes": "12:00"}]}, version=2)
    await world.tick(DUE - HOUR)

    assert [one.data.due_at for one in world.log.events] == [DUE - 2 * HOUR]  # type: ignore[attr-defined]


async def test_an_answer_ends_the_reminders_and_its_withdrawal_begins_them_again(world: World) -> None:
    """What counts is what counts now."""
    common = {"clinic": "c", "patient": "sam", "occurred_at": DUE, "local_day": DUE.date(), "origin": Origin.LIVE}
    await world.read(event("e1", CheckInRecorded.model_validate(common | {"mood": 5})))
    await world.tick(DUE + HOUR)
    assert world.log.events == []
    await world.read(event("w1", EntryWithdrawn.model_validate(common | {"entry": "e1"})))
    await world.tick(DUE + 2 * HOUR)

    assert [one.data.nth for one in world.log.events] == [1]  # type: ignore[attr-defined]


async def test_a_store_rebuilt_reminds_nobody_of_what_has_expired(world: World) -> None:
    """Ten days of occasions lie behind; only the open one is reminded of."""
    await world.tick(DUE + 12 * HOUR)
    assert world.log.events == []
    await world.tick(DUE + 25 * HOUR)

    assert [one.data.occasion for one in world.log.events] == ["daily/2026-11-24/1"]  # type: ignore[attr-defined]


async def test_a_clinic_that_is_not_known_yet_is_waited_for(database: Database) -> None:
    """Its patients came first; once it is known they are looked at."""
    world = World(database)
    await world.read(follower_of_daily(), follower_of_daily("kim"))
    await world.tick(DUE + HOUR)
    await world.settle(DAILY)
    await world.tick(DUE + HOUR * 1.1)

    assert sorted(one.data.patient for one in world.log.events) == ["kim", "sam"]  # type: ignore[attr-defined]
