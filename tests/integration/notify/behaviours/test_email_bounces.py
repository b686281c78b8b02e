"""Bounces and complaints: what a mail relay posts about an e-mail it took."""

import json
from datetime import timedelta
from typing import Any

from tests.harness import DUTY, PRIYA, Scene


def said(mail: Any, kind: str, **data: Any) -> bytes:
    """What a relay says of a message."""
    return json.dumps({"type": kind, "data": {"message_id": mail.message_id, **data}}).encode()


def email_only() -> Scene:
    """A clinician who has e-mail alone."""
    scene = Scene()
    scene.clinician(mobile=None, channels=["email"])
    return scene


async def test_a_bounce_for_good_takes_the_other_way() -> None:
    """The fallback contact is told, and the trail says what came back."""
    async with email_only() as scene:
        alert = await scene.raised()
        mail = await scene.expect_mail(PRIYA)
        answer = await scene.relay_says(said(mail, "email.bounced", permanent=True, code="5.1.1"))

        await scene.expect_mail(DUTY, saying=alert.reference)
        first = (await scene.trail(alert))[0]
        assert answer.status_code == 204
        assert (first.state, first.receipt, first.receipt_code) == ("failed", "failed_for_good", "email.bounced 5.1.1")


async def test_a_bounce_for_now_is_sent_again_with_the_same_message_id() -> None:
    """A full mailbox gets emptied; the same bounce told twice is one."""
    async with email_only() as scene:
        await scene.raised()
        mail = await scene.expect_mail(PRIYA)
        bounce = said(mail, "email.bounced", permanent=False, code="4.2.2")
        await scene.relay_says(bounce, name="evt-7")
        again = await scene.expect_mail(PRIYA, within=timedelta(minutes=6))
        await scene.relay_says(bounce, name="evt-7")
        await scene.forward(timedelta(minutes=10))

        assert again.message_id == mail.message_id


async def test_a_complaint_means_that_it_arrived_and_never_that_somebody_is_left_untold() -> None:
    """`This is spam` is shown in the trail; the next alert goes there all the same."""
    async with email_only() as scene:
        alert = await scene.raised()
        mail = await scene.expect_mail(PRIYA)
        await scene.relay_says(said(mail, "email.complained"))
        await scene.raised("another")

        await scene.expect_mail(PRIYA)
        assert [leg.receipt_code for leg in await scene.trail(alert)] == ["email.complained"]


async def test_a_bounce_that_was_overheard_is_of_no_use_later() -> None:
    """Signed, and six minutes old: refused. So is one signed with another secret, and one without a signature."""
    async with email_only() as scene:
        alert = await scene.raised()
        bounce = said(await scene.expect_mail(PRIYA), "email.bounced", permanent=True)
        old = await scene.relay_says(bounce, at=scene.clock.now() - timedelta(minutes=6))
        forged = await scene.relay_says(bounce, secret="whsec_" + "A" * 43 + "=")
        bare = await scene.door.post("/v1/receipts/email", content=bounce)

        assert [answer.status_code for answer in (old, forged, bare)] == [403, 403, 403]
        assert [leg.state for leg in await scene.trail(alert)] == ["sent"]
