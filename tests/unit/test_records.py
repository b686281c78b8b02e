"""Events as CloudEvents on Kafka, and back."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from aiokafka.partitioner import DefaultPartitioner, murmur2
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bus import Event, Message, Position
from shared.bus.memory import MemoryRecord
from shared.bus.records import decode, decode_all, encode, partition_of
from shared.contracts import EVENTS, CheckInRecorded, Topic
from shared.contracts.base import Origin
from shared.errors import NewerMajor, Unparsable

EXAMPLES = sorted((Path(__file__).parents[2] / "shared/contracts/examples").glob("*/*.json"))
AT = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)


def record(message: Message, *, offset: int = 7, value: bytes | None = b"", **headers: bytes | None) -> MemoryRecord:
    """The record of a message, with another value or other headers (None: without) than it has."""
    made = encode(message)
    kept = [
        (name, headers.get(name, content)) for name, content in made.headers if headers.get(name, content) is not None
    ]
    return MemoryRecord(made.topic.value, 3, offset, made.key, made.value if value == b"" else value, kept)


def check_in(**given: object) -> CheckInRecorded:
    """A check-in."""
    return CheckInRecorded.model_validate(
        {
            "clinic": "hill",
            "patient": "p-1",
            "occurred_at": "2026-11-23T10:30:00+01:00",
            "local_day": "2026-11-23",
            "origin": Origin.SYNC,
            "mood": 4.5,
            "note": "a bad night",
        }
        | given
    )


MESSAGE = Message("3f0c", AT, check_in())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_event_comes_back_as_it_went_out(example: Path) -> None:
    """A message and the event read from its record say the same."""
    data = EVENTS[example.parent.name].model_validate_json(example.read_text())
    message = Message("an-id", AT, data)

    event = decode(record(message))

    assert event == Event("an-id", AT, data, Position(data.topic, 3, 7), encode(message).value)


def test_records_are_cloudevents_in_binary_mode() -> None:
    """The attributes are headers, the value is the data as JSON, the key is the data's own, no patient in a header."""
    made = encode(MESSAGE)

    assert dict(made.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"3f0c",
        "ce_source": b"/rapport/mood",
        "ce_type": b"rapport.mood.check-in-recorded.v1",
        "ce_time": b"2026-11-23T09:30:00.123456+00:00",
        "ce_clinic": b"hill",
        "content-type": b"application/json",
    }
    assert made.topic is Topic.MOODS
    assert made.key == b"hill/p-1"
    assert CheckInRecorded.model_validate_json(made.value or b"") == MESSAGE.data


def test_a_naive_time_is_refused() -> None:
    """Nothing leaves without an aware time."""
    with pytest.raises(ValueError, match="aware"):
        encode(Message("x", AT.replace(tzinfo=None), check_in()))


def test_headers_are_read_in_any_order_and_case() -> None:
    """What another writer sends is read by name."""
    made = record(MESSAGE)
    shuffled = MemoryRecord(
        made.topic, 3, 7, made.key, made.value, [("x", b"1"), *((n.upper(), v) for n, v in reversed(made.headers))]
    )

    assert decode(shuffled) == decode(made)


