"""Stand-ins that tests move by hand. They implement the Protocols of `shared`."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from zlib import crc32

from shared.bus import Event, Message, Position
from shared.errors import Recoverable


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """The instant it was last set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move on."""
        self._now += by

    def set(self, to: datetime) -> None:
        """Move to an aware instant."""
        assert to.tzinfo is not None
        self._now = to.astimezone(UTC)


class Died(Exception):  # noqa: N818  it is what happened, not what is wrong
    """The process was killed here; nothing after it happens."""


class Failure(Enum):
    """What goes wrong with a publish."""

    AWAY = auto()
    """The broker does not answer, and recorded nothing."""
    UNCONFIRMED = auto()
    """The broker recorded it, but its answer was lost."""
    DIES_BEFORE = auto()
    """Our process dies before anything is recorded."""
    DIES_AFTER = auto()
    """Our process dies when it is recorded, before anybody hears."""


class FakePublisher:
    """A log in memory: positions as the bus gives them, everything readable again, and failures on demand."""

    def __init__(self, partitions: int = 1) -> None:
        self.failure: Failure | None = None
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self.events: list[Event] = []
        self._partitions = partitions

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        """Record messages, unless a failure is set; `meanwhile` happens first, once."""
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if self.failure is Failure.AWAY:
            raise Recoverable("the broker is away")
        if self.failure is Failure.DIES_BEFORE:
            raise Died
        positions = [self.record(message) for message in messages]
        if self.failure is Failure.UNCONFIRMED:
            raise Recoverable("the broker's answer was lost")
        if self.failure is Failure.DIES_AFTER:
            raise Died
        return positions

    def record(self, message: Message) -> Position:
        """Put a message on the log whatever the failure, as somebody else would: a zombie, a late retry."""
        partition = crc32(message.data.key.encode()) % self._partitions
        there = (event.position for event in self.events)
        offset = sum(p.topic == message.data.topic and p.partition == partition for p in there)
        position = Position(message.data.topic, partition, offset)
        value = message.data.model_dump_json().encode()
        data = type(message.data).model_validate_json(value)
        self.events.append(Event(message.id, message.time, data, position, value))
        return position

    def last(self, key: str) -> Event:
        """What compaction keeps of a key."""
        return [event for event in self.events if event.data.key == key][-1]
