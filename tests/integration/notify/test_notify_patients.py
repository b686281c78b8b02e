"""Messages to patients on the real broker and store, through notify's own wiring."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from services.notify.settings import Settings
from shared.bus import Message, Position
from shared.bus.provision import provision
from shared.contracts import Patient, ReminderDue
from shared.contracts.base import Origin
from tests.integration.notify_house import MONDAY, Door, House, Place, until
from tests.providers import MailServer, Twilio
from tests.stack import Stack


@dataclass
class PatientHouse(House):
    """With a patient app."""

    def settings(self) -> Settings:
        """Its links and their secret."""
        own = {"patient_url": "https://app.example/c/{token}", "patient_link_secret": "what-only-the-app-has-too"}
        return super().settings().model_copy(update=own)


@pytest.fixture
async def house(stack: Stack) -> AsyncIterator[House]:
    """Everything notify needs."""
    await provision(stack.bootstrap)
    async with MailServer() as mail, Twilio() as twilio:
        yield PatientHouse(stack, mail, twilio)


def mobile_of(clinic: Place) -> str:
    """The patient's number, of this clinic alone."""
    return clinic.mobile.replace("+4477", "+4479")


async def registered(clinic: Place, *, version: int = 1, deleted: bool = False) -> None:
    """A patient who agreed to be written to."""
    await clinic.say(
        Patient(
            clinic=clinic.name,
            patient="ada",
            version=version,
            deleted=deleted,
            mobile=None if deleted else mobile_of(clinic),
            consent_to_contact=not deleted,
            registered_at=MONDAY,
            updated_at=MONDAY,
        )
    )


async def reminded(clinic: Place, occasion: str, *, times: int = 1) -> Position:
    """mood says that a reminder is due, with the id it makes of the occasion. Returns where it stands."""
    fact = ReminderDue(
        clinic=clinic.name,
        patient="ada",
        occurred_at=MONDAY,
        local_day=MONDAY.date(),
        origin=Origin.LIVE,
        protocol="daily",
        occasion=occasion,
        asks="check_in",
        due_at=MONDAY,
        expires_at=MONDAY + timedelta(hours=10),
        nth=1,
    )
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{clinic.name}/{occasion}"))
    return (await clinic.publisher.publish([Message(name, clinic.clock.now(), fact)] * times))[-1]


async def messages(door: Door, clinic: Place) -> list[dict[str, str]]:
    """What the trail says was written to the patient."""
    answer = await door.ask(clinic.name, "GET", "/v1/patients/ada/messages")
    return list(answer.json()["items"]) if answer.status_code == 200 else []


async def sent(door: Door, clinic: Place, count: int) -> bool:
    """Whether so many have been."""
    return sum(one["state"] == "sent" for one in await messages(door, clinic)) == count


async def test_a_reminder_is_one_text_by_two_replicas_a_restart_and_a_lost_store(house: House) -> None:
    """Said twice, read by two, read again from the beginning by a notify that lost its store: one text each."""
    async with house.clinic() as clinic:
        async with house.notify() as door, house.notify():
            await registered(clinic)
            await reminded(clinic, "daily/1", times=2)
            await until("the text", lambda: sent(door, clinic, 1))
        await house.drop_store()
        async with house.notify() as door:
            await reminded(clinic, "daily/1")
            await reminded(clinic, "daily/2")
            await until("the second text", lambda: sent(door, clinic, 2), seconds=60)

            assert len(house.twilio.to(mobile_of(clinic))) == 2
            first, second = house.twilio.to(mobile_of(clinic))
            assert first.body.startswith("Clinic c-")
            token = second.body.rpartition("/")[2]
            answer = await door.ask(clinic.name, "GET", f"/v1/patient-links/{token}")
            assert (answer.status_code, answer.json()["about"]) == (200, "daily/2")
            others = await door.ask("another", "GET", f"/v1/patient-links/{token}")
            assert others.status_code == 404
            own = await door.ask(clinic.name, "GET", f"/v1/patient-links/{token}", patient="ada")
            anothers = await door.ask(clinic.name, "GET", f"/v1/patient-links/{token}", patient="lee")
            assert own.json() == answer.json()
            assert (anothers.status_code, anothers.json()) == (404, others.json())


async def test_a_patient_who_is_removed_is_written_nothing_more(house: House) -> None:
    """And the trail is gone with them."""
    async with house.clinic() as clinic, house.notify() as door:
        await registered(clinic)
        await reminded(clinic, "daily/1")
        await until("the text", lambda: sent(door, clinic, 1))
        await registered(clinic, version=2, deleted=True)

        async def gone() -> bool:
            return (await door.ask(clinic.name, "GET", "/v1/patients/ada/messages")).status_code == 404

        await until("the removal", gone)
        position = await reminded(clinic, "daily/2")
        headers = {"Wait-For-Position": str(position)}
        token = door.issuer.issue(clinic=clinic.name)
        answer = await door.client.get("/v1/alerts", headers=headers | {"Authorization": f"Bearer {token}"})

        assert (answer.status_code, answer.headers.get("Projection-Behind")) == (200, None)
        assert len(house.twilio.to(mobile_of(clinic))) == 1
