"""The auditor: it finds what was lost by any accident, sets it going, and says nothing where all is well."""

from asyncio import get_running_loop
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.notify.domain.audit import End, Wrong
from services.notify.handlers import OpenAlerts, auditing, show
from shared.contracts.base import Urgency
from shared.contracts.clinics import Fatigue
from tests.unit.notify.escalating import STAFF, Story
from tests.unit.notify.made import DAY, HOUR

CALM = {"urgency": Urgency.WORKING_HOURS, "rule": "trend"}


def stored(story: Story, collection: str) -> dict[str, Any]:
    """The records, to damage."""
    return story.world.database._records[collection]


async def audit(story: Story) -> list[Wrong]:
    """What it finds, and what it set going is done."""
    found = await story.process.auditor.audit()
    await story.process.calm()
    return [finding.wrong for finding in found]


def damaged(story: Story, row: str, **fields: Any) -> None:
    """A row as some accident left it."""
    one = story.world.rows()[row].model_copy(update=fields)
    stored(story, "deliveries")[row]["body"] = one.model_dump_json()


async def test_where_all_is_well_it_finds_nothing_whatever_became_of_the_alerts() -> None:
    """Open, held, taken, closed, late at night."""
    story = Story(fatigue=Fatigue(low_priority="digest"))
    await story.hears("e1")
    await story.hears("e2", **CALM)
    found = []
    for _ in range(5):
        found += await audit(story)
        await story.minutes(20)
    story.chosen = story.world.alerts()[0]
    await story.acknowledges()
    found += await audit(story)
    await story.passes(4 * DAY)
    await story.closes()
    await story.passes(HOUR)

    assert found + await audit(story) == []


