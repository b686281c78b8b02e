"""Questions: acknowledged at once, answered, settled, listed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.intake.clinic_system import Client, Intake, question
from tests.integration.service import MONDAY


async def test_a_question_is_acknowledged_with_when_to_expect_a_reply(harbour: Client) -> None:
    """Asked on a Monday in a language nobody screens: by Tuesday, 5pm; who sees it by when, and crisis contacts."""
    words = "هل هذا طبيعي؟\n👩‍👧 \u200c"
    asked = await harbour.do("POST", "/v1/questions", question(text=words))
    receipt = asked.json()
    seen = await harbour.get(f"/v1/questions/{receipt['id']}", **{"Wait-For-Position": receipt["position"]})

    assert asked.status_code == 202
    assert asked.headers["Position"] == receipt["position"]
    assert datetime.fromisoformat(receipt["expect_reply_by"]) == datetime(2026, 11, 24, 17, tzinfo=UTC)
    assert "by 5pm on Tuesday 24 November 2026" in receipt["what_to_expect"]
    assert receipt["registered"] is True
    assert receipt["safety"]["contacts"][0]["number"] == "999"
    assert receipt["safety"]["prominent"] is False
    assert (seen["text"], seen["status"], seen["local_day"]) == (words, "open", "2026-11-23")
    assert seen["expect_reply_by"] == receipt["expect_reply_by"]


async def test_a_retried_question_is_the_same_question(harbour: Client) -> None:
    """The same key and body: one question. The same key with other words: another one."""
    first = (await harbour.do("POST", "/v1/questions", question(), key="k")).json()
    retry = (await harbour.do("POST", "/v1/questions", question(), key="k")).json()
    other = (await harbour.do("POST", "/v1/questions", question(text="Why?"), key="k")).json()
    headers = {"Wait-For-Position": f"{retry['position']},{other['position']}"}
    listed = await harbour.get("/v1/questions", **headers)

    assert retry["id"] == first["id"]
    assert other["id"] != first["id"]
    assert {one["id"] for one in listed["items"]} == {first["id"], other["id"]}
    assert len(listed["items"]) == 2


async def test_a_question_of_somebody_not_registered_is_taken_and_said_to_be(harbour: Client) -> None:
    """Nobody is turned away because a form was not filled in yet."""
    asked = (await harbour.do("POST", "/v1/questions", question(patient="new"))).json()

    assert asked["registered"] is False


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"occurred_at": "2026-11-23T09:00:00"}, "/occurred_at"),
        ({"occurred_at": 1_795_426_200}, "/occurred_at"),
        ({"occurred_at": "2099-11-23T09:00:00Z"}, "/occurred_at"),
        ({"occurred_at": "2026-11-20T09:00:00Z"}, "/origin"),
        ({"text": "   "}, "/text"),
        ({"text": "x" * 2001}, "/text"),
        ({"patient": "a/b"}, "/patient"),
        ({"clinic": "another"}, "/clinic"),
    ],
)
async def test_a_question_that_cannot_be_is_refused_and_not_recorded(
    harbour: Client, change: dict[str, Any], pointer: str
) -> None:
    """Nothing reaches the bus: the next question is the only one."""
    refused = await harbour.ask("POST", "/v1/questions", question(**change))
    asked = (await harbour.do("POST", "/v1/questions", question())).json()
    listed = await harbour.get("/v1/questions", **{"Wait-For-Position": asked["position"]})

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    assert [one["id"] for one in listed["items"]] == [asked["id"]]


async def test_a_question_is_answered_settled_and_listed_by_status(intake: Intake, harbour: Client) -> None:
    """Answered right after it was asked; a second answer is refused; a retry of the first is not."""
    ids = [(await harbour.do("POST", "/v1/questions", question(text=text))).json()["id"] for text in ("a", "b", "c")]
    intake.clock.advance(timedelta(minutes=5))
    answer = {"text": "Yes.", "by": "Priya"}
    answered = await harbour.do("POST", f"/v1/questions/{ids[0]}/answer", answer, key="k")
    intake.clock.advance(timedelta(minutes=5))
    settled = await harbour.do("POST", f"/v1/questions/{ids[1]}/settle", {})
    retried = await harbour.do("POST", f"/v1/questions/{ids[0]}/answer", answer, key="k")
    second = await harbour.ask("POST", f"/v1/questions/{ids[0]}/answer", answer)
    waits = {"Wait-For-Position": settled.headers["Position"]}

    assert (answered.json()["status"], answered.json()["answered_by"]) == ("answered", "Priya")
    assert settled.json()["status"] == "settled"
    assert retried.json() == answered.json()
    assert (second.status_code, second.json()["code"]) == (409, "already_answered")
    for status, number in (("open", 2), ("answered", 0), ("settled", 1)):
        listed = await harbour.get(f"/v1/questions?status={status}", **waits)
        assert [one["id"] for one in listed["items"]] == [ids[number]]
    since = (MONDAY + timedelta(minutes=1)).isoformat()
    news = (await harbour.http.get("/v1/questions", params={"updated_since": since, "limit": 1})).json()
    rest = (await harbour.http.get("/v1/questions", params={"cursor": news["next"]})).json()
    assert [one["id"] for one in news["items"] + rest["items"]] == [ids[0], ids[1]]
