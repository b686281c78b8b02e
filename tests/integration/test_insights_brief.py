"""The session brief whole: insights' own app, on the real broker and store server."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.insights.app import create_app
from services.insights.domain.ports import Additions
from services.insights.settings import Settings
from services.insights.store import MongoStore
from shared.bus import Message
from shared.bus.kafka import KafkaPublisher
from shared.bus.provision import provision
from shared.contracts import CheckInRecorded, Patient, QuestionAsked, Session, StrategyTried
from shared.contracts.base import Fact, Origin
from shared.contracts.sessions import Attendance
from shared.mongo import Database
from tests.e2e.processes import read_topic
from tests.fakes import FakeClock
from tests.integration.service import issuer_at, opened, told, until
from tests.stack import Stack

NOW = datetime.now(UTC).replace(microsecond=0)
CLINIC = f"clinic-{uuid4().hex[:8]}"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def fact(kind: type[Fact], at: datetime, **data: Any) -> Fact:
    common = {"clinic": CLINIC, "patient": "sam", "occurred_at": at, "local_day": at.date(), "origin": Origin.LIVE}
    return kind.model_validate(common | data)


def session(name: str, at: datetime, attendance: Attendance | None) -> Session:
    return Session(
        clinic=CLINIC, patient="sam", session=name, version=1, scheduled_at=at, attendance=attendance,
        attendance_at=at if attendance else None, updated_at=at,
    )  # fmt: skip


async def test_a_clinician_reads_a_brief_after_a_position_and_the_patient_can_know(stack: Stack) -> None:
    """Sessions, entries, questions, strategies and the new rule, through the real broker into one answer and back."""
    await provision(stack.bootstrap)
    clock = FakeClock(NOW)
    issuer = issuer_at(clock)
    settings = Settings(**told(stack, f"t{uuid4().hex[:8]}", issuer))
    token = issuer.issue(clinic=CLINIC, client="priya", role="clinician")
    recorded = [
        Patient(clinic=CLINIC, patient="sam", version=1, clinician="priya", registered_at=ago(days=90), updated_at=NOW),
        session("s1", ago(days=30), Attendance.ATTENDED),
        session("s2", ago(days=9), Attendance.CANCELLED_BY_PATIENT),
        session("s3", ago(days=2), Attendance.DID_NOT_ATTEND),
        session("s4", NOW + timedelta(days=5), None),
        *(fact(CheckInRecorded, ago(days=n), mood=4, note="Tired.") for n in (1, 2, 3)),
        fact(QuestionAsked, ago(hours=2), question="q1", text="Is it normal?"),
        fact(StrategyTried, ago(days=1), strategy="breathing", before=8, after=5),
    ]
    async with opened(create_app(settings), clock, issuer) as service:
        _, client = service.connect(CLINIC)
        async with client, KafkaPublisher(bootstrap=stack.bootstrap, service="test") as publisher:
            positions = await publisher.publish([Message(str(uuid4()), NOW, one) for one in recorded])
            headers = {
                "Wait-For-Position": ",".join(map(str, positions)),
                "Authorization": f"Bearer {token}",
            }

            async def level() -> Any:
                answer = await client.get("/v1/patients/sam/brief", headers=headers)
                return answer.json() if answer.is_success and "Projection-Behind" not in answer.headers else None

            brief = await until("the brief", level)

            async def seen() -> Any:
                records = await read_topic(stack.bootstrap, "moods", CLINIC)
                return [value for _, kind, value in records if kind["ce_type"] == "rapport.mood.entries-seen.v1"]

            facts = await until("the entries to be told as seen", seen)

    assert (brief["last_session"]["session"], brief["next_session"]["session"]) == ("s1", "s4")
    assert (brief["missed_in_a_row"], brief["entries_since"], brief["mood"]["since_mean"]) == (2, 3, 4)
    assert [one["rule"] for one in brief["concerns"]] == ["missed_sessions"]
    assert [one["text"] for one in brief["questions"]] == ["Is it normal?"]
    assert [(one["strategy"], one["mean_change"]) for one in brief["strategies"]] == [("breathing", -3)]
    assert {name for one in facts for name in one["entries"]} == {one["id"] for one in brief["entries"]}
    assert {(one["through"], one["by"]) for one in facts} == {("brief", "priya")}


@pytest.mark.parametrize("known", [True, False])
async def test_the_store_gives_a_patients_papers_and_the_facts_of_the_months_asked(
    database: Database, *, known: bool
) -> None:
    """On both drivers; nothing of anybody else."""
    store = MongoStore(database=database)
    if known:
        facts = {"2026-09": {"a": b"c1"}, "2026-10": {"b": b"c2"}, "2026-11": {"c.d": b"c3"}}
        added = Additions("north/p1", facts=facts, documents={"P": (1, b"P{}")}, months=list(facts))
        await store.add([added, Additions("north/p2", facts={"2026-11": {"x": b"c4"}}, months=["2026-11"])])
        await store.put_aside("north/p1", "b", risk=False)
    papers = await store.papers("north/p1")
    found = await store.entries("north/p1", ["2026-10", "2026-11", "2026-12"])

    assert sorted(found) == ([("b", b"c2"), ("c.d", b"c3")] if known else [])
    assert (papers is not None) is known
    if papers is not None:
        assert (papers.documents, papers.facts, papers.aside) == ([b"P{}"], [], {"b": False})
        assert papers.months == {"2026-09", "2026-10", "2026-11"}
