"""Where a page goes: every rule's severity is routed, Prometheus knows the Alertmanager, and that knows an address."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.generate import PORTS

ROOT = Path(__file__).parents[2]


def _read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


COMPOSE = _read("docker-compose.yml")["services"]
PROMETHEUS = _read("deploy/prometheus/prometheus.yml")
ALERTMANAGER = _read("deploy/alertmanager/alertmanager.yml")


def test_every_severity_a_rule_has_is_routed_to_somebody() -> None:
    """And what has none wakes somebody: better once too often."""
    groups = [group for name in PROMETHEUS["rule_files"] for group in _read(f"deploy/prometheus/{name}")["groups"]]
    severities = {rule["labels"]["severity"] for group in groups for rule in group["rules"]}
    routes = {route["matchers"][0]: route["receiver"] for route in ALERTMANAGER["route"]["routes"]}
    receivers = {one["name"]: one for one in ALERTMANAGER["receivers"]}

    assert routes == {f'severity="{severity}"': severity for severity in severities}
    assert set(receivers) == severities
    assert all(one["webhook_configs"] for one in receivers.values())
    assert ALERTMANAGER["route"]["receiver"] == "page"


def test_prometheus_tells_the_alertmanager_that_compose_starts() -> None:
    """Pages do not end on Prometheus' own page."""
    (told,) = PROMETHEUS["alerting"]["alertmanagers"]
    (target,) = told["static_configs"][0]["targets"]
    name, _, port = target.partition(":")

    assert [mapping.rpartition(":")[2] for mapping in COMPOSE[name]["ports"]] == [port]


def test_prometheus_finds_every_replica_of_every_service_and_all_its_rules() -> None:
    """By every address behind a service's name, so that two replicas are two targets."""
    job = PROMETHEUS["scrape_configs"][0]
    asked = {one["names"][0]: one["port"] for one in job["dns_sd_configs"]}
    mounted = {mount.split(":")[1] for mount in COMPOSE["prometheus"]["volumes"]}

    assert job["job_name"] == "rapport"
    assert asked == PORTS
    assert {one["type"] for one in job["dns_sd_configs"]} == {"A"}
    assert {f"/etc/prometheus/{name}" for name in PROMETHEUS["rule_files"]} <= mounted


@pytest.mark.parametrize(
    ("environment", "page", "ticket"),
    [
        ({"ALERTS_PAGE_URL": "https://p"}, "https://p", "https://p"),
        ({"ALERTS_PAGE_URL": "https://p", "ALERTS_TICKET_URL": "https://t"}, "https://p", "https://t"),
        ({"ALERTS_CONFIG": "./own.yml"}, "", ""),
    ],
)
def test_the_alertmanager_s_container_writes_the_addresses_where_its_configuration_reads_them(
    environment: dict[str, str], page: str, ticket: str, tmp_path: Path
) -> None:
    """From the environment; tickets go to the pages' address where they have none of their own."""
    assert _start(environment, tmp_path) == 0

    named = [receiver["webhook_configs"][0]["url_file"] for receiver in ALERTMANAGER["receivers"]]
    assert [(tmp_path / Path(one).name).read_text() for one in named] == [page, ticket]


def test_the_alertmanager_s_container_does_not_start_without_an_address(tmp_path: Path) -> None:
    """An alarm that leads nowhere looks like one that does."""
    assert _start({}, tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def _start(environment: dict[str, str], folder: Path) -> int:
    """Run what the container runs, up to Alertmanager itself, with `folder` for its /tmp."""
    shell, options, script = COMPOSE["alertmanager"]["entrypoint"]
    script = script.replace("$$", "$").replace("> /tmp/", f"> {folder}/")
    script, starts = re.subn(r"exec /bin/alertmanager [^\n]*", "true", script)
    assert starts == 1
    return subprocess.run([shell, options, script], env=environment, capture_output=True, check=False).returncode
