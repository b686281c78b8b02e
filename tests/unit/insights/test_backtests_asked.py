"""Backtests a clinic asks for: their life at the door, the worker, and what comes of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest

from services.insights.domain.jobs import LEASE, MOST_TRIES, MOST_WAITING, Job, Stage, claimed
from services.insights.handlers.backtests import Backtests
from shared.contracts.base import Urgency
from shared.contracts.clinics import RuleChoice, RuleSet
from shared.errors import Problem
from tests.unit.insights import builders as b
from tests.unit.insights.memory import MemoryStore
from tests.unit.insights.test_caseload import NOW, known, risk, worse
from tests.unit.insights.world import Owner, World

NONE = RuleSet(base="none")
ONLY_RISK = RuleSet(base="none", rules={"risk_item": RuleChoice()})


class Rows:
    """Implements the handlers' `Jobs` in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, Job] = {}
        self.over = asyncio.Event()

    async def add(self, job: Job) -> Job:
        """See `Jobs`."""
        return self.rows.setdefault(job.key, job)

    async def get(self, key: str) -> Job | None:
        """See `Jobs`."""
        return self.rows.get(key)

    async def of_clinic(self, clinic: str) -> Sequence[Job]:
        """See `Jobs`."""
        return sorted((row for row in self.rows.values() if row.clinic == clinic), key=lambda r: r.asked_at)[::-1]

    async def open_ones(self) -> Sequence[str]:
        """See `Jobs`."""
        return [row.key for row in self.rows.values() if not row.finished]

    async def change(self, key: str, change: Callable[[Job], Job | None]) -> Job | None:
        """See `Jobs`."""
        new = change(self.rows[key]) if key in self.rows else None
        if new is not None:
            self.rows[key] = new
            if new.finished:
                self.over.set()
        return new

    async def forget(self, keys: Sequence[str]) -> None:
        """See `Jobs`."""
        for key in keys:
            del self.rows[key]


def of(world: World, rows: Rows) -> Backtests:
    """The use cases over a world."""
    return Backtests(jobs=rows, shelf=MemoryStore(world.data), clinics=Owner(world), clock=world.clock)


async def ask(backtests: Backtests, rule_set: RuleSet = ONLY_RISK, *, key: str = "k1", **changes: Any) -> Job:
    """Ask as the clinic of the builders."""
    fields: dict[str, Any] = {"client": "pms", "key": key, "digest": "d1", "rule_set": rule_set, "days": 365}
    return await backtests.ask(b.CLINIC, **(fields | changes))


