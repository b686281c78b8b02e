"""Backtests of tables short enough to read in a test."""

import csv
import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from services.backtest import Report, backtest_log

HEADER = "patient,occurred_at,measure,value"
START = datetime(2026, 6, 1, 9, tzinfo=UTC)
"""A Monday morning."""

Stretch = tuple[str, str, str, str]
"""patient, rule, raised_at, cleared_at, as they are written."""


def at(day: float) -> str:
    """The instant so many days after START, as the output writes it."""
    return (START + timedelta(days=day)).replace(tzinfo=None).isoformat() + "Z"


def row(day: float, measure: str, value: float, patient: str = "a") -> str:
    """A row of a log."""
    return f"{patient},{at(day)},{measure},{value}"


@dataclass
class Told:
    """What a backtest wrote and reported."""

    text: str
    report: Report

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows written, by column."""
        return list(csv.DictReader(io.StringIO(self.text)))

    @property
    def stretches(self) -> list[Stretch]:
        """The rows without their words."""
        return [(one["patient"], one["rule"], one["raised_at"], one["cleared_at"]) for one in self.rows]

    def of(self, rule: str) -> list[tuple[str, str]]:
        """When a rule was raised and cleared."""
        return [(one["raised_at"], one["cleared_at"]) for one in self.rows if one["rule"] == rule]


def told_of(text: str | bytes, rules: str | None = None) -> Told:
    """What comes of a log's text under a rules file's text."""
    with tempfile.TemporaryDirectory() as folder:
        log, output = Path(folder) / "tidy.csv", Path(folder) / "concerns.csv"
        log.write_bytes(text if isinstance(text, bytes) else text.encode())
        chosen = Path(folder) / "rules.yaml" if rules is not None else None
        if chosen is not None and rules is not None:
            chosen.write_text(rules, encoding="utf-8")
        report = backtest_log(log, output, chosen, console=Console(file=io.StringIO()))
        return Told(output.read_text(encoding="utf-8"), report)


def told(rows: Iterable[str], rules: str | None = None) -> Told:
    """What comes of these rows."""
    return told_of("\n".join([HEADER, *rows]) + "\n", rules)
