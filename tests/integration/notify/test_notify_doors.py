"""notify's HTTP on the real broker and store: lists, trail, decisions and the page, each clinic for itself."""

import uuid
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from shared.bus.provision import provision
from shared.contracts.base import Urgency
from tests.integration.notify_house import Door, House, Place, concern, evidence, risk, until
from tests.providers import MailServer, Twilio
from tests.stack import Stack


@pytest.fixture(scope="module")
async def house(stack: Stack) -> AsyncIterator[House]:
    """Everything notify needs, once for this file: nothing here moves the clock."""
    await provision(stack.bootstrap)
    async with MailServer() as mail, Twilio() as twilio:
        yield House(stack, mail, twilio)


@pytest.fixture(scope="module")
async def door(house: House) -> AsyncIterator[Door]:
    """notify, running."""
    async with house.notify() as door:
        yield door


@pytest.fixture
async def clinic(house: House) -> AsyncIterator[Place]:
    """A clinic of one test."""
    async with house.clinic() as clinic:
        yield clinic


async def opened(door: Door, clinic: Place) -> dict:
    """A risk alert whose messages have arrived."""
    await clinic.assess(risk(evidence()))

    async def settled() -> dict | None:
        alerts = await door.alerts(clinic.name)
        return alerts[0] if alerts and all(told["settled_at"] for told in alerts[0]["told"]) else None

    alert = await until("the alert", settled)
    assert alert is not None
    return alert


