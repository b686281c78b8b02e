"""From a patient's check-in to a clinician's inbox, one story per test, on four processes, a real broker and store."""

import json
import uuid
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer

from tests.e2e.processes import Clinic, Platform, check_in, phq9, read_topic, until
from tests.providers import MailServer, Twilio


async def _open_alerts(clinic: Clinic, rule: str) -> list[dict]:
    alerts = (await clinic.get("/v1/alerts"))["items"]
    return [alert for alert in alerts if alert["rule"] == rule]


async def test_item_9_answered_2_arrives_as_one_email_and_one_sms(
    clinic: Clinic, mail: MailServer, twilio: Twilio
) -> None:
    """The right clinician hears at once by both channels, once, and neither message holds patient data."""
    await clinic.set_up(patients=("sam",))

    answer = await clinic.post("/v1/questionnaires", phq9("sam", 2, 2, 1, 1, 1, 1, 0, 0, 2))

    async def arrived() -> bool:
        return bool(mail.to(f"priya@{clinic.name}.example")) and bool(twilio.about(f"Clinic {clinic.name}"))

    await until("both messages", arrived)
    (message,) = mail.to(f"priya@{clinic.name}.example")
    (sms,) = twilio.about(f"Clinic {clinic.name}")
    (alert,) = await _open_alerts(clinic, "risk_item")
    assert answer["safety"]["prominent"] is True
    assert [told["id"] for told in alert["told"]] == [answer["id"]]
    for text in (message.text, sms.body):
        assert alert["reference"] in text
        assert "sam" not in text.lower()
        assert "item 9" not in text


async def test_item_9_answered_1_is_an_email_only(clinic: Clinic, mail: MailServer, twilio: Twilio) -> None:
    """A third of a mood clinic's questionnaires are positive: a rule that woke people for each would be turned off."""
    await clinic.set_up(patients=("sam",))

    await clinic.post("/v1/questionnaires", phq9("sam", 1, 1, 1, 0, 0, 0, 0, 0, 1))

    async def arrived() -> bool:
        return bool(mail.to(f"priya@{clinic.name}.example"))

    await until("the e-mail", arrived)
    assert twilio.about(f"Clinic {clinic.name}") == []


async def test_a_retry_is_the_same_entry_and_changes_nothing(clinic: Clinic, mail: MailServer) -> None:
    """A client that did not hear our answer asks again with the same key: one entry, one alert, one message."""
    await clinic.set_up(patients=("sam",))
    body, key = phq9("sam", 2, 2, 1, 1, 1, 1, 0, 0, 3), uuid.uuid4().hex

    answers = [await clinic.post("/v1/questionnaires", body, key=key) for _ in range(3)]

    async def assessed() -> bool:
        return (await clinic.ask("GET", "/v1/patients/sam/insights")).status_code == 200

    await until("an assessment", assessed)
    later = await clinic.post("/v1/check-ins", check_in("sam", 5))

    async def both_seen() -> bool:
        return (await clinic.get("/v1/patients/sam/insights"))["entries"] == 2

    await until("both entries and no third", both_seen)
    entries = (await clinic.get("/v1/patients/sam/timeline", after=later["position"]))["items"]
    assert len({answer["id"] for answer in answers}) == 1
    assert {entry["id"] for entry in entries} == {answers[0]["id"], later["id"]}
    assert len(await _open_alerts(clinic, "risk_item")) == 1
    assert len(mail.to(f"priya@{clinic.name}.example")) == 1


