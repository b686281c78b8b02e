"""What is kept of schedules: what is due from whom, and what was done about it.

sessions   {_id: "clinic/patient", s: {<session>: {v: version, at: when, off: not taking place,
           w: when it was rated, where the comment has words of a crisis, else ""}}}
reminded   {_id: "clinic/patient", r: {<id>: {o: occasion, at: when it fell due}}}
due        {_id: "3/clinic", at: {<patient>: {d: when to look at them, "" for now; v: the clinic's version it was found
           under}}}, of everybody who follows a protocol, by partition; {_id: "partition/3", names: {<clinic>: 1}} and
           {_id: "clinic/<clinic>", names: {"3": 1}} say which of these there are
answers    {_id: <id>, body}: what a call that must not be done twice was answered with
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import DeleteOne, UpdateOne

from services.mood.domain import Reminded
from services.mood.store.records import Taken, field_of, found_by_id, name_of, patient_key, write
from shared.contracts import ReminderDue, Session
from shared.contracts.expected import meeting_of
from shared.documents import stamp
from shared.documents.kept import order_text
from shared.mongo import Database, Record
from shared.schedule import Meeting


@dataclass(frozen=True, slots=True)
class Look:
    """When to look at somebody again, None for now, and the version of the clinic's document it was found under."""

    at: datetime | None
    version: int


class ScheduleStore:
    """Sessions, reminders given, and when to look at whom."""

    def __init__(self, database: Database) -> None:
        self._sessions = database["sessions"]
        self._reminded = database["reminded"]
        self._due = database["due"]
        self._answers = database["answers"]

    async def note_sessions(self, sessions: Sequence[Session]) -> None:
        """Keep when sessions take place, and words of a crisis in what patients said of them: the highest version."""
        writes = []
        for one in sessions:
            kept = {
                "v": order_text(one.order),
                "at": one.scheduled_at.isoformat(),
                "off": meeting_of(one) is None,
                "w": _crisis_words_at(one),
            }
            update = {"$max": {f"s.{field_of(one.session)}": kept}}
            writes.append(UpdateOne({"_id": f"{one.clinic}/{one.patient}"}, update, upsert=True))
        await write(self._sessions, writes)

    async def record(self, taken: Sequence[Taken]) -> None:
        """Keep which reminders were given, by id; facts of other kinds are passed over."""
        await self.note_reminded([(one.id, one.fact) for one in taken if isinstance(one.fact, ReminderDue)])

    async def note_reminded(self, reminders: Sequence[tuple[str, ReminderDue]]) -> None:
        """Keep which reminders were given, by id."""
        writes = []
        for name, fact in reminders:
            kept = {"o": fact.occasion, "at": fact.occurred_at.isoformat()}
            update = {"$min": {f"r.{field_of(name)}": kept}}
            writes.append(UpdateOne({"_id": patient_key(fact)}, update, upsert=True))
        await write(self._reminded, writes)

    async def forget(self, patients: Collection[str]) -> None:
        """Remove the sessions and reminders of these patients (`clinic/patient`)."""
        for collection in (self._sessions, self._reminded):
            await write(collection, [DeleteOne({"_id": key}) for key in patients])

    async def meetings(self, keys: Collection[str]) -> dict[str, list[Meeting]]:
        """The sessions of these patients (`clinic/patient`) that take place, by key."""
        found = await found_by_id(self._sessions, keys)
        return {
            key: [
                Meeting(name_of(name), datetime.fromisoformat(one["at"]))
                for name, one in record.get("s", {}).items()
                if not one["off"]
            ]
            for key, record in found.items()
        }

    async def crisis_words(self, key: str) -> list[datetime]:
        """When a patient (`clinic/patient`) rated sessions with words of a crisis in the comment."""
        found = await found_by_id(self._sessions, [key])
        kept = [one.get("w", "") for record in found.values() for one in record.get("s", {}).values()]
        return [datetime.fromisoformat(at) for at in kept if at]

    async def reminded(self, keys: Collection[str]) -> dict[str, list[Reminded]]:
        """The reminders these patients (`clinic/patient`) were given, by key."""
        found = await found_by_id(self._reminded, keys)
        return {
            key: [
                Reminded(name_of(name), one["o"], datetime.fromisoformat(one["at"]))
                for name, one in record.get("r", {}).items()
            ]
            for key, record in found.items()
        }

    async def looks(self, partition: int) -> dict[str, Look]:
        """Everybody of a partition who follows a protocol (`clinic/patient`), and when to look at them."""
        names = (await found_by_id(self._due, [f"partition/{partition}"])).values()
        keys = [f"{partition}/{name_of(name)}" for record in names for name in record.get("names", {})]
        found = {}
        for key, record in (await found_by_id(self._due, keys)).items():
            clinic = key.split("/", 1)[1]
            for name, one in record.get("at", {}).items():
                at = datetime.fromisoformat(one["d"]) if one["d"] else None
                found[f"{clinic}/{name_of(name)}"] = Look(at, one["v"])
        return found

    async def note_looks(self, partition: int, looks: Mapping[str, Look | None]) -> None:
        """Keep when to look at these patients (`clinic/patient`); None: they follow nothing any more."""
        changed: dict[str, Record] = {}
        for key, look in looks.items():
            clinic, patient = key.split("/")
            update = changed.setdefault(clinic, {})
            if look is None:
                update.setdefault("$unset", {})[f"at.{field_of(patient)}"] = ""
            else:
                kept = {"d": "" if look.at is None else stamp(look.at), "v": look.version}
                update.setdefault("$set", {})[f"at.{field_of(patient)}"] = kept
        names = [f"names.{field_of(clinic)}" for clinic in changed]
        lists = [UpdateOne({"_id": f"partition/{partition}"}, {"$set": dict.fromkeys(names, 1)}, upsert=True)]
        here = {"$set": {f"names.{partition}": 1}}
        lists += [UpdateOne({"_id": f"clinic/{clinic}"}, here, upsert=True) for clinic in changed]
        await write(self._due, lists if changed else [])  # first: a look nobody finds would be forgotten
        await write(
            self._due, [UpdateOne({"_id": f"{partition}/{c}"}, update, upsert=True) for c, update in changed.items()]
        )

    async def followers(self, clinic: str) -> list[str]:
        """The patients of a clinic who follow a protocol, in order of their ids."""
        names = (await found_by_id(self._due, [f"clinic/{clinic}"])).values()
        keys = [f"{partition}/{clinic}" for record in names for partition in record.get("names", {})]
        found = await found_by_id(self._due, keys)
        return sorted(name_of(name) for record in found.values() for name in record.get("at", {}))

    async def answer(self, name: str) -> str | None:
        """What a call was answered with before; None where it was not."""
        return next((str(record["body"]) for record in (await found_by_id(self._answers, [name])).values()), None)

    async def keep_answer(self, name: str, body: str) -> None:
        """Keep what a call is answered with; the first word stays."""
        await write(self._answers, [UpdateOne({"_id": name}, {"$setOnInsert": {"body": body}}, upsert=True)])


def _crisis_words_at(session: Session) -> str:
    """Empty where there are none: all records have the same fields, so that the highest version is the highest."""
    rating = None if session.deleted else session.rating
    if rating is None or rating.screening is None or not rating.screening.crisis_language:
        return ""
    return rating.rated_at.isoformat()
