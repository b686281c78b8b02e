"""A patient's entries in the order they happened, page by page, month by month."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from shared.contracts import CheckInRecorded, Fact, QuestionAsked, QuestionnaireCompleted, StrategyTried

MOST: Final = 200
"""The most entries on a page."""
SOME_MONTHS: Final = 6
"""Months looked up at a time."""


class Kind(StrEnum):
    """What an entry is."""

    CHECK_IN = "check_in"
    QUESTIONNAIRE = "questionnaire"
    QUESTION = "question"
    STRATEGY_TRIED = "strategy_tried"


MODELS: Final[dict[Kind, type[Fact]]] = {
    Kind.CHECK_IN: CheckInRecorded,
    Kind.QUESTIONNAIRE: QuestionnaireCompleted,
    Kind.QUESTION: QuestionAsked,
    Kind.STRATEGY_TRIED: StrategyTried,
}


def is_entry(fact: Fact) -> bool:
    """Whether a fact stands on the timeline. What clinicians and the recommender did is no word from the patient."""
    return type(fact) in MODELS.values()


def kind_of(fact: Fact) -> Kind:
    """The kind of a fact. Raises ValueError for one that does not belong on a timeline."""
    for kind, model in MODELS.items():
        if type(fact) is model:
            return kind
    raise ValueError(f"{type(fact).__name__} does not belong on a timeline")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact with its id and when it was accepted (UTC)."""

    id: str
    recorded_at: datetime
    fact: Fact

    @property
    def place(self) -> str:
        """Where it stands in time: UTC to the microsecond, then the id, as text that sorts as time does."""
        return f"{self.fact.occurred_at.astimezone(UTC).isoformat(timespec='microseconds')} {self.id}"


@dataclass(frozen=True, slots=True)
class Wish:
    """Which entries a page should hold. Days are the patient's local days, both inclusive."""

    newest_first: bool = True
    limit: int = 50
    after: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    kinds: Collection[Kind] = frozenset(Kind)

    def covers(self, recorded: Recorded) -> bool:
        """Whether this entry is wished for, and lies beyond what was shown before."""
        day, place = recorded.fact.local_day, recorded.place
        return (
            kind_of(recorded.fact) in self.kinds
            and (self.first_day is None or day >= self.first_day)
            and (self.last_day is None or day <= self.last_day)
            and (self.after is None or (place < self.after if self.newest_first else place > self.after))
        )


def month_of(day: date) -> str:
    """The month whose document holds a day's entries, as in 2026-11."""
    return f"{day:%Y-%m}"


def months_to_read(known: Iterable[str], wish: Wish) -> list[str]:
    """The months that may hold wished-for entries, in the order they are read."""
    first = "" if wish.first_day is None else month_of(wish.first_day)
    last = "9999-12" if wish.last_day is None else month_of(wish.last_day)
    if wish.after is not None:  # local days are at most a day off UTC's, so the cursor's month and its neighbour
        year, month = int(wish.after[:4]), int(wish.after[5:7])
        if wish.newest_first:
            last = min(last, f"{year + month // 12:04}-{month % 12 + 1:02}")
        else:
            first = max(first, f"{year - (month == 1):04}-{(month - 2) % 12 + 1:02}")
    return sorted((month for month in known if first <= month <= last), reverse=wish.newest_first)


def page_of(read: Sequence[Recorded], wish: Wish, *, unread_from: str | None) -> tuple[list[Recorded], bool] | None:
    """The page, and whether another follows; None where more months must be read before it is certain.

    read: the entries of the months read so far. unread_from: the last month read while there are more, else None.
        Its own entries may mix with the next month's, as local days and UTC's differ, so they do not count yet.
    """
    found = sorted((r for r in read if wish.covers(r)), key=lambda r: r.place, reverse=wish.newest_first)
    if unread_from is not None:
        certain = 0
        for recorded in found:
            if month_of(recorded.fact.local_day) == unread_from:
                break
            certain += 1
        if certain <= wish.limit:
            return None
    return found[: wish.limit], len(found) > wish.limit
