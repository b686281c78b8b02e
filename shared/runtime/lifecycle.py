"""Background work of a service: started with it, watched, and ended before what it uses is closed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import structlog

from shared.bus.outcomes import describe

log = structlog.get_logger(__name__)


def lifespan(
    opened: Callable[[AsyncExitStack], Awaitable[Mapping[str, Any]]],
) -> Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any]]]:
    """An app's lifespan: `opened` opens everything on the stack it is given and returns the state for routes.

    What is on the stack is closed in reverse, also where opening fails half-way.
    """

    @asynccontextmanager
    async def open_and_close(_: Any) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as stack:
            yield await opened(stack)

    return open_and_close


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None], *, name: str) -> AsyncIterator[asyncio.Task[None]]:
    """Run `work` beside the service; on exit cancel it and wait. A failure is logged; readiness must show it too."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("background_work_failed", work=task.get_name(), reason=describe(error))
