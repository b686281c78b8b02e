"""A coping strategy from the first check-in to the day it is withheld, on four processes, a real broker and store."""

from datetime import UTC, datetime
from typing import Any

from tests.e2e.processes import Clinic, check_in, phq9, until

SUGGESTIONS = "/v1/patients/sam/strategies/suggestions"


async def suggested(clinic: Clinic) -> dict[str, Any]:
    answer: dict[str, Any] = await clinic.post(SUGGESTIONS, {}, status=200)
    return answer


async def test_a_strategy_is_suggested_once_insights_has_looked_and_withheld_once_harm_is_spoken_of(
    clinic: Clinic,
) -> None:
    """Insights' own word opens the gate and shuts it; what was tried stands on the timeline and in the reason."""
    await clinic.set_up(patients=("sam",))
    await clinic.post("/v1/check-ins", check_in("sam", 5) | {"energy": 9})
    drawn: dict[str, Any] = {}

    async def open_gate() -> bool:
        drawn.update(await suggested(clinic))
        return bool(drawn["suggestions"])

    await until("insights has looked and something is suggested", open_gate)
    name = drawn["suggestions"][0]["strategy"]["id"]
    for _ in range(3):
        body = {"strategy": name, "before": 7, "after": 5, "suggestion": drawn["id"]}
        tried = await clinic.post(
            "/v1/patients/sam/strategies/tried", body | {"occurred_at": datetime.now(UTC).isoformat()}
        )
    own = await clinic.get("/v1/patients/sam/strategies", after=tried["position"])
    timeline = await clinic.get("/v1/patients/sam/timeline?kinds=strategy_tried")

    assert own["tried"][0]["reason"] == "It helped you 3 of 3 times. Your distress fell by 2 points, on average."
    assert [item["values"]["strategy"] for item in timeline["items"]] == [name] * 3
    assert drawn["safety"]["prominent"] is False

    await clinic.post("/v1/questionnaires", phq9("sam", 0, 0, 0, 0, 0, 0, 0, 0, 1))
    withheld: dict[str, Any] = {}

    async def shut() -> bool:
        withheld.update(await suggested(clinic))
        return withheld["none_because"] == "concern"

    await until("nothing is suggested any more", shut)
    assert (withheld["suggestions"], withheld["pinned"], withheld["safety"]["prominent"]) == ([], [], True)
