"""Writes what is generated and never typed: JSON Schemas, AsyncAPI, OpenAPI, the gateway's routes, the dashboard,
a page per rule.

python -m deploy.generate            write all of them
python -m deploy.generate --check    say which would change, and exit 1 if any
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI

from deploy.grafana.dashboard import dashboard
from deploy.rule_pages import index, pages
from services.__main__ import service_apps
from shared.contracts import EVENTS
from shared.contracts.base import Fact
from shared.runtime import routes_of
from shared.runtime.bounds import MOST_BATCH_BYTES
from shared.runtime.host import merged_openapi

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "shared/contracts/examples"
PORTS = {"intake": 8001, "mood": 8002, "insights": 8003, "notify": 8004}


def json_schemas() -> Iterator[tuple[str, str]]:
    """One JSON Schema per event, with its latest example."""
    for name, model in EVENTS.items():
        schema = model.model_json_schema(mode="serialization")
        schema["$id"] = name
        schema["examples"] = [_example(name)]
        yield f"docs/schemas/{name}.json", _json(schema)


def asyncapi() -> str:
    """AsyncAPI 3: channels from topics.yaml, messages from the contracts."""
    declared = yaml.safe_load((ROOT / "deploy/kafka/topics.yaml").read_text())
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic, what in declared["topics"].items():
        messages = {name: model for name, model in EVENTS.items() if model.topic == topic}
        channels[topic] = {
            "address": topic,
            "description": what["holds"],
            "messages": {_word(name): {"$ref": f"#/components/messages/{_word(name)}"} for name in messages},
            "bindings": {
                "kafka": {
                    "topic": topic,
                    "partitions": what.get("partitions", declared["patient_partitions"]),
                    "topicConfiguration": {
                        "cleanup.policy": ["compact"] if what["compact"] else ["delete"],
                        "retention.ms": -1,
                    },
                }
            },
        }
        for direction, action in (("producers", "send"), ("consumers", "receive")):
            for service in what[direction]:
                operations[f"{service}_{action}s_{_word(topic)}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic}"},
                    "tags": [{"name": service}],
                }
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rapport events",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 in Kafka binary mode. Facts never change; of documents readers keep the "
            "highest version.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": {_word(name): _message(name) for name in EVENTS}},
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _message(name: str) -> dict[str, Any]:
    model = EVENTS[name]
    kind = "fact" if issubclass(model, Fact) else "document"
    return {
        "name": name,
        "title": model.__name__,
        "summary": (model.__doc__ or "").split("\n", maxsplit=1)[0],
        "description": f"A {kind}.",
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": {
                header: {"type": "string"} for header in ("ce_id", "ce_source", "ce_specversion", "ce_time", "ce_type")
            },
        },
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"schemas/{name}.json"},
        },
        "examples": [{"payload": _example(name)}],
    }


def caddyfile(apps: Mapping[str, FastAPI]) -> str:
    """The gateway: each path of the API goes to the service that owns it; nothing else is let through."""
    lines = [
        "# Generated from the services' routes by `python -m deploy.generate`. Do not edit.",
        "{",
        "\tadmin off",
        "\tauto_https off",
        "}",
        "",
        ":{$RAPPORT_GATEWAY_PORT:8080} {",
    ]
    for name, app in apps.items():
        patterns = sorted({_pattern(path) for path in _paths(app)})
        lines += [
            f"\t@{name} path_regexp ^({'|'.join(patterns)})$",
            f"\thandle @{name} {{",
            "\t\trequest_body {",
            f"\t\t\tmax_size {MOST_BATCH_BYTES}",
            "\t\t}",
            f"\t\treverse_proxy {{$RAPPORT_{name.upper()}_UPSTREAM:{name}:{PORTS[name]}}}",
            "\t}",
        ]
    problem = _json({
        "type": "https://rapport.example/problems/not_found", "title": "No such page",
        "status": 404, "code": "not_found",
        "detail": "Check the path: every path of the API stands in docs/openapi.json.",
    }, indent=None).strip()  # fmt: skip
    lines += [
        "\thandle /healthz {",
        '\t\trespond `{"status":"alive"}` 200',
        "\t}",
        "\thandle {",
        "\t\theader Content-Type application/problem+json",
        f"\t\trespond `{problem}` 404",
        "\t}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _paths(app: FastAPI) -> list[str]:
    return [route.path for route in routes_of(app) if route.path.startswith(("/v1/", "/a/"))]


def _pattern(path: str) -> str:
    parts = re.split(r"\{[^}]+\}", path)
    return "[^/]+".join(re.escape(part) for part in parts)


def _example(name: str) -> Any:
    latest = max((EXAMPLES / name).glob("*.json"))
    return json.loads(latest.read_text())


def _word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name)


def _json(document: Any, indent: int | None = 2) -> str:
    return json.dumps(document, indent=indent, ensure_ascii=False) + "\n"


def generated() -> dict[str, str]:
    """Every generated file's path and text."""
    apps = service_apps()
    return {
        **dict(json_schemas()),
        **dict(pages()),
        "docs/rules.md": index((ROOT / "docs/rules.md").read_text()),
        "docs/asyncapi.yaml": asyncapi(),
        "docs/openapi.json": _json(merged_openapi(apps)),
        "deploy/gateway/Caddyfile": caddyfile(apps),
        "deploy/grafana/rapport.json": _json(dashboard()),
    }


def main() -> int:
    """Write the files, or with --check compare them."""
    stale = []
    for name, text in generated().items():
        path = ROOT / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if "--check" in sys.argv and stale:
        print("Out of date, run `make docs` and commit: " + ", ".join(stale))
        return 1
    print(f"{len(stale)} generated files written" if stale else "generated files are up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
