"""What the demonstration can do, everybody can do with HTTP and a token."""

import ast
from pathlib import Path

DEMO = Path(__file__).parents[2] / "deploy" / "demo"
SENDING = ("replay.py", "sender.py", "simulation.py", "story.py", "words.py")


def imported_by(path: Path) -> set[str]:
    """The first names of the modules a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_the_demo_knows_no_service() -> None:
    """It imports nothing of services; what tells and sends the story, nothing of shared either."""
    files = sorted(DEMO.glob("**/*.py"))
    assert {path.name for path in files} >= set(SENDING)
    for path in files:
        inside = imported_by(path) & ({"services", "shared"} if path.name in SENDING else {"services"})
        assert inside == set(), path.name
