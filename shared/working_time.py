"""Working days and hours of a clinic, in the clinic's own zone, right across daylight-saving days. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class WorkingTime:
    """When a clinic works: opening hours by weekday (`mon`..`sun`), days off, and the zone they are meant in."""

    zone: ZoneInfo
    hours: Mapping[Any, tuple[time, time]]
    holidays: Collection[date] = field(default_factory=frozenset)

    def hours_on(self, day: date) -> tuple[datetime, datetime] | None:
        """Opening and closing instants (aware, in the clinic's zone) of `day`; None on a day off."""
        opening = self.hours.get(WEEKDAYS[day.weekday()])
        if opening is None or day in self.holidays:
            return None
        return (
            datetime.combine(day, opening[0], self.zone),
            datetime.combine(day, opening[1], self.zone),
        )

    def is_open(self, at: datetime) -> bool:
        """Whether the clinic works at this instant."""
        span = self.hours_on(at.astimezone(self.zone).date())
        return span is not None and span[0] <= at < span[1]

    def next_open(self, at: datetime) -> datetime:
        """`at` itself while the clinic works, else the next opening instant, within 370 days."""
        if self.is_open(at):
            return at
        day = at.astimezone(self.zone).date()
        for ahead in range(371):
            span = self.hours_on(day + timedelta(days=ahead))
            if span is not None and span[0] >= at:
                return span[0]
        raise ValueError("the clinic has no working day within a year")

    def close_after(self, at: datetime, working_days: int) -> datetime:
        """Closing time of the n-th working day after the clinic's local day of `at` (n >= 1).

        Asked on a Monday, two working days end at Wednesday's closing time; asked on a Saturday, at Tuesday's.
        """
        day, left = at.astimezone(self.zone).date(), working_days
        for ahead in range(1, 371):
            span = self.hours_on(day + timedelta(days=ahead))
            if span is not None:
                left -= 1
                if left == 0:
                    return span[1]
        raise ValueError("the clinic has no working day within a year")

    def next_morning(self, at: datetime) -> datetime:
        """The opening instant of the next working day after the clinic's local day of `at`."""
        return self.open_after(at, 1)

    def open_after(self, at: datetime, working_days: int) -> datetime:
        """Opening time of the n-th working day after the clinic's local day of `at` (n >= 1)."""
        day, left = at.astimezone(self.zone).date(), working_days
        for ahead in range(1, 371 * working_days):
            span = self.hours_on(day + timedelta(days=ahead))
            if span is not None:
                left -= 1
                if left == 0:
                    return span[0]
        raise ValueError("the clinic has no working day within a year")

    def after(self, at: datetime, span: timedelta) -> datetime:
        """When the clinic will have worked for `span` (>= 0) since `at`, in UTC; 370 days later at most.

        An end that falls on closing time is the next opening: nobody is told at the moment they leave.
        """
        at, left = at.astimezone(UTC), span
        day = at.astimezone(self.zone).date()
        for ahead in range(371):
            hours = self.hours_on(day + timedelta(days=ahead))
            if hours is None:
                continue
            # in UTC: between two times of one zone Python would not count the hour a change of the clocks takes
            opens, closes = max(hours[0].astimezone(UTC), at), hours[1].astimezone(UTC)
            if opens + left < closes:
                return opens + left
            left -= max(closes - opens, timedelta())
        return at + timedelta(days=370)

    def worked(self, since: datetime, until: datetime) -> timedelta:
        """For how long the clinic works from `since` to `until` (aware); nothing where `until` is not later.

        Two days of nine to five are 16 hours, whatever the clocks did in the night between.
        """
        since, until = since.astimezone(UTC), until.astimezone(UTC)
        day, last = since.astimezone(self.zone).date(), until.astimezone(self.zone).date()
        total = timedelta()
        while day <= last:
            hours = self.hours_on(day)
            if hours is not None:
                opens, closes = max(hours[0].astimezone(UTC), since), min(hours[1].astimezone(UTC), until)
                total += max(closes - opens, timedelta())
            day += timedelta(days=1)
        return total
