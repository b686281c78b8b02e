"""A patient's own token is good for that patient alone: every route of every service has been decided on, by name.

A new route refuses patients (403) until it says otherwise, and one that says otherwise fails here until it stands in
`ALLOWED`, with where it names the patient, and in docs/tokens.md.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from services.__main__ import service_apps
from services.notify.api import PUBLIC_ROUTES
from shared.auth import DevelopmentIssuer, Verifier
from shared.errors import not_found
from shared.runtime import PUBLIC_PATHS, Patients, routes_of
from tests.fakes import FakeClock

ALLOWED: Final = {
    "POST /v1/check-ins": Patients.IN_BODY,
    "POST /v1/questionnaires": Patients.IN_BODY,
    "POST /v1/check-ins/{entry}/corrections": Patients.IN_BODY,
    "POST /v1/entries/{entry}/withdrawal": Patients.IN_BODY,
    "POST /v1/questions": Patients.IN_BODY,
    "GET /v1/questions": Patients.IN_QUERY,
    "GET /v1/questions/{question}": Patients.BY_ID,
    "POST /v1/questions/{question}/settle": Patients.BY_ID,
    "POST /v1/questions/{question}/reopen": Patients.BY_ID,
    "POST /v1/sessions/{session}/rating": Patients.BY_ID,
    "GET /v1/patient-links/{token}": Patients.BY_ID,
    "GET /v1/patients/{patient}/timeline": Patients.IN_PATH,
    "GET /v1/patients/{patient}/progress": Patients.IN_PATH,
    "GET /v1/patients/{patient}/progress/in-words": Patients.IN_PATH,
    "GET /v1/patients/{patient}/schedule": Patients.IN_PATH,
    "GET /v1/patients/{patient}/entries/{entry}/receipt": Patients.IN_PATH,
    "GET /v1/patients/{patient}/strategies": Patients.IN_PATH,
    "POST /v1/patients/{patient}/strategies/tried": Patients.IN_PATH,
    "PUT /v1/patients/{patient}/strategies/pinned": Patients.IN_PATH,
    "POST /v1/patients/{patient}/strategies/suggestions": Patients.IN_PATH,
    "GET /v1/strategies": Patients.ALIKE,
    "GET /v1/instruments": Patients.ALIKE,
    "GET /v1/instruments/{instrument}": Patients.ALIKE,
}
"""IN_BODY and BY_ID are held against the token by the handlers; what shows it, for every such route, is
tests/unit/mood/test_mood_own_token.py, tests/integration/intake/test_intake_own_token.py and
tests/integration/notify/test_notify_patients.py."""
OPEN: Final = PUBLIC_PATHS | PUBLIC_ROUTES
"""They take no token at all."""
DOCS: Final = Path(__file__).parents[2] / "docs" / "tokens.md"
APPS: Final = service_apps()


def _locked() -> Iterator[tuple[str, FastAPI, APIRoute]]:
    for app in APPS.values():
        for route in routes_of(app):
            for method in sorted(route.methods or ()) if route.path not in OPEN else ():
                yield f"{method} {route.path}", app, route


LOCKED: Final = {name: (app, route) for name, app, route in _locked()}


def _said(dependant: Any) -> Iterator[Patients]:
    for dependency in dependant.dependencies:
        said = getattr(dependency.call, "__rapport_patients__", None)
        if said is not None:
            yield said
        yield from _said(dependency)


class Nothing(dict[str, Any]):
    """A service's state without its parts: whoever reaches for one breaks (500) instead of answering."""

    def __missing__(self, _: str) -> object:
        return object()


@asynccontextmanager
async def patient_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Sam, with a token of their own that carries every scope."""
    clock = FakeClock()
    issuer = DevelopmentIssuer(environment="development", issuer="i", audience="a", clock=clock)
    verifier = Verifier(jwks=issuer.jwks(), issuer="i", audience="a", clock=clock)
    token = issuer.issue(clinic="harbour", client="app", role="patient", patient="sam")

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"state": Nothing(verifier=verifier, clock=clock)}, receive, send)

    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
    transport = httpx.ASGITransport(app=with_state)
    async with httpx.AsyncClient(transport=transport, base_url="http://t", headers=headers) as client:
        yield client


async def asked(name: str, *, patient: str) -> httpx.Response:
    """A route, asked by Sam about a patient."""
    method, path = name.split(" ")
    filled = re.sub(r"\{(\w+)\}", lambda found: patient if found[1] == "patient" else "one", path)
    async with patient_of(LOCKED[name][0]) as sam:
        return await sam.request(method, filled)


def test_every_route_was_decided_on_by_name() -> None:
    """What a route's lock says of patients is what the table says; what is not in the table is refused."""
    said = {name: list(_said(route.dependant)) for name, (_, route) in LOCKED.items()}

    assert {name: [ALLOWED.get(name, Patients.REFUSED)] for name in LOCKED} == said
    assert ALLOWED.keys() <= LOCKED.keys()


