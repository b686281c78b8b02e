"""The rules of absence, judged as of the horizon: gone quiet and question unanswered (docs/rules.md, 4 and 5)."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from services.insights.domain.catalogue import GONE_QUIET, QUESTION_UNANSWERED, Parameters
from services.insights.domain.instants import DAY, ORIGINS, instant_of, key_at, key_id, micros, span
from services.insights.domain.standing import Settled, Standing
from services.insights.domain.words import at_time, counted, days
from shared.contracts.assessments import Concern, Telling
from shared.contracts.base import Origin
from shared.contracts.expected import Expected
from shared.schedule import Meeting

Local = Callable[[int], datetime]


class ObservedDays:
    """The distinct local days of all of a patient's facts that were not withdrawn, as ordinals in order.

    count: how many of the facts are of the day.
    """

    __slots__ = ("count", "day")

    def __init__(self) -> None:
        self.day = array("i")
        self.count = array("i")

    def add(self, day: int) -> None:
        """Take in a fact's day."""
        known = self.day
        if not known or known[-1] < day:
            known.append(day)
            self.count.append(1)
        elif known[-1] == day:
            self.count[-1] += 1
        else:
            index = bisect_left(known, day)
            if known[index] == day:
                self.count[index] += 1
            else:
                known.insert(index, day)
                self.count.insert(index, 1)

    def withdraw(self, day: int) -> None:
        """Take out one fact of a day that has one."""
        index = bisect_left(self.day, day)
        self.count[index] -= 1
        if not self.count[index]:
            del self.day[index], self.count[index]

    def median_gap(self, gaps: int) -> float | None:
        """The median of the last `gaps` differences between successive days; None where there is none."""
        last = self.day[-gaps - 1 :]
        return median(there - here for here, there in pairwise(last)) if len(last) > 1 else None


_AHEAD: Final = timedelta(days=366)
_FIRST_LOOK: Final = timedelta(days=14)


def gone_by(expected: Expected, meetings: Collection[Meeting], heard: int, missed: int) -> int | None:
    """When the first `missed` occasions due after `heard` have all expired; None where there are fewer in 366 days."""
    since, most = instant_of(heard + 1), instant_of(heard) + _AHEAD
    reach = _FIRST_LOOK
    while True:  # a daily protocol needs a fortnight, a quarterly one the year
        until = min(since + reach, most)
        found = expected.between(since, until, meetings)
        if len(found) >= missed:
            return micros(max(one.expires_at for one in found[:missed]))
        if until == most:
            return None
        reach *= 3


def gone_quiet(
    observed: ObservedDays,
    parameters: Parameters,
    *,
    last: tuple[bytes, int] | None,
    expected_from: int,
    horizon: int,
    local: Local,
    expected: Expected | None = None,
    meetings: Collection[Meeting] = (),
) -> tuple[Concern | None, int | None]:
    """What the rule says of an active patient, and when time alone changes it.

    last: key and origin of the last fact, where there is one. expected: what the protocols they follow ask for.
    """
    gap = observed.median_gap(int(parameters["gaps"]))
    allowed = parameters["min_days"] if gap is None else max(parameters["min_days"], parameters["factor"] * gap)
    heard = key_at(last[0]) if last else expected_from
    due = heard + span(allowed)
    missed = int(parameters["missed"])
    always = heard + span(parameters["min_days"])
    if expected is not None and horizon < always:  # whoever was heard from lately costs no look at the calendar
        return None, always
    passed = None if expected is None else gone_by(expected, meetings, heard, missed)
    if passed is not None and (gap is None or max(always, passed) <= due):
        due = max(always, passed)
        allowed = (due - heard) / DAY
    else:
        passed = None  # a protocol never makes it later than this person's own rhythm would
    if horizon < due:
        return None, due
    since = f"{'' if last else 'registration on '}{at_time(local(heard))}"
    usual = "" if gap is None else f"; usually there are {days(gap)} between days with an entry"
    asked = "" if passed is None else f"; {counted(missed, 'time', 'times')} running what was asked for got no answer"
    said = f"No entry since {since}: longer than the {days(allowed)} allowed{asked or usual}."
    return (
        Concern(
            rule=GONE_QUIET.name,
            holds=True,
            since=instant_of(due),
            reason=f"{said} That says no more than that there are fewer entries.",
            until=GONE_QUIET.until,
            source=GONE_QUIET.source,
            parameters=dict(parameters),
            numbers={
                "days_allowed": round(allowed, 4),
                "median_gap": None if gap is None else round(gap, 4),
                **({} if passed is None else {"missed": missed}),
            },
            telling=[
                Telling(
                    id=f"gone_quiet:{key_id(last[0]) if last else 'registration'}",
                    at=instant_of(due),
                    origin=ORIGINS[last[1]] if last else Origin.LIVE,
                    urgency=GONE_QUIET.urgency,
                    said=said,
                )
            ],
        ),
        None,
    )


