"""topics.yaml says who reads and writes what; the services' subscription tables must say the same."""

import importlib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DECLARED = yaml.safe_load((ROOT / "deploy/kafka/topics.yaml").read_text())["topics"]


@pytest.mark.parametrize("service", ["intake", "mood", "insights", "notify"])
def test_a_service_reads_what_topics_yaml_says_it_reads(service: str) -> None:
    """A subscription nobody declared, or a declared one nobody made, is a hole in the map."""
    handlers = importlib.import_module(f"services.{service}.handlers")
    declared = {name for name, topic in DECLARED.items() if service in topic["consumers"]}

    read = getattr(handlers, "TOPICS", handlers.SUBSCRIPTIONS)  # insights lists its subscriptions by event type

    assert {topic.value for topic in {*read, *handlers.TABLES}} == declared
