"""A year of one clinic through the doors: assessments, briefs, caseload, outcomes and a backtest are the oracle's."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.asked import backtest_agrees, caseload_agrees
from tests.e2e.processes import Clinic, Platform, until
from tests.e2e.truth import agrees, inputs
from tests.e2e.year import CLINICIANS, RULES, Life, Step, Year, year
from tests.oracle import Inputs
from tests.oracle.briefs import brief, brief_differences
from tests.oracle.ended import by_clinician, by_quarter, ended_episodes, report_differences, reports

SEED = 20261123
AT_ONCE = 8
"""Patients whose past is sent at one time, each in its own order."""
PROPOSED = RULES | {"rules": RULES["rules"] | {"gone_quiet": {"parameters": {"min_days": 10}}}}
BRIEFS = 15


@dataclass
class Sent:
    """The clinic after its year was sent: the year, what stands on the topics, and up to where that is."""

    clinic: Clinic
    year: Year
    inputs: dict[str, Inputs]
    assessments: dict[str, Any]
    after: str


@pytest.fixture(scope="module")
async def sent(platform: Platform) -> AsyncIterator[Sent]:
    """The year, sent as a clinic's own system would, and every patient's assessment equal to the oracle's."""
    story, began = year(SEED, datetime.now(UTC)), time.monotonic()
    async with platform.clinic() as clinic:
        await clinic.put("/v1/clinic", story.clinic)
        for name, body in story.clinicians.items():
            await clinic.put(f"/v1/clinicians/{name}", body)
        free, reached = asyncio.Semaphore(AT_ONCE), Reached()

        async def live(life: Life) -> None:
            async with free:
                await _send(clinic, life, reached)

        await asyncio.gather(*map(live, story.lives))
        took = time.monotonic() - began
        assessments = await agrees(clinic, seconds=90)
        found = await inputs(clinic)
        episodes = sum(len((of.patient or {})["episodes"]) for of in found.values())
        rules = Counter(concern["rule"] for one in assessments.values() for concern in one["concerns"])
        steps = sum(len(life.steps) for life in story.lives)
        print(f"{len(found)} people, {episodes} episodes, {story.entries} entries, {steps} other steps: {took:.1f} s;")
        print(f"as the oracle has it after {time.monotonic() - began:.1f} s; concerns now: {dict(rules)}")
        yield Sent(clinic, story, found, assessments, str(reached))


class Reached:
    """The last position of each partition written to."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def note(self, header: str | None) -> None:
        """What a write's answer said."""
        for position in header.split(",") if header else ():
            place, _, offset = position.strip().rpartition(":")
            self._last[place] = max(self._last.get(place, -1), int(offset))

    def __str__(self) -> str:
        return ",".join(f"{place}:{offset}" for place, offset in self._last.items())


async def _send(clinic: Clinic, life: Life, reached: Reached) -> None:
    """One patient: the steps of care in order, all entries in a batch, what was put right; nothing is refused."""
    ids: dict[str, str] = {}
    for step in life.steps:
        ids[step.key] = await _take(clinic, step, ids, reached)
    batch = "".join(f"{json.dumps(line)}\n" for line in life.lines).encode()
    answer = await clinic.ask("POST", "/v1/events:batch", content=batch)
    assert answer.json()["refused"] == 0, answer.text
    ids |= {one["key"]: one["id"] for one in answer.json()["results"]}
    reached.note(answer.headers["Position"])
    for step in life.changes:
        await _take(clinic, step, ids, reached)


async def _take(clinic: Clinic, step: Step, ids: dict[str, str], reached: Reached) -> str:
    """One request, which must be accepted; the id it gave, where it gave one."""
    path = step.path.replace("{id}", ids.get(step.about, ""))

    async def taken() -> Any:
        answer = await clinic.ask(step.method, path, step.body, key=step.key)
        # a question is read back from the bus before it can be answered
        return None if answer.status_code == 404 and path.startswith("/v1/questions/") else answer

    answer = await until(path, taken)
    assert answer.status_code in (200, 201, 202), f"{step}: {answer.text}"
    reached.note(answer.headers.get("Position"))
    return str(answer.json().get("id", ""))


