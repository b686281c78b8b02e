"""What is known of several patients at once for their schedules: documents, sessions, entries, reminders given."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from services.mood.domain import Asked, Changes, Recorded, Reminded, asked, look_back, month_of
from services.mood.store import Store
from shared.contracts import Clinic, Patient
from shared.contracts.expected import LONGEST, Expected, expected_of
from shared.schedule import Meeting, Occasion

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Chart:
    """One patient who follows a protocol. entries: those that count, of the months read."""

    patient: Patient
    expected: Expected
    meetings: list[Meeting]
    entries: list[Recorded]
    given: list[Reminded]

    def around(self, now: datetime) -> list[Occasion]:
        """The occasions that may be open, and those of the days ahead."""
        return look_back(self.expected, self.meetings, now)

    def asked(self, known: list[Occasion], now: datetime) -> list[Asked]:
        """What became of occasions by `now`."""
        return asked(known, self.entries, now)


async def charts_of(store: Store, clinic: Clinic, keys: Collection[str], now: datetime) -> dict[str, Chart]:
    """The charts of patients of one clinic (`clinic/patient`) around `now`; who follows nothing is left out.

    Raises Recoverable.
    """
    documents = await store.patients.get_many(keys)
    following = {key: found for key, one in documents.items() if (found := expected_of(clinic, one)) is not None}
    if not following:
        return {}
    months = months_between((now - LONGEST - _DAY).date(), (now + _DAY).date())
    meetings, entries, changes, given = await asyncio.gather(
        store.schedules.meetings(following), store.read_many(following, months), store.changes.of(following),
        store.schedules.reminded(following),
    )  # fmt: skip
    return {
        key: Chart(
            documents[key],
            expected,
            meetings.get(key, []),
            Changes(changes.get(key, ())).counting(entries[key]),
            given.get(key, []),
        )
        for key, expected in following.items()
    }


def months_between(first: date, last: date) -> list[str]:
    """The months from one day to another, as in 2026-11."""
    found = []
    day = first.replace(day=1)
    while day <= last:
        found.append(month_of(day))
        day = (day + timedelta(days=32)).replace(day=1)
    return found
