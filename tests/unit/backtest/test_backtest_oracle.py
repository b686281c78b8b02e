"""Equality with the oracle, which shares no code with the services: at every instant the same concerns hold."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.backtest.tables import START, row, told
from tests.unit.backtest.truth import expected, questionnaire

RULES = """
base: {base}
rules:
  mood_shift: {{baseline_days: 5, baseline_span: 5, lambda: {weight}, limit: 1}}
  gone_quiet: {{min_days: 2, factor: {factor}}}
  risk_item: {{tell_days: 10}}
scales:
  own: {{minimum: 0, maximum: 8, recall_days: 3, items: {{1: {{minimum: 0, maximum: 4, risk: true}}}}}}
"""


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[float, str, int]]:
    """Values of one patient by day, measure and value: moods, totals, items, several at one instant."""
    found: dict[tuple[float, str], int] = {}
    day = 0.0
    low = draw(st.integers(5, 40))
    for index in range(draw(st.integers(1, 45))):
        day += draw(st.sampled_from([0, 0.125, 0.5, 1, 1, 1, 2, 6, 20]))
        kind = draw(st.sampled_from(["mood"] * 6 + ["phq9", "gad7", "items", "own.1"]))
        if kind == "items" and (day, "phq9") not in found:
            for item in draw(st.sampled_from([range(1, 10), (9,), (1, 10)])):
                found[day, f"phq9.{item}"] = draw(st.integers(0, 3))
        elif kind == "phq9" and (day, "phq9.1") not in found and (day, "phq9.9") not in found:
            found[day, kind] = draw(st.integers(0, 27))
        elif kind in ("gad7", "own.1"):
            found[day, kind] = draw(st.integers(0, 4)) * (4 if kind == "gad7" else 1)
        else:
            found[day, "mood"] = draw(st.integers(0, 4) if low < index < low + 10 else st.integers(3, 9))
    return [(day, measure, value) for (day, measure), value in found.items()]


@settings(max_examples=80, deadline=None)
@given(histories(), st.sampled_from(["starter", "none"]), st.sampled_from([0.2, 1]), st.sampled_from([1, 3]))
def test_every_stretch_is_the_oracles(
    history: list[tuple[float, str, int]], base: str, weight: float, factor: float
) -> None:
    """Raised and cleared at the same instants, whatever the history."""
    rows = [row(day, measure, value) for day, measure, value in history]
    found = told(rows, RULES.format(base=base, weight=weight, factor=factor))
    rules: dict[str, Any] = {
        "mood_shift": {"parameters": {"baseline_days": 5, "baseline_span": 5, "lambda": weight, "limit": 1}},
        "gone_quiet": {"parameters": {"min_days": 2, "factor": factor}},
        "risk_item": {"parameters": {"tell_days": 10}},
    }
    scales = [{"name": "own", "recall_days": 3, "items": {"1": {"minimum": 0, "maximum": 4, "risk": True}}}]

    assert set(found.stretches) == expected("a", facts(history, scales), {"base": base, "rules": rules})


def facts(history: list[tuple[float, str, int]], scales: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same history as the oracle takes it."""
    together: dict[tuple[float, str], dict[str, int]] = {}
    for day, measure, value in history:
        instrument, _, item = measure.partition(".")
        together.setdefault((day, instrument), {})[item] = value
    found = []
    for (day, instrument), values in together.items():
        at = START + timedelta(days=day)
        fact = {"id": f"{instrument} {day}", "occurred_at": at, "local_day": at.date(), "origin": "live"}
        found.append(
            {**fact, "mood": values[""]}
            if instrument == "mood"
            else {**fact, "instrument": instrument, **questionnaire(instrument, values, scales)}
        )
    return found


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=6))
def test_the_order_of_rows_and_their_repetition_change_nothing(order: list[int], again: list[int]) -> None:
    """A log is a set: the output is the same, byte for byte; repeated rows are counted once, and said to be."""
    rows = [row(day, "mood", 5) for day in (0, 1, 3, 20)] + [row(2, f"phq9.{n}", n % 3) for n in range(3, 10)]
    rows.append("b,2026-06-05T09:00:00-04:00,phq9.9,2")
    straight = told(rows)
    shuffled = told([rows[place] for place in [*order, *again]])

    assert len(straight.rows) > 2
    assert shuffled.text == straight.text
    assert shuffled.report.log.repeated == len(again)


@pytest.mark.parametrize("first", [0, 1])
def test_two_offsets_of_one_instant_are_one_row_whichever_comes_first(first: int) -> None:
    """The day of the entry is that of the offset farther west."""
    same = ["a,2026-06-02T00:30:00+02:00,phq9.1,1", "a,2026-06-01T22:30:00Z,phq9.1,1"]
    found = told([same[first], same[1 - first], row(20, "mood", 5)])

    assert found.report.log.repeated == 1
    assert [str(fact.local_day) for _, fact in found.report.log.facts("a")] == ["2026-06-01", "2026-06-21"]
