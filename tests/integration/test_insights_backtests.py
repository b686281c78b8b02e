"""The rows of backtests on the real store server, with both drivers."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.insights.domain.jobs import LEASE, Job, Stage, advanced, claimed, finished
from services.insights.store import MongoBacktests
from shared.contracts.clinics import RuleSet
from shared.mongo import Database

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def job(name: str, *, clinic: str = "north", minutes: int = 0) -> Job:
    """A backtest asked for some minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    rules = RuleSet(base="starter")
    return Job(clinic=clinic, id=name, digest="d", rule_set=rules, since=NOON, until=NOON, asked_at=at)


@pytest.fixture
def jobs(database: Database) -> MongoBacktests:
    """Rows nobody has written."""
    return MongoBacktests(database=database)


async def test_a_row_is_stored_once_and_found_by_its_clinic(jobs: MongoBacktests) -> None:
    """The second of two equal ones gets the first; another clinic's are not among them."""
    first, later = job("a"), job("b", minutes=5)
    await jobs.add(later)
    await jobs.add(first)
    again = await jobs.add(first.model_copy(update={"digest": "other"}))
    await jobs.add(job("a", clinic="south", minutes=1))

    assert again == first
    assert await jobs.of_clinic("north") == [later, first]
    assert await jobs.open_ones() == ["north/a", "south/a", "north/b"]
    assert await jobs.get("north/c") is None


async def test_of_many_who_claim_a_row_one_gets_it(jobs: MongoBacktests) -> None:
    """And when its lease ends the next one."""
    await jobs.add(job("a"))

    async def claim(now: datetime) -> Job | None:
        return await jobs.change("north/a", lambda row: claimed(row, now))

    first = await asyncio.gather(*(claim(NOON) for _ in range(8)))
    second = await asyncio.gather(*(claim(NOON + LEASE) for _ in range(8)))

    assert [sum(one is not None for one in claims) for claims in (first, second)] == [1, 1]


async def test_a_cancelled_row_is_finished_whatever_its_worker_says_later(jobs: MongoBacktests) -> None:
    """Nobody finds work in it, and it can be forgotten."""
    await jobs.add(job("a"))
    await jobs.change("north/a", lambda row: claimed(row, NOON))
    await jobs.change("north/a", lambda row: finished(row, Stage.CANCELLED, NOON))
    await jobs.change("north/a", lambda row: advanced(row, 1, 2, NOON))
    found = await jobs.get("north/a")
    await jobs.forget(["north/a"])

    assert found is not None
    assert (found.stage, found.done) == (Stage.CANCELLED, 0)
    assert await jobs.open_ones() == []
    assert await jobs.get("north/a") is None
