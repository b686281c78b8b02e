"""What is due, on the real broker and store: reminded of once, marked late, listed, and all reminded in one call."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.auth import DevelopmentIssuer
from shared.bus import Event, Position
from shared.bus.kafka import KafkaSource
from shared.bus.provision import provision
from shared.bus.table import TableFeed
from shared.contracts import ReminderDue, Session, Topic
from shared.contracts.protocols import Protocol
from shared.runtime import background
from tests.fakes import FakeClock
from tests.integration.mood.house import Client, Mood, again, running
from tests.integration.service import MONDAY, until
from tests.stack import Stack

HOUR = timedelta(hours=1)
DAILY = Protocol.model_validate(
    {
        "name": "daily",
        "rhythm": {"every": "days"},
        "windows": [{"opens": "10:00", "closes": "12:00"}],
        "late_after": 60,
        "expires_after": 600,
        "reminders_after": [60, 240],
    }
)
BEFORE = Protocol.model_validate(
    {
        "name": "before",
        "asks": "phq9",
        "rhythm": {"every": "session", "hours_before": 24},
        "late_after": 600,
        "expires_after": 1440,
        "reminders_after": [120],
    }
)
FOLLOWS = {
    "protocols": [{"protocol": "daily", "starts_on": "2026-11-01"}],
    "consent_to_contact": True,
    "contact": {"most_a_week": 10},
}
DUE = MONDAY.replace(hour=10, minute=0)


class Reminders:
    """All that stands on the topic `reminders`, record by record."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def take(self, event: Event) -> None:
        self.events.append(event)

    def nths(self, client: Client, patient: str) -> list[int]:
        whose = (client.clinic, patient)
        facts = [event.data for event in self.events if isinstance(event.data, ReminderDue)]
        return [fact.nth for fact in facts if (fact.clinic, fact.patient) == whose]

    async def given(self, client: Client, patients: Collection[str], *nths: int) -> None:
        """Wait until each of them was given these; one too many fails."""

        async def there() -> bool:
            found = [self.nths(client, patient) for patient in patients]
            assert all(Counter(one) <= Counter(nths) for one in found), found
            return all(Counter(one) == Counter(nths) for one in found)

        await until(f"reminders {nths}", there)


@pytest.fixture(scope="module")
async def topics(stack: Stack) -> None:
    await provision(stack.bootstrap)


@pytest.fixture
def prefix() -> str:
    return f"test_{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def mood(
    stack: Stack, topics: None, prefix: str, module_clock: FakeClock, issuer: DevelopmentIssuer
) -> AsyncIterator[Mood]:
    """An instance that no other test's reminders come from: each test has its own."""
    async with running(stack, prefix=prefix, clock=module_clock, issuer=issuer) as mood:
        yield mood


@pytest.fixture
async def reminders(stack: Stack, topics: None) -> AsyncIterator[Reminders]:
    kept = Reminders()
    source = KafkaSource(bootstrap=stack.bootstrap, group=None, topics=frozenset({Topic.REMINDERS}))
    feed = TableFeed(service="tests", source=source, on_event=kept.take)
    async with background(feed.run(), name="reminders"):
        yield kept


async def follows(client: Client, *patients: str, **more: Any) -> list[Position]:
    """A clinic with both protocols, and patients who follow the daily one."""
    positions = [await client.set_up(version=2, protocols=[DAILY, BEFORE])]
    return positions + [await client.register(patient, **(FOLLOWS | more)) for patient in patients]


async def remind(client: Client, key: str, **body: Any) -> httpx.Response:
    return await client.http.post("/v1/reminders", json=body, headers={"Idempotency-Key": key})


async def schedule(client: Client, patient: str, *positions: Any) -> Any:
    return await client.get(f"/v1/patients/{patient}/schedule", *positions)


async def test_an_occasion_falls_due_is_answered_late_and_the_timeline_says_so(
    harbour: Client, clock: FakeClock
) -> None:
    """Coming, then due, then answered after an hour; the next day's goes by and has expired."""
    before = await schedule(harbour, "sam", *await follows(harbour, "sam"))
    clock.set(DUE + HOUR / 2)
    during = await schedule(harbour, "sam")
    clock.set(DUE + 2 * HOUR)
    sent = await harbour.check_in(occurred_at=clock.now().isoformat())
    after = await schedule(harbour, "sam", sent.headers["Position"])
    shown = await harbour.get("/v1/patients/sam/timeline")
    clock.set(DUE + 40 * HOUR)
    later = await schedule(harbour, "sam")

    assert (before["due"], before["coming"][0]["due_at"], before["zone"]) == (
        [],
        "2026-11-23T10:00:00Z",
        "Europe/London",
    )
    assert [(one["occasion"], one["became"]) for one in during["due"]] == [("daily/2026-11-23/1", "due")]
    assert (after["due"], after["past"][0]["became"], after["past"][0]["entry"]) == ([], "late", sent.json()["id"])
    assert shown["items"][0]["answers_occasion"] == {
        "occasion": "daily/2026-11-23/1",
        "protocol": "daily",
        "timing": "late",
    }
    assert [one["became"] for one in later["past"]] == ["expired", "late"]
    assert later["completion"]["last_7_days"] == {"expected": 2, "on_time": 0, "late": 1, "expired": 1, "share": 0.5}


