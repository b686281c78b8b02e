"""Coping strategies: the library, what a patient's facts say of them, and which may be suggested."""

from services.mood.domain.strategies.declaration import Evidence, Strategy
from services.mood.domain.strategies.gate import LOOK_BACK, Gate, about_risk, gate_of
from services.mood.domain.strategies.history import Coping, Tally, coping_of, helped_often
from services.mood.domain.strategies.library import LIBRARY, strategy_named
from services.mood.domain.strategies.recommending import (
    MODEL,
    PRIOR,
    Choice,
    belief_of,
    choose,
    draw,
    energy_of,
    may_be_suggested,
    prior_of,
    reward,
    seed_of,
)
from services.mood.domain.strategies.sending import Allowed, Pinned, Tried, Wanted, allowed, pinned, tried
from services.mood.domain.strategies.words import CAVEAT, reason_of, standing_of

__all__ = [
    "CAVEAT",
    "LIBRARY",
    "LOOK_BACK",
    "MODEL",
    "PRIOR",
    "Allowed",
    "Choice",
    "Coping",
    "Evidence",
    "Gate",
    "Pinned",
    "Strategy",
    "Tally",
    "Tried",
    "Wanted",
    "about_risk",
    "allowed",
    "belief_of",
    "choose",
    "coping_of",
    "draw",
    "energy_of",
    "gate_of",
    "helped_often",
    "may_be_suggested",
    "pinned",
    "prior_of",
    "reason_of",
    "reward",
    "seed_of",
    "standing_of",
    "strategy_named",
    "tried",
]
