"""What is due when: a protocol's occasions for one person, on their own clock, and which answer is for which. Pure.

A local day of the protocol has exactly the occasions it says. A time that the clocks pass twice is meant the first
time; one they leave out falls an hour later. Whoever travels keeps each occasion in the zone it fell due in: one that
had come before they left does not come again, and one that neither place had is due on arrival.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_ASIDE: Final = timedelta(days=3)
"""How far an occasion can lie from its local day's UTC day: offsets of -12 to +14 hours, and a journey between them."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a local day, `opens` inclusive to `closes` exclusive: due at `opens`, or at a random minute."""

    opens: time
    closes: time
    random: bool = False


@dataclass(frozen=True, slots=True)
class EveryDays:
    """Every `days` days, from the first day on."""

    days: int

    def falls_on(self, day: date, starts_on: date) -> bool:
        """Whether a day has the occasions."""
        return (day - starts_on).days % self.days == 0


@dataclass(frozen=True, slots=True)
class OnWeekdays:
    """On these days of the week, Monday 0 to Sunday 6."""

    weekdays: frozenset[int]

    def falls_on(self, day: date, starts_on: date) -> bool:
        """Whether a day has the occasions."""
        return day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class EveryWeeks:
    """Every `weeks` weeks on one day of the week, first on that day at or after the first day."""

    weeks: int
    weekday: int

    def falls_on(self, day: date, starts_on: date) -> bool:
        """Whether a day has the occasions."""
        first = starts_on + timedelta(days=(self.weekday - starts_on.weekday()) % 7)
        return day >= first and (day - first).days % (7 * self.weeks) == 0


@dataclass(frozen=True, slots=True)
class BeforeMeetings:
    """Once before each meeting, so long ahead; it expires when the meeting begins, at the latest."""

    ahead: timedelta


Rhythm = EveryDays | OnWeekdays | EveryWeeks | BeforeMeetings


@dataclass(frozen=True, slots=True)
class Plan:
    """A protocol. late_after and expires_after count from when an occasion is due, as each of `reminders` does.

    windows: in order, none overlapping; none for `BeforeMeetings`. lasts: days from the first on, None without end.
    """

    name: str
    asks: str
    rhythm: Rhythm
    windows: Sequence[Window]
    late_after: timedelta
    expires_after: timedelta
    reminders: Sequence[timedelta] = ()
    lasts: int | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """A zone, from an instant on. The first of a history counts for all that was before it, too."""

    zone: ZoneInfo
    since: datetime


class Meeting(NamedTuple):
    """Something that takes place, once, at an aware instant."""

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """One protocol as one person follows it, from the local day `starts_on` to `stops_on` (inclusive; None: no end).

    plans: what the protocol was from which instant on, oldest first, None where there was none; the first counts for
        all that was before it. An occasion is of the plan in force when it falls due, and is never there twice.
    seed: random moments are made of it, the protocol's name, the day and the window: the same wherever they are made.
    """

    plans: Sequence[tuple[datetime, Plan | None]]
    starts_on: date
    stops_on: date | None
    seed: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time that something is due. id: the same whoever computes it. day: its local day. All instants are in UTC.

    Answered before `late_from` it is on time, before `expires_at` late; from then on it has expired.
    """

    id: str
    protocol: str
    asks: str
    day: date
    due_at: datetime
    late_from: datetime
    expires_at: datetime
    reminders: tuple[datetime, ...]
    zone: ZoneInfo

    @property
    def order(self) -> tuple[datetime, str]:
        """By when it is due."""
        return self.due_at, self.id


class Answer(NamedTuple):
    """Something that was answered: when, the entry's id, and what it answers (`check_in` or an instrument)."""

    at: datetime
    id: str
    asks: str


def occasions(
    courses: Iterable[Course],
    since: datetime,
    until: datetime,
    *,
    stays: Sequence[Stay],
    meetings: Collection[Meeting] = (),
) -> list[Occasion]:
    """The occasions due from `since` (inclusive) to `until` (exclusive), in order. Both aware.

    stays: at least one, oldest first. In pieces it comes to the same as at once.
    """
    found: dict[str, Occasion] = {}
    for course in courses:
        ends = [begins for begins, _ in course.plans[1:]]
        for place, (begins, plan) in enumerate(course.plans):
            if plan is None:
                continue
            opens = since if place == 0 else max(since, begins)
            closes = min(until, ends[place]) if place < len(ends) else until
            for one in _of_plan(course, plan, opens, closes, stays=stays, meetings=meetings):
                if not _was_there(course, place, one, stays=stays, meetings=meetings):
                    found.setdefault(one.id, one)
    return sorted(found.values(), key=lambda one: one.order)