@asynccontextmanager
async def working(backtests: Backtests) -> AsyncIterator[None]:
    """The worker at work."""
    task = asyncio.create_task(backtests.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def finished(world: World, rule_set: RuleSet = ONLY_RISK, *, days: int = 365) -> Job:
    """A backtest of a world under a rule set when it is over."""
    rows = Rows()
    backtests = of(world, rows)
    job = await ask(backtests, rule_set, days=days)
    async with asyncio.timeout(60), working(backtests):
        await rows.over.wait()
    return await backtests.job(b.CLINIC, job.id)


async def told(*things: Any) -> World:
    """A world whose clinic is set up, in which all of this has been assessed."""
    world = await known(*things)
    world.clinics[b.CLINIC] = b.clinic()
    return world


async def test_a_backtest_says_what_a_rule_set_would_have_raised_beside_todays() -> None:
    """In a process of its own: by rule, week, clinician and by name, and where the two differ."""
    world = await told(
        b.patient(patient="p1", clinician="priya"),
        b.patient(patient="p2", clinician="sam"),
        risk("p1", 20, 2),
        *worse("p2"),
    )
    job = await finished(world)

    assert job.stage is Stage.DONE
    assert (job.done, job.total) == (2, 2)
    result = job.result
    assert result is not None
    assert {rule.rule: (rule.proposed, rule.today, rule.both) for rule in result.rules} == {
        "risk_item": (1, 1, 1),
        "reliable_deterioration": (0, 1, 0),
        "relapse": (0, 1, 0),
        "gone_quiet": (0, 3, 0),
    }
    assert {one.clinician: (one.proposed, one.today) for one in result.clinicians} == {"priya": (1, 3), "sam": (0, 3)}
    assert sum(week.proposed for week in result.weeks) == 1
    assert [(one.patient, one.rule, one.raised_at, one.today) for one in result.raised] == [
        ("p1", "risk_item", NOW - timedelta(days=20), True)
    ]


async def test_what_is_only_shown_is_named_without_how_soon_anybody_would_have_been_told() -> None:
    """A relapse that reliable deterioration tells of: shown beside it."""
    wanted = RuleSet(base="none", rules={"reliable_deterioration": RuleChoice(), "relapse": RuleChoice()})
    job = await finished(await told(b.patient(patient="p2"), *worse("p2")), wanted)

    assert job.result is not None
    assert [(one.rule, one.severity) for one in job.result.raised] == [
        ("relapse", None),
        ("reliable_deterioration", Urgency.AT_ONCE),
    ]


async def test_what_was_raised_before_the_days_asked_for_does_not_count() -> None:
    """The entries before them are still known to the rules."""
    world = await told(b.patient(), risk("p1", 40, 2), risk("p1", 5, 1))

    job = await finished(world, days=30)

    assert job.result is not None
    assert [one.raised_at for one in job.result.raised] == [NOW - timedelta(days=5)]


async def test_a_retry_is_the_same_backtest_and_another_body_is_refused() -> None:
    """By the key, as everywhere."""
    backtests = of(await told(), Rows())

    first, again = await ask(backtests), await ask(backtests)
    with pytest.raises(Problem) as refused:
        await ask(backtests, digest="d2")

    assert first.id == again.id
    assert (refused.value.status, refused.value.code) == (409, "idempotency_key_reused")


async def test_a_rule_set_the_catalogue_does_not_know_is_refused_field_by_field() -> None:
    """Unknown rules, unknown parameters and values out of range, all at once; nothing is stored."""
    rows = Rows()
    wrong = RuleSet(
        base="starter",
        rules={
            "star_sign": RuleChoice(),
            "gone_quiet": RuleChoice(parameters={"min_days": 0, "moon": 1, "gaps": 2.5}),
        },
    )

    with pytest.raises(Problem) as refused:
        await ask(of(await told(), rows), wrong)

    assert [error.pointer for error in refused.value.errors] == [
        "/rule_set/rules/star_sign",
        "/rule_set/rules/gone_quiet/parameters/min_days",
        "/rule_set/rules/gone_quiet/parameters/moon",
        "/rule_set/rules/gone_quiet/parameters/gaps",
    ]
    assert not rows.rows


async def test_a_cancelled_backtest_stays_cancelled_and_another_clinics_is_not_there() -> None:
    """Before and while it is worked on; cancelling twice is once."""
    backtests = of(await told(risk("p1", 1, 2)), rows := Rows())
    job = await ask(backtests)

    await backtests.cancel(b.CLINIC, job.id)
    again = await backtests.cancel(b.CLINIC, job.id)
    with pytest.raises(Problem) as refused:
        await backtests.cancel("south", job.id)

    assert (again.stage, refused.value.status) == (Stage.CANCELLED, 404)
    assert await rows.open_ones() == []


async def test_only_so_many_wait_for_a_clinic() -> None:
    """The next is refused until one is finished; another clinic is not concerned."""
    backtests = of(await told(), Rows())
    jobs = [await ask(backtests, key=f"k{n}") for n in range(MOST_WAITING)]

    with pytest.raises(Problem) as refused:
        await ask(backtests, key="one too many")
    await backtests.cancel(b.CLINIC, jobs[0].id)

    assert refused.value.code == "too_many_backtests"
    assert (await ask(backtests, key="now")).stage is Stage.QUEUED


async def test_a_row_whose_worker_died_is_claimed_again_when_its_lease_ends() -> None:
    """Never by two at a time, and not for ever."""
    job = await ask(of(await told(), Rows()), NONE)
    now = NOW
    for _ in range(MOST_TRIES):
        taken = claimed(job, now)
        assert taken is not None
        assert claimed(taken, now + LEASE / 2) is None
        job, now = taken, now + LEASE
    given_up = claimed(job, now)

    assert given_up is not None
    assert given_up.stage is Stage.FAILED


async def test_a_clinic_that_is_not_set_up_has_no_past_to_try() -> None:
    """It is told what to do first."""
    with pytest.raises(Problem) as refused:
        await ask(of(await known(risk("p1", 1, 2)), Rows()))

    assert refused.value.code == "clinic_not_set_up"


async def test_clinics_take_turns_however_many_backtests_one_of_them_asks_for() -> None:
    """Next is the clinic served longest ago: who asked for one after another clinic's three waits for one of them."""
    world = await told()
    world.clinics["south"] = b.clinic().model_copy(update={"clinic": "south"})
    begun: list[str] = []

    class Noting(Rows):
        async def change(self, key: str, change: Callable[[Job], Job | None]) -> Job | None:
            before = self.rows[key].stage
            new = await super().change(key, change)
            if new is not None and before is Stage.QUEUED and new.stage is Stage.RUNNING:
                begun.append(key)
            return new

    rows = Noting()
    backtests = of(world, rows)
    first = [await ask(backtests, key=f"k{number}") for number in range(3)]
    asked = {"client": "pms", "digest": "d1", "rule_set": ONLY_RISK, "days": 30}
    other = [await backtests.ask("south", key=f"k{number}", **asked) for number in range(2)]
    async with asyncio.timeout(60), working(backtests):
        while not all(row.finished for row in rows.rows.values()):
            rows.over.clear()
            await rows.over.wait()

    assert begun == [first[0].key, other[0].key, first[1].key, other[1].key, first[2].key]
    assert {row.stage for row in rows.rows.values()} == {Stage.DONE}
