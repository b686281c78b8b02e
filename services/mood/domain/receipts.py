"""When the care team saw an entry: only a clinician's read of it counts, and the earliest one does."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from shared.contracts import EntriesSeen
from shared.contracts.base import Origin
from shared.contracts.moods import Through

_SEEN: Final = UUID("0d7c6d6e-3b51-5f0c-9a52-8f1f4f0f6a27")


@dataclass(frozen=True, slots=True)
class Seen:
    """When an entry was first shown to a clinician (UTC), where, and to whom (as their token names them)."""

    at: datetime
    through: Through
    by: str


def seen_by(
    entries: Collection[str], *, clinic: str, patient: str, through: Through, by: str, at: datetime
) -> tuple[str, EntriesSeen]:
    """The fact that a clinician was shown entries, with its id: the same entries shown to the same one are one fact."""
    names = sorted(set(entries))
    fact = EntriesSeen(
        clinic=clinic,
        patient=patient,
        occurred_at=at.astimezone(UTC),
        local_day=at.astimezone(UTC).date(),
        origin=Origin.LIVE,
        entries=names,
        through=through,
        by=by[:200],
    )
    return str(uuid5(_SEEN, "\n".join((clinic, patient, through.value, by, *names)))), fact


def bucket_of(entry: str) -> str:
    """Which of a patient's 256 parts an entry's receipt is kept in: 00 to ff."""
    return hashlib.sha256(entry.encode()).hexdigest()[:2]


def buckets() -> list[str]:
    """All parts."""
    return [f"{number:02x}" for number in range(256)]
