"""Outcomes of episodes of care, as docs/outcomes.md words them: counted from plain documents and facts."""

from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.case import Case
from tests.oracle.entries import Inputs
from tests.oracle.missed import THERE
from tests.oracle.plain import Plain, day, instant, settings_at

CASENESS = {"phq9": 10, "gad7": 8}
RELIABLE_CHANGE = {"phq9": 6, "gad7": 4}
NATIONAL_SD = {"phq9": 6.1, "gad7": 5.1}
FEWEST = 5
"""A count from 1 to one below it is not shown."""

PARTS = [
    ("ended", ("completed", "not_completed")),
    ("completed", ("cases", "not_a_case")),
    ("cases", ("recovery", "not_recovered")),
    ("cases", ("reliable_recovery", "not_reliably_recovered")),
    ("recovery", ("reliable_recovery", "recovered_only")),
    ("completed", ("reliable_improvement", "reliable_deterioration", "no_reliable_change", "not_classified")),
]
"""Which numbers add up to which."""
UNSEEN = {"not_completed", "not_recovered", "not_reliably_recovered", "recovered_only"}
"""Numbers that no report has: a 0 among them is nobody's to subtract."""
RATES = {
    "recovery": "cases",
    "reliable_recovery": "cases",
    "reliable_improvement": "completed",
    "reliable_deterioration": "completed",
    "no_reliable_change": "completed",
    "not_classified": "completed",
}
"""Every rate and its denominator."""


def ended_episodes(inputs: dict[str, Inputs], since: date, until: date, now: Any) -> list[Plain]:
    """What came of every episode of care that ended from `since` to `until`, both inclusive.

    The GAD-7 is the anxiety measure: no clinic here names another (`outcome_measures`).
    """
    found = []
    for of in inputs.values():
        case = Case(of.facts, of.patient, of.sessions, of.questions, of.clinic, now, now)
        zone = ZoneInfo(settings_at(case.clinic, case.now)["zone"])
        attended = [
            instant(session["scheduled_at"]).astimezone(zone).date()
            for session in case.sessions
            if session.get("attendance") in THERE
            and session.get("kind", "treatment") not in ("assessment", "follow_up")
        ]
        for episode in (case.patient or {}).get("episodes", []):
            if episode.get("ended_on") and since <= day(episode["ended_on"]) <= until:
                found.append(_outcome(case.questionnaires, attended, episode))
    return found


def _outcome(questionnaires: list[Plain], attended: list[date], episode: Plain) -> Plain:
    begins, ends = day(episode["referred_on"]), day(episode["ended_on"])
    contacts = len([on for on in attended if begins <= on <= ends])
    scores = {
        measure: [
            form["score"]
            for form in questionnaires
            if form["instrument"] == measure
            and form.get("score") is not None
            and begins <= day(form["local_day"]) <= ends
        ]
        for measure in CASENESS
    }
    firsts = {measure: of[0] if of else None for measure, of in scores.items()}
    lasts = {measure: of[-1] if len(of) > 1 else None for measure, of in scores.items()}
    return {
        "clinician": episode.get("clinician"),
        "ended_on": ends,
        "completed": contacts >= 2,
        **judged(firsts, lasts),
    }


def judged(firsts: Plain, lasts: Plain) -> Plain:
    """Case, recovery and reliable change of first and last scores by measure; None: there is none."""
    case: bool | None = None
    if any((firsts[measure] or 0) >= CASENESS[measure] for measure in CASENESS):
        case = True
    elif None not in [firsts[measure] for measure in CASENESS]:
        case = False
    classified = all(firsts[measure] is not None and lasts[measure] is not None for measure in CASENESS)
    fell = [classified and firsts[m] - lasts[m] >= RELIABLE_CHANGE[m] for m in CASENESS]
    rose = [classified and lasts[m] - firsts[m] >= RELIABLE_CHANGE[m] for m in CASENESS]
    recovery = classified and case is True and all(lasts[m] < CASENESS[m] for m in CASENESS)
    improved = any(fell) and not any(rose)
    worse = any(rose) and not any(fell)
    return {
        "firsts": firsts,
        "lasts": lasts,
        "case": case,
        "classified": classified,
        "recovery": recovery,
        "reliable_improvement": improved,
        "reliable_recovery": recovery and improved,
        "reliable_deterioration": worse,
        "no_reliable_change": classified and not improved and not worse,
    }


def counted(episodes: list[Plain]) -> dict[str, int]:
    """All counts of a group of episodes, before any is hidden."""
    completed = [one for one in episodes if one["completed"]]
    cases = [one for one in completed if one["case"] is not False]

    def count(of: list[Plain], name: str) -> int:
        return len([one for one in of if one[name]])

    return {
        "ended": len(episodes),
        "completed": len(completed),
        "not_completed": len(episodes) - len(completed),
        "cases": len(cases),
        "not_a_case": len(completed) - len(cases),
        "recovery": count(completed, "recovery"),
        "not_recovered": len(cases) - count(completed, "recovery"),
        "reliable_recovery": count(completed, "reliable_recovery"),
        "not_reliably_recovered": len(cases) - count(completed, "reliable_recovery"),
        "recovered_only": count(completed, "recovery") - count(completed, "reliable_recovery"),
        "reliable_improvement": count(completed, "reliable_improvement"),
        "reliable_deterioration": count(completed, "reliable_deterioration"),
        "no_reliable_change": count(completed, "no_reliable_change"),
        "not_classified": len(completed) - count(completed, "classified"),
    }


