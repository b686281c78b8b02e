"""`python -m services backtest`: exit codes, what is written and when, and the summary."""

import stat
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.__main__ import cli
from services.backtest import Refused
from services.backtest.refusals import MOST_LISTED
from tests.unit.backtest.tables import HEADER, at, row


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a log of two patients: one with a low stretch and a silence, one with a risk item."""
    rows = [row(day, "mood", 6 if day < 30 else 2) for day in range(40)] + [row(3, "phq9.9", 1, "b")]
    (tmp_path / "tidy.csv").write_text("\n".join([HEADER, *rows, rows[0]]), encoding="utf-8")
    return tmp_path


def run(folder: Path, *more: str) -> Result:
    """Run the command in the folder; rich writes for a terminal of 120 columns."""
    given = ["backtest", "--input", str(folder / "tidy.csv"), "--output", str(folder / "concerns.csv"), *more]
    return CliRunner().invoke(cli, given, env={"COLUMNS": "120", "NO_COLOR": "1"})


def test_what_would_have_been_raised_is_written_and_summed_up(folder: Path) -> None:
    """Four columns of figures for each rule, over the patients, the rows and the time watched."""
    done = run(folder)

    assert done.exit_code == 0, done.output
    written = (folder / "concerns.csv").read_text(encoding="utf-8").splitlines()
    assert written[0] == "patient,raised_at,rule,severity,reason,cleared_at"
    assert [line.split(",")[:4] for line in written[1:]] == [
        ["b", at(3), "risk_item", "working_hours"],
        ["b", at(10), "gone_quiet", "working_hours"],
        ["a", at(30), "mood_shift", "working_hours"],
    ]
    said = done.stdout
    assert "2 patients, 42 rows, 1 of them repeated and counted once" in said
    assert "0.2 patient-years from 2026-06-01 to 2026-07-10 (UTC)" in said
    assert "Against" not in said
    assert [cell.strip() for cell in _line(said, "in all").split("│")[1:-1]] == ["in all", "3", "14.61", "0.50", "1"]


def test_with_rules_the_difference_against_the_starter_set_is_shown(folder: Path) -> None:
    """By rule: raised by both, only by these rules, only by the starter set."""
    (folder / "rules.yaml").write_text("base: starter\nrules: {gone_quiet: off, mood_shift: {baseline_days: 10}}")
    done = run(folder, "--rules", str(folder / "rules.yaml"))

    assert done.exit_code == 0, done.output
    difference = done.stdout.partition("Against the starter set")[2]
    for title, counts in (("Risk item", "1 0 0"), ("Mood below", "1 0 0"), ("Gone quiet", "0 0 1")):
        assert [cell.strip() for cell in _line(difference, title).split("│")[2:-1]] == counts.split()


def test_a_refusal_exits_with_2_writes_nothing_and_leaves_what_was_there(folder: Path) -> None:
    """With every problem on stderr and no stack trace."""
    (folder / "concerns.csv").write_text("from before")
    (folder / "tidy.csv").write_text("\n".join([HEADER, *(row(day, "[red]mood", 5) for day in range(30))]))
    done = run(folder)

    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == MOST_LISTED + 1
    assert "line 2: measure '[red]mood': write mood" in done.stderr
    assert (folder / "concerns.csv").read_text() == "from before"
    assert sorted(path.name for path in folder.iterdir()) == ["concerns.csv", "tidy.csv"]


def test_two_rule_sets_can_be_compared(folder: Path) -> None:
    """The other file's rules on the same log, under its name; what is written is the first one's."""
    (folder / "rules.yaml").write_text("base: starter\nrules: {gone_quiet: off}")
    (folder / "[other].yaml").write_text("base: none\nrules: {gone_quiet: {min_days: 5}}")
    done = run(folder, "--rules", str(folder / "rules.yaml"), "--compare", str(folder / "[other].yaml"))

    assert done.exit_code == 0, done.output
    difference = done.stdout.partition("Against [other].yaml")[2]
    for title, counts in (("Risk item", "0 1 0"), ("Mood below", "0 1 0"), ("Gone quiet", "0 0 1")):
        assert [cell.strip() for cell in _line(difference, title).split("│")[2:-1]] == counts.split()
    assert "gone_quiet" not in (folder / "concerns.csv").read_text()

    alone = run(folder, "--compare", str(folder / "[other].yaml"))
    assert "Against [other].yaml" in alone.stdout
    assert "gone_quiet" in (folder / "concerns.csv").read_text()


@pytest.mark.parametrize("rules", ["base: all", "base: starter\nrules: {gone: off}"])
def test_rules_that_are_wrong_are_refused_before_the_log_is_read(folder: Path, rules: str) -> None:
    """Exit code 2, with the name of the file."""
    (folder / "rules.yaml").write_text(rules)
    (folder / "tidy.csv").unlink()
    done = run(folder, "--rules", str(folder / "rules.yaml"))

    assert (done.exit_code, done.stderr.partition(":")[0]) == (2, "rules.yaml")


def test_files_that_cannot_be_read_or_written_are_refused(folder: Path) -> None:
    """Each with what to do instead."""
    places = {
        "nowhere/concerns.csv": "is no folder: make it first",
        ".": "is no file: name one for the output",
        "tidy.csv": "is read: give the output a name of its own",
    }
    for place, said in places.items():
        done = run(folder, "--output", str(folder / place))
        assert done.exit_code == 2
        assert said in done.stderr
    (folder / "tidy.csv").unlink()
    done = run(folder)
    assert (done.exit_code, "cannot be read: No such file" in done.stderr) == (2, True)


def test_the_output_is_for_its_owner_alone(folder: Path) -> None:
    """It tells of people."""
    run(folder)

    assert stat.S_IMODE((folder / "concerns.csv").stat().st_mode) == 0o600


def test_the_help_names_the_command() -> None:
    """Where somebody looks first."""
    assert "python -m services backtest" in CliRunner().invoke(cli, ["--help"], env={"COLUMNS": "120"}).output


def test_a_refusal_lists_no_more_than_it_should() -> None:
    """Exactly the most there may be are all listed."""
    assert Refused(["x"] * MOST_LISTED).problems == ["x"] * MOST_LISTED


def _line(text: str, beginning: str) -> str:
    """The first line of a table that says so."""
    return next(line for line in text.splitlines() if beginning in line)
