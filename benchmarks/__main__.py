"""`make bench`: every measured promise in one run, printed and written to .run/bench.json with machine and versions.

`python -m benchmarks detection` is apart: how well the rules find what came, written to docs/detection.md.
"""

import asyncio
import importlib.metadata
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks import (
    alerting,
    caseload,
    door,
    history,
    insights,
    notifying,
    open_alerts,
    screening,
    strategies,
)
from benchmarks.detection.report import write_report
from tests.stack import open_stack

PARTS: Final = {
    "door": door.run,
    "insights": insights.run,
    "replay": insights.replay,
    "history": history.run,
    "alerting": alerting.run,
    "open_alerts": open_alerts.run,
    "notifying": notifying.run,
    "caseload": caseload.run,
}
ALONE: Final = {"screening": screening.run, "strategies": strategies.run}
"""Those that need neither broker nor store."""
WANTED: Final = {
    "gateway_ratio": (">=", 0.6),
    "insights_events_per_s": (">=", 20_000),
    "replay_events_per_s": (">=", 20_000),
    "insights_one_rule_ratio": (">=", 0.4),
    "history_in_order_ratio": ("<=", 1.5),
    "alert_p99_ms": ("<=", 500),
    "screen_us_a_note": ("<=", 20),
}
RESULT: Final = Path(".run/bench.json")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    names = ("aiokafka", "fastapi", "motor", "pydantic", "pymongo", "uvicorn")
    model = next(
        (line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")), platform.processor()
    )
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": model,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in names},
    }


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


async def measure(names: list[str]) -> dict[str, Any]:
    """Each part on a stack of its own, so that none inherits another's backlog."""
    figures: dict[str, Any] = {}
    for name in names:
        if name in ALONE:
            figures |= ALONE[name]()
            continue
        with open_stack() as stack:
            figures |= {"stack": stack.kind} | await PARTS[name](stack)
    return figures


def main() -> int:
    """Measure the named parts, or all. Exit 1 where a wanted figure is missed, so that nobody overlooks it."""
    names = sys.argv[1:] or [*PARTS, *ALONE]
    if names == ["detection"]:  # needs no stack, and measures no speed
        return write_report()
    if unknown := [name for name in names if name not in PARTS | ALONE]:
        known = ", ".join([*PARTS, *ALONE, "detection"])
        print(f"No such benchmark: {', '.join(unknown)}. There are: {known}.", file=sys.stderr)
        return 2
    result = {"machine": machine(), "figures": asyncio.run(measure(names))}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    table = Table("figure", "measured", "wanted", title=f"measured on {result['machine']['cpu']}")
    missed = 0
    for name, value in result["figures"].items():
        sign, bound = WANTED.get(name, ("", 0))
        good = not sign or (value >= bound if sign == ">=" else value <= bound)
        missed += not good
        shown = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
        table.add_row(name, shown, f"{sign} {bound:,}" + ("" if good else "  MISSED") if sign else "")
    Console().print(table)
    print(f"written to {RESULT}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
