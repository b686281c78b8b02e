"""A patient's own token at mood's door: their own entries, and nobody else's."""

import json
from typing import Any

import pytest

from services.mood.api import ROUTERS
from shared.contracts import CheckInCorrected, EntryWithdrawn
from shared.runtime import Patients
from tests.unit.mood.made import NOW, Door, at

SAM, LEE = {"role": "patient", "patient": "sam"}, {"role": "patient", "patient": "lee"}
CHECK_IN: dict[str, Any] = {"mood": 6, "occurred_at": NOW.isoformat()}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/check-ins": CHECK_IN,
    "/v1/questionnaires": {"instrument": "phq9", "items": {"1": 1}, "occurred_at": NOW.isoformat()},
    "/v1/check-ins/{entry}/corrections": CHECK_IN,
    "/v1/entries/{entry}/withdrawal": {"why": "a slip", "occurred_at": NOW.isoformat()},
}
TOLD: dict[str, dict[str, Any]] = {
    "POST /v1/patients/{patient}/strategies/tried": {"strategy": "short_walk", "occurred_at": NOW.isoformat()},
    "PUT /v1/patients/{patient}/strategies/pinned": {"strategies": ["short_walk"], "occurred_at": NOW.isoformat()},
}


def named_in_body() -> list[str]:
    """The routes whose lock leaves it to the handler to look at the body."""
    return sorted(
        route.path
        for router in ROUTERS
        for route in router.routes
        for dependency in route.dependant.dependencies
        if getattr(dependency.call, "__rapport_patients__", None) is Patients.IN_BODY
    )


@pytest.mark.parametrize("path", named_in_body())
async def test_a_patient_sends_their_own_and_nobody_elses(door: Door, path: str) -> None:
    """Another patient is not there, as another clinic's is not, and an import is the clinic's; nothing is recorded."""
    where = path.replace("{entry}", "e-1")
    refused = [
        await door.post(where, BODIES[path] | {"patient": "lee"}, key="a", **SAM),
        await door.post(where, BODIES[path] | {"patient": "lee", "origin": "import"}, key="b", **SAM),
        await door.post(where, BODIES[path] | {"patient": "sam", "origin": "import"}, key="c", **SAM),
    ]
    recorded = len(door.log.events)
    own = await door.post(where, BODIES[path] | {"patient": "sam"}, key="d", **SAM)
    offline = await door.post(where, BODIES[path] | {"patient": "sam", "origin": "sync"}, key="e", **SAM)

    assert [answer.status_code for answer in refused] == [404, 404, 403]
    assert recorded == 0
    assert [own.status_code, offline.status_code] == [202, 202]
    assert [event.data.patient for event in door.log.events] == ["sam", "sam"]  # type: ignore[union-attr]


@pytest.mark.parametrize("route", sorted(TOLD))
async def test_a_patients_own_strategies_are_not_imported_by_them(door: Door, route: str) -> None:
    """The path was held against the token by the lock; the body's `origin` is here."""
    method, path = route.replace("{patient}", "sam").split(" ")
    send = door.put if method == "PUT" else door.post
    imported = await send(path, TOLD[route] | {"origin": "import"}, key="a", **SAM)
    own = await send(path, TOLD[route], key="b", **SAM)

    assert (imported.status_code, imported.json()["code"], own.status_code) == (403, "not_for_patients", 202)
    assert len(door.log.events) == 1


async def test_a_batch_is_the_clinics(door: Door) -> None:
    """Even of the patient's own lines."""
    line = json.dumps(CHECK_IN | {"key": "1", "type": "check_in", "patient": "sam"})

    assert (await door.batch(line, **SAM)).status_code == 403
    assert door.log.events == []


async def test_a_correction_or_withdrawal_by_somebody_else_changes_nothing(door: Door) -> None:
    """No store stands on the accept path: the change is kept with whoever sent it, where no such entry is."""
    entry = (await door.check_in(CHECK_IN | {"patient": "lee", "occurred_at": at(1)}, **LEE)).json()["id"]
    await door.follow()
    before = (await door.get("/v1/patients/lee/timeline", **LEE)).json()
    for path in ("/v1/check-ins/{entry}/corrections", "/v1/entries/{entry}/withdrawal"):
        body = BODIES[path] | {"patient": "sam"}
        assert (await door.post(path.replace("{entry}", entry), body, **SAM)).status_code == 202
    await door.follow()
    changes = [event.data for event in door.log.events if isinstance(event.data, CheckInCorrected | EntryWithdrawn)]

    assert [change.patient for change in changes] == ["sam", "sam"]
    assert (await door.get("/v1/patients/lee/timeline", **LEE)).json() == before
    assert [one["id"] for one in before["items"]] == [entry]


async def test_a_receipt_is_of_the_patients_own_entry(door: Door) -> None:
    """Somebody else's entry is none of theirs, under their own name or the other's."""
    entry = (await door.check_in(CHECK_IN | {"patient": "lee"}, **LEE)).json()["id"]
    await door.check_in(CHECK_IN | {"patient": "sam"}, **SAM)
    await door.follow()
    asked = [
        await door.get(f"/v1/patients/lee/entries/{entry}/receipt", **LEE),
        await door.get(f"/v1/patients/lee/entries/{entry}/receipt", **SAM),
        await door.get(f"/v1/patients/sam/entries/{entry}/receipt", **SAM),
    ]

    assert [answer.status_code for answer in asked] == [200, 404, 404]


@pytest.mark.parametrize("what", ["timeline", "progress", "progress/in-words", "strategies"])
async def test_a_patient_reads_their_own(door: Door, what: str) -> None:
    """And another patient's is answered as that of another clinic, word for word."""
    await door.check_in(CHECK_IN | {"patient": "sam"}, **SAM)
    await door.check_in(CHECK_IN | {"patient": "lee"}, **LEE)
    await door.post("/v1/patients/sam/strategies/tried", TOLD["POST /v1/patients/{patient}/strategies/tried"], **SAM)
    await door.follow()
    own = await door.get(f"/v1/patients/sam/{what}", **SAM)
    anothers = await door.get(f"/v1/patients/lee/{what}", **SAM)
    elsewhere = await door.get(f"/v1/patients/lee/{what}", clinic="elsewhere")

    assert own.status_code == 200
    assert (anothers.status_code, anothers.json()) == (elsewhere.status_code, elsewhere.json())
    assert anothers.status_code == 404
