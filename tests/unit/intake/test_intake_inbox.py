"""Taking in a question: the broker's word alone counts, whatever the store does meanwhile."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast

import pytest

from services.intake.handlers import Documents, Inbox, Receipt, Team
from services.intake.handlers import questions as module
from services.intake.store import Questions
from shared.contracts import Clinic, Patient, QuestionAsked
from shared.contracts.base import Origin
from shared.contracts.clinics import ClinicSettings, Contact, RuleSet
from shared.documents import Table
from shared.errors import Problem, Recoverable
from tests.fakes import Failure, FakeClock, FakePublisher

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SETTINGS = ClinicSettings(
    effective_from=NOW,
    zone="Europe/London",
    working_hours={"mon": (time(9), time(17)), "tue": (time(9), time(17))},
    rule_set=RuleSet(base="starter"),
    fallback_contact=Contact(name="Duty", email="duty@harbour.example"),
)
HARBOUR = Clinic(clinic="harbour", version=1, name="Harbour", settings=[SETTINGS])
SAM = Patient(clinic="harbour", patient="sam", version=1, registered_at=NOW, updated_at=NOW)


class Patients:
    """Patients as a store that may be away, or slow, knows them."""

    def __init__(self, *known: Patient) -> None:
        self.known = {patient.key: patient for patient in known}
        self.away = self.slow = False

    async def load(self, key: str, *, with_deleted: bool = False) -> Patient | None:
        if self.away:
            raise Recoverable("the store is away")
        if self.slow:
            await asyncio.Event().wait()
        assert with_deleted
        return self.known.get(key)


class Parts:
    """An inbox and what it stands on."""

    def __init__(self) -> None:
        self.patients = Patients(SAM)
        self.publisher = FakePublisher()
        self.table = Table[Clinic]()
        self.table.keep_highest([HARBOUR])
        self.team = Team(self.table)
        unused = cast("Any", None)
        documents = Documents(
            clinics=unused,
            clinicians=unused,
            patients=cast("Any", self.patients),
            sessions=unused,
            questions=unused,
        )
        self.inbox = Inbox(
            documents=documents,
            asked=cast("Questions", unused),
            team=self.team,
            publisher=self.publisher,
            clock=FakeClock(NOW),
        )

    async def ask(self, *, patient: str = "sam", occurred_at: datetime = NOW, text: str = "Is it normal?") -> Receipt:
        return await self.inbox.ask(
            clinic="harbour",
            question="q1",
            patient=patient,
            text=text,
            occurred_at=occurred_at,
            origin=Origin.LIVE,
        )


@pytest.fixture
def parts() -> Parts:
    return Parts()


async def test_a_question_is_published_as_it_was_asked(parts: Parts) -> None:
    """Its id is the event's, its time is when we had it."""
    receipt = await parts.ask()
    [event] = parts.publisher.events

    assert (event.id, event.time, receipt.question) == ("q1", NOW, "q1")
    assert isinstance(event.data, QuestionAsked)
    assert event.data.text == "Is it normal?"
    assert receipt.position == event.position
    assert receipt.registered is True


async def test_a_reply_is_promised_in_the_clinics_own_working_days(parts: Parts) -> None:
    """A clinic that works on Mondays and Tuesdays replies within three working days by Tuesday week, and says so."""
    receipt = await parts.ask()

    assert receipt.expect_reply_by == datetime(2026, 12, 1, 17, tzinfo=UTC)
    assert "by 5pm on Tuesday 1 December 2026" in receipt.what_to_expect
    assert receipt.safety.prominent is False
    assert receipt.safety.seen_by == receipt.expect_reply_by
    assert "by 5pm on Tuesday 1 December 2026" in receipt.safety.who_will_see_this


async def test_a_question_in_crisis_is_answered_with_help_first_and_published_like_any_other(parts: Parts) -> None:
    """It is sorted first, promised within the hour, and not a word of it is held back."""
    receipt = await parts.ask(text="I don't want to be here any more")
    [event] = parts.publisher.events

    assert isinstance(event.data, QuestionAsked)
    assert event.data.screening is not None
    assert event.data.triage is not None
    assert (event.data.screening.signs, event.data.triage.category) == (["wish_to_die"], "crisis")
    assert receipt.expect_reply_by == event.data.triage.target_at == NOW + timedelta(hours=1)
    assert receipt.safety.prominent is True
    assert "is being told" in receipt.safety.who_will_see_this


@pytest.mark.parametrize("fault", ["away", "slow"])
async def test_no_store_stands_in_the_way(parts: Parts, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the patient is registered is then not known, and said to be so."""
    monkeypatch.setattr(module, "STORE_PATIENCE", timedelta(milliseconds=1))
    setattr(parts.patients, fault, True)

    assert (await parts.ask()).registered is None
    assert len(parts.publisher.events) == 1


async def test_somebody_not_registered_is_heard_and_somebody_deleted_is_told_the_truth(parts: Parts) -> None:
    """What could reach nobody any more is not called recorded."""
    gone = SAM.model_copy(update={"patient": "gone", "deleted": True})
    parts.patients.known[gone.key] = gone

    assert (await parts.ask(patient="new")).registered is False
    with pytest.raises(Problem) as refused:
        await parts.ask(patient="gone")
    assert refused.value.status == 410
    assert len(parts.publisher.events) == 1


async def test_a_question_waits_for_its_clinics_settings_to_come(parts: Parts) -> None:
    """A clinic set up at another instance a moment ago is not unknown."""
    parts.table = parts.team.clinics = Table[Clinic]()
    asking = asyncio.create_task(parts.ask())
    await asyncio.sleep(0)
    parts.table.keep_highest([HARBOUR])

    assert (await asking).question == "q1"


async def test_a_clinic_nobody_has_heard_of_is_told_what_to_do(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment of patience, and nothing is recorded."""
    monkeypatch.setattr(module, "BUS_PATIENCE", timedelta(milliseconds=1))
    parts.team.clinics = Table[Clinic]()
    with pytest.raises(Problem) as refused:
        await parts.ask()

    assert refused.value.code == "clinic_not_set_up"
    assert parts.publisher.events == []


@pytest.mark.parametrize("failure", [Failure.AWAY, Failure.UNCONFIRMED])
async def test_what_the_broker_does_not_confirm_is_not_called_recorded(parts: Parts, failure: Failure) -> None:
    """Also where it was: a retry with the same id changes nothing then."""
    parts.publisher.failure = failure
    with pytest.raises(Recoverable):
        await parts.ask()


async def test_what_cannot_have_happened_never_reaches_the_broker(parts: Parts) -> None:
    """A question of tomorrow is refused before anything else."""
    with pytest.raises(Problem):
        await parts.ask(occurred_at=NOW + timedelta(days=1))

    assert parts.publisher.events == []
