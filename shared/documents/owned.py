"""The owner's side of documents: a version is stored, published whole, noted; what a crash left is swept."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic

from shared.bus import LARGEST, Event, Position, Publisher
from shared.bus.records import encode, fits
from shared.clock import Clock
from shared.documents.healing import judge
from shared.documents.kept import D, same
from shared.documents.lists import Page
from shared.documents.record import Answer, Facet, Facets, Idempotency, Stored
from shared.documents.shelf import CHUNK, Shelf
from shared.errors import Problem, Recoverable, not_found
from shared.logs import logger
from shared.metrics import DOCUMENTS_HEALED, DOCUMENTS_SWEPT, TOO_LARGE
from shared.mongo import Collection

_log = logger(__name__)
_TRIES: Final = 30
GRACE: Final = timedelta(seconds=5)
"""How long a version may be on its way before a sweep takes it for left behind."""


@dataclass(frozen=True, slots=True)
class Written(Generic[D]):
    """What a write came to.

    position: from where on everybody may know it, or None while it is not known to stand on the topic: the broker did
        not answer. The decision is stored and a sweep will publish it, so the caller is told 200 or 201 all the same,
        without a position to wait for: nothing accepted is lost.
    replayed: a retry of a decision made before; the document is the one it was answered with then.
    created: this decision made the document (201 rather than 200), in a retry as well.
    """

    document: D
    position: Position | None
    replayed: bool
    created: bool


class Owned(Generic[D]):
    """The documents of one model, by their one owner. Any number of replicas may write, sweep and observe.

    collection: of its own, for nothing else. facets: what `page` may filter by, name and how to read it.
    tombstone: what is left of a document when it is removed: its identity, nothing personal; needed for `remove`.
    """

    def __init__(
        self,
        *,
        collection: Collection,
        model: type[D],
        publisher: Publisher,
        clock: Clock,
        service: str,
        facets: Facets[D] | None = None,
        tombstone: Callable[[D], D] | None = None,
    ) -> None:
        self._shelf = Shelf(collection=collection, model=model, facets=facets or {})
        self._model = model
        self._noun = model.__name__.lower()
        self._stamped = "updated_at" in model.model_fields
        self._publisher = publisher
        self._clock = clock
        self._service = service
        self._tombstone = tombstone

    async def open(self) -> None:
        """Make the indexes; to be called once before use. Raises Recoverable."""
        await self._shelf.open()

    # --- reading -----------------------------------------------------------------------------------------------------

    async def load(self, key: str, *, with_deleted: bool = False) -> D | None:
        """The newest version, or None where there is none or it is a tombstone. Raises Recoverable."""
        stored = await self._shelf.get(key)
        return None if stored is None or (stored.document.deleted and not with_deleted) else stored.document

    async def load_many(self, keys: Iterable[str], *, with_deleted: bool = False) -> dict[str, D]:
        """The newest versions by key; what is not there is left out. Raises Recoverable."""
        found = {key: stored.document for key, stored in (await self._shelf.get_many(keys)).items()}
        return {key: document for key, document in found.items() if with_deleted or not document.deleted}

    async def page(
        self,
        clinic: str,
        *,
        updated_since: datetime | None = None,
        cursor: str | None = None,
        limit: int = 50,
        where: Mapping[str, Facet] | None = None,
        with_deleted: bool = False,
    ) -> Page[D]:
        """A page of a clinic's documents, those changed longest ago first; at most `limit` (1 to 200) of them.

        One that changes while somebody is paging comes again further on; none is left out. `updated_since` compares
        with the writers' clocks: who polls should overlap by a minute. Raises Problem 400 on a cursor that was not
        made here, ValueError on a filter that is no facet, Recoverable.
        """
        return await self._shelf.page(
            clinic,
            updated_since=updated_since,
            cursor=cursor,
            limit=limit,
            where=where or {},
            with_deleted=with_deleted,
        )

    # --- writing -----------------------------------------------------------------------------------------------------

    async def write(
        self,
        key: str,
        change: Callable[[D | None], D],
        *,
        idempotency: Idempotency | None = None,
        revive: bool = False,
    ) -> Written[D]:
        """Make a new version of the document with this key, or the first one, and publish it.

        change: from the newest version (None: there is none) to the document wanted, or an exception to refuse. It is
            called again when somebody else was faster, so it must only compute. Version and `updated_at` are set
            here; where nothing else differs, there is no new version and nothing is published.
        revive: the explicit decision to bring back what was removed; `change` is then given None.

        Raises Problem 410 where the document was removed, Problem 422 where the idempotency key was used with another
        body, 413 where the version would be larger than the bus takes, and Recoverable where the store did not answer:
        then the decision may or may not have been recorded, and a retry with the same key finds out.
        """
        for _ in range(_TRIES):
            stored = await self._shelf.get(key)
            if stored is not None and stored.document.deleted and not revive:
                raise self._gone()
            if stored is not None and idempotency is not None:
                replayed = self._replayed(stored, idempotency)
                if replayed is not None:
                    return replayed
            live = None if stored is None or stored.document.deleted else stored.document
            written = await self._attempt(key, stored, change(live), idempotency)
            if written is not None:
                return written
        raise self._contended()

    async def remove(self, key: str) -> Written[D]:
        """Leave a tombstone: identity, no more, as the last version. Removing twice is removing once.

        Raises Problem 404 where there is no such document, and Recoverable.
        """
        if self._tombstone is None:
            raise TypeError(f"{self._model.__name__} has no tombstone and cannot be removed")
        for _ in range(_TRIES):
            stored = await self._shelf.get(key)
            if stored is None:
                raise not_found(self._noun)
            if stored.document.deleted:
                return Written(stored.document, stored.position, replayed=True, created=False)
            rest = self._tombstone(stored.document).model_copy(update={"deleted": True})
            written = await self._attempt(key, stored, rest, None)
            if written is not None:
                return written
        raise self._contended()

    async def _attempt(
        self, key: str, stored: Stored[D] | None, wanted: D, idempotency: Idempotency | None
    ) -> Written[D] | None:
        """Store and publish what is wanted on top of what is stored; None where somebody else was faster."""
        if wanted.key != key:
            raise ValueError("a change must not change a document's identity")
        if stored is not None and self._alike(stored, wanted):
            if idempotency is not None and not await self._shelf.remember(
                stored, Answer.to(idempotency, stored.document, created=False)
            ):
                return None
            return Written(stored.document, stored.position, replayed=False, created=False)
        created = stored is None or stored.document.deleted
        new = self._successor(stored, wanted)
        if not fits(encode(new.message())):  # once stored, it would never be published
            self._note_too_large()
            raise self._too_large()
        answer = None if idempotency is None else Answer.to(idempotency, new.document, created=created)
        if not await self._shelf.swap(stored, new, answer):
            return None
        return Written(new.document, await self._tell(new), replayed=False, created=created)

    def _successor(self, stored: Stored[D] | None, wanted: D, *, above: int = 0) -> Stored[D]:
        """The version after the stored one (and above a number). Later by the clock too, so that lists move on."""
        now, version = self._clock.now(), above + 1
        if stored is not None:
            now = max(now, stored.changed_at + timedelta(microseconds=1))
            version = max(stored.version, above) + 1
        update: dict[str, Any] = {"version": version}
        if self._stamped:
            update["updated_at"] = now
        body = wanted.model_copy(update=update).model_dump_json()
        # what is returned, published and stored is what any reader will understand; a bad copy stops here
        return Stored(document=self._model.model_validate_json(body), changed_at=now, pending=True)

    def _alike(self, stored: Stored[D], wanted: D) -> bool:
        update: dict[str, Any] = {"version": stored.version}
        if self._stamped:
            update["updated_at"] = getattr(stored.document, "updated_at")  # noqa: B009  not every model has it
        return same(stored.document, wanted.model_copy(update=update))

    def _replayed(self, stored: Stored[D], idempotency: Idempotency) -> Written[D] | None:
        answer = next((answer for answer in stored.answers if answer.id == idempotency.id), None)
        if answer is None:
            return None
        if answer.digest != idempotency.digest:
            raise Problem(
                422,
                "idempotency_key_reused",
                "This Idempotency-Key was used for something else",
                "The same key came before with another body. Send the first body again to get its answer, or this"
                " one with a key of its own.",
            )
        document = self._model.model_validate_json(answer.body)
        return Written(document, stored.position_of(answer.version), replayed=True, created=answer.created)

    async def _tell(self, new: Stored[D]) -> Position | None:
        """Publish a stored version and note its position. What fails here is left to a sweep."""
        try:
            [position] = await self._publisher.publish([new.message()])
        except Recoverable:
            _log.warning("document_left_to_the_sweeper", model=self._noun)
            return None
        try:
            await self._shelf.note([new], [position])
        except Recoverable:
            _log.warning("document_position_not_noted", model=self._noun)
        return position

    def _gone(self) -> Problem:
        return Problem(
            410,
            "removed",
            f"This {self._noun} was removed",
            f"The {self._noun} with this id was removed for good and takes no more changes. Use a new id.",
        )

    def _too_large(self) -> Problem:
        return Problem(
            413,
            "too_large",
            f"This {self._noun} would become too large",
            f"Nothing was changed. All of a {self._noun} together may have {LARGEST:,} bytes: send less.",
        )

    def _note_too_large(self) -> None:
        _log.error("document_too_large", model=self._noun)
        TOO_LARGE.labels(self._service, self._noun).inc()

    def _contended(self) -> Recoverable:
        return Recoverable(f"This {self._noun} is being changed by too many at once; try again.")

    # --- converging --------------------------------------------------------------------------------------------------

    async def sweep(self, *, grace: timedelta = GRACE) -> int:
        """Publish the versions that a crash or a broker failure left unpublished; returns how many.

        Only what is older than `grace`: younger ones are most likely on their way. Several replicas may sweep at
        once; what is published twice changes nothing for anybody. One that is too large to be published stays behind
        by itself. Raises Recoverable.
        """
        until = self._clock.now() - grace
        left = [stored for stored in await self._shelf.pending() if stored.changed_at <= until]
        published = await self._publish(left)
        DOCUMENTS_SWEPT.labels(self._service).inc(published)
        return published

    async def run_sweeper(self, interval: timedelta = timedelta(seconds=5)) -> None:
        """Sweep for ever, until cancelled. While broker or store are away it goes on trying."""
        while True:
            try:
                while await self.sweep() == CHUNK:
                    pass
            except Recoverable:
                _log.warning("sweep_put_off", model=self._noun)
            except Exception as error:  # noqa: BLE001  one bad document must not leave all others unpublished for ever
                _log.error("sweep_failed", model=self._noun, kind=type(error).__name__)
            await asyncio.sleep(interval.total_seconds())

    async def observe(self, events: Iterable[Event]) -> None:
        """Learn from the owner's own topic. Events of other models are passed over. Safe to repeat.

        A store that was dropped or restored takes from it what it lacks; and where an older version stands behind the
        newest, the newest is published again, because compaction keeps the last record and not the highest version.
        Raises Recoverable: have the same batch again later.
        """
        told: dict[str, list[Stored[D]]] = {}
        for event in events:
            if isinstance(event.data, self._model):
                version = Stored(
                    document=event.data,
                    changed_at=event.time,
                    published=event.position,
                    published_version=event.data.version,
                )
                told.setdefault(event.data.key, []).append(version)
        for _ in range(_TRIES):
            if not told:
                return
            keys, missed = list(told), set[str]()
            for start in range(0, len(keys), CHUNK):
                missed |= await self._settle({key: told[key] for key in keys[start : start + CHUNK]})
            told = {key: told[key] for key in missed}
        raise self._contended()

    async def _settle(self, told: Mapping[str, Sequence[Stored[D]]]) -> set[str]:
        """Judge and act; returns the keys that somebody else changed meanwhile, to be judged again."""
        stored = await self._shelf.get_many(told)
        verdicts = {key: judge(stored.get(key), records) for key, records in told.items()}
        missed = await self._shelf.adopt((v.known for v in verdicts.values() if v.adopt), stored)
        again: list[Stored[D]] = []
        for key, verdict in verdicts.items():
            if key in missed:
                continue
            if verdict.outvote:
                _log.error("document_versions_diverged", model=self._noun)
                new = self._successor(verdict.known, verdict.known.document, above=verdict.top)
                if await self._shelf.swap(verdict.known, new, None):
                    again.append(new)
                else:
                    missed.add(key)
            elif verdict.again:
                again.append(verdict.known)
        DOCUMENTS_HEALED.labels(self._service).inc(await self._publish(again))
        return missed

    async def _publish(self, versions: Sequence[Stored[D]]) -> int:
        """Publish stored versions and note where they stand; returns how many. Those too large are passed over."""
        fitting = [one for one in versions if fits(encode(one.message()))]
        for _ in range(len(versions) - len(fitting)):
            self._note_too_large()  # from before it was refused; the document's next version takes its place
        if fitting:
            await self._shelf.note(fitting, await self._publisher.publish([one.message() for one in fitting]))
        return len(fitting)
