"""The caseload's order, and what the doors answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.insights.api import ROUTERS
from services.insights.domain import CATALOGUE, RULES_VERSION
from services.insights.handlers import ClinicTable, OutcomeReader, Reader
from shared.auth import DevelopmentIssuer, Verifier
from shared.bus import Event, Position
from shared.contracts import Topic
from shared.contracts.clinics import RuleChoice
from shared.contracts.patients import PatientStatus
from shared.runtime import create_app
from tests.fakes import FakeClock
from tests.unit.insights import builders as b
from tests.unit.insights.memory import MemoryStore, Progress
from tests.unit.insights.world import Owner, World

NOW = b.day(60)


async def known(*things: Any) -> World:
    """A world in which all of this has been assessed."""
    world = World(Random(1), FakeClock(NOW))
    for number, thing in enumerate(things):
        world.append(b.fact_id(number), thing)
    owner = Owner(world)
    while await owner.batch(50):
        pass
    await owner.tick()
    return world


@asynccontextmanager
async def door(
    world: World, *, read_up_to: datetime | None = NOW, clinic: str = b.CLINIC
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the real app, over a store in memory."""
    issuer = DevelopmentIssuer(environment="development", issuer="i", audience="a", clock=world.clock)
    clinics = ClinicTable()
    for document in world.clinics.values():
        await clinics.apply(Event("c", NOW, document, Position(Topic.CLINICS, 0, 0), b""))

    async def reached(position: Position) -> bool:
        return position.offset < 5

    state = {
        "verifier": Verifier(jwks=issuer.jwks(), issuer="i", audience="a", clock=world.clock),
        "pings": {},
        "clock": world.clock,
        "reader": Reader(
            shelf=MemoryStore(world.data), progress=Progress(read_up_to), clinics=clinics, clock=world.clock
        ),
        "outcomes": OutcomeReader(shelf=MemoryStore(world.data), clinics=clinics, clock=world.clock),
        "reached": reached,
    }

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield state

    app = create_app(service="insights", title="insights", routers=ROUTERS, lifespan=lifespan)

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"state": dict(state)}, receive, send)

    headers = {"Authorization": f"Bearer {issuer.issue(clinic=clinic)}"}
    transport = httpx.ASGITransport(app=with_state)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


def risk(patient: str, days_ago: float, value: int) -> Any:
    """A risk answer."""
    return b.answers(NOW - timedelta(days=days_ago), risk=[(value, 14, 2)], patient=patient)


def worse(patient: str) -> list[Any]:
    """Two scores, the second much higher."""
    return [b.answers(NOW - timedelta(days=n), score, patient=patient) for n, score in ((3, 5), (2, 20))]


def dropped(patient: str) -> list[Any]:
    """A session rated far below the ones before it."""
    rated = [NOW - timedelta(days=10 - n) for n in range(4)]
    return [b.session(f"{patient}{n}", at, 9 if n < 3 else 2, patient=patient) for n, at in enumerate(rated)]


async def test_a_caseload_goes_by_the_named_order_and_then_the_longest_since() -> None:
    """A risk item past its recall keeps its place behind those within it, the calm last; the discharged only with one.

    Nobody may have acted on it: that the time the question asks about has passed says nothing of that.
    """
    old = NOW - timedelta(days=30)
    world = await known(
        *dropped("rating"),
        b.patient(patient="quiet", registered_at=old),
        *(b.check_in(b.day(n), 8 if n < 30 else 1, patient="mood") for n in range(40)),
        b.asked(NOW - timedelta(days=20), "q1", patient="question"),
        *worse("worse"),
        risk("risk", 2, 1),
        risk("longer", 3, 1),
        risk("urgent", 1, 2),
        risk("past", 20, 3),
        risk("past-slow", 21, 1),
        risk("past-told", 91, 3),
        b.check_in(NOW, 5, patient="calm"),
        b.patient(patient="discharged", status=PatientStatus.DISCHARGED),
        b.patient(patient="discharged-risk", status=PatientStatus.DISCHARGED),
        risk("discharged-risk", 0.5, 2),
    )
    async with door(world) as client:
        items = (await client.get("/v1/caseload")).json()["items"]

    assert [row["patient"] for row in items] == [
        "urgent", "discharged-risk", "past", "longer", "risk", "past-slow", "worse", "question", "mood", "quiet",
        "rating", "calm", "past-told",
    ]  # fmt: skip
    assert [row["concerns"][0]["urgency"] for row in items[:4]] == ["at_once", "at_once", "at_once", "working_hours"]
    assert [row["concerns"][0]["holds"] for row in items[:6]] == [True, True, False, True, True, False]


