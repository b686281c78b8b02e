"""The backtests asked for, one row each: `{_id: clinic/id, v, clinic, open, asked, body}`. Few, and found by scanning.

`v` counts up at each change, which is a compare-and-set; `open` says that there is still work.
"""

from collections.abc import Callable, Sequence
from typing import Final

from pymongo.errors import DuplicateKeyError

from services.insights.domain.jobs import Job
from shared.documents import stamp
from shared.errors import Recoverable
from shared.mongo import Collection, Database, Record, recoverable

_TRIES: Final = 20


class MongoBacktests:
    """Implements the handlers' `Jobs`. Every method may raise Recoverable."""

    def __init__(self, *, database: Database) -> None:
        self._jobs: Collection = database["backtests"]

    async def add(self, job: Job) -> Job:
        """Store a row that is new; the one that stands there where it is not."""
        try:
            with recoverable():
                await self._jobs.insert_one({"_id": job.key, "v": 1} | _fields(job))
        except DuplicateKeyError:
            return await self.get(job.key) or job
        return job

    async def get(self, key: str) -> Job | None:
        """A row by clinic/id."""
        with recoverable():
            record = await self._jobs.find_one({"_id": key})
        return None if record is None else _job(record)

    async def of_clinic(self, clinic: str) -> Sequence[Job]:
        """All rows of a clinic, the newest first."""
        with recoverable():
            records = await self._jobs.find({"clinic": clinic}).sort([("asked", -1)]).to_list(None)
        return [_job(record) for record in records]

    async def open_ones(self) -> Sequence[str]:
        """The keys of all rows there is work on, those asked first before others."""
        with recoverable():
            records = await self._jobs.find({"open": True}, {"_id": 1}).sort([("asked", 1)]).to_list(None)
        return [record["_id"] for record in records]

    async def change(self, key: str, change: Callable[[Job], Job | None]) -> Job | None:
        """Change a row; `change` may be called again where somebody was faster, and gives None to leave it as it is.

        Returns the row as it now is, None where it was left or is not there.
        """
        for _ in range(_TRIES):
            with recoverable():
                record = await self._jobs.find_one({"_id": key})
            new = None if record is None else change(_job(record))
            if record is None or new is None:
                return None
            with recoverable():
                done = await self._jobs.update_one(
                    {"_id": key, "v": record["v"]}, {"$set": {"v": record["v"] + 1} | _fields(new)}
                )
            if done.matched_count:
                return new
        raise Recoverable("This backtest is being changed by too many at once; try again.")

    async def forget(self, keys: Sequence[str]) -> None:
        """Remove rows; a result can always be had again."""
        with recoverable():
            await self._jobs.delete_many({"_id": {"$in": list(keys)}})


def _fields(job: Job) -> Record:
    return {
        "clinic": job.clinic,
        "open": not job.finished,
        "asked": stamp(job.asked_at),
        "body": job.model_dump_json(),
    }


def _job(record: Record) -> Job:
    return Job.model_validate_json(record["body"])
