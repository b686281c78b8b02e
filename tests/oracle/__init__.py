"""The oracle: docs/rules.md once more, slow and obvious, to compare the running platform with.

It recomputes everything from plain sorted data each time, keeps no state, and imports nothing of `services` or
`shared` (a test holds it to that), so that a mistake there cannot hide here. It takes and gives plain dicts.
"""

from tests.oracle.comparing import check_wording, differences
from tests.oracle.entries import Inputs, as_inputs
from tests.oracle.rules import assess
from tests.oracle.telling import check_alerts, telling_ever

__all__ = ["Inputs", "as_inputs", "assess", "check_alerts", "check_wording", "differences", "telling_ever"]
