"""The bus suite on the broker in memory."""

import pytest

from tests.behaviour.bus import BusSuite
from tests.behaviour.bus_parts import MemoryBus


@pytest.fixture
def bus() -> MemoryBus:
    """An empty broker."""
    return MemoryBus()


class TestMemoryBus(BusSuite):
    """What the bus promises, in memory."""
