"""insights' store on the real store server, with both drivers."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.insights.domain.ports import PROVISIONAL, Additions, Order, Saved, Wanted
from services.insights.store import MongoStore, ResumeReader
from shared.bus import Resume
from shared.contracts import Topic
from shared.documents import MongoResumeStore
from shared.mongo import Database

NOON = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=UTC)
ODD = "a.b$c%2E~\u00e9"


def saved(key: str = "north/p1", **changes: Any) -> Saved:
    """An assessment to be saved."""
    fields: dict[str, Any] = {
        "key": key,
        "said": (0, 5, 1, 1, 1_700_000_000_000_000),
        "order": (0, 5, 1, 1, 1_700_000_000_000_000),
        "clinic": key.split("/", maxsplit=1)[0],
        "clinician": "priya",
        "place": f"2 2026-11-01T09:00:00+00:00 {key}",
        "partition": 3,
        "due": NOON,
        "settings_version": 1,
        "rules_version": 1,
        "aside": 2,
        "aside_risk": 1,
        "body": "{}",
    }
    return Saved(**(fields | changes))


@pytest.fixture
async def store(database: Database) -> MongoStore:
    """A store that nobody has used."""
    store = MongoStore(database=database)
    await store.open()
    return store


async def test_entries_and_documents_come_back_as_they_were_added(store: MongoStore) -> None:
    """By month, under any id, any number of times; patients nobody has heard of are left out."""
    added = Additions(
        "north/p.1",
        facts={"2026-10": {"one": b"c1", ODD: b"c2"}, "2026-11": {"two": b"q\x00"}},
        documents={"P": (1, b"Pone"), "Ssession.1": (3, b"Sthree")},
        months=["2026-10", "2026-11"],
    )
    await store.add([added, Additions("north/p2", facts={"2026-11": {"x": b"c"}}, months=["2026-11"])])
    await store.add([added])

    found = await store.load(["north/p.1", "north/p2", "north/nobody"])

    assert {"north/p.1", "north/p2"} == set(found)
    assert dict(found["north/p.1"].facts) == {"one": b"c1", ODD: b"c2", "two": b"q\x00"}
    assert sorted(found["north/p.1"].documents) == [b"Pone", b"Sthree"]
    assert {"2026-10", "2026-11"} == found["north/p.1"].months


async def test_many_patients_are_loaded_and_saved_at_once(store: MongoStore) -> None:
    """More than one message's worth."""
    keys = [f"north/p{number}" for number in range(1, 1100)]
    await store.add([Additions(key, facts={"2026-11": {"x": b"c"}}, months=["2026-11"]) for key in keys])
    await store.save([saved(key) for key in keys])

    assert set(keys) == set(await store.load(keys)) == {due.key for due in await store.dues(keys)}


@pytest.mark.parametrize("sequence", list(permutations([1, 2, 10])))
async def test_of_a_document_the_highest_version_stays(store: MongoStore, sequence: tuple[int, ...]) -> None:
    """Whatever comes in whatever sequence."""
    for version in (*sequence, *sequence):
        await store.add([Additions("north/p1", documents={"P": (version, b"P%d" % version)})])

    assert (await store.load(["north/p1"]))["north/p1"].documents == [b"P10"]


async def test_two_first_writers_of_one_patient_both_get_through(store: MongoStore) -> None:
    """An owner and one who was it until now, at the same moment: nothing of either is lost."""
    await asyncio.gather(
        *(
            store.add([Additions("north/p1", facts={"2026-11": {f"f{number}": b"c"}}, months=["2026-11"])])
            for number in range(8)
        )
    )

    assert len((await store.load(["north/p1"]))["north/p1"].facts) == 8


async def test_an_entry_set_aside_is_counted_and_gone_until_it_is_recovered(store: MongoStore) -> None:
    """Its fact is taken out, so that the patient's others are not held up by it."""
    await store.add([Additions("north/p1", facts={"2026-11": {ODD: b"c", "two": b"c"}}, months=["2026-11"])])
    await store.put_aside("north/p1", ODD, risk=True)
    aside = (await store.load(["north/p1"]))["north/p1"]
    await store.add([Additions("north/p1", facts={"2026-11": {ODD: b"c"}}, recovered=[ODD])])
    recovered = (await store.load(["north/p1"]))["north/p1"]

    assert (aside.facts, aside.aside) == ([("two", b"c")], {ODD: True})
    assert (len(recovered.facts), recovered.aside) == (2, {})


ORDERS: list[tuple[Order, Order]] = [
    (PROVISIONAL, (0, 9, 1, 1, 9)),
    ((0, 5, 1, 1, 3), (0, 5, 1, 1, 3)),
    ((0, 5, 1, 1, 3), (0, 7, 1, 1, 4)),
    ((0, 10, 1, 1, 1), (0, 10, 1, 1, 1)),
]


