"""Mood's OpenAPI document: what a developer reads is true."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from services.mood.app import create_app
from services.mood.settings import Settings
from tests.unit.mood.made import NOW, Door

DOCUMENT = create_app(Settings()).openapi()
OPERATIONS = {operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()}


def schema(node: dict[str, Any]) -> dict[str, Any]:
    """A schema that can stand alone."""
    return node | {"components": DOCUMENT["components"]}


def test_the_operations_are_these() -> None:
    """verb_noun, on the paths that were agreed."""
    found = {
        f"{method} {path}": op["operationId"] for path, ops in DOCUMENT["paths"].items() for method, op in ops.items()
    }

    assert found == {
        "post /v1/check-ins": "record_check_in",
        "post /v1/questionnaires": "record_questionnaire",
        "post /v1/events:batch": "record_batch",
        "post /v1/check-ins/{entry}/corrections": "correct_check_in",
        "post /v1/entries/{entry}/withdrawal": "withdraw_entry",
        "get /v1/patients/{patient}/schedule": "read_schedule",
        "get /v1/schedules/unanswered": "list_unanswered",
        "post /v1/reminders": "remind",
        "get /v1/patients/{patient}/timeline": "read_timeline",
        "get /v1/patients/{patient}/progress": "read_progress",
        "get /v1/patients/{patient}/progress/in-words": "read_progress_in_words",
        "get /v1/instruments": "list_instruments",
        "get /v1/instruments/{instrument}": "read_instrument",
        "get /v1/strategies": "list_strategies",
        "get /v1/patients/{patient}/strategies": "read_patients_strategies",
        "post /v1/patients/{patient}/strategies/tried": "record_strategy_tried",
        "put /v1/patients/{patient}/strategies/pinned": "pin_strategies",
        "put /v1/patients/{patient}/strategies/allowed": "allow_strategies",
        "post /v1/patients/{patient}/strategies/suggestions": "suggest_strategies",
        "get /v1/patients/{patient}/entries/{entry}/receipt": "read_receipt",
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_does_and_how_it_refuses(name: str) -> None:
    """A summary, a description, and problems as problems are sent."""
    operation = OPERATIONS[name]
    refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}

    assert operation["summary"]
    assert operation["description"]
    assert {"400", "401", "403", "422", "503"} <= refusals.keys()
    assert {media for answer in refusals.values() for media in answer["content"]} == {"application/problem+json"}


def described(node: Any, path: str = "") -> Iterator[str]:
    """Fields of request bodies without a description."""
    for name, field in node.get("properties", {}).items():
        if not field.get("description") and "const" not in field:
            yield f"{path}/{name}"


@pytest.mark.parametrize(("name", "path"), [("record_check_in", "check_in"), ("record_questionnaire", "questionnaire")])
async def test_the_example_of_a_body_is_valid_and_accepted(door: Door, name: str, path: str) -> None:
    """What is copied from the page works, fits the schema beside it, and so does the answer."""
    operation = OPERATIONS[name]
    body = operation["requestBody"]["content"]["application/json"]
    jsonschema.validate(body["example"], body["schema"])
    assert list(described(body["schema"])) == []
    assert "$ref" not in str(body["schema"])

    door.clock.set(NOW.replace(hour=19))
    answer = await getattr(door, path)(body["example"])

    assert answer.status_code == 202, answer.text
    jsonschema.validate(answer.json(), schema(operation["responses"]["202"]["content"]["application/json"]["schema"]))
    assert answer.headers.keys() >= {name.lower() for name in operation["responses"]["202"]["headers"]}


async def test_the_example_of_a_batch_is_accepted(door: Door) -> None:
    """Line by line, and the answer fits its schema."""
    operation = OPERATIONS["record_batch"]
    body = operation["requestBody"]["content"]["application/x-ndjson"]
    answer = await door.batch(body["example"], '{"key": "x"}')

    assert (answer.json()["accepted"], answer.json()["refused"]) == (2, 1)
    jsonschema.validate(answer.json(), schema(operation["responses"]["200"]["content"]["application/json"]["schema"]))
