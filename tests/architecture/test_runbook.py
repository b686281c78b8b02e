"""What the runbook names is there: at 3 a.m. nobody can ask what a line once meant."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from deploy.grafana.dashboard import panels
from services.__main__ import cli
from tests.architecture.test_compose import COMPOSE as WRITTEN
from tests.architecture.test_compose import SETTINGS

COMPOSE = WRITTEN["services"]
ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
PAGES = {path.name: path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}
CODE = {
    path: path.read_text()
    for folder in ("services", "shared", "deploy")
    for pattern in ("*.py", "*.yml", "*.yaml")
    for path in sorted((ROOT / folder).rglob(pattern))
}
SPANS = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", RUNBOOK)


def test_every_setting_a_page_names_is_one() -> None:
    """Of a service, or of a container; a name that ends in an underscore stands for all that begin so."""
    settings = {
        str(field.validation_alias or model.model_config["env_prefix"] + key.upper())
        for model in SETTINGS.values()
        for key, field in model.model_fields.items()
    } | {name for service in COMPOSE.values() for name in _environment(service)}
    named = {
        (page, name)
        for page, text in PAGES.items()
        for name in re.findall(r"`((?:RAPPORT|INTAKE|MOOD|INSIGHTS|NOTIFY|WATCH|ALERTS)_[A-Z0-9_]*)", text)
    }
    wrong = [
        (page, name)
        for page, name in named
        if name not in settings and not (name.endswith("_") and any(one.startswith(name) for one in settings))
    ]

    assert len(named) > 40
    assert wrong == []


def test_every_command_the_runbook_names_can_be_given() -> None:
    """As it stands there, with its options: what its own help says."""
    commands = {span for span in SPANS if span.startswith("python -m ")}
    wrong = []
    for command in commands:
        module, *words = command.removeprefix("python -m ").split()
        if find_spec(module) is None:
            wrong.append(command)
        elif module == "services":
            known = get_command(cli).commands  # type: ignore[attr-defined]  a group's
            wrong += [command] * (words[0] not in known)
        elif words:
            asked = [sys.executable, "-m", module, "--help"]
            shown = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout
            wrong += [command for word in words if word not in shown]

    assert "python -m services.watch --once" in commands
    assert wrong == []


def test_every_name_in_code_letters_stands_in_the_code() -> None:
    """Log lines, metrics, fields and what an audit found; headers of records; files; profiles."""
    words = {word for span in SPANS for word in re.findall(r"[a-z]+(?:_[a-z]+)+", span) if ".md" not in span}
    words = {word for word in words if not word.startswith("test_")}
    missing = [word for word in sorted(words) if not any(word in text for text in CODE.values())]
    paths = {span for span in SPANS if span.startswith(("deploy/", "tests/", "docs/"))}
    profiles = set(re.findall(r"--profile (\w+)", RUNBOOK))

    assert len(words) > 10
    assert missing == []
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert profiles <= {profile for service in COMPOSE.values() for profile in service.get("profiles", [])}


def test_the_checks_of_readyz_are_those_the_runbook_explains() -> None:
    """One that is not there sends somebody looking for nothing; one that is not explained leaves them alone."""
    asked = {
        name
        for path in (ROOT / "services").glob("*/app.py")
        for block in re.findall(r'"pings": \{(.*?)\n +\}', path.read_text(), re.DOTALL)
        for name in re.findall(r'(?m)^ +"([^"]+)":', block)
    }
    section = RUNBOOK.partition("## Service not ready")[2].partition("\n## ")[0]
    explained = {span for span in re.findall(r"`([^`]+)`", section) if not span.startswith("/")}

    assert asked == explained


def test_every_test_the_runbook_leans_on_is_there() -> None:
    """ "Shown by" shows it."""
    named = set(re.findall(r"`(test_\w+\.py)`", RUNBOOK))

    assert named
    assert [name for name in sorted(named) if not list((ROOT / "tests").rglob(name))] == []


def test_every_section_and_panel_the_runbook_sends_to_is_there() -> None:
    """See *So and so*: a heading of the runbook, or a panel of the dashboard; and links lead somewhere."""
    headings = re.findall(r"(?m)^## (.+)$", RUNBOOK)
    sent = re.findall(r"(?:[Ss]ee|with|at) \*([A-Z][^*]+)\*", RUNBOOK)
    known = {*headings, *(panel.title for panel in panels())}
    links = re.findall(r"\]\(([a-z-]+\.md)?(?:#([^)]+))?\)", RUNBOOK)

    assert len(sent) > 5
    assert [name for name in sent if not any(one.startswith(name) for one in known)] == []
    assert [page for page, anchor in links if anchor and anchor not in _anchors(PAGES[page or "runbook.md"])] == []
    assert [page for page, _ in links if page and page not in PAGES] == []


@pytest.mark.parametrize("rules", ["rules", "watch"])
def test_every_rule_leads_to_a_section(rules: str) -> None:
    """The line a page names is there."""
    written = yaml.safe_load((ROOT / f"deploy/prometheus/{rules}.yml").read_text())
    led = {rule["annotations"]["runbook"].partition("#")[2] for group in written["groups"] for rule in group["rules"]}

    assert led <= _anchors(RUNBOOK)


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _environment(service: dict[str, object]) -> set[str]:
    """What a container is told, and what its file lets an operator set."""
    environment = service.get("environment")
    told = set(environment) if isinstance(environment, dict) else set()
    return told | set(re.findall(r"\$\{(\w+)", yaml.safe_dump(service)))
