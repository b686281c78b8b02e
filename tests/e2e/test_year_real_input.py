"""Real people's entries, where their log is beside the repository: caseload and backtest are the oracle's."""

from collections import Counter
from datetime import UTC, datetime

from deploy.demo.replay import declare, replay
from deploy.demo.sender import Sender
from tests import data_moodpath
from tests.e2e.asked import backtest_agrees, caseload_agrees
from tests.e2e.processes import Gateway, Platform
from tests.e2e.truth import agrees, inputs

PEOPLE = 30
ENTRIES = range(30, 160)
"""How many entries somebody has of whom the oracle is asked: enough for a baseline, few enough to be quick."""
PROPOSED = {"base": "starter", "rules": {"mood_shift": {"parameters": {"baseline_days": 10, "baseline_span": 10}}}}


async def test_caseload_and_backtest_of_a_mood_apps_log_are_the_oracles(platform: Platform) -> None:
    """Thirty people: in the order of reading, and what a shorter baseline would have raised of their past."""
    rows = data_moodpath.tidy()
    counts = Counter(row["patient"] for row in rows)
    chosen = [patient for patient, entries in counts.items() if entries in ENTRIES][:PEOPLE]
    log = data_moodpath.as_csv([row for row in rows if row["patient"] in chosen])
    story = replay(log, declare(data_moodpath.MEASURES), "Europe/London", datetime.now(UTC))
    async with platform.clinic() as clinic:
        token = clinic.headers["Authorization"].removeprefix("Bearer ")
        async with Sender(base_url="http://gateway", token=token, transport=Gateway(platform)) as sender:
            sent = await sender.send(story)
        await agrees(clinic)
        found = await inputs(clinic)
        shown = await caseload_agrees(clinic, found)
        rules = await backtest_agrees(clinic, found, PROPOSED, seconds=150)

    print(f"{sent.total} entries of {len(shown)} people")
    assert sent.refused == []
    assert sorted(chosen) == sorted(shown)
    assert rules["mood_shift"]["only_proposed"] > 0
    assert rules["risk_item"]["proposed"] == rules["risk_item"]["both"] > 0
