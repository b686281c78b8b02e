"""Equality with the oracle, which shares no code with the services: any entries, any order, any history of settings."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.insights.domain import PatientState, Standing, assess, micros
from services.insights.handlers.kept import FACTS
from shared.contracts import Clinic
from shared.contracts.base import Fact, Origin
from shared.contracts.clinics import RuleChoice
from tests.oracle import assess as expected
from tests.oracle import check_wording, differences
from tests.unit.insights import builders as b

BEGIN = datetime(2026, 11, 9, 9, tzinfo=UTC)
"""Two weeks before the first rules that the catalogue has not had from the beginning."""
KINDS = {
    "of mood": ["mood"] * 8 + ["correct", "correct", "withdraw"],
    "of scores": ["phq9"] * 3 + ["gad7"] * 3 + ["withdraw"],
    "of harm": ["phq9"] * 8 + ["withdraw"],
    "of all": ["mood", "phq9", "gad7", "question", "correct", "withdraw"],
}
"""Lives in which the rules have something to find, by what they are mostly made of."""
Entry = tuple[str, Fact, datetime]
"""Id, fact, and when it was accepted at the door."""

SHORT = {"baseline_days": 3, "baseline_span": 3, "limit": 0.5, "lambda": 0.9, "sd_floor": 0.1}


def at(day: float) -> datetime:
    """So many days after BEGIN."""
    return BEGIN + timedelta(days=day)


@st.composite
def entries(draw: st.DrawFn, name: str, kinds: list[str], size: int) -> Entry:
    """Any fact of the patient's, made offline or not, about any entry there may be or not."""
    happened = at(draw(st.integers(0, 30)) + draw(st.sampled_from([0, 0, 0.25])))
    origin = draw(st.sampled_from(list(Origin)))
    about = f"e{draw(st.integers(0, size)):02}"
    kind = draw(st.sampled_from(kinds))
    made: Fact
    if kind == "mood":
        made = b.check_in(happened, draw(st.integers(0, 10)), origin=origin)
    elif kind == "question":
        made = b.asked(happened, draw(st.sampled_from("qr")), origin=origin)
    elif kind == "correct":
        made = b.corrected(happened, about, draw(st.integers(0, 10)))
    elif kind == "withdraw":
        made = b.withdrawn(happened, about)
    else:
        answer = draw(st.sampled_from([None, 0, 0, 1, 1, 2, 3])) if kind == "phq9" else None
        risk, skipped = ([], ["phq9.9"]) if answer is None and kind == "phq9" else ([(answer or 0, 14, 2)], [])
        score = draw(st.sampled_from([None, 3, 9, 18]))
        made = b.answers(
            happened,
            score,
            partial=draw(st.sampled_from([None, (2, 5, 1), (9, 15, 2), (15, 21, 2)])) if score is None else None,
            instrument=kind,
            risk=risk if kind == "phq9" else None,
            skipped=skipped if kind == "phq9" else None,
            origin=origin,
        )
    return name, made, happened + timedelta(days=draw(st.sampled_from([0, 0, 0, 3])))


@st.composite
def lives(draw: st.DrawFn) -> list[Entry]:
    """Entries in no order."""
    kinds, size = draw(st.sampled_from(list(KINDS.values()))), draw(st.sampled_from([1, 5, 15, 30]))
    return [draw(entries(f"e{number:02}", kinds, size)) for number in range(size)]


@st.composite
def rule_sets(draw: st.DrawFn) -> dict[str, RuleChoice]:
    """Some rules off, some with other numbers."""
    found = {"mood_shift": RuleChoice(parameters=SHORT)}
    for rule, parameters in (
        ("risk_item", {"tell_days": 20}),
        ("risk_item_rising", {"within_days": 10}),
        ("risk_item_rising", {"at_once_from": 1}),
        ("risk_item_skipped", {"days": 5}),
        ("reliable_deterioration", {"phq9": 5}),
        ("gone_quiet", {"min_days": 3}),
    ):
        choice = draw(st.sampled_from(["default", "default", "off", "other"]))
        if choice != "default":
            found[rule] = RuleChoice(enabled=False) if choice == "off" else RuleChoice(parameters=parameters)
    return found


@st.composite
def histories(draw: st.DrawFn) -> Clinic | None:
    """A clinic with one to three settings, or one nobody knows."""
    if draw(st.integers(0, 5)) == 0:
        return None
    days = sorted(draw(st.sets(st.integers(-20, 50), max_size=2)))
    every = [b.settings(rules=draw(rule_sets())), *(b.settings(at(day), rules=draw(rule_sets())) for day in days)]
    return b.clinic(*every)


