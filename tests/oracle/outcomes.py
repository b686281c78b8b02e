"""Relapse, not on track and stalled, as docs/rules.md words them (2.1 to 2.3)."""

from datetime import date
from math import log
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.case import Case, counts_from
from tests.oracle.measures import chart, forms_of, judged, scores_of
from tests.oracle.plain import Plain, below, day, instant, settings_at
from tests.oracle.said import concern, evidence


def relapse(case: Case, parameters: dict[str, float]) -> Plain | None:
    """At or over caseness, and reliably above the best of the episode, which was below it."""
    numbers: Plain = {}
    begun: list[Plain] = []
    told: list[Plain] = []
    shown = None
    for measure, (_, _, worse) in judged(case).items():
        if f"{measure}_caseness" not in parameters:
            continue
        forms = forms_of(case, measure)
        values = [worse * (form["lowest"] if worse > 0 else form["highest"]) for form in forms]
        caseness, change = worse * parameters[f"{measure}_caseness"], parameters[f"{measure}_change"]
        began = open_relapse(forms, values, caseness, change)
        if began is None:
            continue
        form = forms[began]
        begun.append(form)
        shown = shown or measure
        numbers[f"{measure}_best"] = worse * best_before(forms, values, began)
        numbers[f"{measure}_latest"] = scores_of(case, measure)[-1]["score"]
        threshold = case.parameters.get("reliable_deterioration", {}).get(measure)
        if threshold is None or below(values[began] - worse * scores_of(case, measure)[0]["score"], threshold):
            told.append(evidence(form["id"], instant(form["occurred_at"]), form["origin"], "at_once"))
    if shown is None:
        return None
    return concern(
        holds=True,
        since=min(instant(form["occurred_at"]) for form in begun),
        numbers=numbers,
        telling=told,
        chart=chart(case, shown),
    )


def open_relapse(forms: list[Plain], values: list[Any], caseness: float, change: float) -> int | None:
    """Which form began the relapse still open at the end; two valid scores below caseness of two days end one."""
    began: int | None = None
    days_under: set[date] = set()
    for index, value in enumerate(values):
        if below(value, caseness):
            if forms[index]["full"]:
                days_under.add(day(forms[index]["local_day"]))
            if len(days_under) == 2:
                began, days_under = None, set()
            continue
        days_under = set()
        best = best_before(forms, values, index)
        if began is None and best is not None and below(best, caseness) and not below(value - best, change):
            began = index
    return began


def best_before(forms: list[Plain], values: list[Any], index: int) -> Any:
    """The least of the values before, of valid scores alone; None where there is none."""
    return min((value for form, value in zip(forms[:index], values, strict=False) if form["full"]), default=None)


def clinic_day(case: Case, at: Any) -> date:
    """The day of an instant on the clinic's calendar."""
    return instant(at).astimezone(ZoneInfo(settings_at(case.clinic, case.now)["zone"])).date()


def sessions_by(case: Case, at: Any) -> int:
    """Attended sessions of this episode up to the end of the clinic's day of an instant."""
    since_day = counts_from(case.patient)
    held = [
        clinic_day(case, session["scheduled_at"])
        for session in case.sessions
        if session.get("attendance") in {"attended", "late"}
    ]
    today = clinic_day(case, at)
    return sum(on <= today and (since_day is None or on >= since_day) for on in held)


def stalled(case: Case, parameters: dict[str, float]) -> Plain | None:
    """A start at caseness, some attended sessions, and no reliable change for the better."""
    numbers: Plain = {}
    since = []
    shown = None
    for measure, (_, _, worse) in judged(case).items():
        forms = scores_of(case, measure)
        if f"{measure}_caseness" not in parameters or not forms:
            continue
        first = forms[0]["score"]
        if below(worse * first, worse * parameters[f"{measure}_caseness"]):
            continue
        start = None
        for form in forms[1:]:
            unchanged = below(worse * (first - form["score"]), parameters[f"{measure}_change"])
            if not unchanged or sessions_by(case, form["occurred_at"]) < parameters["sessions"]:
                start = None
            elif start is None:
                start = instant(form["occurred_at"])
        if start is None:
            continue
        since.append(start)
        shown = shown or measure
        numbers[f"{measure}_first"], numbers[f"{measure}_latest"] = first, forms[-1]["score"]
        numbers[f"{measure}_sessions"] = sessions_by(case, forms[-1]["occurred_at"])
    if shown is None:
        return None
    return concern(holds=True, since=min(since), numbers=numbers, telling=[], chart=chart(case, shown))


def not_on_track(case: Case, parameters: dict[str, float]) -> Plain | None:
    """A score worse than nine in ten of the clinic's own had by that session."""
    model = settings_at(case.clinic, case.now)["expected_response"]
    numbers: Plain = {}
    told: list[Plain] = []
    since = []
    shown = None
    for measure, (_, _, worse) in judged(case).items():
        forms = scores_of(case, measure)
        if not forms or f"{measure}_change" not in parameters:
            continue
        bands = [
            band
            for band in model["measures"].get(measure, [])
            if band["first_from"] <= forms[0]["score"] <= band["first_to"]
        ]
        if not bands:
            continue
        found = _off_track(case, forms, bands[0], worse, parameters, parameters[f"{measure}_change"])
        if not found:
            continue
        last = found[-1]
        session = sessions_by(case, last["occurred_at"])
        expected, bound = _expectation(bands[0], session, worse)
        numbers |= {
            f"{measure}_first": forms[0]["score"],
            f"{measure}_latest": forms[-1]["score"],
            f"{measure}_sessions": session,
            f"{measure}_expected": expected,
            f"{measure}_bound": bound,
        }
        shown = shown or measure
        since.append(instant(found[0]["occurred_at"]))
        for form in [found[0], last] if len(found) > 1 else found:
            told.append(evidence(form["id"], instant(form["occurred_at"]), form["origin"], "working_hours"))
    if shown is None:
        return None
    return concern(holds=True, since=min(since), numbers=numbers, telling=told, chart=chart(case, shown))


def _expectation(band: Plain, session: int, worse: int) -> tuple[float, float]:
    at = min(max(session, 1), len(band["sd"]))
    expected = band["b0"] + band["b1"] * log(at)
    return expected, expected + worse * 1.2816 * band["sd"][at - 1]


def _off_track(
    case: Case, forms: list[Plain], band: Plain, worse: int, parameters: dict[str, float], change: float
) -> list[Plain]:
    """The score that began the stretch still open at the end, then each that was worth telling again."""
    found: list[Plain] = []
    days_as_expected: set[date] = set()
    for form in forms:
        session = sessions_by(case, form["occurred_at"])
        expected, bound = _expectation(band, session, worse)
        as_expected = not below(worse * expected, worse * form["score"])
        days_as_expected = days_as_expected | {day(form["local_day"])} if as_expected and found else set()
        outside = session >= parameters["from_session"] and below(worse * bound, worse * form["score"])
        if len(days_as_expected) >= 2:
            found = []
        elif not found:
            found = [form] if outside else []
        elif outside and not below(worse * (form["score"] - found[-1]["score"]), change):
            found.append(form)
    return found
