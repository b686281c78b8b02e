"""Crisis language, questions overdue and lingering: rules 7 to 9 of docs/rules.md, slow and obvious."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.oracle.case import Case
from tests.oracle.plain import Plain, days, instant

Make = Callable[..., Plain]


def told(identity: str, at: datetime, origin: str, urgency: str) -> Plain:
    """One piece of telling evidence."""
    return {"id": identity, "at": at, "origin": origin, "urgency": urgency}


# 7 ------------------------------------------------------------------------------------------------------------------


def crisis_language(case: Case, parameters: dict[str, float], make: Make) -> Plain | None:
    """Texts in which the screen at the door found words of a crisis."""

    def found(written: Plain) -> bool:
        return bool((written.get("screening") or {}).get("crisis_language"))

    texts = [(instant(fact["occurred_at"]), fact["id"], fact["origin"]) for fact in case.facts if found(fact)]
    for session in case.sessions:
        rating = session.get("rating")
        if rating and found(rating):
            name = f"rating:{session['session']}"
            texts.append((instant(rating["rated_at"]), name, rating.get("origin", "live")))
    texts.sort()
    recent = [text for text in texts if text[0] + days(parameters["days"]) > case.now]
    to_tell = [
        text
        for text in texts
        if (text[2] == "import" and text in recent)
        or (text[2] != "import" and text[0] + days(parameters["tell_days"]) > case.now)
    ]
    if not recent and not to_tell:
        return None
    stretches: list[list[datetime]] = []
    for at, _, _ in texts:
        if stretches and at <= stretches[-1][1]:
            stretches[-1][1] = at + days(parameters["days"])
        else:
            stretches.append([at, at + days(parameters["days"])])
    not_over = [begins for begins, until in stretches if until > case.now]
    return make(
        holds=bool(recent),
        since=not_over[0] if not_over else None,
        numbers={"texts": len([text for text in texts if text in recent or text in to_tell])},
        telling=[told(name, at, origin, "at_once") for at, name, origin in to_tell],
        chart=None,
    )


# 8 ------------------------------------------------------------------------------------------------------------------


def target_in(document: Plain | None) -> datetime | None:
    """The target a question's fact or handling gives."""
    triage = (document or {}).get("triage")
    return instant(triage["target_at"]) if triage else None


def target_of(case: Case, asked: Plain) -> datetime | None:
    """The target in force."""
    return target_in(case.handlings.get(asked["question"])) or target_in(asked)


def question_overdue(case: Case, make: Make) -> Plain | None:
    """A question past the target of what it is about."""
    late = []
    for asked in case.questions_asked:
        handling: Plain = case.handlings.get(asked["question"]) or {}
        target = target_of(case, asked)
        if handling.get("deleted") or handling.get("status", "open") != "open" or target is None:
            continue
        if case.horizon >= target:
            own = asked["id"]
            if target != target_in(asked):
                own += f"/{(target - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)}"
            late.append(told(own, target, asked["origin"], "working_hours"))
    if not late:
        return None
    return make(
        holds=True,
        since=min(one["at"] for one in late),
        numbers={"overdue": len(late)},
        telling=late,
        chart=None,
    )


# 9 ------------------------------------------------------------------------------------------------------------------


def lingering_question(case: Case, parameters: dict[str, float], make: Make) -> Plain | None:
    """A question that was not settled by the patient's word when a session ended."""
    wait = timedelta(hours=parameters["hours_after"])
    ended: list[tuple[datetime, str]] = []
    for session in case.sessions:
        if session.get("attendance") in {"attended", "late"}:
            ends: Any = session.get("ends_at")
            end = instant(ends) if ends else instant(session["scheduled_at"]) + timedelta(minutes=50)
            ended.append((end, session["session"]))
    lingering, firsts = [], []
    for asked in case.questions_asked:
        handling: Plain = case.handlings.get(asked["question"]) or {}
        if handling.get("deleted") or handling.get("status") == "settled":
            continue
        outlived = sorted(
            (end, session)
            for end, session in ended
            if instant(asked["occurred_at"]) < end and end + wait <= case.horizon
        )
        if outlived:
            end, session = outlived[-1]
            firsts.append(outlived[0][0] + wait)
            lingering.append(told(f"{asked['question']}/{session}", end + wait, asked["origin"], "working_hours"))
    if not lingering:
        return None
    return make(holds=True, since=min(firsts), numbers={"lingering": len(lingering)}, telling=lingering, chart=None)
