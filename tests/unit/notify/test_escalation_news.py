"""News: an alert somebody has comes back and escalates anew; an escalation under way is never put off."""

from shared.contracts.alerts import AlertStatus, Cause
from shared.contracts.base import Urgency
from tests.unit.notify.escalating import Story
from tests.unit.notify.made import DAY, HOUR, MONDAY

WORKING = Urgency.WORKING_HOURS


async def test_news_un_acknowledge_the_alert_and_its_escalation_starts_anew() -> None:
    """From the news on: the clinician at once, duty 30 and the lead 60 minutes later."""
    story = Story()
    await story.hears("e1")
    await story.minutes(10)
    await story.acknowledges("priya")
    await story.minutes(90)
    await story.hears("e2")
    await story.minutes(30)
    await story.minutes(30)

    assert story.told == [("priya", 0), ("priya", 100), ("dan", 130), ("lee", 160)]
    causes = [Cause.UNACKNOWLEDGED, Cause.UNCLOSED, Cause.UNACKNOWLEDGED]
    assert [run.cause for run in story.alert.escalations] == causes
    assert story.run.round == 2


async def test_news_while_nobody_has_it_are_told_and_put_nothing_off() -> None:
    """A patient who writes every twenty minutes does not keep the clinician on duty from hearing."""
    story = Story()
    for number in range(3):
        await story.hears(f"e{number}")
        await story.minutes(20)
    await story.minutes(60)

    assert [told for told in story.told if told[0] != "priya"] == [("dan", 40), ("lee", 60)]
    assert [told for told in story.told if told[0] == "priya"] == [("priya", n) for n in (0, 20, 40)]
    assert len(story.alert.escalations) == 1


async def test_news_after_the_last_step_start_it_anew() -> None:
    """Everybody was told, nobody acknowledged, and there is more to know."""
    story = Story()
    await story.hears("e1")
    await story.minutes(30)
    await story.minutes(30)
    await story.minutes(30)
    await story.hears("e2")
    await story.minutes(30)

    assert story.told == [("priya", 0), ("dan", 30), ("lee", 60), ("priya", 90), ("dan", 120)]


async def test_news_that_make_it_urgent_start_the_urgent_policy() -> None:
    """Item 9 was 1 in the morning and is 2 at noon: duty is told at half past twelve."""
    story = Story()
    await story.hears("e1", urgency=WORKING)
    await story.minutes(120)
    await story.hears("e2")
    await story.minutes(30)

    assert story.told == [("priya", 0), ("priya", 120), ("dan", 150)]
    assert [run.urgency for run in story.alert.escalations] == [WORKING, Urgency.AT_ONCE]


async def test_urgent_news_do_not_wait_for_a_run_that_calmer_news_began() -> None:
    """Everybody was told on Monday; on Saturday an answer of 1 began a calm run; on Sunday at three it is a 3."""
    story = Story()
    await story.hears("e1")
    await story.minutes(30)
    await story.minutes(30)
    await story.until(MONDAY + 5 * DAY)
    await story.hears("e2", urgency=WORKING)
    sunday = MONDAY + 5 * DAY + 17 * HOUR
    await story.until(sunday)
    before = len(story.told)
    await story.hears("e3")
    await story.minutes(30)
    await story.minutes(30)

    began = int((sunday - MONDAY).total_seconds() // 60)
    assert story.told[before:] == [("priya", began), ("dan", began + 30), ("lee", began + 60)]
    assert [run.urgency for run in story.alert.escalations] == [Urgency.AT_ONCE, WORKING, Urgency.AT_ONCE]


async def test_calmer_news_leave_an_urgent_escalation_as_it_is() -> None:
    """It stays urgent until somebody has it."""
    story = Story()
    await story.hears("e1")
    await story.minutes(10)
    await story.hears("e2", urgency=WORKING)
    await story.minutes(20)

    assert story.told == [("priya", 0), ("priya", 10), ("dan", 30)]
    assert len(story.alert.escalations) == 1


async def test_the_same_assessment_again_changes_nothing() -> None:
    """Duplicates neither restart an escalation nor un-acknowledge an alert."""
    story = Story()
    await story.hears("e1")
    await story.minutes(20)
    await story.assessed()
    await story.minutes(10)
    await story.acknowledges("dan")
    await story.assessed()
    await story.passes(2 * HOUR)

    assert story.told == [("priya", 0), ("dan", 30)]
    assert story.alert.status is AlertStatus.ACKNOWLEDGED
