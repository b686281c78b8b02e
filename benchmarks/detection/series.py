"""The data sets beside the repository, each as series of one number a patient, on its own range."""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Final

DATA: Final = Path(__file__).parents[3] / "shared" / "data"
"""Beside the repository; not a part of it."""

Point = tuple[float, float]
"""(day since the patient's first, value)"""


@dataclass(frozen=True)
class Source:
    """One measure of one data set. daily: judged as mood is, mapped to 0-10; else as a questionnaire.

    worse: 1 where higher is worse. reliability: of the measure, from the literature, for its reliable change; None
    where the reliable change itself is published and given. k: how many values a sustained change is the mean of.
    """

    folder: str
    measure: str
    title: str
    minimum: float
    maximum: float
    worse: int
    k: int
    note: str
    daily: bool = False
    caseness: float = 0
    reliability: float | None = None
    change: float | None = None
    baseline_days: int = 20
    baseline_span: int = 28

    @property
    def name(self) -> str:
        """Which it is in tables."""
        return f"{self.folder}.{self.measure}"

    @property
    def present(self) -> bool:
        """Whether the data set is there."""
        return (DATA / self.folder / f"{self.folder}.csv").exists()


@dataclass
class Loaded:
    """A source's series by patient, and the reliable change used (of the development half)."""

    source: Source
    patients: Mapping[str, list[Point]]
    change: float = 0.0
    sd: float = 0.0
    halves: dict[str, bool] = field(default_factory=dict)

    def half(self, *, held_out: bool) -> dict[str, list[Point]]:
        """The patients of one half, in order of their ids."""
        return {p: self.patients[p] for p in sorted(self.patients) if self.halves[p] == held_out}


def is_held_out(folder: str, patient: str) -> bool:
    """A fixed half, by a digest of set and patient: no run and no choice changes it."""
    return hashlib.sha256(f"{folder}/{patient}".encode()).digest()[0] % 2 == 1


SOURCES: Final = (
    Source("enrichd_bdi", "bdi", "ENRICHD, BDI in CBT visits", 0, 63, 1, 3, "r .86 (internal consistency, Beck 1988)",
           caseness=10, reliability=0.86),
    Source("beat_the_blues", "bdi2", "Beat the Blues, BDI-II at 0, 2, 3, 5, 8 months", 0, 63, 1, 2,
           "r .93 (test-retest, Beck 1996)", caseness=14, reliability=0.93),
    Source("antidepressant_trial_hamd17", "hamd17", "Antidepressant trial, HAM-D17 to week 6", 0, 52, 1, 2,
           "r .79 (internal consistency, Trajkovic 2011)", caseness=8, reliability=0.79),
    Source("claus2020_inpatient", "bdi", "Inpatients, BDI-II four times", 0, 63, 1, 2,
           "r .93 (test-retest, Beck 1996); no dates, taken as a week apart", caseness=14, reliability=0.93),
    Source("claus2020_inpatient", "who", "Inpatients, WHO-5 (raw 0-25) four times", 0, 25, -1, 2,
           "2.5 raw points are the published 10 of 100; no dates, taken as a week apart", caseness=12, change=2.5),
    Source("claus2020_inpatient", "hamd", "Inpatients, HAM-D four times", 0, 52, 1, 2,
           "r .79 (internal consistency, Trajkovic 2011); no dates, taken as a week apart", caseness=8,
           reliability=0.79),
    Source("mirorr_daily", "down", "MIRORR evening diary, item *down*", 0, 100, 1, 7, "", daily=True),
    Source("digibp_bipolar", "depression_score", "Bipolar disorder, daily depression", 0, 42, 1, 5, "", daily=True),
    Source("digibp_bipolar", "mania_score", "Bipolar disorder, daily mania (the rule upwards)", 0, 30, 1, 5, "",
           daily=True),
    Source("moodpath", "mood", "Moodpath, smiley mood", 0, 4, -1, 4, "two weeks: baseline of 5 days", daily=True,
           baseline_days=5, baseline_span=5),
    Source("marian2022_students", "depressed", "Students, item *depressed*", 1, 4, 1, 4,
           "three weeks: baseline of 7 days", daily=True, baseline_days=7, baseline_span=7),
    Source("moovd_single", "sad", "One person, item *sad*", 1, 7, 1, 4, "30 days: baseline of 10 days", daily=True,
           baseline_days=10, baseline_span=10),
)  # fmt: skip


def load(source: Source) -> Loaded:
    """A source's series: two values or more a patient, in order, from day 0."""
    with (DATA / source.folder / f"{source.folder}.csv").open(encoding="utf-8", newline="") as text:
        points = _READERS[source.folder](csv.DictReader(text), source.measure)
    gathered: defaultdict[str, list[Point]] = defaultdict(list)
    for patient, day, value in points:
        gathered[patient].append((day, value))
    patients: dict[str, list[Point]] = {}
    for patient, mine in gathered.items():
        mine.sort(key=lambda point: point[0])
        if source.daily:
            mine = _day_means(mine)  # noqa: PLW2901
        if len(mine) > 1:
            patients[patient] = [(day - mine[0][0], value) for day, value in mine]
    loaded = Loaded(source, patients, halves={p: is_held_out(source.folder, p) for p in patients})
    if not source.daily:
        firsts = [series[0][1] for series in loaded.half(held_out=False).values()]
        loaded.sd = stdev(firsts) if len(firsts) > 1 else 0.0
        loaded.change = _reliable_change(source, loaded.sd)
    return loaded


def _reliable_change(source: Source, sd: float) -> float:
    """Published, or 1.96 * sqrt(2) * SD * sqrt(1 - r) (Jacobson and Truax 1991), rounded up to a whole point."""
    if source.change is not None or source.reliability is None:
        return source.change or 0.0
    return float(ceil(1.96 * sqrt(2) * sd * sqrt(1 - source.reliability)))


def _day_means(points: Iterable[Point]) -> list[Point]:
    by_day: defaultdict[int, list[float]] = defaultdict(list)
    for day, value in points:
        by_day[int(day)].append(value)
    return [(float(day), fmean(values)) for day, values in sorted(by_day.items())]


Rows = Iterable[Mapping[str, str]]
Reader = Callable[[Rows, str], list[tuple[str, float, float]]]


def _columns(patient: str, day: str, factor: float = 1.0) -> Reader:
    def read(rows: Rows, measure: str) -> list[tuple[str, float, float]]:
        return [(row[patient], float(row[day]) * factor, float(row[measure])) for row in rows if row[measure]]

    return read


def _moodpath(rows: Rows, measure: str) -> list[tuple[str, float, float]]:
    return [
        (row["user_id"], float(datetime.fromisoformat(row["timestamp"]).toordinal()), float(row[measure]))
        for row in rows
        if row[measure]
    ]


_READERS: Final[dict[str, Reader]] = {
    "enrichd_bdi": _columns("patient", "day"),
    "beat_the_blues": _columns("patient", "month", 30.44),
    "antidepressant_trial_hamd17": _columns("patient", "days_since_baseline"),
    "claus2020_inpatient": _columns("patient", "measurement", 7),
    "mirorr_daily": _columns("person", "day"),
    "digibp_bipolar": _columns("person", "day"),
    "moodpath": _moodpath,
    "marian2022_students": _columns("person", "day"),
    "moovd_single": _columns("person", "day"),
}
