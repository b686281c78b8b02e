"""A provider that failed is left alone for a while, tried by one message, and gets its share back step by step."""

from datetime import timedelta

from services.notify.domain import Breaker, Channel, breaker, points
from tests.harness import Scene
from tests.providers import Answer


async def test_a_provider_that_recovers_takes_messages_again() -> None:
    """After three failures in a row it is left alone; then one message tries it; when it works it is in use."""
    scene = Scene(govuk=True)
    scene.weights = {"twilio": 100, "govuk-notify": 1}
    async with scene:
        scene.twilio.answers["+447700900001"] = Answer(500)
        failover = scene.channels[Channel.SMS]
        for number in range(3):
            await scene.raised(f"rule_{number}")
            await scene.expect_mail()
            await scene.expect_govuk()
        assert breaker(failover._healths["twilio"], scene.clock.now()) is Breaker.OPEN
        tried = len(scene.twilio.attempts)
        await scene.raised("rule_3")
        await scene.expect_mail()
        await scene.expect_govuk()
        assert len(scene.twilio.attempts) == tried

        scene.twilio.answers.clear()
        await scene.forward(timedelta(seconds=30))
        assert breaker(failover._healths["twilio"], scene.clock.now()) is Breaker.HALF_OPEN
        await scene.raised("rule_4")

        await scene.expect_mail()
        await scene.expect_sms()
        assert breaker(failover._healths["twilio"], scene.clock.now()) is Breaker.CLOSED
        assert points(failover._healths["twilio"], scene.clock.now()) == 70
        assert points(failover._healths["twilio"], scene.clock.now() + timedelta(minutes=45)) == 100
