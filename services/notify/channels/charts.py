"""The small chart of an e-mail: drawn beside this process, within a budget, or done without.

Drawing holds the interpreter for 50 to 150 ms (measured with vl-convert 1.9 on two cores, also from a thread), in which
no alert would move. So a process of its own draws; it starts with the service, at a lower priority, and ends with it.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from typing import Final

from shared.contracts.assessments import Chart
from shared.logs import logger
from shared.metrics import CHARTS

log = logger(__name__)
BUDGET: Final = 0.2
"""Seconds an e-mail waits for its chart."""
HUNG: Final = 60.0
"""Seconds after which the drawing process is started anew; its start alone takes a few on a busy machine."""
WARM_UP: Final = Chart(measure="mood", minimum=0, maximum=10, points=[(date(2026, 1, 1), 5), (date(2026, 1, 2), 6)])
_LENGTH: Final = 4


async def no_chart(_: Chart) -> bytes | None:
    """For a deployment without charts."""
    return None


class Charts:
    """Draws one chart at a time. What does not come within the budget is thrown away when it comes."""

    def __init__(self, *, budget: float = BUDGET) -> None:
        self._budget = budget
        self._process: Process | None = None
        self._busy = asyncio.Lock()
        self._drawing: set[asyncio.Task[bytes | None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Charts"]:
        """Start drawing beside this process, warmed up in the background, until the block ends."""
        self._begin(WARM_UP)
        try:
            yield self
        finally:
            for task in list(self._drawing):
                task.cancel()
            await asyncio.gather(*self._drawing, return_exceptions=True)
            await self._stop()

    async def draw(self, chart: Chart) -> bytes | None:
        """The chart as PNG, or None where it cannot be had within the budget. Never raises."""
        if self._drawing:
            CHARTS.labels("busy").inc()
            return None
        task = self._begin(chart)
        try:
            png = await asyncio.wait_for(asyncio.shield(task), self._budget)
        except TimeoutError:
            CHARTS.labels("late").inc()
            return None
        CHARTS.labels("failed" if png is None else "drawn").inc()
        return png

    def _begin(self, chart: Chart) -> asyncio.Task[bytes | None]:
        task = asyncio.create_task(self._drawn(chart), name="chart")
        self._drawing.add(task)
        task.add_done_callback(self._drawing.discard)
        return task

    async def _drawn(self, chart: Chart) -> bytes | None:
        async with self._busy:
            try:
                async with asyncio.timeout(HUNG):
                    return await self._asked(chart)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                log.warning("chart_failed", error=type(error).__name__)
                await self._stop()
                return None
            except asyncio.CancelledError:
                await self._stop()
                raise

    async def _asked(self, chart: Chart) -> bytes | None:
        process = await self._started()
        if process.stdin is None or process.stdout is None:
            raise OSError("the drawing process has no pipes")
        process.stdin.write(json.dumps(chart.model_dump(mode="json")).encode() + b"\n")
        await process.stdin.drain()
        length = int.from_bytes(await process.stdout.readexactly(_LENGTH))
        return await process.stdout.readexactly(length) if length else None

    async def _started(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.notify.channels.drawing", stdin=PIPE, stdout=PIPE
            )
        return self._process

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
