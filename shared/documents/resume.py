"""Where a service's store says how far it is: written after what it covers, never backwards."""

from typing import Final
from uuid import uuid4

from pymongo.errors import DuplicateKeyError

from shared.bus import Position, Resume, StoreOfAnotherCluster, StoreReplaced
from shared.contracts import Topic
from shared.documents.kept import instant_of, stamp
from shared.errors import Recoverable
from shared.mongo import Collection, Database, Record, recoverable

_STORE: Final = "store"
_TRIES: Final = 5


class MongoResumeStore:
    """The resume points of one consumer group, one record per partition, in the collection `resume`.

    The record `store` holds the incarnation (made up when the store is first opened) and the Kafka cluster's id.
    Every save is filtered on the incarnation, so that a store dropped or replaced while running is noticed at the
    next one. Implements `shared.bus.ResumeStore`.
    """

    def __init__(self, *, database: Database, group: str) -> None:
        self._collection: Collection = database["resume"]
        self._group = group
        self._incarnations: dict[int, str] = {}

    async def open(self, partition: int, cluster: str) -> Resume:
        """Load, or begin, a partition's resume point. Raises StoreOfAnotherCluster and Recoverable."""
        with recoverable():
            incarnation = await self._incarnation(cluster)
            record = await self._begun(self._id(partition), {"incarnation": incarnation, "offsets": {}, "times": {}})
            if record["incarnation"] != incarnation:
                # the rest of an older store: its offsets cover effects that are gone
                fresh = {"incarnation": incarnation, "offsets": {}, "times": {}}
                await self._collection.replace_one({"_id": self._id(partition)}, fresh, upsert=True)
                record = fresh
        self._incarnations[partition] = incarnation
        return Resume(
            offsets={Topic(topic): int(offset) for topic, offset in record["offsets"].items()},
            times={Topic(topic): instant_of(time) for topic, time in record["times"].items()},
        )

    async def save(self, partition: int, resume: Resume) -> None:
        """Move forward, topic by topic, never backwards. Raises StoreReplaced and Recoverable."""
        forward: Record = {f"offsets.{topic}": offset for topic, offset in resume.offsets.items()}
        forward |= {f"times.{topic}": stamp(time) for topic, time in resume.times.items()}
        if not forward:
            return
        mine = {"_id": self._id(partition), "incarnation": self._incarnations[partition]}
        with recoverable():
            result = await self._collection.update_one(mine, {"$max": forward})
        if result.matched_count == 0:
            raise StoreReplaced("the store was dropped or replaced while running")

    async def passed(self, position: Position) -> bool:
        """Whether the stored resume offset is beyond this position, whoever stored it. Raises Recoverable."""
        with recoverable():
            record = await self._collection.find_one({"_id": self._id(position.partition)})
        return record is not None and int(record["offsets"].get(position.topic, 0)) > position.offset

    def _id(self, partition: int) -> str:
        return f"{self._group}/{partition}"

    async def _incarnation(self, cluster: str) -> str:
        record = await self._begun(_STORE, {"incarnation": str(uuid4()), "cluster": cluster})
        if record["cluster"] != cluster:
            raise StoreOfAnotherCluster(
                f"This store was filled from the Kafka cluster {record['cluster']}, not from {cluster}. Point the"
                " service at its own cluster, or drop its database: it is rebuilt from the topics."
            )
        return str(record["incarnation"])

    async def _begun(self, key: str, beginning: Record) -> Record:
        """The record with this key, begun where it is not there yet; one of several beginners wins."""
        for _ in range(_TRIES):
            record = await self._collection.find_one({"_id": key})
            if record is not None:
                return record
            try:
                await self._collection.insert_one({"_id": key} | beginning)
            except DuplicateKeyError:
                continue
        raise Recoverable("The store is being opened by too many at once; try again.")
