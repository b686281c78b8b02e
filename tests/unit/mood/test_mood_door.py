"""Mood's door over HTTP, with a log in memory: what is recorded, what is refused and in which words."""

import asyncio
import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.contracts import CheckInRecorded, QuestionnaireCompleted
from shared.contracts.base import Origin
from shared.contracts.safety import NOBODY_TOLD
from shared.contracts.screening import Screening
from shared.crisis_language import SCREEN
from tests.fakes import Failure
from tests.unit.mood.made import (
    CLINIC,
    NOW,
    Door,
    at,
    check_in_body,
    clinic_event,
    phq9_body,
    without_risk_item,
)
from tests.unit.mood.readability import BANNED, GRADE, grade

# --- recording -------------------------------------------------------------------------------------------------------


async def test_a_check_in_is_published_whole_and_answered_with_its_position(door: Door) -> None:
    """What was sent stands on the log under the answered id, and the header says where."""
    sent = check_in_body(energy=5, sleep=7, feelings=[" calm "], note="ü", occurred_at="2026-11-23T18:00:00+09:00")
    answer = await door.check_in(sent)

    (event,) = door.log.events
    expected = CheckInRecorded(
        clinic=CLINIC,
        patient="p-1",
        occurred_at=datetime.fromisoformat("2026-11-23T18:00:00+09:00"),
        local_day=datetime(2026, 11, 23, tzinfo=UTC).date(),
        origin=Origin.LIVE,
        mood=6.5,
        energy=5,
        sleep=7,
        feelings=["calm"],
        note="ü",
        screening=Screening(crisis_language=False, screen=SCREEN, screened=False),
    )
    assert answer.status_code == 202
    assert event.data == expected
    assert event.time == NOW
    assert answer.json()["id"] == event.id == str(UUID(event.id))
    assert answer.json()["kind"] == "check_in"
    assert datetime.fromisoformat(answer.json()["recorded_at"]) == NOW
    assert answer.json()["position"] == answer.headers["Position"] == str(event.position)


@pytest.mark.parametrize(
    ("occurred_at", "local_day"),
    [
        ("2026-11-22T20:59:00-12:00", "2026-11-22"),
        ("2026-11-23T00:10:00+14:00", "2026-11-23"),
        ("2026-11-23T00:30:00+01:00", "2026-11-23"),
        ("2026-11-22T23:30:00Z", "2026-11-22"),
        ("2026-10-25T01:30:00+01:00", "2026-10-25"),
        ("2026-10-25T01:30:00+00:00", "2026-10-25"),
        ("2026-03-29T02:30:00+01:00", "2026-03-29"),
        ("2024-02-29T12:00:00+05:45", "2024-02-29"),
    ],
)
async def test_the_day_is_the_date_in_the_entrys_own_offset(door: Door, occurred_at: str, local_day: str) -> None:
    """Whatever the clinic's zone and however its clocks change."""
    answer = await door.check_in(check_in_body(occurred_at=occurred_at, origin="import"))

    assert answer.status_code == 202, answer.text
    assert door.log.events[0].data.model_dump(mode="json")["local_day"] == local_day


async def test_a_retry_is_the_same_fact_and_anything_else_is_another(door: Door) -> None:
    """The id comes from clinic, client, route, key and body; the time of the retry does not matter."""
    body = check_in_body()
    first = (await door.check_in(body)).json()["id"]
    door.clock.advance(timedelta(minutes=5))
    again = (await door.check_in(body)).json()["id"]
    others = [
        await door.check_in(body, key="k-2"),
        await door.check_in(check_in_body(mood=6)),
        await door.check_in(body, client="other"),
        await door.check_in(json.dumps(body) + " "),
    ]

    assert again == first
    assert len({first, *(other.json()["id"] for other in others)}) == 5


async def test_a_questionnaire_is_scored_for_its_readers(door: Door) -> None:
    """Score and risk answers stand in the event, so that no reader needs the instrument."""
    await door.questionnaire(phq9_body(2, 2, 1, 1, 1, 1, 0, 0, 1))

    fact = door.log.events[0].data
    assert isinstance(fact, QuestionnaireCompleted)
    assert fact.score == 9
    assert [(answer.item, answer.value, answer.recall_days, answer.urgent_from) for answer in fact.risk_answers] == [
        ("9", 1, 14, 2)
    ]


