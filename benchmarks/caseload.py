"""How long a caseload of 5,000 patients takes to read, against fetching as many rows by their ids in the same run."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, Final

from services.insights.domain.ports import Saved, Wanted
from services.insights.store import MongoStore
from shared.contracts import Assessment
from shared.mongo import open_database
from tests.stack import Stack

PATIENTS: Final = 5_000
PAGE: Final = 50
ROUNDS: Final = 15
_NOW: Final = datetime(2026, 11, 23, 9, tzinfo=UTC)
_RULES: Final = (
    "risk_item",
    "reliable_deterioration",
    "mood_shift",
    "gone_quiet",
    "question_unanswered",
    "rating_drop",
)


async def run(stack: Stack) -> dict[str, Any]:
    """Median milliseconds of a page: the first one, one with filters, and the same number of rows by id."""
    async with open_database(stack.mongo_url, "bench_caseload") as database:
        store = MongoStore(database=database)
        await store.open()
        await store.save([_saved(number) for number in range(PATIENTS)])
        keys = [f"bench/p{number}" for number in range(0, PATIENTS, PATIENTS // PAGE)]
        everybody, some = Wanted(), Wanted(clinician="c1", rule="risk_item", silent_since=_NOW - timedelta(days=3))
        plain = await _median_ms(lambda: store.dues(keys))
        page = await _median_ms(lambda: store.caseload("bench", everybody, after=None, limit=PAGE))
        narrowed = await _median_ms(lambda: store.caseload("bench", some, after=None, limit=PAGE))
    return {
        "caseload_patients": PATIENTS,
        "caseload_page_ms": round(page, 1),
        "caseload_filtered_ms": round(narrowed, 1),
        "caseload_rows_by_id_ms": round(plain, 1),
    }


async def _median_ms(read: Callable[[], Awaitable[Any]]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await read()
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


def _saved(number: int) -> Saved:
    key, order = f"bench/p{number}", (0, number + 1, 1, 1, 1)
    rules = tuple(rule for place, rule in enumerate(_RULES) if number % (place + 3) == 0)
    heard = _NOW - timedelta(days=number % 30)
    assessment = Assessment(
        clinic="bench", patient=f"p{number}", epoch=0, basis=number + 1, settings_version=1, rules_version=1,
        made_at=_NOW, registered=True, entries=200, last_heard=heard, concerns=[],
    )  # fmt: skip
    return Saved(
        key=key, said=order, order=order, clinic="bench", clinician=f"c{number % 40}",
        place=f"{number % 10} {heard.isoformat()} {key}", partition=number % 12, due=None, settings_version=1,
        rules_version=1, aside=0, aside_risk=0, body=assessment.model_dump_json(), rules=rules,
        at_once=not number % 3, heard=heard,
    )  # fmt: skip
