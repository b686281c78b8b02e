"""From entries as a clinic sends them (deploy/demo's stories) to what the topics should carry of them.

Scoring is stated once more here, from the instruments' own manuals: PHQ-9 nine items of 0 to 3, GAD-7 seven, a valid
score is the plain sum of all items or a bare total; item 9 of the PHQ-9 asks about harm, over the last 14 days, and
its tenth is not counted. The eight others come to 24 at most, so a bare total of 25, 26 or 27 says that item 9 was
answered with at least 1, 2 or 3.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.oracle.plain import Plain

ITEMS = {"phq9": 9, "gad7": 7}


@dataclass
class Inputs:
    """What `assess` takes, for one patient."""

    facts: list[Plain] = field(default_factory=list)
    patient: Plain | None = None
    sessions: list[Plain] = field(default_factory=list)
    questions: list[Plain] = field(default_factory=list)
    clinic: Plain | None = None


def as_inputs(story: Any) -> dict[str, Inputs]:
    """Of a story (see deploy/demo/story.py) each patient's inputs; an entry's key serves as its event's id."""
    clinic = {"settings": [{"effective_from": "1970-01-01T00:00:00+00:00", **story.clinic}]}
    by_patient = {person.id: Inputs(patient=person.body, clinic=clinic) for person in story.patients}
    sessions: dict[str, Plain] = {}
    questions: dict[str, Plain] = {}
    for entry in story.entries:
        inputs = by_patient.setdefault(entry.patient, Inputs(clinic=clinic))
        body = entry.body
        if entry.kind in {"check_in", "questionnaire", "question"}:
            fact = {**body, "id": entry.key, "local_day": datetime.fromisoformat(body["occurred_at"]).date()}
            if entry.kind == "questionnaire":
                fact |= scored(body, story.clinic.get("scales", []))
            if entry.kind == "question":
                fact["question"] = entry.key
            inputs.facts.append(fact)
        elif entry.kind == "session":
            sessions[body["session"]] = {**body, "patient": entry.patient}
            inputs.sessions.append(sessions[body["session"]])
        elif entry.kind == "attendance":
            sessions[entry.about]["attendance"] = body["attendance"]
        elif entry.kind == "rating":
            sessions[entry.about]["rating"] = body
        else:
            status = {"answer": "answered", "settle": "settled"}[entry.kind]
            if entry.about not in questions:
                questions[entry.about] = {"question": entry.about}
                inputs.questions.append(questions[entry.about])
            questions[entry.about]["status"] = status
    return by_patient


def scored(body: Plain, scales: list[Plain]) -> Plain:
    """The score and risk answers of a questionnaire, given its items or its total."""
    items, instrument = body.get("items"), body["instrument"]
    if items is None:
        beyond = body["total"] - 8 * 3 if instrument == "phq9" else 0
        answer = {"item": "9", "value": beyond, "recall_days": 14, "urgent_from": 2}
        return {"score": body["total"], "risk_answers": [answer] if beyond > 0 else []}
    if instrument in ITEMS:
        counted = {str(number) for number in range(1, ITEMS[instrument] + 1)}
        items = {name: value for name, value in items.items() if name in counted}
        complete = set(items) == counted
        wanted = dict.fromkeys(counted, (0, 3))
        risky = {"9": (14, 2)} if instrument == "phq9" else {}
    else:
        scale = next(scale for scale in scales if scale["name"] == instrument)
        complete = set(items) == set(scale["items"])
        wanted = {name: (item["minimum"], item["maximum"]) for name, item in scale["items"].items()}
        risky = {
            name: (scale.get("recall_days", 14), item.get("urgent_from", 2))
            for name, item in scale["items"].items()
            if item.get("risk")
        }
    return {
        "score": sum(items.values()) if complete else None,
        "partial": bounds(items, wanted, complete=complete),
        "risk_answers": [
            {"item": name, "value": items[name], "recall_days": recall, "urgent_from": urgent_from}
            for name, (recall, urgent_from) in risky.items()
            if name in items
        ],
        "skipped_risk_items": [name for name in risky if body["items"] and name not in items],
    }


def bounds(items: Plain, wanted: dict[str, tuple[int, int]], *, complete: bool) -> Plain | None:
    """Between which totals a form lies of which some items, not all, were answered."""
    if complete or not items:
        return None
    left_out = [ends for name, ends in wanted.items() if name not in items]
    given = sum(items.values())
    return {
        "least": given + sum(least for least, _ in left_out),
        "most": given + sum(most for _, most in left_out),
        "missing": len(left_out),
    }