async def test_the_impossible_is_refused_and_changes_nothing(clinic: Clinic) -> None:
    """A score of -999 and a date in 2099 are refused with what to send instead, and leave no trace."""
    await clinic.set_up(patients=("sam",))
    future = datetime(2099, 1, 1, tzinfo=UTC)
    impossible = [
        ("/v1/check-ins", check_in("sam", -999)),
        ("/v1/check-ins", check_in("sam", 5, at=future)),
        ("/v1/questionnaires", phq9("sam", 0, 0, 0, 0, 0, 0, 0, 0, -999)),
        ("/v1/check-ins", {"patient": "sam", "mood": 5, "occurred_at": "2026-11-01T10:00:00"}),
        ("/v1/check-ins", check_in("sam", 5) | {"moood": 5}),
    ]

    answers = [await clinic.ask("POST", path, body) for path, body in impossible]

    assert [answer.status_code for answer in answers] == [422] * len(impossible)
    assert all(answer.json()["errors"] for answer in answers)
    assert "-999" not in "".join(answer.text for answer in answers)
    assert await read_topic(clinic.platform.bootstrap, "moods", clinic.name) == []


async def test_an_unparsable_event_goes_to_the_dead_letters_and_the_next_is_handled(clinic: Clinic) -> None:
    """Somebody else's garbage on the topic stops nobody's care, and is kept with its reason but without its content."""
    await clinic.set_up(patients=("sam",))
    producer = AIOKafkaProducer(bootstrap_servers=clinic.platform.bootstrap)
    await producer.start()
    garbage = json.dumps({"clinic": clinic.name, "patient": "sam", "note": "a-secret-note"}).encode()
    headers = [("ce_type", b"rapport.mood.check-in-recorded.v1"), ("ce_id", b"x"), ("ce_time", b"2026-11-23T10:00:00Z")]
    await producer.send_and_wait("moods", garbage, key=f"{clinic.name}/sam".encode(), headers=headers)
    await producer.stop()

    accepted = await clinic.post("/v1/check-ins", check_in("sam", 5))

    async def seen() -> bool:
        answer = await clinic.ask("GET", "/v1/patients/sam/timeline")
        return answer.status_code == 200 and [e["id"] for e in answer.json()["items"]] == [accepted["id"]]

    await until("the next entry", seen)

    letters = await read_topic(clinic.platform.bootstrap, "dead-letters", clinic.name)
    reasons = [value for _, headers, _ in letters for name, value in headers.items() if "reason" in name]
    assert len(letters) >= 1
    assert reasons
    assert "a-secret-note" not in " ".join(reasons)


async def test_two_clinics_that_use_the_same_patient_id_never_meet(platform: Platform, mail: MailServer) -> None:
    """The tenant is the token's: same ids, same routes, and nothing of the other is seen or told."""
    async with platform.clinic() as one, platform.clinic() as other:
        await one.set_up(patients=("sam",))
        await other.set_up(patients=("sam",))
        risk = await one.post("/v1/questionnaires", phq9("sam", 2, 2, 1, 1, 1, 1, 0, 0, 2))
        calm = await other.post("/v1/check-ins", check_in("sam", 8))

        async def told() -> bool:
            seen = await other.ask("GET", "/v1/patients/sam/insights")
            return bool(mail.to(f"priya@{one.name}.example")) and seen.status_code == 200

        await until("the one's alert and the other's assessment", told)
        (alert,) = await _open_alerts(one, "risk_item")
        assert (await other.get("/v1/alerts"))["items"] == []
        assert (await other.ask("GET", f"/v1/alerts/{alert['alert']}")).status_code == 404
        assert (await other.ask("POST", f"/v1/alerts/{alert['alert']}/acknowledge", {})).status_code == 404
        theirs = await other.get("/v1/patients/sam/timeline", after=calm["position"])
        ours = await one.get("/v1/patients/sam/timeline", after=risk["position"])
        assert [entry["id"] for entry in theirs["items"]] == [calm["id"]]
        assert [entry["id"] for entry in ours["items"]] == [risk["id"]]
        assert (await other.get("/v1/patients/sam/insights"))["concerns"] == []
        assert mail.to(f"priya@{other.name}.example") == []


