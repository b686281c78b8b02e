"""How much evidence a concern lists: of each kind the last to be accepted, the same whatever came first."""

from datetime import datetime, timedelta
from random import Random

import pytest

from services.insights.domain.assessing import assess
from services.insights.domain.instants import micros
from services.insights.domain.listing import MOST
from services.insights.domain.standing import Standing
from services.insights.domain.state import PatientState
from shared.contracts import CheckInRecorded, QuestionnaireCompleted
from shared.contracts.assessments import Concern
from shared.contracts.base import Fact, Origin
from shared.contracts.screening import Screening
from tests import oracle
from tests.unit.insights import builders as b

NOW = b.day(200)
"""Later than all rules have been there."""
Recorded = tuple[str, Fact, datetime]
"""A fact's id, the fact, and when it was accepted."""


def note(number: int, *, hours: float, origin: Origin = Origin.LIVE) -> CheckInRecorded:
    """A check-in whose note has words of a crisis, so many hours ago."""
    made = b.check_in(NOW - timedelta(hours=hours), number % 10, origin=origin)
    return made.model_copy(update={"screening": Screening(crisis_language=True, signs=["wish_to_die"], screen="s1")})


def found(facts: list[Recorded], rule: str) -> Concern:
    """What a rule says when these facts are known, in the order given."""
    state = PatientState()
    for name, fact, accepted in facts:
        state.add(name, fact, micros(accepted))
    findings = assess(state, Standing(b.clinic()), now=NOW, horizon=NOW)
    return next(concern for concern in findings.concerns if concern.rule == rule)


def expected(facts: list[Recorded], rule: str) -> list[str]:
    """The ids the oracle lists."""
    plain = [
        {**fact.model_dump(mode="json"), "id": name, "accepted_at": accepted.isoformat()}
        for name, fact, accepted in facts
    ]
    assessment = oracle.assess(plain, None, [], [], b.clinic().model_dump(mode="json"), NOW, NOW)
    return [one["id"] for concern in assessment["concerns"] if concern["rule"] == rule for one in concern["telling"]]


def answered(number: int, *, value: int, hours: float, origin: Origin = Origin.LIVE) -> QuestionnaireCompleted:
    """A questionnaire with an answer about harm."""
    return b.answers(NOW - timedelta(hours=hours), risk=[(value, 14, 2)], origin=origin)


@pytest.mark.parametrize("seed", range(4))
def test_of_each_kind_the_last_accepted_are_listed_whatever_came_first(seed: int) -> None:
    """Notes and answers, live, late and imported, in any order: as the oracle has it, and the reason says the rest."""
    chance = Random(seed)
    facts: list[Recorded] = []
    for number in range(220):
        origin = chance.choice([Origin.LIVE, Origin.LIVE, Origin.SYNC, Origin.IMPORT])
        hours = chance.randint(1, 300)
        late = 0 if origin is Origin.LIVE else chance.randint(0, hours)
        fact: Fact = note(number, hours=hours, origin=origin)
        if number % 2:
            fact = answered(number, value=chance.randint(0, 3), hours=hours, origin=origin)
        facts.append((b.fact_id(f"{seed} {number}"), fact, fact.occurred_at + timedelta(hours=late)))

    for rule in ("risk_item", "crisis_language"):
        concern = found(facts, rule)
        assert [one.id for one in concern.telling] == expected(facts, rule)
        assert found(chance.sample(facts, len(facts)), rule) == concern
    assert "not listed here" in found(facts, "crisis_language").reason


def test_an_entry_that_came_late_is_listed_though_a_hundred_happened_after_it() -> None:
    """What has just come is told, whenever it was made."""
    facts: list[Recorded] = [
        (b.fact_id(number), fact, fact.occurred_at)
        for number in range(100)
        for fact in [note(number, hours=100 - number)]
    ]
    late = note(0, hours=200, origin=Origin.SYNC)
    concern = found([*facts, ("late", late, NOW)], "crisis_language")

    assert len(concern.telling) == MOST
    assert concern.telling[0].id == "late"
    assert "51 pieces of evidence that came earlier are not listed here" in concern.reason


def test_an_answer_to_be_told_at_once_is_listed_however_many_others_came_later() -> None:
    """A hundred that can wait do not hide it."""
    urgent = answered(0, value=3, hours=100)
    facts: list[Recorded] = [("urgent", urgent, urgent.occurred_at)]
    facts += [
        (b.fact_id(number), fact, fact.occurred_at)
        for number in range(99)
        for fact in [answered(number, value=1, hours=99 - number)]
    ]
    concern = found(facts, "risk_item")

    assert len(concern.telling) == MOST + 1
    assert concern.telling[0].id == "urgent"