async def test_who_has_an_entry_about_harm_that_could_not_be_processed_comes_right_after_at_once() -> None:
    """Nobody has read it; a discharged patient's too. Another entry that failed changes nothing."""
    world = World(Random(1), FakeClock(NOW))
    things = [
        risk("urgent", 1, 2), risk("slow", 2, 1), b.check_in(NOW, 5, patient="calm"),
        b.patient(patient="left", status=PatientStatus.DISCHARGED),
        b.check_in(NOW, 5, patient="failed"), risk("unread", 1, 3), risk("left", 1, 3),
    ]  # fmt: skip
    for number, thing in enumerate(things):
        world.append(b.fact_id(number), thing)
    owner = Owner(world, at_random=False)
    await owner.insights.assigned(0)
    owner.begun = True
    lost = [event for event in world.logs[Topic.MOODS] if event.data.patient in ("failed", "unread", "left")]
    for event in lost:
        await owner.insights.set_aside(event, "ValueError at rules.py:1")
        world.logs[Topic.MOODS].remove(event)
    while await owner.batch(50):
        pass
    await owner.tick()
    async with door(world) as client:
        items = (await client.get("/v1/caseload")).json()["items"]
        unread = (await client.get("/v1/patients/unread/insights")).json()

    assert [row["patient"] for row in items] == ["urgent", "left", "unread", "slow", "calm", "failed"]
    assert [row["risk_entries_not_processed"] for row in items] == [0, 1, 1, 0, 0, 0]
    assert (unread["entries_not_processed"], unread["risk_entries_not_processed"]) == (1, 1)


async def test_a_caseload_is_filtered_by_rule_by_urgency_and_by_silence() -> None:
    """Each filter alone; a rule that is not in the catalogue is refused with those that are."""
    world = await known(
        risk("urgent", 1, 2),
        risk("slow", 2, 1),
        *worse("worse"),
        b.check_in(NOW - timedelta(days=40), 5, patient="away"),
    )
    async with door(world) as client:

        async def patients(**params: Any) -> list[str]:
            return [row["patient"] for row in (await client.get("/v1/caseload", params=params)).json()["items"]]

        assert await patients(rule="risk_item") == ["urgent", "slow"]
        assert await patients(at_once=True) == ["urgent", "worse"]
        assert await patients(silent_days=30) == ["away"]
        assert await patients(rule="risk_item", at_once=True) == ["urgent"]
        refused = await client.get("/v1/caseload", params={"rule": "star_sign"})

    assert refused.status_code == 422
    assert "risk_item" in refused.json()["errors"][0]["message"]


