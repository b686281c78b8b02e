"""Missed sessions: not attended, or cancelled by the patient, and none attended since (docs/rules.md, 7)."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from services.insights.domain.catalogue import MISSED_SESSIONS, Parameters
from services.insights.domain.instants import DAY, instant_of, micros, span
from services.insights.domain.risk_items import RiskItems
from services.insights.domain.words import at_time, counted
from shared.contracts import Session
from shared.contracts.assessments import Concern, Telling
from shared.contracts.base import Origin, Urgency
from shared.contracts.sessions import THERE, Attendance

LONG_AFTER: Final = 14 * DAY
"""A session marked this much later than it was planned for came from another system's past."""

_MISSED: Final = {
    Attendance.DID_NOT_ATTEND: "did not attend",
    Attendance.CANCELLED_BY_PATIENT: "cancelled",
}
_COUNTED: Final = frozenset({*THERE, *_MISSED})

Local = Callable[[int], datetime]


class Marked(NamedTuple):
    """A session that counts: when it was planned for, its id, what became of it, when that was recorded."""

    at: int
    session: str
    attendance: Attendance
    recorded: int


class Attendances:
    """A patient's sessions that were attended or missed, in order of (`scheduled_at`, session id)."""

    __slots__ = ("_known", "_marked")

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Marked | None]] = {}
        self._marked: list[Marked] = []

    def apply(self, session: Session) -> bool:
        """Take in a session's document; whether it was newer than what is known."""
        version, before = self._known.get(session.session, (0, None))
        if session.version <= version:
            return False
        after = None
        if not session.deleted and session.attendance in _COUNTED:
            recorded = micros(session.attendance_at or session.updated_at)
            after = Marked(micros(session.scheduled_at), session.session, session.attendance, recorded)
        self._known[session.session] = (session.version, after)
        if before is not None:
            del self._marked[bisect_left(self._marked, before)]
        if after is not None:
            insort(self._marked, after)
        return True

    def missed(self, now: int) -> list[Marked]:
        """Those missed by now since the last one attended, oldest first."""
        end = start = self._come(now)
        while start and self._marked[start - 1].attendance in _MISSED:
            start -= 1
        return self._marked[start:end]

    def coming(self, now: int) -> int | None:
        """When the next session that is already marked (cancelled ahead) is planned for."""
        following = self._come(now)
        return self._marked[following].at if following < len(self._marked) else None

    def _come(self, now: int) -> int:
        return bisect_right(self._marked, now, key=lambda marked: marked.at)


def concern(
    attendances: Attendances, risk: RiskItems | None, parameters: Parameters, *, now: int, local: Local
) -> tuple[Concern | None, int | None]:
    """What the rule says of an active patient, and when time alone changes it next.

    risk: their answers to items about harm.
    """
    missed, coming = attendances.missed(now), attendances.coming(now)
    risk_days = span(parameters["risk_days"])
    pressing = [
        one.attendance is Attendance.DID_NOT_ATTEND and risk is not None and risk.above_zero_by(one.at, risk_days)
        for one in missed
    ]
    first = min([int(parameters["in_a_row"]) - 1, *(place for place, urgent in enumerate(pressing) if urgent)])
    if len(missed) <= first:
        return None, coming
    return (
        Concern(
            rule=MISSED_SESSIONS.name,
            holds=True,
            since=instant_of(missed[first].at),
            reason=_reason(missed, pressing, local),
            until=MISSED_SESSIONS.until,
            source=MISSED_SESSIONS.source,
            parameters=dict(parameters),
            numbers={
                "missed": len(missed),
                "not_attended": sum(one.attendance is Attendance.DID_NOT_ATTEND for one in missed),
            },
            telling=[
                _telling(one, place + 1, local, urgent=pressing[place])
                for place, one in enumerate(missed)
                if place >= first
            ],
        ),
        coming,
    )


def _reason(missed: list[Marked], pressing: list[bool], local: Local) -> str:
    absent = sum(one.attendance is Attendance.DID_NOT_ATTEND for one in missed)
    parts = [f"{absent} not attended"] if absent else []
    parts += [f"{len(missed) - absent} cancelled by the patient"] if absent < len(missed) else []
    row = "session was missed" if len(missed) == 1 else "sessions in a row were missed"
    words = f"{len(missed)} {row} ({', '.join(parts)}), the last planned for {at_time(local(missed[-1].at))}."
    if any(pressing):
        words += " Before a session not attended the latest answer to a question about harm was above 0."
    return words


def _telling(one: Marked, place: int, local: Local, *, urgent: bool) -> Telling:
    said = (
        f"The patient {_MISSED[one.attendance]} the session planned for {at_time(local(one.at))}: "
        f"{counted(place, 'session', 'sessions')} missed in a row."
    )
    if urgent:
        said += " The latest answer to a question about harm before it was above 0."
    return Telling(
        id=f"session/{one.session}/{one.attendance}",
        at=instant_of(one.at),
        origin=Origin.IMPORT if one.recorded - one.at > LONG_AFTER else Origin.LIVE,
        urgency=Urgency.AT_ONCE if urgent else Urgency.WORKING_HOURS,
        said=said,
    )
