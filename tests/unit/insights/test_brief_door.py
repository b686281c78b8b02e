"""The session brief's door: who may read it, how far it looks, and what it tells as seen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.insights.api import ROUTERS
from services.insights.handlers import Briefs, Reader, Receipts, briefing
from shared.auth import SCOPES, DevelopmentIssuer, Verifier
from shared.bus import Position
from shared.contracts import (
    EntriesSeen,
)
from shared.contracts.moods import Through
from shared.contracts.sessions import Attendance
from shared.runtime import create_app
from tests.fakes import Failure, FakeClock, FakePublisher
from tests.unit.insights import builders as b
from tests.unit.insights.memory import MemoryStore, Progress
from tests.unit.insights.planned import LAST, NOW, session
from tests.unit.insights.world import Owner, World


class House:
    """insights' door over a store in memory, and what it publishes."""

    def __init__(self) -> None:
        self.world, self.publisher = World(Random(1), FakeClock(NOW)), FakePublisher()
        store, clock = MemoryStore(self.world.data), self.world.clock
        self.issuer = DevelopmentIssuer(environment="development", issuer="i", audience="a", clock=clock)
        reader = Reader(shelf=store, progress=Progress(NOW), clinics=Owner(self.world), clock=clock)
        self.receipts = Receipts(publisher=self.publisher, clock=clock)
        self.state = {
            "verifier": Verifier(jwks=self.issuer.jwks(), issuer="i", audience="a", clock=clock),
            "pings": {},
            "reader": reader,
            "briefs": Briefs(shelf=store, reader=reader, clinics=Clinics(), clock=clock),
            "receipts": self.receipts,
            "reached": self._reached,
        }

    async def _reached(self, position: Position) -> bool:
        return position.offset < 5

    async def learns(self, *things: Any) -> None:
        """Record and assess."""
        for number, thing in enumerate(things):
            self.world.append(*(thing if isinstance(thing, tuple) else (b.fact_id(number), thing)))
        owner = Owner(self.world)
        while await owner.batch(50):
            pass

    @asynccontextmanager
    async def door(
        self, *, role: str = "clinician", scopes: tuple[str, ...] = SCOPES
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the real app, while what was shown is being told."""
        app = create_app(service="insights", title="insights", routers=ROUTERS, lifespan=self._lifespan)

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app(scope | {"state": dict(self.state)}, receive, send)

        token = self.issuer.issue(clinic=b.CLINIC, client="priya", role=role, scopes=scopes)
        headers = {"Authorization": f"Bearer {token}"}
        telling = asyncio.create_task(self.receipts.run())
        try:
            transport = httpx.ASGITransport(app=with_state)
            async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
                yield client
        finally:
            telling.cancel()

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield self.state

    @property
    def seen(self) -> list[EntriesSeen]:
        """What was told as seen."""
        return [event.data for event in self.publisher.events if isinstance(event.data, EntriesSeen)]


class Clinics:
    """No clinic is known."""

    def clinic(self, _: str) -> None:
        """See `ports.Clinics`."""


PATH = f"/v1/patients/{b.PATIENT}/brief"


@pytest.mark.parametrize("role", ["clinician", "therapist", "prescriber", "lead"])
async def test_a_clinicians_reading_is_told_once_and_nobody_elses(role: str) -> None:
    """With the entries shown, on the patient's day."""
    house = House()
    await house.learns(
        b.patient(zone="Pacific/Auckland"), LAST, ("c1", b.check_in(b.day(55), 4)), b.answers(b.day(1), 9)
    )
    for other in ("clinic_system", "admin", "support"):
        async with house.door(role=other) as client:
            brief = (await client.get(PATH)).json()
    async with house.door(role=role) as client:
        for _ in range(2):
            assert (await client.get(PATH)).status_code == 200
        await house.receipts.told()
    [seen] = house.seen

    assert (brief["registered"], brief["up_to_date"], [one["id"] for one in brief["entries"]]) == (True, True, ["c1"])
    assert (seen.entries, seen.through, seen.by, seen.patient) == (["c1"], Through.BRIEF, "priya", b.PATIENT)
    assert (seen.occurred_at, seen.local_day) == (NOW, NOW.date())


async def test_a_broker_that_is_away_fails_no_reading_and_is_told_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was shown meanwhile waits."""
    monkeypatch.setattr(briefing, "PAUSE", 0.001)
    house = House()
    await house.learns(b.patient(), LAST, ("c1", b.check_in(b.day(55), 4)))
    house.publisher.failure = Failure.AWAY
    async with house.door() as client:
        answer = await client.get(PATH)
        before = list(house.seen)
        house.publisher.failure = None
        await house.receipts.told()

    assert (answer.status_code, before) == (200, [])
    assert [one.entries for one in house.seen] == [["c1"]]


async def test_a_brief_needs_both_scopes_a_patient_and_a_session_of_theirs() -> None:
    """Another clinic's patient is not there, nor is a deleted one; a position not reached is said."""
    house = House()
    await house.learns(b.patient(), LAST)
    async with house.door(scopes=("insights:read",)) as client:
        refused = await client.get(PATH)
    async with house.door() as client:
        unknown = await client.get("/v1/patients/nobody/brief")
        odd = await client.get(PATH, params={"session": "nobodys"})
        named = await client.get(PATH, params={"session": "last"})
        behind = await client.get(PATH, headers={"Wait-For-Position": "moods:0:9"})
        await house.learns(b.patient(version=2, deleted=True))
        gone = await client.get(PATH)

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (unknown.status_code, odd.status_code, named.status_code, gone.status_code) == (404, 404, 200, 404)
    assert named.json()["next_session"]["session"] == "last"
    assert (behind.status_code, behind.headers["Projection-Behind"]) == (200, "true")


async def test_only_the_months_needed_are_read_and_an_open_question_is_found_however_old() -> None:
    """`read_from` says so; where nothing is left out, it says nothing."""
    house = House()
    old = NOW - timedelta(days=600)
    waits = b.asked(NOW - timedelta(days=800), "q1")
    handled = b.handling("q1").model_copy(update={"asked_at": NOW - timedelta(days=800)})
    alone = ("q0", b.asked(NOW - timedelta(days=1000), "q0"))
    await house.learns(b.patient(), b.check_in(old, 5), alone, ("q1", waits), handled, ("c9", b.check_in(b.day(59), 5)))
    async with house.door() as client:
        brief = (await client.get(PATH)).json()
        await house.learns(("new", b.check_in(NOW, 5)), session("long-ago", old, Attendance.ATTENDED))
        far = (await client.get(PATH)).json()

    assert brief["read_from"] == (NOW - timedelta(days=366)).date().replace(day=1).isoformat()
    assert [one["question"] for one in brief["questions"]] == ["q0", "q1"]
    assert (far["read_from"], far["entries_since"]) == (None, 2)
