"""Which rules a clinic has chosen, and since when: a changed rule never pages anyone for the past."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.oracle.case import Case
from tests.oracle.measures import judged_with, own_parameters
from tests.oracle.plain import Plain, instant, settings_at, settings_history

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
PARAMETERS: dict[str, dict[str, float]] = {
    "risk_item": {"tell_days": 90},
    "risk_item_rising": {"within_days": 90, "at_once_from": 2},
    "risk_item_skipped": {"days": 30},
    "crisis_language": {"days": 14, "tell_days": 90},
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
    "gone_quiet": {"min_days": 7, "factor": 3, "gaps": 20, "missed": 3},
    "question_unanswered": {"working_days": 2},
    "rating_drop": {"earlier": 3, "min_drop": 0.5, "sd_factor": 2},
    "question_overdue": {},
    "lingering_question": {"hours_after": 1},
    "missed_sessions": {"in_a_row": 2, "risk_days": 90},
}

NOT_IN_STARTER = ("stalled", "mood_shift_up", "mood_instability")
INTRODUCED = dict.fromkeys(
    (
        "risk_item_rising",
        "risk_item_skipped",
        "crisis_language",
        "question_overdue",
        "lingering_question",
        "missed_sessions",
        "relapse",
        "not_on_track",
        "stalled",
        "mood_shift_up",
        "mood_instability",
    ),
    datetime(2026, 11, 23, tzinfo=UTC),
)
"""Rules the catalogue has not had from the beginning, with the day it got them."""
ABOUT_HARM = ("risk_item", "risk_item_rising", "risk_item_skipped", "crisis_language")
NO_OTHER_RULE = {"risk_item": ("tell_days",), "crisis_language": ("tell_days",), "risk_item_rising": ("at_once_from",)}
"""Parameters that may change without making it another rule."""


def chosen(settings: Plain) -> list[tuple[str, dict[str, float]]]:
    """The rules a clinic's settings choose, in order, with their parameters and those of the clinic's own measures."""
    rule_set, found = settings["rule_set"], []
    for rule, defaults in PARAMETERS.items():
        choice = rule_set.get("rules", {}).get(rule)
        in_base = rule_set["base"] == "starter" and rule not in NOT_IN_STARTER
        enabled = in_base if choice is None else choice.get("enabled", True)
        if rule == "not_on_track" and not settings.get("expected_response"):
            enabled = False
        own = {} if choice is None else choice.get("parameters", {})
        if enabled:
            as_set = {name: own.get(name, default) for name, default in defaults.items()}
            found.append((rule, as_set | own_parameters(settings, rule)))
    return found


def rules_chosen(clinic: Plain | None, at: datetime) -> list[tuple[str, dict[str, float]]]:
    """The rules in force at an instant."""
    return chosen(settings_at(clinic, at))


def told_from(rule: str, case: Case) -> datetime | None:
    """Since when a rule now in force has been so without a break and as the same rule; None: for ever."""

    def form(settings: Plain) -> Any:
        rules = dict(chosen(settings))
        if rule not in rules:
            return None
        same = {name: number for name, number in rules[rule].items() if name not in NO_OTHER_RULE.get(rule, ())}
        if rule == "risk_item_rising":
            return same, "risk_item" in rules
        if rule == "relapse":
            return same, rules.get("reliable_deterioration")
        if rule == "not_on_track":
            model = settings["expected_response"]["measures"]
            return same, {measure: model[measure] for measure in judged_with(settings) if measure in model}
        return same

    history = settings_history(case.clinic)
    now_in_force = settings_at(case.clinic, case.now)
    place = next(number for number, settings in enumerate(history) if settings is now_in_force)
    while place > 0 and form(history[place - 1]) == form(history[place]):
        place -= 1
    since = None if place == 0 else instant(history[place]["effective_from"])
    introduced = INTRODUCED.get(rule)
    return max((each for each in (since, introduced) if each is not None), default=None)


def newest_of_each_kind(telling: list[Plain], case: Case) -> list[Plain]:
    """At most 50 pieces each of what is imported or not, told at once or not: those accepted last; in their order.

    Of those accepted together the last that happened; where it is not known when, it counts as when it happened.
    """
    accepted = {fact["id"]: fact.get("accepted_at") for fact in case.facts}

    def later(one: Plain, other: Plain) -> bool:
        def place(piece: Plain) -> Any:
            return instant(accepted.get(piece["id"]) or piece["at"]), piece["at"], piece["id"]

        return bool(place(one) > place(other))

    def rank(one: Plain) -> int:
        alike = [
            other
            for other in telling
            if (other["origin"] == "import") == (one["origin"] == "import") and other["urgency"] == one["urgency"]
        ]
        return sum(later(other, one) for other in alike)

    return telling if len(telling) <= 50 else [one for one in telling if rank(one) < 50]


def is_past(rule: str, evidence: Plain, case: Case) -> bool:
    """Whether evidence is from before the rule was in force, so that nobody is told of it."""
    since = told_from(rule, case)
    if since is None or evidence["at"] >= since:
        return False
    if rule not in ABOUT_HARM:
        return True
    the_day_before = since - timedelta(hours=24)
    fact = next((fact for fact in case.facts if fact["id"] == evidence["id"]), {})
    accepted = fact.get("accepted_at")
    in_time = accepted is not None and instant(accepted) >= the_day_before
    return not (evidence["at"] >= the_day_before or in_time)
