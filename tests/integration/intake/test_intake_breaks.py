"""What holds when the store is lost, the broker is killed, or the store server is."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import httpx

from shared.auth import DevelopmentIssuer
from tests.fakes import FakeClock
from tests.integration.intake.clinic_system import RATING, SAM, Client, Intake, question, running, session
from tests.integration.service import until
from tests.stack import Stack


async def test_a_store_that_was_dropped_is_rebuilt_from_the_topics(
    stack: Stack, harbour: Client, clock: FakeClock, issuer: DevelopmentIssuer
) -> None:
    """Another instance, with an empty store, comes to say the same: patients, sessions, questions and answers."""
    await harbour.do("POST", "/v1/patients/sam/sessions", session())
    await harbour.do("POST", "/v1/sessions/s1/rating", RATING)
    asked = (await harbour.do("POST", "/v1/questions", question())).json()
    answered = await harbour.do("POST", f"/v1/questions/{asked['id']}/answer", {"text": "Yes."})
    await harbour.do("PUT", "/v1/patients/gone", {"name": "Gone"})
    lost = (await harbour.do("POST", "/v1/questions", question(patient="gone"))).json()
    await harbour.do("DELETE", "/v1/patients/gone")
    paths = ("/v1/clinic", "/v1/patients", "/v1/sessions/s1", "/v1/questions", f"/v1/questions/{asked['id']}")
    waits = {"Wait-For-Position": answered.headers["Position"]}
    before = [await harbour.get(path, **waits) for path in paths]

    async with running(stack, prefix=f"test_{uuid.uuid4().hex[:8]}", clock=clock, issuer=issuer) as fresh:
        client = fresh.client(harbour.clinic)

        async def same() -> bool:
            answers = [await client.ask("GET", path) for path in paths]
            forgotten = await client.ask("GET", f"/v1/questions/{lost['id']}")
            return forgotten.status_code == 404 and [one.json() for one in answers if one.is_success] == before

        await until("the rebuilt store", same, seconds=60)


async def test_without_the_broker_decisions_stand_and_facts_are_told_to_try_again(
    stack: Stack, intake: Intake, harbour: Client
) -> None:
    """A decision has no position until it is published; a fact that may not be recorded is not called recorded."""
    stack.kill_kafka()
    try:
        decision, fact = await asyncio.gather(
            harbour.ask("PUT", "/v1/patients/sam", SAM | {"name": "Samuel"}),
            harbour.ask("POST", "/v1/questions", question(), key="k"),
        )
        read = await harbour.get("/v1/patients/sam")
    finally:
        stack.start_kafka()
    intake.clock.advance(timedelta(minutes=1))

    assert decision.status_code == 200
    assert "Position" not in decision.headers
    assert read["name"] == "Samuel"
    assert fact.status_code == 503
    assert "same Idempotency-Key" in fact.json()["detail"]

    async def swept() -> bool:
        answer = await harbour.do("PUT", "/v1/patients/sam", SAM | {"name": "Samuel"})
        return "Position" in answer.headers

    async def recorded() -> Any:
        answer: httpx.Response = await harbour.ask("POST", "/v1/questions", question(), key="k")
        return answer.json() if answer.status_code == 202 else None

    await until("the sweeper", swept)
    retried = await until("the question", recorded)
    listed = await harbour.get("/v1/questions", **{"Wait-For-Position": retried["position"]})
    assert [one["id"] for one in listed["items"]] == [retried["id"]]
    await until("intake", intake.ready)


async def test_without_the_store_a_question_is_still_recorded(stack: Stack, intake: Intake, harbour: Client) -> None:
    """202 by the broker's word alone; whether the patient is registered is not known then."""
    await harbour.do("POST", "/v1/questions", question(text="before"))
    stack.kill_mongo()
    try:
        asked = await harbour.do("POST", "/v1/questions", question())
    finally:
        stack.start_mongo()

    async def known() -> bool:
        answer: httpx.Response = await harbour.ask("GET", f"/v1/questions/{asked.json()['id']}")
        return answer.status_code == 200

    assert asked.json()["registered"] is None
    await until("the question", known, seconds=60)
    await until("intake", intake.ready)
