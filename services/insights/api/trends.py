"""A patient's trends: descriptions of their entries, over some weeks."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.insights.handlers import TrendReader
from shared.auth import Caller
from shared.contracts.base import Id, Number
from shared.runtime import WaitForPosition, caller_with, problems, settle

router = APIRouter(tags=["insights"])


def _reader(request: Request) -> TrendReader:
    reader: TrendReader = request.state.trends
    return reader


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class TrendDay(_Shown):
    """One day with an entry."""

    day: date
    mean: float = Field(description="The mean of the day's entries, on the measure's own scale.")
    entries: int


class TrendWeek(_Shown):
    """One ISO week."""

    monday: date
    days: int = Field(description="Days with an entry: what the mean rests on.")
    mean: float | None = Field(description="Of the day means; null in a week without an entry.")
    change: float | None = Field(description="From the week before; null where either has no entry.")


class TrendBaseline(_Shown):
    """This person's own baseline."""

    mean: float
    sd: float = Field(description="Sample standard deviation, at least 5 % of the scale (mood: the rule's floor).")
    phi: float = Field(description="Lag-1 autocorrelation, 0 to 0.7; it widens the limits.")
    until: date = Field(description="Its last day, or the Monday of its last week.")


class TrendLimits(_Shown):
    """The control chart after one day, or one week."""

    day: date
    average: float = Field(description="The moving average (EWMA).")
    lower: float
    upper: float


class TrendVariability(_Shown):
    """How much mood moves from one day to the next. It describes, and predicts nothing."""

    pairs: int = Field(description="Pairs of adjacent days in the window.")
    rmssd: float | None = Field(description="Root mean square of successive differences; null without a pair.")
    ar1: float | None = Field(description="Slope of a day on the day before; null below 20 pairs.")


class ShownTrend(_Shown):
    """One measure."""

    measure: str
    minimum: Number | None = Field(description="Null of a scale that the clinic no longer declares.")
    maximum: Number | None
    higher_is_worse: bool | None
    unit: Literal["day", "week"] = Field(description="What coverage counts, and what limits are along.")
    observed: int = Field(description="Days or weeks with an entry.")
    of: int = Field(description="Days or weeks since the first of them in the window.")
    days: list[TrendDay]
    weeks: list[TrendWeek]
    baseline: TrendBaseline | None
    limits: list[TrendLimits] = Field(description="Empty where less than 60 % is observed, or there is no baseline.")
    variability: TrendVariability | None = Field(description="Of mood, from five days on.")
    said: list[str] = Field(description="What there is not enough data for, in words.")


class PatientTrends(_Shown):
    """What a patient's entries show, described. No verdict is in it, and nobody is alerted by it."""

    patient: Id
    first: date = Field(description="A Monday.")
    today: date = Field(description="On the clinic's calendar.")
    up_to_date: bool = Field(description="False: entries are waiting that this does not know of yet.")
    trends: list[ShownTrend] = Field(description="Mood, then each questionnaire with a score, by name.")


@router.get(
    "/v1/patients/{patient}/trends",
    operation_id="get_trends",
    summary="A patient's trends: week to week, control limits, coverage",
    responses=problems(404),
)
async def get_trends(
    *,
    patient: Annotated[Id, Path(description="The clinic's own id of the patient.")],
    weeks: Annotated[int, Query(ge=2, le=52, description="ISO weeks, this one included.")] = 12,
    wait_for: WaitForPosition,
    reader: Annotated[TrendReader, Depends(_reader)],
    request: Request,
    caller: Caller = caller_with("insights:read"),
) -> PatientTrends:
    """Day means, the change from week to week with what it rests on, this person's own control limits, and coverage.
    Where too little is known it says so, and gives no limits."""
    await settle(wait_for, request.state.reached)
    return PatientTrends.model_validate(await reader.trends(caller.clinic, patient, weeks=weeks))
