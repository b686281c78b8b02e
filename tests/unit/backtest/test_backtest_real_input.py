"""A backtest of real people's entries, where their log is beside the repository: counts, and the oracle's word."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from tests import data_moodpath
from tests.unit.backtest.tables import told_of
from tests.unit.backtest.truth import expected, questionnaire

SCALE = "moodpath: {minimum: 0, maximum: 4, items: {q16: {minimum: 0, maximum: 4, risk: true}}}"
SCALES = [{"name": "moodpath", "items": {"q16": {"minimum": 0, "maximum": 4, "risk": True}}}]
FEW = 4
ENTRIES = range(40, 160)
"""How many entries a patient has whom the oracle is asked about: enough for a baseline, few enough to be quick."""


def test_a_mood_apps_log_raises_concerns_and_they_are_the_oracles() -> None:
    """All of it is read; a few patients are judged again by what shares no code with the services."""
    rows = data_moodpath.tidy()
    found = told_of(data_moodpath.as_csv(rows), f"base: starter\nscales: {{{SCALE}}}\n")
    counts = Counter(one["rule"] for one in found.rows)
    people = Counter(one["patient"] for one in rows)
    few = [patient for patient, entries in people.items() if entries in ENTRIES][:FEW]
    end = max(_instant(one) for one in rows)

    assert found.report.log.rows == len(rows)
    assert min(counts[rule] for rule in ("risk_item", "mood_shift", "gone_quiet")) > 0
    assert len(few) == FEW
    for patient in few:
        facts = [_fact(one) for one in rows if one["patient"] == patient]
        agreed = expected(patient, facts, {"base": "starter"}, until=end)
        # said as a bare truth, so that a failure prints nothing of anybody
        agrees = agreed == {one for one in found.stretches if one[0] == patient}
        assert agrees


def _instant(row: data_moodpath.TidyRow) -> datetime:
    return datetime.fromisoformat(row["occurred_at"]).replace(tzinfo=UTC)


def _fact(row: data_moodpath.TidyRow) -> dict[str, Any]:
    at = _instant(row)
    fact = {"id": f"{row['measure']} {at}", "occurred_at": at, "local_day": at.date(), "origin": "live"}
    if row["measure"] == "mood":
        return {**fact, "mood": float(row["value"])}
    return {**fact, "instrument": "moodpath", **questionnaire("moodpath", {"q16": int(row["value"])}, SCALES)}
