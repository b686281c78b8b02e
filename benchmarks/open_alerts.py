"""(d) notify with 10,000 alerts of 50 clinics standing open: from a concern, published, to the SMTP server having it.

The standing alerts come as they would after a store was lost: from notify's own topic, handed over five minutes ago,
the next step of each due in 25. What insights said of those patients is published as well, so every one is reconciled,
and has the row of its next step. Then new concerns come at a steady rate, each for a clinician of its own.
"""

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.people import at_risk, clinic, clinician, patient, publish
from services.notify.domain import (
    Delivery,
    Found,
    Item,
    Kind,
    Outcome,
    Reachable,
    Result,
    Situation,
    after_attempt,
    delivery_id,
    planned_for,
    reconcile,
    settle,
    settle_message,
)
from shared.bus import Position
from shared.bus.kafka import KafkaPublisher
from shared.bus.provision import provision
from shared.contracts import Alert, Assessment, Patient
from tests.e2e.processes import Clinic, Platform, providers_told, until
from tests.providers import MailServer, Twilio
from tests.stack import Stack

CLINICS, STANDING, LIVE, RATE, WARM_UP = 50, 10_000, 350, 10, 50
"""So many concerns come live, RATE a second; the first WARM_UP of them are not counted."""
_TAKEN: Final = Result(outcome=Outcome.ACCEPTED, code="250", provider="smtp")


async def run(stack: Stack) -> dict[str, Any]:
    """p50 and p99 in milliseconds, and how long it took notify to take in what stands."""
    await provision(stack.bootstrap)
    now = datetime.now(UTC)
    names = [f"bench-{number}" for number in range(CLINICS)]
    people = [patient(names[number % CLINICS], f"s{number}", "c") for number in range(STANDING)]
    said = [at_risk(one.clinic, one.patient, now - timedelta(minutes=5)) for one in people]
    live = [patient(names[number % CLINICS], f"l{number}", f"c{number}") for number in range(LIVE)]
    theirs = [clinician(one.clinic, f"c{number}") for number, one in enumerate(live)]
    with tempfile.TemporaryDirectory() as folder:
        async with (
            KafkaPublisher(bootstrap=stack.bootstrap, service="bench") as publisher,
            MailServer() as mail,
            Twilio() as twilio,
        ):
            await publish(publisher, [*map(clinic, names), *(clinician(name, "c") for name in names), *theirs])
            await publish(publisher, [*people, *live])
            await publish(publisher, [standing(one, about) for one, about in zip(people, said, strict=True)])
            platform = Platform(stack.bootstrap, stack.mongo_url, Path(folder), providers_told(mail, twilio))
            try:
                began = time.perf_counter()
                await platform.start("notify")
                ends = await publish(publisher, said)
                async with platform.clinic(names[0]) as door:
                    for end in ends:
                        await _read(door, end)
                taken_in = time.perf_counter() - began
                assert mail.messages == [], "what stands was handed over before"
                figures = await _measure(publisher, mail, live)
            finally:
                platform.stop()
    return {"open_alerts": STANDING, "open_alerts_taken_in_s": round(taken_in, 1)} | figures


def standing(who: Patient, assessment: Assessment) -> Alert:
    """An alert as notify leaves it once its message was handed over, and nobody has acknowledged."""
    at, settings = assessment.made_at, clinic(who.clinic).settings[0]
    situation = Situation(assessment=assessment, patient=who, alerts=(), working_time=settings.working_time, now=at)
    [alert] = reconcile(situation)
    row = Delivery(
        id=delivery_id(alert.key, 1), clinic=who.clinic, kind=Kind.MESSAGE, urgency=alert.urgency,
        items=(Item(alert=alert.key, round=1),), patient=who.patient, created_at=at, due_at=at, look_at=at,
    )  # fmt: skip
    person = Reachable.clinician(clinician(who.clinic, "c"))
    planned = planned_for(row, Found("c", person), None, at)
    told = after_attempt(planned, planned.legs[0].id, _TAKEN, person=person, fallback=None, now=at, jitter=0)
    return settle_message(settle(alert, 1, settings.working_time, at), told, 1, at).model_copy(update={"version": 2})


async def _read(door: Clinic, position: Position) -> None:
    async def reached() -> bool:
        headers = door.headers | {"Wait-For-Position": str(position)}
        answer = await door._client.get(door.platform.urls["notify"] + "/v1/alerts?limit=1", headers=headers)  # noqa: SLF001
        return "Projection-Behind" not in answer.headers

    await until(f"notify has read {position}", reached, seconds=180)


async def _measure(publisher: KafkaPublisher, mail: MailServer, live: list[Patient]) -> dict[str, Any]:
    began, sent = time.perf_counter(), {}
    for number, one in enumerate(live):
        await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        sent[f"{one.clinician}@{one.clinic}.example"] = time.perf_counter()
        await publish(publisher, [at_risk(one.clinic, one.patient, datetime.now(UTC))])

    async def all_arrived() -> bool:
        return len(mail.messages) >= len(live)

    await until("every concern's e-mail", all_arrived, seconds=60)
    counted = set(list(sent)[WARM_UP:])
    first = {message.recipients[0]: message.received_at for message in reversed(mail.messages)}
    taken = sorted((first[address] - sent[address]) * 1000 for address in counted)
    return {
        "open_alerts_live": len(taken),
        "open_alerts_p50_ms": round(statistics.median(taken), 1),
        "open_alerts_p99_ms": round(taken[min(len(taken) - 1, int(len(taken) * 0.99))], 1),
    }
