"""A portion of a backtest, judged in a process of its own: the same rules as live, at a lower priority.

Judging a year of 5,000 patients holds the interpreter for minutes (about 0.1 ms an entry and rule set), in which no
alert would move; so it is done beside the service.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from services.insights.domain import Raised, Standing, backtest
from services.insights.domain.past import past_of
from services.insights.domain.ports import Remembered
from services.insights.handlers.kept import documents_of, facts_of
from shared.contracts import Clinic, Patient
from shared.contracts.base import Document
from shared.contracts.clinics import RuleSet


class Portion(NamedTuple):
    """Some patients of a clinic, as kept: (clinic/patient, what is stored of them)."""

    clinic: Clinic | None
    proposed: RuleSet
    since: datetime
    until: datetime
    patients: Sequence[tuple[str, Remembered]]


@dataclass(frozen=True, slots=True)
class Judged:
    """What both rule sets would have raised of a portion from `since` on, and how long each patient was watched."""

    proposed: list[Raised]
    today: list[Raised]
    clinicians: dict[str, str | None]
    time: timedelta
    first: datetime | None


def lower_priority() -> None:
    """What everybody waits for goes first."""
    os.nice(10)


def judge(portion: Portion) -> Judged:
    """Judge a portion. A patient without any entry up to the end is not watched."""
    today = _standing(portion.clinic, None, portion.until)
    proposed = _standing(portion.clinic, portion.proposed, portion.until)
    zone = today.at(0).working_time.zone
    judged = Judged([], [], {}, timedelta(0), None)
    time, first = judged.time, judged.first
    for key, kept in portion.patients:
        patient = key.partition("/")[2]
        facts = [(name, fact) for name, fact in facts_of(kept) if fact.occurred_at <= portion.until]
        if not facts:
            continue
        began = max(portion.since, min(fact.occurred_at for _, fact in facts))
        documents = [one for one in documents_of(kept) if isinstance(one, Document)]
        past = past_of(documents, zone)
        for standing, found in ((proposed, judged.proposed), (today, judged.today)):
            raised = backtest(patient, facts, standing, until=portion.until, documents=past)
            found.extend(one for one in raised if one.raised_at >= portion.since)
        judged.clinicians[patient] = next((one.clinician for one in documents if isinstance(one, Patient)), None)
        time += portion.until - began
        first = began if first is None else min(first, began)
    return Judged(judged.proposed, judged.today, judged.clinicians, time, first)


def _standing(clinic: Clinic | None, rules: RuleSet | None, now: datetime) -> Standing:
    """The clinic as if one rule set had always been in force: the proposed one, or today's."""
    if clinic is None or clinic.deleted:
        return Standing(None)
    chosen = rules or clinic.settings_at(now).rule_set
    settings = [one.model_copy(update={"rule_set": chosen}) for one in clinic.settings]
    return Standing(clinic.model_copy(update={"settings": settings}))
