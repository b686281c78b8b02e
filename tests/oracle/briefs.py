"""What a session brief must say of a patient, as docs/sessions.md words it: numbers and names, nothing in prose."""

from datetime import datetime, timedelta
from typing import Any

from tests.oracle.case import Case, counts_from
from tests.oracle.choosing import PARAMETERS, rules_chosen
from tests.oracle.entries import Inputs
from tests.oracle.missed import MISSED, THERE
from tests.oracle.plain import Plain, below, day, days, instant
from tests.oracle.rules import FIVE_QUESTIONS, assess

LEAST = 3
"""Check-ins from which on a mean is said."""


def brief(of: Inputs, now: Any) -> Plain:
    """The brief for a patient's next session, as of `now`, everything recorded having been read.

    Gives since, last_session, next_session, missed_in_a_row, concerns (rules), measures, mood, entries_since, entries
    (ids, the newest first), questions (ids, the longest waiting first), strategies, rating.
    """
    case = Case(of.facts, of.patient, of.sessions, of.questions, of.clinic, now, now)
    case.sessions.sort(key=lambda session: (instant(session["scheduled_at"]), session["session"]))
    held = [session for session in case.sessions if instant(session["scheduled_at"]) <= case.now and was_held(session)]
    last = held[-1] if held else None
    since = instant(last["scheduled_at"]) if last else case.now - days(28)
    coming = [session for session in case.sessions if not session.get("attendance") and end_of(session) > case.now]
    shown = [fact for fact in case.counted if fact["id"] in ids(case.check_ins + case.questionnaires)]
    later = [fact for fact in shown if instant(fact["occurred_at"]) > since]
    said = assess(of.facts, of.patient, of.sessions, of.questions, of.clinic, now, now)
    return {
        "since": since,
        "last_session": last["session"] if last else None,
        "next_session": coming[0]["session"] if coming else None,
        "missed_in_a_row": missed_in_a_row(case),
        "concerns": [concern["rule"] for concern in said["concerns"]],
        "measures": measures(case, since),
        "mood": mood(case, since),
        "entries_since": len(later),
        "entries": [fact["id"] for fact in reversed(later)][:100],
        "questions": [asked["question"] for asked in case.questions_asked if is_waiting(case, asked)],
        "strategies": strategies(case, since),
        "rating": rating(case),
    }


def ids(facts: list[Plain]) -> set[str]:
    """Their ids."""
    return {fact["id"] for fact in facts}


def was_held(session: Plain) -> bool:
    """Attended, late, or not marked but rated."""
    if session.get("attendance") is None:
        return bool(session.get("rating"))
    return session["attendance"] in THERE


def end_of(session: Plain) -> datetime:
    """When a session is planned to end; 50 minutes after it begins where that is not said."""
    if session.get("ends_at"):
        return instant(session["ends_at"])
    return instant(session["scheduled_at"]) + timedelta(minutes=50)


def missed_in_a_row(case: Case) -> int:
    """Sessions not attended or cancelled by the patient since the last one attended."""
    count = 0
    for session in case.sessions:
        if instant(session["scheduled_at"]) > case.now:
            continue
        if session.get("attendance") in THERE:
            count = 0
        elif session.get("attendance") in MISSED:
            count += 1
    return count


def measures(case: Case, since: datetime) -> list[Plain]:
    """Of each instrument the last valid score of this episode up to `since`, and the last one after it."""
    since_day = counts_from(case.patient)
    in_force = dict(rules_chosen(case.clinic, case.now))
    thresholds = in_force.get("reliable_deterioration", PARAMETERS["reliable_deterioration"])
    found = []
    for instrument in sorted({form["instrument"] for form in case.questionnaires}):
        scored = [
            form
            for form in case.questionnaires
            if form["instrument"] == instrument
            and form.get("score") is not None
            and (since_day is None or day(form["local_day"]) >= since_day)
        ]
        if not scored:
            continue
        before = [form["score"] for form in scored if instant(form["occurred_at"]) <= since]
        after = [form["score"] for form in scored if instant(form["occurred_at"]) > since]
        change = round(after[-1] - before[-1], 4) if before and after else None
        threshold = thresholds.get(instrument)
        says = None
        if change is not None and threshold is not None:
            says = "no_reliable_change"
            if not below(abs(change), threshold):
                says = "reliable_deterioration" if change > 0 else "reliable_improvement"
        found.append(
            {
                "instrument": instrument,
                "then": before[-1] if before else None,
                "now": after[-1] if after else None,
                "change": change,
                "threshold": threshold,
                "says": says,
            }
        )
    return found


