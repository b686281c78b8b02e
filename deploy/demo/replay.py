"""A log of one's own, sent as if it had just happened.

A tidy CSV, one value a row: `patient,occurred_at,measure,value` and optionally `note`.

- `mood` is 0 to 10 (at most two decimals) and may have a note; `phq9`, `gad7` and the other published instruments are
  totals, `phq9.1` to `phq9.10`, `gad7.1` to `gad7.7` and so on single items; any other measure is declared with its
  range, `name=min..max[:risk]`. A dot parts a scale from its item (`sleepscale.q3=0..4`); a risk measure without a dot
  is a scale with one item of the same name.
- Rows of one patient, instrument and time are one questionnaire.
- `occurred_at` is ISO 8601. With an offset it keeps it; without one it is meant in the clinic's zone; a day alone is
  its noon.
- Each patient's log is moved by whole days, so that its last row lies within the day that ends now. Whole days, because
  what is compared is a person's days and usual hours: those stay as they were.

Everything that is wrong is said at once, with its line, and then nothing is sent.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml

from deploy.demo.story import Body, Entry, Kind, Person, Story, demo_clinic, demo_clinicians, origin

REQUIRED: Final = ("patient", "occurred_at", "measure", "value")
IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
NAME: Final = re.compile(r"[A-Za-z0-9_~-]{1,64}(\.[A-Za-z0-9_~-]{1,64})?")
DECLARATION: Final = re.compile(r"(?P<name>[^=]+)=(?P<range>.+)")
RANGE: Final = re.compile(r"\s*(?P<low>-?\d+(\.\d+)?)\s*\.\.\s*(?P<high>-?\d+(\.\d+)?)\s*(?P<risk>:risk)?\s*")
YEARS: Final = range(1900, 2101)
TOTALS: Final[dict[str, tuple[float, float]]] = {
    "phq9": (0, 27), "gad7": (0, 21), "phq4": (0, 12), "core10": (0, 40), "pcl5": (0, 80), "k10-50": (10, 50),
    "k10-40": (0, 40), "who5": (0, 100), "wsas-40": (0, 40), "wsas-32": (0, 32), "ors": (0, 40), "srs": (0, 40),
    "wai-sr": (1, 5),
}  # fmt: skip
"""The published instruments and the ranges of their totals, as GET /v1/instruments has them."""
ITEMS: Final[dict[str, tuple[range, int, int]]] = {
    "phq9": (range(1, 11), 0, 3), "gad7": (range(1, 8), 0, 3), "phq4": (range(1, 5), 0, 3),
    "core10": (range(1, 11), 0, 4), "pcl5": (range(1, 21), 0, 4), "k10-50": (range(1, 11), 1, 5),
    "k10-40": (range(1, 11), 0, 4), "who5": (range(1, 6), 0, 5), "wsas-40": (range(1, 6), 0, 8),
    "wsas-32": (range(2, 6), 0, 8),
}  # fmt: skip
"""Their items by number, with the range of an answer; those that are not here are recorded by their total alone."""
DECIMALS: Final = frozenset({"mood", "ors", "srs", "wai-sr"})


class ReplayError(Exception):
    """What is wrong with a log or its declarations, all of it, a sentence for each; nothing was sent."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Measure:
    """What a row can measure: an instrument's total (`item` is empty) or one of its items, with its inclusive range.

    whole: only whole numbers are values; declared: the clinic must be told of the scale.
    """

    instrument: str
    item: str
    low: float
    high: float
    whole: bool = True
    risk: bool = False
    declared: bool = False

    @property
    def name(self) -> str:
        """As in the log."""
        return f"{self.instrument}.{self.item}" if self.item and self.item != self.instrument else self.instrument


def built_in() -> dict[str, Measure]:
    """The measures that need no declaration."""
    totals = {"mood": (0.0, 10.0)} | TOTALS
    known = [Measure(name, "", low, high, whole=name not in DECIMALS) for name, (low, high) in totals.items()]
    known += [Measure(name, str(n), low, high) for name, (numbers, low, high) in ITEMS.items() for n in numbers]
    return {measure.name: measure for measure in known}


def declare(declarations: Iterable[str]) -> dict[str, Measure]:
    """Measures from declarations such as `bdi=0..63` or `moodpath.q16=0..4:risk`, by name.

    Raises:
        ReplayError: a declaration cannot be read, repeats another or a built-in measure, or a range is empty.
    """
    declared: dict[str, Measure] = {}
    problems = []
    for text in declarations:
        found = DECLARATION.fullmatch(text.strip())
        measure = _measure(found["name"].strip(), found["range"]) if found else f"{text!r}: send name=min..max[:risk]"
        if isinstance(measure, str):
            problems.append(measure)
        elif measure.name in declared:
            problems.append(f"{measure.name} is declared twice")
        else:
            declared[measure.name] = measure
    if problems:
        raise ReplayError(problems)
    return declared


