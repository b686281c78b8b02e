"""What insights knows of measuring people: the rules, a patient's state, and assessing. Pure: no I/O, no clock."""

from services.insights.domain.assessing import Findings, assess, next_due
from services.insights.domain.backtesting import Raised, backtest
from services.insights.domain.catalogue import CATALOGUE, RULES_VERSION, Parameter, Rule, Severity, in_force
from services.insights.domain.expected_response import EpisodeScores, fit, version_of
from services.insights.domain.instants import instant_of, micros
from services.insights.domain.measures import known_measures
from services.insights.domain.standing import Settled, Standing
from services.insights.domain.state import PatientState, Registered
from services.insights.domain.tallying import Difference, Tally, Watched, difference, tally, tally_by_rule
from services.insights.domain.trends import mood_trend, score_trend

__all__ = [
    "CATALOGUE",
    "RULES_VERSION",
    "Difference",
    "EpisodeScores",
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
    "fit",
    "in_force",
    "instant_of",
    "known_measures",
    "micros",
    "mood_trend",
    "next_due",
    "score_trend",
    "tally",
    "tally_by_rule",
    "version_of",
]