def _was_there(
    course: Course, place: int, one: Occasion, *, stays: Sequence[Stay], meetings: Collection[Meeting]
) -> bool:
    """Whether an occasion of this id fell due while an earlier plan was in force."""
    for before in range(place):
        begins, plan = course.plans[before]
        if plan is not None:
            opens = max(one.due_at - 2 * _ASIDE, begins) if before else one.due_at - 2 * _ASIDE
            closes = course.plans[before + 1][0]
            if any(was.id == one.id for was in _of_plan(course, plan, opens, closes, stays=stays, meetings=meetings)):
                return True
    return False


def _of_plan(
    course: Course,
    plan: Plan,
    since: datetime,
    until: datetime,
    *,
    stays: Sequence[Stay],
    meetings: Collection[Meeting],
) -> Iterator[Occasion]:
    if since >= until:
        return
    last = course.stops_on or date.max
    if plan.lasts is not None:
        last = min(last, course.starts_on + timedelta(days=plan.lasts - 1))
    if isinstance(plan.rhythm, BeforeMeetings):
        for meeting in meetings:
            due = meeting.at.astimezone(UTC) - plan.rhythm.ahead
            stay = _stay_at(stays, due)
            day = due.astimezone(stay.zone).date()
            if since <= due < until and course.starts_on <= day <= last:
                yield _occasion(plan, f"{meeting.id}/{day}", day, due, stay.zone, at_latest=meeting.at.astimezone(UTC))
        return
    day = max(course.starts_on, (since - _ASIDE).astimezone(UTC).date())
    last = min(last, (until + _ASIDE).astimezone(UTC).date())
    while day <= last:
        if plan.rhythm.falls_on(day, course.starts_on):
            for number, window in enumerate(plan.windows, 1):
                moment = _moment(window, f"{course.seed}/{plan.name}/{day}/{number}")
                due, zone = _due(day, moment, stays)
                if since <= due < until:
                    yield _occasion(plan, f"{day}/{number}", day, due, zone)
        day += _DAY


def _occasion(
    plan: Plan, which: str, day: date, due: datetime, zone: ZoneInfo, *, at_latest: datetime | None = None
) -> Occasion:
    expires = due + plan.expires_after if at_latest is None else min(due + plan.expires_after, at_latest)
    return Occasion(
        id=f"{plan.name}/{which}",
        protocol=plan.name,
        asks=plan.asks,
        day=day,
        due_at=due,
        late_from=min(due + plan.late_after, expires),
        expires_at=expires,
        reminders=tuple(due + after for after in plan.reminders if due + after < expires),
        zone=zone,
    )


def _moment(window: Window, seed: str) -> time:
    """The local time a window's occasion is due."""
    if not window.random:
        return window.opens
    opens, closes = (at.hour * 60 + at.minute for at in (window.opens, window.closes))
    drawn = opens + int.from_bytes(sha256(seed.encode()).digest()[:8]) % (closes - opens)
    return time(drawn // 60, drawn % 60)


def _due(day: date, moment: time, stays: Sequence[Stay]) -> tuple[datetime, ZoneInfo]:
    """When a local day's moment comes: in the first place that it came in before they left, at the arrival at least."""
    for place, stay in enumerate(stays):
        due = datetime.combine(day, moment, stay.zone).astimezone(UTC)
        if place + 1 == len(stays) or due < stays[place + 1].since:
            return (due if place == 0 else max(due, stay.since.astimezone(UTC))), stay.zone
    raise ValueError("a history of zones has at least one")


def _stay_at(stays: Sequence[Stay], instant: datetime) -> Stay:
    found = stays[0]
    for stay in stays:
        if stay.since <= instant:
            found = stay
    return found


def answered(known: Iterable[Occasion], answers: Iterable[Answer]) -> Mapping[str, Answer]:
    """Which answer is for which occasion, by the occasion's id: none for two, and two for none.

    In the order they were given (by instant, then id), each answer is for the unanswered occasion that asks for it, is
    due, has not expired, and fell due last. So of the occasions from any instant on, those before it change nothing.
    """
    by_what: dict[str, list[Occasion]] = {}
    for occasion in sorted(known, key=lambda one: one.order):
        by_what.setdefault(occasion.asks, []).append(occasion)
    dues = {asks: [one.due_at for one in some] for asks, some in by_what.items()}
    longest = {asks: max(one.expires_at - one.due_at for one in some) for asks, some in by_what.items()}
    found: dict[str, Answer] = {}
    for answer in sorted(answers):
        some = by_what.get(answer.asks, ())
        for place in range(bisect_right(dues.get(answer.asks, ()), answer.at) - 1, -1, -1):
            occasion = some[place]
            if answer.at - occasion.due_at >= longest[answer.asks]:
                break
            if occasion.id not in found and answer.at < occasion.expires_at:
                found[occasion.id] = answer
                break
    return found
