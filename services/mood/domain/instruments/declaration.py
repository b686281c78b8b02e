"""What there is to say of an instrument, as data: whoever scores, shows or compares reads it here and nowhere else.

A declaration holds only what its source confirms. A number that the project's clinical reference marks as unconfirmed
is left out; a clinic that knows better sets its own with PUT /v1/clinic (`cut_offs`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from shared.contracts.base import Number


class Licence(StrEnum):
    """Under which terms an instrument's wording may be shown."""

    PUBLIC_DOMAIN = "public_domain"
    NO_PERMISSION_REQUIRED = "no_permission_required"
    CC_BY_ND = "cc_by_nd"
    CC_BY_NC_SA = "cc_by_nc_sa"
    PERMISSION_REQUIRED = "permission_required"
    VENDOR_ONLY = "vendor_only"
    CLINICS_OWN = "clinics_own"

    @property
    def free(self) -> bool:
        """Whether everybody may show the wording (CC BY-ND: verbatim)."""
        return self in {Licence.PUBLIC_DOMAIN, Licence.NO_PERMISSION_REQUIRED, Licence.CC_BY_ND}


@dataclass(frozen=True, slots=True)
class Item:
    """One question. Answers are recorded as printed: the first is `minimum`, the last `maximum`, reversed or not.

    reversed: an answer adds `minimum + maximum - answer`. scored: False for one that is asked but never added up.
    risk: asks about harm; from `urgent_from` on a human is told at once, below it (from 1) in working hours.
    """

    minimum: int
    maximum: int
    reversed: bool = False
    scored: bool = True
    risk: bool = False
    urgent_from: int = 2
    loinc: str | None = None

    def points(self, answer: int) -> int:
        """What an answer adds to the sum, `minimum` to `maximum`."""
        return self.minimum + self.maximum - answer if self.reversed else answer


@dataclass(frozen=True, slots=True)
class Band:
    """A severity band: its published name and inclusive range of totals."""

    name: str
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A published number, and who published it."""

    value: Number
    source: str


@dataclass(frozen=True, slots=True)
class Prorating:
    """How many scored items may be missing for an estimated total, and whose rule that is."""

    most_missing: int
    source: str


@dataclass(frozen=True, slots=True)
class Wording:
    """What a patient reads: the question above the items, each item, and what each answer is called.

    other_answers: for items whose answers are called otherwise. attribution: to be shown with it.
    """

    stem: str
    items: Mapping[str, str]
    answers: Mapping[int, str]
    attribution: str
    other_answers: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """A questionnaire. Scores of two instruments never stand in one line, so variants with other ranges are two.

    name: the id it is recorded under. measure: what its variants have in common.
    minimum, maximum: inclusive range of the total. times: what the sum of points is multiplied by.
    recall_days: how far back it asks; 0 for "now" and for a session.
    caseness: a total at it or beyond, in the direction that is worse, is a case.
    reliable_change: a difference this large between two totals is more than chance.
    external: scored elsewhere; recorded by its name and number alone, and never shown.
    own: declared by the clinic.
    snomed: the SNOMED CT concept of its score; never declared here, since a deployment brings its codes (`coded`).
    Raises ValueError where the declaration contradicts itself.
    """

    name: str
    measure: str
    title: str
    minimum: Number
    maximum: Number
    items: Mapping[str, Item] = field(default_factory=dict)
    recall_days: int = 0
    times: int = 1
    whole: bool = True
    higher_is_worse: bool = True
    bands: tuple[Band, ...] = ()
    caseness: Cut | None = None
    reliable_change: Cut | None = None
    prorating: Prorating | None = None
    licence: Licence
    source: str
    external: bool = False
    own: bool = False
    loinc_panel: str | None = None
    loinc_total: str | None = None
    snomed: str | None = None
    wording: Wording | None = None

    def __post_init__(self) -> None:
        """A clinic's own scale is taken as it was declared: intake has judged it, and its answers must be kept."""
        if not self.own:
            for wrong in self._contradictions():
                raise ValueError(f"{self.name}: {wrong}")

    def _contradictions(self) -> list[str]:
        points = self.scored.values()
        added = [self.times * sum(item.minimum for item in points), self.times * sum(item.maximum for item in points)]
        begins, ends = [band.minimum for band in self.bands], [band.maximum for band in self.bands]
        found = {
            "its items do not add up to its range": bool(self.items) and added != [self.minimum, self.maximum],
            "it is scored elsewhere, so it has no items": self.external and bool(self.items),
            "its bands must cover its range, each total once": bool(self.bands)
            and (begins != [self.minimum, *(end + 1 for end in ends[:-1])] or ends[-1] != self.maximum),
            "a risk item needs to say how far back it asks": bool(self.risk_items) and self.recall_days < 1,
            "its licence does not let us ship its wording": self.wording is not None and not self.licence.free,
            "its wording is not that of its items": self.wording is not None
            and self.wording.items.keys() != self.items.keys(),
        }
        return [wrong for wrong, holds in found.items() if holds]

    @cached_property
    def scored(self) -> dict[str, Item]:
        """The items that add up to the total."""
        return {name: item for name, item in self.items.items() if item.scored}

    @cached_property
    def risk_items(self) -> list[str]:
        """The names of the items that ask about harm."""
        return [name for name, item in self.items.items() if item.risk]

    def band_of(self, total: Number) -> str | None:
        """The published band of a total; None where there are none, or none for this total."""
        return next((band.name for band in self.bands if band.minimum <= total <= band.maximum), None)

    def is_case(self, total: Number) -> bool | None:
        """Whether a total is at the cut-off or beyond; None where no cut-off is known."""
        if self.caseness is None:
            return None
        return total >= self.caseness.value if self.higher_is_worse else total <= self.caseness.value