async def test_a_skipped_risk_item_and_an_estimate_stand_in_the_fact(door: Door) -> None:
    """Apart from the score, so that no rule takes an estimate for a total, nor a silence for a 0."""
    answer = await door.questionnaire(phq9_body(2, 2, 1, 2, 1, 1, 1, 0))

    fact = door.log.events[0].data
    assert isinstance(fact, QuestionnaireCompleted)
    assert (fact.score, fact.prorated_score, fact.skipped_risk_items, fact.risk_answers) == (None, 11, ["9"], [])
    assert answer.json()["safety"]["prominent"] is False


async def test_any_plan_said_in_core10_is_prominent_and_told_at_once(door: Door) -> None:
    """Like item 9 of the PHQ-9, and from 1."""
    answers = dict.fromkeys(map(str, range(1, 11)), 0) | {"6": 1}
    safety = (await door.questionnaire(phq9_body(instrument="core10", items=answers))).json()["safety"]

    assert safety["prominent"]
    assert "is being told" in safety["who_will_see_this"]


@pytest.mark.parametrize(("instrument", "total"), [("ors", 23.4), ("srs", 36), ("wai-sr", 4.25), ("wsas-32", 20)])
async def test_a_total_is_recorded_whether_or_not_the_wording_may_be_shown(
    door: Door, instrument: str, total: float
) -> None:
    """By name and number, without any licence."""
    body = phq9_body(instrument=instrument, total=total)
    del body["items"]

    assert (await door.questionnaire(body)).status_code == 202
    assert door.log.events[0].data.model_dump()["score"] == total


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"instrument": "ors", "items": {"1": 5}}, "/items", "send its total alone, from 0 to 40"),
        ({"instrument": "ors", "items": {"1": 5}, "total": 20}, "/items", "send its total alone"),
        ({"instrument": "srs"}, "/total", "send its total alone"),
        ({"instrument": "wai-sr", "total": 60}, "/total", "from 1 to 5"),
        ({"instrument": "who5", "total": 13}, "/total", "in steps of 4 (the sum times 4)"),
        ({"instrument": "k10-50", "items": {"1": 0}}, "/items/1", "from 1 to 5"),
        ({"instrument": "wsas-32", "items": {"1": 0}}, "/items/1", "it has 2, 3, 4, 5"),
        ({"instrument": "k10", "total": 25}, "/instrument", "k10-50 for K10 (10 to 50) or k10-40"),
        ({"instrument": "core10", "items": {"2": 5}}, "/items/2", "from 0 to 4"),
    ],
)
async def test_what_an_instrument_does_not_take_is_refused_with_what_it_does(
    door: Door, body: dict[str, Any], pointer: str, words: str
) -> None:
    """The field, and what to send instead; nothing is recorded."""
    answer = await door.questionnaire({"patient": "p-1", "occurred_at": at(0)} | body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert words in answer.json()["errors"][0]["message"]
    assert door.log.events == []


# --- refusing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"mood": -999}, "/mood", "from 0 (worst) to 10 (best)"),
        ({"mood": 10.01}, "/mood", "from 0 (worst) to 10 (best)"),
        ({"mood": 5.555}, "/mood", "two decimals"),
        ({"mood": "5"}, "/mood", "number"),
        ({"mood": True}, "/mood", "number"),
        ({"mood": None}, "/mood", "number"),
        ({"mood": math.nan}, "/mood", "number"),
        ({"mood": math.inf}, "/mood", "number"),
        ({"energy": 11}, "/energy", "0 to 10"),
        ({"energy": 5.5}, "/energy", "whole number"),
        ({"sleep": -1}, "/sleep", "0 (very badly) to 10"),
        ({"feelings": ["x" * 41]}, "/feelings/0", "1 to 40 characters"),
        ({"feelings": ["x"] * 21}, "/feelings", "at most 20"),
        ({"feelings": "calm"}, "/feelings", "list"),
        ({"note": "x" * 2001}, "/note", "2000"),
        ({"patient": "a/b"}, "/patient", "letters, digits"),
        ({"patient": ""}, "/patient", "1 to 64"),
        ({"origin": "offline"}, "/origin", "live (now), sync"),
        ({"moood": 5}, "/moood", "check its spelling"),
        ({"occurred_at": "2026-11-23T09:00:00"}, "/occurred_at", "with the offset"),
        ({"occurred_at": "2026-11-23"}, "/occurred_at", "with the offset"),
        ({"occurred_at": "yesterday"}, "/occurred_at", "with the offset"),
        ({"occurred_at": 1_795_000_000}, "/occurred_at", "with the offset"),
        ({"occurred_at": "1795000000"}, "/occurred_at", "with the offset"),
        ({"occurred_at": "2099-01-01T00:00:00+00:00"}, "/occurred_at", "in the future"),
        ({"occurred_at": at(-0.17)}, "/occurred_at", "in the future"),
        ({"occurred_at": at(24.1)}, "/occurred_at", "send origin sync"),
        ({"occurred_at": at(90 * 24 + 1), "origin": "sync"}, "/occurred_at", "send origin import"),
        ({"occurred_at": "1899-12-31T00:00:00+00:00", "origin": "import"}, "/occurred_at", "before 1900"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00", "origin": "import"}, "/occurred_at", "before 1900"),
        ({"occurred_at": "2026-11-23T09:00:00+14:01", "origin": "import"}, "/occurred_at", "-12:00 to +14:00"),
        ({"occurred_at": "2026-11-22T09:00:00-12:01", "origin": "import"}, "/occurred_at", "-12:00 to +14:00"),
    ],
)
async def test_the_impossible_is_refused_and_nothing_is_recorded(
    door: Door, changes: dict[str, Any], pointer: str, words: str
) -> None:
    """The field is named, and what to send instead."""
    answer = await door.check_in(check_in_body(**changes))

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert words in answer.json()["errors"][0]["message"]
    assert door.log.events == []


