"""What an entry costs after a short and a long history, every rule of the catalogue on: taken in, and assessed.

Needs neither broker nor store. A life has a check-in a day and a PHQ-9 and a GAD-7 every 14th, item 9 answered, now and
then above 0, now and then left out; it is counted from its end, so that a short one and a long one have the same last
weeks and the same concerns. Medians over entries, in microseconds of wall time.

history_in_order_us_...          a check-in after the last one, after 100 and after 10,000 entries
history_in_order_ratio           of the two: an entry in order costs the same however long the history
history_late_1_us, ..._100_us    a check-in a day and 100 days before the last of 10,000
history_corrected_1_us, ...      a correction of the check-in a day and 100 days back, of 10,000
history_late_1_ratio, ...        of these, to one in order
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from services.insights.domain import PatientState, Standing, assess
from shared.contracts import CheckInCorrected, CheckInRecorded, Patient, QuestionnaireCompleted
from shared.contracts.base import Fact, Origin
from shared.contracts.moods import RiskAnswer
from tests.stack import Stack

SHORT, LONG = 100, 10_000
TIMES: Final = 300
END: Final = datetime(2027, 6, 1, 9, tzinfo=UTC)


async def run(_: Stack) -> dict[str, Any]:
    """Everything above; takes about ten seconds."""
    return measured()


def measured() -> dict[str, Any]:
    """The figures, without a stack."""
    figures: dict[str, float] = {}
    for size in (SHORT, LONG):
        figures[f"history_in_order_us_after_{size}"] = _each(size, lambda n: _check_in(-(n + 1) / 1440, f"new {n}"))
    for back in (1, 100):
        figures[f"history_late_{back}_us"] = _each(LONG, partial(_late, back))
        figures[f"history_corrected_{back}_us"] = _each(LONG, partial(_corrected, back))
    in_order = figures[f"history_in_order_us_after_{LONG}"]
    ratios = {
        name.removesuffix("_us") + "_ratio": round(value / in_order, 2)
        for name, value in figures.items()
        if name.endswith("_us")
    }
    ratios["history_in_order_ratio"] = round(in_order / figures[f"history_in_order_us_after_{SHORT}"], 2)
    return {name: round(value, 1) for name, value in figures.items()} | ratios


def _late(back: int, number: int) -> tuple[str, Fact]:
    return _check_in(back - (number + 1) / 1440, f"late {number}")


def _each(size: int, entry: Callable[[int], tuple[str, Fact]]) -> float:
    """The median cost of one more entry, in microseconds, when everything before it has been assessed."""
    state, standing, now = _life(size), Standing(None), END + timedelta(days=1)
    assess(state, standing, now=now, horizon=now)
    took = []
    for number in range(TIMES):
        name, fact = entry(number)
        began = time.perf_counter()
        state.add(name, fact, 1)
        assess(state, standing, now=now, horizon=now)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e6


def _life(size: int) -> PatientState:
    """A state of so many entries, the last of them at END."""
    found: list[tuple[str, Fact]] = []
    back = 0
    while len(found) < size:
        found.append(_check_in(back, f"check-in {back}"))
        if back % 14 == 0:
            found += [_questionnaire(back, instrument) for instrument in ("phq9", "gad7")]
        back += 1
    state, begin = PatientState(), END - timedelta(days=back)
    state.apply(Patient(clinic="bench", patient="p", version=1, registered_at=begin, updated_at=begin))
    for name, fact in reversed(found[:size]):
        state.add(name, fact, 1)
    return state


def _common(back: float) -> dict[str, Any]:
    at = END - timedelta(days=back)
    return {"clinic": "bench", "patient": "p", "occurred_at": at, "local_day": at.date(), "origin": Origin.LIVE}


def _check_in(back: float, name: str) -> tuple[str, Fact]:
    return str(uuid5(NAMESPACE_URL, name)), CheckInRecorded(**_common(back), mood=5 + int(back) * 7 % 3)


def _corrected(back: int, number: int) -> tuple[str, Fact]:
    entry = str(uuid5(NAMESPACE_URL, f"check-in {back}"))
    return str(uuid5(NAMESPACE_URL, f"correction {number}")), CheckInCorrected(
        **_common(-1), entry=entry, mood=5 + number % 3
    )


def _questionnaire(back: int, instrument: str) -> tuple[str, Fact]:
    number = back // 14
    risk, skipped = [], []
    if instrument == "phq9" and number % 9 == 2:
        skipped = ["9"]
    elif instrument == "phq9":
        risk = [RiskAnswer(item="9", value=int(number % 5 == 0), recall_days=14, urgent_from=2)]
    fact = QuestionnaireCompleted(
        **_common(back), instrument=instrument, score=8 + number % 3, risk_answers=risk, skipped_risk_items=skipped
    )
    return str(uuid5(NAMESPACE_URL, f"{instrument} {back}")), fact


if __name__ == "__main__":
    for name, value in measured().items():
        print(f"{name:40} {value:>10}")
