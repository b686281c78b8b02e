"""The rules file: the clinic it describes, and how what is wrong with it is said."""

from datetime import time
from pathlib import Path

import pytest

from services.backtest import Refused
from services.backtest.clinic import read_clinic, starter_clinic, with_rules
from services.insights.domain import CATALOGUE, in_force
from shared.contracts.clinics import ClinicSettings
from tests.unit.backtest.tables import row, told

OTHERWISE = "record it without declaring it, or give your own scale another name."


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Where the rules file is."""
    return tmp_path / "rules.yaml"


def settings(rules: Path, text: str) -> ClinicSettings:
    """The settings that a rules file of this text comes to."""
    rules.write_text(text, encoding="utf-8")
    return read_clinic(rules).settings[0]


def problems(rules: Path, text: str) -> list[str]:
    """What is wrong with a rules file of this text."""
    with pytest.raises(Refused) as refused:
        settings(rules, text)
    return [problem.removeprefix("rules.yaml: ") for problem in refused.value.problems]


def test_a_rules_file_is_the_clinics_rule_set(rules: Path) -> None:
    """Parameters change, off turns off, and what is not named is as in the base."""
    chosen = settings(rules, "base: starter\nrules:\n  mood_shift: {lambda: 0.2}\n  gone_quiet: off\n").rule_set
    found = in_force(chosen)

    assert found.keys() == in_force(None).keys() - {"gone_quiet"}
    assert found["mood_shift"] == {**in_force(None)["mood_shift"], "lambda": 0.2}


def test_under_none_only_the_rules_named_are_on(rules: Path) -> None:
    """With their defaults, where nothing else is said."""
    assert in_force(settings(rules, "base: none\nrules: {gone_quiet: {}}").rule_set) == {
        "gone_quiet": in_force(None)["gone_quiet"]
    }


def test_zone_and_working_hours_are_taken_even_as_yaml_misreads_them(rules: Path) -> None:
    """A bare 17:00 is a number in base 60 to YAML."""
    found = settings(
        rules, "base: starter\nzone: Europe/Berlin\nworking_hours: {mon: [08:30, 17:00], tue: [9:05, '12:00']}"
    )

    assert found.zone == "Europe/Berlin"
    assert found.working_hours == {"mon": (time(8, 30), time(17)), "tue": (time(9, 5), time(12))}


def test_items_may_be_bare_numbers(rules: Path) -> None:
    """As everybody writes them."""
    scale = "{minimum: 0, maximum: 4, items: {1: {minimum: 0, maximum: 4, risk: true}}}"
    (found,) = settings(rules, f"base: starter\nscales: {{own: {scale}}}").scales

    assert found.items["1"].risk


def test_other_rules_are_compared_under_the_same_settings(rules: Path) -> None:
    """The same scales and zone; only the rules differ."""
    rules.write_text("base: none\nzone: Europe/Berlin\nscales: {own: {minimum: 0, maximum: 4}}", encoding="utf-8")
    mine = read_clinic(rules)
    wanted = starter_clinic().settings[0].rule_set
    starter = with_rules(mine, wanted).settings[0]

    assert starter.rule_set == wanted
    assert starter.model_copy(update={"rule_set": mine.settings[0].rule_set}) == mine.settings[0]


def test_the_example_of_the_documentation_is_taken(rules: Path) -> None:
    """docs/backtest.md shows a file that works."""
    page = (Path(__file__).parents[3] / "docs/backtest.md").read_text(encoding="utf-8")
    found = settings(rules, page.partition("```yaml\n")[2].partition("```")[0])

    assert (found.zone, len(found.working_hours), found.scales[0].items["q3"].risk) == ("Europe/Berlin", 2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: {}", "base: write starter or none"),
        ("base: all", "base: write starter or none"),
        ("base: starter\nzone: Mars", "zone: write an IANA time zone such as Europe/London"),
        (
            "base: starter\nrule: {}",
            "there is no key rule: the keys are base, rules, scales, cut_offs, zone, working_hours",
        ),
        ("base: starter\nrules: [a]", "rules: write each rule as `gone_quiet: {min_days: 10}`, or `gone_quiet: off`"),
        (
            "base: starter\nrules: {gone_quiet: 5}",
            "rules.gone_quiet: write each rule as `gone_quiet: {min_days: 10}`, or `gone_quiet: off`",
        ),
        ("base: starter\nrules: {gone_quiet: {factor: x}}", "rules.gone_quiet.factor: write a number"),
        ("base: starter\nrules: {gone_quiet: {factor: .inf}}", "rules.gone_quiet.factor: write a number"),
        ("base: starter\nrules: {gone_quiet: {factor: 99}}", "rules.gone_quiet.factor: Send a number from 1 to 20."),
        (
            "base: starter\nrules: {gone_quiet: {fctor: 2}}",
            "rules.gone_quiet.fctor: This rule has no such parameter. It has: min_days, factor, gaps, missed.",
        ),
        (
            "base: starter\nrules: {gone: off}",
            f"rules.gone: There is no such rule. The rules are: {', '.join(CATALOGUE)}.",
        ),
        (
            "base: starter\nscales: {own: {minimum: 0, maximum: 4, risk: true}}",
            "scales.own: there is no key risk: the keys are minimum, maximum, higher_is_worse, recall_days, items",
        ),
        (
            "base: starter\nscales: {own: {minimum: 0, maximum: 4, items: {q: {minimum: 0, maximum: 4, rsk: true}}}}",
            "scales.own.items.q: there is no key rsk: the keys are minimum, maximum, risk, urgent_from",
        ),
        (
            "base: starter\nscales: {phq9: {minimum: 0, maximum: 9}}",
            f"scales.phq9.name: phq9 is built in (GET /v1/instruments): {OTHERWISE}",
        ),
        (
            "base: starter\nworking_hours: {mon: ['17:00', '09:00']}",
            "working_hours.mon: The clinic must open before it closes, on the same day.",
        ),
        (
            "base: starter\nworking_hours: {monday: ['09:00', '17:00']}",
            'working_hours.monday: write opening and closing time by weekday, as in `mon: ["09:00", "17:00"]`',
        ),
        (
            "base: starter\nscales: {own: {minimum: 0, maximum: 4}}\ncut_offs: {own: {casenes: 2, reliable_change: 1}}",
            "cut_offs.own: there is no key casenes: the keys are caseness, reliable_change",
        ),
        (
            "base: starter\ncut_offs: {phq9: {caseness: x, reliable_change: 2}}",
            "cut_offs.phq9.caseness: write a number",
        ),
        ("- starter", "write keys and values, beginning with `base: starter`"),
    ],
)
def test_what_is_wrong_with_a_rules_file_is_said_where_it_stands(rules: Path, text: str, said: str) -> None:
    """With what to write instead; what PUT /v1/clinic would refuse is refused alike."""
    assert problems(rules, text) == [said]


@pytest.mark.parametrize("scale", ["own: {minimum: 4, maximum: 4}", "own: {maximum: 4}", "own: 4", "a/b: {minimum: 0}"])
def test_a_scale_that_cannot_be_is_refused(rules: Path, scale: str) -> None:
    """With how one is written."""
    (said,) = problems(rules, f"base: starter\nscales: {{{scale}}}")
    assert said.startswith(f"scales.{scale.partition(':')[0]}: write each measure as `sleepscale: ")


def test_a_file_that_cannot_be_read_is_refused(rules: Path) -> None:
    """Not there, not YAML, or not UTF-8: a sentence, never a stack trace."""
    with pytest.raises(Refused, match="cannot be read"):
        read_clinic(rules)
    assert problems(rules, "base: [")[0].startswith("rules.yaml is not readable as YAML")
    rules.write_bytes(b"base: \xff")
    with pytest.raises(Refused, match="is not UTF-8 at byte 6"):
        read_clinic(rules)


@pytest.mark.parametrize("name", ["mood", "phq9.9"])
def test_a_scale_that_is_called_as_another_measure_is_refused_when_the_log_is_read(name: str) -> None:
    """One name would mean two things."""
    with pytest.raises(Refused, match=f"scales: {name} would name two measures"):
        told([row(0, "mood", 5)], f"base: starter\nscales: {{{name}: {{minimum: 0, maximum: 9}}}}")
