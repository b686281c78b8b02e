"""What a patient writes is screened for crisis language at the door, recorded as it is, answered with help first."""

import pytest

from shared.contracts.clinics import RuleChoice, RuleSet
from shared.contracts.safety import NOBODY_TOLD
from shared.contracts.screening import Screening
from shared.crisis_language import SCREEN
from tests.unit.mood.made import Door, at, check_in_body, clinic_event, line


@pytest.mark.parametrize(("origin", "told"), [("live", True), ("import", False)])
async def test_a_note_in_crisis_is_recorded_as_it_is_and_answered_with_help_first(
    door: Door,
    origin: str,
    told: bool,  # noqa: FBT001  a parametrised case
) -> None:
    """Nothing is held back; the words are screened at the door, and an import is promised nobody at once."""
    note = "I don't want to be here any more."
    safety = (await door.check_in(check_in_body(note=note, origin=origin))).json()["safety"]
    (event,) = door.log.events

    assert event.data.note == note
    assert event.data.screening == Screening(crisis_language=True, signs=["wish_to_die"], screen=SCREEN)
    assert safety["prominent"] is True
    assert ("is being told" in safety["who_will_see_this"]) is told


async def test_an_everyday_note_changes_nothing_in_the_answer(door: Door) -> None:
    """Screened, nothing found, nothing put first; a check-in without a note has no screening."""
    safety = (await door.check_in(check_in_body(note="A quiet day, I slept well."))).json()["safety"]
    await door.check_in(check_in_body(mood=3), key="k-2")
    first, second = (event.data.screening for event in door.log.events)

    assert safety["prominent"] is False
    assert (safety["who_will_see_this"], safety["seen_by"]) == (NOBODY_TOLD, None)
    assert first == Screening(crisis_language=False, screen=SCREEN)
    assert second is None


async def test_a_clinic_without_the_rule_on_words_promises_nobody_at_once(door: Door) -> None:
    """Help is shown first all the same; the words about who is told follow the rules in force."""
    off = RuleSet(base="starter", rules={"crisis_language": RuleChoice(enabled=False)})
    await door.clinics.apply(clinic_event(rule_set=off, version=2))
    safety = (await door.check_in(check_in_body(note="I want to die"))).json()["safety"]

    assert safety["prominent"] is True
    assert "is being told" not in safety["who_will_see_this"]


async def test_the_note_of_a_correction_is_screened_as_that_of_a_check_in(door: Door) -> None:
    """With help first, and nobody promised more than a check-in would."""
    path = "/v1/check-ins/e1/corrections"
    crisis = (await door.post(path, check_in_body(note="I don't want to be here any more."))).json()["safety"]
    past = await door.post(path, check_in_body(note="I don't want to be here any more.", origin="import"), key="k-2")
    calm = (await door.post(path, check_in_body(note="A quiet day."), key="k-3")).json()["safety"]
    screened = [event.data.screening for event in door.log.events]

    found = Screening(crisis_language=True, signs=["wish_to_die"], screen=SCREEN)
    assert screened == [found, found, Screening(crisis_language=False, screen=SCREEN)]
    assert (crisis["prominent"], past.json()["safety"]["prominent"], calm["prominent"]) == (True, True, False)
    assert "is being told" in crisis["who_will_see_this"]
    assert "is being told" not in past.json()["safety"]["who_will_see_this"]


@pytest.mark.parametrize("path", ["/v1/check-ins", "/v1/check-ins/e1/corrections"])
async def test_feelings_are_the_patients_words_too(door: Door, path: str) -> None:
    """With or without a note, of a check-in and of its correction; each is read by itself."""
    sent = [
        {"feelings": ["suicidal", "want to die"]},
        {"feelings": ["suicidal"], "note": "A quiet day, I slept well."},
        {"feelings": ["calm"], "note": "I want to die"},
        {"feelings": ["hope", "dead tired"], "note": "to be over with the exams by May."},
        {"feelings": ["calm", "tired"]},
        {"feelings": ["calm"], "note": "Ich habe heute sehr schlecht geschlafen"},
    ]
    told = [(await door.post(path, check_in_body(**one), key=f"k-{n}")).json() for n, one in enumerate(sent)]
    found = [event.data.screening for event in door.log.events]

    assert [one.signs for one in found] == [
        ["suicide_named", "wish_to_die"],
        ["suicide_named"],
        ["wish_to_die"],
        *([], [], []),
    ]
    assert [one.screened for one in found] == [True, True, True, True, True, False]
    assert {one.screen for one in found} == {SCREEN}
    assert [one["safety"]["prominent"] for one in told] == [True, True, True, False, False, False]
    assert ["is being told" in one["safety"]["who_will_see_this"] for one in told] == [*(True,) * 3, *(False,) * 3]


async def test_feelings_in_a_line_of_a_batch_are_read_as_well(door: Door) -> None:
    """What was made offline comes in batches."""
    lines = [line("a", check_in_body()), line("b", check_in_body(feelings=["want to die"]))]
    safety = (await door.batch(*lines)).json()["safety"]

    assert safety["prominent"] is True
    assert [event.data.screening and event.data.screening.signs for event in door.log.events] == [None, ["wish_to_die"]]


@pytest.mark.parametrize(
    ("why", "signs", "prominent"),
    [
        ("I want to die, so what does it matter", ["wish_to_die"], True),
        ("It was meant for another day.", [], False),
        ("", None, False),
    ],
)
async def test_why_an_entry_is_withdrawn_is_screened_as_a_note_is(
    door: Door,
    why: str,
    signs: list[str] | None,
    prominent: bool,  # noqa: FBT001  a parametrised case
) -> None:
    """Help first, and the word of the screen in the fact; no reason, no word of the screen."""
    path = "/v1/entries/e1/withdrawal"
    answer = await door.post(path, {"patient": "p-1", "why": why, "occurred_at": at(0)})
    past = await door.post(path, {"patient": "p-1", "why": why, "occurred_at": at(0), "origin": "import"}, key="k-2")
    found = [event.data.screening for event in door.log.events]

    assert [one and one.signs for one in found] == [signs, signs]
    assert answer.json()["safety"]["prominent"] is past.json()["safety"]["prominent"] is prominent
    assert ("is being told" in answer.json()["safety"]["who_will_see_this"]) is prominent
    assert "is being told" not in past.json()["safety"]["who_will_see_this"]
