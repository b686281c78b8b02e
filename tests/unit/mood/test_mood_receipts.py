"""Receipts: what a clinician was shown is noted once, and nothing else is."""

from typing import Any

import pytest

from shared.bus import Message
from shared.contracts import EntriesSeen
from shared.contracts.moods import Through
from tests.fakes import Failure
from tests.unit.mood.made import CLINIC, NOW, Door, check_in_body

TIMELINE = "/v1/patients/p-1/timeline"


async def saved(door: Door, *keys: str) -> list[str]:
    """Check-ins, sent and read back."""
    ids = [(await door.check_in(check_in_body(), key=key)).json()["id"] for key in keys or ("k",)]
    await door.follow()
    return ids


async def receipt(door: Door, entry: str, **who: Any) -> dict[str, Any]:
    answer = await door.get(f"/v1/patients/p-1/entries/{entry}/receipt", **who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def noted(door: Door) -> list[EntriesSeen]:
    return [event.data for event in door.log.events if isinstance(event.data, EntriesSeen)]


async def test_a_receipt_says_when_it_was_saved_and_that_nobody_has_seen_it(door: Door) -> None:
    """Its own id, the time it was accepted, and no promise."""
    (entry,) = await saved(door)

    assert await receipt(door, entry) == {
        "id": entry,
        "patient": "p-1",
        "saved_at": "2026-11-23T09:30:00Z",
        "seen_at": None,
        "through": None,
        "by": None,
        "in_words": "It is saved. Your care team has not opened it yet.",
    }


@pytest.mark.parametrize("role", ["clinician", "therapist", "prescriber", "lead"])
async def test_a_clinicians_read_of_the_timeline_is_the_receipt(door: Door, role: str) -> None:
    """When they read it, and for the care team who; a patient is told that somebody did."""
    (entry,) = await saved(door)
    door.clock.set(NOW.replace(hour=14))
    assert (await door.get(TIMELINE, role=role, client="c-7")).status_code == 200
    await door.follow()
    door.clock.set(NOW.replace(year=2036))
    told = await receipt(door, entry)

    assert (told["seen_at"], told["through"], told["by"]) == ("2026-11-23T14:30:00Z", "timeline", "c-7")
    assert (await receipt(door, entry, role="patient"))["by"] is None
    assert told["in_words"] == "It is saved. Somebody in your care team has seen it."


@pytest.mark.parametrize("role", ["patient", "clinic_system", "admin", "support", "Therapist", ""])
async def test_nobody_elses_read_counts(door: Door, role: str) -> None:
    """Nothing is emitted for a patient, a system or the office."""
    (entry,) = await saved(door)
    await door.get(TIMELINE, role=role)
    await door.follow()

    assert noted(door) == []
    assert (await receipt(door, entry))["seen_at"] is None


async def test_only_the_entries_of_the_page_count_and_only_once(door: Door) -> None:
    """The second page is seen when it is read; a second look emits nothing."""
    ids = await saved(door, "a", "b", "c")
    first = (await door.get(f"{TIMELINE}?limit=2", role="therapist")).json()
    await door.follow()
    await door.get(f"{TIMELINE}?limit=2", role="lead")
    await door.follow()
    shown = {item["id"] for item in first["items"]}

    assert {name for fact in noted(door) for name in fact.entries} == shown
    assert len(noted(door)) == 1
    assert [(await receipt(door, entry))["seen_at"] is None for entry in ids] == [entry not in shown for entry in ids]

    await door.get(f"{TIMELINE}?cursor={first['next']}", role="therapist")
    await door.follow()
    assert {name for fact in noted(door) for name in fact.entries} == set(ids)


async def test_the_earliest_time_stands_whatever_comes_in_whatever_order(door: Door) -> None:
    """Two reads at once, a brief of insights, a replay backwards: the same receipt."""
    (entry,) = await saved(door)
    for minute, through in ((30, Through.BRIEF), (10, Through.BRIEF), (20, Through.TIMELINE)):
        at = NOW.replace(hour=15, minute=minute)
        fact = EntriesSeen(clinic=CLINIC, patient="p-1", occurred_at=at, local_day=at.date(), origin="live",
                           entries=[entry, "not-known-here"], through=through, by=f"c-{minute}")  # fmt: skip
        door.log.record(Message(f"seen-{minute}", at, fact))
        await door.follow()
    before = await receipt(door, entry)
    door.log.events.reverse()
    await door.follow()

    assert (before["seen_at"], before["through"], before["by"]) == ("2026-11-23T15:10:00Z", "brief", "c-10")
    assert await receipt(door, entry) == before


async def test_a_read_neither_fails_nor_waits_without_the_broker_and_the_next_one_is_noted(door: Door) -> None:
    """It succeeds, and seen is emitted at the next read."""
    (entry,) = await saved(door)
    door.log.failure = Failure.AWAY
    assert (await door.get(TIMELINE, role="therapist")).status_code == 200
    await door.receipts.settled()
    assert noted(door) == []

    door.log.failure = None
    door.clock.set(NOW.replace(hour=16))
    await door.get(TIMELINE, role="therapist")
    await door.follow()
    assert (await receipt(door, entry))["seen_at"] == "2026-11-23T16:30:00Z"


async def test_what_clinicians_did_is_no_entry(door: Door) -> None:
    """Seen, listed and suggested stand on no timeline and count in no progress."""
    await saved(door)
    await door.put(
        "/v1/patients/p-1/strategies/allowed", {"strategies": None, "occurred_at": NOW.isoformat()}, role="therapist"
    )
    await door.get(TIMELINE, role="therapist")
    await door.follow()
    timeline = (await door.get(TIMELINE)).json()
    progress = (await door.get("/v1/patients/p-1/progress")).json()

    assert len(door.log.events) == 3
    assert [item["kind"] for item in timeline["items"]] == ["check_in"]
    assert (progress["since_start"]["entries"], timeline["entries_not_processed"]) == (1, 0)


async def test_a_receipt_is_of_the_clinics_own_patient(door: Door) -> None:
    """404 for another patient's, another clinic's, and an id nobody made."""
    (entry,) = await saved(door)
    answers = [
        await door.get(f"/v1/patients/p-2/entries/{entry}/receipt"),
        await door.get(f"/v1/patients/p-1/entries/{entry}/receipt", clinic="elsewhere"),
        await door.get("/v1/patients/p-1/entries/made-up/receipt"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
