"""The simulated clinic: invented, the same every time, within the API's terms, and with something for every rule."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo.simulation import simulate
from deploy.demo.story import Story
from tests.oracle import as_inputs, assess
from tests.oracle.rules import RULES

NOW = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
RATED = {
    *("felt_welcome", "room_was_comfortable", "felt_listened_to", "worked_on_what_matters", "questions_were_answered"),
    *("comment", "rated_at", "origin"),
}


ELSEWHERE = {"not_on_track", "stalled", "mood_shift_up", "mood_instability"}
"""Rules the demo's clinic has no model for, has not turned on, or has nobody for."""
IN_THE_DEMO = [rule for rule in RULES if rule not in ELSEWHERE]


def concerns(story: Story) -> Counter[str]:
    """How many patients each rule finds something about at the end of the story."""
    found: Counter[str] = Counter()
    for inputs in as_inputs(story).values():
        said = assess(
            inputs.facts,
            inputs.patient,
            inputs.sessions,
            inputs.questions,
            inputs.clinic,
            story.ends_at,
            story.ends_at,
        )
        found.update(concern["rule"] for concern in said["concerns"] if concern["holds"])
    return found


def test_the_same_seed_and_end_tell_the_same_story() -> None:
    """Entry for entry and key for key; another seed tells another."""
    one, again, other = simulate(7, 30, 6, NOW), simulate(7, 30, 6, NOW), simulate(8, 30, 6, NOW)
    assert one == again
    assert [entry.key for entry in one.entries] == [entry.key for entry in again.entries]
    assert one.entries != other.entries


def test_the_zone_in_which_the_end_is_given_makes_no_difference() -> None:
    """An instant is an instant."""
    elsewhere = NOW.astimezone(tz=datetime.fromisoformat("2026-11-23T00:00:00+05:30").tzinfo)
    assert simulate(7, 10, 4, NOW) == simulate(7, 10, 4, elsewhere)


@pytest.mark.parametrize("seed", [1, 2, 2026])
def test_every_rule_finds_something_in_the_demo_clinic(seed: int) -> None:
    """200 patients over 12 weeks: each rule holds for some, none for half of them, and most people have no concern."""
    story = simulate(seed, 200, 12, NOW)
    found = concerns(story)
    print(f"seed {seed}, {len(story.entries):,} entries: " + ", ".join(f"{rule} {found[rule]}" for rule in RULES))
    assert set(IN_THE_DEMO) == set(found)
    assert all(5 <= found[rule] <= 60 for rule in IN_THE_DEMO), found


@pytest.mark.parametrize("seed", range(5))
def test_a_small_clinic_has_one_of_each_as_well(seed: int) -> None:
    """20 patients over 10 weeks are enough for risk, deterioration, silence and questions whatever the seed."""
    found = concerns(simulate(seed, 20, 10, NOW))
    assert {"risk_item", "reliable_deterioration", "gone_quiet", "question_unanswered"} <= set(found)


@pytest.mark.parametrize(
    "ends_at", [NOW, datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC)]
)
def test_entries_are_in_order_and_end_now(ends_at: datetime) -> None:
    """In order of time, none after the end, each with its offset, also where the clocks change."""
    story = simulate(3, 40, 8, ends_at)
    times = [entry.at for entry in story.entries]
    assert sorted(times) == times
    assert times[-1] <= ends_at
    assert times[0] >= ends_at - timedelta(weeks=8)
    live = [entry.at for entry in story.entries if entry.body.get("origin") == "live"]
    assert min(live) > ends_at - timedelta(hours=23, minutes=45)
    for entry in story.entries:
        for name in ("occurred_at", "rated_at"):
            if name in entry.body:
                assert datetime.fromisoformat(entry.body[name]) == entry.at


def test_origin_says_how_old_an_entry_is() -> None:
    """Live for the last day, with some minutes to spare for sending; import before."""
    story = simulate(3, 60, 6, NOW)
    told = [entry for entry in story.entries if "origin" in entry.body]
    live = [entry for entry in told if entry.body["origin"] == "live"]
    assert 20 < len(live) < len(told) / 10
    assert all(timedelta() <= NOW - entry.at < timedelta(hours=23, minutes=45) for entry in live)
    assert {"import"} == {entry.body["origin"] for entry in told if entry.at <= story.live_from}


def test_item_9_is_answered_at_each_level_on_the_last_day() -> None:
    """1, 2 and 3, live: so that the demo shows both ways of being told."""
    story = simulate(3, 200, 12, NOW)
    answers = {
        entry.body["items"].get("9")
        for entry in story.entries
        if entry.kind == "questionnaire" and entry.at > story.live_from
    }
    assert {0, 1, 2, 3} <= answers


def test_bodies_keep_to_the_api() -> None:
    """Ranges, whole numbers, complete questionnaires, known sessions, and no question answered before it was asked."""
    story = simulate(11, 80, 10, NOW)
    sessions: set[str] = set()
    questions: set[str] = set()
    assert len({entry.key for entry in story.entries}) == len(story.entries)
    for entry in story.entries:
        body = entry.body
        match entry.kind:
            case "check_in":
                assert 0 <= body["mood"] <= 10
                assert all(0 <= body.get(name, 0) <= 10 for name in ("energy", "sleep"))
            case "questionnaire":
                assert {"phq9": 9, "gad7": 7}[body["instrument"]] == len(body["items"])
                assert set(body["items"].values()) <= {0, 1, 2, 3}
            case "question":
                assert 1 <= len(body["text"]) <= 2000
                questions.add(entry.key)
            case "answer" | "settle":
                assert entry.about in questions
            case "session":
                sessions.add(body["session"])
            case "attendance":
                assert entry.about in sessions
            case "rating":
                assert entry.about in sessions
                assert set(body) == RATED
                assert all(0 <= body[name] <= 10 for name in RATED - {"comment", "rated_at", "origin"})


def test_everybody_is_invented() -> None:
    """Numbers kept for drama, addresses that lead nowhere, and no two people with one address."""
    story = simulate(5, 200, 4, NOW)
    people = [*story.clinicians, *story.patients]
    assert len(story.clinicians) == 6
    assert len({person.body["email"] for person in people}) == len(people)
    for person in people:
        assert re.fullmatch(r"\+447700900\d{3}", person.body["mobile"])
        assert re.fullmatch(r"[a-z0-9.]+@example\.(org|net)", person.body["email"])
    assert {person.body["clinician"] for person in story.patients} == {person.id for person in story.clinicians}


@pytest.mark.parametrize(("patients", "weeks"), [(1, 1), (3, 2), (50, 30)])
def test_any_size_can_be_told(patients: int, weeks: int) -> None:
    """From one person's week on."""
    story = simulate(1, patients, weeks, NOW)
    assert len(story.patients) == patients
    assert story.entries


@pytest.mark.parametrize(("patients", "weeks"), [(0, 1), (901, 1), (1, 0), (1, 105)])
def test_an_impossible_size_is_refused(patients: int, weeks: int) -> None:
    """With the sizes that are possible."""
    with pytest.raises(ValueError, match="1 to 900 patients and 1 to 104 weeks"):
        simulate(1, patients, weeks, NOW)
