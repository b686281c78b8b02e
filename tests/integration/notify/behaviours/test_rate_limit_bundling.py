"""Not too many texts to one number: what is not urgent is held and told together; what is urgent goes at once."""

from datetime import timedelta

from services.notify.domain import link_of
from shared.contracts.base import Urgency
from shared.contracts.clinics import Fatigue
from tests.harness import DUTY, MOBILE, Scene
from tests.harness.scene import SECRET
from tests.providers import Answer

LATER = Urgency.WORKING_HOURS


def sms_only() -> Scene:
    """A clinician who has SMS alone."""
    scene = Scene(receipts=False)
    scene.clinician(email=None, channels=["sms"])
    scene.settings(fatigue=Fatigue(bundle_minutes=0))
    return scene


async def test_four_alerts_at_once_are_two_texts() -> None:
    """The first goes out; the other three a minute later as one text that says how many wait."""
    async with sms_only() as scene:
        first = await scene.raised("rule_0", LATER)
        held = [await scene.raised(f"rule_{number}", LATER) for number in (1, 2, 3)]

        await scene.expect_sms(MOBILE, saying=first.reference)
        bundle = await scene.expect_sms(MOBILE, saying="3 alerts waiting", within=timedelta(seconds=70))
        await scene.forward(timedelta(minutes=10))

        assert any(alert.reference in bundle.body for alert in held)
        trails = [leg for alert in held for leg in await scene.trail(alert)]
        assert [leg.state for leg in trails] == ["sent"] * 3
        assert sum(leg.attempts[0].code.startswith("in one message with") for leg in trails) == 2
        assert all(one.settled_at is not None for alert in scene.world.alerts() for one in alert.told)


async def test_what_is_urgent_is_never_held() -> None:
    """Six at once are six texts."""
    async with sms_only() as scene:
        for number in range(6):
            alert = await scene.raised(f"rule_{number}")
            await scene.expect_sms(MOBILE, saying=alert.reference)


async def test_five_in_a_quarter_of_an_hour_and_then_it_waits() -> None:
    """Urgent ones count too: after five the next that is not waits until the first is fifteen minutes old."""
    async with sms_only() as scene:
        for number in range(5):
            await scene.raised(f"urgent_{number}")
            await scene.expect_sms(MOBILE)
            await scene.forward(timedelta(minutes=1))
        began = scene.clock.now()
        await scene.raised("later", LATER)

        await scene.expect_sms(MOBILE, within=timedelta(minutes=11))
        assert scene.clock.now() - began == timedelta(minutes=10)


async def test_a_bundle_that_could_not_be_delivered_leaves_none_of_its_alerts_untold() -> None:
    """Its receipt is every one's: the fallback contact is told of all of them."""
    scene = Scene()
    scene.clinician(email=None, channels=["sms"])
    scene.settings(fatigue=Fatigue(bundle_minutes=0))
    async with scene:
        for number in range(3):
            await scene.raised(f"rule_{number}", LATER)
        await scene.expect_sms(MOBILE)
        bundle = await scene.expect_sms(MOBILE, saying="2 alerts waiting", within=timedelta(seconds=70))
        await scene.twilio_says(bundle, "undelivered", error="30005")

        for alert in scene.world.alerts()[1:]:
            await scene.expect_mail(DUTY, saying=alert.reference)


async def test_a_text_that_is_not_urgent_is_not_held_because_of_its_own_first_try() -> None:
    """The provider answered 503: it is sent again after a second, not after a minute."""
    async with sms_only() as scene:
        scene.twilio.answers[MOBILE] = Answer(503, times=1)
        await scene.raised("rule_0", LATER)

        await scene.expect_sms(MOBILE)


async def test_what_was_taken_while_it_was_held_is_not_told() -> None:
    """A held alert that somebody acknowledges drops out of the bundle."""
    async with sms_only() as scene:
        await scene.raised("rule_0", LATER)
        taken = await scene.raised("rule_1", LATER)
        await scene.raised("rule_2", LATER)
        await scene.raised("rule_3", LATER)
        await scene.expect_sms(MOBILE)
        until = scene.clock.now() + timedelta(days=1)
        link = link_of(SECRET, taken.key, taken.reference, to="priya", number=1, until=until)
        assert (await scene.door.post(f"/a/{link}")).status_code == 200

        await scene.expect_sms(MOBILE, saying="2 alerts waiting", within=timedelta(minutes=3))
