"""How much of a request is read: no more than is taken, and nothing before the lock is tried."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from shared.auth import Caller
from shared.runtime import DirectRoute, caller_with
from shared.runtime.bounds import MOST_BATCH_BYTES, MOST_BYTES
from tests.unit.opened import opened

CHUNK = 64 * 1024


class Sent(BaseModel):
    """A body."""

    words: str


class Endless:
    """A chunked body that never ends; how much of it was read."""

    def __init__(self) -> None:
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.read < 100 * MOST_BATCH_BYTES:
            self.read += CHUNK
            yield b" " * CHUNK


@pytest.fixture
async def http() -> AsyncIterator[tuple[httpx.AsyncClient, Callable[..., dict[str, str]]]]:
    """An app with one route of each kind, and tokens for it."""
    direct, plain = APIRouter(route_class=DirectRoute), APIRouter()

    @plain.post("/plain")
    @plain.post("/plain:batch")
    async def locked(sent: Sent, caller: Caller = caller_with("entries:write")) -> str:
        return f"{caller.clinic} {len(sent.words)}"

    @plain.post("/open")
    async def unlocked(request: Request) -> str:
        return str(len(await request.body()))

    @direct.post("/direct")
    @direct.post("/direct:batch")
    async def quick(request: Request, caller: Caller = caller_with("entries:write")) -> Response:
        return Response(f"{caller.clinic} {len(await request.body())}")

    async with opened(direct, plain) as (client, issuer):

        def token(*scopes: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {issuer.issue(clinic='c', scopes=scopes)}"}

        yield client, token


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """What a problem says."""
    return answer.status_code, answer.headers["content-type"], answer.json()["code"]


@pytest.mark.parametrize("path", ["/plain", "/plain:batch", "/direct", "/direct:batch"])
async def test_nothing_is_read_for_somebody_without_a_token(http: Any, path: str) -> None:
    """Refused 401, or 403 without the scope, before the first byte of a body that never ends."""
    client, token = http
    for headers, expected in (({}, 401), ({"Authorization": "Bearer x"}, 401), (token("alerts:read"), 403)):
        body = Endless()
        answer = await client.post(path, content=body, headers=headers)

        assert answer.status_code == expected
        assert answer.headers["content-type"] == "application/problem+json"
        assert body.read <= CHUNK


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/plain", MOST_BYTES),
        ("/plain:batch", MOST_BATCH_BYTES),
        ("/open", MOST_BYTES),
        ("/direct", MOST_BATCH_BYTES),
        ("/direct:batch", MOST_BATCH_BYTES),
    ],
)
async def test_a_body_without_an_end_is_read_up_to_its_bound(http: Any, path: str, most: int) -> None:
    """Answered 413 once there is more than is taken, whoever sends it."""
    client, token = http
    body = Endless()
    answer = await client.post(path, content=body, headers=token("entries:write"))

    assert refusal(answer) == (413, "application/problem+json", "too_large")
    assert f"{most // 1024 // 1024} MB" in answer.json()["detail"]
    assert most < body.read <= most + 2 * CHUNK


async def test_a_body_announced_too_large_is_not_read_at_all(http: Any) -> None:
    """Its Content-Length is enough to know."""
    client, token = http
    body = Endless()
    answer = await client.post(
        "/plain", content=body, headers=token("entries:write") | {"Content-Length": str(MOST_BYTES + 1)}
    )

    assert refusal(answer) == (413, "application/problem+json", "too_large")
    assert body.read <= CHUNK


async def test_a_body_within_the_bound_is_taken(http: Any) -> None:
    """To the last byte."""
    client, token = http
    headers = token("entries:write") | {"content-type": "application/json"}
    words = "x" * (MOST_BYTES - len(json.dumps({"words": ""})))
    answer = await client.post("/plain", content=json.dumps({"words": words}), headers=headers)
    batch = await client.post("/direct:batch", content=b"x" * MOST_BATCH_BYTES, headers=headers)

    assert (answer.status_code, answer.json()) == (200, f"c {len(words)}")
    assert batch.text == f"c {MOST_BATCH_BYTES}"
