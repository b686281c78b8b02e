"""What intake keeps beside its documents: who asked what, what falls due, whose a session is. It can be rebuilt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zlib import crc32

from pymongo import UpdateMany, UpdateOne
from pymongo.errors import DuplicateKeyError

from shared.contracts import Question, QuestionAsked, Session
from shared.contracts.clinics import Role
from shared.contracts.questions import Category, QuestionStatus, Triage
from shared.documents import order_text, stamp
from shared.documents.kept import instant_of
from shared.documents.lists import MOST, cursor_of, place_of
from shared.errors import Recoverable
from shared.mongo import Collection, Record, recoverable, write_all

_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was asked, when we had it, and when anything about it last changed."""

    fact: QuestionAsked
    recorded_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which questions a list is to hold; None: whichever.

    among: those that nobody has, or one of these clinicians (who are away).
    late_at: open and past their target at this instant.
    """

    status: QuestionStatus | None = None
    patient: str | None = None
    role: Role | None = None
    category: Category | None = None
    assigned_to: str | None = None
    among: frozenset[str] | None = None
    late_at: datetime | None = None

    def query(self) -> Record:
        """As the store is asked."""
        equal = {
            "patient": self.patient,
            "handling.status": self.status and self.status.value,
            "handling.role": self.role and self.role.value,
            "handling.category": self.category and self.category.value,
            "handling.to": self.assigned_to,
        }
        wanted: Record = {name: value for name, value in equal.items() if value is not None}
        conditions: list[Record] = []
        if self.among is not None:
            nobody = ["", None]  # None: kept before there was a `to`
            conditions.append({"handling.to": {"$in": [*nobody, *sorted(self.among)]}})
        if self.late_at is not None:
            conditions.append({"handling.status": QuestionStatus.OPEN.value})
            conditions.append({"handling.target": {"$gt": "", "$lte": stamp(self.late_at)}})
        return wanted | ({"$and": conditions} if conditions else {})


class Questions:
    """The questions asked, one record each: `{_id: clinic/question, clinic, patient, said, recorded_at, handling}`.

    `said` is the fact as JSON; it is missing where the patient was deleted, or where the fact has not been read yet.
    `handling` is `{o: order, status, place, role, category, to, target}` of the newest handling read, only ever written
    with `$max`, which compares its fields in turn: so replays, duplicates and reordering change nothing. `place` is
    what lists are sorted by; `to` who has it ("": nobody) and `target` by when a human replies ("": no triage).
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def open(self) -> None:
        """Make the indexes. Raises Recoverable."""
        with recoverable():
            await self._collection.create_index([("clinic", 1), ("handling.place", 1)])
            await self._collection.create_index([("clinic", 1), ("handling.status", 1), ("handling.place", 1)])
            await self._collection.create_index([("clinic", 1), ("patient", 1), ("handling.place", 1)])
            await self._collection.create_index(
                [("clinic", 1), ("handling.status", 1), ("handling.role", 1), ("handling.place", 1)]
            )

    async def record(self, facts: Iterable[tuple[QuestionAsked, datetime]], *, forgotten: frozenset[str]) -> None:
        """Keep questions asked, each with when it was recorded; of patients in `forgotten` (keys), only that they were.

        Safe to repeat. Raises Recoverable.
        """
        writes = []
        for fact, recorded_at in facts:
            kept = {"clinic": fact.clinic, "patient": fact.patient}
            if f"{fact.clinic}/{fact.patient}" not in forgotten:
                kept |= {"said": fact.model_dump_json()}
            untouched = _handling(0, QuestionStatus.OPEN, recorded_at, fact.question, triage=fact.triage)
            update = {
                "$set": kept,
                "$min": {"recorded_at": stamp(recorded_at)},
                "$max": {"handling": untouched},
            }
            writes.append(UpdateOne({"_id": f"{fact.clinic}/{fact.question}"}, update, upsert=True))
        await self._write(writes)

    async def follow(self, handlings: Iterable[Question]) -> None:
        """Note how far questions have come; the highest version counts. Safe to repeat. Raises Recoverable."""
        await self._write(
            [
                UpdateOne(
                    {"_id": f"{one.clinic}/{one.question}"},
                    {
                        "$set": {"clinic": one.clinic, "patient": one.patient},
                        "$max": {"handling": _handled(one)},
                    },
                    upsert=True,
                )
                for one in handlings
            ]
        )

    async def forget(self, clinic: str, patient: str) -> None:
        """Drop what a patient's questions said. Raises Recoverable."""
        with recoverable():
            await self._collection.bulk_write(
                [UpdateMany({"clinic": clinic, "patient": patient}, {"$unset": {"said": ""}})]
            )

    async def find(self, clinic: str, question: str) -> Asked | None:
        """One question of a clinic. Raises Recoverable."""
        with recoverable():
            record = await self._collection.find_one({"_id": f"{clinic}/{question}"})
        return None if record is None or "said" not in record else _asked(record)

    async def page(
        self,
        clinic: str,
        *,
        wish: "Wish",
        updated_since: datetime | None,
        cursor: str | None,
        limit: int,
    ) -> "AskedPage":
        """Some of a clinic's questions, those changed longest ago first. Raises Problem 400 (cursor), Recoverable."""
        wanted: Record = {"clinic": clinic, "said": {"$exists": True}} | wish.query()
        beyond: Record = {}
        if updated_since is not None:
            beyond["$gte"] = stamp(updated_since)
        if cursor is not None:
            beyond["$gt"] = place_of(cursor)
        if beyond:
            wanted["handling.place"] = beyond
        size = max(1, min(limit, MOST))
        with recoverable():
            found = self._collection.find(wanted).sort([("handling.place", 1)]).limit(size + 1)
            records = await found.to_list(None)
        rest = cursor_of(records[size - 1]["handling"]["place"]) if len(records) > size else None
        return AskedPage([_asked(record) for record in records[:size]], rest)

    async def _write(self, writes: Sequence[UpdateOne]) -> None:
        await write_all(self._collection, writes, at_once=_CHUNK)


