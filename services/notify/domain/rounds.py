"""Rounds of news: one round is one message. What is still owed is a function of the alert, so no crash can lose it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.alerts import Alert, AlertStatus, Told
from shared.contracts.base import Origin, Urgency
from shared.working_time import WorkingTime


@dataclass(frozen=True, slots=True)
class Round:
    """The evidence that came together: urgency None where it is all imported and goes into the morning's digest."""

    number: int
    told: tuple[Told, ...]
    urgency: Urgency | None
    added_at: datetime
    settled: bool

    @property
    def rank(self) -> int:
        """0 digest, 1 in working hours, 2 at once."""
        return 0 if self.urgency is None else 1 + (self.urgency is Urgency.AT_ONCE)

    def due_at(self, working_time: WorkingTime) -> datetime:
        """When its message goes out: at once, when the clinic opens, or on the next working morning."""
        if self.urgency is Urgency.AT_ONCE:
            return self.added_at
        if self.urgency is Urgency.WORKING_HOURS:
            return working_time.next_open(self.added_at)
        return working_time.next_morning(self.added_at)


def mornings(working_time: WorkingTime, first: datetime) -> Iterator[datetime]:
    """The working mornings from one on, two weeks at most."""
    morning = first
    for _ in range(14):
        yield morning
        morning = working_time.next_morning(morning)


def urgency_of(told: Sequence[Told]) -> Urgency | None:
    """The highest urgency among what is not imported; None where all of it is."""
    urgencies = {evidence.urgency for evidence in told if evidence.origin is not Origin.IMPORT}
    if not urgencies:
        return None
    return Urgency.AT_ONCE if Urgency.AT_ONCE in urgencies else Urgency.WORKING_HOURS


def rounds_of(alert: Alert) -> list[Round]:
    """The alert's rounds of news, oldest first."""
    by_number: dict[int, list[Told]] = {}
    for evidence in alert.told:
        by_number.setdefault(evidence.round, []).append(evidence)
    return [
        Round(
            number=number,
            told=tuple(told),
            urgency=urgency_of(told),
            added_at=min(evidence.added_at for evidence in told),
            settled=all(evidence.settled_at is not None for evidence in told),
        )
        for number, told in sorted(by_number.items())
    ]


def owed(alert: Alert) -> list[Round]:
    """The rounds whose message has still to be handed over. Nothing is owed of an alert that was closed or taken,
    but for the digest's lines, which nobody is paged with."""
    return [news for news in rounds_of(alert) if not news.settled and _wanted(alert, news)]


def _wanted(alert: Alert, news: Round) -> bool:
    if alert.deleted or alert.status is AlertStatus.CLOSED:
        return False
    return alert.status is AlertStatus.OPEN or news.urgency is None


def covers(later: Round, earlier: Round, working_time: WorkingTime, now: datetime) -> bool:
    """Whether a later round's message says all an earlier one's would: due by now and no less urgent.

    A message speaks for its whole alert, so two that go out together are one.
    """
    return later.number > earlier.number and later.rank >= earlier.rank and later.due_at(working_time) <= now


def still_needed(alert: Alert, number: int, working_time: WorkingTime, now: datetime) -> bool:
    """Whether the message of a round has to go out now."""
    rounds = owed(alert)
    mine = next((news for news in rounds if news.number == number), None)
    return mine is not None and not any(covers(other, mine, working_time, now) for other in rounds)
