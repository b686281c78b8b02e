"""What one clinic sends that cannot be handled stops no other: the real runner over insights and a broker in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pymongo.errors import OperationFailure

from services.insights.domain.ports import Additions
from services.insights.handlers import OWN_TOPICS, TOPICS, Insights, voice
from services.insights.handlers.saying import assessment_of
from shared.bus import LARGEST, Message
from shared.bus.memory import MemoryBroker, MemoryPublisher
from shared.clock import SystemClock
from shared.contracts import Assessment, CheckInRecorded, Clinic, QuestionnaireCompleted, Topic
from shared.contracts.base import Contract, Origin
from shared.contracts.moods import RiskAnswer
from shared.contracts.screening import Screening
from tests.behaviour.bus_parts import MemoryBus, caught_up, eventually, running
from tests.unit.insights import builders as b
from tests.unit.insights.memory import Data, MemoryStore

TOO_LARGE = {"service": "insights", "model": "assessment"}
BEFORE = datetime.now(UTC) - timedelta(hours=1)


class Clinics:
    """Every clinic with the same settings."""

    def clinic(self, clinic: str) -> Clinic | None:
        """See `Clinics`."""
        return b.clinic().model_copy(update={"clinic": clinic})


def said(broker: MemoryBroker) -> dict[str, Assessment]:
    """The last word on each patient."""
    records = [record for record in broker.records(Topic.ASSESSMENTS) if record.value is not None]
    words = [Assessment.model_validate_json(record.value or b"") for record in records]
    return {word.key: word for word in words}


async def publish(broker: MemoryBroker, *facts: Contract) -> None:
    """Record facts."""
    messages = [Message(b.fact_id(f"{number} {fact.key}"), BEFORE, fact) for number, fact in enumerate(facts)]
    await MemoryPublisher(broker, service="mood").publish(messages)


def form(clinic: str, patient: str, value: int, score: Any = None) -> QuestionnaireCompleted:
    """A questionnaire of a clinic's own scale with an answer about harm."""
    return QuestionnaireCompleted(
        clinic=clinic,
        patient=patient,
        occurred_at=BEFORE,
        local_day=BEFORE.date(),
        origin=Origin.LIVE,
        instrument="own",
        items={"1": value},
        score=score,
        risk_answers=[RiskAnswer(item="1", value=value, recall_days=14, urgent_from=2)],
    )


def text(clinic: str, patient: str) -> CheckInRecorded:
    """A check-in with a note that has words of a crisis."""
    return CheckInRecorded(
        clinic=clinic,
        patient=patient,
        occurred_at=BEFORE,
        local_day=BEFORE.date(),
        origin=Origin.LIVE,
        mood=5,
        note="I want to kill myself",
        screening=Screening(crisis_language=True, signs=["wish_to_die"], screen="words-1"),
    )


def insights(broker: MemoryBroker, store: MemoryStore | None = None) -> Insights:
    """The service over the broker."""
    return Insights(
        store=store or MemoryStore(Data()),
        publisher=MemoryPublisher(broker, service="insights"),
        clinics=Clinics(),
        clock=SystemClock(),
    )


@pytest.mark.parametrize(("value", "score"), [(3_000_000_000, None), (1, 10**399), (1, 10**10)])
async def test_numbers_that_cannot_be_reckoned_with_go_to_the_dead_letters(value: int, score: int | None) -> None:
    """A clinic that sends fifty of them has fifty dead letters, and the other clinic's answer is told all the same."""
    bus = MemoryBus()
    await publish(bus.broker, *(form("far", f"p{number}", value, score) for number in range(50)))
    await publish(bus.broker, *(form("north", f"p{number}", 2) for number in range(10)))
    async with running(bus, insights(bus.broker), topics=TOPICS, own=OWN_TOPICS) as runner:
        await eventually(lambda: sum(word.clinic == "north" for word in said(bus.broker).values()) == 10)
        await eventually(lambda: len(bus.broker.records(Topic.DEAD_LETTERS)) == 50)
        assert runner.health().ready
    for key, word in said(bus.broker).items():
        if key.startswith("north/"):
            assert [concern.rule for concern in word.concerns if concern.holds] == ["risk_item"]


async def test_a_month_that_is_full_costs_only_its_own_records() -> None:
    """MongoDB takes no more than 16 MB in a document: what no longer fits is set aside, and the batch goes on."""

    class Full(MemoryStore):
        async def add(self, additions: Sequence[Additions]) -> None:
            if any(one.key == "far/p1" for one in additions):
                raise OperationFailure("Resulting document after update is larger than 16777216", 17419)
            await super().add(additions)

    bus = MemoryBus()
    await publish(bus.broker, *(text("far", "p1") for _ in range(30)))
    await publish(bus.broker, *(form("north", f"p{number}", 2) for number in range(10)))
    async with running(bus, insights(bus.broker, Full(Data())), topics=TOPICS, own=OWN_TOPICS) as runner:
        await eventually(lambda: sum(word.clinic == "north" for word in said(bus.broker).values()) == 10)
        await eventually(lambda: len(bus.broker.records(Topic.DEAD_LETTERS)) == 30)
        await eventually(lambda: said(bus.broker)["far/p1"].entries_not_processed == 30)
        assert runner.health().ready


async def test_thousands_of_texts_make_no_assessment_too_large_for_the_bus() -> None:
    """Four thousand notes with words of a crisis are one assessment with the last fifty of them, and nobody waits."""
    bus = MemoryBus()
    await publish(bus.broker, *(text("far", "p1") for _ in range(4_000)))
    await publish(bus.broker, form("north", "p1", 2))
    async with running(bus, insights(bus.broker), topics=TOPICS, own=OWN_TOPICS):
        await eventually(lambda: "north/p1" in said(bus.broker) and said(bus.broker).get("far/p1") is not None)
        await eventually(lambda: said(bus.broker)["far/p1"].entries == 4_000)
    assert not bus.broker.records(Topic.DEAD_LETTERS)
    [concern] = [one for one in said(bus.broker)["far/p1"].concerns if one.rule == "crisis_language"]
    assert len(concern.telling) == 50
    assert concern.numbers == {"texts": 4_000}
    assert "3950 pieces of evidence that came earlier are not listed here" in concern.reason


async def test_a_word_too_large_for_the_bus_keeps_no_other_from_being_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, neither said nor saved, and tried again later; nothing goes to the dead letters."""

    def huge(key: str, *some: Any, **named: Any) -> Assessment:
        word = assessment_of(key, *some, **named)
        if key != "far/p1":
            return word
        [concern] = [one for one in word.concerns if one.rule == "risk_item"]
        return word.model_copy(update={"concerns": [concern.model_copy(update={"reason": "x" * LARGEST})]})

    monkeypatch.setattr(voice, "assessment_of", huge)
    before = REGISTRY.get_sample_value("rapport_too_large_total", TOO_LARGE) or 0.0
    bus, data = MemoryBus(), Data()
    await publish(bus.broker, *(form("north", f"p{number}", 2) for number in range(10)), form("far", "p1", 2))
    async with running(bus, insights(bus.broker, MemoryStore(data)), topics=TOPICS, own=OWN_TOPICS) as runner:
        await eventually(lambda: len(said(bus.broker)) == 10)
        await eventually(lambda: caught_up(runner, bus.partitions))
    assert not bus.broker.records(Topic.DEAD_LETTERS)
    assert sorted(data.saved) == sorted(said(bus.broker)) == [f"north/p{number}" for number in range(10)]
    assert (REGISTRY.get_sample_value("rapport_too_large_total", TOO_LARGE) or 0.0) > before
