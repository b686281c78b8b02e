"""The three rules about harm, as docs/rules.md words them."""

from datetime import datetime

from tests.oracle.case import Case
from tests.oracle.choosing import rules_chosen
from tests.oracle.plain import Plain, days, instant
from tests.oracle.said import concern, evidence


def value(form: Plain) -> int:
    """A questionnaire's risk value."""
    return max(int(answer["value"]) for answer in form["risk_answers"])


def ends(form: Plain) -> datetime:
    """The end of its recall."""
    return instant(form["occurred_at"]) + days(max(answer["recall_days"] for answer in form["risk_answers"]))


def how_urgent(form: Plain, rose: list[Plain], rising: dict[str, float] | None) -> str:
    """At once where an answer is urgent by itself, or rose by enough."""
    urgent = any(a["value"] >= 1 and a["value"] >= a["urgent_from"] for a in form["risk_answers"])
    far = rising is not None and any(rise["to"] - rise["from"] >= rising["at_once_from"] for rise in rose)
    return "at_once" if urgent or far else "working_hours"


def risk_item(case: Case, parameters: dict[str, float]) -> Plain | None:
    """A questionnaire's answer about harm above 0, while in its recall; telling for 90 days."""
    rising = dict(rules_chosen(case.clinic, case.now)).get("risk_item_rising")

    def urgency(form: Plain) -> str:
        rose = [] if rising is None else [rise for rise in rises(case, rising) if rise["form"] is form]
        return how_urgent(form, rose, rising)

    answered = [form for form in case.questionnaires_ever if form.get("risk_answers")]
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


def rises(case: Case, parameters: dict[str, float]) -> list[Plain]:
    """Every answer above 0 and above the one before it to the same item, in order; `over` where it came down again."""
    by_item: dict[tuple[str, str], list[tuple[Plain, int]]] = {}
    for form in case.questionnaires_ever:
        for answer in form.get("risk_answers", []):
            by_item.setdefault((form["instrument"], answer["item"]), []).append((form, answer["value"]))
    found = []
    for (instrument, item), answers in by_item.items():
        for number in range(1, len(answers)):
            (before, low), (form, high) = answers[number - 1], answers[number]
            apart = instant(form["occurred_at"]) - instant(before["occurred_at"])
            if high >= 1 and high > low and apart <= days(parameters["within_days"]):
                over = any(later <= low for _, later in answers[number + 1 :])
                place = (instant(form["occurred_at"]), form["id"], instrument, item)
                found.append({"form": form, "from": low, "to": high, "over": over, "place": place})
    return sorted(found, key=lambda rise: rise["place"])


def risk_item_rising(case: Case, parameters: dict[str, float]) -> Plain | None:
    """An answer about harm above the one before it, within its recall and not come down again."""
    recent = [rise for rise in rises(case, parameters) if ends(rise["form"]) > case.now]
    still = [rise for rise in recent if not rise["over"]]
    tells = "risk_item" not in dict(rules_chosen(case.clinic, case.now))
    if not still and not (tells and recent):
        return None
    newest = (still or recent)[-1]
    forms = {rise["form"]["id"]: rise["form"] for rise in recent} if tells else {}
    return concern(
        holds=bool(still),
        since=instant(still[0]["form"]["occurred_at"]) if still else None,
        numbers={"from": newest["from"], "to": newest["to"], "rises": len(still)},
        telling=[
            evidence(
                name,
                instant(form["occurred_at"]),
                form["origin"],
                how_urgent(form, [rise for rise in recent if rise["form"] is form], parameters),
            )
            for name, form in forms.items()
        ],
        chart=None,
    )


def risk_item_skipped(case: Case, parameters: dict[str, float]) -> Plain | None:
    """A question about harm left out while others were answered, and not answered since."""
    waiting = []
    for number, form in enumerate(case.questionnaires_ever):
        answered_since = {
            answer["item"]
            for later in case.questionnaires_ever[number + 1 :]
            if later["instrument"] == form["instrument"]
            for answer in later.get("risk_answers", [])
        }
        shown = instant(form["occurred_at"]) + days(parameters["days"]) > case.now
        if shown and set(form.get("skipped_risk_items", [])) - answered_since:
            waiting.append(form)
    if not waiting:
        return None
    return concern(
        holds=True,
        since=instant(waiting[0]["occurred_at"]),
        numbers={"skipped": len(waiting)},
        telling=[evidence(f["id"], instant(f["occurred_at"]), f["origin"], "working_hours") for f in waiting],
        chart=None,
    )
