"""The world that messages to patients play in: the real letterbox and carrier over a log and a store in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.notify.domain.deliveries import Channel, Outcome, Result
from services.notify.domain.letters import silenced
from services.notify.domain.notices import Notice
from services.notify.handlers import Carrier, Contacts, Letterbox, Letters, Post, Writing
from services.notify.store import Clinics, Store
from shared.bus import Batch, Event, Position
from shared.contracts import Assessment, ContactState, Contract, Patient, PatientLetters, Question, ReminderDue
from shared.contracts.base import Origin
from shared.contracts.patients import ContactWishes
from shared.contracts.questions import QuestionStatus
from shared.documents import Mirror, Owned
from tests.fakes import FakeClock, FakePublisher
from tests.unit.notify.made import MONDAY
from tests.unit.notify.memory_mongo import Life, MemoryDatabase
from tests.unit.notify.world import CLINIC, CLINICIAN, Lane

MOBILE, EMAIL = "+447700900111", "sam@patients.example"
KEY = "what-patients-links-are-sealed-with"
URL = "https://app.example/c/{token}"


@dataclass(frozen=True)
class Carried:
    """A message that a provider took, and what was known of the patient then."""

    at: datetime
    channel: Channel
    notice: Notice
    patient: Patient | None
    stopped: bool


@dataclass
class Office:
    """What outlives a process: the log, the store, what was carried, and the time."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(MONDAY))
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    log: FakePublisher = field(default_factory=FakePublisher)
    clinic: list[Contract] = field(default_factory=lambda: [CLINIC, CLINICIAN])
    said: list[Event] = field(default_factory=list)
    carried: list[Carried] = field(default_factory=list)
    answers: list[Result] = field(default_factory=list)
    taken: list[bool] = field(default_factory=list)

    def letters(self) -> dict[str, Any]:
        """The letters that the store holds, by id."""
        records = self.database._records.get("letters", {}).values()
        found = [PatientLetters.model_validate_json(record["body"]) for record in records]
        return {letter.letter: letter for known in found for letter in known.letters}


@dataclass
class Provider:
    """A channel that answers as the test says, and else accepts."""

    office: Office
    life: Life
    channel: Channel
    patients: Mirror[Patient]
    contacts: Contacts

    async def send(self, notice: Notice) -> Result:
        """Dies before it, or after it, which nobody can tell apart."""
        patient = await self.patients.get("harbour/sam")
        await self.life.step()
        result = self.office.answers.pop(0) if self.office.answers else Result(outcome=Outcome.ACCEPTED, code="ok")
        gone = self.office.taken.pop(0) if self.office.taken else result.outcome is Outcome.ACCEPTED
        if gone:
            stopped = self.contacts.is_stopped(self.channel, notice.address)
            self.office.carried.append(Carried(self.office.clock.now(), self.channel, notice, patient, stopped))
        await self.life.step()
        return result


