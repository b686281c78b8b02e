"""From a log and a rules file to what would have been raised, written whole or not at all."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import Progress

from services.backtest.clinic import read_clinic, starter_clinic, with_rules
from services.backtest.log import Log, read_log
from services.backtest.output import refuse_output, written_whole
from services.insights.domain import Raised, Standing, Watched, backtest
from shared.contracts import Clinic

COLUMNS: Final = ("patient", "raised_at", "rule", "severity", "reason", "cleared_at")
LONG: Final = 20_000
"""Rows from which on somebody waits long enough to be shown how far it is."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a backtest came to. against: the other rule set and what it would have raised; None where there is none."""

    log: Log
    watched: Watched
    raised: list[Raised]
    against: tuple[str, list[Raised]] | None


def backtest_log(
    log: Path, output: Path, rules: Path | None = None, compare: Path | None = None, *, console: Console
) -> Report:
    """Read a log, judge it under the rules (the starter set, where none are given), and write what was raised.

    compare: a rules file whose rules are judged beside them; the starter set, where only `rules` are given. Of this
        file scales, zone and working hours do not count: the same log is judged.
    console: where progress is shown, for long logs.

    Raises:
        Refused: with everything that is wrong with the files given; then nothing is written.
    """
    refuse_output(output, [given for given in (log, rules, compare) if given is not None])
    clinic = starter_clinic() if rules is None else read_clinic(rules)
    clinics = [clinic]
    if rules is not None or compare is not None:
        other = starter_clinic() if compare is None else read_clinic(compare)
        clinics.append(with_rules(clinic, other.settings[0].rule_set))
    read = read_log(log, clinic)
    watched = _watched(read, clinic.settings[0].working_time.zone)
    with Progress(console=console, disable=read.rows < LONG, transient=True) as progress:
        task = progress.add_task("Assessing", total=sum(map(read.size, read.patients)))
        raised = _raised(read, clinics, watched, lambda entries: progress.advance(task, entries))
    read.refuse_wrong()
    _write(output, raised[0])
    against = (compare.name if compare else "the starter set", raised[1]) if len(clinics) > 1 else None
    return Report(read, watched, raised[0], against)


def _watched(log: Log, zone: ZoneInfo) -> Watched:
    spans = [log.instants(patient) for patient in log.patients]
    first, last = min((begin for begin, _ in spans), default=None), max((end for _, end in spans), default=None)
    time = sum((last - begin for begin, _ in spans), timedelta(0)) if last else timedelta(0)
    return Watched(patients=len(spans), time=time, first=first, last=last, zone=zone)


def _raised(
    log: Log, clinics: Sequence[Clinic], watched: Watched, advance: Callable[[int], None]
) -> list[list[Raised]]:
    """What each clinic's rules would have raised, in order; incomplete as soon as there is a problem."""
    standings = [Standing(clinic, as_if_always=True) for clinic in clinics]
    raised: list[list[Raised]] = [[] for _ in clinics]
    for patient in log.patients:
        facts = log.facts(patient)  # reading goes on where assessing does not, so that all problems are said
        if watched.last is not None and not log.problems:
            for found, standing in zip(raised, standings, strict=True):
                found.extend(backtest(patient, facts, standing, until=watched.last))
        advance(len(facts))
    for found in raised:
        found.sort(key=lambda one: (one.raised_at, one.patient, one.rule))
    return raised


def _write(output: Path, raised: Sequence[Raised]) -> None:
    with written_whole(output) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(_cells, raised))


def _cells(one: Raised) -> tuple[str, ...]:
    cleared = "" if one.cleared_at is None else _instant(one.cleared_at)
    return (one.patient, _instant(one.raised_at), one.rule, one.severity or "", one.reason, cleared)


def _instant(at: datetime) -> str:
    """ISO 8601 in UTC, with Z."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
