"""/v1/backtests: try a rule set on the clinic's own past before switching it on."""

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from services.insights.domain.comparing import Comparison
from services.insights.domain.jobs import Job, Stage
from services.insights.handlers import Backtests
from shared.auth import Caller
from shared.contracts.base import Id, Number
from shared.contracts.clinics import RuleChoice, RuleSet
from shared.runtime import Body, IdempotencyKey, caller_with, problems

router = APIRouter(tags=["insights"])


def _backtests(request: Request) -> Backtests:
    backtests: Backtests = request.state.backtests
    return backtests


TheBacktests = Annotated[Backtests, Depends(_backtests)]
BacktestId = Annotated[Id, Path(description="The `id` that POST /v1/backtests answered with.")]


class ChoiceBody(Body):
    """A word on one rule: whether it runs, and which parameters differ from the catalogue's defaults."""

    enabled: bool = True
    parameters: dict[str, Number] = Field(default_factory=dict, max_length=20)


class RuleSetBody(Body):
    """As in PUT /v1/clinic."""

    base: Literal["starter", "none"]
    rules: dict[str, ChoiceBody] = Field(default_factory=dict, max_length=50)


class BacktestBody(Body):
    """What to try, and how far back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rule_set": {"base": "starter", "rules": {"gone_quiet": {"parameters": {"min_days": 10}}}},
                    "days": 365,
                }
            ]
        }
    )

    rule_set: RuleSetBody = Field(description="The rule set to try, as PUT /v1/clinic takes it.")
    days: int = Field(default=365, ge=1, le=1830, description="How many days back from now.")


class BacktestReply(BaseModel):
    """How far a backtest is, and its result where it is done."""

    id: str
    stage: Stage
    patients_done: int
    patients: int | None = Field(description="Null until they have been counted.")
    since: datetime
    until: datetime
    rule_set: RuleSet
    asked_at: datetime
    finished_at: datetime | None
    result: Comparison | None = Field(description="Null until it is done. Nobody is alerted by a backtest.")

    @classmethod
    def of(cls, job: Job) -> Self:
        """As shown."""
        return cls(
            id=job.id,
            stage=job.stage,
            patients_done=job.done,
            patients=job.total,
            since=job.since,
            until=job.until,
            rule_set=job.rule_set,
            asked_at=job.asked_at,
            finished_at=job.finished_at,
            result=job.result,
        )


@router.post("/v1/backtests", operation_id="ask_for_backtest", summary="Try a rule set on the clinic's own past",
             status_code=202, responses=problems(400, 409))  # fmt: skip
async def ask_for_backtest(
    *,
    body: BacktestBody,
    backtests: TheBacktests,
    key: IdempotencyKey,
    request: Request,
    caller: Caller = caller_with("insights:read"),
) -> BacktestReply:
    """What it would have raised, by rule, week and clinician, and where it differs from today's rules: by the very same
    rules that run live. It takes a while (see `patients_done`); nobody is alerted by it. Results are kept until twenty
    newer ones have been asked for, and not across a rebuilt store: ask again."""
    rules = {name: RuleChoice(**choice.model_dump()) for name, choice in body.rule_set.rules.items()}
    job = await backtests.ask(
        caller.clinic,
        client=caller.client,
        key=key,
        digest=sha256(await request.body()).hexdigest(),
        rule_set=RuleSet(base=body.rule_set.base, rules=rules),
        days=body.days,
    )
    return BacktestReply.of(job)


@router.get("/v1/backtests/{backtest}", operation_id="get_backtest", summary="How far a backtest is, and its result",
            responses=problems(404))  # fmt: skip
async def get_backtest(
    backtest: BacktestId, backtests: TheBacktests, caller: Caller = caller_with("insights:read")
) -> BacktestReply:
    """Ask every few seconds until `stage` is done, cancelled or failed."""
    return BacktestReply.of(await backtests.job(caller.clinic, backtest))


@router.post("/v1/backtests/{backtest}/cancellation", operation_id="cancel_backtest", summary="Stop a backtest",
             responses=problems(404))  # fmt: skip
async def cancel_backtest(
    backtest: BacktestId, backtests: TheBacktests, caller: Caller = caller_with("insights:read")
) -> BacktestReply:
    """It stops within some seconds; one that is finished stays as it is. Safe to send again."""
    return BacktestReply.of(await backtests.cancel(caller.clinic, backtest))
