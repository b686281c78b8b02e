"""Corrections and withdrawals, over HTTP, on the real broker and store."""

import json
import uuid
from typing import Any

from shared.auth import DevelopmentIssuer
from tests.fakes import FakeClock
from tests.integration.mood.house import Client, again, running
from tests.integration.service import MONDAY
from tests.stack import Stack


async def test_a_timeline_shows_what_counts_and_what_was_said_before(
    stack: Stack, harbour: Client, clock: FakeClock, issuer: DevelopmentIssuer
) -> None:
    """Nothing is overwritten; progress uses what counts; and a store rebuilt from the topics says the same."""
    wrong, kept = await harbour.check_in(mood=2), await harbour.check_in(mood=6)
    asked = await harbour.phq9(0, 0, 0, 0, 0, 0, 0, 0, 0)

    async def change(path: str, **body: Any) -> str:
        whole = {"patient": "sam", "occurred_at": MONDAY.isoformat()} | body
        answer = await harbour.post(path, json.dumps(whole))
        assert answer.status_code == 202, answer.text
        return str(answer.headers["Position"])

    positions = [
        await change(f"/v1/check-ins/{wrong.json()['id']}/corrections", mood=8, note="I had slid too far"),
        await change(f"/v1/entries/{asked.json()['id']}/withdrawal", why="my son filled it in"),
        await change("/v1/check-ins/unknown/corrections", mood=1),
        kept.headers["Position"],
    ]
    shown = await harbour.get("/v1/patients/sam/timeline", *positions)
    progress = await harbour.get("/v1/patients/sam/progress")
    entries = {entry["id"]: entry for entry in shown["items"]}
    corrected, withdrawn = entries[wrong.json()["id"]], entries[asked.json()["id"]]

    assert len(entries) == 3
    assert (corrected["values"]["mood"], corrected["values"]["note"]) == (8, "I had slid too far")
    assert [before["values"]["mood"] for before in corrected["previous"]] == [2]
    assert corrected["corrected_at"] == "2026-11-23T09:30:00Z"
    assert (withdrawn["withdrawn_at"], withdrawn["withdrawn_why"]) == ("2026-11-23T09:30:00Z", "my son filled it in")
    assert (progress["this_week"]["entries"], progress["this_week"]["mean_mood"]) == (2, 7)
    assert progress["since_start"]["scores"] == []
    async with running(stack, prefix=f"test_{uuid.uuid4().hex[:8]}", clock=clock, issuer=issuer) as fresh:
        assert await again(harbour, fresh).get("/v1/patients/sam/timeline", *positions) == shown


async def test_corrections_of_another_clinic_change_nothing(harbour: Client, stranger: Client) -> None:
    """The id of an entry is not enough: it is looked for among the caller's own patients."""
    mine = await harbour.check_in(mood=2)
    body = json.dumps({"patient": "sam", "occurred_at": MONDAY.isoformat(), "mood": 9})
    theirs = await stranger.post(f"/v1/check-ins/{mine.json()['id']}/corrections", body)
    shown = await harbour.get("/v1/patients/sam/timeline", mine.headers["Position"], theirs.headers["Position"])

    assert [entry["values"]["mood"] for entry in shown["items"]] == [2]
