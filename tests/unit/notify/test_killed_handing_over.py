"""Handing over while things go wrong: nothing a dying replica did stays open, and another provider has it at once."""

import asyncio
from datetime import timedelta
from unittest.mock import patch

import pytest

from services.notify.channels import Failover
from services.notify.domain import (
    LEASE,
    Attempt,
    Channel,
    Heard,
    Notice,
    Outcome,
    Receipt,
    Result,
    after_attempt,
    rounds_of,
)
from services.notify.handlers import dispatching
from tests.unit.notify.made import MONDAY, assessment, concern, telling
from tests.unit.notify.memory_mongo import Killed, Life
from tests.unit.notify.test_receipts_converge import DUTY, ONLY, planned, said
from tests.unit.notify.world import Process, World, silenced

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


class Away:
    """A provider that is not there."""

    async def send(self, notice: Notice) -> Result:
        """Fails for now."""
        return Result(outcome=Outcome.TEMPORARY, code="ConnectError")


class There:
    """A provider that takes everything."""

    async def send(self, notice: Notice) -> Result:
        """Accepts it."""
        return Result(outcome=Outcome.ACCEPTED, code="250")


async def test_the_other_provider_has_it_at_once_however_much_is_in_flight() -> None:
    """What is in flight may leave no turn to the due times; a message that failed does not wait for one."""
    world = World()
    emails = Failover(
        channel=Channel.EMAIL,
        providers={"first": Away(), "second": There()},
        weights={"first": 100, "second": 1},
        clock=world.clock,
    )
    process = Process(world, Life(), {Channel.EMAIL: emails})
    with patch.object(dispatching, "IN_FLIGHT", 0):
        await process.handle([assessment(concern(telling("a", at=MONDAY)))])
        await asyncio.gather(*process.dispatcher._tasks.values())

    [row] = [row for row in world.rows().values() if row.step is None]
    [leg] = [leg for leg in row.legs if leg.channel is Channel.EMAIL]
    assert [(one.provider, one.outcome) for one in leg.attempts] == [("first", "temporary"), ("second", "accepted")]
