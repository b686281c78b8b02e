"""What the bus promises. Inherited by the tests of the real broker and of its twin in memory, which give `bus`."""

import pytest

for part in ("delivery", "knowledge", "outcomes", "parts"):
    pytest.register_assert_rewrite(f"tests.behaviour.bus_{part}")

from tests.behaviour.bus_delivery import Delivery, Ownership  # noqa: E402  rewriting has to come first
from tests.behaviour.bus_knowledge import Knowledge  # noqa: E402
from tests.behaviour.bus_outcomes import Outcomes  # noqa: E402


class BusSuite(Delivery, Ownership, Outcomes, Knowledge):
    """All of it."""
