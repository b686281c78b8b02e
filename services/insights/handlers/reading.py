"""What is asked of insights: one patient's assessment, a caseload, the rules."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from services.insights.domain import Settled, Standing, micros
from services.insights.domain.ports import Clinics, Saved, Shelf, Wanted
from shared.clock import Clock
from shared.contracts import Assessment
from shared.errors import FieldError, Problem, not_found

STALE_AFTER: Final = timedelta(minutes=2)
"""How far behind the present a partition may be before its patients are shown as not up to date."""


class Progress(Protocol):
    """How far the partitions have been read, whoever reads them."""

    async def read_up_to(self, partitions: Iterable[int]) -> Mapping[int, datetime]:
        """Up to which instant everything recorded has been read; those never read are left out."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A patient's assessment; up_to_date: whether everything recorded of the patient has gone into it.

    risk_not_processed: how many entries about harm could not be processed.
    """

    assessment: Assessment
    clinician: str | None
    up_to_date: bool
    risk_not_processed: int = 0


@dataclass(frozen=True, slots=True)
class Caseload:
    """Some patients, the most concerning first, and the cursor behind them (None at the end)."""

    patients: list[Seen]
    next: str | None


class Reader:
    """Answers from the store, for one clinic at a time: the caller's."""

    def __init__(
        self,
        *,
        shelf: Shelf,
        progress: Progress,
        clinics: Clinics,
        clock: Clock,
        new_rules_from: datetime | None = None,
    ) -> None:
        self._shelf, self._progress, self._clinics, self._clock = shelf, progress, clinics, clock
        self._new_rules_from = new_rules_from

    def settled(self, clinic: str) -> Settled:
        """What a clinic has in force now."""
        standing = Standing(self._clinics.clinic(clinic), new_rules_from=self._new_rules_from)
        return standing.at(micros(self._clock.now()))

    async def insights(self, clinic: str, patient: str) -> Seen:
        """What holds for a patient and why. Raises Problem 404 where nothing is known of them yet."""
        saved = await self._shelf.assessment(f"{clinic}/{patient}")
        if saved is None:
            raise not_found("patient with insights")
        return (await self._seen([saved]))[0]

    async def caseload(self, clinic: str, wanted: Wanted, *, cursor: str | None, limit: int) -> Caseload:
        """The patients wanted of a clinic, the most concerning first. Raises Problem 400 on a wrong cursor."""
        after = None if cursor is None else _place(cursor)
        saved = await self._shelf.caseload(clinic, wanted, after=after, limit=limit + 1)
        page = saved[:limit]
        following = _cursor(page[-1].place or "") if len(saved) > limit else None
        return Caseload(await self._seen(page), following)

    async def _seen(self, saved: Iterable[Saved]) -> list[Seen]:
        found = list(saved)
        since = self._clock.now() - STALE_AFTER
        reached = await self._progress.read_up_to({one.partition for one in found})
        return [
            Seen(
                assessment=Assessment.model_validate_json(one.body),
                clinician=one.clinician,
                up_to_date=one.partition in reached and reached[one.partition] >= since,
                risk_not_processed=one.aside_risk,
            )
            for one in found
        ]


def _cursor(place: str) -> str:
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(cursor: str) -> str:
    try:
        place = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
        rank, _, key = place.split(" ")
        int(rank), key.index("/")
    except ValueError:
        raise Problem(
            400,
            "invalid_cursor",
            "This cursor was not made here",
            "Send `cursor` exactly as the last page's `next` gave it, or leave it out to begin at the first page.",
            errors=[FieldError("/cursor", "send the `next` of the last page, unchanged")],
        ) from None
    return place