class Process:
    """The real parts on the world."""

    def __init__(self, office: Office, life: Life | None = None, *, url: str = URL) -> None:
        self.office, self.life = office, life or Life()
        database, clock = office.database.as_seen_by(self.life), office.clock
        store, clinics = Store(database=database, clock=clock), Clinics()  # type: ignore[arg-type]
        clinics.keep(office.clinic)
        publisher = Publishing(office.log, self.life)
        self.patients = Mirror(collection=database["patients"], model=Patient)  # type: ignore[arg-type]
        self.contacts = Contacts(
            documents=Owned(
                collection=database["contacts"],  # type: ignore[arg-type]
                model=ContactState,
                publisher=publisher,
                clock=clock,
                service="notify",
            ),
            key="a-secret-of-the-tests-alone",
            clock=clock,
        )
        post = Post(
            clinics=clinics,
            contacts=self.contacts,
            patients=self.patients,
            assessments=Mirror(collection=database["assessments"], model=Assessment),  # type: ignore[arg-type]
            public_url="https://rapport.example",
            link_key="a-secret-of-the-tests-alone",
        )
        self.documents = Owned(
            collection=database["letters"],  # type: ignore[arg-type]
            model=PatientLetters,
            publisher=publisher,
            clock=clock,
            service="notify",
            tombstone=silenced,
        )
        self.letters = Letters(documents=self.documents, due=store.letters_due, names=store.letter_names, clock=clock)
        self.letterbox = Letterbox(letters=self.letters, patients=self.patients, clock=clock)
        self.lane = Lane()
        self.carrier = Carrier(
            letters=self.letters,
            due=store.letters_due,
            patients=self.patients,
            writing=Writing(post=post, url=url, key=KEY if url else ""),
            channels={one: Provider(office, self.life, one, self.patients, self.contacts) for one in TO_PEOPLE},
            own_read=self.lane.as_told(),
            clock=clock,
        )

    async def learn(self) -> None:
        """Read the own topics to their ends, before anything else."""
        for event in self.office.log.events:
            if isinstance(event.data, ContactState):
                await self.contacts.take_in(event)
        await self.letterbox.handle(batch([e for e in self.office.log.events if isinstance(e.data, PatientLetters)]))

    async def read(self, events: Sequence[Event]) -> None:
        """A batch from the bus; who else handles it keeps the patients first."""
        await self.patients.apply([event.data for event in events if isinstance(event.data, Patient)])
        await self.letterbox.handle(batch(events))

    async def say(self, *data: Contract) -> None:
        """Something is said on the bus, and read."""
        events = [event(one, self.office.clock.now()) for one in data]
        self.office.said += events
        await self.read(events)

    async def calm(self, rounds: int = 3) -> None:
        """See to what is due until nothing is left of it."""
        for _ in range(rounds):
            await self.carrier.poll()
            await self.carrier.calm()

    async def forward(self, by: timedelta, step: timedelta = timedelta(minutes=15)) -> None:
        """Let time pass."""
        end = self.office.clock.now() + by
        while self.office.clock.now() < end:
            self.office.clock.set(min(end, self.office.clock.now() + step))
            await self.calm()


@dataclass
class Publishing:
    """The bus, as a process sees it."""

    log: FakePublisher
    life: Life

    async def publish(self, messages: Any) -> list[Position]:
        """Dies before or after, or does it."""
        await self.life.step()
        positions = await self.log.publish(messages)
        await self.life.step()
        return positions


TO_PEOPLE = (Channel.SMS, Channel.EMAIL)


def event(data: Contract, at: datetime = MONDAY) -> Event:
    """As the bus brings it; a reminder's id is made of its occasion."""
    name = f"fact-{data.occasion}-{data.nth}" if isinstance(data, ReminderDue) else "id"
    return Event(name, at, data, Position(data.topic, 0, 0), b"")


def batch(events: Sequence[Event]) -> Batch:
    """Some of them together."""
    return Batch(partition=0, events=list(events), basis=1, horizon=MONDAY, caught_up=True)


def patient(version: int = 1, *, wishes: dict[str, Any] | None = None, **changes: Any) -> Patient:
    """Somebody who agreed to be written to, with both ways."""
    fields: dict[str, Any] = {
        "name": "Sam Taylor",
        "email": EMAIL,
        "mobile": MOBILE,
        "consent_to_contact": True,
        "registered_at": MONDAY,
        "updated_at": MONDAY,
        "contact": ContactWishes(**(wishes or {})),
    }
    return Patient(clinic="harbour", patient="sam", version=version, **fields | changes)


def reminder(
    occasion: str = "daily/1", *, at: datetime = MONDAY, lasts: timedelta = timedelta(hours=13), asks: str = "check_in"
) -> ReminderDue:
    """A reminder that fell due."""
    return ReminderDue(
        clinic="harbour",
        patient="sam",
        occurred_at=at,
        local_day=at.astimezone(ZoneInfo("Europe/London")).date(),
        origin=Origin.LIVE,
        protocol="daily",
        occasion=occasion,
        asks=asks,
        due_at=at,
        expires_at=at + lasts,
        nth=1,
    )


def answered(
    question: str = "q-1", *, at: datetime = MONDAY, version: int = 2, status: QuestionStatus = QuestionStatus.ANSWERED
) -> Question:
    """A question that the care team answered."""
    return Question(
        clinic="harbour",
        patient="sam",
        version=version,
        question=question,
        asked_at=at - timedelta(days=1),
        status=status,
        answer="SECRET words of an answer",
        answered_by="priya",
        answered_at=at.astimezone(UTC),
        updated_at=at,
    )


NIGHT = (time(21, 0), time(9, 0))
