"""What is due is looked at, whatever else is due and may not go out yet, and whatever goes wrong."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, cast
from unittest.mock import patch

from services.notify.domain import Delivery
from services.notify.handlers import Dispatcher, HandingOver, dispatching
from services.notify.store import Deliveries, DueTimes
from tests.fakes import FakeClock
from tests.unit.notify.made import MONDAY

DUE = MONDAY - timedelta(minutes=3)


class Marks:
    """The due times: one bucket, and what to do before it is read."""

    def __init__(self, rows: list[str]) -> None:
        self.rows, self.faults = rows, list[Exception]()

    async def open(self) -> datetime:
        return DUE

    async def marked(self, _since: datetime, _until: datetime) -> Mapping[str, list[str]]:
        if self.faults:
            raise self.faults.pop()
        return {f"{DUE:%Y-%m-%dT%H:%M}Z": self.rows}

    async def clear(self, buckets: Mapping[str, set[str]]) -> None:
        assert not buckets, "three minutes are no long time"


class Rows:
    """The rows: none is written yet; who was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    async def load_many(self, rows: Iterable[str]) -> dict[str, Delivery]:
        self.asked.update(rows)
        return {}


class Gate:
    """Nothing of the clinic `shut` may go out yet."""

    def may_row(self, row: str) -> bool:
        return not row.startswith("shut/")


def dispatcher(marks: Marks, rows: Rows) -> Dispatcher:
    return Dispatcher(
        deliveries=cast(Deliveries, rows),
        due=cast(DueTimes, marks),
        handing_over=cast(HandingOver, Gate()),
        clock=FakeClock(MONDAY),
    )


async def looked(looking: Dispatcher) -> None:
    with patch.object(dispatching, "POLL", 0):
        task: asyncio.Task[Any] = asyncio.create_task(looking.run())
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_may_not_go_out_yet_stands_in_no_other_s_way() -> None:
    """However many rows of a partition that was not read are due, the first look is at what may go out."""
    rows = Rows()
    marks = Marks([f"shut/p{number}/a/1" for number in range(600)] + ["open/p/a/1"])
    with patch.object(dispatching, "minute_of", lambda _: DUE):
        await dispatcher(marks, rows).poll()

    assert "open/p/a/1" in rows.asked


async def test_a_look_that_fails_is_not_the_last() -> None:
    """A bug in one look at the due times must not silence what falls due later."""
    rows, marks = Rows(), Marks(["open/p/a/1"])
    marks.faults.append(KeyError("row"))
    with patch.object(dispatching, "minute_of", lambda _: DUE):
        await looked(dispatcher(marks, rows))

    assert "open/p/a/1" in rows.asked
