"""What came of what was asked, and whom to remind."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mood.domain import (
    Became,
    Due,
    LeftOut,
    Recorded,
    Reminded,
    Timing,
    asked,
    asked_by_hand,
    completion,
    fallen_due,
    look_back,
    marks,
    next_look,
)
from shared.contracts import CheckInRecorded, Clinic, Patient
from shared.contracts.base import Origin
from shared.contracts.expected import Expected, expected_of
from shared.contracts.patients import PatientStatus
from shared.contracts.protocols import Protocol
from shared.schedule import Occasion
from tests.unit.mood.made import CLINIC, settings

DAILY = Protocol.model_validate(
    {
        "name": "daily",
        "rhythm": {"every": "days"},
        "windows": [{"opens": "09:00", "closes": "12:00"}],
        "late_after": 60,
        "expires_after": 600,
        "reminders_after": [120, 300],
    }
)
MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def patient(**changes: Any) -> Patient:
    """In care for ten days, willing to be reminded."""
    fields: dict[str, Any] = {
        "clinic": CLINIC,
        "patient": "sam",
        "version": 1,
        "registered_at": MORNING - 10 * DAY,
        "updated_at": MORNING - 10 * DAY,
        "consent_to_contact": True,
        "protocols": [{"protocol": "daily", "starts_on": "2026-11-01"}],
    }
    return Patient.model_validate(fields | changes)


def expected(document: Patient, *protocols: Protocol, **more: Any) -> Expected:
    clinic = Clinic(
        clinic=CLINIC, version=1, name="H", settings=[settings(protocols=list(protocols or [DAILY]), **more)]
    )
    found = expected_of(clinic, document)
    assert found is not None
    return found


def entry(at: datetime, name: str = "") -> Recorded:
    fact = CheckInRecorded(
        clinic=CLINIC, patient="sam", occurred_at=at, local_day=at.date(), origin=Origin.LIVE, mood=5
    )
    return Recorded(name or at.isoformat(), at, fact)


def reminders(now: datetime, *entries: Recorded, given: list[Reminded] | None = None, **changes: Any) -> list[Due]:
    """What falls due by `now`."""
    document = patient(**changes)
    plan = expected(document)
    return fallen_due(document, plan, asked(look_back(plan, [], now), entries, now), given or [], now)


def by_hand(
    now: datetime, *entries: Recorded, given: list[Reminded] | None = None, call: str = "c1", **changes: Any
) -> Any:
    document = patient(**changes)
    plan = expected(document)
    known = asked(look_back(plan, [], now), entries, now)
    return asked_by_hand(document, plan, known, given or [], now, call=call, by="desk")


def given_of(due: Due) -> Reminded:
    return Reminded(due.id, due.fact.occasion, due.fact.occurred_at)


def test_each_occasion_is_told_by_what_came_of_it() -> None:
    """On time, late, expired, due, coming; an answer counts when it was given, however late it reached us."""
    plan = expected(patient())
    now = MORNING + 30 * timedelta(minutes=1)
    entries = [entry(MORNING - 3 * DAY), entry(MORNING - 2 * DAY + 2 * HOUR), entry(MORNING - DAY + 10 * HOUR)]
    found = asked(plan.between(MORNING - 3 * DAY, MORNING + 2 * DAY), entries, now)

    assert [one.became for one in found] == [
        Became.ON_TIME, Became.LATE, Became.EXPIRED, Became.DUE, Became.COMING]  # fmt: skip


def test_completion_leaves_out_what_is_still_open() -> None:
    """Of three that are over two were answered; without any there is no share."""
    plan = expected(patient())
    entries = [entry(MORNING - 3 * DAY), entry(MORNING - 2 * DAY + 2 * HOUR)]
    found = asked(plan.between(MORNING - 3 * DAY, MORNING + 2 * DAY), entries, MORNING)

    assert completion(found).model_dump() == {"expected": 3, "on_time": 1, "late": 1, "expired": 1, "share": 0.67}
    assert completion(found, MORNING - DAY).model_dump() == {
        "expected": 1, "on_time": 0, "late": 0, "expired": 1, "share": 0.0}  # fmt: skip
    assert completion([]).share is None


def test_an_entry_is_marked_with_its_occasion() -> None:
    """On time, late, or too late for one; a second entry and one that nothing asked for have none."""
    occasions = expected(patient()).between(MORNING, MORNING + DAY)
    times = {"on": HOUR / 2, "again": HOUR * 0.9, "before": -HOUR}
    found = marks(occasions, [entry(MORNING + after, name) for name, after in times.items()])
    late = marks(occasions, [entry(MORNING + 3 * HOUR, "late"), entry(MORNING + 4 * HOUR, "again")])
    over = marks(occasions, [entry(MORNING + 10 * HOUR, "over"), entry(MORNING + 11 * HOUR, "again")])

    assert {name: (mark.occasion.id, mark.timing) for name, mark in (found | late | over).items()} == {
        "on": ("daily/2026-11-23/1", Timing.ON_TIME),
        "late": ("daily/2026-11-23/1", Timing.LATE),
        "over": ("daily/2026-11-23/1", Timing.EXPIRED),
    }


def test_a_reminder_falls_due_while_an_occasion_is_open_and_unanswered() -> None:
    """Not a second before; none once it is answered, and none once it has expired."""
    (due,) = reminders(MORNING + 2 * HOUR)

    assert reminders(MORNING + 2 * HOUR - timedelta(seconds=1)) == []
    assert (due.fact.nth, due.fact.occasion, due.fact.occurred_at) == (1, "daily/2026-11-23/1", MORNING + 2 * HOUR)
    assert (due.fact.due_at, due.fact.expires_at) == (MORNING, MORNING + 10 * HOUR)
    assert reminders(MORNING + 2 * HOUR, entry(MORNING + HOUR)) == []
    assert reminders(MORNING + 10 * HOUR) == []


def test_the_same_reminder_has_the_same_id_and_a_given_one_is_not_given_again() -> None:
    """Whoever computes it, and whenever; the second reminder of an occasion is another."""
    (first,) = reminders(MORNING + 2 * HOUR)
    (again,) = reminders(MORNING + 4 * HOUR)
    (second,) = reminders(MORNING + 5 * HOUR, given=[given_of(first)])

    assert again == first
    assert reminders(MORNING + 4 * HOUR, given=[given_of(first)]) == []
    assert (second.fact.nth, second.id != first.id) == (2, True)


def test_what_fell_due_while_nothing_ran_is_made_up_for_by_one() -> None:
    """After a stop of five hours the second reminder goes out and the first does not."""
    assert [due.fact.nth for due in reminders(MORNING + 5 * HOUR)] == [2]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"consent_to_contact": False}, LeftOut.NO_CONSENT),
        ({"contact": {"reminders": False}}, LeftOut.WISHES_NO_REMINDERS),
        ({"contact": {"most_a_week": 0}}, LeftOut.WEEKLY_MOST_REACHED),
    ],
)
def test_nobody_is_reminded_against_their_wish(changes: dict[str, Any], why: LeftOut) -> None:
    """Neither by the protocol nor by hand, which says why."""
    assert reminders(MORNING + 2 * HOUR, **changes) == []
    assert by_hand(MORNING + 2 * HOUR, **changes) is why


@pytest.mark.parametrize("status", [PatientStatus.DISCHARGED, PatientStatus.DECEASED])
def test_after_the_end_of_care_nothing_is_due(status: PatientStatus) -> None:
    """From the last change of the document on, where no episode says when care ended; until then it was expected."""
    over = {"status": status, "updated_at": MORNING - HOUR}
    plan = expected(patient(**over))

    assert reminders(MORNING + 2 * HOUR, **over) == []
    assert by_hand(MORNING + 2 * HOUR, **over) is LeftOut.NOTHING_OPEN
    assert [one.day.day for one in plan.between(MORNING - 2 * DAY, MORNING + DAY)] == [21, 22]
    open_still = {"status": status, "updated_at": MORNING + HOUR}
    assert by_hand(MORNING + 2 * HOUR, **open_still) is LeftOut.NOT_IN_CARE


def test_the_weekly_most_counts_the_last_seven_days() -> None:
    """The fourth within a week is not given; a week later it is."""
    three = [Reminded(f"r{n}", "other", MORNING - n * DAY) for n in range(3)]

    assert reminders(MORNING + 2 * HOUR, given=three) == []
    assert len(reminders(MORNING + 2 * HOUR, given=[one._replace(at=one.at - 7 * DAY) for one in three])) == 1


def test_nothing_is_expected_from_before_we_had_heard_of_a_patient() -> None:
    """Registering people of long ago, or starting a protocol in the past, reminds nobody of the past."""
    late = {"created_at": MORNING + HOUR}

    assert reminders(MORNING + 2 * HOUR, **late) == []
    assert len(reminders(MORNING + DAY + 2 * HOUR, **late)) == 1


def test_a_reminder_by_hand_is_of_what_expires_first_and_the_same_for_a_retry() -> None:
    """A second call within the hour is told that they were reminded just now; an hour later it may."""
    first = by_hand(MORNING + HOUR)
    assert isinstance(first, Due)
    retry = by_hand(MORNING + HOUR * 1.1, given=[given_of(first)])
    other = by_hand(MORNING + HOUR * 1.1, given=[given_of(first)], call="c2")
    later = by_hand(MORNING + HOUR * 2.1, given=[given_of(first)], call="c2")

    assert (first.fact.by, first.fact.nth) == ("desk", 1)
    assert retry == first
    assert other is LeftOut.REMINDED_JUST_NOW
    assert (later.fact.nth, later.id == first.id) == (2, False)
    assert by_hand(MORNING + HOUR, entry(MORNING)) is LeftOut.NOTHING_OPEN


def test_a_pathway_is_followed_from_its_day_on_and_a_protocol_of_their_own_comes_first() -> None:
    """The pathway's daily one begins on the 20th; the patient's own ends on the 21st."""
    on_it = patient(protocols=[], pathway="low-mood", pathway_since="2026-11-20")
    own = patient(
        protocols=[{"protocol": "daily", "starts_on": "2026-11-19", "stops_on": "2026-11-21"}],
        pathway="low-mood",
        pathway_since="2026-11-20",
    )
    pathways = {"pathways": {"low-mood": ["daily"]}}

    def days(document: Patient) -> list[int]:
        return [one.day.day for one in expected(document, **pathways).between(MORNING - 9 * DAY, MORNING)]

    assert days(on_it) == [20, 21, 22]
    assert days(own) == [19, 20, 21]


def test_before_the_next_reminder_nobody_is_looked_at() -> None:
    """The next look is the next reminder's time, or a week later where there is none."""
    plan = expected(patient())
    ended = patient(protocols=[{"protocol": "daily", "starts_on": "2026-11-01", "stops_on": "2026-11-22"}])

    assert next_look(look_back(plan, [], MORNING), MORNING) == MORNING + 2 * HOUR
    assert next_look(look_back(plan, [], MORNING + 5 * HOUR), MORNING + 5 * HOUR) == MORNING + DAY + 2 * HOUR
    assert next_look(look_back(expected(ended), [], MORNING), MORNING) == MORNING + 7 * DAY