_NEVER: Final = 1 << 62


class Questions:
    """A patient's questions: those asked (facts), how far each handling has come (documents), and which are open."""

    __slots__ = ("_asked", "_dues", "_handling", "_open", "_settled_by")

    def __init__(self) -> None:
        self._asked: dict[str, list[tuple[bytes, int, int]]] = {}
        self._handling: dict[str, tuple[int, bool]] = {}
        self._open: set[str] = set()
        self._dues: dict[bytes, int] = {}
        self._settled_by: tuple[Standing | None, int] = (None, 0)

    def ask(self, question: str, key: bytes, origin: int, accepted: int) -> None:
        """Take in that a question was asked."""
        self._asked.setdefault(question, []).append((key, origin, accepted))
        if not self._handling.get(question, (0, False))[1]:
            self._open.add(question)

    def handle(self, question: str, version: int, *, closed: bool) -> bool:
        """Take in what became of a question; whether the document was newer than what is known."""
        if version <= self._handling.get(question, (0, False))[0]:
            return False
        self._handling[question] = (version, closed)
        if closed:
            self._open.discard(question)
        elif question in self._asked:
            self._open.add(question)
        return True

    def waiting(
        self, standing: Standing, working_days: int, passed_over: Callable[[str], bool]
    ) -> list[tuple[int, bytes, int, int]]:
        """The open questions as (due, key, origin, accepted), ordered by due and id. passed_over: not these."""
        if (standing, working_days) != self._settled_by:
            self._settled_by = (standing, working_days)
            self._dues.clear()
        found = []
        for question in self._open:
            if passed_over(question):
                continue
            for key, origin, accepted in self._asked[question]:
                due = self._dues.get(key)
                if due is None:
                    due = self._dues[key] = _due(standing.at(key_at(key)), key, working_days)
                found.append((due, key, origin, accepted))
        found.sort(key=lambda waiting: (waiting[0], waiting[1][8:]))
        return found


def _due(settled: Settled, key: bytes, working_days: int) -> int:
    try:
        return micros(settled.working_time.close_after(instant_of(key_at(key)), working_days))
    except ValueError:  # no working day within a year: nothing was promised
        return _NEVER


def question_unanswered(
    questions: Questions,
    parameters: Parameters,
    *,
    standing: Standing,
    horizon: int,
    local: Local,
    passed_over: Callable[[str], bool],
) -> tuple[Concern | None, int | None]:
    """What the rule says, and when time alone changes it next. passed_over: questions that another rule watches."""
    waiting = questions.waiting(standing, int(parameters["working_days"]), passed_over)
    late = [asked for asked in waiting if asked[0] <= horizon]
    coming = min((due for due, *_ in waiting if horizon < due < _NEVER), default=None)
    if not late:
        return None, coming
    promised = counted(int(parameters["working_days"]), "working day", "working days")
    oldest = at_time(local(late[0][0]))
    were = "1 question is" if len(late) == 1 else f"{len(late)} questions are"
    return (
        Concern(
            rule=QUESTION_UNANSWERED.name,
            holds=True,
            since=instant_of(late[0][0]),
            reason=f"{were} past the {promised} promised for an answer, since {oldest}.",
            until=QUESTION_UNANSWERED.until,
            source=QUESTION_UNANSWERED.source,
            parameters=dict(parameters),
            numbers={"unanswered": len(late)},
            telling=[
                Telling(
                    id=key_id(key),
                    at=instant_of(due),
                    origin=ORIGINS[origin],
                    urgency=QUESTION_UNANSWERED.urgency,
                    said=(
                        f"A question asked on {at_time(local(key_at(key)))} has not been answered; "
                        f"the {promised} promised ended on {at_time(local(due))}."
                    ),
                    accepted_at=instant_of(accepted) if accepted else None,
                )
                for due, key, origin, accepted in late
            ],
        ),
        coming,
    )
