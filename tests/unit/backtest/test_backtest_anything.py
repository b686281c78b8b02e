"""Whatever is in the files: an output or a refusal that says what to write, never a stack trace."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.backtest import Refused
from services.backtest.refusals import MOST_LISTED
from tests.unit.backtest.tables import HEADER, row, told, told_of

CELLS = st.one_of(
    st.sampled_from(["a", "b", "2026-06-01", "2026-06-01T09:00:00+14:00", "1900-01-01T00:00:00+14:00", "2100-12-31"]),
    st.sampled_from(["0001-01-01", "9999-12-31T23:59:59-12:00", "2026-06-01T09:00:00+23:59", "2026-W01-1"]),
    st.sampled_from(["mood", "phq9", "phq9.9", "phq9.10", "gad7", "ors", "ors.1", "who5", "k10", "own", "own.1", "."]),
    st.sampled_from(["0", "1", "-1", "1e309", "1e-9", "5.25", "inf", "nan", "99999999999999999999", '"', "\x00", ""]),
    st.text(max_size=4),
)
LIKELY = st.tuples(
    st.sampled_from(["a", "b"]),
    st.sampled_from(["2026-06-01", "2026-06-20", "1900-01-01T00:00:00+14:00", "2100-12-31T23:59:59-12:00"]),
    st.sampled_from(["mood", "phq9", "phq9.9", "gad7", "own.1"]),
    st.sampled_from(["0", "1", "4", "20"]),
).map(list)
YAML = st.recursive(
    st.sampled_from(["starter", "off", "5", ".inf", "null", "2026-13-45", "17:00", "'x'", "[]", "{}", "-1", "1e99"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda parts: f"[{', '.join(parts)}]"),
        st.dictionaries(
            st.sampled_from(["gone_quiet", "factor", "own", "items", "minimum", "maximum", "1", "mon", "? ["]),
            inner,
            max_size=3,
        ).map(lambda parts: "{" + ", ".join(f"{key}: {value}" for key, value in parts.items()) + "}"),
    ),
    max_leaves=8,
)


def problems(log: str | bytes, rules: str | None = None) -> list[str]:
    """What is wrong with the files; nothing where they are judged."""
    try:
        told_of(log, rules)
    except Refused as refused:
        return refused.problems
    return []


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(LIKELY, st.lists(CELLS, min_size=4, max_size=5)), max_size=6))
def test_any_rows_are_judged_or_refused(rows: list[list[str]]) -> None:
    """Each refusal names a line."""
    found = problems("\n".join([HEADER, *(",".join(cells) for cells in rows)]).encode(errors="surrogatepass"))

    assert all(one.startswith(("line ", "and ")) or "UTF-8" in one for one in found)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_judged_or_refused(content: bytes) -> None:
    """As a log."""
    assert len(problems(content)) <= MOST_LISTED + 1


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["rules", "scales", "zone", "working_hours", "base", "x"]), YAML, max_size=4))
def test_any_rules_are_taken_or_refused(content: dict[str, str]) -> None:
    """Each refusal names the file."""
    text = "\n".join(f"{key}: {value}" for key, value in ({"base": "starter"} | content).items())
    found = problems("\n".join([HEADER, row(0, "mood", 5), row(30, "mood", 5)]), text)

    assert all(one.startswith(("rules.yaml", "scales: ", "and ")) for one in found)


@pytest.mark.parametrize("text", ["base: starter\n" + "[" * 5_000, "zone: 2026-13-45", "", "5", "? [a]\n: b"])
def test_yaml_that_trips_its_reader_is_refused(text: str) -> None:
    """Nested too deep, or a date that is none."""
    with pytest.raises(Refused, match=r"^rules\.yaml"):
        told([], text)
