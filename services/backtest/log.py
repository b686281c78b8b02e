"""A tidy log: one value a row, `patient,occurred_at,measure,value` and optionally `note`, which is not read.

A row says one answer or one total. Rows of one patient, instrument and time are one questionnaire; mood's door makes
the facts of them, as it does live, and what it refuses is a problem of the row. docs/backtest.md has the columns.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from services.backtest.refusals import Refused
from services.mood.domain import CheckIn, Instrument, Questionnaire, check_in, instruments_of, not_understood
from services.mood.domain import questionnaire as completed
from shared.contracts import Clinic, Fact
from shared.contracts.clinics import ClinicSettings
from shared.errors import FieldError, Problem

HEADER: Final = ("patient", "occurred_at", "measure", "value")
IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
YEARS: Final = range(1900, 2101)
MOOD: Final = "mood"


class Measure(NamedTuple):
    """What a row measures: mood, an instrument's total (`item` is empty), or one of its items."""

    instrument: str
    item: str


class Row(NamedTuple):
    """One value. at: aware, in the offset it was written with."""

    line: int
    at: datetime
    measure: Measure
    value: int | float


Entry = dict[Measure, Row]
"""The rows that are one entry, by what they measure."""


@dataclass
class Log:
    """The rows of a log, by patient and by the entry they belong to: instant and instrument.

    rows: those that were read, repeated ones among them; repeated: those that said again what another had said.
    """

    clinic: Clinic
    rows: int = 0
    repeated: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    _entries: dict[str, dict[tuple[datetime, str], Entry]] = field(default_factory=dict)

    @property
    def patients(self) -> list[str]:
        """Their ids, in order."""
        return sorted(self._entries)

    def instants(self, patient: str) -> tuple[datetime, datetime]:
        """When a patient's first and last entry happened."""
        known = [at for at, _ in self._entries[patient]]
        return min(known), max(known)

    def size(self, patient: str) -> int:
        """How many entries a patient has."""
        return len(self._entries[patient])

    def facts(self, patient: str) -> list[tuple[str, Fact]]:
        """A patient's facts with ids of their own; what mood refuses becomes a problem, and no fact."""
        found = []
        for (at, instrument), rows in self._entries[patient].items():
            try:
                found.append((f"{instrument}@{at.isoformat()}", _fact(patient, instrument, rows, self.clinic)))
            except Problem as problem:
                self.problems += [_located(error, instrument, rows) for error in problem.errors]
        return found

    def add(self, patient: str, row: Row) -> None:
        """Take in a row. One that says another value than a row before it is a problem of the later line."""
        self.rows += 1
        place = (row.at.astimezone(UTC), row.measure.instrument)
        entry = self._entries.setdefault(patient, {}).setdefault(place, {})
        known = entry.setdefault(row.measure, row)
        if known is row:
            return
        if known.value == row.value:
            self.repeated += 1
            # of two offsets the same one counts, whichever row came first
            entry[row.measure] = min(known, row, key=lambda one: (one.at.utcoffset(), one.line))
        else:
            again = f"{_named(row.measure)} has another value for this patient and time in line {known.line}"
            self.problems.append((row.line, f"{again}: keep the one that is right"))

    def refuse_wrong(self) -> None:
        """Raise Refused where there is any problem, in order of lines."""
        if self.problems:
            raise Refused([f"line {line}: {problem}" for line, problem in sorted(self.problems)])


