"""A replica that dies while it hands something over leaves nothing open: what was sent and told is known."""

from datetime import timedelta

import pytest

from services.notify.domain import LEASE, Attempt, Heard, Outcome, Receipt, Result, after_attempt, rounds_of
from tests.unit.notify.made import MONDAY, assessment, concern, telling
from tests.unit.notify.memory_mongo import Killed, Life
from tests.unit.notify.test_receipts_converge import DUTY, ONLY, planned, said
from tests.unit.notify.world import World, silenced

TAKEN = Result(outcome=Outcome.ACCEPTED, code="201", message="m1", provider="govuk-notify")
ARRIVED = Heard(message="m1", receipt=Receipt.DELIVERED, code="delivered", provider="govuk-notify")


@pytest.mark.parametrize("step", range(70))
async def test_killed_at_each_step_of_handing_over_the_alert_knows_it_was_told_once_the_lease_is_over(
    step: int,
) -> None:
    """Nothing about the patient comes again, so no reconciling does it; the row alone does."""
    world = World()
    dying = world.process(Life())
    await dying.handle([assessment(concern(telling("a", at=MONDAY)))])
    dying.life.left = step
    try:
        await dying.calm()
    except Killed:
        await silenced()
    other = world.process(Life())
    await other.learn()
    world.clock.advance(LEASE + timedelta(seconds=1))
    await other.calm()

    [alert], rows = world.alerts(), world.rows().values()
    assert [news.settled for news in rounds_of(alert)] == [True]
    assert alert.escalations[0].steps[0].told_clinician == "priya"
    [message] = [row for row in rows if row.step is None]
    assert (message.finished, {leg.state for leg in message.legs}) == (True, {"sent"})
    assert {notice.notice.token for notice in world.sent} == {leg.id for leg in message.legs}


def test_a_receipt_that_was_faster_than_the_answer_leaves_the_try_in_the_trail() -> None:
    """It counts as sent by the receipt, and the trail says who took it, and when; recorded again it is one try."""
    early = said(planned(), ARRIVED)
    leg = early.legs[0].id
    words = {"person": ONLY, "fallback": DUTY, "now": MONDAY, "jitter": 0.5}
    once = after_attempt(early, leg, TAKEN, **words)

    assert after_attempt(once, leg, TAKEN, **words) == once
    assert once.legs[0].attempts == (Attempt(at=MONDAY, outcome=Outcome.ACCEPTED, code="201", provider="govuk-notify"),)
    assert (once.legs[0].state, once.legs[0].delivered_at, once.legs[0].message) == ("sent", MONDAY, "m1")


def test_whose_receipt_it_was_is_known_where_the_answer_is_lost_for_ever() -> None:
    """Who had asked the provider died; the receipt says that the text arrived, and by whom."""
    [leg] = said(planned(), ARRIVED).legs

    assert (leg.provider, leg.attempts, leg.delivered_at) == ("govuk-notify", (), MONDAY)
