"""Intake's OpenAPI document: what a developer reads is true."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from services.intake.api import ROUTERS
from services.intake.app import create_app
from services.intake.settings import Settings

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
DOCUMENT = create_app(Settings()).openapi()


def operations() -> Iterator[tuple[str, Any]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def bodies() -> Iterator[type[BaseModel]]:
    for route in ROUTES:
        for parameter in route.dependant.body_params:
            models = [parameter.field_info.annotation, *getattr(parameter.field_info.annotation, "__args__", ())]
            yield from (one for one in models if isinstance(one, type) and issubclass(one, BaseModel))


@pytest.mark.parametrize("body", list(bodies()), ids=lambda body: body.__name__)
def test_every_body_has_an_example_that_is_accepted(body: type[BaseModel]) -> None:
    """What is copied from the page works."""
    examples = body.model_json_schema()["examples"]

    assert examples
    for example in examples:
        body.model_validate(example)


@pytest.mark.parametrize(
    ("name", "operation"), list(operations()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_operation_is_named_and_says_how_it_refuses(name: str, operation: Any) -> None:
    """verb_noun, a summary, a description, and problems as problems are sent."""
    refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}

    assert "_" in operation["operationId"], name
    assert operation["summary"]
    assert operation["description"]
    assert {"401", "403", "422", "503"} <= refusals.keys()
    assert {media for answer in refusals.values() for media in answer["content"]} == {"application/problem+json"}


def test_every_write_says_where_it_stands() -> None:
    """Each answer of a PUT, POST or DELETE declares the Position header."""
    silent = [
        f"{name} {status}"
        for name, operation in operations()
        for status, answer in operation["responses"].items()
        if not name.startswith("GET") and status < "300" and "Position" not in answer.get("headers", {})
    ]

    assert silent == []


def test_every_decision_and_every_fact_needs_a_key() -> None:
    """A POST without an Idempotency-Key could not be retried."""
    keyless = [
        name
        for name, operation in operations()
        if name.startswith("POST")
        and "Idempotency-Key" not in {parameter["name"] for parameter in operation.get("parameters", ())}
    ]

    assert keyless == []
