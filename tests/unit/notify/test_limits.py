"""How many texts one number may get: GoAlert's four windows, for any history."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.domain import free_at
from services.notify.domain.limits import LIMITS
from tests.unit.notify.made import MONDAY


@settings(deadline=None)
@given(st.lists(st.integers(0, 4 * 3600), max_size=60))
def test_sending_when_it_says_keeps_to_every_limit(gaps: list[int]) -> None:
    """However many want to go: no window ever holds more than it may, and nothing waits longer than it must."""
    sent: list[datetime] = []
    now = MONDAY
    for gap in gaps:
        now = max(now, free_at(sent, now)) if gap % 2 else now + timedelta(seconds=gap)
        if free_at(sent, now) <= now:
            sent.append(now)

    for count, window in LIMITS:
        for last in sent:
            assert sum(last - window < one <= last for one in sent) <= count


def test_a_number_that_had_none_may_have_one_now() -> None:
    """And one that had one may have the next after a minute."""
    assert free_at([], MONDAY) == MONDAY
    assert free_at([MONDAY], MONDAY) == MONDAY + timedelta(minutes=1)
    assert free_at([MONDAY - timedelta(hours=4)], MONDAY) == MONDAY
