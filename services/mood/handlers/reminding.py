"""Reminds patients of what is due: the owner of a partition, when a protocol says so, once, whatever else happens.

When to look at whom is stored; whether a reminder was given stands on the topic `reminders`, which is read to the end
before anything is concluded. So neither a restart nor a new owner nor a lost store gives one twice, and what has
expired is never reminded of.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from services.mood.domain import Due, fallen_due, next_look
from services.mood.handlers.charts import charts_of
from services.mood.handlers.clinics import Clinics
from services.mood.store import Look, Store
from shared.bus import Message, Publisher
from shared.clock import Clock
from shared.contracts import Patient

TOGETHER: Final = 100
"""Patients looked at before other work gets its turn."""
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Book:
    """One partition: whom to look at, and when. given: reminders published here that may not have been read back."""

    def __init__(self, looks: Mapping[str, Look]) -> None:
        self.looks: dict[str, Look] = {}
        self.given: set[str] = set()
        self._heap: list[tuple[datetime, str]] = []
        self._seen: dict[str, int] = {}
        self.enter(looks)

    def enter(self, looks: Mapping[str, Look | None]) -> None:
        """Look at these patients then; None: no more."""
        for key, look in looks.items():
            if look is None:
                self.looks.pop(key, None)
            else:
                self.looks[key] = look
                heapq.heappush(self._heap, (look.at or _EVER, key))
        if len(self._heap) > 4 * len(self.looks) + 64:
            self._heap = [(look.at or _EVER, key) for key, look in self.looks.items()]
            heapq.heapify(self._heap)

    def notice(self, version_of: Mapping[str, int]) -> None:
        """Where a clinic's settings have changed, look at its patients now."""
        changed = {clinic for clinic, version in version_of.items() if self._seen.get(clinic) != version}
        if changed:
            self._seen.update({clinic: version_of[clinic] for clinic in changed})
            stale = {
                key: Look(None, look.version)
                for key, look in self.looks.items()
                if (clinic := key.partition("/")[0]) in changed and look.version != version_of[clinic]
            }
            self.enter(stale)

    @property
    def clinics(self) -> set[str]:
        """The clinics of those in it."""
        return {key.partition("/")[0] for key in self.looks}

    def fallen(self, until: datetime, most: int) -> list[str]:
        """At most so many patients to be looked at by then. They stay in the book; `enter` says when to look again."""
        found: dict[str, None] = {}
        while self._heap and self._heap[0][0] <= until and len(found) < most:
            at, key = heapq.heappop(self._heap)
            look = self.looks.get(key)
            if look is not None and (look.at or _EVER) == at:
                found[key] = None
        return list(found)


class Reminding:
    """Keeps one book per partition that is ours. Every method may raise Recoverable, and may be done again."""

    def __init__(self, *, store: Store, clinics: Clinics, publisher: Publisher, clock: Clock) -> None:
        self._store, self._clinics, self._publisher, self._clock = store, clinics, publisher, clock
        self._books: dict[int, Book] = {}

    async def note(self, partition: int, patients: Collection[str], others: Collection[str]) -> None:
        """Their documents have changed, or what they are measured by: look at them now.

        patients: whose document came. others: whose sessions, or withdrawals; they count where somebody follows a
        protocol. All as `clinic/patient`.
        """
        if not patients and not others:
            return
        book = await self._book(partition)
        looks: dict[str, Look | None] = {}
        for key, patient in (await self._store.patients.get_many(patients)).items() if patients else ():
            if _follows(patient):
                looks[key] = Look(None, 0)
            elif key in book.looks:
                looks[key] = None
        looks |= {key: Look(None, 0) for key in others if key in book.looks and key not in looks}
        if looks:
            await self._store.schedules.note_looks(partition, looks)
            book.enter(looks)

    async def tick(self, partition: int, horizon: datetime) -> None:
        """Give the reminders that fell due by the horizon; everything recorded up to it has been read."""
        book = await self._book(partition)
        book.notice({name: clinic.version for name in book.clinics if (clinic := self._clinics.known(name))})
        keys = book.fallen(horizon, TOGETHER)
        if not keys:
            return
        by_clinic: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            by_clinic[key.partition("/")[0]].append(key)
        try:
            for name, some in by_clinic.items():
                await self._look_at(book, partition, name, some, horizon)
        except BaseException:
            book.enter({key: look for key in keys if (look := book.looks.get(key))})  # whoever was not looked at
            raise

    async def _look_at(self, book: Book, partition: int, name: str, keys: list[str], horizon: datetime) -> None:
        clinic = self._clinics.known(name)
        if clinic is None:  # its document comes, and then they are looked at
            return
        looks: dict[str, Look | None] = {}
        found: list[Due] = []
        for key, chart in (await charts_of(self._store, clinic, keys, horizon)).items():
            known = chart.around(horizon)
            due = fallen_due(chart.patient, chart.expected, chart.asked(known, horizon), chart.given, horizon)
            found += [one for one in due if one.id not in book.given]
            looks[key] = Look(next_look(known, horizon), clinic.version)
        await self._give(book, found)
        looks |= {key: None for key in keys if key not in looks}
        await self._store.schedules.note_looks(partition, looks)
        book.enter(looks)

    async def _give(self, book: Book, found: Iterable[Due]) -> None:
        now = self._clock.now()
        messages = [Message(one.id, now, one.fact) for one in found]
        if messages:
            await self._publisher.publish(messages)
            book.given.update(message.id for message in messages)

    def read_back(self, partition: int, reminders: Iterable[str]) -> None:
        """These reminders are stored now."""
        if (book := self._books.get(partition)) is not None:
            book.given.difference_update(reminders)

    def forget(self, partition: int) -> None:
        """What is known of a partition that is another's may no longer be true."""
        self._books.pop(partition, None)

    async def _book(self, partition: int) -> Book:
        book = self._books.get(partition)
        if book is None:
            book = self._books[partition] = Book(await self._store.schedules.looks(partition))
        return book


def _follows(patient: Patient) -> bool:
    return not patient.deleted and bool(patient.protocols or patient.pathway)
