"""The containers: what compose is told is valid, pinned and closed, and each image holds one service and no more."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy.native.jars import HERE as NATIVE
from services.insights.settings import Settings as InsightsSettings
from services.intake.settings import Settings as IntakeSettings
from services.mood.settings import Settings as MoodSettings
from services.notify.settings import Settings as NotifySettings
from services.watch import WatchSettings
from tests.stack import KAFKA_IMAGE, MONGO_IMAGE

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
SERVICES = {"intake": 8001, "mood": 8002, "insights": 8003, "notify": 8004}
SETTINGS: dict[str, type[BaseSettings]] = {
    "intake": IntakeSettings,
    "mood": MoodSettings,
    "insights": InsightsSettings,
    "notify": NotifySettings,
    "watch": WatchSettings,
}
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())


def _plugin_is_there() -> bool:
    docker = shutil.which("docker")
    version = [docker or "", "compose", "version"]
    return docker is not None and subprocess.run(version, capture_output=True, check=False).returncode == 0


def _judge_by_schema() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(COMPOSE)


def _judge_by_docker() -> None:
    command = ["docker", "compose", "--file", str(COMPOSE_FILE), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Without the compose plugin the specification's schema is the proof, and the test's name says which one judged.
JUDGES = {"by_schema": _judge_by_schema} | (
    {"by_docker_compose_config": _judge_by_docker} if _plugin_is_there() else {}
)


@pytest.mark.parametrize("judge", JUDGES)
def test_the_compose_file_is_valid(judge: str) -> None:
    """docker-compose.yml follows the Compose Specification."""
    JUDGES[judge]()


def test_every_image_is_pinned() -> None:
    """No image is `latest`: what ran yesterday runs today."""
    images = [service["image"] for service in COMPOSE["services"].values() if "build" not in service]

    assert not [image for image in images if not re.search(r":v?\d+\.\d+\.\d+$", image)]


def test_tests_and_compose_use_the_same_servers() -> None:
    """The broker and the store the tests run on are the ones compose starts, and the native broker is as old."""
    services = COMPOSE["services"]

    assert services["kafka"]["image"] == KAFKA_IMAGE
    assert services["mongo"]["image"] == MONGO_IMAGE
    assert f"<kafka.version>{KAFKA_IMAGE.split(':')[1]}<" in (NATIVE / "pom.xml").read_text()


def test_every_port_is_open_on_this_machine_only() -> None:
    """A laptop in a café offers nobody its patients."""
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]

    assert ports
    assert not [port for port in ports if not port.startswith("127.0.0.1:")]


def test_every_mounted_file_is_there() -> None:
    """A bind mount of a missing file would silently become an empty folder."""
    written = [mount for service in COMPOSE["services"].values() for mount in service.get("volumes", [])]
    mounts = [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", mount) for mount in written]
    missing = [
        path for path in (mount.split(":")[0] for mount in mounts) if path[0] == "." and not (ROOT / path).exists()
    ]

    assert not missing


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_built_from_its_own_dockerfile(name: str) -> None:
    """Compose builds each service from the root with the Dockerfile in its folder."""
    assert COMPOSE["services"][name]["build"] == {"context": ".", "dockerfile": f"services/{name}/Dockerfile"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_holds_one_service_and_shared(name: str) -> None:
    """The Dockerfile copies the lock, the topics, shared/ and its own folder, and nothing else of the repository."""
    copied = {line.split()[1] for line in _dockerfile(name) if line.startswith("COPY ") and "--from=" not in line}

    assert copied == {
        "requirements/runtime.lock",
        "deploy/kafka/topics.yaml",
        "shared/",
        "services/__init__.py",
        f"services/{name}/",
    }


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_runs_as_nobody_in_particular(name: str) -> None:
    """Not as root, with a health check on the port it listens on."""
    lines = _dockerfile(name)
    port = SERVICES[name]

    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001"]
    assert f"EXPOSE {port}" in lines
    assert any(f"127.0.0.1:{port}/healthz" in line for line in lines)
    assert lines[-1] == f'CMD ["python", "-m", "services.{name}"]'


def test_the_watch_knows_no_service_and_starts_only_where_it_is_asked_for() -> None:
    """Its image holds its own folder and shared, and every setting compose gives it is one it has."""
    copied = {line.split()[1] for line in _dockerfile("watch") if line.startswith("COPY ") and "--from=" not in line}
    told = COMPOSE["services"]["watch"]

    assert copied == {"requirements/runtime.lock", "shared/", "services/__init__.py", "services/watch/"}
    assert told["profiles"] == ["watch"]
    assert {name.removeprefix("WATCH_").lower() for name in told["environment"]} <= set(WatchSettings.model_fields)


@pytest.mark.parametrize(("name", "settings"), SETTINGS.items())
def test_every_setting_of_a_service_can_be_set_from_outside(name: str, settings: type[BaseSettings]) -> None:
    """A setting that compose does not pass on is none, whatever the documents offer."""
    prefix = settings.model_config["env_prefix"]
    offered = {str(field.validation_alias or prefix + key.upper()) for key, field in settings.model_fields.items()}
    passed = set(COMPOSE["services"][name]["environment"])
    by_image = {"RAPPORT_HOST", "RAPPORT_PORT", "WATCH_PORT"}  # EXPOSE and HEALTHCHECK know the port

    assert offered - by_image - passed == set()
    assert passed - offered == set()


def test_the_four_dockerfiles_differ_only_in_name_and_port() -> None:
    """A change to how services are built reaches all of them."""
    shapes = {
        "\n".join(_dockerfile(name)).replace(name, "NAME").replace(str(port), "PORT") for name, port in SERVICES.items()
    }

    assert len(shapes) == 1


def _dockerfile(name: str) -> list[str]:
    return (ROOT / "services" / name / "Dockerfile").read_text().splitlines()
