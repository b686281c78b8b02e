"""Plain facts and documents for the oracle's own tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.oracle import assess

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday morning."""

RATING = ("felt_welcome", "room_was_comfortable", "felt_listened_to", "worked_on_what_matters")


def on(day: float) -> datetime:
    """The instant that many days after the start."""
    return START + timedelta(days=day)


def fact(name: str, day: float, origin: str = "live", **data: Any) -> dict[str, Any]:
    """A fact that occurred that many days after the start, in UTC."""
    at = on(day)
    return {"id": name, "occurred_at": at.isoformat(), "local_day": at.date().isoformat(), "origin": origin, **data}


def form(name: str, day: float, instrument: str, score: int | None, **more: Any) -> dict[str, Any]:
    """A questionnaire with a score and no risk answers, unless given."""
    return fact(name, day, **{"instrument": instrument, "score": score, "risk_answers": [], **more})


def item_9(name: str, day: float, value: int, origin: str = "live") -> dict[str, Any]:
    """A PHQ-9 whose item 9 was answered so."""
    answer = {"item": "9", "value": value, "recall_days": 14, "urgent_from": 2}
    return form(name, day, "phq9", None, risk_answers=[answer], origin=origin)


def moods(values: list[float], days: list[int] | None = None) -> list[dict[str, Any]]:
    """One check-in a day."""
    return [fact(f"m{n:03}", n if days is None else days[n], mood=value) for n, value in enumerate(values)]


def patient(**more: Any) -> dict[str, Any]:
    """An active patient registered at the start."""
    return {"status": "active", "registered_at": START.isoformat(), "version": 1, **more}


def clinic(**rules: Any) -> dict[str, Any]:
    """A London clinic with the starter rules and these changes."""
    return {
        "version": 1,
        "settings": [
            {
                "effective_from": "2020-01-01T00:00:00+00:00",
                "zone": "Europe/London",
                "working_hours": {day: ["09:00:00", "17:00:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
                "holidays": ["2026-04-03", "2026-04-06"],
                "rule_set": {"base": "starter", "rules": rules},
            }
        ],
    }


def session(name: str, day: float, answer: int, **more: Any) -> dict[str, Any]:
    """A session rated with the same answer five times, unless told otherwise."""
    rating: dict[str, Any] = dict.fromkeys((*RATING, "questions_were_answered"), answer)
    rating |= {"rated_at": on(day).isoformat(), "origin": "live"}
    return {"session": name, "version": 2, "rating": rating | more}


def concern(rule: str, now: float, facts: list[dict[str, Any]] = (), **given: Any) -> dict[str, Any] | None:  # type: ignore[assignment]
    """What the oracle says of one rule, that many days after the start."""
    horizon = given.pop("horizon", now)
    inputs: dict[str, Any] = {"patient": None, "sessions": [], "questions": [], "clinic": None} | given
    said = assess(list(facts), **inputs, now=on(now), horizon=on(horizon))
    return next((one for one in said["concerns"] if one["rule"] == rule), None)
