"""Events as Kafka records, and back: CloudEvents 1.0 in Kafka binary mode, the value as JSON, the key from the data.

The headers are written in the order they are read in, so that reading a record of ours costs no look-up by name
(measured: 0.5 of 4 microseconds). A record of somebody else's is read by name, whatever the order.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from aiokafka.partitioner import murmur2
from pydantic import ValidationError

from shared.bus import LARGEST, Event, Message, Position
from shared.bus.source import Record
from shared.contracts import EVENTS, TYPES, Contract, Topic
from shared.errors import NewerMajor, Unparsable

_NAMED_TYPE = re.compile(r"(rapport\.[a-z-]{1,40}\.[a-z-]{1,60})\.v([1-9][0-9]{0,3})")
_CLINIC = re.compile(rb"([A-Za-z0-9._~-]{1,64})(?:/|$)")
_ERRORS_NAMED = 5
_ADDED = 20
"""Bytes that Kafka adds to a header or to a record, at most."""

_new = tuple.__new__
"""Makes a named tuple in half the time its own constructor takes."""


class Outgoing(NamedTuple):
    """A record to be produced."""

    topic: Topic
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def encode(message: Message) -> Outgoing:
    """The record of a message. Its source is the service its type belongs to. Raises ValueError for a naive time."""
    data = message.data
    if message.time.tzinfo is None:
        raise ValueError("A message needs an aware time.")
    headers = [
        ("ce_id", message.id.encode()),
        ("ce_type", _type_header(type(data))),
        ("ce_time", message.time.astimezone(UTC).isoformat().encode()),
        ("ce_specversion", b"1.0"),
        ("ce_source", _source_header(type(data))),
        ("ce_clinic", data.clinic.encode()),
        ("content-type", b"application/json"),
    ]
    return Outgoing(data.topic, data.key.encode(), data.__pydantic_serializer__.to_json(data), headers)


def fits(outgoing: Outgoing) -> bool:
    """Whether the bus takes a record of this size, headers and what Kafka adds to them included."""
    headers = sum(len(name) + len(value) + _ADDED for name, value in outgoing.headers)
    return len(outgoing.key or b"") + len(outgoing.value or b"") + headers + _ADDED <= LARGEST


@cache
def _type_header(model: type[Contract]) -> bytes:
    return TYPES[model].encode()


@cache
def _source_header(model: type[Contract]) -> bytes:
    return f"/rapport/{TYPES[model].split('.')[1]}".encode()


_READERS: dict[bytes, tuple[str, Callable[[bytes], Any]]] = {
    name.encode(): (model.topic.value, model.__pydantic_validator__.validate_json) for name, model in EVENTS.items()
}


def decode(record: Record) -> Event:
    """The event of a record.

    Raises Unparsable, whose message names fields and rules but no values, or NewerMajor where the type is known in
    an older major version only.
    """
    headers = record.headers
    try:
        (id_name, ce_id), (type_name, ce_type), (time_name, ce_time) = headers[:3]
    except ValueError:
        id_name = type_name = time_name = ""
        ce_id = ce_type = ce_time = b""
    if id_name != "ce_id" or type_name != "ce_type" or time_name != "ce_time":
        ce_id, ce_type, ce_time = _by_name(headers)
    reader = _READERS.get(ce_type)
    topic = record.topic
    if reader is None or reader[0] != topic:
        raise _unreadable_type(ce_type, topic)
    value = record.value
    if value is None:
        raise Unparsable("value: missing")
    try:
        data = reader[1](value)
    except ValidationError as error:
        raise Unparsable(_without_values(error)) from None
    try:
        time = datetime.fromisoformat(ce_time.decode())
        event_id = ce_id.decode()
    except ValueError:
        raise Unparsable("ce_id must be UTF-8 and ce_time an RFC 3339 time") from None
    if time.tzinfo is not UTC:
        if time.tzinfo is None:
            raise Unparsable("ce_time: no offset")
        time = time.astimezone(UTC)
    position = _new(Position, (data.topic, record.partition, record.offset))
    return _new(Event, (event_id, time, data, position, value))


class Decoded(NamedTuple):
    """Some records of one topic, read: events in order, what cannot be read by its index, and what stopped reading."""

    events: list[Event]
    unparsable: list[tuple[int, Record, str]]
    newer: tuple[Record, str] | None


def decode_all(records: Iterable[Record]) -> Decoded:
    """Read records up to the first of a newer major version."""
    events: list[Event] = []
    unparsable: list[tuple[int, Record, str]] = []
    add = events.append
    for index, record in enumerate(records):
        try:
            add(decode(record))
        except Unparsable as error:
            unparsable.append((index, record, str(error)))
        except NewerMajor as error:
            return Decoded(events, unparsable, (record, str(error)))
    return Decoded(events, unparsable, None)


def clinic_of(key: bytes | None) -> str | None:
    """Whose a record is, by the first part of its key; None where it has none that could be a clinic's."""
    found = _CLINIC.match(key or b"")
    return None if found is None else found[1].decode()


