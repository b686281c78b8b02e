"""A backtest that a clinic asked for: a row that any replica claims with a lease, works on, and finishes.

Nothing is lost with it but work: a row whose worker died is claimed again when its lease ends and begun anew.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.insights.domain.comparing import Comparison
from shared.contracts.base import Id
from shared.contracts.clinics import RuleSet

LEASE: Final = timedelta(seconds=60)
"""How long a claimed row is its claimer's; it is renewed with every portion of patients."""
MOST_WAITING: Final = 3
"""Unfinished backtests a clinic may have."""
MOST_KEPT: Final = 20
"""Backtests kept of a clinic, the newest; a result can always be had again."""
MOST_TRIES: Final = 3
"""After so many workers died of it, it is given up."""


class Stage(StrEnum):
    """How far a backtest is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


UNFINISHED: Final = frozenset({Stage.QUEUED, Stage.RUNNING})


class Job(BaseModel):
    """The row. done, total: patients; total is None until they have been counted."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    clinic: Id
    id: str
    digest: str = Field(description="Of the request, by which a retry is told from another request with its key.")
    rule_set: RuleSet
    since: AwareDatetime
    until: AwareDatetime
    asked_at: AwareDatetime
    stage: Stage = Stage.QUEUED
    done: int = 0
    total: int | None = None
    tries: int = 0
    lease_until: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    result: Comparison | None = None

    @property
    def key(self) -> str:
        """Where it is stored."""
        return f"{self.clinic}/{self.id}"

    @property
    def finished(self) -> bool:
        """Whether nothing more will come of it."""
        return self.stage not in UNFINISHED


def claimed(job: Job, now: datetime) -> Job | None:
    """The row as its claimer's; None where there is nothing to do, or another one does it."""
    if job.finished or (job.lease_until is not None and job.lease_until > now):
        return None
    if job.tries >= MOST_TRIES:
        return finished(job, Stage.FAILED, now)
    return job.model_copy(
        update={"stage": Stage.RUNNING, "lease_until": now + LEASE, "tries": job.tries + 1, "done": 0}
    )


def advanced(job: Job, done: int, total: int, now: datetime) -> Job:
    """So many patients judged; unchanged where it was finished (cancelled) meanwhile."""
    if job.finished:
        return job
    return job.model_copy(update={"done": done, "total": total, "lease_until": now + LEASE})


def finished(job: Job, stage: Stage, now: datetime, result: Comparison | None = None) -> Job:
    """The row at its end; unchanged where it had one already."""
    if job.finished:
        return job
    return job.model_copy(update={"stage": stage, "finished_at": now, "lease_until": None, "result": result})