@dataclass(frozen=True, slots=True)
class AskedPage:
    """Some questions, and the cursor of the next page (None at the end)."""

    items: list[Asked]
    next: str | None


class Dues:
    """When a question is to be looked at because of the time: `{_id: minute, keys: [clinic/patient/question]}`.

    Minutes are fetched by exact `_id`, since a range of them would be scanned for. The record `reached` says up to
    which minute everything was done; it moves on only after that, so that a crash has a minute done again and none is
    left out. What falls due in the past, or now, is put a little ahead of it: no replica may have passed that minute
    yet, were its clock off by as much as `AHEAD` minutes. What is done when a key comes up is safe to repeat.
    """

    AHEAD: Final = 2
    _SPREAD: Final = 60
    _AT_ONCE: Final = 200
    _REACHED: Final = "reached"

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def add(self, dues: Iterable[tuple[str, datetime]], *, now: datetime) -> None:
        """Look at each key when its instant has passed. Safe to repeat. Raises Recoverable.

        What was due over a day ago (a store being rebuilt reads it all once more) is spread over an hour.
        """
        by_minute: dict[int, list[str]] = {}
        wanted = list(dues)
        if not wanted:
            return
        with recoverable():
            reached = await self._collection.find_one({"_id": self._REACHED})
        soonest = max(_minute(now), 0 if reached is None else int(reached["minute"])) + self.AHEAD
        for key, due in wanted:
            minute = _minute(due) + 1
            if minute < soonest:
                old = now - due > timedelta(days=1)
                minute = soonest + (crc32(key.encode()) % self._SPREAD if old else 0)
            by_minute.setdefault(minute, []).append(key)
        writes = [
            UpdateOne({"_id": str(minute)}, {"$addToSet": {"keys": {"$each": keys}}}, upsert=True)
            for minute, keys in by_minute.items()
        ]
        await write_all(self._collection, writes, at_once=_CHUNK)

    async def fallen(self, now: datetime) -> tuple[list[str], int] | None:
        """Keys that have fallen due by now, and the minute to tell `done` of; None where there is nothing to do.

        At most so many minutes at once: after a long stop, ask again.
        """
        last = _minute(now)
        with recoverable():
            await self._begin(last)
            reached = await self._collection.find_one({"_id": self._REACHED})
            first = last if reached is None else int(reached["minute"]) + 1
            if first > last:
                return None
            until = min(last, first + self._AT_ONCE - 1)
            wanted = [str(minute) for minute in range(first, until + 1)]
            found = await self._collection.find({"_id": {"$in": wanted}}).to_list(None)
        return list(dict.fromkeys(key for record in found for key in record["keys"])), until

    async def done(self, until: int) -> None:
        """Everything up to this minute was done. Raises Recoverable."""
        with recoverable():
            await self._collection.update_one({"_id": self._REACHED}, {"$max": {"minute": until}})
            passed = [str(minute) for minute in range(until - self._AT_ONCE, until + 1)]
            await self._collection.delete_many({"_id": {"$in": passed}})

    async def _begin(self, minute: int) -> None:
        try:
            await self._collection.update_one(
                {"_id": self._REACHED}, {"$setOnInsert": {"minute": minute - 1}}, upsert=True
            )
        except DuplicateKeyError:  # another replica began at the same moment
            return


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


