"""An app of a test's own routes, with a lock that takes the tokens of its own issuer."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter

from shared.auth import DevelopmentIssuer, Verifier
from shared.runtime import create_app
from tests.fakes import FakeClock


@asynccontextmanager
async def opened(*routers: APIRouter) -> AsyncIterator[tuple[httpx.AsyncClient, DevelopmentIssuer]]:
    """A connection to it, and who signs the tokens."""
    clock = FakeClock()
    issuer = DevelopmentIssuer(environment="development", issuer="i", audience="a", clock=clock)
    verifier = Verifier(jwks=issuer.jwks(), issuer="i", audience="a", clock=clock)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[Mapping[str, Any]]:
        yield {}

    app = create_app(service="tests", title="tests", routers=routers, lifespan=lifespan)

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"state": {"verifier": verifier}}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=with_state), base_url="http://t") as client:
        yield client, issuer