def partition_of(key: bytes | None, partitions: int) -> int:
    """The partition of a key: Kafka's own hash of its first two components, `clinic/patient`; 0 where there is none."""
    if key is None:
        return 0
    first = key.find(b"/")
    second = key.find(b"/", first + 1) if first >= 0 else -1
    return _hashed(key if second < 0 else key[:second]) % partitions


@lru_cache(maxsize=65_536)
def _hashed(key: bytes) -> int:
    hashed: int = murmur2(key) & 0x7FFFFFFF
    return hashed


def _by_name(headers: Sequence[tuple[str, bytes]]) -> tuple[bytes, bytes, bytes]:
    named = {name.lower(): value for name, value in headers}
    try:
        ce_id, ce_type, ce_time = named["ce_id"], named["ce_type"], named["ce_time"]
    except KeyError as missing:
        raise Unparsable(f"{missing.args[0]}: missing") from None
    if not ce_id:
        raise Unparsable("ce_id: empty")
    return ce_id, ce_type, ce_time


def _unreadable_type(ce_type: bytes, topic: str) -> Exception:
    """Why this type cannot be read here; the type is repeated only where it has the shape of one of ours."""
    named = _NAMED_TYPE.fullmatch(ce_type.decode(errors="replace"))
    if named is None:
        return Unparsable("ce_type: not the name of an event of ours")
    if ce_type in _READERS:
        return Unparsable(f"ce_type: {named[0]} does not belong on {topic}")
    majors = _majors().get(named[1])
    if majors is None:
        return Unparsable(f"ce_type: {named[0]} is not known")
    if int(named[2]) > max(majors):
        return NewerMajor(f"{named[0]}; this version of Rapport reads {named[1]} up to v{max(majors)}")
    return Unparsable(f"ce_type: {named[0]} is no longer read")


@cache
def _majors() -> dict[str, set[int]]:
    majors: dict[str, set[int]] = {}
    for name in EVENTS:
        base, _, major = name.rpartition(".v")
        majors.setdefault(base, set()).add(int(major))
    return majors


def _without_values(error: ValidationError) -> str:
    """Which field breaks which rule. Names that are not fields (keys of a mapping are data) become `*`."""
    known = _field_names()
    found = [
        ".".join(part if isinstance(part, str) and part in known else "*" for part in problem["loc"] or ("value",))
        + f": {problem['type']}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    rest = len(found) - _ERRORS_NAMED
    return "; ".join(found[:_ERRORS_NAMED]) + (f"; and {rest} more" if rest > 0 else "")


@cache
def _field_names() -> frozenset[str]:
    names = {"value"}
    todo: list[Any] = [model.model_json_schema() for model in EVENTS.values()]
    while todo:
        schema = todo.pop()
        if isinstance(schema, dict):
            names.update(schema.get("properties", {}))
            todo.extend(schema.values())
        elif isinstance(schema, list):
            todo.extend(schema)
    return frozenset(names)
