"""Which questionnaires the rules about scores look at, and what a clinic's own cut-offs add."""

from typing import Any

from tests.oracle.case import Case, counts_from
from tests.oracle.plain import Plain, day, settings_at

OTHERS = {
    "phq4": (0, 12, 1), "core10": (0, 40, 1), "pcl5": (0, 80, 1), "k10-50": (10, 50, 1), "k10-40": (0, 40, 1),
    "who5": (0, 100, -1), "wsas-40": (0, 40, 1), "wsas-32": (0, 32, 1), "ors": (0, 40, -1), "srs": (0, 40, -1),
    "wai-sr": (1, 5, -1),
}  # fmt: skip
"""Built in beside PHQ-9 and GAD-7: least total, greatest, and whether more is worse (1) or better (-1)."""


def judged(case: Case) -> dict[str, tuple[Any, Any, int]]:
    """The measures in the order in which a concern names them."""
    return judged_with(settings_at(case.clinic, case.now))


def judged_with(settings: Plain) -> dict[str, tuple[Any, Any, int]]:
    """The same by a clinic's settings."""
    found: dict[str, tuple[Any, Any, int]] = {"phq9": (0, 27, 1), "gad7": (0, 21, 1)}
    known = dict(OTHERS)
    for scale in settings.get("scales", []):
        known[scale["name"]] = (scale["minimum"], scale["maximum"], 1 if scale.get("higher_is_worse", True) else -1)
    for name in sorted(settings.get("cut_offs", {})):
        if name in known and name not in found and settings["cut_offs"][name].get("reliable_change") is not None:
            found[name] = known[name]
    return found


def own_parameters(settings: Plain, rule: str) -> dict[str, float]:
    """The parameters a rule has besides its own, for the measures of the clinic's cut-offs."""
    found: dict[str, float] = {}
    for name in judged_with(settings):
        if name in {"phq9", "gad7"}:
            continue
        own = settings["cut_offs"][name]
        if rule == "reliable_deterioration":
            found[name] = own["reliable_change"]
        if rule == "not_on_track":
            found[f"{name}_change"] = own["reliable_change"]
        if rule in {"relapse", "stalled"} and own.get("caseness") is not None:
            found |= {f"{name}_caseness": own["caseness"], f"{name}_change": own["reliable_change"]}
    return found


def scores_of(case: Case, measure: str) -> list[Plain]:
    """The valid scores of one measure in the present episode of care, in order."""
    since_day = counts_from(case.patient)
    return [
        form
        for form in case.questionnaires
        if form["instrument"] == measure
        and form.get("score") is not None
        and (since_day is None or day(form["local_day"]) >= since_day)
    ]


def forms_of(case: Case, measure: str) -> list[Plain]:
    """The valid scores and, in the same order, the forms with items left out whose bounds are known.

    Each with `full`, and with `lowest` and `highest`: what its total can be; of a valid score both are the score.
    """
    since_day = counts_from(case.patient)
    found = []
    for form in case.questionnaires:
        if form["instrument"] != measure or (since_day is not None and day(form["local_day"]) < since_day):
            continue
        if form.get("score") is not None:
            found.append({**form, "full": True, "lowest": form["score"], "highest": form["score"]})
        elif (bounds := bounds_of(form)) is not None:
            found.append({**form, "full": False, "lowest": bounds[0], "highest": bounds[1]})
    return found


def bounds_of(form: Plain) -> tuple[Any, Any] | None:
    """Between which totals a form with items left out lies; None where nobody knows."""
    if form.get("partial"):
        return form["partial"]["least"], form["partial"]["most"]
    names = {"phq9": "123456789", "gad7": "1234567"}.get(form["instrument"], "")
    answered = [form["items"][name] for name in names if name in (form.get("items") or {})]
    if not answered or len(answered) == len(names):
        return None
    return sum(answered), sum(answered) + 3 * (len(names) - len(answered))


def chart(case: Case, measure: str) -> Plain:
    """The last up to twelve scores of a measure."""
    least, greatest, _ = judged(case)[measure]
    points = [(day(form["local_day"]), form["score"]) for form in scores_of(case, measure)]
    return {"measure": measure, "minimum": least, "maximum": greatest, "points": points[-12:]}
