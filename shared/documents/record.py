"""How an owner's document lies in MongoDB."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Generic, Self
from uuid import UUID, uuid5

from bson import Int64

from shared.bus import Message, Position
from shared.contracts import TYPES, Document
from shared.documents.kept import D, instant_of, stamp
from shared.mongo import Record

KEPT_ANSWERS: Final = 50
"""How many idempotency keys a document remembers."""

_NAMESPACE: Final = UUID("6a1b7c62-6f0e-5c0c-9d1e-5d1a3f2b8e47")

Facet = str | int | bool | None
Facets = Mapping[str, Callable[[D], Facet]]
"""What lists may be filtered by: a name, and how to read the value from a document."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A client's word that two requests are one: its own key, and what it sent with it. Holds digests only."""

    id: str
    digest: str

    @classmethod
    def of(cls, *, client: str, key: str, body: bytes) -> Self:
        """From the caller's identity, the Idempotency-Key as received and the raw body."""
        return cls(sha256(f"{client}\0{key}".encode()).hexdigest(), sha256(body).hexdigest())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a decision was answered with, for its retries."""

    id: str
    digest: str
    created: bool
    version: int
    body: str

    @classmethod
    def to(cls, idempotency: Idempotency, document: Document, *, created: bool) -> Self:
        """The answer to a decision: the document as it came out."""
        return cls(idempotency.id, idempotency.digest, created, document.version, document.model_dump_json())

    def written(self) -> Record:
        """As it lies in the record."""
        return {
            "id": self.id,
            "digest": self.digest,
            "created": self.created,
            "version": self.version,
            "body": self.body,
        }


@dataclass(frozen=True, slots=True)
class Stored(Generic[D]):
    """A record of an owner's collection, understood.

        {_id: key, version, clinic, deleted, changed_at, place: "<changed_at> <key>", body: the document as published,
         facets: {...}, answers: [...], published: {version, partition, offset}, pending: key}

    pending is there while the newest version is not known to stand on the topic: set by the very write that makes
    the version, taken away when its position is noted. A sparse unique index on it finds what was left behind.
    """

    document: D
    changed_at: datetime
    pending: bool = False
    published: Position | None = None
    published_version: int = 0
    answers: tuple[Answer, ...] = ()

    @property
    def key(self) -> str:
        """The record's key."""
        return self.document.key

    @property
    def version(self) -> int:
        """The newest version there is."""
        return self.document.version

    @property
    def position(self) -> Position | None:
        """Where the newest version stands on its topic; None while that is not known."""
        return None if self.pending else self.published

    def position_of(self, version: int) -> Position | None:
        """A position at or behind which everybody knows this version; None while it is not known."""
        return self.published if self.published_version >= version else None

    def message(self) -> Message:
        """The newest version, ready to publish. The same version always has the same id."""
        name = f"{TYPES[type(self.document)]} {self.key} {self.version}"
        return Message(id=str(uuid5(_NAMESPACE, name)), time=self.changed_at, data=self.document)


def fields(document: D, changed_at: datetime, facets: Facets[D]) -> Record:
    """The fields that a version consists of."""
    changed = stamp(changed_at)
    return {
        "version": document.version,
        "clinic": document.clinic,
        "deleted": document.deleted,
        "changed_at": changed,
        "place": f"{changed} {document.key}",
        "body": document.model_dump_json(),
        "facets": {name: read(document) for name, read in facets.items()},
    }


def noted(version: int, position: Position) -> Record:
    """The update that notes where a version stands on its topic."""
    published = {"version": version, "partition": position.partition, "offset": Int64(position.offset)}
    return {"$set": {"published": published}, "$unset": {"pending": ""}}


def understood(record: Mapping[str, Any], model: type[D]) -> Stored[D]:
    """A record as read from the collection."""
    published = record.get("published")
    return Stored(
        document=model.model_validate_json(record["body"]),
        changed_at=instant_of(record["changed_at"]),
        pending="pending" in record,
        published=None if published is None else Position(model.topic, published["partition"], published["offset"]),
        published_version=0 if published is None else published["version"],
        answers=tuple(Answer(**answer) for answer in record.get("answers", ())),
    )
