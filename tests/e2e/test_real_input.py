"""Real people's entries through the gateway: every one in the timeline, every concern explained by the oracle."""

from collections import Counter
from datetime import UTC, datetime

from deploy.demo.replay import declare, replay
from deploy.demo.sender import Sender
from tests import data_moodpath
from tests.e2e.processes import Clinic, Gateway, Platform, until
from tests.e2e.truth import agrees, inputs


async def test_a_mood_apps_log_is_taken_whole_and_every_concern_is_the_oracles(platform: Platform) -> None:
    """166 people's smileys and answers about death: nothing is lost, nothing is raised without reason."""
    story = replay(
        data_moodpath.as_csv(data_moodpath.tidy()), declare(data_moodpath.MEASURES), "Europe/London", datetime.now(UTC)
    )
    async with platform.clinic() as clinic:
        token = clinic.headers["Authorization"].removeprefix("Bearer ")
        async with Sender(base_url="http://gateway", token=token, transport=Gateway(platform)) as sender:
            sent = await sender.send(story)

        assessments = await agrees(clinic, seconds=180)
        facts = {patient: {fact["id"] for fact in of.facts} for patient, of in (await inputs(clinic)).items()}

        async def shown() -> bool:
            return {patient: await _timeline(clinic, patient) for patient in facts} == facts

        await until("every entry in its timeline", shown, seconds=60)
        rules = Counter(concern["rule"] for one in assessments.values() for concern in one["concerns"])

    print(f"{sent.total} entries of {len(facts)} people in {sent.seconds:.1f} s; concerns: {dict(rules)}")
    assert sent.refused == []
    assert sum(map(len, facts.values())) == sent.accepted["check_in"] + sent.accepted["questionnaire"]
    assert rules["risk_item"] > 0


async def _timeline(clinic: Clinic, patient: str) -> set[str]:
    """The ids of all entries of a patient's timeline, page by page."""
    found: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        page = await clinic.get(f"/v1/patients/{patient}/timeline?limit=200" + (f"&cursor={cursor}" if cursor else ""))
        found |= {entry["id"] for entry in page["items"]}
        cursor = page.get("next")
    return found
