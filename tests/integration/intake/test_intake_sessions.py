"""Sessions: planned, held, rated, and what a retry gets."""

from typing import Any

import pytest

from tests.integration.intake.clinic_system import RATING, Client, session
from tests.integration.service import MONDAY


async def test_a_session_is_planned_held_and_rated(harbour: Client) -> None:
    """The patient's own clinician holds it where none is named."""
    planned = await harbour.do("POST", "/v1/patients/sam/sessions", session())
    held = await harbour.do("POST", "/v1/sessions/s1/attendance", {"attendance": "attended"})
    rated = await harbour.do("POST", "/v1/sessions/s1/rating", RATING)
    twice = await harbour.ask("POST", "/v1/sessions/s1/rating", RATING)

    assert planned.status_code == 201
    assert planned.json()["clinician"] == "priya"
    assert held.json()["attendance"] == "attended"
    assert rated.json()["rating"] | RATING == rated.json()["rating"]
    assert (twice.status_code, twice.json()["code"]) == (409, "already_rated")
    kept = {name: value for name, value in rated.json().items() if name != "safety"}
    assert rated.json()["safety"]["prominent"] is False
    assert await harbour.get("/v1/sessions/s1") == kept
    assert (await harbour.get("/v1/patients/sam/sessions"))["items"] == [kept]


async def test_a_retry_of_a_decision_gets_the_same_answer_and_changes_nothing(harbour: Client) -> None:
    """With the same key; also where others have changed the session since, and where we made its id."""
    body = session()
    del body["session"]
    first = await harbour.do("POST", "/v1/patients/sam/sessions", body, key="k1")
    path = f"/v1/sessions/{first.json()['session']}"
    rated = await harbour.do("POST", f"{path}/rating", RATING, key="k2")
    await harbour.do("POST", f"{path}/attendance", {"attendance": "late"})
    retried = await harbour.do("POST", "/v1/patients/sam/sessions", body, key="k1")
    rated_again = await harbour.do("POST", f"{path}/rating", RATING, key="k2")
    another = await harbour.ask("POST", "/v1/patients/sam/sessions", body | {"clinician": "priya"}, key="k1")

    assert (retried.status_code, retried.json()) == (201, first.json())
    assert rated_again.json() == rated.json()
    assert (another.status_code, another.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await harbour.get("/v1/patients/sam/sessions"))["items"]) == 1
    assert (await harbour.get(path))["version"] == 3


async def test_what_a_session_is_for_is_said_and_put_right(harbour: Client) -> None:
    """An assessment turns out to have been treatment too; nothing else changes, and another word is refused."""
    planned = await harbour.do("POST", "/v1/patients/sam/sessions", session(kind="assessment"))
    await harbour.do("POST", "/v1/sessions/s1/attendance", {"attendance": "attended"})
    said = await harbour.do("PUT", "/v1/sessions/s1/kind", {"kind": "assessment_and_treatment"})
    again = await harbour.do("PUT", "/v1/sessions/s1/kind", {"kind": "assessment_and_treatment"})
    refused = await harbour.ask("PUT", "/v1/sessions/s1/kind", {"kind": "chat"})
    unknown = await harbour.ask("PUT", "/v1/sessions/s9/kind", {"kind": "treatment"})

    assert planned.json()["kind"] == "assessment"
    assert (said.json()["kind"], said.json()["attendance"]) == ("assessment_and_treatment", "attended")
    assert again.json() == said.json() == await harbour.get("/v1/sessions/s1")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"], unknown.status_code) == (422, "/kind", 404)


async def test_a_decision_without_a_key_is_refused(harbour: Client) -> None:
    """Without one, a retry could not be told from a second session."""
    refused = await harbour.http.post("/v1/patients/sam/sessions", json=session())

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_missing")
    assert (await harbour.get("/v1/patients/sam/sessions"))["items"] == []


async def test_a_session_id_stands_for_one_session_of_one_patient(harbour: Client) -> None:
    """Neither another time nor another patient is taken under it."""
    await harbour.do("PUT", "/v1/patients/ana", {})
    await harbour.do("POST", "/v1/patients/sam/sessions", session())
    same = await harbour.do("POST", "/v1/patients/sam/sessions", session())
    moved = await harbour.ask("POST", "/v1/patients/sam/sessions", session(scheduled_at=MONDAY.isoformat()))
    other = await harbour.ask("POST", "/v1/patients/ana/sessions", session())
    unknown = await harbour.ask("POST", "/v1/patients/nobody/sessions", session(session="s2"))

    assert (same.status_code, moved.status_code, other.status_code, unknown.status_code) == (200, 409, 409, 404)
    assert {moved.json()["code"], other.json()["code"]} == {"session_exists"}


@pytest.mark.parametrize(
    ("rating", "status"),
    [
        (RATING | {"felt_welcome": 11}, 422),
        (RATING | {"felt_welcome": True}, 422),
        (RATING | {"rated_at": "2026-11-21T10:00:00+00:00"}, 422),
        (RATING | {"rated_at": "2026-11-23T06:00:00+00:00"}, 409),
        (RATING | {"rated_at": "2099-11-23T06:00:00+00:00"}, 422),
        ({"felt_welcome": 9}, 422),
    ],
)
async def test_a_rating_that_cannot_be_is_refused_and_changes_nothing(
    harbour: Client, rating: dict[str, Any], status: int
) -> None:
    """Out of range, half answered, too old for its origin, before the session, in 2099."""
    planned = await harbour.do("POST", "/v1/patients/sam/sessions", session())
    refused = await harbour.ask("POST", "/v1/sessions/s1/rating", rating)

    assert refused.status_code == status
    assert await harbour.get("/v1/sessions/s1") == planned.json()
