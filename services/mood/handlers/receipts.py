"""Receipts: who was shown which entries is noted behind the reads of clinicians, and told for ever after."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.mood.domain import SOME_MONTHS, Recorded, Seen, is_clinician, seen_by
from services.mood.store import Store
from shared.auth import Caller
from shared.bus import Message, Publisher
from shared.bus.outcomes import describe
from shared.clock import Clock
from shared.contracts.moods import Through
from shared.errors import Recoverable, not_found
from shared.logs import logger

log = logger(__name__)
_MOST_AT_ONCE: Final = 100
"""Notes under way; beyond, a read is not noted and the next one of the same entries is."""


@dataclass(frozen=True, slots=True)
class EntryReceipt:
    """What became of an entry. seen: None until a clinician was shown it."""

    id: str
    saved_at: datetime
    seen: Seen | None


class Receipts:
    """Tells when entries were seen, and notes it. Notes are made behind the answer: no read waits for them or fails."""

    def __init__(self, *, publisher: Publisher, store: Store, clock: Clock) -> None:
        self._publisher, self._store, self._clock = publisher, store, clock
        self._under_way: set[asyncio.Task[None]] = set()

    def note(self, caller: Caller, patient: str, shown: Sequence[Recorded]) -> None:
        """These entries were just shown to the caller: where that is a clinician, note those nobody has seen yet."""
        if not shown or not is_clinician(caller.role) or len(self._under_way) >= _MOST_AT_ONCE:
            return
        entries, at = [entry.id for entry in shown], self._clock.now()
        task = asyncio.create_task(self._note(caller, patient, entries, at), name="receipts")
        self._under_way.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("seen_note_failed", reason=describe(error))

    async def settled(self) -> None:
        """Wait for the notes under way."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _note(self, caller: Caller, patient: str, entries: Sequence[str], at: datetime) -> None:
        try:
            known = await self._store.receipts.seen(caller.clinic, patient, entries)
            news = [entry for entry in entries if entry not in known]
            if news:
                by = caller.client
                name, fact = seen_by(
                    news, clinic=caller.clinic, patient=patient, through=Through.TIMELINE, by=by, at=at
                )
                await self._publisher.publish([Message(name, at, fact)])
        except Recoverable:
            log.warning("seen_not_noted")  # the next read of the same entries notes it

    async def receipt(self, caller: Caller, patient: str, entry: str) -> EntryReceipt:
        """An entry's receipt. Raises Problem 404 for an entry that is not (yet) known of this patient, Recoverable."""
        known = await self._store.known(caller.clinic, patient)
        document = await self._store.patients.get(f"{caller.clinic}/{patient}")
        months = [] if document is not None and document.deleted else sorted(known.months, reverse=True)
        for start in range(0, len(months), SOME_MONTHS):
            some = await self._store.read(caller.clinic, patient, months[start : start + SOME_MONTHS])
            found = next((one for one in some if one.id == entry), None)
            if found is not None:
                seen = await self._store.receipts.seen(caller.clinic, patient, [entry])
                return EntryReceipt(entry, found.recorded_at, seen.get(entry))
        raise not_found("entry")
