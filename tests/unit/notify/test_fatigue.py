"""Few enough to be read: bundles, digests and a budget for what can wait; risk alerts and at-once ones are exempt."""

from datetime import UTC, datetime
from typing import Literal

import pytest

from services.notify.domain import RISK
from shared.contracts.base import Urgency
from shared.contracts.clinics import Fatigue
from tests.unit.notify.escalating import STAFF, Story, staff
from tests.unit.notify.made import HOUR

TUESDAY = datetime(2026, 11, 24, 9, tzinfo=UTC)
CALM = ["trend", "gone_quiet", "unanswered", "off_track", "mood_shift"]


async def says(story: Story, *rules: str, urgency: Urgency = Urgency.WORKING_HOURS) -> None:
    """Each rule has something to tell."""
    for rule in rules:
        await story.hears(f"about {rule}", urgency=urgency, rule=rule)


async def test_what_falls_due_within_minutes_of_a_message_comes_together() -> None:
    """The first goes at once; the others in one message, a quarter of an hour after it."""
    story = Story()
    await says(story, *CALM[:3])
    await story.minutes(15)

    assert story.told == [("priya", 0), ("priya", 15)]
    assert [len(one.notice.lines) for one in story.world.sent] == [1, 2]
    assert all(told.settled_at for alert in story.world.alerts() for told in alert.told)


async def test_a_clinic_that_wants_no_bundles_has_none() -> None:
    """Zero minutes."""
    story = Story(fatigue=Fatigue(bundle_minutes=0))
    await says(story, *CALM[:3])

    assert story.told == [("priya", 0)] * 3


async def test_what_is_over_the_day_s_budget_comes_in_the_morning_s_digest() -> None:
    """Not dropped: two messages today, and three lines tomorrow; the figures say so."""
    story = Story(fatigue=Fatigue(bundle_minutes=0, alert_budget=2))
    await says(story, *CALM)
    today = list(story.told)
    await story.until(TUESDAY)

    assert today == [("priya", 0)] * 2
    assert story.world.sent[-1].at == TUESDAY
    assert len(story.world.sent[-1].notice.lines) == 3
    [record] = story.world.database._records["load"].values()
    assert [len(record[name]) for name in ("sent", "held", "over")] == [2, 3, 3]


@pytest.mark.parametrize(("clinics", "own"), [("digest", None), ("message", "digest")])
async def test_who_chose_the_digest_gets_what_can_wait_with_it(
    clinics: Literal["message", "digest"], own: Literal["digest"] | None
) -> None:
    """The clinic chooses, and the clinician for themselves."""
    story = Story(people=(staff("priya", low_priority=own), *STAFF[1:]), fatigue=Fatigue(low_priority=clinics))
    await says(story, *CALM[:2])
    before = list(story.told)
    await story.until(TUESDAY)

    await story.until(TUESDAY + 6 * HOUR - HOUR / 60)
    assert before == []
    assert [(one.at, len(one.notice.lines)) for one in story.world.sent] == [(TUESDAY, 2)]


async def test_nobody_further_is_told_before_the_clinician_was() -> None:
    """Six hours of working time count from the digest, not from the alert; they are told where nobody has it then."""
    story = Story(fatigue=Fatigue(low_priority="digest"))
    await says(story, "trend")
    for _ in range(30):
        await story.passes(HOUR)

    assert [(one.to.partition("@")[0], one.at) for one in story.world.sent] == [
        ("priya", TUESDAY),
        ("lee", TUESDAY + 6 * HOUR),
    ]


async def test_who_chose_messages_gets_them_though_the_clinic_has_digests() -> None:
    """Their own word counts."""
    story = Story(people=(staff("priya", low_priority="message"), *STAFF[1:]), fatigue=Fatigue(low_priority="digest"))
    await says(story, "trend")

    assert story.told == [("priya", 0)]


@pytest.mark.parametrize(("rule", "urgency"), [(RISK, Urgency.WORKING_HOURS), ("trend", Urgency.AT_ONCE)])
async def test_risk_and_at_once_alerts_know_no_budget_bundle_or_digest(rule: str, urgency: Urgency) -> None:
    """They go when they are due, and count for nothing."""
    story = Story(fatigue=Fatigue(low_priority="digest", alert_budget=1))
    await says(story, rule, urgency=urgency)

    assert story.told == [("priya", 0)]
    assert story.world.database._records.get("load", {}) == {}


async def test_at_once_news_of_an_alert_whose_message_is_held_go_out_and_speak_for_it() -> None:
    """The digest has nothing left to say."""
    story = Story(fatigue=Fatigue(low_priority="digest"))
    await says(story, "trend")
    await story.hears("worse", urgency=Urgency.AT_ONCE, rule="trend")
    now = [(one.channel.value, len(one.notice.lines)) for one in story.world.sent]
    await story.closes()
    await story.until(TUESDAY)

    assert sorted(now) == [("email", 1), ("sms", 1)]
    assert len(story.world.sent) == 2
