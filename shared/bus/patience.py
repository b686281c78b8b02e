"""Waiting for the world, interruptibly."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from shared.bus import StoreOfAnotherCluster, StoreReplaced
from shared.bus.outcomes import WORLD, Backoff, describe
from shared.bus.source import Limits
from shared.logs import logger

log = logger(__name__)
T = TypeVar("T")


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Finish what must not be left half done, even where we are cancelled meanwhile; then be cancelled."""
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    task.result()


class Leaving(Exception):  # noqa: N818
    """The partition was revoked, or the service stops: do no more."""


class Patience:
    """Tries again and again, ever more slowly, until it works or it is time to leave.

    trouble: the class and place of the last error, while waiting for it to pass.
    """

    def __init__(self, partition: int, limits: Limits) -> None:
        self.leaving = asyncio.Event()
        self.trouble: str | None = None
        self._partition = partition
        self._backoff = Backoff(limits)

    async def until_done(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of what can neither be skipped nor set aside: a bug shows in logs and health, and loses nothing.

        Raises Leaving, StoreReplaced or StoreOfAnotherCluster.
        """
        while True:
            try:
                result = await call()
            except (Leaving, StoreReplaced, StoreOfAnotherCluster):
                raise
            except Exception as error:  # noqa: BLE001
                await self.wait_out(error)
            else:
                self.at_ease()
                return result

    async def wait_out(self, error: Exception) -> None:
        """Back off after an error. Raises Leaving."""
        self.trouble = describe(error)
        seconds = self._backoff.next()
        tell = log.warning if isinstance(error, WORLD) else log.error
        tell("waiting", partition=self._partition, reason=self.trouble, seconds=round(seconds, 2))
        await self.pause(seconds)

    async def pause(self, seconds: float) -> None:
        """Wait so long. Raises Leaving."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.leaving.wait()
        if self.leaving.is_set():
            raise Leaving

    def at_ease(self) -> None:
        """It worked."""
        self.trouble = None
        self._backoff.reset()
