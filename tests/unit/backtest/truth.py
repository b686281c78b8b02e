"""What a backtest should say, from the oracle alone: asked at every row, and wherever time could change its word."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.oracle import assess
from tests.oracle.entries import scored
from tests.unit.backtest.tables import Stretch

Fact = dict[str, Any]


def questionnaire(instrument: str, values: dict[str, int], scales: list[dict[str, Any]]) -> Fact:
    """Score and risk answers of items by name; a total has the empty name."""
    body: Fact = {"instrument": instrument, "items": None, "total": values.get("")}
    return scored(body if "" in values else {**body, "items": values}, scales)


def expected(patient: str, facts: list[Fact], rule_set: dict[str, Any], until: datetime | None = None) -> set[Stretch]:
    """The stretches in which the oracle says that a rule holds, up to the last fact or `until`."""
    ordered = sorted(facts, key=lambda fact: fact["occurred_at"])
    registered = {"status": "active", "registered_at": ordered[0]["occurred_at"], "version": 1}
    always = {"effective_from": "1900-01-01T00:00:00Z", "zone": "UTC", "rule_set": rule_set, "working_hours": {}}
    tick = timedelta(microseconds=1)

    def holding(known: list[Fact], now: datetime) -> dict[str, Any]:
        said = assess(known, registered, [], [], {"settings": [always]}, now, now)
        return {concern["rule"]: concern for concern in said["concerns"] if concern["holds"]}

    found: set[Stretch] = set()
    opened: dict[str, str] = {}
    instants = sorted({fact["occurred_at"] for fact in ordered})
    ends = [*instants[1:], (until or instants[-1]) + tick]
    for at, end in zip(instants, ends, strict=True):
        known = [fact for fact in ordered if fact["occurred_at"] <= at]
        recalls = [
            fact["occurred_at"] + timedelta(days=answer["recall_days"])
            for fact in known
            for answer in fact.get("risk_answers", [])
        ]
        quiet = holding(known, end - tick).get("gone_quiet")
        left_out = [fact["occurred_at"] + timedelta(days=30) for fact in known if fact.get("skipped_risk_items", [])]
        changes = {at, *recalls, *left_out, *([quiet["since"]] if quiet else [])}
        for now in sorted(change for change in changes if at <= change < end):
            holds = holding(known, now)
            for rule in [rule for rule in opened if rule not in holds]:
                found.add((patient, rule, opened.pop(rule), _said(now)))
            for rule in holds:
                opened.setdefault(rule, _said(now))
    return found | {(patient, rule, raised, "") for rule, raised in opened.items()}


def _said(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
