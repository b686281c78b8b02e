"""The oracle can only catch a mistake that it does not share."""

import ast
from pathlib import Path

ORACLE = Path(__file__).parents[1] / "oracle"
STANDARD = {"collections", "dataclasses", "datetime", "hashlib", "math", "re", "statistics", "typing", "zoneinfo"}


def imported_by(path: Path) -> set[str]:
    """The modules a file imports, by their dotted names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def test_the_oracle_stands_alone() -> None:
    """It imports itself and a few modules of the standard library: nothing of services, shared or deploy."""
    files = sorted(ORACLE.glob("**/*.py"))
    assert files
    for path in files:
        strangers = {
            name
            for name in imported_by(path)
            if not name.startswith("tests.oracle") and name.partition(".")[0] not in STANDARD
        }
        assert strangers == set(), path.name
        assert "importlib" not in path.read_text()