@pytest.mark.parametrize(
    ("hours", "origin"),
    [
        (0, "live"),
        (-0.16, "live"),
        (24, "live"),
        (24.1, "sync"),
        (90 * 24, "sync"),
        (-0.16, "import"),
        (40_000, "import"),
    ],
)
async def test_what_is_just_possible_is_recorded(door: Door, hours: float, origin: str) -> None:
    """A clock a little ahead, a day ago live, ninety days ago made offline, years ago imported."""
    assert (await door.check_in(check_in_body(occurred_at=at(hours), origin=origin))).status_code == 202


async def test_a_refusal_names_every_field_at_once_and_repeats_nothing(door: Door) -> None:
    """One correction is enough, and what a patient wrote does not come back."""
    answer = await door.check_in({"mood": "she hit me", "note": 5, "origin": "she hit me"})

    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/patient", "/mood", "/note", "/occurred_at", "/origin"}
    assert "hit" not in answer.text


@pytest.mark.parametrize(
    "body", ["", "{", "mood=5", b"\xff\xfe", '{"note": "\ud800"}'.encode("utf-8", "surrogatepass")]
)
async def test_what_is_not_json_is_a_400(door: Door, body: Any) -> None:
    """With a word on what to send."""
    answer = await door.check_in(body)

    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


@pytest.mark.parametrize("body", ["[]", "null", "5", '"x"', "[1]"])
async def test_json_that_is_no_object_is_a_422(door: Door, body: str) -> None:
    """The example in the API document is pointed to."""
    answer = await door.check_in(body)

    assert answer.status_code == 422
    assert "JSON object" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("key", [None, "", "x" * 256])
@pytest.mark.parametrize("path", ["/v1/check-ins", "/v1/questionnaires"])
async def test_a_key_is_mandatory(door: Door, path: str, key: str | None) -> None:
    """Without it a retry could not be told from a second entry."""
    answer = await door.post(path, check_in_body(), key=key)

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("path", ["/v1/check-ins", "/v1/questionnaires", "/v1/events:batch"])
async def test_every_door_is_locked(door: Door, path: str) -> None:
    """No token is a 401; one that may only read is a 403."""
    nobody = await door.http.post(path, content=b"{}", headers={"Idempotency-Key": "k"})
    reader = await door.post(path, check_in_body(), scopes=("entries:read",))

    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert reader.status_code == 403


@pytest.mark.parametrize("path", ["/v1/check-ins", "/v1/questionnaires"])
async def test_too_much_is_a_413_that_says_how_much_is_taken(door: Door, path: str) -> None:
    """Also where the length is not announced."""

    async def pieces() -> Any:
        for _ in range(70):
            yield b" " * 1024

    announced = await door.post(path, check_in_body(note="x" * 70_000))
    headers = door.token() | {"Idempotency-Key": "k"}
    streamed = await door.http.post(path, content=pieces(), headers=headers)

    for answer in (announced, streamed):
        assert answer.status_code == 413
        assert "64 kB" in answer.json()["detail"]


