"""The rules, as docs/rules.md words them, in its order and with its names; those about harm stand in `risk`."""

import statistics
from collections.abc import Callable
from datetime import UTC, date
from typing import Any

from tests.oracle.asking import first_due
from tests.oracle.case import Case
from tests.oracle.choosing import is_past, newest_of_each_kind, rules_chosen
from tests.oracle.inquiring import crisis_language, lingering_question, question_overdue, target_of
from tests.oracle.measures import chart, forms_of, judged, scores_of
from tests.oracle.missed import missed_sessions
from tests.oracle.moods import mood_instability, mood_shift, mood_shift_up, sample_sd
from tests.oracle.outcomes import not_on_track, relapse, stalled
from tests.oracle.plain import (
    Plain,
    below,
    closing_time,
    day,
    days,
    instant,
    settings_at,
)
from tests.oracle.risk import risk_item, risk_item_rising, risk_item_skipped
from tests.oracle.said import concern, evidence

FIVE_QUESTIONS = (
    "felt_welcome",
    "room_was_comfortable",
    "felt_listened_to",
    "worked_on_what_matters",
    "questions_were_answered",
)


def assess(
    facts: list[Plain],
    patient: Plain | None,
    sessions: list[Plain],
    questions: list[Plain],
    clinic: Plain | None,
    now: Any,
    horizon: Any,
) -> Plain:
    """What docs/rules.md says of one patient.

    facts: check-ins, questionnaires and questions asked as they are on the topics, each with its event's `id`;
    documents as on the topics (older versions may be among them); instants as ISO strings or aware datetimes.
    Gives registered, entries, last_heard and concerns; every concern with rule, holds, since, numbers, parameters,
    telling and chart.
    """
    case = Case(facts, patient, sessions, questions, clinic, now, horizon)
    concerns = []
    case.parameters = dict(rules_chosen(case.clinic, case.now))
    for rule, parameters in case.parameters.items():
        found = RULES[rule](case, parameters)
        if found is not None and not (case.patient and case.patient.get("status") == "deceased"):
            found["telling"] = [one for one in found["telling"] if not is_past(rule, one, case)]
            found["telling"] = newest_of_each_kind(found["telling"], case)
            if found["holds"] or found["telling"]:
                concerns.append({"rule": rule, "parameters": parameters, **found})
    return {
        "registered": case.patient is not None,
        "entries": len(case.facts),
        "last_heard": instant(case.facts[-1]["occurred_at"]) if case.facts else None,
        "concerns": concerns,
    }


# 2 ------------------------------------------------------------------------------------------------------------------


def reliable_deterioration(case: Case, parameters: dict[str, float]) -> Plain | None:
    """A score reliably worse than the first valid score of the episode of care."""
    numbers: Plain = {}
    begun: list[Plain] = []
    shown = None
    for measure, (_, _, worse) in judged(case).items():
        scored = scores_of(case, measure)
        began, unfinished = open_deterioration(forms_of(case, measure), parameters[measure], worse)
        if began is None:
            continue
        begun.append(began)
        if unfinished is not None:
            numbers[f"{measure}_at_{'least' if worse > 0 else 'most'}"] = unfinished
        numbers[f"{measure}_first"] = scored[0]["score"]
        numbers[f"{measure}_latest"] = scored[-1]["score"]
        shown = shown or measure
    if shown is None:
        return None
    return concern(
        holds=True,
        since=min(instant(form["occurred_at"]) for form in begun),
        numbers=numbers,
        telling=[evidence(f["id"], instant(f["occurred_at"]), f["origin"], "at_once") for f in begun],
        chart=chart(case, shown),
    )


def open_deterioration(forms: list[Plain], threshold: float, more_is_worse: int) -> tuple[Plain | None, Any]:
    """The questionnaire that began the deterioration which is still open at the end, if one is; and what the last one
    with items left out comes to by itself, where it is worse and no valid score came after it.

    Such a form counts by the end of its range that claims the least, and never as being better again. Two scores that
    are not worse end it if they are of two days.
    """
    began: Plain | None = None
    first: Any = None
    unfinished: Any = None
    days_not_worse: set[date] = set()
    for form in forms:
        if first is None:
            first = form["score"] if form["full"] else None
            continue
        value = form["lowest"] if more_is_worse > 0 else form["highest"]
        worse = not below(more_is_worse * (value - first), threshold)
        if form["full"]:
            unfinished = None
        elif worse:
            unfinished = value
        if worse:
            began = began or form
            days_not_worse = set()
        elif form["full"]:
            days_not_worse.add(day(form["local_day"]))
        if len(days_not_worse) == 2:
            began, days_not_worse = None, set()
    return began, unfinished


# 4 ------------------------------------------------------------------------------------------------------------------


