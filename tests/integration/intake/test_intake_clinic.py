"""The clinic, its clinicians, and who may say what."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.intake.clinic_system import CLINIC, PRIYA, RATING, SAM, Client, Intake, question, session
from tests.integration.service import MONDAY


async def test_a_clinic_is_set_up_once_and_changed_only_by_what_differs(intake: Intake) -> None:
    """201, then 200; the same again makes no version; a change keeps the old settings beside the new ones."""
    client = intake.client()
    first = await client.do("PUT", "/v1/clinic", CLINIC)
    intake.clock.advance(timedelta(hours=1))
    again = await client.do("PUT", "/v1/clinic", CLINIC)
    changed = await client.do("PUT", "/v1/clinic", CLINIC | {"zone": "Europe/Dublin"})

    assert (first.status_code, again.status_code, changed.status_code) == (201, 200, 200)
    assert again.json() == first.json()
    assert again.headers["Position"] == first.headers["Position"]
    assert [one["zone"] for one in changed.json()["settings"]] == ["Europe/London", "Europe/Dublin"]
    assert await client.get("/v1/clinic") == changed.json()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"fallback_contact": None}, "/fallback_contact"),
        ({"fallback_contact": {"name": "Nobody"}}, "/fallback_contact"),
        ({"fallback_contact": {"name": "Duty", "email": "d@x.example", "fax": "1"}}, "/fallback_contact/fax"),
        ({"working_hours": {"mon": ["17:00", "09:00"]}}, "/working_hours/mon"),
        ({"working_hours": {"mon": [9, 17]}}, "/working_hours/mon/0"),
        ({"working_hours": {}}, "/working_hours"),
        ({"rule_set": {"base": "starter", "rules": {"moody": {}}}}, "/rule_set/rules/moody"),
        (
            {"rule_set": {"base": "starter", "rules": {"risk_item": {"enabled": False}}}},
            "/rule_set/rules/risk_item/enabled",
        ),
        ({"scales": [{"name": "phq9", "minimum": 0, "maximum": 27}]}, "/scales/0/name"),
        ({"colour": "blue"}, "/colour"),
    ],
)
async def test_a_clinic_that_cannot_work_is_refused_and_changes_nothing(
    harbour: Client, change: dict[str, Any], pointer: str
) -> None:
    """Each fault is named by its place; unknown fields are faults, also deep inside."""
    before = await harbour.get("/v1/clinic")
    refused = await harbour.ask("PUT", "/v1/clinic", CLINIC | change)

    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]
    assert await harbour.get("/v1/clinic") == before


async def test_before_the_clinic_is_set_up_everything_says_so(intake: Intake) -> None:
    """The refusals say what to PUT first."""
    client = intake.client()
    answers = [
        await client.ask("GET", "/v1/clinic"),
        await client.ask("PUT", "/v1/clinicians/priya", PRIYA),
        await client.ask("PUT", "/v1/patients/sam", SAM),
        await client.ask("POST", "/v1/questions", question()),
    ]

    assert [answer.status_code for answer in answers] == [404, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers} == {"clinic_not_set_up"}
    assert all("PUT /v1/clinic" in answer.json()["detail"] for answer in answers)


async def test_clinicians_are_added_changed_and_listed(harbour: Client) -> None:
    """A PUT is the whole clinician; a channel without its address is refused."""
    added = await harbour.do("PUT", "/v1/clinicians/tom", PRIYA | {"name": "Tom"})
    changed = await harbour.do("PUT", "/v1/clinicians/tom", PRIYA | {"name": "Thomas"})
    refused = await harbour.ask("PUT", "/v1/clinicians/tom", PRIYA | {"channels": ["sms"]})

    assert (added.status_code, changed.status_code, refused.status_code) == (201, 200, 422)
    assert refused.json()["errors"][0]["pointer"] == "/mobile"
    assert (await harbour.get("/v1/clinicians/tom"))["name"] == "Thomas"
    assert [one["clinician"] for one in (await harbour.get("/v1/clinicians"))["items"]] == ["priya", "tom"]
    assert (await harbour.ask("GET", "/v1/clinicians/nobody")).status_code == 404


async def test_two_clinics_that_use_the_same_ids_never_meet(harbour: Client, stranger: Client) -> None:
    """Each sees its own patient `sam` and its own session `s1`."""
    await harbour.do("POST", "/v1/patients/sam/sessions", session())
    await stranger.do("PUT", "/v1/patients/sam", {"name": "Another Sam"})
    await stranger.do("POST", "/v1/patients/sam/sessions", session(scheduled_at=MONDAY.isoformat()))
    await stranger.do("DELETE", "/v1/patients/sam")

    assert (await harbour.get("/v1/patients/sam"))["name"] == "Sam Taylor"
    assert datetime.fromisoformat((await harbour.get("/v1/sessions/s1"))["scheduled_at"]) < MONDAY
    assert [one["patient"] for one in (await harbour.get("/v1/patients"))["items"]] == ["sam"]


async def test_what_is_anothers_looks_as_if_it_were_not(harbour: Client, stranger: Client) -> None:
    """A session and a question of another clinic are a 404, to read and to change."""
    await harbour.do("POST", "/v1/patients/sam/sessions", session(session="theirs"))
    asked = (await harbour.do("POST", "/v1/questions", question())).json()
    await harbour.get(f"/v1/questions/{asked['id']}", **{"Wait-For-Position": asked["position"]})
    answers = [
        await stranger.ask("GET", "/v1/sessions/theirs"),
        await stranger.ask("POST", "/v1/sessions/theirs/attendance", {"attendance": "attended"}),
        await stranger.ask("POST", "/v1/sessions/theirs/rating", RATING),
        await stranger.ask("GET", f"/v1/questions/{asked['id']}"),
        await stranger.ask("POST", f"/v1/questions/{asked['id']}/answer", {"text": "No."}),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert (await harbour.get("/v1/sessions/theirs"))["version"] == 1


async def test_a_token_must_be_there_and_carry_the_scope(intake: Intake, harbour: Client) -> None:
    """401 without one, 403 without the scope; neither changes anything."""
    reader = intake.client(harbour.clinic, scopes=("patients:read",))
    nobody = await intake.client().http.get("/v1/patients", headers={"Authorization": "Bearer nonsense"})
    refused = await reader.ask("PUT", "/v1/patients/sam", SAM | {"name": "Eve"})

    assert (nobody.status_code, refused.status_code) == (401, 403)
    assert "patients:write" in refused.json()["detail"]
    assert (await reader.get("/v1/patients/sam"))["name"] == "Sam Taylor"
