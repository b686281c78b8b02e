"""Quiet hours: the patient's own wall clock, on the nights it is put forward or back too."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.domain.letters import quiet_until
from shared.contracts import Patient

ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]


@settings(deadline=None, max_examples=400)
@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
    begins=st.times(),
    ends=st.times(),
    zone=st.sampled_from(ZONES),
)
def test_quiet_hours_end_where_the_wall_clock_says_so(now: datetime, begins: time, ends: time, zone: str) -> None:
    """Also on the nights the clocks change: what is held is sent outside of them, and within a day and some."""
    here = now.replace(tzinfo=ZoneInfo("UTC"))
    until = quiet_until(here, begins, ends, ZoneInfo(zone))

    if until is not None:
        assert here < until <= here + timedelta(hours=26)
        assert quiet_until(until, begins, ends, ZoneInfo(zone)) is None


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-29T00:30+00:00", "2026-03-29T08:00+00:00"),  # the clocks go forward: 9:00 is an hour earlier
        ("2026-10-25T00:30+00:00", "2026-10-25T09:00+00:00"),  # and back again
        ("2026-10-25T20:59+00:00", None),
        ("2026-10-25T21:00+00:00", "2026-10-26T09:00+00:00"),
    ],
)
def test_quiet_hours_in_london_when_the_clocks_change(now: str, until: str | None) -> None:
    """9:00 is 9:00 on the wall."""
    found = quiet_until(datetime.fromisoformat(now), time(21), time(9), ZoneInfo("Europe/London"))

    assert (None if until is None else datetime.fromisoformat(until)) == found


def test_a_patient_without_wishes_is_quiet_at_night() -> None:
    """The defaults of the contract: 21:00 to 9:00, three reminders a week."""
    wishes = Patient.model_fields["contact"].get_default(call_default_factory=True)

    assert (wishes.quiet_from, wishes.quiet_until, wishes.most_a_week) == (time(21), time(9), 3)
