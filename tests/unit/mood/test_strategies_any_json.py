"""Whatever is sent of strategies: either a valid fact is recorded or there is a refusal, and never a 500."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.mood.domain import LIBRARY
from tests.unit.mood.made import at, open_door

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
names = st.sampled_from([*LIBRARY, "unknown", "a/b", ""]) | scalars
bodies = st.dictionaries(st.text(max_size=8), scalars, max_size=4) | st.fixed_dictionaries(
    {"occurred_at": st.sampled_from([at(0), at(23), "2099-01-01T00:00:00Z"]) | scalars},
    optional={
        "strategy": names,
        "strategies": st.none() | st.lists(names, max_size=4),
        "before": st.integers(-1, 11) | scalars,
        "after": st.integers(-1, 11) | scalars,
        "suggestion": st.text(max_size=70) | scalars,
        "origin": st.sampled_from(["live", "sync", "import", "x"]),
    },
)
roles = st.sampled_from(["patient", "therapist", "clinic_system", "admin", "x"])


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from([("POST", "tried"), ("PUT", "pinned"), ("PUT", "allowed"), ("POST", "suggestions")]),
    bodies.map(lambda body: json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    | st.binary(max_size=60),
    roles,
)
def test_any_json_is_either_a_fact_or_a_refusal(door_of: tuple[str, str], body: bytes, role: str) -> None:
    """Accepted: one fact that reads as it was written, and can be applied. Refused: nothing."""
    verb, path = door_of

    async def send() -> tuple[int, list[Any]]:
        async with open_door() as door:
            headers = door.token(role=role) | {"Idempotency-Key": "k"}
            answer = await door.http.request(verb, f"/v1/patients/p/strategies/{path}", content=body, headers=headers)
            await door.follow()
            return answer.status_code, [event.data for event in door.log.events]

    status, recorded = asyncio.run(send())

    assert status in (202, 400, 403, 404, 422)
    assert len(recorded) == (status == 202)
    for fact in recorded:
        assert type(fact).model_validate_json(fact.model_dump_json()) == fact
