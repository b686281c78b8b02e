"""What there is to say of a coping strategy, as data."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_STEPS: Final = 5


class Evidence(StrEnum):
    """How well trials support it as a part of treatment; none of them tried it as a single suggestion on a phone."""

    STRONG = "strong"
    GOOD = "good"
    MODERATE = "moderate"
    WEAK = "weak"


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A coping strategy, in words for the one who does it.

    name: the id it is recorded under. effort: 1 little to 3 much. minutes: how long one go takes.
    evidence_words: where the strength comes from. contraindications: for whom it may be wrong. Rapport does not know
    who that is, so a strategy that has any is suggested only where a clinician has listed it for the patient.
    therapist_set_only: never suggested by itself, listed or not; shown to those for whom a clinician has listed it.
    Raises ValueError where the declaration contradicts itself.
    """

    name: str
    title: str
    what_for: str
    effort: int
    minutes: int
    steps: tuple[str, ...]
    evidence: Evidence
    evidence_words: str
    contraindications: tuple[str, ...] = ()
    therapist_set_only: bool = False

    def __post_init__(self) -> None:
        wrong = {
            "effort is 1 to 3": not 1 <= self.effort <= 3,
            "it takes at least a minute": self.minutes < 1,
            f"it has 1 to {MOST_STEPS} steps": not 1 <= len(self.steps) <= MOST_STEPS,
        }
        for words, holds in wrong.items():
            if holds:
                raise ValueError(f"{self.name}: {words}")
