"""Whatever is sent: either a valid fact is recorded or there is a refusal, and never a 500."""

import asyncio
import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bus import Message
from shared.bus.records import encode
from tests.unit.mood.made import NOW, at, line, open_door

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
times = st.sampled_from([at(0), at(23), at(24 * 80), "2099-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"]) | st.one_of(
    st.datetimes().map(lambda moment: f"{moment.isoformat()}+14:00"), scalars
)
origins = st.sampled_from(["live", "sync", "import", "x", None])
check_ins = st.fixed_dictionaries(
    {"patient": st.just("p") | scalars, "mood": st.floats(0, 10) | st.integers(-1, 11) | scalars, "occurred_at": times},
    optional={
        "energy": st.integers(-1, 11) | scalars,
        "sleep": anything,
        "feelings": st.lists(st.text(max_size=45), max_size=22) | anything,
        "note": st.text(max_size=40) | anything,
        "origin": origins,
        "else": anything,
    },
)
named = st.dictionaries(
    st.sampled_from([*map(str, range(11)), "sleep", "harm"]) | st.text(max_size=5), st.integers(-1, 4) | scalars
)
questionnaires = st.fixed_dictionaries(
    {
        "patient": st.just("p") | scalars,
        "instrument": st.sampled_from(
            ["phq9", "gad7", "core10", "who5", "wsas-40", "k10-50", "ors", "wsas", "safe", "fatigue", "x"]
        )
        | scalars,
        "occurred_at": times,
    },
    optional={"items": named | anything, "total": st.integers(-1, 45) | scalars, "origin": origins},
)
bodies = check_ins | questionnaires | anything


def sent(body: Any) -> bytes:
    """JSON as a careless client writes it: with NaN, infinities and lone surrogates."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


async def record(path: str, body: bytes) -> tuple[int, list[Message]]:
    """The status, and what was recorded."""
    async with open_door() as door:
        answer = await door.post(path, body)
        return answer.status_code, [Message(event.id, event.time, event.data) for event in door.log.events]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["/v1/check-ins", "/v1/questionnaires"]), bodies.map(sent) | st.binary(max_size=60))
def test_any_json_is_either_a_fact_or_a_refusal(path: str, body: bytes) -> None:
    """What is recorded keeps its contract when read again; what is refused leaves nothing."""
    status, recorded = asyncio.run(record(path, body))

    assert status in (202, 400, 422)
    assert len(recorded) == (status == 202)
    for message in recorded:
        read = type(message.data).model_validate_json(encode(message).value or b"")
        assert read == message.data
        assert (message.data.clinic, message.time) == ("harbour", NOW)
        score = getattr(read, "score", None)
        assert score is None or math.isfinite(score)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(scalars, bodies) | st.binary(max_size=40), min_size=1, max_size=6))
def test_any_lines_are_each_accepted_or_refused(lines: list[Any]) -> None:
    """A batch always has one result for each line, and as many facts as it says."""
    raw = [
        one.replace(b"\n", b" ")
        if isinstance(one, bytes)
        else (sent({"key": one[0], "type": "check_in"} | (one[1] if isinstance(one[1], dict) else {"value": one[1]})))
        for one in lines
    ]
    raw.append(line("good", {"patient": "p", "mood": 5, "occurred_at": at(0)}).encode())

    async def post() -> tuple[int, Any, int]:
        async with open_door() as door:
            answer = await door.post("/v1/events:batch", b"\n".join(raw), key=None)
            return answer.status_code, answer.json(), len(door.log.events)

    status, said, recorded = asyncio.run(post())
    assert status == 200
    assert said["accepted"] == recorded >= 1
    assert said["accepted"] + said["refused"] == len(said["results"]) == sum(bool(one.strip()) for one in raw)