@pytest.mark.parametrize("name", sorted(LOCKED.keys() - ALLOWED.keys()))
async def test_everything_else_refuses_a_patients_token(name: str) -> None:
    """Even about themselves, whatever scopes the token carries, and before anything is read or written."""
    answer = await asked(name, patient="sam")

    assert (answer.status_code, answer.json()["code"]) == (403, "not_for_patients"), name
    assert "care team" in answer.json()["detail"]


@pytest.mark.parametrize("name", sorted(name for name, how in ALLOWED.items() if how is Patients.IN_PATH))
async def test_another_patient_in_the_path_is_not_there(name: str) -> None:
    """The answer is word for word that to an id of another clinic, and nothing was looked up for it."""
    answer, words = await asked(name, patient="lee"), not_found("patient")

    assert (answer.status_code, answer.json()["title"], answer.json()["detail"]) == (404, words.title, words.detail)


@pytest.mark.parametrize("name", sorted(name for name, how in ALLOWED.items() if how is Patients.IN_QUERY))
async def test_a_list_over_patients_is_a_patients_own_or_refused(name: str) -> None:
    """Without their id it is refused with what to add; with another's there is no such patient, nor with both."""
    path = name.split(" ")[1]
    async with patient_of(LOCKED[name][0]) as sam:
        everybody = await sam.get(path)
        anothers = await sam.get(path, params={"patient": "lee"})
        both = await sam.get(path, params=[("patient", "lee"), ("patient", "sam")])

    assert (everybody.status_code, everybody.json()["code"]) == (403, "not_for_patients")
    assert "`patient`" in everybody.json()["detail"]
    assert [answer.status_code for answer in (anothers, both)] == [404, 404]


@pytest.mark.parametrize(
    "name",
    sorted(n for n, how in ALLOWED.items() if how is Patients.IN_BODY and LOCKED[n][0] is not APPS["mood"]),
)
async def test_another_patient_in_a_body_is_not_there(name: str) -> None:
    """Found out before any part of the service is asked. Mood looks behind its door, where its own test looks too."""
    (app, _), (method, path) = LOCKED[name], name.split(" ")
    document = app.openapi()
    content = document["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
    schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    async with patient_of(app) as sam:
        answer = await sam.request(method, path, json=schema["examples"][0] | {"patient": "lee"})

    assert (answer.status_code, answer.json()["detail"]) == (404, not_found("patient").detail)


def test_a_route_names_the_patient_where_it_says_it_does() -> None:
    """In the path, in the query, or in the body's schema; a lock that looks elsewhere would hold nothing."""
    documents = {id(app): app.openapi() for app in APPS.values()}
    named: dict[str, set[Patients]] = {}
    for name in ALLOWED:
        (method, path), document = name.split(" "), documents[id(LOCKED[name][0])]
        operation = document["paths"][path][method.lower()]
        asked_for = {(one["in"], one["name"]) for one in operation.get("parameters", ())}
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        schema = content.get("schema", {})
        schema = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
        places = {
            Patients.IN_PATH: ("path", "patient") in asked_for,
            Patients.IN_QUERY: ("query", "patient") in asked_for,
            Patients.IN_BODY: "patient" in schema.get("properties", {}),
        }
        named[name] = {how for how, there in places.items() if there}
    silent = {Patients.BY_ID, Patients.ALIKE}

    assert {name: {how} - silent for name, how in ALLOWED.items()} == named


def test_the_page_on_tokens_names_what_patients_may_ask_and_nothing_else() -> None:
    """docs/tokens.md is what an app's developer reads."""
    rows = re.findall(r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \|", DOCS.read_text(), re.MULTILINE)

    assert sorted(rows) == sorted(ALLOWED)
