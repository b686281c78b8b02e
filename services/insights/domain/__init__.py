"""What insights knows of measuring people: the rules, a patient's state, and assessing. Pure: no I/O, no clock."""

from services.insights.domain.assessing import Findings, assess, next_due
from services.insights.domain.backtesting import Raised, backtest
from services.insights.domain.catalogue import CATALOGUE, RULES_VERSION, Parameter, Rule, Severity, in_force
from services.insights.domain.instants import instant_of, micros
from services.insights.domain.standing import Settled, Standing
from services.insights.domain.state import PatientState, Registered
from services.insights.domain.tallying import Difference, Tally, Watched, difference, tally, tally_by_rule

__all__ = [
    "CATALOGUE",
    "RULES_VERSION",
    "Difference",
    "Findings",
    "Parameter",
    "PatientState",
    "Raised",
    "Registered",
    "Rule",
    "Settled",
    "Severity",
    "Standing",
    "Tally",
    "Watched",
    "assess",
    "backtest",
    "difference",
    "in_force",
    "instant_of",
    "micros",
    "next_due",
    "tally",
    "tally_by_rule",
]
