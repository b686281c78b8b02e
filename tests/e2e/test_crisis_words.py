"""What a patient writes in a crisis, from the door to the inbox, and a question that outlives its session."""

from datetime import UTC, datetime, timedelta

from tests.e2e.processes import Clinic, check_in, until
from tests.e2e.truth import agrees, told
from tests.providers import MailServer, Twilio

NOTE = "I don't want to be here any more, I have been saving all my pills."


async def test_words_of_a_crisis_reach_the_clinician_at_once_and_no_message_holds_them(
    clinic: Clinic, mail: MailServer, twilio: Twilio
) -> None:
    """A note and a question: help first for the patient, one alert, both channels, none of what was written."""
    await clinic.set_up(patients=("sam",))
    noted = await clinic.post("/v1/check-ins", check_in("sam", 2) | {"note": NOTE})

    async def arrived() -> bool:
        return bool(mail.to(f"priya@{clinic.name}.example")) and bool(twilio.about(f"Clinic {clinic.name}"))

    await until("both messages", arrived)
    asked = await clinic.post(
        "/v1/questions",
        {"patient": "sam", "text": "Why can't I stop wanting to die?", "occurred_at": datetime.now(UTC).isoformat()},
    )

    async def both() -> list[dict] | None:
        alerts = [one for one in (await clinic.get("/v1/alerts"))["items"] if one["rule"] == "crisis_language"]
        return alerts if alerts and len(alerts[0]["told"]) == 2 else None

    (alert,) = await until("the question in the same alert", both)
    assert noted["safety"]["prominent"] is True
    assert asked["safety"]["prominent"] is True
    assert "is being told" in asked["safety"]["who_will_see_this"]
    assert {one["id"] for one in alert["told"]} == {noted["id"], asked["id"]}
    for text in [message.text for message in mail.to(f"priya@{clinic.name}.example")]:
        assert "pills" not in text
        assert "sam" not in text.lower()


async def test_a_question_not_settled_when_its_session_ended_is_a_concern_until_the_patient_says_so(
    clinic: Clinic,
) -> None:
    """Answered is not settled; the platform and the oracle agree before and after."""
    await clinic.set_up(patients=("sam",))
    now = datetime.now(UTC)
    asked = await clinic.post(
        "/v1/questions",
        {"patient": "sam", "text": "Why exposure?", "occurred_at": (now - timedelta(hours=5)).isoformat()},
    )
    held = {"session": "s1", "scheduled_at": (now - timedelta(hours=4)).isoformat()}
    await clinic.post("/v1/patients/sam/sessions", held, status=201)
    await clinic.post("/v1/sessions/s1/attendance", {"attendance": "attended"}, status=200)
    await clinic.post(f"/v1/questions/{asked['id']}/answer", {"text": "Because it works."}, status=200)

    async def rules() -> list[str]:
        answer = await clinic.ask("GET", "/v1/patients/sam/insights")
        concerns = answer.json().get("concerns", []) if answer.status_code == 200 else []
        return [one["rule"] for one in concerns]

    async def lingers() -> bool:
        return "lingering_question" in await rules()

    async def settled() -> bool:
        return "lingering_question" not in await rules()

    await until("the concern", lingers)
    await agrees(clinic)
    await told(clinic)
    await clinic.post(f"/v1/questions/{asked['id']}/settle", {}, status=200)
    await until("its end", settled)
    await agrees(clinic)
