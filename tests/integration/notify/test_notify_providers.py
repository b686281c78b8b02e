"""Receipts, STOP and held texts on the real broker and store, through notify's own wiring."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.notify.api.receipts import twilio_signature
from shared.bus.provision import provision
from shared.contracts.base import ChannelName, Urgency
from shared.contracts.clinics import Fatigue, Webhook
from shared.mongo import open_database
from tests.integration.notify_house import Door, House, Place, concern, evidence, risk, until
from tests.providers import MailServer, Twilio
from tests.stack import Stack

PUBLIC = "https://rapport.example"
LATER = Urgency.WORKING_HOURS


@pytest.fixture
async def house(stack: Stack) -> AsyncIterator[House]:
    """Everything notify needs, with Twilio's callbacks set up."""
    await provision(stack.bootstrap)
    async with MailServer() as mail, Twilio() as twilio:
        yield House(stack, mail, twilio, callbacks=True)


async def twilio_posts(door: Door, path: str, **form: str) -> httpx.Response:
    """What Twilio calls, signed."""
    signed = twilio_signature(Twilio.token, PUBLIC + path, list(form.items()))
    return await door.client.post(path, data=form, headers={"X-Twilio-Signature": signed})


async def sms_leg(door: Door, clinic: Place) -> dict[str, Any]:
    """The text about a clinic's only alert, as the trail has it."""
    (alert,) = await door.alerts(clinic.name)
    return next(one for one in await door.trail(clinic.name, alert["alert"]) if one["channel"] == "sms")


async def test_a_receipt_finds_its_message_and_the_trail_says_so(house: House) -> None:
    """By the leg's id in the callback's URL; accepted and delivered with their times, and the provider's name."""
    async with house.clinic() as clinic, house.notify() as door:
        await clinic.assess(risk(evidence()))
        await until("the text", lambda: house.twilio.to(clinic.mobile))
        (sms,) = house.twilio.to(clinic.mobile)
        answer = await twilio_posts(
            door, sms.callback.removeprefix(PUBLIC), MessageSid=sms.sid, MessageStatus="delivered"
        )

        async def recorded() -> dict[str, Any] | None:
            """The receipt may be faster than what we write down of the provider's own answer."""
            found = await sms_leg(door, clinic)
            return found if found["attempts"] else None

        leg: dict[str, Any] = await until("the try is recorded", recorded)

        assert answer.status_code == 204
        assert (leg["receipt"], leg["delivered_at"] is not None) == ("delivered", True)
        assert (leg["attempts"][0]["provider"], leg["accepted_at"] is not None) == ("twilio", True)


async def test_an_undelivered_text_goes_to_the_fallback_contact(house: House) -> None:
    """The row was done, and is opened again."""
    async with house.clinic() as clinic, house.notify() as door:
        await clinic.staff(email=None, channels=[ChannelName.SMS])
        await clinic.assess(risk(evidence()))
        await until("the text", lambda: house.twilio.to(clinic.mobile))
        (sms,) = house.twilio.to(clinic.mobile)
        path = sms.callback.removeprefix(PUBLIC)
        await twilio_posts(door, path, MessageSid=sms.sid, MessageStatus="undelivered", ErrorCode="30005")

        await until("the fallback contact", lambda: house.mail.to(clinic.fallback))
        assert (await sms_leg(door, clinic))["state"] == "failed"


async def test_stop_outlives_the_store(house: House) -> None:
    """Dropped and rebuilt from its topic: the number still gets nothing; START lifts it. No number is stored."""
    async with house.clinic() as clinic:
        async with house.notify() as door:
            await twilio_posts(door, "/v1/inbound/twilio", From=clinic.mobile, Body="STOP", MessageSid="SM1")
        await house.drop_store()
        async with house.notify() as door:
            await clinic.assess(risk(evidence("e1")))
            await until("the e-mail", lambda: house.mail.to(clinic.clinician))
            leg = await until("the text's end", lambda: sms_leg(door, clinic))
            async with open_database(house.stack.mongo_url, f"{house.prefix}_notify") as database:
                stored = await database["contacts"].find({}).to_list(None)
            await twilio_posts(door, "/v1/inbound/twilio", From=clinic.mobile, Body="START", MessageSid="SM2")
            await clinic.assess(risk(evidence("e1"), evidence("e2")))
            await until("a text again", lambda: house.twilio.to(clinic.mobile))

    assert leg["attempts"][0]["code"] == "stopped"
    assert stored
    assert clinic.mobile[1:] not in str(stored)


async def test_texts_that_are_not_urgent_are_held_and_told_together(house: House) -> None:
    """Four at once are two texts, and all four alerts know that they were told."""
    alone = Fatigue(bundle_minutes=0)
    async with house.clinic(fatigue=alone) as clinic, house.notify() as door:
        await clinic.staff(email=None, channels=[ChannelName.SMS])
        await clinic.assess(*(concern(f"rule_{n}", evidence(urgency=LATER)) for n in range(4)))
        await until("the first text", lambda: house.twilio.to(clinic.mobile))

        async def held() -> bool:
            trails = [await door.trail(clinic.name, alert["alert"]) for alert in await door.alerts(clinic.name)]
            return sum("held" in (leg["why"] or "") for trail in trails for leg in trail) == 3

        await until("three held", held)
        house.clock.advance(timedelta(seconds=61))
        await until("the second text", lambda: len(house.twilio.to(clinic.mobile)) == 2)

        async def settled() -> bool:
            return all(told["settled_at"] for alert in await door.alerts(clinic.name) for told in alert["told"])

        await until("all told", settled)
        assert "3 alerts waiting" in house.twilio.to(clinic.mobile)[1].body


async def test_what_nobody_signed_is_refused(house: House) -> None:
    """A problem that says which header does not fit; a provider that is not set up is a 404."""
    async with house.notify() as door:
        bare = await door.client.post("/v1/receipts/twilio?leg=x", data={"MessageStatus": "delivered"})
        large = await door.client.post("/v1/receipts/twilio", content=b"x" * 70_000)
        absent = await door.client.post("/v1/receipts/govuk-notify", json={})

    assert [answer.status_code for answer in (bare, large, absent)] == [403, 413, 404]
    assert "X-Twilio-Signature" in bare.json()["detail"]


async def test_a_clinic_sees_the_secrets_of_its_own_webhooks_and_of_no_other(house: House) -> None:
    """As Standard Webhooks writes them, another one for each generation; another clinic's list is empty."""
    hook = Webhook(name="records", url="https://hooks.example/rapport")
    async with house.clinic(webhooks=[hook]) as clinic, house.notify() as door:
        (first,) = (await door.ask(clinic.name, "GET", "/v1/webhooks")).json()["items"]
        others = (await door.ask("another", "GET", "/v1/webhooks")).json()["items"]
        await clinic.set_up(webhooks=[hook.model_copy(update={"generation": 2})])

        async def renewed() -> bool:
            (now,) = (await door.ask(clinic.name, "GET", "/v1/webhooks")).json()["items"]
            return now["generation"] == 2 and now["secret"] != first["secret"]

        await until("a new secret", renewed)
        assert first["secret"].startswith("whsec_")
        assert others == []
