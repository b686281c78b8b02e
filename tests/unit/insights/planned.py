"""Sessions as the brief looks at them."""

from datetime import datetime
from typing import Any

from shared.contracts import Session
from shared.contracts.sessions import Attendance
from tests.unit.insights import builders as b

NOW = b.day(60)
HELD = b.day(50)


def session(name: str, at: datetime, attendance: Attendance | None = None, **more: Any) -> Session:
    """A session planned for an instant."""
    fields = b.session(name, None).model_dump() | {"scheduled_at": at, "attendance": attendance}
    return Session.model_validate(fields | more)


LAST = session("last", HELD, Attendance.ATTENDED)
