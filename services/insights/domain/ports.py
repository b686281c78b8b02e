"""What the use cases need from outside: a store, and the clinics. Implementations are wired in `app`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple, Protocol

from shared.contracts import Clinic

Order = tuple[int, ...]
"""The version of an assessment, and what readers compare."""

PROVISIONAL: Final = (0, 0, 0, 0, 0)
"""The order under which is saved what may not be said yet: it fills a store being rebuilt, and replaces nothing."""


class Clinics(Protocol):
    """The clinics' documents, read whole before any patient is handled."""

    def clinic(self, clinic: str) -> Clinic | None:
        """The highest version of a clinic's document, tombstones included."""
        ...


@dataclass(slots=True)
class Additions:
    """What a batch adds to one patient (`key` is clinic/patient), ready to be stored.

    facts: tagged bytes by month ("2026-11") and fact id. documents: version and tagged bytes by the document's place.
    months: those the patient has facts in for the first time. recovered: entries no longer set aside.
    """

    key: str
    facts: dict[str, dict[str, bytes]] = field(default_factory=dict)
    documents: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    months: list[str] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Remembered:
    """What the store has of one patient."""

    facts: list[tuple[str, bytes]] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    months: set[str] = field(default_factory=set)
    aside: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Saved:
    """An assessment as it is stored.

    said: the order of what stands on the topic and says the same; all zeros where that may not be said yet. The
    highest wins, and of two with the same the higher `order`. place: where it stands in its clinic's caseload, None
    where it does not belong there. rules: those with a concern in it, at_once: whether evidence among them is told at
    once, heard: when the patient was last heard from, ended: the last local days of episodes of care that are over;
    what lists are filtered by.
    """

    key: str
    said: Order
    order: Order
    clinic: str
    clinician: str | None
    place: str | None
    partition: int
    due: datetime | None
    settings_version: int
    rules_version: int
    aside: int
    aside_risk: int
    body: str
    rules: tuple[str, ...] = ()
    at_once: bool = False
    heard: datetime | None = None
    ended: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which patients of a clinic are asked for; None asks for all.

    clinician: theirs. rule: with a concern of this rule. at_once: with evidence that is told at once. silent_since: not
    heard from since, those never heard from among them.
    """

    clinician: str | None = None
    rule: str | None = None
    at_once: bool = False
    silent_since: datetime | None = None


class Due(NamedTuple):
    """What an owner needs of a saved assessment to know when to look at it again.

    judged: the highest order under which anybody has assessed the patient, said or not. provisional: nothing that was
    said is stored.
    """

    key: str
    due: datetime | None
    settings_version: int
    rules_version: int
    aside: int
    aside_risk: int
    judged: Order
    provisional: bool


class Store(Protocol):
    """The patients' entries and assessments. Every method may raise Recoverable and may safely be called again."""

    async def load(self, keys: Sequence[str]) -> Mapping[str, Remembered]:
        """Everything stored of these patients; those it does not know are left out."""
        ...

    async def add(self, additions: Sequence[Additions]) -> None:
        """Store facts and documents; of a document the highest version stays."""
        ...

    async def put_aside(self, key: str, event_id: str, *, risk: bool) -> None:
        """Note that an entry could not be processed: if it got among the facts, it is no longer one of them."""
        ...

    async def save(self, assessments: Sequence[Saved]) -> None:
        """Store assessments; one that is older than what is stored changes nothing but `judged`."""
        ...

    async def dues(self, keys: Sequence[str]) -> Sequence[Due]:
        """When the saved assessments of these patients are due; those without one are left out."""
        ...


class Shelf(Protocol):
    """The reading side of the store. Every method may raise Recoverable."""

    async def papers(self, key: str) -> Remembered | None:
        """A patient's documents, months and entries set aside, without the facts; None where nothing is stored."""
        ...

    async def entries(self, key: str, months: Sequence[str]) -> list[tuple[str, bytes]]:
        """A patient's facts of these months as they are kept, by id; those set aside may be among them."""
        ...

    async def assessment(self, key: str) -> Saved | None:
        """A patient's saved assessment."""
        ...

    async def caseload(self, clinic: str, wanted: Wanted, *, after: str | None, limit: int) -> Sequence[Saved]:
        """A clinic's assessments that have a place and are wanted, in order of it, from behind `after`."""
        ...

    async def patients(self, clinic: str) -> Sequence[str]:
        """Everybody of a clinic of whom there is an assessment (clinic/patient), in order."""
        ...

    async def ended(self, clinic: str, since: date) -> Sequence[str]:
        """The patients of a clinic (clinic/patient) with an episode of care that ended on this day or later."""
        ...

    async def load(self, keys: Sequence[str]) -> Mapping[str, Remembered]:
        """Everything stored of these patients; those it does not know are left out."""
        ...
