"""The console's fit: from a clinic's own closed episodes to a model it can put into its settings."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.__main__ import cli
from services.backtest import Refused
from services.backtest.fitting import fit_model
from shared.contracts.expected_response import ExpectedResponse
from tests.fakes import FakeClock

CLOCK = FakeClock(datetime(2026, 11, 23, tzinfo=UTC))


def episodes(count: int, measure: str = "phq9") -> list[str]:
    """So many episodes that begin at 16 or 17 and come down two points a doubling of sessions."""
    return [
        f"e{number},{session},{measure},{16 + number % 2 - fallen}"
        for number in range(count)
        for session, fallen in ((1, 0), (2, 2), (4, 4))
    ]


def written(folder: Path, rows: list[str], header: str = "episode,session,measure,score") -> Path:
    """A file of these rows."""
    path = folder / "episodes.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_model_is_written_that_the_clinic_can_put_into_its_settings(tmp_path: Path) -> None:
    """Whatever the order of the rows it has the same name; a measure with too few episodes is left out, and named."""
    rows = [*episodes(100), *episodes(99, "gad7")]
    model, left_out = fit_model(written(tmp_path, rows), tmp_path / "m.json", clock=CLOCK)
    again, _ = fit_model(written(tmp_path, rows[::-1]), tmp_path / "n.json", clock=CLOCK)
    (band,) = model.measures["phq9"]

    assert ExpectedResponse.model_validate_json((tmp_path / "m.json").read_text()) == model == again
    assert (left_out, band.episodes, band.first_from, band.first_to) == (["gad7"], 100, 15, 17)
    # 2 points for every doubling: 2 / ln 2
    assert (band.b0, band.b1) == (pytest.approx(16.5), pytest.approx(-2.885390))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["e 1,1,phq9,5"], "line 2: episode 'e 1'"),
        (["e1,one,phq9,5"], "line 2: session 'one'"),
        (["e1,1,phq,5"], "line 2: measure 'phq'"),
        (["e1,1,phq9,28"], "line 2: score '28': write a total from 0 to 27"),
        (["e1,1,phq9"], "line 2: 3 columns"),
        (["e1,1,phq9,5"], "no measure has 100 episodes"),
    ],
)
def test_what_cannot_be_fitted_is_refused_and_nothing_written(tmp_path: Path, rows: list[str], said: str) -> None:
    """With the line, and what to write instead."""
    with pytest.raises(Refused) as refused:
        fit_model(written(tmp_path, rows), tmp_path / "m.json", clock=CLOCK)

    assert said in refused.value.problems[0]
    assert not (tmp_path / "m.json").exists()


def test_the_command_says_what_was_fitted_and_refuses_with_2(tmp_path: Path) -> None:
    """By measure and band of first scores; a file that is not there is named."""
    scales = tmp_path / "rules.yaml"
    scales.write_text("base: starter\nscales: {bdi: {minimum: 0, maximum: 63}}\n")
    log = written(tmp_path, episodes(120, "bdi"))
    arguments = ["fit", "--output", str(tmp_path / "m.json"), "--input"]
    done = CliRunner().invoke(cli, [*arguments, str(log), "--rules", str(scales)])
    missing = CliRunner().invoke(cli, [*arguments, str(tmp_path / "none.csv")])

    assert (done.exit_code, missing.exit_code) == (0, 2)
    assert "bdi: first scores 15 to 17 (120 episodes)" in done.stderr
    assert json.loads((tmp_path / "m.json").read_text())["version"].startswith("etr-")
    assert "none.csv cannot be read" in missing.stderr