def mood(case: Case, since: datetime) -> Plain:
    """Means of the check-ins in the 28 days up to `since`, and after it."""
    before = [one["mood"] for one in case.check_ins if since - days(28) < instant(one["occurred_at"]) <= since]
    after = [one["mood"] for one in case.check_ins if instant(one["occurred_at"]) > since]
    return {
        "before_mean": sum(before) / len(before) if len(before) >= LEAST else None,
        "before_entries": len(before),
        "since_mean": sum(after) / len(after) if len(after) >= LEAST else None,
        "since_entries": len(after),
    }


def is_waiting(case: Case, asked: Plain) -> bool:
    """Whether nobody has answered a question, and the patient has not settled it."""
    handling = case.handlings.get(asked["question"])
    return handling is None or (not handling.get("deleted") and handling.get("status", "open") == "open")


def strategies(case: Case, since: datetime) -> list[Plain]:
    """What was tried since then, the most often tried first."""
    tried = [fact for fact in case.facts if "strategy" in fact and instant(fact["occurred_at"]) > since]
    found = []
    for name in {fact["strategy"] for fact in tried}:
        of_it = [fact for fact in tried if fact["strategy"] == name]
        rated = [one for one in of_it if one.get("before") is not None and one.get("after") is not None]
        changes = [one["after"] - one["before"] for one in rated]
        mean = sum(changes) / len(changes) if changes else None
        found.append({"strategy": name, "times": len(of_it), "rated": len(rated), "mean_change": mean})
    return sorted(found, key=lambda one: (-one["times"], one["strategy"]))


def rating(case: Case) -> Plain | None:
    """The last session rated, its mean, and the mean of the ratings before."""
    rated = sorted(
        (session for session in case.sessions if session.get("rating")),
        key=lambda session: (instant(session["rating"]["rated_at"]), session["session"]),
    )
    if not rated:
        return None
    means = [sum(session["rating"][question] for question in FIVE_QUESTIONS) / 5 for session in rated]
    earlier = means[:-1]
    return {
        "session": rated[-1]["session"],
        "mean": means[-1],
        "mean_before": sum(earlier) / len(earlier) if earlier else None,
        "earlier": len(earlier),
    }


def brief_differences(expected: Plain, actual: Plain) -> list[str]:
    """Where a brief as it was answered differs from the oracle's, a line for each; means may differ in rounding."""

    def named(part: Plain | None, name: str) -> Any:
        return None if part is None else part[name]

    said = {
        "since": instant(actual["since"]),
        "last_session": named(actual["last_session"], "session"),
        "next_session": named(actual["next_session"], "session"),
        "missed_in_a_row": actual["missed_in_a_row"],
        "concerns": [concern["rule"] for concern in actual["concerns"]],
        "measures": actual["measures"],
        "mood": actual["mood"],
        "entries_since": actual["entries_since"],
        "entries": [entry["id"] for entry in actual["entries"]],
        "questions": [question["question"] for question in actual["questions"]],
        "strategies": actual["strategies"],
        "rating": actual["rating"],
    }
    return [
        f"{name}: expected {value}, actual {said[name]}"
        for name, value in expected.items()
        if not _agrees(value, said[name])
    ]


def _agrees(expected: Any, actual: Any) -> bool:
    if isinstance(expected, dict) and isinstance(actual, dict):
        return all(_agrees(value, actual[name]) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(_agrees, expected, actual))
    if isinstance(expected, float) and isinstance(actual, int | float):
        return abs(expected - actual) <= 0.005 + 1e-9
    return bool(expected == actual)
