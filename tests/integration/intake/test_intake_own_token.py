"""A patient's own token at intake's door, on the real broker and store: their questions and ratings, nobody else's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from services.intake.api import ROUTERS
from shared.runtime import Patients
from tests.integration.intake.clinic_system import RATING, SAM, Client, Intake, question, session

NOBODYS = "00000000-0000-5000-8000-000000000000"
BODIES: dict[str, Any] = {"/v1/sessions/{session}/rating": RATING}


def by_id() -> list[str]:
    """The routes whose lock leaves it to the handler to find whose a thing is."""
    return sorted(
        f"{method} {route.path}"
        for router in ROUTERS
        for route in router.routes
        for dependency in route.dependant.dependencies
        if getattr(dependency.call, "__rapport_patients__", None) is Patients.BY_ID
        for method in route.methods
    )


@dataclass
class Pair:
    """Two patients of one clinic, each with a question and a session, and the clinic's own system."""

    harbour: Client
    sam: Client
    lee: Client
    ids: dict[str, dict[str, str]]

    async def everything(self) -> Any:
        """All that is kept of both, as the clinic sees it."""
        sessions = [await self.harbour.get(f"/v1/patients/{name}/sessions") for name in ("sam", "lee")]
        return sessions, await self.harbour.get("/v1/questions")


@pytest.fixture
async def pair(intake: Intake, harbour: Client) -> AsyncIterator[Pair]:
    """Sam and Lee, who each asked something and had a session."""
    await harbour.do("PUT", "/v1/patients/lee", SAM | {"name": "Lee Holt"})
    sam, lee = (intake.client(harbour.clinic, patient=name) for name in ("sam", "lee"))
    ids = {}
    async with sam.http, lee.http:
        for name, client in (("sam", sam), ("lee", lee)):
            asked = (await client.do("POST", "/v1/questions", question(patient=name))).json()
            await harbour.get(f"/v1/questions/{asked['id']}", **{"Wait-For-Position": asked["position"]})
            await harbour.do("POST", f"/v1/patients/{name}/sessions", session(session=f"{name}-1"))
            ids[name] = {"question": asked["id"], "session": f"{name}-1"}
        yield Pair(harbour, sam, lee, ids)


@pytest.mark.parametrize("route", by_id())
async def test_what_is_another_patients_is_not_there(pair: Pair, route: str) -> None:
    """Word for word as what does not exist, and nothing is written; the patient it belongs to may."""
    method, path = route.split(" ")
    before = await pair.everything()
    anothers = await pair.sam.ask(method, path.format(**pair.ids["lee"]), BODIES.get(path))
    nobodys = await pair.sam.ask(method, path.format(question=NOBODYS, session=NOBODYS), BODIES.get(path))
    untouched = await pair.everything()
    own = await pair.lee.ask(method, path.format(**pair.ids["lee"]), BODIES.get(path))

    assert (anothers.status_code, anothers.json()) == (404, nobodys.json())
    assert untouched == before
    assert own.status_code == 200, own.text


async def test_a_patient_asks_reads_and_lists_for_themselves(pair: Pair) -> None:
    """A question in another's name is refused as for another clinic's patient, and an import is the clinic's."""
    before = await pair.everything()
    refused = [
        await pair.sam.ask("POST", "/v1/questions", question(patient="lee")),
        await pair.sam.ask("POST", "/v1/questions", question(patient="sam", origin="import")),
        await pair.sam.ask("GET", "/v1/questions"),
        await pair.sam.ask("GET", "/v1/questions?patient=lee"),
        await pair.sam.ask("POST", "/v1/sessions/sam-1/rating", RATING | {"origin": "import"}),
    ]
    listed = await pair.sam.get("/v1/questions?patient=sam&status=open")

    assert [answer.status_code for answer in refused] == [404, 403, 403, 404, 403]
    assert [one["id"] for one in listed["items"]] == [pair.ids["sam"]["question"]]
    assert await pair.everything() == before


async def test_what_the_care_team_writes_to_itself_is_not_shown_to_the_patient(pair: Pair) -> None:
    """Hand-overs and their notes, and the therapist's checklist; the answer is theirs to read, and to find wanting."""
    path = f"/v1/questions/{pair.ids['sam']['question']}"
    await pair.harbour.do("POST", f"{path}/hand-over", {"clinician": "priya", "note": "not for the patient"})
    await pair.harbour.do("POST", f"{path}/answer", {"text": "Yes, it is."})
    await pair.harbour.do("PUT", "/v1/sessions/sam-1/checklist", {"welcomed": True, "note": "not for the patient"})
    shown = [
        await pair.sam.get(path),
        *(await pair.sam.get("/v1/questions?patient=sam"))["items"],
        (await pair.sam.do("POST", f"{path}/settle")).json(),
        (await pair.sam.do("POST", f"{path}/reopen")).json(),
        (await pair.sam.do("POST", "/v1/sessions/sam-1/rating", RATING)).json(),
    ]
    kept = await pair.harbour.get(path)

    assert "not for the patient" not in str(shown)
    assert [one["answer"] for one in shown[:3]] == ["Yes, it is."] * 3
    assert shown[3]["status"] == "open"
    assert shown[4]["rating"]["felt_welcome"] == 9
    assert kept["handovers"][0]["note"] == "not for the patient"
    assert (await pair.harbour.get("/v1/sessions/sam-1"))["checklist"]["note"] == "not for the patient"
