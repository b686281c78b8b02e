"""The real log of a mood app, where somebody has put it beside the repository; nothing of it is copied into here.

Real people wrote it: it is never quoted, and nobody in it is identified. Smileys of 0 to 4 (4 best) become a mood of
0 to 10; q16, which asks about thoughts of death, becomes the risk item of a clinic scale.
"""

import csv
import io
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "moodpath"
ABSENT = f"the moodpath log is not there ({FOLDER.parent.name}/{FOLDER.name} beside the repository); see its README"
MEASURES = ("moodpath.q16=0..4:risk",)
"""How a replay declares what the log measures besides mood."""

TidyRow = dict[str, str]
"""patient, occurred_at (local, without offset), measure, value."""


def present(folder: Path = FOLDER) -> bool:
    """Whether the log is there."""
    return (folder / "moodpath.csv").is_file()


def tidy(folder: Path = FOLDER) -> list[TidyRow]:
    """The log as tidy rows, in its order; where a patient has two values of one measure at one time, the later row's.

    Raises:
        FileNotFoundError: the log is not there.
    """
    if not present(folder):
        raise FileNotFoundError(ABSENT)
    rows: dict[tuple[str, str, str], TidyRow] = {}
    with (folder / "moodpath.csv").open(newline="", encoding="utf-8") as log:
        for entry in csv.DictReader(log):
            values = {"mood": _times(entry["mood"], 2.5), "moodpath.q16": _times(entry["q16"], 1)}
            for measure, value in values.items():
                if value:
                    patient, occurred_at = f"m{entry['user_id']}", entry["timestamp"]
                    row = {"patient": patient, "occurred_at": occurred_at, "measure": measure, "value": value}
                    rows[patient, occurred_at, measure] = row
    return list(rows.values())


def as_csv(rows: list[TidyRow]) -> str:
    """The rows as a log for `deploy.demo.replay`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["patient", "occurred_at", "measure", "value"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _times(value: str, factor: float) -> str:
    """The value in the measure's own range; empty where it was not asked."""
    if not value.strip():
        return ""
    number = float(value) * factor
    return str(int(number)) if number.is_integer() else str(number)
