"""What becomes of records that cannot be applied, and of work the world is not ready for."""

import random
import traceback
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from shared import metrics
from shared.bus import Position, TooLarge
from shared.bus.source import Limits, RawPublisher
from shared.contracts import Topic
from shared.errors import Recoverable

WORLD: Final = (Recoverable, OSError, TimeoutError)
"""What passes by waiting: nobody's bug."""

Kind = Literal["unparsable", "set_aside"]
_REPOSITORY = Path(__file__).resolve().parents[2]


def describe(error: BaseException) -> str:
    """An error's class and the line of ours it came from. Never its message, which may hold what a patient said."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if frame.filename.startswith(f"{_REPOSITORY}/") and "site-packages" not in frame.filename:
            return f"{type(error).__name__} at {Path(frame.filename).relative_to(_REPOSITORY)}:{frame.lineno}"
    return type(error).__name__


class Backoff:
    """Waiting times that double, with up to half of each taken off at random, until `reset`."""

    def __init__(self, limits: Limits) -> None:
        self._first, self._longest = limits.first_wait, limits.longest_wait
        self._tries = 0

    def next(self) -> float:
        """The next waiting time in seconds."""
        wait = min(self._longest, self._first * (1 << min(self._tries, 32)))
        self._tries += 1
        return wait * random.uniform(0.5, 1.0)  # noqa: S311  spreading load, not hiding anything

    def reset(self) -> None:
        """It worked: begin anew."""
        self._tries = 0


class Fuse:
    """Blows where too many of the last records of a partition were diverted: then the fault is ours, not theirs.

    What is ours fails for several clinics. So of one clinic only a few diversions count, and those beyond are counted
    neither as diverted nor among the records: whatever one clinic sends, it stops nobody but itself. Where it cannot
    be read whose a record is, it counts as nobody's, without a bound.
    """

    def __init__(self, limits: Limits) -> None:
        self._window, self._least, self._share = limits.fuse_window, limits.fuse_least, limits.fuse_share
        self._most = limits.fuse_per_clinic
        self._seen = 0
        self._diverted: deque[tuple[int, str | None]] = deque()
        self._by_clinic: Counter[str | None] = Counter()

    def seen(self, records: int) -> None:
        """So many records were dealt with."""
        self._seen += records

    def used_up(self, clinic: str | None) -> bool:
        """Whether so many of a clinic's records were diverted of late that more of them count no more."""
        return clinic is not None and self._by_clinic[clinic] >= self._most

    def divert(self, index: int, clinic: str | None = None) -> bool:
        """Note that the record with this index, counted from what was last `seen`, is diverted. True: blown."""
        number = self._seen + index
        self._diverted.append((number, clinic))
        self._by_clinic[clinic] += 1
        while self._diverted[0][0] <= number - self._window:
            _, gone = self._diverted.popleft()
            self._by_clinic[gone] -= 1
            if not self._by_clinic[gone]:
                del self._by_clinic[gone]
        beyond = sum(max(0, times - self._most) for whose, times in self._by_clinic.items() if whose is not None)
        among = min(self._window, number + 1) - beyond
        return len(self._diverted) - beyond >= max(self._least, self._share * among)


class DeadLetters:
    """The topic for what could not be applied: the record as it stood, where from, and why, in words of ours."""

    def __init__(self, publisher: RawPublisher, service: str) -> None:
        self._publisher = publisher
        self._service = service

    async def send(
        self,
        origin: Position,
        kind: Kind,
        reason: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
    ) -> None:
        """Returns when it is safe to move on. Raises Recoverable where it may not have been recorded.

        A record too large to be wrapped goes without its value, which stays where it came from: nothing expires.
        """
        labels = [
            ("dlq-origin-topic", origin.topic.encode()),
            ("dlq-origin-partition", str(origin.partition).encode()),
            ("dlq-origin-offset", str(origin.offset).encode()),
            ("dlq-kind", kind.encode()),
            ("dlq-reason", reason.encode()),
            ("dlq-service", self._service.encode()),
        ]
        kept = [(name, content) for name, content in headers if not name.startswith("dlq-")]
        topic = Topic.DEAD_LETTERS
        try:
            await self._publisher.publish_raw(topic, key=key, value=value, headers=[*kept, *labels])
        except TooLarge:
            labels.append(("dlq-value-omitted", b"too large"))
            await self._publisher.publish_raw(topic, key=key or b"", value=None, headers=labels)
        metrics.BUS_DEAD_LETTERS.labels(self._service, origin.topic, kind).inc()
