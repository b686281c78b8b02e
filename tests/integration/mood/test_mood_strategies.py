"""Strategies, receipts and progress, over HTTP, on the real broker and the real store."""

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from services.mood.handlers import Clinics, Follower, Reminding
from services.mood.store import Store
from shared.auth import DevelopmentIssuer
from shared.bus import Batch, Event, Position
from shared.contracts import (
    Assessment,
    Contract,
    EntriesSeen,
    Patient,
    StrategiesAllowed,
    StrategiesPinned,
    StrategySuggested,
    StrategyTried,
)
from shared.contracts.moods import Through
from shared.mongo import Database
from tests.fakes import FakeClock, FakePublisher
from tests.integration.mood.house import Client, Mood, again, running
from tests.integration.service import MONDAY, until
from tests.stack import Stack

OWN = "/v1/patients/sam/strategies"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def as_clinician(mood: Mood, client: Client) -> dict[str, str]:
    """The header of a clinician of the same clinic."""
    token = mood.issuer.issue(clinic=client.clinic, client="c-7", role="therapist", lasts=timedelta(days=3000))
    return {"Authorization": f"Bearer {token}"}


async def say(client: Client, *positions: Any, basis: int = 1) -> Any:
    """Insights has looked at sam and found nothing to tell; mood has read it, and up to these positions."""
    told = Assessment(
        clinic=client.clinic,
        patient="sam",
        epoch=0,
        basis=basis,
        settings_version=1,
        rules_version=1,
        made_at=MONDAY,
        registered=False,
        entries=1,
        last_heard=MONDAY,
        concerns=[],
    )
    return await client.publish(told)


async def send(client: Client, verb: str, path: str, body: Any, *positions: Any, key: str | None = None) -> Any:
    """A request that must be answered 2xx, with what it says and where it stands."""
    headers = {"Idempotency-Key": key or uuid.uuid4().hex, "Wait-For-Position": ",".join(map(str, positions))}
    answer = await client.http.request(verb, f"{OWN}/{path}", content=json.dumps(body), headers=headers)
    assert answer.is_success, answer.text
    return answer.json()


def walked(before: int, after: int) -> dict[str, Any]:
    return {"strategy": "short_walk", "before": before, "after": after, "occurred_at": MONDAY.isoformat()}


async def test_what_was_tried_is_suggested_with_its_reason_and_a_rebuilt_store_says_the_same(
    stack: Stack, mood: Mood, harbour: Client, clock: FakeClock, issuer: DevelopmentIssuer
) -> None:
    """Tries, pins, the clinician's list, the draw and its log; another instance rebuilds all of it from the topics."""
    positions = [(await harbour.check_in(energy=9)).headers["Position"], await say(harbour)]
    for rating in ((7, 4), (8, 6), (5, 6)):
        positions.append((await send(harbour, "POST", "tried", walked(*rating)))["position"])
    pins = {"strategies": ["grounding"], "occurred_at": MONDAY.isoformat()}
    positions.append((await send(harbour, "PUT", "pinned", pins))["position"])
    listed = {"strategies": ["short_walk"], "occurred_at": MONDAY.isoformat()}
    positions.append((await send(harbour, "PUT", "allowed", listed))["position"])
    await harbour.get(OWN, *positions)

    drawn = await send(harbour, "POST", "suggestions", {}, *positions, key="k")
    retried = await send(harbour, "POST", "suggestions", {}, drawn["position"], key="k")
    another = await send(harbour, "POST", "suggestions", {}, drawn["position"])
    own = await harbour.get(OWN, drawn["position"])

    assert [one["strategy"]["id"] for one in drawn["suggestions"]] == ["short_walk"]
    assert drawn["suggestions"][0]["reason"] == (
        "It helped you 2 of 3 times. Your distress fell by 1.3 points, on average. Your care team picked this for you."
    )
    assert [one["strategy"]["id"] for one in drawn["pinned"]] == ["grounding"]
    assert (retried["id"], retried["suggestions"]) == (drawn["id"], drawn["suggestions"])
    assert another["none_because"] == "nothing_fits"

    async with running(stack, prefix=f"test_{uuid.uuid4().hex[:8]}", clock=clock, issuer=issuer) as fresh:
        rebuilt = again(harbour, fresh)
        assert await rebuilt.get(OWN, *positions, drawn["position"]) == own
        assert await send(rebuilt, "POST", "suggestions", {}, drawn["position"], key="k") == retried


async def test_a_risk_answer_a_moment_ago_puts_people_first(harbour: Client) -> None:
    """Its position is waited for, so that it counts though insights has not spoken of it yet."""
    known = await harbour.check_in(energy=9)
    before = await send(harbour, "POST", "suggestions", {}, known.headers["Position"], await say(harbour))
    answered = await harbour.phq9(0, 0, 0, 0, 0, 0, 0, 0, 1)
    after = await send(harbour, "POST", "suggestions", {}, answered.headers["Position"])

    assert (before["none_because"], len(before["suggestions"])) == (None, 1)
    assert (after["none_because"], after["suggestions"], after["safety"]["prominent"]) == ("concern", [], True)


