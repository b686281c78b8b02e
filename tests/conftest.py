"""What tests are given: a real broker and a real store server. Found by name, never imported."""

from collections.abc import Iterator

import pytest

from tests import data_moodpath
from tests.stack import Stack, open_stack

collect_ignore = (
    []
    if data_moodpath.present()
    else ["e2e/test_real_input.py", "e2e/test_year_real_input.py", "unit/backtest/test_backtest_real_input.py"]
)


def pytest_report_header() -> str:
    """Say whether the tests on real people's entries are run; they need data that is never part of the project."""
    return "real input: moodpath" if data_moodpath.present() else f"real input is NOT tested: {data_moodpath.ABSENT}"


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A real broker and a real store server, for the whole run: containers, or the native stack."""
    with open_stack() as stack:
        yield stack
