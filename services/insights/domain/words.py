"""How numbers, days and instants are said to a clinician: kind, precise, British English, never relative to now."""

from datetime import date, datetime
from typing import Final

from shared.contracts.base import Number, Origin

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec")
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_INSTRUMENTS: Final = {"phq9": "PHQ-9", "gad7": "GAD-7", "core10": "CORE-10"}
_MEANINGS: Final = {1: "several days", 2: "more than half the days", 3: "nearly every day"}


def on_day(day: date) -> str:
    """Tue 3 Nov 2026."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def at_time(local: datetime) -> str:
    """Tue 3 Nov 2026 at 14:05, on the clock the datetime carries."""
    return f"{on_day(local.date())} at {local.hour:02}:{local.minute:02}"


def number(value: float, decimals: int = 2) -> str:
    """A number with at most so many decimals, and none where there are none to show."""
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tidy(value: float) -> Number:
    """Whole numbers stay whole."""
    return int(value) if value == int(value) else value


def counted(amount: int, one: str, many: str) -> str:
    """1 answer, 2 answers."""
    return f"{amount} {one if amount == 1 else many}"


def days(amount: float) -> str:
    """1 day, 7.5 days."""
    return f"{number(amount, 1)} {'day' if amount == 1 else 'days'}"


def instrument(name: str) -> str:
    """An instrument's own name."""
    return _INSTRUMENTS.get(name, name)


def item(questionnaire: str, name: str) -> str:
    """PHQ-9 item 9."""
    bare = name.removeprefix(questionnaire).lstrip("._-~")
    return f"{instrument(questionnaire)} item {bare or name}"


def meaning(questionnaire: str, value: int) -> str:
    """What a PHQ-9 answer stands for, in brackets; nothing for scales we do not know."""
    return f" ({_MEANINGS[value]})" if questionnaire == "phq9" and value in _MEANINGS else ""


def reached(origin: Origin) -> str:
    """How an entry came, where that matters to the reader."""
    return {Origin.LIVE: "", Origin.SYNC: ", made offline and sent later", Origin.IMPORT: ", imported"}[origin]
