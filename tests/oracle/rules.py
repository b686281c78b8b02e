"""The rules, as docs/rules.md words them, in its order and with its names."""

import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.oracle.case import Case
from tests.oracle.measures import chart, judged, own_parameters, scores_of
from tests.oracle.moods import mood_instability, mood_shift, mood_shift_up, sample_sd
from tests.oracle.outcomes import not_on_track, relapse, stalled
from tests.oracle.parts import concern, evidence
from tests.oracle.plain import (
    Plain,
    below,
    closing_time,
    day,
    days,
    instant,
    settings_at,
)

SCORES: dict[str, float] = {"phq9_caseness": 10, "phq9_change": 6, "gad7_caseness": 8, "gad7_change": 4}
SHIFT: dict[str, float] = {
    "lambda": 0.1,
    "limit": 2.7,
    "baseline_days": 20,
    "baseline_span": 28,
    "sd_floor": 0.5,
    "gap_cap": 0,
    "stale_days": 0,
    "warm_up": 5,
    "renew_days": 0,
}
NOT_IN_STARTER = ("stalled", "mood_shift_up")
PARAMETERS: dict[str, dict[str, float]] = {
    "risk_item": {"tell_days": 90},
    "reliable_deterioration": {"phq9": 6, "gad7": 4},
    "relapse": SCORES,
    "not_on_track": {"from_session": 2, "phq9_change": 6, "gad7_change": 4},
    "stalled": {"sessions": 4} | SCORES,
    "mood_shift": SHIFT,
    "mood_shift_up": SHIFT,
    "mood_instability": {
        "days": 28,
        "pairs": 10,
        "factor": 2,
        "floor": 1,
        "baseline_days": 20,
        "baseline_span": 28,
    },
    "gone_quiet": {"min_days": 7, "factor": 3, "gaps": 20},
    "question_unanswered": {"working_days": 2},
    "rating_drop": {"earlier": 3, "min_drop": 0.5, "sd_factor": 2},
}
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
    case.parameters = dict(rules_in_force(case))
    for rule, parameters in case.parameters.items():
        concern = RULES[rule](case, parameters)
        if concern is not None and not (case.patient and case.patient.get("status") == "deceased"):
            concerns.append({"rule": rule, "parameters": parameters, **concern})
    return {
        "registered": case.patient is not None,
        "entries": len(case.facts),
        "last_heard": instant(case.facts[-1]["occurred_at"]) if case.facts else None,
        "concerns": concerns,
    }


def rules_in_force(case: Case) -> list[tuple[str, dict[str, float]]]:
    """The rules the clinic has chosen, in order, each with its parameters."""
    settings = settings_at(case.clinic, case.now)
    rule_set = settings["rule_set"]
    chosen = []
    for rule, defaults in PARAMETERS.items():
        choice = rule_set.get("rules", {}).get(rule)
        in_base = rule_set["base"] == "starter" and rule not in NOT_IN_STARTER
        enabled = in_base if choice is None else choice.get("enabled", True)
        if rule == "not_on_track" and not settings.get("expected_response"):
            enabled = False
        own = {} if choice is None else choice.get("parameters", {})
        if enabled:
            as_set = {name: own.get(name, default) for name, default in defaults.items()}
            chosen.append((rule, as_set | own_parameters(case, rule)))
    return chosen


# 1 ------------------------------------------------------------------------------------------------------------------


def risk_item(case: Case, parameters: dict[str, float]) -> Plain | None:
    """A questionnaire's answer about harm above 0, while in its recall; telling for 90 days."""

    def value(form: Plain) -> int:
        return max(int(answer["value"]) for answer in form["risk_answers"])

    def ends(form: Plain) -> datetime:
        return instant(form["occurred_at"]) + days(max(answer["recall_days"] for answer in form["risk_answers"]))

    def urgency(form: Plain) -> str:
        urgent = any(a["value"] >= 1 and a["value"] >= a["urgent_from"] for a in form["risk_answers"])
        return "at_once" if urgent else "working_hours"

    answered = [form for form in case.questionnaires if form.get("risk_answers")]
    above_zero = [form for form in answered if value(form) >= 1]
    in_recall = [form for form in above_zero if ends(form) > case.now]
    to_tell = [
        form
        for form in above_zero
        if (form["origin"] == "import" and form in in_recall)
        or (form["origin"] != "import" and instant(form["occurred_at"]) + days(parameters["tell_days"]) > case.now)
    ]
    counted = [form for form in above_zero if form in in_recall or form in to_tell]
    if not counted:
        return None

    stretches: list[tuple[datetime, datetime]] = []
    for form in above_zero:
        begins, until = instant(form["occurred_at"]), ends(form)
        if stretches and begins <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], until))
        else:
            stretches.append((begins, until))
    not_over = [begins for begins, until in stretches if until > case.now]

    return concern(
        holds=bool(in_recall),
        since=not_over[0] if not_over else None,
        numbers={
            "highest": max(value(form) for form in counted),
            "latest": value(answered[-1]),
            "above_zero": len(counted),
        },
        telling=[evidence(f["id"], instant(f["occurred_at"]), f["origin"], urgency(f)) for f in to_tell],
        chart=None,
    )


# 2 ------------------------------------------------------------------------------------------------------------------


def reliable_deterioration(case: Case, parameters: dict[str, float]) -> Plain | None:
    """A score reliably worse than the first valid score of the episode of care."""
    numbers: Plain = {}
    begun: list[Plain] = []
    shown = None
    for measure, (_, _, worse) in judged(case).items():
        scored = scores_of(case, measure)
        began = open_deterioration(scored, parameters[measure], worse)
        if began is None:
            continue
        begun.append(began)
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


def open_deterioration(scored: list[Plain], threshold: float, more_is_worse: int) -> Plain | None:
    """The questionnaire that began the deterioration which is still open at the end, if one is."""
    began: Plain | None = None
    not_worse_running = 0
    for form in scored[1:]:
        worse = not below(more_is_worse * (form["score"] - scored[0]["score"]), threshold)
        not_worse_running = 0 if worse else not_worse_running + 1
        if worse and began is None:
            began = form
        if not_worse_running == 2:
            began = None
    return began


# 4 ------------------------------------------------------------------------------------------------------------------


def gone_quiet(case: Case, parameters: dict[str, float]) -> Plain | None:
    """Nothing from an active patient for longer than is usual for them."""
    if case.patient is None or case.patient.get("status", "active") != "active":
        return None
    observed = sorted({day(fact["local_day"]) for fact in case.facts})
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
    if case.horizon < due:
        return None
    return concern(
        holds=True,
        since=due,
        numbers={"days_allowed": allowed, "median_gap": median},
        telling=[evidence(f"gone_quiet:{name}", due, origin, "working_hours")],
        chart=None,
    )


# 5 ------------------------------------------------------------------------------------------------------------------


def question_unanswered(case: Case, parameters: dict[str, float]) -> Plain | None:
    """A question past the time in which the clinic means to answer."""
    overdue = []
    for asked in case.questions_asked:
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
}
