"""Quiet hours, sending again, the trail, the load and the reconciliation on the real broker and store, over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.bus.provision import provision
from shared.contracts.base import Urgency
from shared.contracts.clinics import QuietHours
from tests.integration.notify_house import MONDAY, House, concern, evidence, risk, until
from tests.providers import MailServer, Twilio
from tests.stack import Stack

MORNING = QuietHours.model_validate({"starts": "09:00", "ends": "13:00"})


@pytest.fixture
async def house(stack: Stack) -> AsyncIterator[House]:
    """Everything notify needs, and nothing of it running yet."""
    await provision(stack.bootstrap)
    async with MailServer() as mail, Twilio() as twilio:
        yield House(stack, mail, twilio)


async def test_what_is_held_survives_a_lost_store_and_comes_in_one_digest(house: House) -> None:
    """Two alerts at ten, one e-mail at one; the trail says that they were held, and why."""
    async with house.clinic() as clinic:
        await clinic.staff(quiet=[MORNING])
        async with house.notify() as door:
            calm = [
                concern(rule, evidence(f"about {rule}", urgency=Urgency.WORKING_HOURS)) for rule in ("trend", "quiet")
            ]
            await clinic.assess(*calm)

            async def held() -> list[str] | None:
                alerts = await door.alerts(clinic.name)
                states = [row["state"] for one in alerts for row in await door.trail(clinic.name, one["alert"])]
                return states if states.count("held") == 2 else None

            await until("both are held", held)
        await house.drop_store()
        async with house.notify() as door:
            await until("held again", held)
            before = house.mail.to(clinic.clinician)
            house.clock.set(MONDAY + timedelta(hours=3))
            (digest,) = await until("the digest", lambda: house.mail.to(clinic.clinician))
            (first, second) = await door.alerts(clinic.name)
            life = (await door.ask(clinic.name, "GET", f"/v1/alerts/{first['alert']}")).json()["life"]

    assert before == []
    assert first["reference"] in digest.text
    assert second["reference"] in digest.text
    assert "They could wait, and were put together" in digest.text
    assert [one["what"] for one in life][:3] == ["detected", "accepted", "raised"]
    assert "held: the recipient's quiet or non-working hours" in next(
        one["note"] for one in life if one["what"] == "held"
    )


async def test_a_store_restored_from_a_backup_tells_of_nothing_that_was_closed_since(house: House) -> None:
    """Three steps are overdue by what the backup says; the topic says that a clinician closed it."""
    async with house.clinic() as clinic:
        async with house.notify() as door:
            await clinic.assess(risk(evidence("e1")))
            await until("it is told", lambda: house.mail.to(clinic.clinician))

            async def settled() -> bool:
                (alert,) = await door.alerts(clinic.name)
                return all(one["settled_at"] for one in alert["told"])

            await until("the alert has heard of it", settled)
            backup = await house.backup()
            (alert,) = await door.alerts(clinic.name)
            path = f"/v1/alerts/{alert['alert']}/close"
            done = await door.ask(clinic.name, "POST", path, body={"disposition": "safety_plan", "note": "Seen."})
        await house.restore(backup)
        house.clock.set(MONDAY + timedelta(hours=8))
        async with house.notify() as door:

            async def closed() -> bool:
                (now,) = await door.alerts(clinic.name)
                return bool(now["status"] == "closed" and now["disposition"] == "safety_plan")

            await until("it is closed, as on the topic", closed)
            await clinic.register("kim")
            await clinic.assess(risk(evidence("k1")), patient="kim")
            await until("another alert is told", lambda: len(house.mail.to(clinic.clinician)) == 2)
            other = [one for one in await door.alerts(clinic.name) if one["alert"] != alert["alert"]]
            (first, second) = house.mail.to(clinic.clinician)

    assert done.status_code == 200
    assert alert["reference"] in first.subject
    assert [one["reference"] in second.subject for one in other] == [True]
    assert house.mail.to(clinic.fallback) == []


async def test_one_call_sends_it_again_and_load_and_reconciliation_say_what_there_is(house: House) -> None:
    """A retry is the same request; a named clinician is told; everything has its alert, and every alert its end."""
    async with house.clinic() as clinic, house.notify() as door:
        dan = await clinic.also("dan")
        await clinic.assess(risk(evidence("e1")))
        await until("the first message", lambda: house.mail.to(clinic.clinician))
        (alert,) = await door.alerts(clinic.name)
        path = f"/v1/alerts/{alert['alert']}/messages"
        asked = [await door.ask(clinic.name, "POST", path, key="once", body={"clinician": "dan"}) for _ in range(2)]
        wrong = await door.ask(clinic.name, "POST", path, body={"clinician": "nobody"})
        foreign = await door.ask("another", "POST", path)
        await until("it is there", lambda: house.mail.to(dan))

        async def clean() -> bool:
            found = (await door.ask(clinic.name, "GET", "/v1/alerts/reconciliation")).json()
            return bool(found["clean"])

        await until("all is settled", clean)
        found = (await door.ask(clinic.name, "GET", "/v1/alerts/reconciliation")).json()
        load = (await door.ask(clinic.name, "GET", "/v1/alerts/load?weeks=1")).json()
        life = (await door.ask(clinic.name, "GET", f"/v1/alerts/{alert['alert']}")).json()["life"]

    assert [answer.status_code for answer in (*asked, wrong, foreign)] == [200, 200, 422, 404]
    assert len(house.mail.to(dan)) == 1
    assert [(one["by"], one["clinician"]) for one in asked[1].json()["resent"]] == [("priya", "dan")]
    assert (found["concerns"], found["evidence"], found["alerts"], found["ends"]["waiting"]) == (1, 1, 1, 1)
    assert (load["alert_budget"], load["clinicians"][0]["clinician"], load["clinicians"][0]["risk"]) == (12, "priya", 1)
    assert {"detected", "accepted", "raised", "queued", "sent", "accepted_by_provider", "asked_again"} <= {
        one["what"] for one in life
    }