def declare_from(sidecar: Path) -> dict[str, Measure]:
    """Measures from a YAML file of `name: min..max[:risk]` lines.

    Raises:
        ReplayError: the file cannot be read, or a declaration in it.
    """
    try:
        content = yaml.safe_load(sidecar.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ReplayError([f"{sidecar.name} cannot be read: {' '.join(str(error).split())}"]) from error
    if not isinstance(content, dict):
        raise ReplayError([f"{sidecar.name}: send lines of `name: min..max[:risk]`"])
    return declare(f"{name}={given}" for name, given in content.items())


def _measure(name: str, given: str) -> Measure | str:
    """The measure declared, or what is wrong with the declaration."""
    found = RANGE.fullmatch(given)
    if found is None:
        return f"{name}: {given.strip()!r} is no range; send min..max or min..max:risk, such as 0..63"
    if not NAME.fullmatch(name):
        return f"{name!r}: send a name of letters, digits and _ ~ -, with at most one dot before an item"
    instrument, _, item = name.partition(".")
    if instrument == "mood" or instrument in TOTALS:
        return f"{name}: {instrument} is known already and cannot be declared"
    low, high, risk = float(found["low"]), float(found["high"]), found["risk"] is not None
    if low >= high:
        return f"{name}: the range {given.strip()} needs a minimum below its maximum"
    whole = low.is_integer() and high.is_integer()
    if (item or risk) and not whole:
        return f"{name}: items have whole numbers; send a range of those"
    return Measure(instrument, item or (instrument if risk else ""), low, high, bool(item or risk), risk, declared=True)


def scales(measures: Iterable[Measure]) -> list[Body]:
    """The scales that the clinic declares for these measures; a scale's range is its total's, or its items' summed."""
    by_instrument: dict[str, list[Measure]] = {}
    for measure in measures:
        if measure.declared:
            by_instrument.setdefault(measure.instrument, []).append(measure)
    declared = []
    for instrument, parts in by_instrument.items():
        items = [part for part in parts if part.item]
        total = next((part for part in parts if not part.item), None)
        low, high = (total.low, total.high) if total else (sum(i.low for i in items), sum(i.high for i in items))
        declared.append(
            {
                "name": instrument,
                "minimum": _plain(low),
                "maximum": _plain(high),
                "items": {
                    item.item: {"minimum": int(item.low), "maximum": int(item.high), "risk": item.risk}
                    for item in items
                },
            }
        )
    return declared


@dataclass(frozen=True)
class Row:
    """One value of the log. at: aware, or naive where it is meant in the clinic's zone."""

    line: int
    patient: str
    at: datetime
    measure: Measure
    value: int | float
    note: str


def read_log(log: Path, measures: Mapping[str, Measure], zone: str, ends_at: datetime) -> Story:
    """The story of a log in a file; see `replay`."""
    try:
        text = log.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ReplayError([f"{log} cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ReplayError([f"{log.name} is not UTF-8 at byte {error.start}; save it as UTF-8"]) from error
    return replay(text, measures, zone, ends_at)


def replay(text: str, measures: Mapping[str, Measure], zone: str, ends_at: datetime) -> Story:
    """The story of a log: its patients, and their entries moved to end now.

    text: the CSV; measures: the declared ones, by name; zone: the clinic's, IANA; ends_at: now, aware.

    Raises:
        ReplayError: with everything that is wrong, each with its line.
    """
    problems: list[str] = []
    rows = list(_rows(text, {**built_in(), **measures}, problems))
    groups = _groups(rows, ZoneInfo(zone), problems)
    if not problems and not rows:
        problems.append("the log has no rows; send at least one below the header")
    if problems:
        raise ReplayError(problems)

    entries: list[Entry] = []
    people: list[Person] = []
    clinicians = demo_clinicians()
    ends_at = ends_at.astimezone(UTC)
    by_patient: dict[str, list[list[Row]]] = {}
    for group in groups:
        by_patient.setdefault(group[0].patient, []).append(group)
    for number, (patient, own) in enumerate(by_patient.items()):
        moved = _moved(own, ZoneInfo(zone), ends_at)
        entries += moved
        people.append(_person(patient, clinicians[number % len(clinicians)].id, zone, moved))
    entries.sort(key=lambda entry: (entry.at, entry.patient, entry.line))
    return Story(demo_clinic(zone, scales(measures.values())), clinicians, people, entries, ends_at)


def _person(patient: str, clinician: str, zone: str, entries: list[Entry]) -> Person:
    """Somebody in care since their first entry, of whom the log says no more than an id."""
    body: Body = {
        "name": f"Patient {patient}",
        "email": None,
        "mobile": None,
        "consent_to_contact": False,
        "clinician": clinician,
        "zone": zone,
        "status": "active",
        "episode_started_on": min(entry.body["occurred_at"][:10] for entry in entries),
        "registered_at": min(entry.at for entry in entries).isoformat(),
    }
    return Person(patient, body, "replayed")


# reading -------------------------------------------------------------------------------------------------------------


def _rows(text: str, measures: Mapping[str, Measure], problems: list[str]) -> Iterable[Row]:
    """The rows that can be read; of the others `problems` gets a sentence each."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if header not in ([*REQUIRED], [*REQUIRED, "note"]):
            problems.append("line 1: the header must be patient,occurred_at,measure,value or the same with ,note")
            return
        line = reader.line_num + 1
        for cells in reader:
            if cells and any(cell.strip() for cell in cells):
                row = _row(line, cells, len(header), measures, problems)
                if row is not None:
                    yield row
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(f"line {max(reader.line_num, 1)}: not readable as CSV ({error}); nothing after it was read")


def _row(line: int, cells: list[str], width: int, measures: Mapping[str, Measure], problems: list[str]) -> Row | None:
    """One row, or None with everything that is wrong with it in `problems`."""
    if len(cells) != width:
        problems.append(f"line {line}: {len(cells)} columns where the header has {width}")
        return None
    patient, occurred_at, name, value, note = (cell.strip() for cell in [*cells, ""][:5])
    wrong: list[str] = []
    if not IDENTIFIER.fullmatch(patient):
        wrong.append(f"patient {patient!r} must be 1 to 64 of letters, digits and . _ ~ -")
    at = _time(occurred_at)
    if at is None:
        wrong.append(f"occurred_at {occurred_at!r} is no time; send ISO 8601 such as 2026-03-02T09:30:00+00:00")
    measure = measures.get(name)
    number: int | float | str = 0
    if measure is None:
        wrong.append(f"measure {name!r} is not known; declare it with its range, such as --measure {name or 'x'}=0..10")
    else:
        number = _value(value, measure)
        if isinstance(number, str):
            wrong.append(number)
    if note and (len(note) > 2000 or (measure is not None and measure.instrument != "mood")):
        wrong.append("a note can go with mood only, and has at most 2,000 characters")
    problems += [f"line {line}: {problem}" for problem in wrong]
    if wrong or at is None or measure is None or isinstance(number, str):
        return None
    return Row(line, patient, at, measure, number, note)


def _time(text: str) -> datetime | None:
    """An ISO 8601 time, aware or naive; a day alone is its noon; None where it is none."""
    try:
        at = datetime.combine(date.fromisoformat(text), time(12)) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.year in YEARS else None


def _value(text: str, measure: Measure) -> int | float | str:
    """The number, or what is wrong with it."""
    try:
        number = float(text)
    except ValueError:
        return f"value {text!r} is no number"
    if not isfinite(number) or not measure.low <= number <= measure.high:
        return f"value {text} of {measure.name} is outside {_plain(measure.low)} to {_plain(measure.high)}"
    if measure.whole and not number.is_integer():
        return f"value {text} of {measure.name} must be a whole number"
    if measure.instrument == "mood" and round(number, 2) != number:
        return f"value {text} of mood has more than two decimals"
    return _plain(number)


def _plain(number: float) -> int | float:
    """Whole numbers as such."""
    return int(number) if float(number).is_integer() else number


# grouping and moving -------------------------------------------------------------------------------------------------


def _instant(at: datetime, zone: ZoneInfo) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def _groups(rows: list[Row], zone: ZoneInfo, problems: list[str]) -> list[list[Row]]:
    """Rows that are one entry: of one patient, instrument and time. What does not go together is a problem."""
    groups: dict[tuple[str, str, datetime], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.patient, row.measure.instrument, _instant(row.at, zone)), []).append(row)
    for group in groups.values():
        seen: dict[str, Row] = {}
        for row in group:
            first = seen.setdefault(row.measure.item, row)
            if first is not row:
                problems.append(f"line {row.line}: {row.measure.name} was given for this time in line {first.line}")
        if "" in seen and len(seen) > 1:
            instrument = group[0].measure.instrument
            problems.append(f"line {seen[''].line}: a total and items of {instrument} at one time; send one of them")
    return list(groups.values())


def _moved(groups: list[list[Row]], zone: ZoneInfo, ends_at: datetime) -> list[Entry]:
    """One patient's entries, moved by as many whole days as leave none of them after now."""
    times = [group[0].at for group in groups]
    days = (ends_at - max(_instant(at, zone) for at in times)).days + 1
    while any(_instant(at + timedelta(days=days), zone) > ends_at for at in times):
        days -= 1
    return [_entry(group, group[0].at + timedelta(days=days), zone, ends_at) for group in groups]


def _entry(group: list[Row], at: datetime, zone: ZoneInfo, ends_at: datetime) -> Entry:
    """The entry of rows that belong together, at its new time."""
    first = group[0]
    moment = at if at.tzinfo else at.replace(tzinfo=zone)
    body: dict[str, Any] = {"patient": first.patient}
    if first.measure.instrument == "mood":
        body |= {"mood": first.value} | ({"note": first.note} if first.note else {})
    elif first.measure.item:
        items = {row.measure.item: row.value for row in sorted(group, key=lambda row: row.measure.item)}
        body |= {"instrument": first.measure.instrument, "items": items}
    else:
        body |= {"instrument": first.measure.instrument, "total": first.value}
    body |= {"occurred_at": moment.isoformat(), "origin": origin(moment, ends_at)}
    kind: Kind = "check_in" if first.measure.instrument == "mood" else "questionnaire"
    return Entry(first.patient, moment.astimezone(UTC), kind, body, line=first.line)