@pytest.mark.parametrize("sequence", list(permutations(range(4))))
async def test_an_older_assessment_replaces_nothing(store: MongoStore, sequence: tuple[int, ...]) -> None:
    """The highest order said stays, of equals the one judged last; the provisional one only fills a gap."""
    for index in sequence:
        said, order = ORDERS[index]
        await store.save([saved(said=said, order=order, body=str(index))])
    found = await store.assessment("north/p1")
    (due,) = await store.dues(["north/p1"])

    assert found is not None
    assert ("3", *ORDERS[3]) == (found.body, found.said, found.order)
    assert (due.judged, due.provisional) == ((0, 10, 1, 1, 1), False)


async def test_an_assessment_comes_back_whole_and_says_when_it_is_due(store: MongoStore) -> None:
    """To the microsecond, none included."""
    await store.save([saved(), saved("north/p2", due=None, clinician=None, place=None, said=PROVISIONAL)])
    dues = {due.key: due for due in await store.dues(["north/p1", "north/p2", "north/p3"])}

    assert saved() == await store.assessment("north/p1")
    assert (dues["north/p1"].due, dues["north/p2"].due) == (NOON, None)
    assert (
        dues["north/p1"].aside,
        dues["north/p1"].aside_risk,
        dues["north/p1"].provisional,
        dues["north/p2"].provisional,
    ) == (2, 1, False, True)
    assert await store.assessment("north/p3") is None


async def test_a_caseload_goes_by_place_and_stays_within_its_clinic(store: MongoStore) -> None:
    """Page by page, by clinician, without those who have no place in it."""
    places = {"p1": "3 2026", "p2": "0 2026", "p3": None, "p4": "9  ", "p5": "3 2025"}
    await store.save(
        [
            saved(f"north/{name}", place=place, clinician="sam" if name == "p5" else "priya")
            for name, place in places.items()
        ]
        + [saved("south/p9", place="0 2020")]
    )

    async def keys(clinician: str | None, after: str | None, limit: int) -> list[str]:
        found = await store.caseload("north", Wanted(clinician=clinician), after=after, limit=limit)
        return [one.key for one in found]

    assert await keys(None, None, 10) == ["north/p2", "north/p5", "north/p1", "north/p4"]
    assert await keys(None, "0 2026", 2) == ["north/p5", "north/p1"]
    assert await keys("priya", None, 10) == ["north/p2", "north/p1", "north/p4"]
    assert await keys(None, "9  ", 10) == []


async def test_a_caseload_is_filtered_by_concern_by_urgency_and_by_silence(store: MongoStore) -> None:
    """Each alone and together; somebody never heard from counts as silent."""
    await store.save(
        [
            saved("north/p1", place="1 a", rules=("risk_item", "mood_shift"), at_once=True, heard=NOON),
            saved("north/p2", place="2 b", rules=("mood_shift",), heard=NOON - timedelta(days=30)),
            saved("north/p3", place="3 c", heard=None),
        ]
    )

    async def keys(**wanted: Any) -> list[str]:
        return [one.key for one in await store.caseload("north", Wanted(**wanted), after=None, limit=10)]

    assert await keys() == ["north/p1", "north/p2", "north/p3"]
    assert await keys(rule="mood_shift") == ["north/p1", "north/p2"]
    assert await keys(rule="mood_shift", at_once=True) == ["north/p1"]
    assert await keys(silent_since=NOON) == ["north/p2", "north/p3"]
    assert await keys(rule="mood_shift", silent_since=NOON) == ["north/p2"]


async def test_patients_whose_episode_ended_are_found_by_the_day(store: MongoStore) -> None:
    """On or after the day, any of their episodes, of this clinic only."""
    spring, autumn = date(2026, 3, 31), date(2026, 9, 30)
    await store.save(
        [
            saved("north/p1", ended=(spring,)),
            saved("north/p2", ended=(spring, autumn)),
            saved("north/p3"),
            saved("south/p4", ended=(autumn,)),
        ]
    )

    assert await store.ended("north", spring) == ["north/p1", "north/p2"]
    assert await store.ended("north", date(2026, 4, 1)) == ["north/p2"]
    assert await store.ended("north", date(2026, 10, 1)) == []
    assert (await store.assessment("north/p2") or saved()).ended == (spring, autumn)


async def test_how_far_a_partition_is_read_is_its_slowest_topic(database: Database) -> None:
    """As the runner's resume points say; a partition never read, or not of every topic, is left out."""
    resume = MongoResumeStore(database=database, group="g")
    reader = ResumeReader(database=database, group="g", topics={Topic.MOODS, Topic.PATIENTS})
    for partition in (1, 2):
        await resume.open(partition, "cluster")
    await resume.save(1, Resume({Topic.MOODS: 1}, {Topic.MOODS: NOON, Topic.PATIENTS: NOON - timedelta(hours=1)}))
    await resume.save(2, Resume({Topic.MOODS: 1}, {Topic.MOODS: NOON}))

    assert {1: NOON - timedelta(hours=1)} == await reader.read_up_to([1, 2, 3])
