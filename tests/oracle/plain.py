"""Reading plain JSON values: instants, days, and the working days of a clinic."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Plain = dict[str, Any]
"""A JSON object as it is on a topic; instants and days may be strings or Python's own."""

TINY = 1e-9
"""What computed floats may differ by and still count as the same."""

UNKNOWN_CLINIC: Plain = {
    "settings": [
        {
            "effective_from": "1970-01-01T00:00:00Z",
            "zone": "UTC",
            "working_hours": {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
            "holidays": [],
            "rule_set": {"base": "starter", "rules": {}},
        }
    ]
}


def instant(value: Any) -> datetime:
    """An aware instant in UTC, of an ISO string or an aware datetime."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    assert moment.tzinfo is not None, f"{value} has no offset"
    return moment.astimezone(UTC)


def day(value: Any) -> date:
    """A calendar day, of an ISO string or a date."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def time_of_day(value: Any) -> time:
    """A time of day, of an ISO string or a time."""
    return value if isinstance(value, time) else time.fromisoformat(value)


def below(a: float, b: float) -> bool:
    """Whether a < b as the rules mean it of computed floats."""
    return a < b - TINY


def days(count: float) -> timedelta:
    """That many days of 24 hours."""
    return timedelta(hours=24 * count)


def there(document: Plain | None) -> Plain | None:
    """The document, unless there is none or it is deleted."""
    if document is None or document.get("deleted"):
        return None
    return document


def highest_versions(documents: list[Plain], name: str) -> list[Plain]:
    """Of documents with the same `name` the one of highest version, deleted ones included."""
    best: dict[str, Plain] = {}
    for document in documents:
        known = best.get(document[name])
        if known is None or document.get("version", 1) > known.get("version", 1):
            best[document[name]] = document
    return list(best.values())


def settings_history(clinic: Plain | None) -> list[Plain]:
    """All settings of a clinic, oldest first."""
    found: list[Plain] = (there(clinic) or UNKNOWN_CLINIC)["settings"]
    return found


def settings_at(clinic: Plain | None, at: datetime) -> Plain:
    """The clinic's settings in force at an instant: the last that began by then, or the first of all."""
    all_settings = settings_history(clinic)
    begun = [settings for settings in all_settings if instant(settings["effective_from"]) <= at]
    return begun[-1] if begun else all_settings[0]


def closing_time(settings: Plain, asked_at: datetime, working_days: int) -> datetime:
    """The closing time of the n-th working day after the (clinic's) local day of `asked_at`."""
    zone = ZoneInfo(settings["zone"])
    holidays = {day(holiday) for holiday in settings.get("holidays", [])}
    here = asked_at.astimezone(zone).date()
    working_days_seen = 0
    while working_days_seen < working_days:
        here = here + timedelta(days=1)
        weekday = here.strftime("%a").lower()
        if weekday in settings["working_hours"] and here not in holidays:
            working_days_seen += 1
    _, closes = settings["working_hours"][here.strftime("%a").lower()]
    return datetime.combine(here, time_of_day(closes), zone).astimezone(UTC)