def facts_of(drawn: Sequence[Entry]) -> list[dict[str, Any]]:
    """The entries as the oracle takes them."""
    return [{**fact.model_dump(), "id": name, "accepted_at": accepted} for name, fact, accepted in drawn]


@settings(max_examples=250, deadline=None)
@given(lives(), histories(), st.sampled_from([True, False]), st.data())
def test_an_assessment_is_the_oracles_whatever_came_in_whatever_order(
    drawn: list[Entry], clinic: Clinic | None, known: Any, data: st.DataObject
) -> None:
    """With corrections before their entries, twice, of entries that never come; looked at in between or not."""
    given_twice = [*drawn, *data.draw(st.lists(st.sampled_from(drawn), max_size=4))]
    state, standing = PatientState(), Standing(clinic)
    if known:
        state.apply(b.patient(registered_at=at(0)))
    for name, fact, accepted in data.draw(st.permutations(given_twice)):
        state.add(name, fact, micros(accepted))
        if data.draw(st.integers(0, 3)) == 0:
            assess(state, standing, now=at(20), horizon=at(20))
    document = b.patient(registered_at=at(0)).model_dump() if known else None
    settled = clinic.model_dump() if clinic else None

    for day in (14, 31):
        now = at(day)
        found = assess(state, standing, now=now, horizon=now)
        actual = {
            "registered": found.registered,
            "entries": found.entries,
            "last_heard": found.last_heard,
            "concerns": [concern.model_dump() for concern in found.concerns],
        }
        assert differences(expected(facts_of(drawn), document, [], [], settled, now, now), actual) == []
        assert check_wording(actual) == []


@settings(max_examples=60, deadline=None)
@given(lives(), histories())
def test_nothing_from_before_a_rule_was_in_force_is_told_and_the_rest_is_the_same(
    drawn: list[Entry], clinic: Clinic | None
) -> None:
    """What holds, since when and by which numbers does not depend on what is told; what is told is a part of it."""
    state = PatientState()
    for name, fact, accepted in drawn:
        state.add(name, fact, micros(accepted))
    now = at(32)
    told = assess(state, Standing(clinic), now=now, horizon=now)
    everything = assess(state, Standing(clinic, as_if_always=True), now=now, horizon=now)

    assert [c.model_copy(update={"telling": []}) for c in told.concerns if c.holds] == [
        c.model_copy(update={"telling": []}) for c in everything.concerns if c.holds
    ]
    all_of = {(c.rule, one.id): one for c in everything.concerns for one in c.telling}
    assert all(all_of[c.rule, one.id] == one for c in told.concerns for one in c.telling)


@settings(max_examples=60, deadline=None)
@given(lives(), histories(), rule_sets(), st.integers(0, 40))
def test_a_change_of_rules_makes_nothing_known_before_it_news(
    drawn: list[Entry], clinic: Clinic | None, changed: dict[str, RuleChoice], day: int
) -> None:
    """Told as it came, and then the change: what has never been told and is told now is at most a day old."""
    before, after = at(day) - timedelta(microseconds=1), at(day)
    long_ago = after - timedelta(hours=24)
    settled = clinic.settings if clinic else [b.settings()]
    history = [one for one in settled if one.effective_from < after]
    ruled = Standing(b.clinic(*(history or settled[:1]), b.settings(after, rules=changed), version=2))
    state, accepted_at = PatientState(), {}

    def told(now: datetime) -> dict[tuple[str, str], datetime]:
        found = assess(state, ruled, now=now, horizon=now)
        return {(concern.rule, one.id): one.at for concern in found.concerns for one in concern.telling}

    ever: set[tuple[str, str]] = set()
    for name, fact, accepted in sorted(drawn, key=lambda entry: entry[2]):
        if accepted < before:
            state.add(name, fact, micros(accepted))
            accepted_at[name] = accepted
            ever |= told(accepted).keys()
    ever |= told(before).keys()

    for (rule, name), happened in told(after).items():
        if (rule, name) not in ever:
            about_harm = rule.startswith("risk_item")
            newest = max(happened, accepted_at.get(name, happened)) if about_harm else happened
            assert newest >= (long_ago if about_harm else after), (rule, name)


def test_every_kind_of_fact_that_is_kept_is_word_from_the_patient() -> None:
    """What a clinician was shown is none: not kept, not counted, and nobody was heard of by it."""
    assert all(issubclass(kind, Fact) and kind.from_patient for kind in FACTS)
