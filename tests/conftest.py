"""What all tests have in common: hypothesis' profile, which real data is there, and what runs beside what."""

from pathlib import Path

import pytest
from hypothesis import settings

from benchmarks.detection.series import SOURCES
from tests import data_moodpath

TESTS = Path(__file__).parent

settings.register_profile("rapport", deadline=None)  # no test here is about how long something takes
settings.load_profile("rapport")

collect_ignore = (
    []
    if data_moodpath.present()
    else ["e2e/test_real_input.py", "e2e/test_year_real_input.py", "unit/backtest/test_backtest_real_input.py"]
)
_SETS_ABSENT = sorted({source.folder for source in SOURCES if not source.present})
collect_ignore += ["unit/test_detection_real_input.py"] if _SETS_ABSENT else []


def pytest_report_header() -> list[str]:
    """Say whether the tests on real people's entries are run; they need data that is never part of the project."""
    return [
        "real input: moodpath" if data_moodpath.present() else f"real input is NOT tested: {data_moodpath.ABSENT}",
        f"reading data sets for detection is NOT tested: {', '.join(_SETS_ABSENT)} not beside the repository"
        if _SETS_ABSENT
        else "data sets for detection: all",
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares processes stays on one worker: the stories of the whole platform, and else each file's tests."""
    for item in items:
        path = item.path.relative_to(TESTS)
        item.add_marker(pytest.mark.xdist_group("e2e" if path.is_relative_to("e2e") else str(path)))
