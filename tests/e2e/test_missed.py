"""A session missed after an answer about harm, from the front desk to the clinician's inbox, on the whole platform."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.processes import Clinic, phq9, until
from tests.providers import MailServer, Twilio


async def test_a_session_not_attended_after_an_answer_about_harm_is_told_at_once_and_a_slip_withdraws_it(
    clinic: Clinic, mail: MailServer, twilio: Twilio
) -> None:
    """The answer alone is an e-mail; the absence an e-mail and an SMS. The brief shows both; a correction ends one."""
    await clinic.set_up(patients=("sam",))
    now = datetime.now(UTC)
    await clinic.post("/v1/questionnaires", phq9("sam", 1, 1, 0, 0, 0, 0, 0, 0, 1, at=now - timedelta(hours=2)))
    planned = {"session": "sam-s1", "scheduled_at": (now - timedelta(hours=1)).isoformat()}
    await clinic.post("/v1/patients/sam/sessions", planned, status=201)
    await clinic.post("/v1/sessions/sam-s1/attendance", {"attendance": "did_not_attend"}, status=200)

    async def alert() -> dict[str, Any] | None:
        alerts = (await clinic.get("/v1/alerts"))["items"]
        return next((one for one in alerts if one["rule"] == "missed_sessions"), None)

    async def arrived() -> bool:
        mails = mail.to(f"priya@{clinic.name}.example")
        return len(mails) == 2 and len(twilio.about(f"Clinic {clinic.name}")) == 1

    opened = await until("the alert", alert)
    await until("two e-mails and an SMS", arrived)
    brief = await clinic.get("/v1/patients/sam/brief")
    await clinic.post("/v1/sessions/sam-s1/attendance", {"attendance": "attended"}, status=200)

    async def closed() -> bool:
        return (await alert() or {})["status"] == "closed"

    await until("the alert to be closed", closed)
    (sms,) = twilio.about(f"Clinic {clinic.name}")
    assert [(one["id"], one["urgency"]) for one in opened["told"]] == [("session/sam-s1/did_not_attend", "at_once")]
    assert opened["reference"] in sms.body
    assert "sam" not in sms.body.lower()
    assert [one["rule"] for one in brief["concerns"]] == ["risk_item", "missed_sessions"]
    assert brief["missed_in_a_row"] == 1
