"""A real Prometheus scrapes the live services: every panel and alert rule finds data, and rules fire as they say."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deploy.grafana.dashboard import panels
from deploy.native.ports import free_port
from tests.e2e.processes import Clinic, Platform, check_in, phq9, until
from tests.providers import MailServer

pytestmark = pytest.mark.ops
ROOT = Path(__file__).parents[2]
RULES = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())
EXPRESSIONS = {rule["alert"]: rule["expr"] for group in RULES["groups"] for rule in group["rules"]}


@pytest.fixture(scope="module")
async def prometheus(
    platform: Platform, mail: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A Prometheus with our rules that has scraped a platform on which something happened."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    targets = {name: url.removeprefix("http://") for name, url in platform.urls.items()}
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(ROOT / "deploy/prometheus/rules.yml")]
    static = [{"targets": [target], "labels": {"app": name}} for name, target in targets.items()]
    config["scrape_configs"] = [{"job_name": config["scrape_configs"][0]["job_name"], "static_configs": static}]
    del config["alerting"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        async with platform.clinic() as clinic:
            await something_happens(clinic, mail)
            await scraped(url, len(targets))
            await something_happens(clinic, mail)
            yield url
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)


async def something_happens(clinic: Clinic, mail: MailServer) -> None:
    """A refusal, a calm entry, a risk answer that is told, and one for nobody's patient."""
    await clinic.set_up(patients=("sam",))
    before = len(mail.to(f"priya@{clinic.name}.example"))
    await clinic.ask("POST", "/v1/check-ins", check_in("sam", 99))
    await clinic.post("/v1/check-ins", check_in("sam", 5))
    await clinic.post("/v1/questionnaires", phq9("sam", 2, 2, 1, 1, 1, 1, 0, 0, 2))
    await clinic.post("/v1/questionnaires", phq9("unknown", 2, 2, 1, 1, 1, 1, 0, 0, 2))

    async def told() -> bool:
        return len(mail.to(f"priya@{clinic.name}.example")) > before

    await until("the alert", told)


async def query(url: str, expression: str) -> list[Any]:
    """The instant vector of an expression. Fails on an expression Prometheus does not understand."""
    async with httpx.AsyncClient() as client:
        answer = (await client.get(f"{url}/api/v1/query", params={"query": expression})).json()
    assert answer["status"] == "success", answer
    return list(answer["data"]["result"])


async def scraped(url: str, targets: int) -> None:
    """Return when every target was scraped."""

    async def all_up() -> bool:
        try:
            return len(await query(url, 'up{job="rapport"} == 1')) == targets
        except httpx.HTTPError:
            return False

    await until("Prometheus has scraped all services", all_up, seconds=60)


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel.title)
async def test_every_panel_of_the_dashboard_shows_data(panel: Any, prometheus: str) -> None:
    """A panel that stays empty when things happen will be empty when it matters."""

    async def shows() -> bool:
        return bool(await query(prometheus, panel.query))

    await until(f"data for {panel.query}", shows, seconds=60)


@pytest.mark.parametrize("name", EXPRESSIONS)
async def test_every_alert_rule_watches_a_series_that_exists(name: str, prometheus: str) -> None:
    """A rule over a metric nobody exports never fires: without its threshold the expression has data."""
    watched = EXPRESSIONS[name].rsplit(" > ", 1)[0].rsplit(" == ", 1)[0]

    async def exists() -> bool:
        return bool(await query(prometheus, watched))

    await until(f"data for {watched}", exists, seconds=60)


def test_the_alert_rules_fire_when_they_should_and_only_then() -> None:
    """promtool plays the rules through made-up hours."""
    done = subprocess.run(
        ["promtool", "test", "rules", "rules.test.yml", "watch.test.yml"],
        cwd=ROOT / "deploy/prometheus",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_one_that_prometheus_takes() -> None:
    """With its rule files, where it finds replicas, and whom it tells."""
    command = ["promtool", "check", "config", str(ROOT / "deploy/prometheus/prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_rule_has_a_page_in_the_runbook() -> None:
    """Whoever is woken at 3 a.m. finds the line that the alert names."""
    runbook = (ROOT / "docs/runbook.md").read_text()
    anchors = {
        line.lstrip("#").strip().lower().replace(" ", "-") for line in runbook.splitlines() if line.startswith("#")
    }
    named = {rule["annotations"]["runbook"].split("#")[1] for group in RULES["groups"] for rule in group["rules"]}

    assert named <= anchors


@pytest.mark.parametrize("rules", ["rules", "watch"])
def test_every_alert_rule_is_played_through(rules: str) -> None:
    """A rule without a test is a hope."""
    folder = ROOT / "deploy/prometheus"
    written = yaml.safe_load((folder / f"{rules}.yml").read_text())
    tested = yaml.safe_load((folder / f"{rules}.test.yml").read_text())
    names = {case["alertname"] for test in tested["tests"] for case in test["alert_rule_test"] if case["exp_alerts"]}

    assert names == {rule["alert"] for group in written["groups"] for rule in group["rules"]}