def gone_quiet(case: Case, parameters: dict[str, float]) -> Plain | None:
    """Nothing from an active patient for longer than is usual for them."""
    if case.patient is None or case.patient.get("status", "active") != "active":
        return None
    observed = sorted({day(fact["local_day"]) for fact in case.counted})
    gaps = [(observed[i + 1] - observed[i]).days for i in range(len(observed) - 1)]
    last_gaps = gaps[-int(parameters["gaps"]) :]
    median = statistics.median(last_gaps) if last_gaps else None
    allowed = parameters["min_days"]
    if median is not None:
        allowed = max(allowed, parameters["factor"] * median)

    if case.facts:
        last = case.facts[-1]
        name, origin, heard = last["id"], last["origin"], instant(last["occurred_at"])
    else:
        # nobody is silent before we had heard of them
        known = [case.patient[name] for name in ("registered_at", "created_at") if case.patient.get(name)]
        name, origin, heard = "registration", "live", max(map(instant, known))
    due = heard + days(allowed)
    missed = int(parameters["missed"])
    asked = first_due(case.clinic, case.patient, case.sessions, heard, missed)
    protocol_decides = False
    if len(asked) == missed:
        asked_due = max(heard + days(parameters["min_days"]), *(expires for _, _, expires in asked))
        protocol_decides = median is None or asked_due <= due  # it never makes the rule later than their own rhythm
    if protocol_decides:
        due, allowed = asked_due, (asked_due - heard) / days(1)
    if case.horizon < due:
        return None
    return concern(
        holds=True,
        since=due,
        numbers={
            "days_allowed": allowed,
            "median_gap": median,
            **({"missed": missed} if protocol_decides else {}),
        },
        telling=[evidence(f"gone_quiet:{name}", due, origin, "working_hours")],
        chart=None,
    )


# 5 ------------------------------------------------------------------------------------------------------------------


def question_unanswered(case: Case, parameters: dict[str, float]) -> Plain | None:
    """A question past the time in which the clinic means to answer."""
    overdue = []
    watched_elsewhere = "question_overdue" in [rule for rule, _ in rules_chosen(case.clinic, case.now)]
    for asked in case.questions_asked:
        if watched_elsewhere and target_of(case, asked) is not None:
            continue
        handling = case.handlings.get(asked["question"])
        if handling is not None and (handling.get("deleted") or handling.get("status", "open") != "open"):
            continue
        asked_at = instant(asked["occurred_at"])
        due = closing_time(settings_at(case.clinic, asked_at), asked_at, int(parameters["working_days"]))
        if case.horizon >= due:
            overdue.append(evidence(asked["id"], due, asked["origin"], "working_hours"))
    if not overdue:
        return None
    return concern(
        holds=True,
        since=min(late["at"] for late in overdue),
        numbers={"unanswered": len(overdue)},
        telling=overdue,
        chart=None,
    )


# 6 ------------------------------------------------------------------------------------------------------------------


def rating_drop(case: Case, parameters: dict[str, float]) -> Plain | None:
    """The last session rated clearly lower than the ones before."""
    rated = sorted(
        (session for session in case.sessions if session.get("rating")),
        key=lambda session: (instant(session["rating"]["rated_at"]), session["session"]),
    )
    means = [sum(session["rating"][question] for question in FIVE_QUESTIONS) / 5 for session in rated]
    if len(means) < max(parameters["earlier"], 1) + 1:
        return None
    latest, previous, earlier = means[-1], means[-2], means[:-1]
    earlier_mean, sd = statistics.fmean(earlier), sample_sd(earlier)
    dropped = not below(previous - latest, max(sd, parameters["min_drop"]))
    far_below = below(latest, earlier_mean - parameters["sd_factor"] * sd)
    fell_twice = len(means) >= 3 and below(latest, previous) and below(previous, means[-3])
    if not (dropped or far_below or fell_twice):
        return None
    last = rated[-1]
    rated_at = instant(last["rating"]["rated_at"])
    return concern(
        holds=True,
        since=rated_at,
        numbers={"latest": latest, "previous": previous, "earlier_mean": earlier_mean, "earlier_sd": float(sd)},
        telling=[
            evidence(f"rating:{last['session']}", rated_at, last["rating"].get("origin", "live"), "working_hours"),
        ],
        chart={
            "measure": "rating",
            "minimum": 0,
            "maximum": 10,
            "points": [
                (instant(session["rating"]["rated_at"]).astimezone(UTC).date(), round(mean, 4))
                for session, mean in list(zip(rated, means, strict=True))[-12:]
            ],
        },
    )


RULES: dict[str, Callable[[Case, dict[str, float]], Plain | None]] = {
    "risk_item": risk_item,
    "risk_item_rising": risk_item_rising,
    "risk_item_skipped": risk_item_skipped,
    "crisis_language": lambda case, parameters: crisis_language(case, parameters, concern),
    "reliable_deterioration": reliable_deterioration,
    "relapse": relapse,
    "not_on_track": not_on_track,
    "stalled": stalled,
    "mood_shift": mood_shift,
    "mood_shift_up": mood_shift_up,
    "mood_instability": mood_instability,
    "gone_quiet": gone_quiet,
    "question_unanswered": question_unanswered,
    "rating_drop": rating_drop,
    "question_overdue": lambda case, _: question_overdue(case, concern),
    "lingering_question": lambda case, parameters: lingering_question(case, parameters, concern),
    "missed_sessions": missed_sessions,
}
