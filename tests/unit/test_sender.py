"""The sender against a stand-in of the gateway: what goes where, in which order, with which key, and after trouble."""

import asyncio
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from rich.console import Console

from deploy.demo.sender import Sender, SendError
from deploy.demo.simulation import simulate

NOW = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
STORY = simulate(4, 12, 4, NOW)


@dataclass
class Gateway:
    """Answers as the gateway's API says it does, and remembers what it was sent.

    trouble: answers to give instead, in turn, to the next requests whose path ends so; line_trouble: the problems of
    the lines with these keys.
    """

    trouble: list[tuple[str, httpx.Response | Exception]] = field(default_factory=list)
    line_trouble: dict[str, dict[str, Any]] = field(default_factory=dict)
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    order: list[tuple[str, str, str]] = field(default_factory=list)
    at_once: int = 0
    busiest: int = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """One request and its answer."""
        self.at_once += 1
        self.busiest = max(self.busiest, self.at_once)
        await asyncio.sleep(0)
        try:
            return self.answer(request)
        finally:
            self.at_once -= 1

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the request comes to."""
        path = request.url.path
        self.requests.append((request.method, path))
        assert request.headers["Authorization"] == "Bearer secret"
        for number, (ending, instead) in enumerate(self.trouble):
            if path.endswith(ending):
                del self.trouble[number]
                if isinstance(instead, Exception):
                    raise instead
                return instead
        if request.method == "PUT":
            return httpx.Response(200, json={"version": 1})
        if path == "/v1/events:batch":
            return self.batch(request)
        body = json.loads(request.content)
        key = request.headers["Idempotency-Key"]
        self.store(key, path, body)
        if path.endswith("/sessions"):
            return httpx.Response(201, json={"session": body["session"]})
        if path.endswith(("/answer", "/settle")):
            question = path.split("/")[3].removeprefix("id-")
            assert request.headers["Wait-For-Position"] == f"questions:0:{question}"
        return httpx.Response(202, json={"id": f"id-{key}", "position": f"questions:0:{key}", "safety": {}})

    def batch(self, request: httpx.Request) -> httpx.Response:
        """Each line of a batch."""
        assert request.headers["Content-Type"] == "application/x-ndjson"
        results = []
        for number, line in enumerate(request.content.decode().splitlines(), start=1):
            entry = json.loads(line)
            result: dict[str, Any] = {"line": number, "status": "accepted", "id": f"id-{entry['key']}"}
            if entry["key"] in self.line_trouble:
                result = {"line": number, "status": "refused", "problem": self.line_trouble[entry["key"]]}
            else:
                self.store(entry.pop("key"), entry.pop("type"), entry)
            results.append(result)
        refused = sum(result["status"] == "refused" for result in results)
        return httpx.Response(200, json={"accepted": len(results) - refused, "refused": refused, "results": results})

    def store(self, key: str, to: str, body: dict[str, Any]) -> None:
        """Keep it once; a key with another body is a mistake of the sender's."""
        assert self.stored.setdefault(key, body) == body
        if "occurred_at" in body:
            self.order.append((body["patient"], to, body["occurred_at"]))


def sender(gateway: Gateway, **more: Any) -> Sender:
    """A sender that speaks to the stand-in and does not wait."""

    async def no_pause(seconds: float) -> None:
        paused.append(seconds)

    paused: list[float] = more.pop("paused", [])
    given = {"base_url": "http://gateway", "token": "secret", "lines": 50, "console": Console(file=io.StringIO())}
    return Sender(**{**given, **more}, transport=httpx.MockTransport(gateway), pause=no_pause)


async def test_everything_is_sent_where_it_belongs() -> None:
    """The clinic first, then the past in batches, then the last day singly, and all of it is counted."""
    gateway = Gateway()
    async with sender(gateway) as sending:
        sent = await sending.send(STORY)
    kinds = Counter(entry.kind for entry in STORY.entries)
    assert kinds == sent.accepted
    assert (sent.total, sent.refused, sent.retried) == (len(STORY.entries), [], 0)
    assert {entry.key for entry in STORY.entries} == set(gateway.stored)
    assert gateway.requests[0] == ("PUT", "/v1/clinic")
    paths = Counter(path for method, path in gateway.requests if method == "PUT")
    assert len(paths) == 1 + 6 + 12
    live = [entry for entry in STORY.entries if entry.body.get("origin") == "live"]
    assert {entry.key for entry in live} == {one.key for one in sent.live}
    assert all(one.sent_at <= one.accepted_at for one in sent.live)
    batched = sum(path == "/v1/events:batch" for _, path in gateway.requests)
    assert 1 <= batched <= 8 + sum(kinds[kind] for kind in ("check_in", "questionnaire")) // 50
    singly = {"/v1/check-ins", "/v1/questionnaires", "/v1/questions"}
    assert {body["origin"] for _, body in gateway.stored.items() if body.get("mood")} == {"import", "live"}
    assert singly <= {path for _, path in gateway.requests}


async def test_each_patients_entries_arrive_in_order_of_time() -> None:
    """Batches among themselves and single entries among themselves, the past before the last day."""
    gateway = Gateway()
    async with sender(gateway, concurrency=3) as sending:
        await sending.send(STORY)
    for person in STORY.patients:
        for path_of in ({"check_in", "questionnaire"}, {"/v1/check-ins", "/v1/questionnaires", "/v1/questions"}):
            times = [datetime.fromisoformat(at) for who, to, at in gateway.order if who == person.id and to in path_of]
            assert sorted(times) == times