def read_log(path: Path, clinic: Clinic) -> Log:
    """Read a log.

    clinic: for the scales it has declared; its first settings count.

    Raises:
        Refused: the file cannot be read at all. What is wrong with rows stands in `problems`.
    """
    log, measures = Log(clinic), _Measures(clinic.settings[0])
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            for line, cells in _lines(csv.reader(text, strict=True), log.problems):
                read = _row(line, cells, measures)
                if isinstance(read, list):
                    log.problems += [(line, problem) for problem in read]
                else:
                    log.add(*read)
    except OSError as error:
        raise Refused([f"{path} cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise Refused([f"{path.name} is not UTF-8: save it as UTF-8"]) from None
    return log


def _lines(reader: Any, problems: list[tuple[int, str]]) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows below the header, blank ones left out, with their line; `problems` gets those of another width."""
    try:
        named = next((cells for cells in reader if any(cell.strip() for cell in cells)), HEADER)
        header = tuple(name.strip() for name in named)
        if header not in (HEADER, (*HEADER, "note")):
            problems.append((reader.line_num, f"the header must be {','.join(HEADER)}, or the same with ,note"))
            return
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) == len(header):
                    yield line, cells
                else:
                    problems.append((line, f"{len(cells)} columns: write {len(header)}, as in the header"))
            line = reader.line_num + 1
    except csv.Error as error:
        told = f"not readable as CSV ({error}), and nothing after it was read: quote cells with commas or quotes"
        problems.append((max(reader.line_num, 1), told))


def _row(line: int, cells: Sequence[str], measures: "_Measures") -> tuple[str, Row] | list[str]:
    """The patient and the row, or all that is wrong with it."""
    patient, occurred_at, name, value = (cell.strip() for cell in cells[:4])
    at, measure, number = _time(occurred_at), measures.known.get(name), _number(value)
    wrong = []
    if not IDENTIFIER.fullmatch(patient):
        wrong.append(f"patient {patient!r}: write 1 to 64 letters, digits and . _ ~ -")
    if at is None:
        wrong.append(f"occurred_at {occurred_at!r}: write a time such as 2026-03-02T09:30:00+01:00, from 1900 to 2100")
    if measure is None:
        wrong.append(measures.wanted(name))
    if number is None:
        wrong.append(f"value {value!r}: write a number, and leave out the row of what was not answered")
    if wrong or at is None or measure is None or number is None:
        return wrong
    return patient, Row(line, at, measure, number)


def _time(text: str) -> datetime | None:
    """An ISO 8601 time, in UTC where it has no offset; a day alone is its noon; None where it is none."""
    try:
        at = datetime.combine(date.fromisoformat(text), time(12)) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) if at.year in YEARS else None


def _number(text: str) -> int | float | None:
    """Whole numbers as such, however they are written; None where it is no number."""
    number = float(text) if NUMBER.fullmatch(text) else float("nan")
    if not isfinite(number):
        return None
    return int(number) if number.is_integer() else number


class _Measures:
    """What a log may measure, by name; a dot parts an instrument from its item.

    Raises Refused where a scale of the clinic's has the name of another measure.
    """

    def __init__(self, settings: ClinicSettings) -> None:
        self._instruments: dict[str, Instrument] = instruments_of(settings)
        own = [Measure(name, "") for name in self._instruments]
        items = [Measure(one.name, item) for one in self._instruments.values() for item in one.items]
        self.known = {MOOD: Measure(MOOD, "")}
        for measure in [*own, *items]:
            if self.known.setdefault(_named(measure), measure) is not measure:
                raise Refused([f"scales: {_named(measure)} would name two measures: give one another name"])

    def wanted(self, name: str) -> str:
        """What to write instead of a name that is not known."""
        variants = [one.name for one in self._instruments.values() if one.measure == name]
        if variants:
            return f"measure {name!r}: write which one it is, {' or '.join(variants)}, so that scores are not mixed"
        instrument = self._instruments.get(name.rpartition(".")[0])
        if instrument is not None and instrument.items:
            return f"measure {name!r}: {instrument.title} has the items {', '.join(instrument.items)}"
        shown = name if IDENTIFIER.fullmatch(name) else "name"
        return (
            f"measure {name!r}: write {MOOD}, {', '.join(self._instruments)}, or an item such as phq9.9; another one "
            f"goes into the rules file with its range, as in `scales: {{{shown}: {{minimum: 0, maximum: 10}}}}`"
        )


def _named(measure: Measure) -> str:
    return f"{measure.instrument}.{measure.item}" if measure.item else measure.instrument


def _fact(patient: str, instrument: str, rows: Entry, clinic: Clinic) -> Fact:
    """The fact that mood would have published, sent at the moment it happened. Raises Problem 422."""
    at = min((row.at for row in rows.values()), key=lambda at: at.utcoffset() or timedelta(0))
    sent: dict[str, Any] = {"patient": patient, "occurred_at": at.isoformat()}
    try:
        if instrument == MOOD:
            sent["mood"] = rows[Measure(MOOD, "")].value
            return check_in(CheckIn.model_validate(sent), clinic=clinic, now=at).fact
        items = {measure.item: row.value for measure, row in sorted(rows.items()) if measure.item}
        total = rows.get(Measure(instrument, ""))
        sent |= {"instrument": instrument, "items": items or None, "total": total.value if total else None}
        return completed(
            Questionnaire.model_validate(sent), clinic=clinic.clinic, settings=clinic.settings[0], now=at
        ).fact
    except ValidationError as error:
        raise not_understood(error.errors(include_url=False, include_input=False)) from None


def _located(error: FieldError, instrument: str, rows: Entry) -> tuple[int, str]:
    """A refusal of mood's, with the line and the name of the value it is about."""
    row = rows.get(Measure(instrument, error.pointer.removeprefix("/items/").replace("~0", "~")))
    row = row or rows.get(Measure(instrument, "")) or min(rows.values())
    return row.line, f"{_named(row.measure)}: {error.message}"
