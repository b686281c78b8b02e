"""429 with Retry-After: the provider is left in peace for as long as it asks, and the message is not held up by it."""

from datetime import timedelta

from tests.harness import MOBILE, Scene
from tests.harness.standins import Trouble
from tests.providers import Answer


async def test_the_other_provider_takes_it_and_the_first_is_left_in_peace() -> None:
    """For ninety seconds nothing goes to the one that said 429."""
    scene = Scene(govuk=True)
    scene.weights = {"twilio": 100, "govuk-notify": 1}
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        scene.twilio.answers[MOBILE] = Answer(429, 20429, {"Retry-After": "90"}, times=1)
        await scene.raised("first")
        await scene.expect_govuk(MOBILE)
        await scene.raised("second")
        await scene.expect_govuk(MOBILE)
        await scene.forward(timedelta(seconds=91))
        await scene.raised("third")

        await scene.expect_sms(MOBILE)


async def test_with_one_provider_the_message_waits_as_long_as_it_asks() -> None:
    """Not before, and not much later."""
    scene = Scene(govuk=True)
    scene.weights = {"twilio": 1, "govuk-notify": 1}
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        scene.twilio.answers[MOBILE] = Answer(429, 20429, {"Retry-After": "40"})
        limited = {"status_code": 429, "errors": [{"error": "RateLimitError", "message": "Exceeded rate limit"}]}
        scene.govuk.trouble = Trouble(429, limited, {"Retry-After": "40"}, times=1)
        await scene.raised()
        began = scene.clock.now()

        await scene.expect_govuk(MOBILE, within=timedelta(minutes=2))
        assert timedelta(seconds=35) <= scene.clock.now() - began <= timedelta(seconds=90)
