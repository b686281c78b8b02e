"""The rules of the house, executable: who may import whom, which files there are, and what a file may not become."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("intake", "mood", "insights", "notify")
NAMES = {"__init__", "__main__", "app", "settings", "api", "handlers", "store", "domain", "channels"}
SOURCES = [
    path
    for folder in ("services", "shared", "deploy", "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def test_imports_keep_to_the_rooms() -> None:
    """import-linter's contracts in pyproject.toml hold: services apart, domain pure, shared in layers."""
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_file_names(service: str) -> None:
    """Learn one, know all four: no other names, and none of the seven missing."""
    folder = ROOT / "services" / service
    found = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert found <= NAMES
    assert found - {"channels"} >= NAMES - {"channels"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_card_says_what_it_consumes_emits_owns_and_asks(service: str) -> None:
    """The package's docstring is the card a newcomer reads first."""
    card = (ROOT / "services" / service / "__init__.py").read_text().lower()

    for word in ("consumes", "emits", "owns", "asks"):
        assert word in card


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_runs_with_only_its_own_folder_and_shared(service: str, tmp_path: Path) -> None:
    """What its image holds is enough to build its app."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services/__init__.py").touch()
    (tmp_path / "services" / service).symlink_to(ROOT / "services" / service)
    (tmp_path / "shared").symlink_to(ROOT / "shared")
    program = (
        f"from services.{service}.app import create_app; from services.{service}.settings import Settings; "
        "print(len(create_app(Settings()).router.routes))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": ""}
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_no_file_hides_behind_a_word_for_nothing() -> None:
    """No utils, helpers, common, misc or base modules."""
    bad = {"utils", "util", "helpers", "helper", "common", "misc", "models"}

    assert [str(path) for path in SOURCES if path.stem in bad or path.parent.name in bad] == []


def test_no_file_passes_400_lines() -> None:
    """A longer file is hiding something that wants a name of its own."""
    assert [str(path) for path in SOURCES if len(path.read_text().splitlines()) > 400] == []


def test_nobody_imports_a_conftest_and_nothing_but_tests_imports_tests() -> None:
    """Fixtures are found, never imported; the product runs without its tests."""
    for path in SOURCES:
        text = path.read_text()
        assert not re.search(r"^\s*(from|import) \S*conftest", text, re.MULTILINE), path
        if path.parts[len(ROOT.parts)] in ("services", "shared"):
            assert not re.search(r"^\s*(from|import) (tests|benchmarks)\b", text, re.MULTILINE), path


def test_tests_neither_sleep_nor_skip_in_silence() -> None:
    """A test that sleeps is slow or flaky, and a test that skips hides; both have better ways here."""
    forbidden = re.compile(r"pytest\.skip|mark\.skip\(|mark\.xfail|sleep\((?!POLL|0\)|0\.0)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        if "tests" in path.parts and path.name != Path(__file__).name
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if forbidden.search(line)
    ]

    assert found == []
