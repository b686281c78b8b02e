"""A patient's entries page by page: every entry once, in order, however they lie in months."""

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from services.mood.domain import SOME_MONTHS, Kind, Recorded, Wish, month_of, months_to_read, page_of
from shared.contracts import CheckInRecorded
from shared.contracts.base import Origin
from tests.unit.mood.made import NOW, checked_in, scored

moments = st.integers(0, 400 * 24 * 60).map(
    lambda minutes: datetime(2025, 11, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
offsets = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))


@st.composite
def entries(draw: st.DrawFn) -> Recorded:
    occurred_at = draw(moments).astimezone(draw(offsets))
    fact = CheckInRecorded(
        clinic="c", patient="p", occurred_at=occurred_at, local_day=occurred_at.date(), origin=Origin.IMPORT, mood=5
    )
    return Recorded(str(draw(st.uuids())), NOW, fact)


def page(everything: list[Recorded], wish: Wish) -> tuple[list[Recorded], bool]:
    """As the reader does it: some months at a time, until the page is certain."""
    by_month: dict[str, list[Recorded]] = {}
    for entry in everything:
        by_month.setdefault(month_of(entry.fact.local_day), []).append(entry)
    months, read = months_to_read(by_month, wish), []
    for start in range(0, len(months), SOME_MONTHS):
        some = months[start : start + SOME_MONTHS]
        read += [entry for month in some for entry in by_month[month]]
        found = page_of(read, wish, unread_from=some[-1] if start + SOME_MONTHS < len(months) else None)
        if found is not None:
            return found
    return [], False


@given(
    everything=st.lists(entries(), max_size=40, unique_by=lambda e: e.id), newest=st.booleans(), limit=st.integers(1, 7)
)
def test_page_by_page_shows_every_entry_once_in_order(*, everything: list[Recorded], newest: bool, limit: int) -> None:
    """By instant and id, across months and offsets, whichever end it begins at."""
    shown: list[Recorded] = []
    after: str | None = None
    for _ in range(len(everything) + 1):
        items, more = page(everything, Wish(newest_first=newest, limit=limit, after=after))
        shown += items
        if not more:
            break
        after = items[-1].place

    instants = sorted(everything, key=lambda e: (e.fact.occurred_at.astimezone(UTC), e.id), reverse=newest)
    assert shown == instants


def test_only_the_wished_for_days_and_kinds_are_shown() -> None:
    """Both days count, as the patient's local days."""
    days = [date(2026, 10, 30) + timedelta(days=n) for n in range(5)]
    everything = [checked_in(day, 5) for day in days] + [scored(day, "phq9", 5) for day in days]
    wish = Wish(first_day=days[1], last_day=days[3], kinds={Kind.QUESTIONNAIRE}, newest_first=False)

    items, more = page(everything, wish)

    assert [entry.fact.local_day for entry in items] == days[1:4]
    assert not more
    assert months_to_read(["2026-09", "2026-10", "2026-11"], wish) == ["2026-10", "2026-11"]


def test_a_cursor_skips_the_months_that_were_shown() -> None:
    """Only its own month and the next one's neighbour are read again."""
    known = [f"2026-{month:02}" for month in range(1, 13)]

    assert months_to_read(known, Wish(after="2026-03-31T23:00:00.000000+00:00 x"))[0] == "2026-04"
    assert months_to_read(known, Wish(after="2026-12-31T23:00:00.000000+00:00 x"))[0] == "2026-12"
    assert months_to_read(known, Wish(newest_first=False, after="2026-03-01T00:00:00.000000+00:00 x"))[0] == "2026-02"
    assert months_to_read(known, Wish(newest_first=False, after="2026-01-01T00:00:00.000000+00:00 x"))[0] == "2026-01"
