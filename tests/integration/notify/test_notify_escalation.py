"""Escalation on the real broker and store: the clinician, duty at 30 minutes, the lead at 60, until somebody has it."""

from collections.abc import AsyncIterator
from datetime import time, timedelta
from functools import partial

import pytest

from shared.bus.provision import provision
from shared.contracts.escalation import DutyRota, EscalationSettings
from tests.integration.notify_house import MONDAY, Door, House, Place, evidence, risk, until
from tests.providers import MailServer, Twilio
from tests.stack import Stack

ROTA = DutyRota(zone="Europe/London", turn="weekly", starts_on=MONDAY.date(), hand_over_at=time(9), clinicians=["dan"])
SETTINGS = {"escalation": EscalationSettings(lead="lee"), "duty_rota": ROTA}


@pytest.fixture
async def house(stack: Stack) -> AsyncIterator[House]:
    """Everything notify needs, and nothing of it running yet."""
    await provision(stack.bootstrap)
    async with MailServer() as mail, Twilio() as twilio:
        yield House(stack, mail, twilio)


async def steps_told(door: Door, clinic: Place) -> int:
    """How many steps of the only alert's escalation the alert remembers as told."""
    alerts = await door.alerts(clinic.name)
    steps = [step for alert in alerts for run in alert["escalations"] for step in run["steps"]]
    return sum(step["settled_at"] is not None for step in steps)


async def told(door: Door, clinic: Place, count: int) -> bool:
    """Whether so many steps were told."""
    return await steps_told(door, clinic) == count


async def test_nobody_acknowledges_so_duty_is_told_at_30_minutes_and_the_lead_at_60(house: House) -> None:
    """Each once, not a minute early, across a restart and a lost store; the trail says who, when and why."""
    async with house.clinic(**SETTINGS) as clinic:
        duty, lead = await clinic.also("dan"), await clinic.also("lee")
        async with house.notify() as door:
            await clinic.assess(risk(evidence("e1")))
            await until("the clinician is told", partial(told, door, clinic, 1))
            house.clock.set(MONDAY + timedelta(minutes=29, seconds=59))
            early = house.mail.to(duty)
            house.clock.set(MONDAY + timedelta(minutes=30))
            await until("duty is told", partial(told, door, clinic, 2))
        await house.drop_store()

        async with house.notify() as door:
            await until("rebuilt", partial(told, door, clinic, 2))
            house.clock.set(MONDAY + timedelta(minutes=60))
            await until("the lead is told", partial(told, door, clinic, 3))
            (alert,) = await door.alerts(clinic.name)
        trail = [(step["who"], step["told_clinician"], step["why"]) for step in alert["escalations"][0]["steps"]]
        assert early == []
        assert [len(house.mail.to(who)) for who in (clinic.clinician, duty, lead, clinic.fallback)] == [1, 1, 1, 0]
        assert trail == [
            ("clinician", "priya", "it is new"),
            ("duty", "dan", "nobody had acknowledged it 30 minutes after it was raised"),
            ("lead", "lee", "nobody had acknowledged it 60 minutes after it was raised"),
        ]
        (message,) = house.mail.to(duty)
        assert "and you are on duty" in message.text
        assert alert["reference"] in message.subject


async def test_acknowledging_stops_it_and_closing_ends_the_reminder(house: House) -> None:
    """Nobody further is told; who forgets to close is reminded; closed is closed."""
    async with house.clinic(**SETTINGS) as clinic, house.notify() as door:
        duty, lead = await clinic.also("dan"), await clinic.also("lee")
        await clinic.assess(risk(evidence("e1")))
        await until("the clinician is told", partial(told, door, clinic, 1))
        (alert,) = await door.alerts(clinic.name)
        await door.ask(clinic.name, "POST", f"/v1/alerts/{alert['alert']}/acknowledge", body={"by": "priya"})
        house.clock.set(MONDAY + timedelta(hours=5))
        await clinic.register("kim")
        await clinic.assess(risk(evidence("k1")), patient="kim")
        await until("another alert", partial(told, door, clinic, 2))
        before = [len(house.mail.to(who)) for who in (clinic.clinician, duty, lead)]

        house.clock.set(MONDAY.replace(hour=9) + timedelta(days=2))
        await until("the reminder", lambda: len(house.mail.to(clinic.clinician)) >= 3)
        for one in await door.alerts(clinic.name):
            body = {"disposition": "safety_plan", "note": "Seen today."}
            answer = await door.ask(clinic.name, "POST", f"/v1/alerts/{one['alert']}/close", body=body)
            assert answer.status_code == 200
        assert before == [2, 0, 0]
        assert "not closed within 2 working days" in house.mail.to(clinic.clinician)[-1].text
