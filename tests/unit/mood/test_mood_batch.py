"""Mood's door for thousands at once: every line by itself, and what a batch may not be."""

import pytest

from tests.fakes import Failure
from tests.unit.mood.made import Door, at, check_in_body, line, phq9_body


async def test_every_line_of_a_batch_is_judged_by_itself(door: Door) -> None:
    """Good lines are recorded, the others say why not, and blank ones are passed over."""
    answer = await door.batch(
        line("a", check_in_body(occurred_at=at(48), origin="sync")),
        "",
        line("b", check_in_body(mood=-999)),
        '{"key": "c", "type": "sleep_diary"}',
        "not json",
        line("d", phq9_body(1, 1, 1, 1, 1, 1, 1, 1, 1, origin="import")),
        line("e\n", check_in_body()),
        line("f", phq9_body(4)),
    )
    said = answer.json()

    assert answer.status_code == 200
    assert (said["accepted"], said["refused"]) == (2, 5)
    assert [(r["line"], r["key"], r["status"]) for r in said["results"]] == [
        (1, "a", "accepted"),
        (3, "b", "refused"),
        (4, "c", "refused"),
        (5, None, "refused"),
        (6, "d", "accepted"),
        (7, "e\n", "refused"),
        (8, "f", "refused"),
    ]
    assert [r["id"] for r in said["results"] if r["status"] == "accepted"] == [e.id for e in door.log.events]
    problems = {r["line"]: r["problem"] for r in said["results"] if r["status"] == "refused"}
    assert {n: [e["pointer"] for e in p["errors"]] for n, p in problems.items()} == {
        3: ["/mood"],
        4: ["/type"],
        5: [],
        7: ["/key"],
        8: ["/items/1"],
    }
    assert problems[5]["code"] == "not_json"
    assert said["safety"]["prominent"]
    assert answer.headers["Position"] == ",".join(said["positions"])


async def test_a_batch_takes_a_thousand_lines_of_a_patient(door: Door) -> None:
    """What is beyond is refused line by line and recorded by the next batch, just as it is; others are not touched."""
    lines = [line(str(n), check_in_body(patient="sam", mood=n % 10)) for n in range(1_002)]
    answer = await door.batch(*lines, line("other", check_in_body(patient="lee")))
    refused = [result for result in answer.json()["results"] if result["status"] == "refused"]
    again = (await door.batch(*lines[1_000:])).json()

    assert answer.json()["accepted"] == 1_001
    assert [result["key"] for result in refused] == ["1000", "1001"]
    assert {result["problem"]["code"] for result in refused} == {"too_many_of_a_patient"}
    assert (again["accepted"], again["refused"]) == (2, 0)
    assert len({event.id for event in door.log.events}) == 1_003


async def test_a_lines_id_comes_from_its_own_key_and_bytes(door: Door) -> None:
    """So that a retry of some of the lines, in any order, records nothing twice."""
    lines = [line(str(n), check_in_body(mood=n)) for n in range(5)]
    first = [result["id"] for result in (await door.batch(*lines)).json()["results"]]
    again = [result["id"] for result in (await door.batch(*reversed(lines))).json()["results"]]
    changed = (await door.batch(line("0", check_in_body(mood=9)))).json()["results"][0]["id"]

    assert again == first[::-1]
    assert len({*first, changed}) == 6


async def test_a_batch_names_the_last_position_of_each_partition(door: Door) -> None:
    """A read that waits for them sees the whole batch."""
    said = (await door.batch(*(line(str(n), check_in_body(patient=f"p{n}")) for n in range(40)))).json()
    last = {event.position.partition: str(event.position) for event in door.log.events}

    assert said["positions"] == [last[partition] for partition in sorted(last)]
    assert len(last) == 4


async def test_a_broker_failure_is_a_503_for_the_whole_batch(door: Door) -> None:
    """Whatever was recorded of it is dropped by readers when it is sent again."""
    door.log.failure = Failure.UNCONFIRMED
    lines = [line("a", check_in_body()), line("b", check_in_body(mood=-1))]

    assert (await door.batch(*lines)).status_code == 503
    door.log.failure = None
    assert (await door.batch(*lines)).json()["accepted"] == 1
    assert len({event.id for event in door.log.events}) == 1


async def test_a_batch_without_a_good_line_has_no_position(door: Door) -> None:
    """It is answered all the same, with every reason."""
    answer = await door.batch(line("a", check_in_body(mood=11)))

    assert answer.json()["positions"] == []
    assert "Position" not in answer.headers
    assert not answer.json()["safety"]["prominent"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("\n\n", 422, "at least one"),
        ("{}\n" * 10_001, 413, "10,000 lines"),
        (" " * (8 * 1024 * 1024 + 1), 413, "8 MB"),
    ],
)
async def test_a_batch_has_limits_and_says_them(door: Door, body: str, status: int, words: str) -> None:
    """Nothing of it is recorded."""
    answer = await door.post("/v1/events:batch", body, key=None)

    assert answer.status_code == status
    assert words in answer.json()["detail"]
