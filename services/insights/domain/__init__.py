"""What insights knows of measuring people: the rules, a patient's state, and assessing. Pure: no I/O, no clock."""

from services.insights.domain.assessing import Findings, assess, next_due
from services.insights.domain.catalogue import CATALOGUE, RULES_VERSION, Parameter, Rule, in_force
from services.insights.domain.instants import instant_of, micros
from services.insights.domain.standing import Standing
from services.insights.domain.state import PatientState, Registered

__all__ = [
    "CATALOGUE",
    "RULES_VERSION",
    "Findings",
    "Parameter",
    "PatientState",
    "Registered",
    "Rule",
    "Standing",
    "assess",
    "in_force",
    "instant_of",
    "micros",
    "next_due",
]
