"""(c) Four processes, 50 entries a second of which 2 % raise an at-once alert: entry to SMTP hand-over."""

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from shared.bus.provision import provision
from tests.e2e.processes import Clinic, Platform, check_in, phq9, providers_told, until
from tests.providers import MailServer, Twilio
from tests.stack import Stack

RATE, SECONDS, WARM_UP, SHARE = 50, 180, 10, 0.02  # some 170 alerts: a p99 needs more than a hundred
PATIENTS: Final = 1_000
"""Who check in. A risk answer is somebody else's each time, so that each is an alert of its own."""


async def run(stack: Stack) -> dict[str, Any]:
    """p50 and p99 in milliseconds from sending the request to the mail server having the message."""
    await provision(stack.bootstrap)
    with tempfile.TemporaryDirectory() as folder:
        async with MailServer() as mail, Twilio() as twilio:
            platform = Platform(stack.bootstrap, stack.mongo_url, Path(folder), providers_told(mail, twilio))
            try:
                await platform.start()
                async with platform.clinic() as clinic:
                    return await _measure(clinic, mail)
            finally:
                platform.stop()


async def _measure(clinic: Clinic, mail: MailServer) -> dict[str, Any]:
    await clinic.set_up()
    chance = random.Random(1)
    risky = [chance.random() < SHARE for _ in range(RATE * SECONDS)]
    patients = [f"r{number}" if risk else f"p{number % PATIENTS}" for number, risk in enumerate(risky)]
    gate = asyncio.Semaphore(16)

    async def register(patient: str) -> None:
        async with gate:
            await clinic.register(patient)

    await asyncio.gather(*(register(patient) for patient in dict.fromkeys(patients)))
    began = time.perf_counter()
    sent: dict[str, float] = {}
    sending: set[asyncio.Task[None]] = set()
    for number, patient in enumerate(patients):
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(_send(clinic, patient, sent if risky[number] else None))
        sending.add(task)
        task.add_done_callback(sending.discard)
    await asyncio.gather(*sending)
    address = f"priya@{clinic.name}.example"

    async def all_arrived() -> bool:
        return len(mail.to(address)) >= len(sent)

    await until("every alert's e-mail", all_arrived, seconds=60)
    references = {
        alert["reference"]: alert["told"][0]["id"] for alert in (await clinic.get("/v1/alerts?limit=500"))["items"]
    }
    taken = []
    for message in mail.to(address):
        fact = next(fact for reference, fact in references.items() if reference in message.text)
        began_at = sent[fact]
        if began_at - began >= WARM_UP:
            taken.append((message.received_at - began_at) * 1000)
    taken.sort()
    return {
        "alerts": len(taken),
        "alert_p50_ms": round(statistics.median(taken), 1),
        "alert_p99_ms": round(taken[min(len(taken) - 1, int(len(taken) * 0.99))], 1),
        "entries_per_s": RATE,
    }


async def _send(clinic: Clinic, patient: str, sent: dict[str, float] | None) -> None:
    began = time.perf_counter()
    if sent is None:
        await clinic.post("/v1/check-ins", check_in(patient, 6))
        return
    answer = await clinic.post("/v1/questionnaires", phq9(patient, 2, 2, 1, 1, 1, 1, 0, 0, 2))
    sent[answer["id"]] = began
