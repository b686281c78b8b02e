"""The HTTP edge every service has: refusals that say what to send, access logs without paths, health, metrics."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.bus.outcomes import describe
from shared.bus.runner import Health
from shared.errors import FieldError, Problem, Recoverable, StillReading
from shared.logs import log_request
from shared.metrics import HTTP_SECONDS, READY
from shared.runtime.bounds import Bounds, Stopped
from shared.runtime.doors import BEHIND, BEHIND_HEADER, DirectRoute
from shared.runtime.lifecycle import background

log = structlog.get_logger(__name__)
Ping = Callable[[], Awaitable[None]]
Pings = Mapping[str, Ping]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]
READY_EVERY: Final = 5.0
"""Seconds between two looks at whether the service is ready."""
PROBLEM_DOCS = "https://rapport.example/problems/"
PROBLEM_TYPE = "application/problem+json"
PUBLIC_PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/oauth2-redirect"})


def create_app(*, service: str, title: str, routers: Sequence[APIRouter], lifespan: Lifespan) -> FastAPI:
    """A service's app: its routers, and what all services owe operators and callers.

    `lifespan` yields the typed state that routes find in `request.state`; its key `pings` holds what `/readyz` asks.
    """
    app = FastAPI(title=title, lifespan=partial(_watched, service, lifespan), redoc_url=None)
    for router in routers:
        app.include_router(router)
    app.add_api_route("/healthz", _healthz, methods=["GET"], include_in_schema=False)
    app.add_api_route("/readyz", _readyz, methods=["GET"], include_in_schema=False)
    app.add_api_route("/metrics", create_metrics_response, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(Recoverable, _on_recoverable)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_middleware(Shortcut, routes=routes_of(app))
    app.add_middleware(Access, service=service)
    app.openapi = partial(_openapi, app, app.openapi)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


class WrongField(BaseModel):
    """One thing wrong with one field."""

    pointer: str = Field(description="A JSON pointer into what was sent.")
    message: str = Field(description="What to send instead.")


class ProblemAnswer(BaseModel):
    """A refusal (RFC 9457) that says what to do next. It never repeats what was sent."""

    type: str = Field(description="Where this kind of problem is explained.")
    title: str
    status: int
    detail: str = Field(description="What to do or send instead.")
    code: str = Field(description="The kind of problem, for programs.")
    errors: list[WrongField] = Field(default_factory=list)


_PROBLEMS: Mapping[int, str] = {
    400: "A header or the cursor is missing or odd.",
    401: "No token, or not one of ours.",
    403: "The token lacks the scope, or is a patient's and this is not for patients.",
    404: "There is no such thing in your clinic.",
    409: "It does not fit what is there already; `code` and `detail` say how.",
    410: "It was deleted for good.",
    413: "More than we take at once.",
    422: "Something sent cannot be right; `errors` names the fields. Nothing was recorded.",
    429: "Too often; `Retry-After` says in how many seconds it may be asked again. Nothing was recorded.",
    503: "May or may not have been recorded: send it again with the same Idempotency-Key.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: these refusals, and those every route has (401, 403, 422, 503)."""
    return {
        status: {"model": ProblemAnswer, "description": _PROBLEMS[status]}
        for status in sorted({401, 403, 422, 503, *statuses})
    }


_TOO_LARGE: Final[Mapping[str, Any]] = {
    "description": _PROBLEMS[413],
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}},
}
"""What every route with a body may answer."""


