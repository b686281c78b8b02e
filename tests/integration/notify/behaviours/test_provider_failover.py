"""A provider that fails for now: the other one takes the message at once, and the same alert is not told twice."""

from datetime import timedelta

from tests.harness import Scene
from tests.harness.standins import Trouble
from tests.providers import Answer, MailServer

FIVE_SECONDS = timedelta(seconds=5)


async def test_a_message_one_provider_cannot_take_goes_by_the_other_at_once() -> None:
    """Twilio answers 503 to everything: the text goes by GOV.UK Notify without a pause, and the trail shows both."""
    scene = Scene(govuk=True)
    scene.weights = {"twilio": 100, "govuk-notify": 1}
    async with scene:
        scene.twilio.answers["+447700900001"] = Answer(503)
        alert = await scene.raised()

        await scene.expect_mail()
        text = await scene.expect_govuk(saying=alert.reference)
        [leg] = [leg for leg in await scene.trail(alert) if leg.channel == "sms"]

        assert [(one.provider, one.outcome) for one in leg.attempts][-1] == ("govuk-notify", "accepted")
        assert len(leg.attempts) == len(scene.twilio.attempts) + 1
        assert text.reference == leg.id
        assert leg.attempts[-1].at - leg.attempts[0].at <= FIVE_SECONDS


async def test_both_away_is_tried_again_by_both_until_one_is_back() -> None:
    """Nothing is given up: within a minute of its return a provider has the message."""
    async with Scene(govuk=True) as scene:
        scene.twilio.answers["+447700900001"] = Answer(500)
        scene.govuk.trouble = Trouble(500)
        alert = await scene.raised()
        await scene.expect_mail()
        await scene.forward(timedelta(minutes=1))
        assert {"twilio", "govuk-notify"} == {
            one.provider for leg in await scene.trail(alert) if leg.channel == "sms" for one in leg.attempts
        }

        scene.twilio.answers.clear()

        await scene.expect_sms(saying=alert.reference, within=timedelta(minutes=6))


async def test_an_email_relay_that_is_away_leaves_the_message_to_the_other() -> None:
    """Two relays are two providers."""
    scene = Scene()
    scene.mail2 = MailServer()
    async with scene:
        await scene.mail.down()
        alert = await scene.raised()

        mail = await scene.expect_mail(saying=alert.reference)
        await scene.expect_sms()

        assert mail in scene.mail2.messages
