"""One patient as the rules look at them."""

from typing import Any

from tests.oracle.plain import Plain, highest_versions, instant, there


class Case:
    """All there is about one patient, sorted, and the instant it is looked at."""

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
        one_of_each = {fact["id"]: fact for fact in facts}
        self.facts = sorted(one_of_each.values(), key=lambda fact: (instant(fact["occurred_at"]), fact["id"]))
        self.check_ins = [fact for fact in self.facts if "mood" in fact]
        self.questionnaires = [fact for fact in self.facts if "instrument" in fact]
        self.questions_asked = [fact for fact in self.facts if "question" in fact]
        self.patient = there(patient)
        self.sessions = [session for session in highest_versions(sessions, "session") if there(session)]
        self.handlings = {handling["question"]: handling for handling in highest_versions(questions, "question")}
        self.clinic = clinic
        self.now = instant(now)
        self.horizon = instant(horizon)
        self.parameters: dict[str, dict[str, float]] = {}
