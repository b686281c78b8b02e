"""Mood's door, for tests that ask over HTTP. Found by name, never imported."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.mood.made import Door, open_door


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """The door of a clinic that is set up, with a log in memory behind it."""
    async with open_door() as door:
        yield door
