"""Backtests a clinic asks for: what a proposed rule set would have raised in its own past, beside today's."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from datetime import timedelta
from itertools import chain
from multiprocessing import get_context
from typing import Final, Protocol
from uuid import UUID, uuid5

from services.insights.domain import Raised, Standing, Watched, micros
from services.insights.domain.comparing import Comparison, compare, wrong_with
from services.insights.domain.jobs import MOST_KEPT, MOST_WAITING, Job, Stage, advanced, claimed, finished
from services.insights.domain.ports import Clinics, Shelf
from services.insights.handlers.judging import Judged, Portion, judge, lower_priority
from shared.bus.outcomes import describe
from shared.clock import Clock
from shared.contracts.clinics import RuleSet
from shared.errors import Problem, Recoverable, invalid, not_found
from shared.logs import logger

log = logger(__name__)
PORTION: Final = 50
"""Patients judged at a time: some seconds, after which progress is shown and a cancellation is seen."""
LOOK_EVERY: Final = 2.0
"""Seconds after which a replica looks for work that another one left, or was asked for elsewhere."""
_NAMESPACE: Final = UUID("5c1c7d0e-2f6a-5e0b-8a53-30c0a1f7d5b2")


class Jobs(Protocol):
    """The rows. Every method may raise Recoverable."""

    async def add(self, job: Job) -> Job:
        """Store a row that is new; the one that stands there where it is not."""
        ...

    async def get(self, key: str) -> Job | None:
        """A row by clinic/id."""
        ...

    async def of_clinic(self, clinic: str) -> Sequence[Job]:
        """All rows of a clinic, the newest first."""
        ...

    async def open_ones(self) -> Sequence[str]:
        """The keys of all rows there is work on, those asked first before others."""
        ...

    async def change(self, key: str, change: Callable[[Job], Job | None]) -> Job | None:
        """Change a row; None where it was left as it is, or is not there."""
        ...

    async def forget(self, keys: Sequence[str]) -> None:
        """Remove rows."""
        ...


class Backtests:
    """The use cases, and the worker every replica runs: one backtest at a time, in a process of its own."""

    def __init__(self, *, jobs: Jobs, shelf: Shelf, clinics: Clinics, clock: Clock) -> None:
        self._jobs, self._shelf, self._clinics, self._clock = jobs, shelf, clinics, clock
        self._asked = asyncio.Event()
        self._served: dict[str, int] = {}
        self._turns = 0

    async def ask(self, clinic: str, *, client: str, key: str, digest: str, rule_set: RuleSet, days: int) -> Job:
        """Have a proposed rule set tried on the last `days` days. A retry is the same backtest.

        Raises Problem 422 for a rule or parameter the catalogue does not have, 409 for a key used otherwise or where
        too many are waiting.
        """
        if errors := [*wrong_with(rule_set)]:
            raise invalid(*errors)
        if self._clinics.clinic(clinic) is None:
            raise Problem(
                409, "clinic_not_set_up", "Your clinic is not set up yet", "Set it up first with PUT /v1/clinic."
            )
        now = self._clock.now()
        job = Job(
            clinic=clinic,
            id=str(uuid5(_NAMESPACE, f"{clinic}\0{client}\0{key}")),
            digest=digest,
            rule_set=rule_set,
            since=now - timedelta(days=days),
            until=now,
            asked_at=now,
        )
        known = await self._jobs.get(job.key)
        if known is None:
            await self._make_room(clinic)
            known = await self._jobs.add(job)
        if known.digest != digest:
            raise Problem(
                409,
                "idempotency_key_reused",
                "This Idempotency-Key was used for something else",
                "Send a new key with a new request; the same key only with the very same body.",
            )
        self._asked.set()
        return known

    async def job(self, clinic: str, backtest: str) -> Job:
        """A backtest. Raises Problem 404."""
        found = await self._jobs.get(f"{clinic}/{backtest}")
        if found is None:
            raise not_found("backtest")
        return found

    async def cancel(self, clinic: str, backtest: str) -> Job:
        """Stop a backtest; one that is finished stays as it is. Raises Problem 404."""
        now = self._clock.now()
        await self._jobs.change(f"{clinic}/{backtest}", lambda job: finished(job, Stage.CANCELLED, now))
        return await self.job(clinic, backtest)

    async def _make_room(self, clinic: str) -> None:
        jobs = await self._jobs.of_clinic(clinic)
        if sum(not job.finished for job in jobs) >= MOST_WAITING:
            raise Problem(
                409,
                "too_many_backtests",
                "Other backtests are still waiting",
                f"At most {MOST_WAITING} of a clinic wait or run at a time. Wait for one to finish, or cancel it.",
            )
        old = [job.key for job in jobs if job.finished][MOST_KEPT - 1 :]
        if old:
            await self._jobs.forget(old)

    # --- the worker

    async def run(self) -> None:
        """Work on what was asked for, for as long as the service lives."""
        while True:
            self._asked.clear()
            with suppress(Recoverable):  # it stands in the store, and is tried again
                await self._work_on_all()
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def _work_on_all(self) -> None:
        """Every backtest there is work on, the clinics in turn: one that asks for many holds up no other for long.

        Next is the clinic served longest ago, or never; among equals the one that asked first.
        """
        tried: set[str] = set()
        while waiting := [key for key in await self._jobs.open_ones() if key not in tried]:
            key = min(waiting, key=lambda key: self._served.get(key.partition("/")[0], 0))
            tried.add(key)
            self._turns += 1
            self._served[key.partition("/")[0]] = self._turns
            await self._work_on(key)

    async def _work_on(self, key: str) -> None:
        now = self._clock.now()
        job = await self._jobs.change(key, lambda row: claimed(row, now))
        if job is None or job.finished:
            return
        try:
            result = await self._judged(job)
        except (Recoverable, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001  a fault of ours in one backtest must not end the others
            reason = describe(error)
            log.error("backtest_failed", reason=reason)  # noqa: TRY400  a trace may hold what a patient said
            if isinstance(error, BrokenProcessPool):
                return  # its process was killed: claimed again when the lease ends
            await self._jobs.change(key, lambda row: finished(row, Stage.FAILED, self._clock.now()))
            return
        if result is not None:
            await self._jobs.change(key, lambda row: finished(row, Stage.DONE, self._clock.now(), result))

    async def _judged(self, job: Job) -> Comparison | None:
        """The result; None where the backtest was cancelled meanwhile."""
        clinic = self._clinics.clinic(job.clinic)
        keys = await self._shelf.patients(job.clinic)
        loop = asyncio.get_running_loop()
        parts: list[Judged] = []
        with ProcessPoolExecutor(1, get_context("spawn"), initializer=lower_priority) as beside:
            for start in range(0, len(keys) or 1, PORTION):
                row = await self._jobs.change(job.key, lambda row: self._advanced(row, start, len(keys)))  # noqa: B023
                if row is None or row.finished:
                    return None
                known = await self._shelf.load(keys[start : start + PORTION])
                portion = Portion(clinic, job.rule_set, job.since, job.until, sorted(known.items()))
                parts.append(await loop.run_in_executor(beside, judge, portion))
        await self._jobs.change(job.key, lambda row: self._advanced(row, len(keys), len(keys)))
        zone = Standing(clinic).at(micros(job.until)).working_time.zone
        clinicians = {patient: name for part in parts for patient, name in part.clinicians.items()}
        watched = Watched(
            patients=len(clinicians),
            time=sum((part.time for part in parts), timedelta(0)),
            first=min((part.first for part in parts if part.first is not None), default=None),
            last=job.until,
            zone=zone,
        )
        proposed, today = _in_order(part.proposed for part in parts), _in_order(part.today for part in parts)
        return await asyncio.to_thread(compare, proposed, today, watched, clinicians)

    def _advanced(self, row: Job, done: int, total: int) -> Job:
        return advanced(row, done, total, self._clock.now())


def _in_order(raised: Iterable[list[Raised]]) -> list[Raised]:
    return sorted(chain.from_iterable(raised), key=lambda one: (one.raised_at, one.patient, one.rule))
