"""A clinic's own systems: signed as Standard Webhooks says, tried again for a day, and of no use to an eavesdropper."""

import json
from datetime import timedelta

from services.notify.domain import webhook_secret
from shared.contracts.clinics import Webhook
from tests.harness import MOBILE, PRIYA, Scene
from tests.harness.scene import SECRET
from tests.harness.standins import Trouble


def hooked(generation: int = 1) -> Scene:
    """A clinic with a webhook."""
    scene = Scene(receipts=False)
    scene.settings(webhooks=[Webhook(name="records", url=scene.receiver.endpoint, generation=generation)])
    scene.receiver.secrets = [webhook_secret(SECRET, "harbour", "records", 1)]
    return scene


async def people_told(scene: Scene) -> None:
    """The clinician hears of it as ever."""
    await scene.expect_mail(PRIYA)
    await scene.expect_sms(MOBILE)


async def test_an_alert_is_posted_signed_and_without_the_patient() -> None:
    """Reference, urgency, deadline and link; the receiver's own check of the signature passes."""
    async with hooked() as scene:
        alert = await scene.raised()
        await people_told(scene)
        hook = await scene.expect_hook()

        [said] = hook.body["data"]["alerts"]
        assert (hook.body["type"], said["reference"], said["urgency"]) == ("alert.raised", alert.reference, "at_once")
        assert "sam" not in json.dumps(hook.body).lower().replace("same", "")
        assert set(said) == {"reference", "urgency", "raised_at", "deadline", "link"}


async def test_a_receiver_that_is_away_gets_it_later_under_the_same_id_and_delays_nobody() -> None:
    """After 5 s and 5 min; each try has its own time-stamp, and people were told meanwhile."""
    async with hooked() as scene:
        scene.receiver.trouble = Trouble(503, times=2)
        await scene.raised()
        await people_told(scene)

        await scene.expect_hook(within=timedelta(minutes=7))

        assert len({hook.id for hook in scene.receiver.seen}) == 1
        assert len({hook.headers["webhook-timestamp"] for hook in scene.receiver.seen}) == 3


async def test_a_message_replayed_or_altered_is_recognised() -> None:
    """The receiver answers a copy with `known`, an old copy with `too old`, and another body with `forged`."""
    async with hooked() as scene:
        await scene.raised()
        await people_told(scene)
        hook = await scene.expect_hook()

        copied = scene.receiver.judge(hook)
        altered = scene.receiver.judge(type(hook)(hook.id, hook.at, hook.body, hook.raw + b" ", hook.headers))
        await scene.forward(timedelta(minutes=6))
        late = scene.receiver.judge(hook)

        assert (copied, altered, late) == (208, 401, 400)


async def test_a_new_generation_is_signed_with_the_secret_before_as_well() -> None:
    """A receiver that still has the old secret takes it, and so does one that has the new one."""
    for known in (1, 2):
        scene = hooked(generation=2)
        scene.receiver.secrets = [webhook_secret(SECRET, "harbour", "records", known)]
        async with scene:
            await scene.raised()
            await people_told(scene)
            await scene.expect_hook()


async def test_gone_is_gone_and_nobody_is_told_in_its_place() -> None:
    """410 ends it; an endpoint that answered counts for nobody."""
    async with hooked() as scene:
        scene.receiver.trouble = Trouble(410)
        alert = await scene.raised()
        await people_told(scene)
        await scene.forward(timedelta(minutes=25))

        assert len(scene.receiver.seen) == 1
        rows = [row for row in scene.world.rows().values() if row.kind == "hook"]
        assert [(row.done, row.legs[0].state, row.handed_over) for row in rows] == [(True, "failed", False)]
        assert alert.told
