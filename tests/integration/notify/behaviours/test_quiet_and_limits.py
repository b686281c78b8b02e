"""Quiet hours, digests and the limits of a number together: each has its own job, and neither keeps what is not its."""

from datetime import timedelta

import pytest

from services.notify.domain import What, webhook_secret
from services.notify.domain.audit import Wrong
from shared.contracts.base import Urgency
from shared.contracts.clinics import Fatigue, QuietHours, Webhook
from tests.harness import DUTY, MOBILE, Scene
from tests.harness.scene import SECRET

LATER = Urgency.WORKING_HOURS
QUIET = [QuietHours.model_validate({"starts": "10:30", "ends": "12:00"})]


def sms_only(**changes: object) -> Scene:
    """A clinician who has SMS alone; on a Monday, 10:00."""
    scene = Scene(receipts=False)
    scene.clinician(email=None, channels=["sms"], **changes)
    return scene


def hooked(scene: Scene) -> None:
    """The clinic has a webhook."""
    scene.settings(webhooks=[Webhook(name="records", url=scene.receiver.endpoint)])
    scene.receiver.secrets = [webhook_secret(SECRET, "harbour", "records", 1)]


async def test_a_text_that_waits_for_its_number_when_quiet_hours_begin_comes_in_their_digest() -> None:
    """It is told once, at their end; nothing of it is left waiting, and the auditor finds nothing."""
    scene = sms_only(quiet=QUIET)
    scene.settings(fatigue=Fatigue(bundle_minutes=0))
    async with scene:
        await scene.forward(timedelta(minutes=29))
        first = await scene.raised("rule_0", LATER)
        await scene.expect_sms(MOBILE, saying=first.reference)
        held = await scene.raised("rule_1", LATER)
        assert await scene.process.auditor.audit() == []
        await scene.forward(timedelta(minutes=20))
        assert await scene.process.auditor.audit() == []

        await scene.expect_sms(MOBILE, saying=held.reference, within=timedelta(hours=2))
        await scene.forward(timedelta(hours=1))
        assert [row.id for row in scene.world.rows().values() if not row.done and row.step is None] == []
        assert all(one.settled_at is not None for alert in scene.world.alerts() for one in alert.told)


async def test_a_digest_that_waits_for_its_number_goes_out_with_what_waits_beside_it() -> None:
    """The digest's text counts every alert it stands for."""
    scene = sms_only(quiet=[QuietHours.model_validate({"starts": "10:00", "ends": "11:00"})])
    scene.settings(fatigue=Fatigue(bundle_minutes=0))
    async with scene:
        for number in range(2):
            await scene.raised(f"rule_{number}", LATER)
        await scene.forward(timedelta(minutes=59, seconds=30))
        urgent = await scene.raised("urgent")
        await scene.expect_sms(MOBILE, saying=urgent.reference)

        await scene.expect_sms(MOBILE, saying="and 1 more", within=timedelta(minutes=3))


async def test_bundles_of_a_clinician_come_before_the_limits_of_their_number() -> None:
    """Four alerts that can wait are one text and a digest a quarter of an hour later: the limit has nothing to hold."""
    async with sms_only() as scene:
        first = await scene.raised("rule_0", LATER)
        for number in (1, 2, 3):
            await scene.raised(f"rule_{number}", LATER)
        await scene.expect_sms(MOBILE, saying=first.reference)

        await scene.expect_sms(MOBILE, saying="and 2 more", within=timedelta(minutes=16))
        assert [leg for row in scene.world.rows().values() for leg in row.legs if leg.held] == []


async def test_what_is_due_at_once_passes_by_both() -> None:
    """In quiet hours, three in one minute."""
    async with sms_only(quiet=[QuietHours.model_validate({"starts": "09:00", "ends": "12:00"})]) as scene:
        for number in range(3):
            alert = await scene.raised(f"urgent_{number}")
            await scene.expect_sms(MOBILE, saying=alert.reference)


async def test_a_clinics_systems_hear_when_it_falls_due_and_once() -> None:
    """They have no quiet hours, and the digest that tells the clinician later tells them nothing again."""
    scene = sms_only(quiet=[QuietHours.model_validate({"starts": "09:00", "ends": "12:00"})])
    hooked(scene)
    async with scene:
        alert = await scene.raised("rule_0", LATER)
        hook = await scene.expect_hook()
        await scene.expect_sms(MOBILE, saying=alert.reference, within=timedelta(hours=3))

        trail = await scene.process.desk.trail(alert.clinic, alert.alert)
        assert [one["reference"] for one in hook.body["data"]["alerts"]] == [alert.reference]
        assert [one.who for one in trail.life if one.channel == "webhook"] == ["system", "system"]


async def test_a_link_that_a_system_was_sent_takes_the_alert() -> None:
    """Whoever has it may; the alert says that it was by the system's link."""
    scene = sms_only()
    hooked(scene)
    async with scene:
        alert = await scene.raised()
        await scene.expect_sms(MOBILE, saying=alert.reference)
        hook = await scene.expect_hook()
        page = await scene.door.post(hook.body["data"]["alerts"][0]["link"])

        [now] = scene.world.alerts()
        assert (page.status_code, now.status) == (200, "acknowledged")
        assert "system" in (now.acknowledged_by or "")


@pytest.mark.parametrize("status", ["delivered", "undelivered"])
async def test_the_auditor_leaves_receipts_to_themselves_and_the_trail_tells_of_them(status: str) -> None:
    """What waits for a receipt is no fault; `life` has the provider, and what it said later."""
    scene = Scene()
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        alert = await scene.raised()
        sms = await scene.expect_sms(MOBILE)
        await scene.forward(timedelta(minutes=8))
        assert await scene.process.auditor.audit() == []
        await scene.twilio_says(sms, status, error="" if status == "delivered" else "30005")
        if status == "undelivered":
            await scene.expect_mail(DUTY)

        life = (await scene.process.desk.trail(alert.clinic, alert.alert)).life
        expected = What.DELIVERED if status == "delivered" else What.UNDELIVERED
        assert [one.provider for one in life if one.what is expected] == ["twilio"]
        assert {What.SENT, What.ACCEPTED_BY_PROVIDER} <= {one.what for one in life}
        assert Wrong.OVERDUE not in {one.wrong for one in await scene.process.auditor.audit()}


async def test_the_trail_says_stopped_and_unconfirmed() -> None:
    """Nothing was sent to a stopped number; and what no receipt confirmed says so when that was seen."""
    scene = Scene()
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        alert = await scene.raised()
        await scene.expect_sms(MOBILE)
        await scene.expect_mail(DUTY, within=timedelta(minutes=11))
        await scene.texted("STOP")
        news = await scene.raised(news="again")
        await scene.expect_mail(DUTY, saying=news.reference)

        life = (await scene.process.desk.trail(alert.clinic, alert.alert)).life
        assert [one.who for one in life if one.what in (What.UNCONFIRMED, What.STOPPED)] == ["priya", "priya"]