async def test_it_rests_between_its_pieces_and_never_between_an_alert_and_its_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What goes out has the store first; and what happens meanwhile is no difference. Who asks by the API waits for no
    rest."""
    story = Story()
    await story.hears("e1")
    rests: list[float] = []

    async def meanwhile(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 1:
            await story.acknowledges()

    monkeypatch.setattr(auditing, "asyncio", SimpleNamespace(sleep=meanwhile, get_running_loop=get_running_loop))
    found = await audit(story)
    rested = [*rests]
    await story.process.auditor.reconciliation("harbour")

    assert found == []
    assert len(rested) == 2, "one for the open alerts, one for the assessments"
    assert min(rested) > 0
    assert set(rests[len(rested) :]) == {0.0}


async def test_a_next_attempt_that_is_nowhere_is_put_back() -> None:
    """The row of the next step was lost: nobody would have been told."""
    story = Story()
    await story.hears("e1")
    await story.minutes(1)
    for row in [name for name, one in story.world.rows().items() if not one.done]:
        del stored(story, "deliveries")[row]
    found = await audit(story)
    await story.minutes(29)

    assert found == [Wrong.NO_ROW]
    assert story.told == [("priya", 0), ("dan", 30)]


async def test_a_row_that_nobody_looks_at_is_looked_at_again() -> None:
    """Its mark in the due times was lost; five minutes after it was due the audit finds it."""
    story = Story()
    await story.hears("e1")
    for bucket in list(stored(story, "due")):
        if bucket != "cursor":
            del stored(story, "due")[bucket]
    await story.restarts()
    await story.minutes(36)
    lost = list(story.told)
    found = await audit(story)
    await story.minutes(1)

    assert lost == [("priya", 0)]
    assert found == [Wrong.OVERDUE]
    assert story.told == [("priya", 0), ("dan", 36)]


async def test_a_message_that_was_sent_and_never_settled_is_settled_and_not_sent_again() -> None:
    """The process died between the provider's answer and the alert's memory."""
    story = Story()
    await story.hears("e1")
    alert = story.alert
    told = [one.model_copy(update={"settled_at": None}) for one in alert.told]
    stored(story, "alerts")[alert.key]["body"] = alert.model_copy(update={"told": told}).model_dump_json()
    found = await audit(story)

    assert found == [Wrong.UNSETTLED]
    assert story.told == [("priya", 0)]
    assert story.alert.told[0].settled_at is not None


async def test_a_row_that_was_ended_though_it_is_owed_begins_again() -> None:
    """By whatever fault of ours."""
    story = Story()
    story.world.away = True
    await story.hears("e1")
    [row] = [name for name, one in story.world.rows().items() if one.step is None]
    damaged(story, row, done=True)
    story.world.away = False
    await story.minutes(2)
    found = await audit(story)
    await story.minutes(1)

    assert found == [Wrong.CANCELLED]
    assert ("priya", 2) in story.told


async def test_what_is_held_in_a_digest_that_is_gone_goes_out_all_the_same() -> None:
    """Held is never lost: it is planned anew, and held again where it is still quiet."""
    story = Story(fatigue=Fatigue(low_priority="digest"))
    await story.hears("e1", **CALM)
    [digest] = [name for name, one in story.world.rows().items() if one.kind == "digest"]
    del stored(story, "deliveries")[digest]
    found = await audit(story)
    await story.minutes(1)
    await story.passes(23 * HOUR)

    assert found == [Wrong.HELD_NOWHERE]
    assert [who for who, _ in story.told] == ["priya"]


async def test_evidence_that_stands_in_no_alert_is_told() -> None:
    """The batch that should have opened it was lost with its offset already stored."""
    story = Story()
    await story.hears("e1")
    await story.closes()
    for name in ("alerts", "register", "deliveries"):
        stored(story, name).clear()
    story.world.sent.clear()
    at_first = await audit(story)
    await story.minutes(6)
    found = await audit(story)
    await story.minutes(1)

    assert at_first == []
    assert found == [Wrong.UNTOLD]
    assert {one.to for one in story.world.sent} == {"priya@listed.example", STAFF[0].mobile}


async def test_the_reconciliation_counts_every_concern_and_every_alert_s_end() -> None:
    """And lists what differs, without mending it."""
    story = Story(fatigue=Fatigue(bundle_minutes=0))
    await story.hears("e1")
    await story.hears("e2", **CALM)
    story.chosen = next(one for one in story.world.alerts() if one.rule == "trend")
    await story.closes()
    await story.minutes(6)
    clean = await story.process.auditor.reconciliation("harbour")
    for row in [name for name, one in story.world.rows().items() if not one.done]:
        del stored(story, "deliveries")[row]
    differing = await story.process.auditor.reconciliation("harbour")
    other = await story.process.auditor.reconciliation("other")

    assert (clean.concerns, clean.evidence, clean.alerts) == (2, 2, 2)
    assert {end: number for end, number in clean.ends.items() if number} == {End.WAITING: 1, End.CLOSED: 1}
    assert not any(clean.found.values())
    assert [one.wrong for one in differing.differences] == [Wrong.NO_ROW]
    assert [name for name, one in story.world.rows().items() if not one.done] == []
    assert (other.concerns, other.alerts, other.differences) == (0, 0, [])


async def test_when_everybody_was_told_and_nobody_answered_the_end_is_used_up_and_the_gauge_says_so() -> None:
    """That pages the operator, as does a risk alert that found nobody."""
    story = Story()
    await story.hears("e1")
    for _ in range(4):
        await story.minutes(30)
    show(story.world.alerts(), story.world.clock.now())
    used_up = REGISTRY.get_sample_value("rapport_alerts_used_up", {"urgency": "at_once"})
    fell_back = REGISTRY.get_sample_value("rapport_risk_alerts_without_recipient")
    ends = (await story.process.auditor.reconciliation("harbour")).ends

    assert (used_up, fell_back) == (1, 0)
    assert ends[End.USED_UP] == 1
    await story.closes()
    show(story.world.alerts(), story.world.clock.now())
    assert REGISTRY.get_sample_value("rapport_alerts_used_up", {"urgency": "at_once"}) == 0


@pytest.mark.parametrize("people", [(), STAFF[1:]])
async def test_a_risk_alert_with_nobody_to_tell_is_an_operator_s_page(people: Any) -> None:
    """An empty rota, a clinician who is gone: the fallback contact was told, and the operator's gauge says so."""
    story = Story(people=people, duty_rota=None)
    await story.hears("e1")
    await story.minutes(2)
    show(story.world.alerts(), story.world.clock.now())

    assert {one.to for one in story.world.sent} == {"duty@listed.example"}
    assert REGISTRY.get_sample_value("rapport_risk_alerts_without_recipient") == 1
    show(OpenAlerts(), story.world.clock.now())


async def test_the_load_says_what_each_clinician_carries() -> None:
    """Alerts by week and by 100 patients, what was held, and how soon they answer."""
    story = Story(fatigue=Fatigue(bundle_minutes=0, alert_budget=1))
    await story.hears("e1")
    await story.minutes(30)
    await story.acknowledges()
    for rule in ("trend", "gone_quiet"):
        await story.hears(f"about {rule}", urgency=Urgency.WORKING_HOURS, rule=rule)
    first, *others = await story.process.figures.of("harbour", 2)

    assert (first.clinician, first.patients, first.alerts, first.risk) == ("priya", 1, 3, 1)
    assert (first.per_week, first.per_100) == (1.5, 150.0)
    assert (first.messages, first.held, first.over_budget) == (1, 1, 1)
    assert (first.acknowledged, first.median_minutes) == (1, 30.0)
    assert [one.alerts for one in others] == [0] * 5
