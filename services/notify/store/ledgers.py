"""What notify counts and remembers beside the rows: openings, automatic answers, loads, and who got how many texts.

Found by exact `_id`, like everything in `store`. Lost with the store: no alert is lost or told twice for want of it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from pymongo import UpdateOne

from shared.mongo import Collection, Record, recoverable, write_all

TRIES: Final = 30
CHUNK: Final = 1_000
LAST: Final = 50
"""Messages to a number that are remembered one by one; more than any of `domain.limits` counts."""


class Openings:
    """When links were opened, by alert: `{_id: alert's key, opened: {fingerprint: {to, first, last}}}`.

    Only the trail needs them: they are lost with the store, and nothing is decided from them.
    """

    def __init__(self, *, collection: Collection) -> None:
        self._collection = collection

    async def note(self, alert: str, fingerprint: str, to: str, at: datetime) -> None:
        """Somebody, or a scanner, opened the link. Raises Recoverable."""
        mine = f"opened.{fingerprint}"
        update = {
            "$set": {f"{mine}.to": to},
            "$min": {f"{mine}.first": at.isoformat()},
            "$max": {f"{mine}.last": at.isoformat()},
        }
        await written(self._collection, [UpdateOne({"_id": alert}, update, upsert=True)])

    async def of(self, alert: str) -> list[tuple[str, datetime, datetime]]:
        """Whose links of an alert were opened, first and last. Raises Recoverable."""
        with recoverable():
            record = await self._collection.find_one({"_id": alert})
        opened = {} if record is None else record["opened"]
        instant = datetime.fromisoformat
        return [(one["to"], instant(one["first"]), instant(one["last"])) for one in opened.values()]


class Answered:
    """How many automatic answers a number was given lately; of the number only a hash is kept."""

    def __init__(self, *, collection: Collection) -> None:
        self._collection = collection

    async def knows(self, number: str, message: str) -> bool:
        """Whether this text of theirs was answered. Raises Recoverable."""
        with recoverable():
            record = await self._collection.find_one({"_id": _hashed(number)})
        return _hashed(message) in (record or {}).get("texts", ())

    async def count(self, number: str, now: datetime, per: timedelta, message: str = "") -> int:
        """Note one more, and say how many it makes within `per`. message: the text it answers. Raises Recoverable."""
        name = _hashed(number)
        push = {"at": {"$each": [now.isoformat()], "$slice": -50}}
        push |= {"texts": {"$each": [_hashed(message)], "$slice": -50}} if message else {}
        await written(self._collection, [UpdateOne({"_id": name}, {"$push": push}, upsert=True)])
        with recoverable():
            record = await self._collection.find_one({"_id": name})
        times = [datetime.fromisoformat(at) for at in (record or {}).get("at", ())]
        return sum(now - per < at <= now for at in times)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class LoadDay(NamedTuple):
    """A clinician's day, by the clinic's clock."""

    clinic: str
    clinician: str
    on: date

    @property
    def name(self) -> str:
        """The record's id."""
        return f"{self.clinic}/{self.clinician}/{self.on.isoformat()}"


class Load:
    """What could wait, by clinician and day: `{_id: clinic/clinician/day, sent, held, over: [row], last}`."""

    def __init__(self, *, collection: Collection) -> None:
        self._collection = collection

    async def note(self, day: LoadDay, row: str, kind: str, at: datetime) -> None:
        """A row was let go (`sent`), held (`held`), or held because the budget was used up (`over`). Safe to repeat.

        Raises Recoverable.
        """
        update: Record = {"$addToSet": {kind: row}}
        if kind == "sent":
            update["$max"] = {"last": at.isoformat()}
        await written(self._collection, [UpdateOne({"_id": day.name}, update, upsert=True)])

    async def of(self, clinic: str, clinicians: Iterable[str], days: Iterable[date]) -> dict[tuple[str, date], Record]:
        """What there is of these clinicians and days. Raises Recoverable."""
        names = {LoadDay(clinic, who, on).name: (who, on) for on in days for who in clinicians}
        found: dict[tuple[str, date], Record] = {}
        wanted = list(names)
        with recoverable():
            for start in range(0, len(wanted), CHUNK):
                query = {"_id": {"$in": wanted[start : start + CHUNK]}}
                for record in await self._collection.find(query).to_list(None):
                    found[names[record["_id"]]] = record
        return found


class Texted(NamedTuple):
    """Somebody of a clinic's at a number, by its hash. to: a clinician's id, or the fallback contact."""

    clinic: str
    to: str
    contact: str

    @property
    def number(self) -> str:
        """The number as this clinic's."""
        return f"{self.clinic}/{self.contact}"


