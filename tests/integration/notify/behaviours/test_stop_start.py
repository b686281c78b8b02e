"""STOP and START: a number whose owner wants no more texts gets none, and nobody is left untold because of it."""

import pytest

from services.notify.domain import contacts
from shared.bus import Event
from tests.harness import DUTY, MOBILE, PRIYA, Scene
from tests.providers import Answer


def sms_only() -> Scene:
    """A clinician who has SMS alone."""
    scene = Scene()
    scene.clinician(email=None, channels=["sms"])
    return scene


@pytest.mark.parametrize("word", ["STOP", "stop ", "Unsubscribe", "STOPALL", "cancel.", "end", "QUIT"])
async def test_after_stop_the_fallback_contact_is_told_instead(word: str) -> None:
    """Nothing is sent to the number; the trail says `stopped`, and why."""
    async with sms_only() as scene:
        assert (await scene.texted(word)).status_code == 200
        alert = await scene.raised()

        await scene.expect_mail(DUTY, saying=alert.reference)
        first = (await scene.trail(alert))[0]
        assert (first.state, first.attempts[0].code) == ("failed", "stopped")
        assert "STOP" in first.why
        assert scene.twilio.attempts == []


async def test_whoever_has_email_too_is_told_by_email() -> None:
    """And the fallback contact is left in peace."""
    async with Scene() as scene:
        await scene.govuk_texted("stop")
        await scene.raised()

        await scene.expect_mail(PRIYA)


async def test_start_lifts_it() -> None:
    """From then on texts go there again."""
    async with sms_only() as scene:
        await scene.texted("STOP", sid="SM1")
        await scene.texted("START", sid="SM2")
        await scene.raised()

        await scene.expect_sms(MOBILE)


async def test_a_stop_that_is_told_again_after_start_is_the_one_from_before() -> None:
    """Providers deliver twice, and what was signed once can be replayed."""
    async with sms_only() as scene:
        await scene.texted("STOP", sid="SM1")
        await scene.texted("START", sid="SM2")
        await scene.texted("STOP", sid="SM1")
        await scene.raised()

        await scene.expect_sms(MOBILE)


async def test_a_provider_that_refuses_because_of_stop_is_believed() -> None:
    """Twilio's error 21610: the next alert does not even try."""
    async with sms_only() as scene:
        scene.twilio.answers[MOBILE] = Answer(400, 21610)
        await scene.raised("first")
        await scene.expect_mail(DUTY)
        await scene.raised("second")
        await scene.expect_mail(DUTY)

        assert len(scene.twilio.attempts) == 1


async def test_it_survives_the_store_and_holds_no_number() -> None:
    """What was published brings it back, in any order; the number is in none of it."""
    async with sms_only() as scene:
        await scene.texted("STOP")
        events: list[Event] = [one for one in scene.world.log.events if one.data.topic == "contacts"]
        scene.world.database.drop()
        scene.process = type(scene.process)(scene.world, scene.process.life, scene.channels)
        for event in [*events, *reversed(events)]:
            await scene.process.contacts.take_in(event)

        assert scene.process.contacts.is_stopped(contacts.ChannelName.SMS, MOBILE)
        assert events
        assert not any(MOBILE[1:] in event.data.model_dump_json() for event in events)


async def test_what_is_neither_is_taken_as_a_reply_and_stops_nothing() -> None:
    """A sentence with `stop` in it is no STOP, and is answered; nor is a STOP that the provider has not signed."""
    async with sms_only() as scene:
        answer = await scene.texted("Please stop by at five", sid="SM1")
        forged = await scene.texted("STOP", sid="SM3", token="another")
        await scene.raised()

        await scene.expect_sms(MOBILE)
        assert "<Message>Not understood" in answer.text
        assert forged.status_code == 403
