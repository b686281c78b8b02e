"""Replies by SMS through the providers' own doors: an alert is taken, and the answer goes back the provider's way."""

import re

from shared.contracts.alerts import AlertStatus, Via
from tests.harness import MOBILE, Scene


def told_by_text(*, govuk: bool = False) -> Scene:
    """A clinician who has SMS alone."""
    scene = Scene(govuk=govuk, receipts=False)
    scene.clinician(email=None, channels=["sms"])
    return scene


async def test_an_alert_is_acknowledged_by_a_reply_that_twilio_passes_on() -> None:
    """The answer is TwiML's `<Message>`, which Twilio texts back; the trail says who has it, and by which way."""
    async with told_by_text() as scene:
        alert = await scene.raised()
        await scene.expect_sms(MOBILE, saying=alert.reference)
        answer = await scene.texted(f"{alert.reference} a")

        assert answer.headers["content-type"].startswith("text/xml")
        said = re.fullmatch(r"<\?xml[^>]*>\s*<Response><Message>([^<]+)</Message></Response>", answer.text)
        assert said is not None
        assert said[1].startswith(f"{alert.reference} (Harbour): you have it.")
        [now] = scene.world.alerts()
        assert (now.status, now.acknowledged_by) == (AlertStatus.ACKNOWLEDGED, "priya")
        assert [one.via for one in now.acknowledgements] == [Via.SMS]


async def test_an_alert_is_acknowledged_by_a_reply_that_govuk_notify_passes_on() -> None:
    """Its callback takes no answer: that is sent as a text of its own, once, also where the callback comes twice."""
    async with told_by_text(govuk=True) as scene:
        alert = await scene.raised()
        await (scene.expect_govuk(MOBILE) if scene.govuk.messages else scene.expect_sms(MOBILE))
        first = await scene.govuk_texted("A", name="in-1")
        again = await scene.govuk_texted("A", name="in-1")

        await scene.expect_govuk(MOBILE, saying=f"{alert.reference} (Harbour): you have it.")
        assert (first.status_code, again.status_code) == (204, 204)
        assert [one.status for one in scene.world.alerts()] == [AlertStatus.ACKNOWLEDGED]


async def test_a_number_is_answered_five_times_an_hour_and_what_it_asks_for_is_done_all_the_same() -> None:
    """Two machines never talk to each other for long; a sixth text that says `a` is heard."""
    async with told_by_text() as scene:
        alert = await scene.raised()
        await scene.expect_sms(MOBILE, saying=alert.reference)
        answers = [(await scene.texted("what?", sid=f"SM{number}")).text for number in range(5)]
        sixth = await scene.texted("a", sid="SM6")

        assert all("<Message>" in answer for answer in answers)
        assert sixth.text.endswith("<Response></Response>")
        assert [one.status for one in scene.world.alerts()] == [AlertStatus.ACKNOWLEDGED]


async def test_a_stranger_and_whoever_said_stop_change_and_hear_nothing_they_should_not() -> None:
    """Another number's reply changes nothing; a stopped number may still take its alert, and is not answered."""
    async with told_by_text() as scene:
        alert = await scene.raised()
        await scene.expect_sms(MOBILE, saying=alert.reference)
        stranger = await scene.texted(f"{alert.reference} a", sender="+447700900999", sid="SM1")
        before = [one.status for one in scene.world.alerts()]
        await scene.texted("STOP", sid="SM2")
        stopped = await scene.texted("a", sid="SM3")

        assert "Nothing was changed" in stranger.text
        assert before == [AlertStatus.OPEN]
        assert stopped.text.endswith("<Response></Response>")
        assert [one.status for one in scene.world.alerts()] == [AlertStatus.ACKNOWLEDGED]