def test_times_with_another_offset_become_utc() -> None:
    """Times are aware UTC inside, whoever wrote them."""
    local = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert decode(record(MESSAGE, ce_time=local.isoformat().encode())).time == AT
    assert decode(record(MESSAGE, ce_time=local.isoformat().encode())).time.tzinfo is UTC
    assert decode(record(MESSAGE, ce_time=b"2026-11-23T09:30:00.123456Z")).time == AT


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (record(MESSAGE, ce_type=None), "ce_type: missing"),
        (record(MESSAGE, ce_id=None), "ce_id: missing"),
        (record(MESSAGE, ce_time=None), "ce_time: missing"),
        (record(MESSAGE, ce_type=b"rapport.mood.poem.v1"), "ce_type: rapport.mood.poem.v1 is not known"),
        (record(MESSAGE, ce_type=b"Jane Doe"), "ce_type: not the name of an event of ours"),
        (record(MESSAGE, ce_type=b"\xff"), "ce_type: not the name of an event of ours"),
        (
            record(MESSAGE, ce_type=b"rapport.intake.patient.v1"),
            "ce_type: rapport.intake.patient.v1 does not belong on moods",
        ),
        (record(MESSAGE, ce_time=b"yesterday"), "ce_id must be UTF-8 and ce_time an RFC 3339 time"),
        (record(MESSAGE, ce_time=b"2026-11-23T09:30:00"), "ce_time: no offset"),
        (record(MESSAGE, ce_id=b"\xff"), "ce_id must be UTF-8 and ce_time an RFC 3339 time"),
        (record(MESSAGE, value=None), "value: missing"),
        (record(MESSAGE, value=b"Jane said"), "value: json_invalid"),
        (record(MESSAGE, value=b"[]"), "value: model_type"),
        (
            record(MESSAGE, value=check_in(mood=4).model_dump_json().replace("4.0", '"Jane"').encode()),
            "mood: float_parsing",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_says_why(broken: MemoryRecord, says: str) -> None:
    """The message names the field and the rule."""
    with pytest.raises(Unparsable) as told:
        decode(broken)

    assert str(told.value) == says


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["clinic", "mood", "note", "feelings", "items"]), st.text().map(lambda text: f"Jane{text}")
    )
)
def test_no_message_repeats_what_a_record_holds(values: dict[str, str]) -> None:
    """Neither values nor the keys of mappings, which are data too, get into a dead letter's reason."""
    document = {f"{key}": {value: value} if key == "items" else value for key, value in values.items()}
    message = Message("id", AT, check_in())
    broken = record(message, value=str(document).replace("'", '"').encode())

    with pytest.raises(Unparsable) as told:
        decode(broken)

    assert "Jane" not in str(told.value)


def test_a_mapping_s_keys_are_not_named() -> None:
    """The name of an item may be what somebody wrote."""
    value = (
        b'{"clinic":"hill","patient":"p","occurred_at":"2026-11-23T10:30:00Z","local_day":"2026-11-23",'
        b'"origin":"live","instrument":"phq9","score":3,"items":{"Jane wrote this":1}}'
    )
    broken = record(MESSAGE, value=value, ce_type=b"rapport.mood.questionnaire-completed.v1")

    with pytest.raises(Unparsable) as told:
        decode(broken)

    assert str(told.value) == "items.*.*: string_pattern_mismatch"


def test_a_newer_major_is_not_unparsable() -> None:
    """A higher major of a known name waits for a newer reader."""
    with pytest.raises(NewerMajor, match="check-in-recorded up to v1"):
        decode(record(MESSAGE, ce_type=b"rapport.mood.check-in-recorded.v2"))


def test_reading_many_stops_at_a_newer_major_and_only_there() -> None:
    """Events before it are read, unparsable ones are kept by their place, nothing after it is touched."""
    records = [
        record(MESSAGE, offset=0),
        record(MESSAGE, offset=1, value=b"{"),
        record(MESSAGE, offset=2),
        record(MESSAGE, offset=3, ce_type=b"rapport.mood.check-in-recorded.v9"),
        record(MESSAGE, offset=4),
    ]

    events, unparsable, newer = decode_all(records)

    assert [event.position.offset for event in events] == [0, 2]
    assert [(index, bad.offset, why) for index, bad, why in unparsable] == [(1, 1, "value: json_invalid")]
    assert newer is not None
    assert newer[0].offset == 3


@pytest.mark.parametrize(
    ("text", "hashed"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_the_hash_is_kafka_s_own(text: str, hashed: int) -> None:
    """The vectors of Kafka's own test (UtilsTest.testMurmur2): other clients find the same partition."""
    assert murmur2(text.encode()) == hashed % 2**32
    assert partition_of(text.encode(), 12) == (hashed & 0x7FFFFFFF) % 12


@settings(deadline=None)
@given(
    st.from_regex(r"[a-z0-9.~-]{1,20}/[a-z0-9.~-]{1,20}", fullmatch=True),
    st.from_regex(r"[a-z/]{0,20}", fullmatch=True),
)
def test_everything_of_a_patient_has_one_partition(patient: str, rest: str) -> None:
    """Only the first two components count, and those as Kafka's default partitioner counts a whole key."""
    expected = DefaultPartitioner()(patient.encode(), list(range(12)), [])

    assert partition_of(patient.encode(), 12) == expected
    assert partition_of(f"{patient}/{rest}".encode(), 12) == expected
