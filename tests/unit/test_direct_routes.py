"""Direct routes: quicker than FastAPI's way, and in nothing else different."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request, Response
from structlog.testing import capture_logs

from shared.auth import Caller
from shared.errors import Problem, Recoverable
from shared.runtime import DirectRoute, IdempotencyKey, caller_with
from tests.unit.opened import opened


async def endpoint(request: Request, key: IdempotencyKey, caller: Caller = caller_with("entries:write")) -> Response:
    """Answers, refuses or breaks, as the body says."""
    body = await request.body()
    errors: dict[bytes, Exception] = {
        b"problem": Problem(418, "teapot", "No", "Send tea."),
        b"recoverable": Recoverable("away"),
        b"bug": RuntimeError("a patient's words"),
    }
    if body in errors:
        raise errors[body]
    return Response(b"%b %b %b" % (caller.clinic.encode(), key.encode(), body), 202)


@pytest.fixture
async def both() -> AsyncIterator[Any]:
    """The same endpoint as a direct route and as FastAPI runs it."""
    direct, plain = APIRouter(route_class=DirectRoute), APIRouter()
    direct.post("/direct")(endpoint)
    plain.post("/plain")(endpoint)

    async with opened(direct, plain) as (http, issuer):

        async def ask(
            body: bytes, *, scopes: tuple[str, ...] = ("entries:write",), **headers: str
        ) -> list[httpx.Response]:
            token = {"Authorization": f"Bearer {issuer.issue(clinic='c', scopes=scopes)}"} if scopes else {}
            return [await http.post(path, content=body, headers=token | headers) for path in ("/direct", "/plain")]

        yield ask


@pytest.mark.parametrize(
    ("body", "how", "status"),
    [
        (b"hello", {"Idempotency-Key": "k"}, 202),
        (b"hello", {}, 400),
        (b"hello", {"Idempotency-Key": "k", "scopes": ("entries:read",)}, 403),
        (b"hello", {"Idempotency-Key": "k", "scopes": ()}, 401),
        (b"problem", {"Idempotency-Key": "k"}, 418),
        (b"recoverable", {"Idempotency-Key": "k"}, 503),
        (b"bug", {"Idempotency-Key": "k"}, 500),
    ],
)
async def test_a_direct_route_answers_as_any_other(both: Any, body: bytes, how: dict[str, Any], status: int) -> None:
    """Status, headers and body are the same, refusals and bugs included."""
    direct, plain = await both(body, **how)

    assert direct.status_code == plain.status_code == status
    assert direct.content == plain.content
    for answer in (direct, plain):
        assert len(answer.headers.pop("x-request-id")) == 32
    assert direct.headers == plain.headers


async def test_a_bug_is_logged_by_its_kind_and_place_and_never_by_its_words(both: Any) -> None:
    """An error's message may hold what a patient said."""
    with capture_logs() as logs:
        await both(b"bug", **{"Idempotency-Key": "k"})
    failed = [line for line in logs if line["event"] == "request_failed"]

    assert [line["reason"].split(" ")[0] for line in failed] == ["RuntimeError"] * 2
    assert "words" not in str(logs)


def test_a_direct_route_may_declare_nothing_it_would_not_get() -> None:
    """A parameter that FastAPI would have filled in is refused when the route is made."""
    router = APIRouter(route_class=DirectRoute)

    async def unlocked(request: Request) -> Response:
        raise NotImplementedError

    async def with_path(request: Request, name: str, caller: Caller = caller_with("entries:write")) -> Response:
        raise NotImplementedError

    async def with_query(request: Request, limit: int, caller: Caller = caller_with("entries:write")) -> Response:
        raise NotImplementedError

    for path, wrong in (("/a", unlocked), ("/b/{name}", with_path), ("/c", with_query)):
        with pytest.raises(TypeError, match="direct route"):
            router.post(path)(wrong)


def test_the_access_log_has_the_shape_of_all_other_lines() -> None:
    """One JSON object a line, with the same names structlog gives."""
    program = """
import logging
from shared.logs import log_request, set_up_logs
set_up_logs(service="tests")
log_request(service="mood", method="GET", route="/x/{y}", status=200, milliseconds=1.26, request_id="r")
logging.getLogger("other").info("else")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    access, other = (json.loads(line) for line in done.stdout.splitlines())

    assert re.sub(r"[0-9]", "0", access.pop("timestamp")) == re.sub(r"[0-9]", "0", other["timestamp"])
    assert access == {
        "service": "mood",
        "method": "GET",
        "route": "/x/{y}",
        "status": 200,
        "milliseconds": 1.3,
        "request_id": "r",
        "event": "request",
        "level": "info",
    }
    assert other.keys() >= {"event", "level", "timestamp"}