def _openapi(app: FastAPI, generate: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """FastAPI's document, with problems under the media type they are sent with."""
    if app.openapi_schema is None:
        for operations in generate()["paths"].values():
            for operation in operations.values():
                if "requestBody" in operation:
                    operation["responses"].setdefault("413", _TOO_LARGE)
                for status, answer in operation["responses"].items():
                    if status >= "400" and "application/json" in answer.get("content", {}):
                        answer["content"] = {PROBLEM_TYPE: answer["content"]["application/json"]}
    return generate()


def routes_of(app: FastAPI) -> list[APIRoute]:
    """Every route of an app. Newer FastAPI keeps included routers as they are, older copies their routes in."""

    def walk(router: Any) -> Iterator[APIRoute]:
        for route in router.routes:
            inner = getattr(route, "original_router", None)
            if inner is not None:
                yield from walk(inner)
            elif isinstance(route, APIRoute):
                yield route

    return list(walk(app.router))


class Access:
    """Times each request, names it by its route's template, and answers a bug with a problem instead of a trace.

    A body is read within `Bounds`.
    """

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self._app, self._service, self._bounds = app, service, Bounds()
        self._timers: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        BEHIND.set(False)
        began, status, request_id = time.perf_counter(), 500, os.urandom(16).hex()

        async def started(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id.encode()))
                if BEHIND.get():
                    message["headers"].append((BEHIND_HEADER.lower().encode(), b"true"))
            await send(message)

        try:
            await self._app(scope, self._bounds.around(scope, receive), started)
        except Exception as error:  # noqa: BLE001  whatever it is, the caller is told in our words
            # not its message or trace, which may hold what a patient said
            log.error("request_failed", route=_template(scope), reason=describe(error), request_id=request_id)  # noqa: TRY400
            await _problem_response(_BUG)(scope, receive, started)
        finally:
            seconds, route = time.perf_counter() - began, _template(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._timer(method, route, status).observe(seconds)
            if route not in PUBLIC_PATHS:
                log_request(
                    service=self._service,
                    method=method,
                    route=route,
                    status=status,
                    milliseconds=seconds * 1000,
                    request_id=request_id,
                )

    def _timer(self, method: str, route: str, status: int) -> Histogram:
        timer = self._timers.get((method, route, status))
        if timer is None:
            timer = HTTP_SECONDS.labels(self._service, method, route, status)
            self._timers[method, route, status] = timer
        return timer


class Shortcut:
    """Answers direct routes itself, found by method and path: a check-in costs half of what the way around does.

    They behave as on the way around: the same handler, and the same answers to Problem and Recoverable.
    """

    def __init__(self, app: ASGIApp, *, routes: Sequence[APIRoute]) -> None:
        self._app = app
        self._direct = {
            (method, route.path): (route, route.get_route_handler())
            for route in routes
            if isinstance(route, DirectRoute)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self._direct.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if direct is None:
            await self._app(scope, receive, send)
            return
        scope["route"], handle = direct
        request = Request(scope, receive)
        try:
            response = await handle(request)
        except Problem as problem:
            response = _problem_response(problem)
        except Stopped as stopped:
            response = _problem_response(stopped.problem)
        except Recoverable as error:
            response = await _on_recoverable(request, error)
        await response(scope, receive, send)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Anything else a client makes up is `other`, so that labels stay bounded."""
_BUG = Problem(
    500,
    "internal",
    "Something went wrong on our side",
    "Nothing you sent was at fault. Try again with the same Idempotency-Key; quote X-Request-ID if it goes on.",
)


def _template(scope: Scope) -> str:
    route = scope.get("route")
    return getattr(route, "path", "unmatched")


def _problem_response(problem: Problem) -> JSONResponse:
    body: dict[str, Any] = {
        "type": PROBLEM_DOCS + problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    if problem.errors:
        body["errors"] = [{"pointer": e.pointer, "message": e.message} for e in problem.errors]
    return JSONResponse(body, problem.status, problem.headers, media_type=PROBLEM_TYPE)


async def _on_problem(_: Request, problem: Exception) -> Response:
    if not isinstance(problem, Problem):
        raise problem
    return _problem_response(problem)


async def _on_recoverable(_: Request, error: Exception) -> Response:
    if isinstance(error, StillReading):
        return _problem_response(
            Problem(
                503,
                "still_reading",
                "Not yet",
                "The service has just started and is reading what it wrote before. Nothing was changed. Send it again "
                "in a few seconds, with the same Idempotency-Key.",
                headers={"Retry-After": "5"},
            )
        )
    return _problem_response(
        Problem(
            503,
            "try_again",
            "Not now",
            "This may or may not have been recorded. Send it again with the same Idempotency-Key: it is kept once.",
            headers={"Retry-After": "2"},
        )
    )


def field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """What pydantic found wrong, as pointers and sentences; never the values that were sent."""
    found = []
    for error in errors:
        where = [str(part) for part in error["loc"] if part not in ("body", "query", "path", "header")]
        found.append(FieldError("/" + "/".join(where), str(error["msg"]).removeprefix("Value error, ")))
    return found


async def _on_invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return _problem_response(
        Problem(
            422,
            "invalid",
            "Something you sent cannot be right",
            "Nothing was recorded. Correct the fields named in `errors` and send it again.",
            errors=field_errors(error.errors()),
        )
    )


_STATUS_WORDS = {
    404: ("not_found", "No such page", "Check the path: every path of the API stands in /openapi.json."),
    405: (
        "method_not_allowed",
        "Not this method",
        "Check the method: every path of the API stands in /openapi.json.",
    ),
}


async def _on_http_exception(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error, Stopped):
        return _problem_response(error.problem)
    plain = ("refused", "Refused", "See /openapi.json for what this path takes.")
    code, title, detail = _STATUS_WORDS.get(error.status_code, plain)
    return _problem_response(Problem(error.status_code, code, title, detail, headers=dict(error.headers or {})))


async def _healthz() -> dict[str, str]:
    return {"status": "alive"}


@asynccontextmanager
async def _watched(service: str, lifespan: Lifespan, app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
    """The lifespan, and beside it the gauge that says whether the service is ready, asked or not."""
    READY.labels(service).set(0)
    async with lifespan(app) as state, background(_keep_ready(service, state["pings"]), name=f"{service} readiness"):
        yield state
    READY.labels(service).set(0)


async def _keep_ready(service: str, pings: Pings) -> None:
    while True:
        reasons = await _reasons(pings)
        READY.labels(service).set(all(reason is None for reason in reasons.values()))
        await asyncio.sleep(READY_EVERY)


async def _reasons(pings: Pings) -> dict[str, str | None]:
    return dict(zip(pings, await asyncio.gather(*(_asked(ping) for ping in pings.values())), strict=True))


async def _readyz(request: Request) -> JSONResponse:
    reasons = await _reasons(request.state.pings)
    ready = all(reason is None for reason in reasons.values())
    body = {"ready": ready, "checks": {name: reason or "ok" for name, reason in reasons.items()}}
    return JSONResponse(body, 200 if ready else 503)


async def _asked(ping: Ping) -> str | None:
    """None where the ping answered within 2 s, else why not, free of addresses and data."""
    try:
        async with asyncio.timeout(2):
            await ping()
    except TimeoutError:
        return "no answer within 2 s"
    except NotReady as reason:
        return str(reason)
    except Exception as error:  # noqa: BLE001  whatever it is, the answer is "not ready"
        return re.sub(r"[^A-Za-z]", "", type(error).__name__)
    return None


class NotReady(Exception):  # noqa: N818
    """A ping's word that the service should not be sent work, and why; the text is shown to operators."""


def healthy(health: Callable[[], Health]) -> Ping:
    """A ping that asks a runner or a table feed how it is."""

    async def ping() -> None:
        found = health()
        if not found.ready:
            raise NotReady(" ".join(found.reasons))

    return ping


def running(tasks: Sequence[asyncio.Task[None]]) -> Ping:
    """A ping that fails once background work that should go on for ever has ended."""

    async def ping() -> None:
        failed = [task.get_name() for task in tasks if task.done()]
        if failed:
            raise NotReady(f"Background work has ended: {', '.join(failed)}. See the log, then restart.")

    return ping


async def create_metrics_response(_: Request) -> Response:
    """The process's metrics, for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