async def test_another_clinic_s_alert_is_not_there(house: House, door: Door, clinic: Place) -> None:
    """Its id is a 404 to read, to take and to close, and its list is empty."""
    alert = await opened(door, clinic)
    path = f"/v1/alerts/{alert['alert']}"

    answers = [
        await door.ask("another", "GET", path),
        await door.ask("another", "POST", f"{path}/acknowledge"),
        await door.ask("another", "POST", f"{path}/close", body={"disposition": "contacted"}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert await door.alerts("another") == []
    assert (await door.ask(clinic.name, "GET", path)).json()["status"] == "open"


async def test_the_trail_says_what_was_sent_and_what_the_provider_said(door: Door, clinic: Place) -> None:
    """Both channels, handed over, with time and answer code, and no address."""
    alert = await opened(door, clinic)
    trail = await door.trail(clinic.name, alert["alert"])

    assert {(row["channel"], row["state"], row["recipient"]) for row in trail} == {
        ("email", "handed_over", "clinician"),
        ("sms", "handed_over", "clinician"),
    }
    assert [attempt["outcome"] for row in trail for attempt in row["attempts"]] == ["accepted"] * 2
    assert "@" not in str(trail)
    assert "+44" not in str(trail)


async def test_a_decision_is_made_once_however_often_it_is_sent(door: Door, clinic: Place) -> None:
    """The same key and body give the same answer; another body with it is refused; a missing key is refused."""
    alert = await opened(door, clinic)
    path, key = f"/v1/alerts/{alert['alert']}/acknowledge", uuid.uuid4().hex

    first = await door.ask(clinic.name, "POST", path, key=key, body={"by": "priya"})
    second = await door.ask(clinic.name, "POST", path, key=key, body={"by": "priya"})
    other = await door.ask(clinic.name, "POST", path, key=key, body={"by": "lee"})
    later = await door.ask(clinic.name, "POST", path, body={"by": "lee"})
    keyless = await door.client.post(path, headers={"Authorization": f"Bearer {door.issuer.issue(clinic=clinic.name)}"})

    assert first.json() == second.json()
    assert first.json()["acknowledged_by"] == later.json()["acknowledged_by"] == "priya"
    assert other.status_code == 422
    assert keyless.status_code == 400
    assert first.headers["Position"].startswith("alerts:")


async def test_closing_needs_to_say_what_was_done_and_happens_once(door: Door, clinic: Place) -> None:
    """Without a disposition it is refused with what to send; a closed alert is closed."""
    alert = await opened(door, clinic)
    path = f"/v1/alerts/{alert['alert']}/close"

    nothing = await door.ask(clinic.name, "POST", path, body={"note": "Rang."})
    closed = await door.ask(clinic.name, "POST", path, body={"disposition": "attempted_twice", "note": "No answer."})
    again = await door.ask(clinic.name, "POST", path, body={"disposition": "contacted"})

    assert nothing.status_code == 422
    assert nothing.json()["errors"][0]["pointer"] == "/disposition"
    assert (closed.json()["status"], closed.json()["note"]) == ("closed", "No answer.")
    assert (again.status_code, again.json()["code"]) == (409, "already_closed")


async def test_lists_are_filtered_paged_and_followed(door: Door, clinic: Place) -> None:
    """By status, patient and clinician; pages lose none; `updated_since` brings what changed."""
    for number in range(5):
        await clinic.register(f"p{number}")
        await clinic.assess(concern("rating_drop", evidence(urgency=Urgency.WORKING_HOURS)), patient=f"p{number}")

    async def five() -> bool:
        return len(await door.alerts(clinic.name)) == 5

    await until("five alerts", five)
    first = page = (await door.ask(clinic.name, "GET", "/v1/alerts?limit=3")).json()
    patients = [alert["patient"] for alert in first["items"]]
    while page["next"]:  # what changes meanwhile comes once more
        page = (await door.ask(clinic.name, "GET", f"/v1/alerts?limit=3&cursor={page['next']}")).json()
        patients += [alert["patient"] for alert in page["items"]]
    bad = await door.ask(clinic.name, "GET", "/v1/alerts?cursor=none")

    assert set(patients) == {f"p{number}" for number in range(5)}
    assert len(first["items"]) == 3
    assert [alert["patient"] for alert in await door.alerts(clinic.name, patient="p2")] == ["p2"]
    assert len(await door.alerts(clinic.name, clinician="priya", status="open")) == 5
    assert await door.alerts(clinic.name, clinician="lee") == []
    assert await door.alerts(clinic.name, updated_since="2099-01-01T00:00:00Z") == []
    assert bad.status_code == 400
    assert datetime.fromisoformat(first["items"][0]["updated_at"])


async def test_a_link_shows_and_only_its_button_takes(house: House, door: Door, clinic: Place) -> None:
    """GET and HEAD change nothing; POST acknowledges; a bare reference or another token is a 404 page."""
    alert = await opened(door, clinic)
    (message,) = house.mail.to(clinic.clinician)
    (sms,) = house.twilio.to(clinic.mobile)
    link = next(word for word in message.text.split() if word.startswith("https://rapport.example/a/"))
    path = link.removeprefix("https://rapport.example")
    reference = alert["reference"]

    looks = [await door.client.get(path), await door.client.head(path), await door.client.get(path.lower())]
    (before,) = await door.alerts(clinic.name)
    pressed = [await door.client.post(path), await door.client.post(path)]
    (after,) = await door.alerts(clinic.name)
    wrong = [await door.client.get(f"/a/{reference}"), await door.client.post(f"/a/{reference}-0000000000000000")]

    assert sms.body.endswith(link)
    assert [look.status_code for look in looks] == [200] * 3
    assert (before["status"], before["version"]) == ("open", alert["version"])
    assert (after["status"], after["acknowledged_by"]) == ("acknowledged", "priya")
    assert "You have this since" in pressed[0].text
    assert "Already acknowledged by priya" in pressed[1].text
    assert [answer.status_code for answer in wrong] == [404, 404]
    assert "There is no such alert" in wrong[1].text


async def test_a_token_without_the_scope_is_refused(door: Door, clinic: Place) -> None:
    """Reading takes alerts:read, deciding alerts:write."""
    token = door.issuer.issue(clinic=clinic.name, scopes=("patients:read",))
    answer = await door.client.get("/v1/alerts", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403
    assert "alerts:read" in answer.json()["detail"]


async def test_a_patient_is_looked_up_by_the_clinic_s_own_id_in_each_clinic(house: House, door: Door) -> None:
    """Two clinics that use the same patient id never meet."""
    async with house.clinic() as one, house.clinic() as other:
        await one.assess(risk(evidence("same-id")))
        await other.assess(risk(evidence("same-id")))
        for clinic in (one, other):
            await until("its own alert", lambda clinic=clinic: door.alerts(clinic.name))
            await until("its own e-mail", lambda clinic=clinic: house.mail.to(clinic.clinician))

        (mine,), (theirs,) = await door.alerts(one.name), await door.alerts(other.name)
        assert mine["alert"] != theirs["alert"]
        assert (mine["clinic"], theirs["clinic"]) == (one.name, other.name)
