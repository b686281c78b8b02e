"""insights whole: its own app, on the real broker and store server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from services.insights.app import create_app
from services.insights.settings import Settings
from shared.bus import Message, Position
from shared.bus.kafka import KafkaPublisher
from shared.bus.provision import provision
from shared.contracts import Clinic, Contract, Patient, QuestionnaireCompleted
from shared.contracts.base import Origin
from shared.contracts.clinics import RuleSet
from shared.contracts.moods import RiskAnswer
from shared.mongo import open_database
from tests.e2e.processes import read_topic
from tests.fakes import FakeClock
from tests.integration.service import issuer_at, opened, told, until
from tests.stack import Stack
from tests.unit.insights import builders as b


class House:
    """One clinic, and insights reading along under a name of its own."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.clinic, self.prefix = stack, f"clinic-{uuid4().hex[:8]}", f"t{uuid4().hex[:8]}"
        self._clock = FakeClock(datetime.now(UTC))
        self._issuer = issuer_at(self._clock)

    @asynccontextmanager
    async def door(self) -> AsyncIterator[httpx.AsyncClient]:
        """insights running, and a client of it.

        Other tests speak for insights on the same topic, of other patients: a later epoch outdoes what they say.
        """
        app = create_app(Settings(epoch=1, **told(self.stack, self.prefix, self._issuer)))
        async with opened(app, self._clock, self._issuer) as service:
            _, client = service.connect(self.clinic)
            async with client:
                yield client

    async def publish(self, *data: Contract) -> list[Position]:
        """Record events, as the other services would."""
        now = datetime.now(UTC)
        async with KafkaPublisher(bootstrap=self.stack.bootstrap, service="test") as publisher:
            return await publisher.publish([Message(str(uuid4()), now, one) for one in data])

    def risk(self, patient: str, value: int) -> QuestionnaireCompleted:
        """A PHQ-9 of an hour ago."""
        at = datetime.now(UTC) - timedelta(hours=1)
        return QuestionnaireCompleted(
            clinic=self.clinic,
            patient=patient,
            occurred_at=at,
            local_day=at.date(),
            origin=Origin.LIVE,
            instrument="phq9",
            score=9,
            risk_answers=[RiskAnswer(item="9", value=value, recall_days=14, urgent_from=2)],
        )

    async def said(self) -> int:
        """How many assessments of the clinic's patients stand on the topic."""
        return len(await read_topic(self.stack.bootstrap, "assessments", self.clinic))


@pytest.fixture
async def house(stack: Stack) -> House:
    """A clinic nobody has heard of."""
    await provision(stack.bootstrap)
    return House(stack)


async def test_an_entry_becomes_an_assessment_and_a_lost_store_is_rebuilt_without_a_word(house: House) -> None:
    """Through the real broker into the real store, read back after a position; then once more from the log."""
    now = datetime.now(UTC)
    paper = Patient(clinic=house.clinic, patient="sam", version=1, registered_at=now, updated_at=now, clinician="priya")
    async with house.door() as client:
        positions = await house.publish(paper, house.risk("sam", 2), house.risk("kim", 1))
        wait = {"Wait-For-Position": ",".join(map(str, positions))}

        async def level() -> bool:
            answer = await client.get("/v1/patients/sam/insights", headers=wait)
            return answer.status_code == 200 and "Projection-Behind" not in answer.headers

        await until("the assessment", level)
        await until("both partitions to be read up to now", level_of(client, 2))
        before = (await client.get("/v1/caseload")).json()["items"]
        ready = await client.get("/readyz")
    said = await house.said()
    async with open_database(house.stack.mongo_url, f"{house.prefix}_insights") as database:
        for name in ("entries", "patients", "assessments", "resume"):
            await database[name].drop()
    async with house.door() as client:
        await until("the store to be rebuilt", level_of(client, len(before)))
        after = (await client.get("/v1/caseload")).json()["items"]

    assert [(row["patient"], row["registered"], row["entries"], row["up_to_date"]) for row in before] == [
        ("sam", True, 1, True),
        ("kim", False, 1, True),
    ]
    assert ready.status_code == 200, ready.text
    assert [row["concerns"] for row in after] == [row["concerns"] for row in before]
    assert await house.said() == said


def level_of(client: httpx.AsyncClient, patients: int) -> Callable[[], Awaitable[bool]]:
    """Whether so many patients are known and up to date."""

    async def asks() -> bool:
        rows = (await client.get("/v1/caseload")).json()["items"]
        return [row["up_to_date"] for row in rows] == [True] * patients

    return asks


async def test_a_clinics_changed_settings_reach_its_patients(house: House) -> None:
    """Without an entry of theirs."""
    async with house.door() as client:
        await house.publish(house.risk("sam", 2))

        async def rules() -> list[str]:
            answer = await client.get("/v1/patients/sam/insights")
            return [one["rule"] for one in answer.json()["concerns"]] if answer.status_code == 200 else ["none yet"]

        async def concerned() -> bool:
            return await rules() == ["risk_item"]

        async def calm() -> bool:
            return await rules() == []

        await until("the concern", concerned)
        nothing = b.settings().model_copy(update={"rule_set": RuleSet(base="none")})
        await house.publish(Clinic(clinic=house.clinic, version=1, name="C", settings=[nothing]))
        await until("the rules to be off", calm)
