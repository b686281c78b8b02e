"""What a clinic asks of insights, compared with the oracle: the caseload in its order, and a backtest of its past."""

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

from tests.e2e.processes import ROOT, Clinic, until
from tests.oracle import Inputs, assess
from tests.oracle.backtests import Stretch, as_if_always, raised
from tests.oracle.caseload import order, severities
from tests.oracle.plain import instant

PAGE = 25
"""Patients on a page of the caseload."""
Rules = dict[str, dict[str, Any]]


async def caseload(clinic: Clinic, *, after: str = "") -> list[dict[str, Any]]:
    """Every patient of the caseload, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await clinic.get(f"/v1/caseload?limit={PAGE}" + (f"&cursor={cursor}" if cursor else ""), after=after)
        found += page["items"]
        cursor = page["next"]
    return found


async def caseload_agrees(clinic: Clinic, of: dict[str, Inputs], *, after: str = "") -> list[str]:
    """The ids of the caseload in order, when it is the oracle's; fail where it is not."""
    shown = await caseload(clinic, after=after)
    now = datetime.now(UTC)
    said = {
        name: assess(one.facts, one.patient, one.sessions, one.questions, one.clinic, now, now)
        for name, one in of.items()
    }
    of_rules = severities((ROOT / "docs" / "rules.md").read_text(encoding="utf-8"))
    expected = order(said, {name: one.patient for name, one in of.items()}, of_rules)
    concerns = {name: [concern["rule"] for concern in one["concerns"]] for name, one in said.items()}

    assert expected == [one["patient"] for one in shown]
    assert {name: concerns[name] for name in expected} == {
        one["patient"]: [concern["rule"] for concern in one["concerns"]] for one in shown
    }
    return expected


async def backtest_agrees(
    clinic: Clinic, of: dict[str, Inputs], proposed: dict[str, Any], *, seconds: float, days: int = 365
) -> Rules:
    """The rules of a backtest's result, by name, when all of it is the oracle's; fail where it is not."""
    began = time.monotonic()
    asked = await clinic.post("/v1/backtests", {"rule_set": proposed, "days": days})

    async def done() -> dict[str, Any] | None:
        backtest: dict[str, Any] = await clinic.get(f"/v1/backtests/{asked['id']}")
        assert backtest["stage"] not in ("failed", "cancelled"), backtest["stage"]
        return backtest if backtest["stage"] == "done" else None

    answered = await until("the backtest", done, seconds=seconds)
    took, began = time.monotonic() - began, time.monotonic()
    result, since, end = answered["result"], answered["since"], answered["until"]
    ours, theirs = await _judged(of, proposed, since, end), await _judged(of, None, since, end)
    judged = time.monotonic() - began

    watched = [name for name, one in of.items() if any(instant(f["occurred_at"]) <= instant(end) for f in one.facts)]
    counts = {one["rule"]: {name: one[name] for name in COUNTS} for one in result["rules"]}
    named = [
        Stretch(one["patient"], one["rule"], instant(one["raised_at"]), _instant(one["cleared_at"]))
        for one in result["raised"]
    ]
    print(f"backtest of {len(watched)} people in {took:.1f} s, by the oracle in {judged:.1f} s: {len(named)} concerns")
    print({rule: (of_it["proposed"], of_it["today"]) for rule, of_it in counts.items()})
    wrong = _differences(set(ours), set(named))
    assert not wrong, "\n".join(wrong)
    assert [one["today"] for one in result["raised"]] == [
        any(_same_trouble(one, other) for other in theirs) for one in named
    ]
    assert _counted(ours, theirs) == counts
    assert (len(watched), len(ours)) == (result["patients"], result["raised_in_all"])
    return counts


COUNTS = ("proposed", "today", "both", "only_proposed", "only_today")


async def _judged(of: dict[str, Inputs], rule_set: dict[str, Any] | None, since: Any, end: Any) -> list[Stretch]:
    """What the oracle says would have been raised, on all cores."""
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        parts = [
            loop.run_in_executor(pool, raised, name, one, as_if_always(one.clinic, rule_set), since, end)
            for name, one in of.items()
        ]
        return [stretch for part in await asyncio.gather(*parts) for stretch in part]


def _counted(ours: list[Stretch], theirs: list[Stretch]) -> Rules:
    found: Rules = {}
    for rule in {one.rule for one in [*ours, *theirs]}:
        our = [one for one in ours if one.rule == rule]
        their = [one for one in theirs if one.rule == rule]
        both = len([one for one in our if any(_same_trouble(one, other) for other in their)])
        missed = [other for other in their if not any(_same_trouble(one, other) for one in our)]
        numbers = (len(our), len(their), both, len(our) - both, len(missed))
        found[rule] = dict(zip(COUNTS, numbers, strict=True))
    return found


def _same_trouble(one: Stretch, other: Stretch) -> bool:
    return (one.patient, one.rule) == (other.patient, other.rule) and one.meets(other)


def _instant(value: Any) -> datetime | None:
    return None if value is None else instant(value)


def _differences(expected: set[Stretch], actual: set[Stretch]) -> list[str]:
    """A line for each stretch that only one of the two has, without whose it is: they may be real people's."""
    lines = [(one, "missing") for one in expected - actual] + [(one, "too many") for one in actual - expected]
    return [f"{what}: {one.rule} {one.raised_at} to {one.cleared_at}" for one, what in sorted(lines, key=str)][:20]