async def test_everything_of_the_year_arrived_once(sent: Sent) -> None:
    """Every entry, session, rating, question and discharge that was sent stands on the topics, once."""
    asked = [step.path.rpartition("/")[2] for life in sent.year.lives for step in life.steps]
    facts = Counter(
        next((word for word in ("entry", "strategy", "question") if word in fact), "said")
        for of in sent.inputs.values()
        for fact in of.facts
    )
    sessions = [session for of in sent.inputs.values() for session in of.sessions]
    ended = [one for of in sent.inputs.values() for one in (of.patient or {})["episodes"] if one["ended_on"]]

    assert facts == {
        "said": sent.year.entries,
        "entry": sum(len(life.changes) for life in sent.year.lives),  # corrections and withdrawals name one
        "strategy": asked.count("tried"),
        "question": asked.count("questions"),
    }
    assert len(sessions) == asked.count("sessions")
    assert sum(session["attendance"] is not None for session in sessions) == asked.count("attendance")
    assert sum(session["rating"] is not None for session in sessions) == asked.count("rating")
    assert sum(len(session["rescheduled"]) for session in sessions) == asked.count("reschedule")
    assert len(ended) == asked.count("discharge")


async def test_every_brief_asked_for_says_what_the_oracle_says(sent: Sent) -> None:
    """Sessions, changes, moods, concerns, questions, strategies and ratings of every fourth patient."""
    names = sorted(sent.inputs)[:: len(sent.inputs) // BRIEFS][:BRIEFS]
    found, said = [], Counter[str]()
    for name in names:
        made = await sent.clinic.get(f"/v1/patients/{name}/brief", after=sent.after)
        expected = brief(sent.inputs[name], made["made_at"])
        found += [f"{name}: {line}" for line in brief_differences(expected, made)]
        said.update(part for part in ("last_session", "next_session", "measures", "questions") if expected[part])
        said.update(part for part in ("strategies", "rating", "concerns") if expected[part])

    assert found == []
    assert (len(names), len(said)) == (BRIEFS, 7), said  # every part is there in at least one of them


async def test_the_caseload_is_in_the_oracles_order(sent: Sent) -> None:
    """Page by page, for the whole clinic and for each clinician."""
    shown = await caseload_agrees(sent.clinic, sent.inputs, after=sent.after)
    clinicians = {name: of.patient["clinician"] for name, of in sent.inputs.items() if of.patient}
    for clinician in CLINICIANS:
        page = await sent.clinic.get(f"/v1/caseload?limit=200&clinician={clinician}")
        own = [name for name in shown if clinicians[name] == clinician]
        assert own == [one["patient"] for one in page["items"]]

    assert 0 < len(shown) < len(sent.inputs)  # who was discharged without a concern is in nobody's caseload


async def test_the_outcomes_of_clinicians_and_quarters_are_the_oracles(sent: Sent) -> None:
    """Every count and rate with its denominator, and every number that is not to be shown."""
    today = datetime.now(UTC).date()
    since = today - timedelta(days=370)
    ended = ended_episodes(sent.inputs, since, today, datetime.now(UTC))
    differences = []
    everyone: dict[str, Any] = {}
    for query, group in (("by=clinician", by_clinician), ("by=quarter", by_quarter)):
        answer = await sent.clinic.get(f"/v1/outcomes?since={since}&until={today}&{query}", after=sent.after)
        everyone = answer["everyone"]
        expected = reports(ended, group)
        actual = {one["group"] or "": one for one in [everyone, *answer["groups"]]}
        assert [*expected] == [*actual]
        differences += [
            f"{name}: {line}" for name in expected for line in report_differences(expected[name], actual[name])
        ]
    for name, of in _some(ended, since):
        answer = await sent.clinic.get(f"/v1/outcomes?until={today}&{name}")
        differences += [f"{name}: {line}" for line in report_differences(reports(of, None)[""], answer["everyone"])]

    rates = ("recovery", "reliable_improvement", "reliable_deterioration", "no_reliable_change", "not_classified")
    print(f"{len(ended)} episodes ended; " + ", ".join(f"{name} {everyone[name]['count']}" for name in rates))
    assert differences == []
    assert all(everyone[name]["count"] for name in rates)  # enough of each that all of them are shown


def _some(ended: list[dict[str, Any]], since: date) -> list[tuple[str, list[dict[str, Any]]]]:
    """Smaller questions, of which more is hidden: one clinician's episodes, the last half year's."""
    half = since + timedelta(days=180)
    own = {name: [one for one in ended if one["clinician"] == name] for name in CLINICIANS}
    late = [one for one in ended if one["ended_on"] >= half]
    return [*((f"since={since}&clinician={name}", of) for name, of in own.items()), (f"since={half}", late)]


async def test_a_backtest_of_the_year_raises_what_the_oracle_raises(sent: Sent) -> None:
    """One changed rule: by rule how often by either set, and each concern by name with its two instants."""
    rules = await backtest_agrees(sent.clinic, sent.inputs, PROPOSED, seconds=150)

    assert rules["gone_quiet"]["only_today"] > 0
    assert rules.keys() > {"reliable_deterioration", "risk_item", "stalled", "missed_sessions", "rating_drop"}