minutes = st.integers(0, 5 * 24 * 60).map(lambda n: MORNING - 4 * DAY + timedelta(minutes=n))


@given(st.lists(minutes, max_size=12), st.lists(minutes, min_size=1, max_size=30))
def test_looking_whenever_it_may_be_gives_each_reminder_once(answers: list[datetime], looks: list[datetime]) -> None:
    """With restarts, several owners and late entries: no id twice, nothing expired or answered, no more a week."""
    document = patient(contact={"most_a_week": 5})
    plan = expected(document)
    given_: list[Reminded] = []
    for now in sorted(looks):
        known = look_back(plan, [], now)
        told = asked(known, [entry(at) for at in answers if at <= now], now)
        open_ones: dict[str, Occasion] = {one.occasion.id: one.occasion for one in told if one.became is Became.DUE}
        for due in fallen_due(document, plan, told, given_, now):
            occasion = open_ones[due.fact.occasion]
            assert occasion.due_at + 2 * HOUR <= now < occasion.expires_at
            given_.append(given_of(due))
        assert fallen_due(document, plan, told, given_, now) == []

    assert len({one.id for one in given_}) == len(given_)
    assert len(given_) <= 5
    assert all(one.day >= date(2026, 11, 13) for one in look_back(plan, [], MORNING))


