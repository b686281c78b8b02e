"""What somebody has had for long is listed, so that a clinic finds what it has forgotten."""

from datetime import datetime, timedelta

from shared.contracts.alerts import AlertStatus
from shared.contracts.base import Urgency
from tests.unit.notify.escalating import Story
from tests.unit.notify.made import DAY, MONDAY


async def had_since(story: Story, before: datetime, *, limit: int = 50) -> list[str]:
    """The rules of the alerts on the list."""
    page = await story.process.desk.alerts(
        "harbour",
        status=None,
        patient=None,
        clinician=None,
        updated_since=None,
        cursor=None,
        limit=limit,
        acknowledged_before=before,
    )
    return [alert.rule for alert in page.items]


async def test_the_list_has_what_was_acknowledged_before_then_and_is_not_closed() -> None:
    """Neither what is newer, nor what nobody has, nor what was closed after it was acknowledged."""
    story = Story()
    for number, rule in enumerate(("old", "newer", "closed", "open")):
        await story.hears(f"m{number}", urgency=Urgency.WORKING_HOURS, rule=rule)
        story.chosen = next(alert for alert in story.world.alerts() if alert.rule == rule)
        if rule == "newer":
            await story.passes(DAY)
        if rule != "open":
            await story.acknowledges()
        if rule == "closed":
            await story.closes()

    assert await had_since(story, MONDAY + timedelta(hours=1)) == ["old"]
    assert sorted(await had_since(story, MONDAY + 2 * DAY, limit=2)) == ["newer", "old"]
    assert story.alert.status is AlertStatus.OPEN
