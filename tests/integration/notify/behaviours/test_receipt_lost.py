"""A receipt that never comes: the message is not held to have failed, and is not relied on alone either."""

from datetime import timedelta

from tests.harness import DUTY, Scene


async def test_an_urgent_text_nobody_confirms_goes_another_way_once() -> None:
    """Ten minutes without a receipt: the fallback contact is told; the trail says that it was not confirmed."""
    scene = Scene()
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        alert = await scene.raised()
        await scene.expect_sms()
        await scene.forward(timedelta(minutes=9))

        await scene.expect_mail(DUTY, saying=alert.reference, within=timedelta(minutes=2))

        await scene.forward(timedelta(minutes=15))
        sms, mail = await scene.trail(alert)
        assert (sms.state, sms.unconfirmed, sms.delivered_at) == ("sent", True, None)
        assert "never confirmed" in sms.why
        assert mail.to_fallback


async def test_an_urgent_text_whose_email_was_taken_disturbs_nobody_else() -> None:
    """The clinician was told by e-mail as well; the text is shown as not confirmed, and escalation goes on as ever."""
    async with Scene() as scene:
        alert = await scene.raised()
        await scene.expect_mail()
        await scene.expect_sms()
        await scene.forward(timedelta(minutes=25))

        [sms] = [leg for leg in await scene.trail(alert) if leg.channel == "sms"]
        assert sms.unconfirmed


async def test_a_receipt_that_comes_late_confirms_it_after_all() -> None:
    """Nothing is taken back; the trail says when it arrived."""
    scene = Scene()
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        alert = await scene.raised()
        text = await scene.expect_sms()
        await scene.expect_mail(DUTY, within=timedelta(minutes=11))
        await scene.twilio_says(text, "delivered")

        [sms] = [leg for leg in await scene.trail(alert) if leg.channel == "sms"]
        assert (sms.receipt, sms.unconfirmed, sms.delivered_at) == ("delivered", False, scene.clock.now())


async def test_an_alert_somebody_has_taken_goes_no_other_way() -> None:
    """Acknowledged within the ten minutes: silence about the text is no reason to disturb anybody."""
    scene = Scene()
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        await scene.raised()
        sms = await scene.expect_sms()
        link = sms.body.rsplit("/a/", 1)[1]
        assert (await scene.door.post(f"/a/{link}")).status_code == 200

        await scene.forward(timedelta(minutes=29))