def test_the_worked_example_of_the_documentation_is_computed() -> None:
    """The protocol and the table stand in docs/schedules.md; a weekend with a change of the clocks, then a flight."""
    text = (Path(__file__).parents[3] / "docs/schedules.md").read_text()
    written = json.loads("{" + text.split("```json\n")[1].split("```")[0] + "}")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| 2026-")]
    declared = {one["name"]: Protocol.model_validate(one) for one in written["protocols"]}
    sam = patient(
        protocols=[{"protocol": "daily-mood", "starts_on": "2026-10-01"}],
        registered_at="2026-10-01T09:00:00Z",
        zone="America/New_York",
        zones=[
            {"zone": "Europe/London", "since": "2026-10-01T09:00:00Z"},
            {"zone": "America/New_York", "since": "2026-10-26T12:00:00Z"},
        ],
    )
    known = expected(sam, *declared.values(), pathways=written["pathways"])
    found = known.between(datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 28, tzinfo=UTC))

    assert len(rows) == 4
    assert rows == [
        [
            str(one.day),
            f"{one.due_at.astimezone(one.zone):%H:%M} {one.zone.key}",
            *(f"{at:%H:%M}" for at in (one.due_at, *one.reminders, one.late_from, one.expires_at)),
        ]
        for one in found
    ]
