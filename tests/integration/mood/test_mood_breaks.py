"""What holds when the broker is killed, the store server is, or the store is lost."""

import asyncio
import uuid
from datetime import timedelta

import httpx

from shared.auth import DevelopmentIssuer
from tests.fakes import FakeClock
from tests.integration.mood.house import Client, Mood, again, running
from tests.integration.service import MONDAY, until
from tests.stack import Stack


async def test_without_the_broker_nothing_is_called_recorded_and_the_same_key_later_stores_one(
    stack: Stack, mood: Mood, harbour: Client
) -> None:
    """503 with what to do, reads go on, readiness says why; then the retry is the one entry there is."""
    known = await harbour.check_in(patient="before")
    await harbour.get("/v1/patients/before/timeline", known.headers["Position"])
    stack.kill_kafka()
    try:
        single, batch = await asyncio.gather(
            harbour.check_in(key="k"),
            harbour.post("/v1/events:batch", f'{{"key":"k","type":"check_in","patient":"sam","mood":4,'
                         f'"occurred_at":"{(MONDAY - timedelta(hours=1)).isoformat()}"}}'),
        )  # fmt: skip
        for answer in (single, batch):
            assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
            assert "same Idempotency-Key" in answer.json()["detail"]
        assert (await harbour.get("/v1/patients/before/timeline"))["items"] != []
        said = await mood.readiness()
        assert not said["ready"]
        assert said["checks"]["publisher"] != "ok"
        assert said["checks"]["store"] == "ok"
    finally:
        stack.start_kafka()

    async def accepted() -> httpx.Response | None:
        answer: httpx.Response = await harbour.check_in(key="k")
        return answer if answer.status_code == 202 else None

    answer = await until("the broker is back", accepted, seconds=60)
    assert answer is not None
    shown = await harbour.get("/v1/patients/sam/timeline", answer.headers["Position"])
    assert [entry["id"] for entry in shown["items"] if entry["values"]["mood"] == 6] == [answer.json()["id"]]
    assert len(shown["items"]) <= 2  # the batch's line may have been recorded: that is what its 503 said


async def test_without_the_store_entries_are_accepted_and_shown_once_it_is_back(
    stack: Stack, mood: Mood, harbour: Client
) -> None:
    """No store stands on the way of a fact; reads say that they cannot be served now."""
    await harbour.check_in(patient="before")
    stack.kill_mongo()
    try:
        sent = await harbour.check_in(mood=2)
        read = await harbour.http.get("/v1/patients/sam/timeline")
        assert (sent.status_code, read.status_code) == (202, 503)
    finally:
        stack.start_mongo()

    await until("mood is ready again", mood.ready, seconds=60)

    async def shown() -> bool:
        answer = await harbour.http.get("/v1/patients/sam/timeline")
        return answer.is_success and [e["id"] for e in answer.json()["items"]] == [sent.json()["id"]]

    await until("the entry is shown", shown, seconds=60)


async def test_an_empty_store_is_rebuilt_from_the_topics(
    stack: Stack, harbour: Client, clock: FakeClock, issuer: DevelopmentIssuer
) -> None:
    """Another instance, with a store of its own, comes to say the same, also of who was forgotten."""
    positions = [await harbour.register(zone="Europe/Paris")]
    sent = [
        await harbour.check_in(key="k"),
        await harbour.phq9(1, 1, 1, 1, 1, 1, 1, 1, 1),
        await harbour.check_in(key="k"),
    ]
    asked, position = await harbour.asks("Will it hurt?")
    gone = [await harbour.check_in(patient="gone"), await harbour.check_in(patient="gone", mood=1)]
    positions += [position, await harbour.answers(asked, "No."), await harbour.register("gone", deleted=True)]
    positions += [answer.headers["Position"] for answer in (*sent, *gone)]
    paths = ["/v1/patients/sam/timeline", "/v1/patients/sam/progress"]
    before = [await harbour.get(path, *positions) for path in paths]
    assert len(before[0]["items"]) == 3  # two entries and a question

    async with running(stack, prefix=f"test_{uuid.uuid4().hex[:8]}", clock=clock, issuer=issuer) as fresh:
        rebuilt = again(harbour, fresh)
        assert [await rebuilt.get(path, *positions) for path in paths] == before
        assert (await rebuilt.ask("/v1/patients/gone/timeline")).status_code == 404