class SessionNames:
    """Whose a session id is: `{_id: clinic/session, patient}`. An id, once given, never moves to another patient."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def claim(self, clinic: str, session: str, patient: str) -> str:
        """The patient who has this id: the given one, unless somebody had it first. Raises Recoverable."""
        await self.learn([(clinic, session, patient)])
        holder = await self.patient_of(clinic, session)
        if holder is None:
            raise Recoverable("The store forgot what it was just told; try again.")
        return holder

    async def patient_of(self, clinic: str, session: str) -> str | None:
        """Whose session it is; None where there is no such session in this clinic. Raises Recoverable."""
        with recoverable():
            record = await self._collection.find_one({"_id": f"{clinic}/{session}"})
        return None if record is None else str(record["patient"])

    async def follow(self, sessions: Iterable[Session]) -> None:
        """Learn the names of sessions read from their topic. Safe to repeat. Raises Recoverable."""
        await self.learn([(one.clinic, one.session, one.patient) for one in sessions])

    async def learn(self, names: Sequence[tuple[str, str, str]]) -> None:
        """Note (clinic, session, patient), where the id is free. Raises Recoverable."""
        writes = [
            UpdateOne({"_id": f"{clinic}/{session}"}, {"$setOnInsert": {"patient": patient}}, upsert=True)
            for clinic, session, patient in names
        ]
        await write_all(self._collection, writes, at_once=_CHUNK)


def _handled(one: Question) -> Mapping[str, Any]:
    return _handling(one.version, one.status, one.updated_at, one.question, triage=one.triage, to=one.assigned_to)


def _handling(
    version: int,
    status: QuestionStatus,
    changed_at: datetime,
    question: str,
    *,
    triage: Triage | None,
    to: str | None = None,
) -> Mapping[str, Any]:
    """The fields in the sequence in which they are compared."""
    return {
        "o": order_text((version,)),
        "status": status.value,
        "place": f"{stamp(changed_at)} {question}",
        "role": "" if triage is None else triage.role.value,
        "category": "" if triage is None else triage.category.value,
        "to": to or "",
        "target": "" if triage is None else stamp(triage.target_at),
    }


def _asked(record: Record) -> Asked:
    return Asked(
        fact=QuestionAsked.model_validate_json(record["said"]),
        recorded_at=instant_of(record["recorded_at"]),
        changed_at=instant_of(record["handling"]["place"].split(" ", 1)[0]),
    )
