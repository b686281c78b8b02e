"""The contracts hold: examples parse, types and topics agree, and nothing generated has drifted."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from shared.contracts import EVENTS, TYPES, Topic
from shared.contracts.base import Document, Fact

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "shared/contracts/examples").glob("*/*.json"))
DECLARED = yaml.safe_load((ROOT / "deploy/kafka/topics.yaml").read_text())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_stored_example_still_parses(example: Path) -> None:
    """What was once published can be read by today's models, and comes out as it went in."""
    model = EVENTS[example.parent.name]
    parsed = model.model_validate_json(example.read_text())

    assert parsed == model.model_validate_json(parsed.model_dump_json())


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_has_an_example_that_satisfies_its_published_schema(name: str) -> None:
    """An event without an example is no contract, and the schema in docs/ describes what is really sent."""
    examples = [path for path in EXAMPLES if path.parent.name == name]
    schema = json.loads((ROOT / f"docs/schemas/{name}.json").read_text())

    assert examples
    Draft202012Validator(schema).validate(json.loads(examples[-1].read_text()))


@pytest.mark.parametrize("name", EVENTS)
def test_readers_ignore_what_they_do_not_know(name: str) -> None:
    """A field added by a newer writer breaks no reader."""
    latest = next(path for path in reversed(EXAMPLES) if path.parent.name == name)
    document = json.loads(latest.read_text())

    assert EVENTS[name].model_validate(document) == EVENTS[name].model_validate(document | {"added_later": 1})


@pytest.mark.parametrize("name", EVENTS)
def test_a_contract_broken_in_one_field_does_not_parse(name: str) -> None:
    """Losing the clinic is never tolerated: it is the tenant."""
    latest = next(path for path in reversed(EXAMPLES) if path.parent.name == name)
    document = json.loads(latest.read_text())
    del document["clinic"]

    with pytest.raises(ValidationError):
        EVENTS[name].model_validate(document)


def test_the_code_and_the_declaration_name_the_same_topics() -> None:
    """`Topic` and topics.yaml hold the same names."""
    assert {topic.value for topic in Topic} == set(DECLARED["topics"])


def test_every_topic_is_produced_and_consumed_or_declared_terminal_or_unused() -> None:
    """No topic is written for nobody or read from nowhere without saying so."""
    for name, topic in DECLARED["topics"].items():
        assert bool(topic["producers"]) != bool(topic.get("unused")), name
        assert bool(topic["consumers"]) != bool(topic.get("terminal") or topic.get("unused")), name


@pytest.mark.parametrize("name", EVENTS)
def test_events_are_named_after_the_service_that_owns_their_topic(name: str) -> None:
    """`rapport.<service>.<event>.v<major>`: the first producer of a topic gives its events their name."""
    _, service, _, _ = name.split(".")

    assert DECLARED["topics"][EVENTS[name].topic]["producers"][0] == service


@pytest.mark.parametrize("model", TYPES, ids=lambda model: model.__name__)
def test_keys_on_patient_topics_start_with_clinic_and_patient(model: type) -> None:
    """So that all of one patient's topics land on the same consumer."""
    name = TYPES[model]
    latest = next(path for path in reversed(EXAMPLES) if path.parent.name == name)
    event = model.model_validate_json(latest.read_text())  # type: ignore[attr-defined]
    start = "harbour/p-1001" if DECLARED["topics"][event.topic].get("per_patient") else "harbour"

    assert event.key == start or event.key.startswith(start + "/")


def test_documents_are_compacted_and_facts_are_not_lost_to_compaction() -> None:
    """A compacted topic may hold facts only under keys of their own."""
    for model in TYPES:
        compacted = DECLARED["topics"][model.topic]["compact"]
        if issubclass(model, Document) or model.__name__ == "Assessment":
            assert compacted, model
        elif issubclass(model, Fact) and compacted:
            assert "key" in vars(model), model