def hidden(counts: dict[str, int], besides: set[str]) -> set[str]:
    """What is not shown: 1 to 4, and what is hidden besides; of parts of a known whole, one more than a lone one."""
    found = {name for name, count in counts.items() if 1 <= count < FEWEST} | besides
    while True:
        more = _given_away(counts, found)
        if not more:
            return found
        found |= more


def _given_away(counts: dict[str, int], found: set[str]) -> set[str]:
    """What must be hidden besides, as a hidden number could be worked out from it."""
    for whole, parts in PARTS:
        lone = [name for name in parts if name in found]
        others = [name for name in parts if name not in found and counts[name] > 0]
        if not others and not UNSEEN & {*parts}:
            others = [name for name in parts if name not in found]
        if whole not in found and len(lone) == 1 and others:
            return {min(others, key=lambda name: counts[name])}
    return set()


def reports(episodes: list[Plain], group_of: Callable[[Plain], str] | None) -> dict[str, Plain]:
    """The report of everyone (""), and of each group by name, as GET /v1/outcomes answers."""
    groups: dict[str, list[Plain]] = {}
    if group_of is not None:
        for one in episodes:
            groups.setdefault(group_of(one), []).append(one)
    counts = {name: counted(of) for name, of in sorted(groups.items())}
    not_shown = {name: hidden(of, set()) for name, of in counts.items()}
    while True:
        alone = [(part, name) for part in counted([]) for name in [_lone(part, counts, not_shown)] if name is not None]
        if not alone:
            break
        part, name = alone[0]
        not_shown[name] = hidden(counts[name], {*not_shown[name], part})
    everyone = counted(episodes)
    return {"": _report(episodes, everyone, hidden(everyone, set()))} | {
        name: _report(of, counts[name], not_shown[name]) for name, of in sorted(groups.items())
    }


def _lone(part: str, counts: dict[str, dict[str, int]], not_shown: dict[str, set[str]]) -> str | None:
    """Where a part is hidden in one group alone, the group of the next smallest; a 0 where all of them is shown."""
    (first, *more) = [name for name in counts if part in not_shown[name]] or [""]
    if not first or more:
        return None
    shown = [(counts[name][part], name) for name in counts if name != first]
    able = [one for one in shown if one[0] > 0]
    if counts[first][part] not in range(1, FEWEST) and part not in UNSEEN:
        able = able or shown
    return min(able)[1] if able else None


def by_clinician(episode: Plain) -> str:
    """The clinician's id."""
    return episode["clinician"] or "nobody"


def by_quarter(episode: Plain) -> str:
    """Such as 2026-Q1."""
    on: date = episode["ended_on"]
    return f"{on.year}-Q{(on.month - 1) // 3 + 1}"


def _report(episodes: list[Plain], counts: dict[str, int], not_shown: set[str]) -> Plain:
    def shown(name: str) -> int | None:
        return None if name in not_shown else counts[name]

    said: Plain = {name: shown(name) for name in ("ended", "completed", "not_a_case")}
    for name, whole in RATES.items():
        count, of = shown(name), shown(whole)
        rate = count / of if count is not None and of else None
        said[name] = {"count": count, "of": of, "rate": rate}
    said["effects"] = [_effect(measure, [one for one in episodes if one["completed"]]) for measure in CASENESS]
    return said


def _effect(measure: str, completed: list[Plain]) -> Plain:
    both = [(one["firsts"][measure], one["lasts"][measure]) for one in completed if one["lasts"][measure] is not None]
    nothing: Plain = {"measure": measure, "mean_first": None, "mean_last": None, "effect_size": None}
    if len(both) < FEWEST:
        return nothing | {"paired": None if both else 0}
    first, last = sum(a for a, _ in both) / len(both), sum(b for _, b in both) / len(both)
    return {
        "measure": measure,
        "paired": len(both),
        "mean_first": first,
        "mean_last": last,
        "effect_size": (first - last) / NATIONAL_SD[measure],
    }


def report_differences(expected: Plain, actual: Plain) -> list[str]:
    """Where a report as it was answered differs from the oracle's; rates to four decimals, means to two."""
    found = [
        f"{name}: expected {expected[name]}, actual {actual[name]}"
        for name in ("ended", "completed", "not_a_case")
        if expected[name] != actual[name]
    ]
    for name in RATES:
        ours, theirs = expected[name], actual[name]
        same = (ours["count"], ours["of"]) == (theirs["count"], theirs["of"])
        if not same or not _near(ours["rate"], theirs["rate"], 0.00005):
            found.append(f"{name}: expected {ours}, actual {theirs}")
    for ours, theirs in zip(expected["effects"], actual["effects"], strict=True):
        names = ("mean_first", "mean_last", "effect_size")
        same = (ours["measure"], ours["paired"]) == (theirs["measure"], theirs["paired"])
        if not same or not all(_near(ours[name], theirs[name], 0.005) for name in names):
            found.append(f"effect: expected {ours}, actual {theirs}")
    return found


def _near(one: float | None, other: float | None, apart: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= apart + 1e-9
