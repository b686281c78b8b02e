"""Whether a service is ready is a figure too, asked or not: so that Prometheus can page for it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from shared.runtime import NotReady, create_app, http


def ready() -> float | None:
    """What would be scraped."""
    return REGISTRY.get_sample_value("rapport_ready", {"service": "sample"})


async def looked() -> float | None:
    """What is scraped once the background work has had its turns."""
    for _ in range(50):
        await asyncio.sleep(0)
    return ready()


async def test_the_gauge_says_by_itself_whether_the_service_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up when every check answers, down when one does not, and down once the service has ended."""
    monkeypatch.setattr(http, "READY_EVERY", 0)
    away = True

    async def store() -> None:
        if away:
            raise NotReady("the store is away")

    @asynccontextmanager
    async def opened(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        yield {"pings": {"store": store}}

    app = create_app(service="sample", title="Sample", routers=[], lifespan=opened)
    async with app.router.lifespan_context(app) as state:
        shown = [ready()]
        for away in (True, False, True, False):  # noqa: B007  what the check sees
            shown.append(await looked())

    assert shown == [0, 0, 1, 0, 1]
    assert state is not None
    assert set(state) == {"pings"}
    assert ready() == 0
