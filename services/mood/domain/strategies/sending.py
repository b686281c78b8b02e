"""What patients and clinicians send of strategies, and the facts it becomes. Refuses the impossible."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from services.mood.domain.callers import is_clinician, is_system
from services.mood.domain.entries import OccurredAt, refuse_impossible_time
from services.mood.domain.refusals import refused
from services.mood.domain.strategies.library import strategy_named
from shared.contracts import StrategiesAllowed, StrategiesPinned, StrategyTried
from shared.contracts.base import Id, Origin
from shared.contracts.moods import Tenth
from shared.errors import FieldError, Problem

MOST_SUGGESTED: Final = 3


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Happened(_Sent):
    """Something that happened at a time the client knows."""

    occurred_at: OccurredAt = Field(description="When: RFC 3339 with the offset of the place it happened in.")
    origin: Origin = Field(default=Origin.LIVE, description="live: within 24 hours; sync: made offline; import.")


class Tried(Happened):
    """A patient tried a strategy."""

    strategy: Id = Field(description="An id of GET /v1/strategies.")
    before: Tenth | None = Field(default=None, description="Distress before, 0 none to 10 worst.")
    after: Tenth | None = Field(default=None, description="Distress after, 0 none to 10 worst.")
    suggestion: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="The id of the suggestion it came from."
    )


class Pinned(Happened):
    """The strategies a patient pins, instead of those before."""

    strategies: list[Id] = Field(max_length=2, description="At most two ids of GET /v1/strategies; empty unpins.")


class Allowed(Happened):
    """The strategies that may be suggested to a patient, instead of those before."""

    strategies: list[Id] | None = Field(
        max_length=100,
        description="Ids of GET /v1/strategies; null lets all be suggested that need no clinician. One with "
        "contraindications is suggested, and a therapist-set one shown, only where it is listed here.",
    )


class Wanted(_Sent):
    """How many suggestions are wanted."""

    most: Annotated[int, Field(ge=1, le=MOST_SUGGESTED)] = Field(default=1, description="The most suggestions, 1 to 3.")


def tried(sent: Tried, *, clinic: str, patient: str, now: datetime) -> StrategyTried:
    """The fact that a patient tried a strategy. Raises Problem 422."""
    refuse_impossible_time(sent.occurred_at, sent.origin, now)
    strategy_named(sent.strategy, "/strategy")
    return StrategyTried(
        clinic=clinic,
        patient=patient,
        occurred_at=sent.occurred_at,
        local_day=sent.occurred_at.date(),
        origin=sent.origin,
        strategy=sent.strategy,
        before=sent.before,
        after=sent.after,
        suggestion=sent.suggestion,
    )


def pinned(sent: Pinned, *, clinic: str, patient: str, role: str, now: datetime) -> StrategiesPinned:
    """The fact that a patient pinned strategies. Raises Problem 422, and 403 for a clinician."""
    if is_clinician(role):
        raise Problem(
            403,
            "not_yours_to_pin",
            "Pins are the patient's own",
            "Nothing was recorded. Say what may be suggested with PUT /v1/patients/{patient}/strategies/allowed; the "
            "patient pins with a token of their own or of their app.",
        )
    refuse_impossible_time(sent.occurred_at, sent.origin, now)
    for place, name in enumerate(sent.strategies):
        strategy_named(name, f"/strategies/{place}")
    if len(set(sent.strategies)) < len(sent.strategies):
        raise refused(FieldError("/strategies", "send each strategy once"))
    return StrategiesPinned(
        clinic=clinic,
        patient=patient,
        occurred_at=sent.occurred_at,
        local_day=sent.occurred_at.date(),
        origin=sent.origin,
        strategies=sent.strategies,
    )


def allowed(sent: Allowed, *, clinic: str, patient: str, role: str, by: str, now: datetime) -> StrategiesAllowed:
    """The fact that a clinician said what may be suggested. Raises Problem 422, and 403 for anybody else."""
    if not (is_clinician(role) or is_system(role)):
        raise Problem(
            403,
            "clinicians_only",
            "Only a clinician can say this",
            "Nothing was recorded. Send it with a clinician's token, or with that of the clinic's system.",
        )
    refuse_impossible_time(sent.occurred_at, sent.origin, now)
    for place, name in enumerate(sent.strategies or []):
        strategy_named(name, f"/strategies/{place}")
    return StrategiesAllowed(
        clinic=clinic,
        patient=patient,
        occurred_at=sent.occurred_at,
        local_day=sent.occurred_at.date(),
        origin=sent.origin,
        strategies=None if sent.strategies is None else list(dict.fromkeys(sent.strategies)),
        by=by,
    )
