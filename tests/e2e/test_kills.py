"""Named guarantees, measured to fail in the field's open products: kill anything, and nothing is lost or told twice."""

import asyncio
import json
import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.processes import Clinic, Platform, check_in, phq9, read_topic, until
from tests.e2e.truth import agrees, told
from tests.providers import MailServer
from tests.stack import Stack

ENTRIES, PATIENTS, SENDERS = 2000, 40, 16


def story(seed: int) -> list[tuple[str, dict[str, Any]]]:
    """2,000 entries of 40 patients over 60 days, the last day live, the rest imported; some of them worsen."""
    chance, now = random.Random(seed), datetime.now(UTC).replace(microsecond=0)
    entries: list[tuple[datetime, str, dict[str, Any]]] = []
    for number in range(ENTRIES):
        patient = f"p{number % PATIENTS}"
        risky = number % 25 == 0  # 80 of them in the last day: the answers that somebody must hear of
        back = timedelta(minutes=chance.randint(1, 22 * 60 if risky else 60 * 24 * 60))
        at, origin = now - back, "live" if back < timedelta(hours=23) else "import"
        worse = 3 if number % PATIENTS < 8 and back < timedelta(days=20) else 0
        if risky or chance.random() < 0.15:
            items = [min(3, chance.choice((0, 0, 1)) + worse) for _ in range(8)]
            risk = chance.choice((1, 2, 3)) if risky or chance.random() < 0.1 else 0
            entries.append((at, "/v1/questionnaires", phq9(patient, *items, risk, at=at, origin=origin)))
        else:
            mood = chance.randint(4, 8) - worse
            entries.append((at, "/v1/check-ins", check_in(patient, mood, at=at, origin=origin)))
    return [(path, body) for _, path, body in sorted(entries, key=lambda entry: entry[0])]


async def send_until_accepted(clinic: Clinic, path: str, body: dict[str, Any]) -> str:
    """Send one entry as a good client does: with one key, again until it is accepted."""
    key = uuid.uuid4().hex

    async def accepted() -> str | None:
        try:
            answer = await clinic.ask("POST", path, body, key=key)
        except httpx.TransportError:
            return None
        assert answer.status_code in (202, 503), answer.text
        return str(answer.json()["id"]) if answer.status_code == 202 else None

    return await until("an entry is accepted", accepted, seconds=90)


@pytest.mark.parametrize("victim", ["intake", "mood", "insights", "notify"])
async def test_kill_9_of_any_service_in_the_middle_of_2000_entries_loses_nothing_and_opens_no_alert_twice(
    victim: str, platform: Platform, mail: MailServer
) -> None:
    """After the restart the assessments equal the oracle's, and every telling answer was told in alerts opened once."""
    async with platform.clinic() as clinic:
        await clinic.set_up(patients=tuple(f"p{number}" for number in range(PATIENTS)))
        entries = story(seed=len(victim))
        gate = asyncio.Semaphore(SENDERS)
        sent = 0

        async def send(path: str, body: dict[str, Any]) -> str:
            nonlocal sent
            async with gate:
                identity = await send_until_accepted(clinic, path, body)
                sent += 1
                return identity

        async def murder() -> None:
            async def half() -> bool:
                return sent > ENTRIES // 3

            await until("a third is sent", half, seconds=120)
            platform.kill(victim)
            await platform.start(victim)

        sending = asyncio.gather(*(send(path, body) for path, body in entries))
        await murder()
        ids = await sending

        assert set(ids) == await recorded(clinic, set(ids))
        assert len(set(ids)) == ENTRIES
        await agrees(clinic)
        await told(clinic)
        await messages_agree(clinic, mail)


async def recorded(clinic: Clinic, at_least: set[str]) -> set[str]:
    """The ids of all entries on the log, once those that were accepted can be read there."""

    async def there() -> set[str] | None:
        facts = await read_topic(clinic.platform.bootstrap, "moods", clinic.name)
        found = {headers["ce_id"] for _, headers, _ in facts}
        return found if at_least <= found else None

    return await until("every accepted entry on the log", there)


async def messages_agree(clinic: Clinic, mail: MailServer) -> None:
    """Every open alert that is a message of its own was handed over; one sent again carries the same reference."""
    address, missing = f"priya@{clinic.name}.example", ["nothing was compared"]

    async def handed_over() -> bool:
        nonlocal missing
        wanted = [alert for alert in await open_alerts(clinic) if alert["route"] == "message"]
        texts = " ".join(message.text for message in mail.to(address))
        missing = [f"{alert['rule']} {alert['status']}" for alert in wanted if alert["reference"] not in texts]
        return bool(wanted) and not missing

    try:
        await until("every message is handed over", handed_over, seconds=60)
    except AssertionError as error:
        raise AssertionError(f"{error}; missing: {Counter(missing)}") from None
    sent = Counter(message.message_id for message in mail.to(address))
    print(f"{sent.total()} e-mails, {sent.total() - len(sent)} of them sent again with the same id")


async def open_alerts(clinic: Clinic) -> list[Any]:
    """All alerts that nobody and nothing has closed, page by page."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await clinic.get("/v1/alerts?limit=200" + (f"&cursor={cursor}" if cursor else ""))
        found += [alert for alert in page["items"] if alert["status"] != "closed"]
        cursor = page.get("next")
    return found


async def test_with_the_broker_down_and_the_service_killed_every_accepted_entry_still_becomes_its_alert(
    stack: Stack, platform: Platform, mail: MailServer
) -> None:
    """mindLAMP told 0 of 10 and HAPI FHIR 8 of 10; and none that could not be recorded may be answered 202."""
    async with platform.clinic() as clinic:
        patients = tuple(f"p{number}" for number in range(10))
        await clinic.set_up(patients=patients)
        before = [await clinic.post("/v1/questionnaires", phq9(p, 1, 1, 0, 0, 0, 0, 0, 0, 2)) for p in patients]

        platform.kill("insights")
        platform.kill("notify")
        stack.kill_kafka()
        key = uuid.uuid4().hex
        refused = await clinic.ask("POST", "/v1/check-ins", check_in("p0", 5), key=key)
        platform.kill("mood")
        stack.start_kafka()
        await platform.start("mood", "insights", "notify")

        async def all_told() -> bool:
            texts = (await clinic.get("/v1/alerts?limit=100"))["items"]
            evidence = {told["id"] for alert in texts for told in alert["told"]}
            return {answer["id"] for answer in before} <= evidence and len(
                mail.to(f"priya@{clinic.name}.example")
            ) >= len(before)

        await until("all ten are told", all_told, seconds=90)
        facts = await recorded(clinic, {answer["id"] for answer in before})
        assert refused.status_code == 503
        assert "Idempotency-Key" in json.dumps(refused.json())
        assert {answer["id"] for answer in before} <= facts