async def test_before_a_session_a_questionnaire_is_due_and_moves_with_it(harbour: Client) -> None:
    """What intake says of sessions is read here too; a cancelled one asks for nothing."""
    session = Session(
        clinic=harbour.clinic,
        patient="sam",
        session="s1",
        version=1,
        scheduled_at=MONDAY + 30 * HOUR,
        updated_at=MONDAY,
    )
    assigned = {"protocols": [{"protocol": "before", "starts_on": "2026-11-01"}]}
    positions = await follows(harbour, "sam", **assigned)
    found = []
    for version, change in enumerate(
        ({}, {"scheduled_at": MONDAY + 20 * HOUR}, {"attendance": "cancelled_by_patient"}), 1
    ):
        moved = Session.model_validate(session.model_dump() | change | {"version": version})
        positions.append(await harbour.publish(moved))
        shown = await schedule(harbour, "sam", *positions)
        found.append([(one["occasion"], one["asks"], one["became"]) for one in shown["due"] + shown["coming"]])

    assert found[0] == [("before/s1/2026-11-23", "phq9", "coming")]
    assert found[1] == []  # it was due before the clinic had told us of the patient
    assert found[2] == []


async def test_a_reminder_is_given_once_by_two_replicas_over_restarts_and_a_lost_store(
    stack: Stack,
    topics: None,
    prefix: str,
    clock: FakeClock,
    issuer: DevelopmentIssuer,
    reminders: Reminders,
) -> None:
    """Whoever owns a partition, each stands on the topic once; what fell due meanwhile is not missed; and an answer
    ends it.
    """
    patients = [f"p{n}" for n in range(12)]
    async with running(stack, prefix=prefix, clock=clock, issuer=issuer) as first:
        harbour = first.client()
        positions = await follows(harbour, *patients)
        await schedule(harbour, "p0", *positions)
        async with running(stack, prefix=prefix, clock=clock, issuer=issuer):  # a second one joins, and leaves
            clock.set(DUE + HOUR)
            await reminders.given(harbour, patients, 1)
        answered = await harbour.check_in("p0", occurred_at=clock.now().isoformat())
        await schedule(harbour, "p0", answered.headers["Position"])
    clock.set(DUE + 4 * HOUR)  # nothing runs while the second falls due
    async with running(stack, prefix=prefix, clock=clock, issuer=issuer):
        await reminders.given(harbour, patients[1:], 1, 2)
    lost = f"test_{uuid.uuid4().hex[:8]}"
    async with running(stack, prefix=lost, clock=clock, issuer=issuer) as fresh:  # a store with nothing in it
        await until_looked_at(fresh, patients, harbour)
        clock.set(DUE + 25 * HOUR)
        await reminders.given(harbour, patients[1:], 1, 2, 1)
        await reminders.given(harbour, ["p0"], 1, 1)


async def until_looked_at(mood: Mood, patients: Sequence[str], client: Client) -> None:
    """Wait until this instance knows of everybody's reminders."""

    async def known() -> bool:
        page = await again(client, mood).get("/v1/schedules/unanswered")
        said = {one["patient"]: one["last_reminded_at"] for one in page["items"]}
        return said.keys() == set(patients[1:]) and all(said.values())

    await until("the new store knows what was given", known)


async def test_who_has_not_answered_is_listed_and_all_are_reminded_in_one_call(
    harbour: Client, clock: FakeClock, reminders: Reminders
) -> None:
    """Page by page; who is left out is named with the reason, and a retry of the call reminds nobody again."""
    positions = await follows(harbour, "a", "b", "c")
    positions += [await harbour.register("d", **(FOLLOWS | {"consent_to_contact": False}))]
    positions += [await harbour.register("e", **(FOLLOWS | {"contact": {"reminders": False}}))]
    clock.set(DUE + HOUR / 2)
    sent = await harbour.check_in("b", occurred_at=clock.now().isoformat())
    first = await harbour.get("/v1/schedules/unanswered?limit=2", *positions, sent.headers["Position"])
    second = await harbour.get(f"/v1/schedules/unanswered?cursor={first['next']}")
    calls = [await remind(harbour, key) for key in ("k", "k", "other")]
    named = await remind(harbour, "named", patients=["b", "nobody"])

    pages = [(one["patient"], one["not_reminded"]) for one in first["items"] + second["items"]]
    assert pages == [("a", None), ("c", None), ("d", "no_consent"), ("e", "wishes_no_reminders")]
    assert second["next"] is None
    left_out = [{"patient": "d", "why": "no_consent"}, {"patient": "e", "why": "wishes_no_reminders"}]
    assert [call.status_code for call in calls] == [202, 202, 202]
    assert [(one["patient"], one["why"]) for one in calls[2].json()["left_out"]][:2] == [
        ("a", "reminded_just_now"),
        ("c", "reminded_just_now"),
    ]
    assert calls[0].json() == calls[1].json() == {"reminded": 2, "left_out": left_out}
    assert named.json() == {
        "reminded": 0,
        "left_out": [{"patient": "b", "why": "nothing_open"}, {"patient": "nobody", "why": "not_known"}],
    }
    await reminders.given(harbour, ["a", "c"], 1)


async def test_schedules_of_another_clinic_are_not_there(mood: Mood, harbour: Client) -> None:
    """The same id is another patient; the list has one's own only."""
    positions = await follows(harbour, "sam")
    await schedule(harbour, "sam", *positions)
    stranger = mood.client()
    await stranger.set_up()

    assert (await stranger.http.get("/v1/patients/sam/schedule")).status_code == 404
    assert (await stranger.get("/v1/schedules/unanswered"))["items"] == []
