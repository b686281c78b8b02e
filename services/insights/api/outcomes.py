"""Outcomes of episodes of care, per clinic, clinician and period, beside the national figures."""

from datetime import date, timedelta
from typing import Annotated, Final, Self

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from services.insights.domain.outcomes import (
    FEWEST_SHOWN,
    NATIONAL_PERIOD,
    NATIONAL_RATES,
    Count,
    Effect,
    OutcomeReport,
)
from services.insights.handlers import By, OutcomeReader
from shared.auth import Caller
from shared.contracts.base import Id
from shared.errors import FieldError, Problem
from shared.runtime import WaitForPosition, caller_with, problems, settle

router = APIRouter(tags=["insights"])
LONGEST: Final = timedelta(days=5 * 366)


def _reader(request: Request) -> OutcomeReader:
    reader: OutcomeReader = request.state.outcomes
    return reader


class ShownCount(BaseModel):
    """A count and its rate. Null: 1 to 4, or something a number from 1 to 4 could be worked out from."""

    count: int | None
    of: int | None = Field(description="The denominator, which is not the same for all.")
    rate: float | None = Field(description="0 to 1, four decimals.")
    national: float | None = Field(default=None, description="The same rate in `national_period`.")

    @classmethod
    def of_count(cls, count: Count, national: float | None = None) -> Self:
        """As shown."""
        rate = None if count.share is None else round(count.share, 4)
        return cls(count=count.count, of=count.of, rate=rate, national=national)


class ShownEffect(BaseModel):
    """Mean first and last score of the courses with both, and their difference in national standard deviations."""

    measure: str
    paired: int | None
    mean_first: float | None
    mean_last: float | None
    effect_size: float | None

    @classmethod
    def of_effect(cls, effect: Effect) -> Self:
        """As shown."""
        return cls(
            measure=effect.measure,
            paired=effect.paired,
            mean_first=_rounded(effect.mean_first),
            mean_last=_rounded(effect.mean_last),
            effect_size=_rounded(effect.effect_size),
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


class ShownOutcomes(BaseModel):
    """Outcomes of a group of episodes that ended. Courses of treatment are those with two attended sessions or more."""

    group: str | None = Field(default=None, description="A clinician's id or a quarter; null: all that were asked for.")
    ended: int | None
    completed: int | None = Field(description="Courses of treatment that ended: two attended treatment sessions.")
    not_a_case: int | None = Field(description="Courses known not to have been at caseness at the start.")
    recovery: ShownCount = Field(description="Of courses, those known not a case at the start left out.")
    reliable_recovery: ShownCount = Field(description="Of courses, those known not a case at the start left out.")
    reliable_improvement: ShownCount = Field(description="Of all courses.")
    reliable_deterioration: ShownCount = Field(description="Of all courses.")
    no_reliable_change: ShownCount = Field(description="Of all courses.")
    not_classified: ShownCount = Field(description="Courses without a first and a last score of both measures.")
    effects: list[ShownEffect]

    @classmethod
    def of(cls, report: OutcomeReport, group: str | None = None) -> Self:
        """As shown."""
        rates = {
            name: ShownCount.of_count(getattr(report, name), NATIONAL_RATES.get(name))
            for name, field in cls.model_fields.items()
            if field.annotation is ShownCount
        }
        return cls(
            group=group,
            ended=report.ended,
            completed=report.completed,
            not_a_case=report.not_a_case,
            effects=[ShownEffect.of_effect(effect) for effect in report.effects],
            **rates,
        )


class OutcomesReply(BaseModel):
    """The outcomes of a period, as NHS Talking Therapies defines them."""

    since: date
    until: date
    national_period: str = NATIONAL_PERIOD
    fewest_shown: int = Field(default=FEWEST_SHOWN, description="Counts from 1 to one below it are null.")
    everyone: ShownOutcomes
    groups: list[ShownOutcomes]


@router.get(
    "/v1/outcomes",
    operation_id="get_outcomes",
    summary="Recovery, reliable improvement and deterioration of episodes that ended",
    responses=problems(400),
)
async def get_outcomes(
    *,
    since: Annotated[date, Query(description="First day on which an episode ended, e.g. 2026-01-01.")],
    until: Annotated[date, Query(description="Last day, inclusive; at most five years later.")],
    clinician: Annotated[Id | None, Query(description="Only episodes of this clinician.")] = None,
    by: Annotated[By | None, Query(description="Reports by clinician or by quarter beside the whole.")] = None,
    wait_for: WaitForPosition,
    reader: Annotated[OutcomeReader, Depends(_reader)],
    request: Request,
    caller: Caller = caller_with("insights:read"),
) -> OutcomesReply:
    """First and last valid PHQ-9 and anxiety score of every episode that ended in the period, exactly as the national
    reports count them; small numbers are suppressed. A comparison with national figures compares different people."""
    if not since <= until <= since + LONGEST:
        raise Problem(
            400,
            "invalid_period",
            "This is no period we can report on",
            "Send `since` and `until` as days, the first not after the last and at most five years before it.",
            errors=[FieldError("/until", "send a day from `since` to five years later")],
        )
    await settle(wait_for, request.state.reached)
    found = await reader.outcomes(caller.clinic, since, until, clinician=clinician, by=by)
    return OutcomesReply(
        since=since,
        until=until,
        everyone=ShownOutcomes.of(found.everyone),
        groups=[ShownOutcomes.of(report, name) for name, report in found.groups.items()],
    )