async def test_a_caseload_comes_page_by_page_and_by_clinician() -> None:
    """Every patient once, also while others change; another clinic's never."""
    things = [b.patient(patient=f"p{n}", clinician="sam" if n % 2 else "priya") for n in range(5)]
    world = await known(*things, *(risk(f"p{n}", n, 1) for n in range(5)))
    async with door(world) as client:
        found, cursor = [], None
        while True:
            page = (
                await client.get("/v1/caseload", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
            ).json()
            found += [row["patient"] for row in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        sams = (await client.get("/v1/caseload", params={"clinician": "sam"})).json()
        wrong = await client.get("/v1/caseload", params={"cursor": "bm90LWEtcGxhY2U"})
    async with door(world, clinic="south") as client:
        theirs = (await client.get("/v1/caseload")).json()

    assert found == ["p4", "p3", "p2", "p1", "p0"]
    assert [row["patient"] for row in sams["items"]] == ["p3", "p1"]
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_cursor")
    assert theirs == {"items": [], "next": None}


async def test_a_patients_insights_say_what_holds_and_when_it_was_made() -> None:
    """For the caller's clinic; of whom nothing is known there is nothing to see."""
    world = await known(b.patient(clinician="priya"), risk("p1", 1, 2), b.check_in(NOW, 5))
    async with door(world) as client:
        found = (await client.get("/v1/patients/p1/insights")).json()
        nobody = await client.get("/v1/patients/p2/insights")
    async with door(world, clinic="south") as client:
        elsewhere = await client.get("/v1/patients/p1/insights")

    assert (found["entries"], found["registered"], found["clinician"]) == (2, True, "priya")
    assert (found["up_to_date"], found["made_at"]) == (True, "2026-07-31T09:00:00Z")
    assert [concern["rule"] for concern in found["concerns"]] == ["risk_item"]
    assert [nobody.status_code, elsewhere.status_code] == [404, 404]
    assert nobody.json()["code"] == elsewhere.json()["code"] == "not_found"


@pytest.mark.parametrize("read_up_to", [None, NOW - timedelta(minutes=2, seconds=1)])
async def test_a_partition_that_stands_still_makes_its_patients_not_up_to_date(read_up_to: datetime | None) -> None:
    """Whatever stopped it, and whoever owns it."""
    async with door(await known(b.check_in(NOW, 5)), read_up_to=read_up_to) as client:
        row = (await client.get("/v1/caseload")).json()["items"][0]

    assert row["up_to_date"] is False


async def test_a_read_that_cannot_wait_longer_says_that_it_is_behind() -> None:
    """It answers all the same."""
    async with door(await known(b.check_in(NOW, 5))) as client:
        behind = await client.get("/v1/patients/p1/insights", headers={"Wait-For-Position": "moods:0:9"})
        level = await client.get("/v1/caseload", headers={"Wait-For-Position": "moods:0:4"})

        unknown = await client.get("/v1/patients/p9/insights", headers={"Wait-For-Position": "moods:0:9"})
        elsewhere = await client.get("/v1/patients/p9/insights", headers={"Wait-For-Position": "moods:0:4"})

    assert (behind.status_code, behind.headers.get("Projection-Behind")) == (200, "true")
    assert (unknown.status_code, unknown.headers.get("Projection-Behind")) == (404, "true")
    assert (elsewhere.status_code, elsewhere.headers.get("Projection-Behind")) == (404, None)
    assert (level.status_code, level.headers.get("Projection-Behind")) == (200, None)


async def test_the_rules_are_shown_with_parameters_and_sources() -> None:
    """All of them, as a clinic may change them; not without a token."""
    async with door(await known()) as client:
        shown = (await client.get("/v1/rules")).json()
        stranger = await client.get("/v1/rules", headers={"Authorization": ""})

    assert shown["version"] == RULES_VERSION
    assert [rule["rule"] for rule in shown["rules"]] == list(CATALOGUE)
    by_name = {rule["rule"]: rule for rule in shown["rules"]}
    assert {p["name"]: p["default"] for p in by_name["mood_shift"]["parameters"]} == {
        "lambda": 0.1, "limit": 2.7, "baseline_days": 20, "baseline_span": 28, "sd_floor": 0.5,
        "gap_cap": 0, "stale_days": 0, "warm_up": 5, "renew_days": 0,
    }  # fmt: skip
    words = ("watches", "says", "wording", "evidence", "until", "is_not", "source", "severity")
    assert all(rule[word] for rule in shown["rules"] for word in words)
    off = ["stalled", "mood_shift_up", "mood_instability"]
    assert [name for name, rule in by_name.items() if not rule["on_in_starter"]] == off
    assert [name for name, rule in by_name.items() if not rule["told"]] == ["stalled", "mood_instability"]
    assert stranger.status_code == 401


async def test_the_rules_stand_beside_what_the_clinic_has_in_force() -> None:
    """Its own numbers, what is off, and since when evidence is told; another clinic's are the defaults."""
    world = await known()
    changed = {"gone_quiet": RuleChoice(parameters={"min_days": 10}), "mood_shift": RuleChoice(enabled=False)}
    world.clinics[b.CLINIC] = b.clinic(b.settings(), b.settings(b.day(30), rules=changed))
    async with door(world) as client:
        ours = {rule["rule"]: rule for rule in (await client.get("/v1/rules")).json()["rules"]}
    async with door(world, clinic="south") as client:
        theirs = {rule["rule"]: rule for rule in (await client.get("/v1/rules")).json()["rules"]}

    assert [ours[rule]["in_force"] for rule in ("gone_quiet", "mood_shift", "risk_item")] == [True, False, True]
    assert [p["in_force"] for p in ours["gone_quiet"]["parameters"]] == [10, 3, 20, 3]
    assert {p["in_force"] for p in ours["mood_shift"]["parameters"]} == {None}
    assert datetime.fromisoformat(ours["gone_quiet"]["told_from"]) == b.day(30)
    assert (ours["risk_item"]["told_from"], theirs["gone_quiet"]["told_from"]) == (None, None)
    assert [p["in_force"] for p in theirs["gone_quiet"]["parameters"]] == [7, 3, 20, 3]
    assert theirs["risk_item_skipped"]["told_from"] == "2026-11-23T00:00:00Z"
