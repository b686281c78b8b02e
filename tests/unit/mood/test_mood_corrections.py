"""Corrections, withdrawals and the clinic's own questions: what is taken, and what an entry counts as."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mood.domain import Changes, Recorded, progress_of
from shared.contracts import CheckInCorrected, CheckInRecorded, EntryWithdrawn, Fact
from shared.contracts.base import Origin
from shared.contracts.protocols import CheckInQuestion
from tests.unit.mood.made import CLINIC, NOW, Door, at, check_in_body, checked_in, clinic_event, scored

TODAY = date(2026, 11, 23)
QUESTIONS = [
    CheckInQuestion(name="outside", wording="Were you outside?", kind="yes_no"),
    CheckInQuestion(name="pain", wording="How strong was the pain?", kind="scale", minimum=0, maximum=10),
    CheckInQuestion(name="with", wording="Who were you with?", kind="choice", choices=["nobody", "family", "friends"]),
]


def change(kind: type[Fact], entry: str, minutes: float, name: str = "", **more: Any) -> Recorded:
    when = NOW + timedelta(minutes=minutes)
    fields = {"clinic": CLINIC, "patient": "p-1", "occurred_at": when, "local_day": when.date(), "origin": Origin.LIVE}
    return Recorded(name or f"{entry} {minutes}", when, kind.model_validate({**fields, "entry": entry, **more}))


def corrected(entry: str, minutes: float, mood: float, name: str = "") -> Recorded:
    return change(CheckInCorrected, entry, minutes, name, mood=mood, note="as meant")


def withdrawn(entry: str, minutes: float, why: str = "another day") -> Recorded:
    return change(EntryWithdrawn, entry, minutes, why=why)


def test_a_corrected_check_in_counts_with_the_last_content_at_its_own_time() -> None:
    """Whatever the order in which corrections came; what it said before is kept, oldest first."""
    entry = checked_in(TODAY, 3, name="e1")
    found = Changes([corrected("e1", 20, 8), corrected("e1", 10, 5), corrected("other", 30, 1)]).of(entry)
    fact = found.now.fact
    assert isinstance(fact, CheckInRecorded)

    assert (fact.mood, fact.note, fact.occurred_at, fact.local_day) == (8, "as meant", entry.fact.occurred_at, TODAY)
    assert (found.now.id, found.now.recorded_at) == ("e1", entry.recorded_at)
    assert [version.check_in.mood for version in found.previous] == [3, 5]
    assert found.corrected_at == NOW + timedelta(minutes=20)
    assert found.withdrawn_at is None


def test_a_withdrawal_wins_over_every_correction() -> None:
    """Also over one that came later."""
    entry = checked_in(TODAY, 3, name="e1")
    found = Changes([corrected("e1", 20, 8), withdrawn("e1", 10)])

    assert found.counting([entry]) == []
    assert (found.of(entry).withdrawn_at, found.of(entry).why) == (NOW + timedelta(minutes=10), "another day")


def test_every_reason_for_a_withdrawal_can_be_read() -> None:
    """Whoever is told of words in one must find them; the first withdrawal is when it was withdrawn."""
    entry = checked_in(TODAY, 3, name="e1")
    found = Changes(
        [withdrawn("e1", 30, "twice"), withdrawn("e1", 20, ""), withdrawn("e1", 10), withdrawn("e1", 40, "twice")]
    ).of(entry)

    assert (found.withdrawn_at, found.why) == (NOW + timedelta(minutes=10), "another day\ntwice")


def test_a_questionnaire_can_be_withdrawn_and_not_corrected() -> None:
    """A correction says what a check-in should have said."""
    entry = scored(TODAY, "phq9", 12)

    assert Changes([corrected(entry.id, 1, 5)]).counting([entry]) == [entry]
    assert Changes([withdrawn(entry.id, 1)]).counting([entry]) == []


def test_progress_uses_what_counts() -> None:
    """A corrected mood moves the mean, and a withdrawn entry leaves it."""
    entries = [checked_in(TODAY, mood, name=f"e{mood}") for mood in (2, 4, 9)]
    changes = Changes([corrected("e2", 1, 6), withdrawn("e9", 1)])
    week = progress_of(changes.counting(entries), today=TODAY, episode_started_on=None).this_week

    assert (week.check_ins, week.mean_mood) == (2, 5)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10), st.booleans()), max_size=10),
    st.randoms(use_true_random=False),
)
def test_what_counts_does_not_depend_on_the_order_of_changes(made: list[tuple[int, int, bool]], chance: Random) -> None:
    """Nor on duplicates: they are a set, ordered by (when, id)."""
    changes = [
        withdrawn(f"e{entry}", value) if gone and value < 2 else corrected(f"e{entry}", value, value, f"c{place}")
        for place, (entry, value, gone) in enumerate(made)
    ]
    entries = [checked_in(TODAY, 5, name=f"e{n}") for n in range(4)]
    mixed = changes[:]
    chance.shuffle(mixed)

    assert [Changes(mixed).of(entry) for entry in entries] == [Changes(changes).of(entry) for entry in entries]


async def test_a_correction_and_a_withdrawal_are_published_as_facts(door: Door) -> None:
    """Under a stable id, with a word on safety, and without asking any store."""
    sent = await door.check_in(check_in_body())
    entry = sent.json()["id"]
    path = f"/v1/check-ins/{entry}/corrections"
    answers = [await door.post(path, check_in_body(mood=2.5, note="harder than I said")) for _ in range(2)]
    gone = await door.post(f"/v1/entries/{entry}/withdrawal", {"patient": "p-1", "why": "x", "occurred_at": at(0)})
    facts = [event.data for event in door.log.events]

    assert [answer.status_code for answer in (*answers, gone)] == [202, 202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"] != entry
    assert (answers[0].json()["kind"], gone.json()["kind"]) == ("correction", "withdrawal")
    assert "safety" in gone.json()
    assert isinstance(facts[1], CheckInCorrected)
    assert isinstance(facts[3], EntryWithdrawn)
    assert (facts[1].entry, facts[1].mood, facts[3].entry, facts[3].why) == (entry, 2.5, entry, "x")


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/check-ins/e1/corrections", {"mood": 11}, "/mood"),
        ("/v1/check-ins/e1/corrections", {"occurred_at": "2036-01-01T00:00:00Z"}, "/occurred_at"),
        ("/v1/entries/e1/withdrawal", {"mood": 5}, "/mood"),
        ("/v1/entries/e1/withdrawal", {"why": 5}, "/why"),
    ],
)
async def test_an_impossible_change_is_refused_and_records_nothing(
    door: Door, path: str, body: dict[str, Any], pointer: str
) -> None:
    """With the field and what to send."""
    whole = check_in_body() if "corrections" in path else {"patient": "p-1", "occurred_at": at(0)}
    answer = await door.post(path, whole | body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert door.log.events == []


async def test_answers_to_the_clinics_own_questions_are_recorded(door: Door) -> None:
    """By the question's name; a number each."""
    await door.clinics.apply(clinic_event(version=2, check_in_questions=QUESTIONS))
    answer = await door.check_in(check_in_body(answers={"outside": 1, "pain": 0, "with": 3}))
    fact = door.log.events[0].data

    assert answer.status_code == 202
    assert isinstance(fact, CheckInRecorded)
    assert fact.answers == {"outside": 1, "pain": 0, "with": 3}


