"""Outcomes at the door: from entries and documents to rates, and nobody else's."""

from datetime import date, timedelta
from typing import Any

from shared.contracts import EntryWithdrawn
from shared.contracts.base import Origin
from shared.contracts.clinics import CutOff
from shared.contracts.patients import Episode, EpisodeEnd
from shared.contracts.sessions import Attendance, SessionKind
from tests.unit.insights import builders as b
from tests.unit.insights.test_caseload import door, known

PERIOD = {"since": "2026-06-01", "until": "2026-09-30"}


def episode(
    name: str = "e1", *, clinician: str = "priya", ended: date | None = date(2026, 7, 20), **more: Any
) -> Episode:
    """An episode referred on the first day."""
    end = EpisodeEnd.COMPLETED if ended else None
    return Episode(episode=name, referred_on=b.START.date(), clinician=clinician, ended_on=ended, end=end, **more)


def course(patient: str, phq: tuple[int, int], gad: tuple[int, int], *, contacts: int = 2, **more: Any) -> list[Any]:
    """A patient with an episode that ended, first and last scores, and attended sessions."""
    found: list[Any] = [b.patient(patient=patient, episodes=[episode(**more)])]
    for at, one, other in zip((b.day(1), b.day(40)), phq, gad, strict=True):
        found += [b.answers(at, one, patient=patient), b.answers(at, other, instrument="gad7", patient=patient)]
    for number in range(contacts):
        held = b.session(f"{patient}-{number}", None, patient=patient)
        found.append(held.model_copy(update={"scheduled_at": b.day(number), "attendance": Attendance.LATE}))
    return found


async def test_outcomes_are_those_of_the_episodes_that_ended_in_the_period() -> None:
    """Ten recovered, five did not change; an open episode and one that ended earlier are left out."""
    things = [thing for n in range(10) for thing in course(f"well{n}", (15, 8), (12, 6))]
    things += [thing for n in range(5) for thing in course(f"same{n}", (16, 11), (14, 11), clinician="sam")]
    things += course("open", (15, 8), (12, 6), ended=None)
    things += course("early", (15, 8), (12, 6), ended=date(2026, 5, 31))
    async with door(await known(*things)) as client:
        found = (await client.get("/v1/outcomes", params=PERIOD | {"by": "clinician"})).json()
        sams = (await client.get("/v1/outcomes", params=PERIOD | {"clinician": "sam"})).json()
    async with door(await known(*things), clinic="south") as client:
        theirs = (await client.get("/v1/outcomes", params=PERIOD)).json()

    everyone = found["everyone"]
    assert (everyone["ended"], everyone["completed"]) == (15, 15)
    assert everyone["recovery"] == {"count": 10, "of": 15, "rate": 0.6667, "national": 0.45}
    assert everyone["reliable_improvement"]["national"] == 0.607
    assert [(group["group"], group["recovery"]["count"]) for group in found["groups"]] == [("priya", 10), ("sam", 0)]
    assert sams["everyone"]["no_reliable_change"]["count"] == 5
    assert theirs["everyone"]["ended"] == 0


async def test_an_assessment_alone_and_a_follow_up_are_no_treatment_contacts() -> None:
    """Attended like any other; with one treatment session besides, nobody has had a course of treatment."""

    def seen_for(patient: str, first: SessionKind, second: SessionKind) -> list[Any]:
        *before, one, other = course(patient, (15, 8), (12, 6))
        return [*before, one.model_copy(update={"kind": first}), other.model_copy(update={"kind": second})]

    treatment, both = SessionKind.TREATMENT, SessionKind.ASSESSMENT_AND_TREATMENT
    things = [thing for n in range(5) for thing in seen_for(f"a{n}", SessionKind.ASSESSMENT, treatment)]
    things += [thing for n in range(6) for thing in seen_for(f"f{n}", treatment, SessionKind.FOLLOW_UP)]
    things += [thing for n in range(7) for thing in seen_for(f"t{n}", both, treatment)]
    async with door(await known(*things)) as client:
        everyone = (await client.get("/v1/outcomes", params=PERIOD)).json()["everyone"]

    assert (everyone["ended"], everyone["completed"], everyone["recovery"]["count"]) == (18, 7, 7)


async def test_a_score_that_was_withdrawn_or_lies_outside_the_episode_does_not_count() -> None:
    """The last one withdrawn leaves the one before as the last."""
    things: list[Any] = []
    withdrawn = b.day(45)
    for n in range(5):
        patient = f"p{n}"
        things += course(patient, (15, 8), (12, 6))
        things += [b.answers(b.day(55), 20, patient=patient)]  # after the end
        things += [b.answers(withdrawn, 25, patient=patient)]
        entry = b.fact_id(len(things) - 1)
        things += [
            EntryWithdrawn(
                clinic=b.CLINIC, patient=patient, occurred_at=withdrawn + timedelta(days=1),
                local_day=withdrawn.date(), origin=Origin.LIVE, entry=entry,
            )
        ]  # fmt: skip
    async with door(await known(*things)) as client:
        found = (await client.get("/v1/outcomes", params=PERIOD)).json()

    assert found["everyone"]["recovery"]["count"] == 5
    assert found["everyone"]["effects"][0] == {
        "measure": "phq9", "paired": 5, "mean_first": 15, "mean_last": 8, "effect_size": 1.15,
    }  # fmt: skip


async def test_the_measure_of_the_problem_counts_where_the_clinic_gave_its_numbers() -> None:
    """PCL-5 in place of the GAD-7, which did not fall below caseness."""
    settings = b.settings().model_copy(
        update={"outcome_measures": {"ptsd": "pcl5"}, "cut_offs": {"pcl5": CutOff(caseness=32, reliable_change=10)}}
    )
    things: list[Any] = []
    for n in range(5):
        patient = f"p{n}"
        things += course(patient, (15, 8), (12, 12), problem="ptsd")
        things += [
            b.answers(at, score, instrument="pcl5", patient=patient) for at, score in ((b.day(2), 50), (b.day(41), 20))
        ]
    world = await known(*things)
    async with door(world) as client:
        before = (await client.get("/v1/outcomes", params=PERIOD)).json()
    world.clinics[b.CLINIC] = b.clinic(settings)
    async with door(world) as client:
        after = (await client.get("/v1/outcomes", params=PERIOD)).json()

    assert (before["everyone"]["recovery"]["count"], after["everyone"]["recovery"]["count"]) == (0, 5)


async def test_a_period_that_is_none_is_refused() -> None:
    """With what to send instead."""
    async with door(await known()) as client:
        backwards = await client.get("/v1/outcomes", params={"since": "2026-09-30", "until": "2026-06-01"})
        endless = await client.get("/v1/outcomes", params={"since": "1990-01-01", "until": "2026-06-01"})

    assert [backwards.status_code, endless.status_code] == [400, 400]
    assert backwards.json()["code"] == "invalid_period"
