"""Several services behind one port, for development: what the gateway does, in one process; and their merged API."""

import copy
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from shared.runtime.http import PUBLIC_PATHS, create_metrics_response


def merged_openapi(apps: Mapping[str, FastAPI]) -> dict[str, Any]:
    """One OpenAPI document of all services; a schema that two services name alike but define apart is kept apart."""
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Rapport",
            "version": "1",
            "description": "Measurement-based mental-health care. Not a diagnosis, not an emergency service. "
            "Every path takes `Authorization: Bearer <token>`; the clinic is the token's.",
        },
        "paths": {},
        "components": {
            "schemas": {},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"token": []}],
    }
    schemas = merged["components"]["schemas"]
    for name, app in apps.items():
        document = copy.deepcopy(app.openapi())
        own = document.get("components", {}).get("schemas", {})
        text = json.dumps(document)
        for schema in sorted(own):
            if schema in schemas and schemas[schema] != own[schema]:
                apart = f"#/components/schemas/{name.title()}{schema}"
                text = text.replace(f'"#/components/schemas/{schema}"', f'"{apart}"')
                text = text.replace(f'"{schema}": {{', f'"{name.title()}{schema}": {{', 1)
        document = json.loads(text)
        merged["paths"].update(document["paths"])
        _say_what_every_door_needs(document["paths"])
        schemas.update(document.get("components", {}).get("schemas", {}))
    return merged


def _say_what_every_door_needs(paths: Mapping[str, Any]) -> None:
    """The Idempotency-Key is mandatory: read as optional only so that its absence gets an answer that explains it."""
    for operation in (operation for path in paths.values() for operation in path.values()):
        for parameter in operation.get("parameters", []):
            if parameter["name"] == "Idempotency-Key":
                parameter["required"] = True
                parameter["schema"] = {"type": "string", "minLength": 1, "maxLength": 255}


class DevelopmentHost:
    """All services behind one port: a request goes to the service that has a route for it, as the gateway does."""

    def __init__(self, apps: Mapping[str, FastAPI]) -> None:
        self._apps = apps
        self._states: dict[str, dict[str, Any]] = {}
        own = [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", create_metrics_response),
            Route("/openapi.json", self._openapi),
            Route("/docs", self._docs),
        ]
        self._own = Starlette(routes=own, lifespan=self._lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch one ASGI scope."""
        if scope["type"] != "http" or scope["path"] in PUBLIC_PATHS:
            await self._own(scope, receive, send)
            return
        name = self._owner(scope)
        await self._apps[name]({**scope, "state": dict(self._states[name])}, receive, send)

    def _owner(self, scope: Scope) -> str:
        partial = None
        for name, app in self._apps.items():
            for route in app.router.routes:
                match, _ = route.matches(scope)
                if match is Match.FULL:
                    return name
                if match is Match.PARTIAL:
                    partial = name
        return partial or next(iter(self._apps))  # any of them says 404 or 405 as all would

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for name, app in self._apps.items():
                state = await stack.enter_async_context(app.router.lifespan_context(app))
                self._states[name] = dict(state or {})
            yield

    async def _healthz(self, _: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _readyz(self, _: Request) -> Response:
        checks: dict[str, Any] = {}
        for name, app in self._apps.items():
            transport = httpx.ASGITransport(app=_with_state(app, self._states[name]))
            async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
                checks[name] = (await client.get("/readyz")).json()
        ready = all(check["ready"] for check in checks.values())
        return JSONResponse({"ready": ready, "services": checks}, 200 if ready else 503)

    async def _openapi(self, _: Request) -> Response:
        return JSONResponse(merged_openapi(self._apps))

    async def _docs(self, _: Request) -> HTMLResponse:
        return get_swagger_ui_html(openapi_url="/openapi.json", title="Rapport API")


def _with_state(app: FastAPI, state: Mapping[str, Any]) -> Any:
    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return asgi
