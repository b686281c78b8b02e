"""Patients: registered, changed, listed, deleted for good."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.intake.clinic_system import RATING, SAM, Client, Intake, question, session
from tests.integration.service import MONDAY


async def test_a_patient_is_registered_once_and_changed_only_by_what_differs(intake: Intake, harbour: Client) -> None:
    """The same again makes no version; since when they are registered stays as it was."""
    past = (MONDAY - timedelta(days=90)).isoformat()
    first = await harbour.do("PUT", "/v1/patients/ana", {"name": "Ana", "registered_at": past})
    intake.clock.advance(timedelta(hours=1))
    again = await harbour.do("PUT", "/v1/patients/ana", {"name": "Ana", "registered_at": MONDAY.isoformat()})
    changed = await harbour.do("PUT", "/v1/patients/ana", {"name": "Ana", "status": "discharged"})

    assert (first.status_code, again.status_code, changed.status_code) == (201, 200, 200)
    assert again.json() == first.json()
    assert changed.json()["version"] == 2
    assert datetime.fromisoformat(changed.json()["registered_at"]) == MONDAY - timedelta(days=90)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"clinician": "nobody"}, "/clinician"),
        ({"registered_at": "2099-01-01T00:00:00Z"}, "/registered_at"),
        ({"registered_at": "2026-01-01T00:00:00"}, "/registered_at"),
        ({"registered_at": 1_700_000_000}, "/registered_at"),
        ({"mobile": "07700 900002"}, "/mobile"),
        ({"name": "Sam\nBcc: everybody"}, "/name"),
        ({"consent_to_contact": "perhaps"}, "/consent_to_contact"),
        ({"stauts": "active"}, "/stauts"),
    ],
)
async def test_a_patient_who_cannot_be_is_refused_and_nothing_changes(
    harbour: Client, change: dict[str, Any], pointer: str
) -> None:
    """Neither a misspelt field nor a time without its offset is lost in silence."""
    before = await harbour.get("/v1/patients/sam")
    refused = await harbour.ask("PUT", "/v1/patients/sam", SAM | change)

    assert refused.status_code == 422
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]
    assert await harbour.get("/v1/patients/sam") == before


async def test_patients_are_listed_page_by_page_and_since_a_time(intake: Intake, harbour: Client) -> None:
    """Those changed longest ago come first; a deleted one is shown to who follows the changes."""
    for number in range(3):
        intake.clock.advance(timedelta(minutes=1))
        await harbour.do("PUT", f"/v1/patients/p{number}", {"name": f"P {number}"})
    since = intake.clock.now().isoformat()
    first = await harbour.get("/v1/patients?limit=2")
    second = await harbour.get(f"/v1/patients?limit=2&cursor={first['next']}")
    intake.clock.advance(timedelta(minutes=1))
    await harbour.do("DELETE", "/v1/patients/p0")
    changed = await harbour.ask("GET", "/v1/patients")
    news = (await harbour.http.get("/v1/patients", params={"updated_since": since})).json()

    assert [one["patient"] for one in first["items"] + second["items"]] == ["sam", "p0", "p1", "p2"]
    assert second["next"] is None
    assert [one["patient"] for one in changed.json()["items"]] == ["sam", "p1", "p2"]
    assert [(one["patient"], one["deleted"]) for one in news["items"]] == [("p2", False), ("p0", True)]


async def test_a_cursor_or_position_we_did_not_give_is_refused(harbour: Client) -> None:
    """400, with what to send; 422 for a time nobody means."""
    far = await harbour.http.get("/v1/questions", params={"updated_since": "9999-12-31T23:59:59-12:00"})

    assert far.status_code == 422
    assert (await harbour.ask("GET", "/v1/patients?cursor=abc")).status_code == 400
    assert (await harbour.ask("GET", "/v1/questions?cursor=abc")).status_code == 400
    assert (await harbour.ask("GET", "/v1/questions", **{"Wait-For-Position": "soon"})).status_code == 400


async def test_a_deleted_patient_leaves_nothing_personal_and_does_not_come_back(harbour: Client) -> None:
    """Sessions with their comments and questions with their answers go as well; the id stays taken."""
    await harbour.do("POST", "/v1/patients/sam/sessions", session())
    await harbour.do("POST", "/v1/sessions/s1/rating", RATING | {"comment": "cold room"})
    asked = (await harbour.do("POST", "/v1/questions", question())).json()
    await harbour.do("POST", f"/v1/questions/{asked['id']}/answer", {"text": "Yes."})
    gone = await harbour.do("DELETE", "/v1/patients/sam")
    again = await harbour.do("DELETE", "/v1/patients/sam")
    back = await harbour.ask("PUT", "/v1/patients/sam", SAM)
    late = await harbour.ask("POST", "/v1/questions", question())

    assert (gone.status_code, again.status_code, back.status_code, late.status_code) == (204, 204, 410, 410)
    assert gone.headers["Position"] == again.headers["Position"]
    for path in ("/v1/patients/sam", "/v1/sessions/s1", f"/v1/questions/{asked['id']}"):
        assert (await harbour.ask("GET", path)).status_code == 404
    assert (await harbour.get("/v1/questions"))["items"] == []
    assert (await harbour.ask("DELETE", "/v1/patients/nobody")).status_code == 404
