"""A broker and a store of its own: these stories are about seconds, and a store others filled and killed is slow."""

from collections.abc import Iterator

import pytest

from tests.stack import Stack, open_stack


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """Fresh, and gone with its data after notify's tests."""
    with open_stack() as own:
        yield own
