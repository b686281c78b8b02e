"""What time does to questions, on the real store: by several replicas at once, after a stop, after a crash."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta

import pytest

from services.intake import domain
from services.intake.handlers import Documents, Passing, Team
from services.intake.store import Dues, Questions
from shared.contracts import Clinic, Question, QuestionAsked
from shared.contracts.base import Origin
from shared.contracts.clinics import ClinicSettings, Contact, Role, RuleSet
from shared.contracts.escalation import EscalationSettings
from shared.documents import Table
from shared.errors import Recoverable
from shared.mongo import Database
from tests.fakes import FakeClock, FakePublisher

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SETTINGS = ClinicSettings(
    effective_from=NOW - timedelta(days=1),
    zone="Europe/London",
    working_hours={day: (time(9), time(17)) for day in ("mon", "tue", "wed", "thu", "fri")},
    rule_set=RuleSet(base="starter"),
    fallback_contact=Contact(name="Duty", email="duty@harbour.example"),
    escalation=EscalationSettings(lead="lee"),
)
HARBOUR = Clinic(clinic="harbour", version=1, name="Harbour", settings=[SETTINGS])
KEY = "harbour/sam/q1"


def asked(name: str = "q1") -> QuestionAsked:
    return domain.ask_question(
        question=name,
        clinic="harbour",
        patient="sam",
        text="Why do we do exposure?",
        occurred_at=NOW,
        origin=Origin.LIVE,
        now=NOW,
        settings=SETTINGS,
        held=frozenset(Role),
    )


class House:
    """A store with a question somebody has taken on, and as many replicas as a test needs."""

    def __init__(self, database: Database) -> None:
        self.clock, self.publisher = FakeClock(NOW), FakePublisher()
        self.documents = Documents.of(database, self.publisher, self.clock)
        self.asked, self.dues = Questions(database["asked"]), Dues(database["dues"])

    def replica(self, *clinics: Clinic) -> Passing:
        table = Table[Clinic]()
        table.keep_highest(clinics)
        return Passing(documents=self.documents, asked=self.asked, dues=self.dues, team=Team(table), clock=self.clock)

    async def begin(self) -> None:
        for owned in self.documents.each():
            await owned.open()
        await self.asked.record([(asked(), NOW)], forgotten=frozenset())
        one = self.replica(HARBOUR)
        await one.look()
        await one.note([asked()])
        untouched = domain.open_question(asked(), NOW)
        await self.documents.questions.write(
            KEY,
            lambda current: domain.claim_question(current or untouched, clinician="priya", away=frozenset(), now=NOW),
        )

    async def whys(self) -> list[str]:
        found = await self.documents.questions.load(KEY)
        assert found is not None
        return [step.why for step in found.handovers]


@pytest.fixture
async def house(database: Database) -> House:
    house = House(database)
    await house.begin()
    return house


def due(house: House, which: str) -> None:
    triage = asked().triage
    assert triage is not None
    at = triage.half_at if which == "half" else triage.target_at
    house.clock.set(at.astimezone(UTC) + timedelta(minutes=2))


async def test_several_replicas_at_once_move_a_question_on_once(house: House) -> None:
    """However many look, and look again: one step, one version, one record for everybody."""
    due(house, "half")
    replicas = [house.replica(HARBOUR) for _ in range(4)]
    handed = await asyncio.gather(*(one.look() for one in replicas))
    await asyncio.gather(*(one.look() for one in replicas))
    said = [event.data for event in house.publisher.events if isinstance(event.data, Question)]

    assert sum(handed) >= 1
    assert await house.whys() == ["claimed", "half_target"]
    assert [one.version for one in said] == [1, 2]


async def test_a_stop_over_both_times_misses_neither_the_target_nor_the_lead(house: House) -> None:
    """Half of it is past as well by then; what counts is that the lead has it."""
    due(house, "target")
    house.clock.advance(timedelta(days=12))
    await house.replica(HARBOUR).look()
    found = await house.documents.questions.load(KEY)

    assert await house.whys() == ["claimed", "target"]
    assert found is not None
    assert found.assigned_to == "lee"


async def test_a_crash_before_it_was_told_to_be_done_does_nothing_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one does the same minutes again."""
    due(house, "half")

    async def dies(_: int) -> None:
        raise Recoverable("killed here")

    with monkeypatch.context() as crash:
        crash.setattr(house.dues, "done", dies)
        with pytest.raises(Recoverable):
            await house.replica(HARBOUR).look()
    await house.replica(HARBOUR).look()

    assert await house.whys() == ["claimed", "half_target"]


async def test_a_replica_that_does_not_know_the_clinic_yet_puts_it_off_and_forgets_nothing(house: House) -> None:
    """Just started, its topic not read: the store says who leads; where that is empty too, it comes up again."""
    due(house, "half")
    await house.replica().look()
    assert await house.whys() == ["claimed"]
    house.clock.advance(timedelta(minutes=4))
    await house.replica(HARBOUR).look()

    assert await house.whys() == ["claimed", "half_target"]


async def test_a_store_rebuilt_from_the_topics_moves_on_what_still_waits(house: House) -> None:
    """Read once more weeks later, the question comes up within the hour; an answered one never does."""
    house.clock.advance(timedelta(days=30))
    await house.replica(HARBOUR).look()
    one = house.replica(HARBOUR)
    await house.asked.record([(asked("q2"), NOW)], forgotten=frozenset())
    await one.note([asked("q2")])
    house.clock.advance(timedelta(hours=2))
    await one.look()
    found = await house.documents.questions.load("harbour/sam/q2")

    assert found is not None
    assert [step.why for step in found.handovers] == ["target"]
    assert found.asked_at.date() == date(2026, 11, 23)