class Paces:
    """When each number got its last SMS, and which rows wait for it: records by clinic and the number's hash.

    `own/<clinic>/<hash>/<window>` holds what the clinic sent it in three hours, `all/<hash>/<window>` the last ones of
    all clinics, `last/<clinic>/<hash>` the clinic's last ones; `held/<clinic>/<hash>/<to>` the rows that were put off.
    """

    def __init__(self, *, collection: Collection) -> None:
        self._collection = collection

    async def sent(self, texted: Texted, now: datetime, *, but: str) -> tuple[list[datetime], list[datetime]]:
        """When a number got its messages of the last three hours, and a few before: the clinic's, and everybody's. Each
        leg counts once, by its last try, and the one asked for (`but`) not at all. Raises Recoverable."""
        own = [f"own/{texted.number}/{_window(now) - back}" for back in range(2)]
        everybody = [f"all/{texted.contact}/{_window(now) - back}" for back in range(2)]
        with recoverable():
            found = await self._collection.find({"_id": {"$in": own + everybody}}).to_list(None)
        tries: dict[str, list[str]] = {record["_id"]: record.get("sent", []) for record in found}
        return _times(tries, own, but), _times(tries, everybody, but)

    async def note(self, texted: Texted, leg: str, now: datetime) -> None:
        """A number is being sent a message; what is older than six hours is forgotten. Raises Recoverable."""
        window, said = _window(now), f"{now.isoformat()} {leg}"
        last: Record = {"sent": {"$each": [said], "$slice": -LAST}}
        writes = [
            UpdateOne({"_id": f"own/{texted.number}/{window}"}, {"$addToSet": {"sent": said}}, upsert=True),
            UpdateOne({"_id": f"all/{texted.contact}/{window}"}, {"$push": last}, upsert=True),
            UpdateOne({"_id": f"last/{texted.number}"}, {"$push": last}, upsert=True),
        ]
        await written(self._collection, writes)
        with recoverable():
            for old in (f"own/{texted.number}/{window - 2}", f"all/{texted.contact}/{window - 2}"):
                await self._collection.delete_one({"_id": old})

    async def last(
        self, clinics: Iterable[str], contact: str, since: datetime
    ) -> dict[str, list[tuple[datetime, str]]]:
        """By clinic: the last messages it sent a number since then, or began to, the newest first: when, and the leg.

        Clinics that sent none are left out; of each there are LAST at most. Raises Recoverable.
        """
        names = {f"last/{clinic}/{contact}": clinic for clinic in clinics}
        with recoverable():
            found = await self._collection.find({"_id": {"$in": list(names)}}).to_list(None)
        texts = {names[record["_id"]]: [one.partition(" ")[::2] for one in record["sent"]] for record in found}
        lately = {
            clinic: sorted({(datetime.fromisoformat(at), leg) for at, leg in some}, reverse=True)
            for clinic, some in texts.items()
        }
        return {clinic: kept for clinic, some in lately.items() if (kept := [one for one in some if one[0] > since])}

    async def hold(self, texted: Texted, row: str) -> None:
        """A row waits for somebody at a number. Raises Recoverable."""
        update = {"$addToSet": {"ids": row}}
        await written(self._collection, [UpdateOne({"_id": _held(texted)}, update, upsert=True)])

    async def held(self, texted: Texted) -> list[str]:
        """The rows that wait for somebody at a number. Raises Recoverable."""
        with recoverable():
            found = await self._collection.find_one({"_id": _held(texted)})
        return [] if found is None else list(found.get("ids", ()))

    async def let_go(self, texted: Texted, rows: Iterable[str]) -> None:
        """Rows wait no longer. Raises Recoverable."""
        with recoverable():
            await self._collection.update_one({"_id": _held(texted)}, {"$pullAll": {"ids": list(rows)}})


def _held(texted: Texted) -> str:
    return f"held/{texted.number}/{texted.to}"


def _times(tries: Mapping[str, Sequence[str]], names: Iterable[str], but: str) -> list[datetime]:
    said = sorted(one.partition(" ")[::2] for name in names for one in tries.get(name, ()))
    last = {leg: at for at, leg in said if leg != but}
    return [datetime.fromisoformat(at) for at in last.values()]


def _window(now: datetime) -> int:
    return int(now.timestamp()) // (3 * 3600)


async def written(collection: Collection, writes: list[UpdateOne], *, ordered: bool = False) -> None:
    """Upserts, once more where two first writers of one record met. Raises Recoverable."""
    await write_all(collection, writes, at_once=CHUNK, ordered=ordered, tries=TRIES)
