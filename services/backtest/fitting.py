"""Fitting a clinic's expected treatment response from its own closed episodes (docs/expected-response.md).

Columns `episode,session,measure,score`, a score a row: session is how many sessions of the episode had been attended by
the score's day. No patient's id is needed or kept: the model that is written holds curves and counts.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from services.backtest.clinic import read_clinic, starter_clinic
from services.backtest.log import IDENTIFIER, NUMBER
from services.backtest.output import written_whole
from services.backtest.refusals import Refused
from services.insights.domain import EpisodeScores, fit, known_measures, version_of
from shared.clock import Clock, SystemClock
from shared.contracts.expected_response import ExpectedResponse

HEADER: Final = ("episode", "session", "measure", "score")
SESSION: Final = re.compile(r"\d{1,3}")


def fit_command(
    input_: Annotated[Path, typer.Option("--input", help="Closed episodes: episode,session,measure,score.")],
    output: Annotated[Path, typer.Option(help="Where to write the model, as JSON for PUT /v1/clinic.")],
    rules: Annotated[Path | None, typer.Option(help="A rules file that declares the clinic's own scales.")] = None,
) -> None:
    """Fit the expected treatment response of a clinic's own closed episodes (docs/expected-response.md)."""
    told = Console(stderr=True)
    try:
        fitted, left_out = fit_model(input_, output, rules, clock=SystemClock())
    except Refused as refused:
        for problem in refused.problems:
            told.print(problem, style="red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    for measure, strata in fitted.measures.items():
        bands = ", ".join(f"{s.first_from:g} to {s.first_to:g} ({s.episodes} episodes)" for s in strata)
        told.print(f"{measure}: first scores {bands}", highlight=False, markup=False, soft_wrap=True)
    for measure in left_out:
        told.print(f"{measure}: fewer than 100 episodes with two scores, so no model", highlight=False, markup=False)
    told.print(f"{output}: model {fitted.version}", highlight=False, markup=False, soft_wrap=True)


def fit_model(
    episodes: Path, output: Path, rules: Path | None = None, *, clock: Clock
) -> tuple[ExpectedResponse, list[str]]:
    """Read episodes, fit each measure, write the model; gives it, and the measures with too few episodes.

    Raises:
        Refused: with everything that is wrong with the files, or where no measure has enough; nothing is written.
    """
    clinic = starter_clinic() if rules is None else read_clinic(rules)
    known = known_measures(clinic.settings[0])
    read = _read(episodes, {name: (measure.minimum, measure.maximum) for name, measure in known.items()})
    strata = {name: fit(of, minimum=known[name].minimum) for name, of in sorted(read.items())}
    enough = {name: bands for name, bands in strata.items() if bands}
    if not enough:
        raise Refused([f"{episodes.name}: no measure has 100 episodes with two scores or more, so nothing was fitted"])
    model = ExpectedResponse(version=version_of(enough), fitted_at=clock.now(), measures=enough)
    _write(output, model)
    return model, [name for name in strata if name not in enough]


def _read(path: Path, ranges: Mapping[str, tuple[float, float]]) -> dict[str, list[EpisodeScores]]:
    problems: list[str] = []
    found: defaultdict[str, defaultdict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            if tuple(cell.strip() for cell in next(reader, ())) != HEADER:
                raise Refused([f"{path.name}: the header must be {','.join(HEADER)}"])
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    wrong = _wrong(cells, ranges)
                    problems += [f"line {reader.line_num}: {problem}" for problem in wrong]
                    if not wrong:
                        episode, session, measure, score = (cell.strip() for cell in cells)
                        found[measure][episode].append((int(session), float(score)))
    except OSError as error:
        raise Refused([f"{path} cannot be read: {error.strerror}"]) from None
    except (UnicodeDecodeError, csv.Error):
        raise Refused([f"{path.name} is not readable as CSV in UTF-8: save it so"]) from None
    if problems:
        raise Refused(problems)
    return {
        measure: [sorted(scores, key=lambda one: one[0]) for _, scores in sorted(of.items())]
        for measure, of in found.items()
    }


def _wrong(cells: Sequence[str], ranges: Mapping[str, tuple[float, float]]) -> list[str]:
    if len(cells) != len(HEADER):
        return [f"{len(cells)} columns: write {len(HEADER)}, as in the header"]
    episode, session, measure, score = (cell.strip() for cell in cells)
    wrong = []
    if not IDENTIFIER.fullmatch(episode):
        wrong.append(f"episode {episode!r}: write 1 to 64 letters, digits and . _ ~ -")
    if not SESSION.fullmatch(session):
        wrong.append(f"session {session!r}: write how many sessions had been attended, 0 to 999")
    if measure not in ranges:
        wrong.append(f"measure {measure!r}: write one of {', '.join(ranges)}, or declare it in the rules file")
    elif not NUMBER.fullmatch(score) or not ranges[measure][0] <= float(score) <= ranges[measure][1]:
        wrong.append(f"score {score!r}: write a total from {ranges[measure][0]:g} to {ranges[measure][1]:g}")
    return wrong


def _write(output: Path, model: ExpectedResponse) -> None:
    with written_whole(output) as text:
        json.dump(model.model_dump(mode="json"), text, indent=2)
        text.write("\n")
