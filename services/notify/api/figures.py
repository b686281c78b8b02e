"""/v1/alerts/load and /v1/alerts/reconciliation: what clinicians carry, and whether everything has its end."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from services.notify.domain.audit import End, Wrong
from services.notify.handlers import Auditor, Figures
from shared.auth import Caller
from shared.runtime import caller_with, problems

router = APIRouter(tags=["alerts"])


class CarriedReply(BaseModel):
    """What one clinician carried."""

    clinician: str
    patients: int = Field(description="Active patients of theirs, now.")
    alerts: int = Field(description="Opened in these weeks.")
    risk: int = Field(description="Risk alerts among them, which no budget counts.")
    per_week: float
    per_100: float | None = Field(description="Alerts per week and 100 patients; null without patients.")
    messages: int = Field(description="Messages that could wait and went out by themselves.")
    held: int = Field(description="Messages that could wait and were put into a later digest.")
    over_budget: int = Field(description="Of these, because the day's budget was used up.")
    acknowledged: int
    median_minutes: float | None = Field(description="From opening to the first acknowledgement; null where none was.")


class LoadReply(BaseModel):
    """Every clinician, the one with most alerts first."""

    weeks: int
    alert_budget: int = Field(description="Messages that can wait, per clinician and day, as the clinic set it.")
    clinicians: list[CarriedReply]


class DifferenceReply(BaseModel):
    """One thing that is not as it should be; the next audit sets it going."""

    wrong: Wrong
    patient: str
    alert: str | None


class ReconciliationReply(BaseModel):
    """What came of comparing concerns with alerts, and alerts with their ends."""

    at: AwareDatetime
    clean: bool = Field(description="Every concern has its alert, and every alert its end or something that will come.")
    concerns: int = Field(description="With something that must be told.")
    evidence: int = Field(description="Pieces of it.")
    alerts: int
    ends: dict[End, int] = Field(
        description="closed; acknowledged; waiting: the next attempt has its time; used_up: everybody on the list was "
        "told and nobody has it; nobody_further: the patient has died."
    )
    found: dict[Wrong, int] = Field(
        description="untold: evidence in no alert; no_row, cancelled, held_nowhere: owed, and nothing would send it; "
        "overdue: due for five minutes; unsettled: sent, and the alert had not heard."
    )
    differences: list[DifferenceReply] = Field(description="The first 200.")


def _figures(request: Request) -> Figures:
    figures: Figures = request.state.figures
    return figures


def _auditor(request: Request) -> Auditor:
    auditor: Auditor = request.state.auditor
    return auditor


@router.get("/v1/alerts/load", operation_id="get_alert_load", summary="What each clinician carries",
            responses=problems())  # fmt: skip
async def get_alert_load(
    *,
    figures: Annotated[Figures, Depends(_figures)],
    weeks: Annotated[int, Query(ge=1, le=26)] = 4,
    caller: Caller = caller_with("alerts:read"),
) -> LoadReply:
    """Alerts per week, per 100 patients, held, over budget, and the median time to acknowledge."""
    clinicians = [CarriedReply(**asdict(one)) for one in await figures.of(caller.clinic, weeks)]
    return LoadReply(weeks=weeks, alert_budget=figures.budget(caller.clinic), clinicians=clinicians)


@router.get("/v1/alerts/reconciliation", operation_id="get_reconciliation", summary="Is everything told?",
            responses=problems())  # fmt: skip
async def get_reconciliation(
    *,
    auditor: Annotated[Auditor, Depends(_auditor)],
    caller: Caller = caller_with("alerts:read"),
) -> ReconciliationReply:
    """Every concern has its alert and every alert its end, as of now. Run each night too; asking changes nothing."""
    found = await auditor.reconciliation(caller.clinic)
    differences: list[Any] = [
        DifferenceReply(
            wrong=one.wrong,
            patient=one.patient.partition("/")[2],
            alert=one.alert.rpartition("/")[2] if one.alert else None,
        )
        for one in found.differences
    ]
    return ReconciliationReply(
        at=found.at,
        clean=not any(found.found.values()),
        concerns=found.concerns,
        evidence=found.evidence,
        alerts=found.alerts,
        ends=found.ends,
        found=found.found,
        differences=differences,
    )
