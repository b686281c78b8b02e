"""Every door has a lock: no route answers without a token, but for the few that say so."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from services.__main__ import service_apps
from services.notify.api import PUBLIC_ROUTES
from shared.auth import SCOPES
from shared.runtime import PUBLIC_PATHS, routes_of
from shared.runtime.host import merged_openapi

APPS = service_apps()


def _routes() -> Iterator[tuple[str, APIRoute]]:
    for name, app in APPS.items():
        for route in routes_of(app):
            yield name, route


def _scopes(dependant: Any) -> Iterator[str]:
    for dependency in dependant.dependencies:
        scope = getattr(dependency.call, "__rapport_scope__", None)
        if scope is not None:
            yield scope
        yield from _scopes(dependency)


@pytest.mark.parametrize(("service", "route"), list(_routes()), ids=lambda value: getattr(value, "path", value))
def test_every_route_is_authenticated(service: str, route: APIRoute) -> None:
    """A route asks for exactly one known scope, or is one of the public ones."""
    if route.path in PUBLIC_PATHS or route.path in PUBLIC_ROUTES:
        return

    assert len(scopes := list(_scopes(route.dependant))) == 1, f"{service} {route.path} has no lock"
    assert scopes[0] in SCOPES


def test_every_service_has_routes() -> None:
    """The test above looks at something in each service."""
    assert {name for name, _ in _routes()} == set(APPS)
    assert all(isinstance(app, FastAPI) for app in APPS.values())


def test_no_two_services_claim_one_path() -> None:
    """The gateway routes by path: a path has one owner."""
    owners: dict[str, set[str]] = {}
    for name, route in _routes():
        if route.path not in PUBLIC_PATHS:
            owners.setdefault(route.path, set()).add(name)

    assert {path: names for path, names in owners.items() if len(names) > 1} == {}


def test_the_merged_api_names_every_operation_once_and_resolves_every_reference() -> None:
    """Generated clients need unique operation ids, and a reference that leads nowhere breaks them."""
    document = merged_openapi(APPS)
    operations = [op["operationId"] for path in document["paths"].values() for op in path.values()]
    references = set(_references(document))

    assert len(operations) == len(set(operations))
    assert references <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