async def test_a_wrong_method_is_told_so_on_a_direct_route_too(door: Door) -> None:
    """The shortcut takes only what it is for."""
    assert (await door.http.get("/v1/check-ins", headers=door.token())).status_code == 405


async def test_what_may_not_be_recorded_is_a_503_and_the_retry_is_the_same_fact(door: Door) -> None:
    """The broker recorded it and its answer was lost: the same key brings the same id."""
    door.log.failure = Failure.UNCONFIRMED
    uncertain = await door.check_in(check_in_body())
    door.log.failure = None
    retried = await door.check_in(check_in_body())

    assert (uncertain.status_code, uncertain.headers["retry-after"]) == (503, "2")
    assert retried.status_code == 202
    assert [event.id for event in door.log.events] == [retried.json()["id"]] * 2


async def test_a_clinic_that_is_not_set_up_is_told_how(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without settings nobody could be told of a concern."""
    monkeypatch.setattr("services.mood.handlers.clinics.WAIT", 0.01)
    answer = await door.check_in(check_in_body(), clinic="elsewhere")

    assert (answer.status_code, answer.json()["code"]) == (409, "clinic_not_set_up")
    assert "PUT /v1/clinic" in answer.json()["detail"]
    assert door.log.events == []


async def test_a_clinic_set_up_a_moment_ago_is_waited_for(door: Door) -> None:
    """The table may be a moment behind."""
    asking = asyncio.create_task(door.check_in(check_in_body(), clinic="elsewhere"))
    await asyncio.sleep(0)
    await door.clinics.apply(clinic_event("elsewhere"))

    assert (await asking).status_code == 202


# --- safety ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "prominent", "told"), [(0, False, False), (1, True, False), (2, True, True)])
async def test_item_nine_above_zero_is_prominent_in_the_answer_itself(
    door: Door, value: int, *, prominent: bool, told: bool
) -> None:
    """Also of a partial questionnaire; from 1 the care team is told, from 2 at once, and the answer says by when."""
    safety = (await door.questionnaire(phq9_body(items={"9": value}))).json()["safety"]

    assert safety["prominent"] is prominent
    assert ("is being told" in safety["who_will_see_this"]) is told
    assert ("by 5pm on" in safety["who_will_see_this"]) is prominent
    assert (safety["seen_by"] is not None) is prominent
    assert safety["contacts"][0]["number"] == "999"
    assert "not monitored round the clock" in safety["monitoring"]


async def test_an_import_is_not_promised_what_it_does_not_get(door: Door) -> None:
    """It pages nobody, and says nothing of being told; what helps now is shown all the same."""
    safety = (await door.questionnaire(phq9_body(items={"9": 3}, origin="import"))).json()["safety"]

    assert safety["prominent"]
    assert (safety["who_will_see_this"], safety["seen_by"]) == (NOBODY_TOLD, None)


async def test_a_clinic_without_the_risk_rule_promises_nobody_at_once(door: Door) -> None:
    """The words follow the rules in force."""
    await door.clinics.apply(clinic_event(rule_set=without_risk_item(), version=2))
    safety = (await door.questionnaire(phq9_body(items={"9": 3}))).json()["safety"]

    assert safety["prominent"]
    assert (safety["who_will_see_this"], safety["seen_by"]) == (NOBODY_TOLD, None)


async def test_an_everyday_entry_is_promised_no_time_for_nothing_makes_anybody_look(door: Door) -> None:
    """In plain words that nobody may look before the next session, and where help is now."""
    safety = (await door.check_in(check_in_body())).json()["safety"]

    assert (safety["who_will_see_this"], safety["seen_by"]) == (NOBODY_TOLD, None)
    assert safety["contacts"][0]["number"] == "999"
    assert grade(NOBODY_TOLD) <= GRADE
    assert [word for word in BANNED if re.search(word, NOBODY_TOLD.lower())] == []


async def test_the_promise_moves_with_the_clock_and_the_clinics_settings(door: Door) -> None:
    """In hours by today's closing time, out of hours by the next opening; never one that was remembered too long."""

    async def seen_by() -> str:
        return str((await door.questionnaire(phq9_body(items={"9": 3}, origin="sync"))).json()["safety"]["seen_by"])

    assert await seen_by() == "2026-11-23T17:00:00Z"
    door.clock.set(datetime(2026, 11, 23, 17, 0, tzinfo=UTC))
    assert await seen_by() == "2026-11-24T09:00:00Z"