async def test_an_entry_for_a_patient_not_yet_registered_is_accepted_and_its_alert_goes_to_the_fallback(
    clinic: Clinic, mail: MailServer
) -> None:
    """Nobody is left untold because a form was not filled in yet."""
    await clinic.set_up()

    await clinic.post("/v1/questionnaires", phq9("new-person", 2, 2, 1, 1, 1, 1, 0, 0, 2))

    async def told() -> bool:
        return bool(mail.to(f"duty@{clinic.name}.example"))

    await until("the fallback contact", told, seconds=90)
    assert (await clinic.get("/v1/patients/new-person/insights"))["registered"] is False


async def test_an_import_pages_nobody(clinic: Clinic, mail: MailServer, twilio: Twilio) -> None:
    """Bringing in last month's records raises concerns for the morning digest, not messages in the night."""
    await clinic.set_up(patients=("sam", "kim"))
    week_ago = datetime.now(UTC) - timedelta(days=7)
    await clinic.post("/v1/questionnaires", phq9("sam", 2, 2, 1, 1, 1, 1, 0, 0, 3, at=week_ago, origin="import"))
    await clinic.post("/v1/questionnaires", phq9("kim", 2, 2, 1, 1, 1, 1, 0, 0, 2))

    async def both() -> bool:
        alerts = await _open_alerts(clinic, "risk_item")
        return len(alerts) == 2 and bool(mail.to(f"priya@{clinic.name}.example"))

    await until("both alerts, and the live one's message", both)
    routes = {alert["patient"]: alert["route"] for alert in await _open_alerts(clinic, "risk_item")}
    assert routes == {"sam": "digest", "kim": "message"}
    assert len(mail.to(f"priya@{clinic.name}.example")) == 1
    assert len(twilio.about(f"Clinic {clinic.name}")) == 1


async def test_a_question_is_acknowledged_with_when_to_expect_a_reply_and_can_be_answered_and_settled(
    clinic: Clinic,
) -> None:
    """Nobody leaves with a lingering question: asked, answered, settled, and seen in the timeline."""
    await clinic.set_up(patients=("sam",))
    asked = await clinic.post(
        "/v1/questions",
        {"patient": "sam", "text": "Is it normal to feel tired?", "occurred_at": datetime.now(UTC).isoformat()},
    )

    async def known() -> bool:
        return (await clinic.ask("GET", f"/v1/questions/{asked['id']}")).status_code == 200

    await until("the question", known)
    await clinic.post(f"/v1/questions/{asked['id']}/answer", {"text": "Yes, for many people."}, status=200)
    settled = await clinic.post(f"/v1/questions/{asked['id']}/settle", {}, status=200)

    assert asked["safety"]["contacts"]
    assert settled["status"] == "settled"


async def test_an_alert_is_acknowledged_by_a_person_and_closed_with_what_was_done(
    clinic: Clinic, mail: MailServer
) -> None:
    """The link's page shows nothing of the patient and changes nothing until its button is pressed."""
    await clinic.set_up(patients=("sam",))
    await clinic.post("/v1/questionnaires", phq9("sam", 2, 2, 1, 1, 1, 1, 0, 0, 2))

    async def arrived() -> bool:
        return bool(mail.to(f"priya@{clinic.name}.example"))

    await until("the e-mail", arrived)
    (message,) = mail.to(f"priya@{clinic.name}.example")
    link = next(word for word in message.text.split() if word.startswith("https://rapport.example/a/"))
    path = link.removeprefix("https://rapport.example").rstrip(".")
    url = clinic.platform.urls["notify"] + path
    page = await clinic._client.get(url)
    (before,) = await _open_alerts(clinic, "risk_item")
    pressed = await clinic._client.post(url)
    (after,) = await _open_alerts(clinic, "risk_item")
    closed = await clinic.post(
        f"/v1/alerts/{after['alert']}/close", {"disposition": "contacted", "note": "Rang, safe."}, status=200
    )

    assert page.status_code == 200
    assert "sam" not in page.text.lower()
    assert before["status"] == "open"
    assert pressed.status_code in (200, 303)
    assert after["status"] == "acknowledged"
    assert closed["status"] == "closed"
