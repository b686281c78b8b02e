"""Whatever else a clinic uses, by an Apprise API: the message goes to the clinic's key there, beside the people."""

from datetime import timedelta

from tests.harness import MOBILE, PRIYA, Scene
from tests.harness.standins import Trouble


async def test_an_alert_goes_to_the_clinics_key() -> None:
    """Urgent ones as a warning; title and body name the alert, and nobody else."""
    scene = Scene(receipts=False)
    scene.with_apprise = True
    async with scene:
        alert = await scene.raised()
        await scene.expect_mail(PRIYA)
        await scene.expect_sms(MOBILE)
        said = await scene.expect_apprise()

        assert said["type"] == "warning"
        assert alert.reference in said["title"]
        assert alert.reference in said["body"]
        assert "Sam" not in said["title"] + said["body"]


async def test_a_service_behind_it_that_fails_is_tried_again() -> None:
    """424 says that one of the services failed."""
    scene = Scene(receipts=False)
    scene.with_apprise = True
    async with scene:
        scene.apprise.trouble = Trouble(424, times=1)
        await scene.raised()
        await scene.expect_mail(PRIYA)
        await scene.expect_sms(MOBILE)

        await scene.expect_apprise(within=timedelta(seconds=8))
