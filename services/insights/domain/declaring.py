"""What a rule of the catalogue declares of itself. The rules themselves stand in `catalogue`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Final

from shared.contracts.base import Number, Urgency

SINCE: Final = date(2026, 11, 23)
"""The day every rule but the first six came into the catalogue."""


class Severity(StrEnum):
    """In which order concerns are read. It says nothing of how ill anybody is, and is no tier of risk.

    safety: about harm, read first. important: a clear change for the worse, or somebody waits. notice: worth a look.
    """

    SAFETY = "safety"
    IMPORTANT = "important"
    NOTICE = "notice"


@dataclass(frozen=True)
class Parameter:
    """One number of a rule that a clinic may change, within an inclusive range.

    restarts: changing it makes it another rule, so that evidence from before the change is the past. Not so where it
    only says for how long, or how soon, something is told.
    """

    name: str
    default: Number
    minimum: Number
    maximum: Number
    meaning: str
    whole: bool = False
    restarts: bool = True

    def taken(self, value: Number) -> Number:
        """`value` brought into the range; rounded down where only whole numbers make sense."""
        kept = min(max(value, self.minimum), self.maximum)
        return int(kept) if self.whole else kept


@dataclass(frozen=True)
class Rule:
    """One rule of the catalogue. None has been clinically validated as implemented here.

    watches: what it looks at. says: the rule in words. wording: an example of what a clinician reads. evidence: what a
    human is told of. until: when it no longer holds, which is when an episode is over. is_not: what it must not be
    taken for. told: False where it is only listed while it holds, and nobody is sent anything. introduced: since when
    the catalogue has it, None from the beginning; evidence from before that day (UTC) is told to nobody. revised: the
    day on which it last came to say something else of the same entries; where a deployment says that it took the
    catalogue then or later, evidence from before that instant is told to nobody.
    """

    name: str
    title: str
    says: str
    until: str
    source: str
    urgency: Urgency
    parameters: tuple[Parameter, ...]
    on_in_starter: bool = True
    absence: bool = False
    told: bool = True
    watches: str = ""
    wording: str = ""
    evidence: str = ""
    is_not: str = ""
    severity: Severity = Severity.NOTICE
    introduced: date | None = None
    revised: date | None = None

    @cached_property
    def defaults(self) -> Mapping[str, Number]:
        """The parameters' defaults by name."""
        return MappingProxyType({p.name: p.default for p in self.parameters})

    def with_parameters(self, changed: Mapping[str, Number]) -> dict[str, Number]:
        """All parameters, those a clinic changed in place of the defaults; unknown names are ignored."""
        return {p.name: p.taken(changed.get(p.name, p.default)) for p in self.parameters}


Parameters = Mapping[str, Number]
InForce = Mapping[str, Parameters]
"""The rules that are on, by name, each with its parameters."""
