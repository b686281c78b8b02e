"""What the bus promises. Inherited by the tests of the real broker and of its twin in memory, which give `bus`."""

from tests.behaviour.bus_delivery import Delivery, Ownership
from tests.behaviour.bus_knowledge import Knowledge
from tests.behaviour.bus_outcomes import Outcomes
from tests.behaviour.bus_tables import Tables


class BusSuite(Delivery, Ownership, Outcomes, Knowledge, Tables):
    """All of it."""