@pytest.mark.parametrize(
    ("answers", "pointer", "message"),
    [
        ({"mystery": 1}, "/answers/mystery", "check_in_questions"),
        ({"outside": 2}, "/answers/outside", "from 0 to 1"),
        ({"pain": 11}, "/answers/pain", "from 0 to 10"),
        ({"with": 0}, "/answers/with", "from 1 to 3"),
        ({"pain": 1.5}, "/answers/pain", "whole number"),
    ],
)
async def test_an_answer_no_question_allows_is_refused(
    door: Door, answers: dict[str, Any], pointer: str, message: str
) -> None:
    """It names the question and the range, and never the value."""
    await door.clinics.apply(clinic_event(version=2, check_in_questions=QUESTIONS))
    answer = await door.check_in(check_in_body(answers=answers))
    (error,) = answer.json()["errors"]

    assert (answer.status_code, error["pointer"]) == (422, pointer)
    assert message in error["message"]


async def test_an_answer_given_while_the_question_was_asked_is_taken_later(door: Door) -> None:
    """Made offline, sent after the clinic stopped asking: it counts as the question was when it was answered."""
    event = clinic_event(version=2, check_in_questions=QUESTIONS)
    clinic = event.data
    stopped = clinic.settings[0].model_copy(  # type: ignore[attr-defined]  # it is a clinic
        update={"effective_from": datetime(2026, 11, 22, tzinfo=UTC), "check_in_questions": []}
    )
    changed = clinic.model_copy(update={"version": 3, "settings": [*clinic.settings, stopped]})  # type: ignore[attr-defined]
    await door.clinics.apply(event._replace(data=changed))
    offline = check_in_body(answers={"pain": 3}, origin="sync", occurred_at="2026-11-21T12:00:00+00:00")

    assert (await door.check_in(offline)).status_code == 202
    assert (await door.check_in(check_in_body(answers={"pain": 3}), key="k-2")).status_code == 422