async def test_no_more_requests_at_one_time_than_allowed() -> None:
    """The gateway is not stormed."""
    gateway = Gateway()
    async with sender(gateway, concurrency=3) as sending:
        await sending.send(STORY)
    assert 2 <= gateway.busiest <= 3


async def test_a_second_run_sends_the_same_keys_and_bodies() -> None:
    """So that the gateway knows them for duplicates, and nothing changes."""
    gateway = Gateway()
    for _ in range(2):
        async with sender(gateway) as sending:
            sent = await sending.send(STORY)
    assert len(gateway.stored) == len(STORY.entries) == sent.total


async def test_a_question_is_answered_by_the_id_the_gateway_gave_it() -> None:
    """Once the gateway knows of it: a question just asked may still be on its way."""
    gateway = Gateway()
    async with sender(gateway) as sending:
        await sending.send(STORY)
    answered = [entry for entry in STORY.entries if entry.kind == "answer"]
    assert answered
    for entry in answered:
        assert ("POST", f"/v1/questions/id-{entry.about}/answer") in gateway.requests


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(503, headers={"Retry-After": "7"}),
        httpx.Response(429),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
)
async def test_a_busy_gateway_is_asked_again_with_the_same_key(trouble: httpx.Response | Exception) -> None:
    """After a pause, as long as the gateway asks; the entry is stored once and counted once."""
    paths = ("/v1/clinic", "/v1/events:batch", "/v1/events:batch", "/v1/check-ins")
    gateway = Gateway(trouble=[(path, trouble) for path in paths])
    paused: list[float] = []
    async with sender(gateway, paused=paused) as sending:
        sent = await sending.send(STORY)
    assert gateway.trouble == []
    assert (sent.total, sent.retried, len(paused)) == (len(STORY.entries), 4, 4)
    asked = isinstance(trouble, httpx.Response) and trouble.headers.get("Retry-After")
    assert paused.count(7.0) == (4 if asked else 0)


async def test_a_line_that_is_refused_is_listed_with_the_gateways_words() -> None:
    """The batch's other lines stand."""
    first = next(entry for entry in STORY.entries if entry.kind == "check_in")
    problem = {"code": "invalid", "detail": "Nothing recorded", "errors": [{"pointer": "/mood", "message": "0 to 10"}]}
    gateway = Gateway(line_trouble={first.key: problem})
    async with sender(gateway) as sending:
        sent = await sending.send(STORY)
    refused = [(one.key, one.status, one.why) for one in sent.refused]
    assert refused == [(first.key, 422, "Nothing recorded; /mood: 0 to 10")]
    assert sent.total == len(STORY.entries) - 1


async def test_an_entry_that_is_refused_does_not_stop_the_others() -> None:
    """Answers to a question that was refused are refused with it, in words."""
    no = httpx.Response(422, json={"title": "Invalid", "detail": "text: too long"})
    gateway = Gateway(trouble=[("/v1/questions", no)])
    async with sender(gateway) as sending:
        sent = await sending.send(STORY)
    assert sent.refused[0].why == "text: too long"
    assert {one.why for one in sent.refused[1:]} <= {"its question was not accepted"}
    assert sent.total + len(sent.refused) == len(STORY.entries)


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/v1/clinic", httpx.Response(401, json={"detail": "expired"}), "does not accept the token (401): expired"),
        ("/v1/clinic", httpx.Response(422, json={"detail": "zone"}), "refused PUT /v1/clinic (422): zone"),
        ("/v1/events:batch", httpx.Response(413, text="no"), "refused a batch (413)"),
        ("/v1/events:batch", httpx.Response(200, json={"results": []}), "0 of"),
    ],
)
async def test_what_cannot_go_on_stops_with_a_sentence(path: str, answer: httpx.Response, said: str) -> None:
    """A token that is not accepted, a clinic that is refused, an answer that is none."""
    async with sender(Gateway(trouble=[(path, answer)])) as sending:
        with pytest.raises(SendError) as stopped:
            await sending.send(STORY)
    assert said in str(stopped.value)


async def test_patience_ends() -> None:
    """A gateway that stays away is given up, with what was tried."""
    gateway = Gateway(trouble=[("/v1/clinic", httpx.ConnectError("nobody there"))] * 5)
    async with sender(gateway, patience=0.0) as sending:
        with pytest.raises(SendError, match=r"did not take PUT /v1/clinic for 0 s \(nobody there\)"):
            await sending.send(STORY)


async def test_progress_is_plain_lines_where_no_terminal_is() -> None:
    """A line for each tenth, so that a log of a build stays readable."""
    out = io.StringIO()
    async with sender(Gateway(), console=Console(file=out, width=200)) as sending:
        await sending.send(STORY)
    lines = out.getvalue().splitlines()
    assert 8 <= len(lines) <= 10
    assert lines[-1] == f"entries sent: {len(STORY.entries):,} of {len(STORY.entries):,}"
    assert "\x1b" not in out.getvalue()


async def test_progress_is_a_bar_on_a_terminal() -> None:
    """With how many of how many."""
    out = io.StringIO()
    async with sender(Gateway(), console=Console(file=out, force_terminal=True, width=120)) as sending:
        await sending.send(STORY)
    assert f"{len(STORY.entries)}/{len(STORY.entries)}" in out.getvalue()
