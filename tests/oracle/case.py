"""One patient as the rules look at them."""

from datetime import date
from typing import Any

from tests.oracle.plain import Plain, day, highest_versions, instant, there


def is_word_from_patient(fact: Plain) -> bool:
    """What a clinician was shown or allowed, and what was suggested, is no word from the patient."""
    return "by" not in fact and "seed" not in fact


def counts_from(patient: Plain | None) -> date | None:
    """From which day on scores and sessions count in the present episode of care: its referral."""
    if patient is None:
        return None
    if patient.get("episodes"):
        return day(patient["episodes"][-1]["referred_on"])
    return day(patient["episode_started_on"]) if patient.get("episode_started_on") else None


class Case:
    """All there is about one patient, sorted, and the instant it is looked at.

    counted: the facts without the check-ins and questionnaires that were withdrawn; `check_ins` (each with its last
    correction) and `questionnaires` are of these. questionnaires_ever: those withdrawn too.
    """

    def __init__(
        self,
        facts: list[Plain],
        patient: Plain | None,
        sessions: list[Plain],
        questions: list[Plain],
        clinic: Plain | None,
        now: Any,
        horizon: Any,
    ) -> None:
        one_of_each = {fact["id"]: fact for fact in facts if is_word_from_patient(fact)}
        self.facts = sorted(one_of_each.values(), key=lambda fact: (instant(fact["occurred_at"]), fact["id"]))
        corrected = {fact["entry"]: fact for fact in self.facts if "entry" in fact and "mood" in fact}
        withdrawn = {fact["entry"] for fact in self.facts if "entry" in fact and "mood" not in fact}
        entries = [fact for fact in self.facts if "instrument" in fact or ("mood" in fact and "entry" not in fact)]
        gone = {fact["id"] for fact in entries} & withdrawn
        self.counted = [fact for fact in self.facts if fact["id"] not in gone]
        self.check_ins = [
            {**fact, "mood": corrected.get(fact["id"], fact)["mood"]}
            for fact in self.counted
            if "mood" in fact and "entry" not in fact
        ]
        self.questionnaires = [fact for fact in self.counted if "instrument" in fact]
        self.questionnaires_ever = [fact for fact in self.facts if "instrument" in fact]
        self.questions_asked = [fact for fact in self.facts if "question" in fact]
        self.patient = there(patient)
        self.sessions = [session for session in highest_versions(sessions, "session") if there(session)]
        self.handlings = {handling["question"]: handling for handling in highest_versions(questions, "question")}
        self.clinic = clinic
        self.now = instant(now)
        self.horizon = instant(horizon)
        self.parameters: dict[str, dict[str, float]] = {}
