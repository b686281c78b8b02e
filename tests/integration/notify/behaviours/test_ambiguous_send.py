"""A hand-over nobody knows the end of is done again, with the same reference, so that a duplicate is recognisable."""

from datetime import timedelta

from tests.harness import MOBILE, PRIYA, Scene
from tests.harness.standins import Trouble
from tests.providers import Fault


async def test_an_email_whose_answer_was_lost_is_sent_again_with_the_same_message_id() -> None:
    """The server had kept it: two arrive, and a mailbox can tell that they are one."""
    scene = Scene()
    scene.clinician(mobile=None, channels=["email"])
    async with scene:
        scene.mail.faults[PRIYA] = Fault("drop", times=1)
        alert = await scene.raised()

        first = await scene.expect_mail(PRIYA)
        second = await scene.expect_mail(PRIYA)

        assert first.message_id == second.message_id
        [leg] = await scene.trail(alert)
        assert [one.outcome for one in leg.attempts] == ["unsure", "accepted"]


async def test_a_text_whose_answer_was_lost_carries_the_same_reference_again() -> None:
    """The provider had taken it: both texts name the alert and the same reference of ours."""
    scene = Scene(govuk=True)
    scene.weights = {"twilio": 1, "govuk-notify": 1000}
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        scene.govuk.trouble = Trouble(500, kept=True, times=1)
        alert = await scene.raised()
        kept = await scene.expect_govuk(MOBILE, saying=alert.reference)
        again = await scene.expect_sms(MOBILE, saying=alert.reference)

        [leg] = await scene.trail(alert)
        assert kept.reference == leg.id
        assert again.callback.endswith(f"?leg={leg.id}")


async def test_a_receipt_for_a_text_whose_answer_was_lost_ends_the_doubt() -> None:
    """It arrived: it is not sent a third time."""
    scene = Scene(govuk=True)
    scene.weights = {"twilio": 1, "govuk-notify": 1000}
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        scene.govuk.trouble = Trouble(500, kept=True)
        scene.twilio.refuse(MOBILE, 503)
        alert = await scene.raised()
        first = await scene.expect_govuk(MOBILE)
        await scene.govuk_says(first, "delivered")
        sent = len(scene.govuk.messages)
        await scene.forward(timedelta(minutes=5))

        [leg] = await scene.trail(alert)
        assert (leg.state, leg.receipt) == ("sent", "delivered")
        assert len(scene.govuk.messages) == sent == 1
