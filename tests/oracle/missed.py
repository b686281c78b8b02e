"""The rule about missed sessions, as docs/rules.md words it."""

from datetime import datetime, timedelta

from tests.oracle.case import Case
from tests.oracle.plain import Plain, days, instant

THERE = ("attended", "late")
MISSED = ("did_not_attend", "cancelled_by_patient")


def missed_sessions(case: Case, parameters: dict[str, float]) -> Plain | None:
    """Sessions missed in a row by an active patient; a single one not attended after an answer about harm above 0."""
    if case.patient is None or case.patient.get("status", "active") != "active":
        return None
    planned = sorted(case.sessions, key=lambda session: (instant(session["scheduled_at"]), session["session"]))
    run: list[Plain] = []
    for session in planned:
        if instant(session["scheduled_at"]) > case.now:
            continue
        if session.get("attendance") in THERE:
            run = []
        elif session.get("attendance") in MISSED:
            run.append(session)

    begins = None
    for place, session in enumerate(run):
        if begins is None and (place + 1 >= int(parameters["in_a_row"]) or pressing(case, session, parameters)):
            begins = place
    if begins is None:
        return None
    telling = [
        {
            "id": f"session/{session['session']}/{session['attendance']}",
            "at": instant(session["scheduled_at"]),
            "origin": "import" if recorded_long_after(session) else "live",
            "urgency": "at_once" if pressing(case, session, parameters) else "working_hours",
        }
        for session in run[begins:]
    ]
    return {
        "holds": True,
        "since": telling[0]["at"],
        "numbers": {
            "missed": len(run),
            "not_attended": len([session for session in run if session["attendance"] == "did_not_attend"]),
        },
        "telling": sorted(telling, key=lambda evidence: (evidence["at"], evidence["id"])),
        "chart": None,
    }


def pressing(case: Case, session: Plain, parameters: dict[str, float]) -> bool:
    """Whether a session was not attended, and the last answer to any question about harm before it above 0 and recent
    enough. A withdrawn form takes back nothing it said about harm.
    """
    if session["attendance"] != "did_not_attend":
        return False
    planned_for = instant(session["scheduled_at"])
    last: dict[tuple[str, str], tuple[int, datetime]] = {}
    for form in case.questionnaires_ever:
        given = instant(form["occurred_at"])
        for answer in form.get("risk_answers") or []:
            if given <= planned_for:
                last[form["instrument"], answer["item"]] = (answer["value"], given)
    reach = days(parameters["risk_days"])
    return any(value >= 1 and given + reach > planned_for for value, given in last.values())


def recorded_long_after(session: Plain) -> bool:
    """Whether what became of a session was recorded more than fourteen days after its time."""
    recorded = session.get("attendance_at") or session.get("updated_at")
    return recorded is not None and instant(recorded) - instant(session["scheduled_at"]) > timedelta(days=14)