async def test_a_clinicians_read_becomes_the_receipt_and_is_readable_ever_after(
    mood: Mood, harbour: Client, clock: FakeClock
) -> None:
    """Nobody else's read does; the time is that of the first look, years later too."""
    sent = await harbour.check_in()
    path = f"/v1/patients/sam/entries/{sent.json()['id']}/receipt"
    unseen = await harbour.get(path, sent.headers["Position"])
    await harbour.get("/v1/patients/sam/timeline")
    clock.advance(timedelta(hours=1))
    await harbour.http.get("/v1/patients/sam/timeline", headers=as_clinician(mood, harbour))

    async def seen() -> httpx.Response | None:
        answer = await harbour.http.get(path)
        return answer if answer.json()["seen_at"] else None

    told = await until("the receipt says so", seen)
    assert told is not None
    clock.advance(timedelta(days=700))
    await harbour.http.get("/v1/patients/sam/timeline", headers=as_clinician(mood, harbour))
    later = await harbour.get(path)

    assert (unseen["seen_at"], unseen["saved_at"]) == (None, "2026-11-23T09:30:00Z")
    assert (told.json()["seen_at"], told.json()["by"]) == ("2026-11-23T10:30:00Z", "c-7")
    assert later == told.json()


def event(name: str, data: Contract, *, minutes: int = 0) -> Event:
    value = data.model_dump_json().encode()
    return Event(name, NOW + timedelta(minutes=minutes), data, Position(data.topic, 0, 0), value)


def story(patient: str) -> list[Event]:
    """Tries, pins, lists, suggestions and looks of one patient, over two months."""
    chance, made = random.Random(patient), []
    for number in range(30):
        at = NOW - timedelta(days=number * 2)
        common: dict[str, Any] = {
            "clinic": "c",
            "patient": patient,
            "occurred_at": at,
            "local_day": at.date(),
            "origin": "import",
        }
        name, rating = chance.choice(["short_walk", "grounding"]), {"before": 6, "after": chance.randrange(9)}
        facts: list[Contract] = [
            StrategyTried(**common, strategy=name, **rating),
            StrategiesPinned(**common, strategies=[name]),
            StrategiesAllowed(**common, strategies=None if number % 3 else [name], by="c-7"),
            StrategySuggested(**common, strategies=[name], seed=number, model="thompson.v1"),
            EntriesSeen(**common, entries=[f"e.{number % 5}", "e$"], through=Through.TIMELINE, by=f"c-{number}"),
        ]
        made += [event(f"{patient}.{number}.{kind}", fact, minutes=number) for kind, fact in enumerate(facts)]
    return made


def following(store: Store) -> Follower:
    reminding = Reminding(store=store, clinics=Clinics(), publisher=FakePublisher(), clock=FakeClock(NOW))
    return Follower(store=store, reminding=reminding)


async def test_any_schedule_of_batches_ends_in_the_same_strategies_and_receipts(database: Database) -> None:
    """Duplicates, replays, a new owner: the same state, priors and earliest looks; a deleted patient leaves nothing."""
    chance, patients = random.Random(3), [f"p.{number}" for number in range(3)]
    events = [one for patient in patients for one in story(patient)]

    async def state(store: Store) -> Any:
        seen = [await store.receipts.seen("c", who, ["e.0", "e.4", "e$", "never"]) for who in patients]
        return [await store.coping.read("c", who, NOW) for who in patients], await store.coping.means("c"), seen

    async def play(name: str, order: list[Event], size: int) -> Store:
        store = Store(_Prefixed(database, name))
        follower = following(store)
        for start in range(0, len(order), size):
            await follower.handle(Batch(0, order[start : start + size], 0, NOW, caught_up=True))
        return store

    once = await state(await play("once", events, 1_000))
    mixed = events + chance.sample(events, 100)
    chance.shuffle(mixed)
    store = await play("mixed", mixed, 37)
    tries = [coping.tallies for coping, _ in once[0]]

    def sorted_state(found: Any) -> Any:
        return [(coping, sorted(one.id for one in logged)) for coping, logged in found[0]], found[1], found[2]

    assert sorted_state(await state(store)) == sorted_state(once)
    assert all(sum(tally.tried for tally in found.values()) == 30 for found in tries)
    assert all(found["e.4"].at == NOW - timedelta(days=58) and "never" not in found for found in once[2])

    gone = Patient(clinic="c", patient="p.1", version=2, deleted=True, registered_at=NOW, updated_at=NOW)
    await following(store).handle(Batch(0, [event("t", gone), *story("p.1")[:5]], 0, NOW, caught_up=True))
    left = [
        json.dumps(record, default=str)
        for name in ("entries", "coping", "suggestions", "tries", "populations", "receipts")
        for record in await database[f"mixed_{name}"].find({}).to_list(None)
    ]
    assert left
    assert not [record for record in left if "p.1" in record or "p%2E1" in record]


class _Prefixed:
    """Two stores in one database."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name

    def __getitem__(self, name: str, /) -> Any:
        return self._database[f"{self._name}_{name}"]
