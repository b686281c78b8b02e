"""Addresses are verified before they are relied on, where a clinic wants it; and nobody is left untold meanwhile."""

import re
from datetime import timedelta

from services.notify.domain import Channel
from shared.contracts.base import Urgency
from tests.harness import DUTY, MOBILE, PRIYA, Scene

LINK = re.compile(r"https://rapport\.example(/a/verify/[a-z2-7]{32}-[0-9A-Z]{8})")


def careful() -> Scene:
    """A clinic that verifies addresses."""
    scene = Scene(receipts=False)
    scene.settings(verify_contacts=True)
    return scene


def path(text: str) -> str:
    """Where the link in a message leads."""
    found = LINK.search(text)
    assert found is not None, text
    return found[1]


async def asked(scene: Scene) -> dict[str, str]:
    """Every address is asked once; the links by address."""
    await scene.verifying.ask()
    await scene.verifying.ask()
    saying = "confirm"
    return {
        PRIYA: path((await scene.expect_mail(PRIYA, saying=saying)).text),
        MOBILE: path((await scene.expect_sms(MOBILE, saying=saying)).body),
        DUTY: path((await scene.expect_mail(DUTY, saying=saying)).text),
    }


async def test_every_address_is_asked_once_and_opening_the_link_confirms_nothing() -> None:
    """A mail scanner opens links; only the button, a POST, confirms, and twice is once."""
    async with careful() as scene:
        links = await asked(scene)
        opened = await scene.door.get(links[PRIYA])
        before = scene.process.contacts.state("harbour", Channel.EMAIL, PRIYA)
        pressed = [await scene.door.post(links[PRIYA]) for _ in range(2)]
        after = scene.process.contacts.state("harbour", Channel.EMAIL, PRIYA)

        assert "This is mine" in opened.text
        assert [state and state.verified_at for state in (before, after)] == [None, scene.clock.now()]
        assert all("Confirmed" in answer.text for answer in pressed)


async def test_what_is_urgent_goes_to_the_address_and_to_the_fallback_contact_until_one_is_verified() -> None:
    """Then to the clinician alone."""
    async with careful() as scene:
        links = await asked(scene)
        first = await scene.raised("first")
        for to in (PRIYA, DUTY):
            await scene.expect_mail(to, saying=first.reference)
        await scene.expect_sms(MOBILE, saying=first.reference)

        await scene.door.post(links[MOBILE])
        second = await scene.raised("second")
        await scene.expect_mail(PRIYA, saying=second.reference)
        await scene.expect_sms(MOBILE, saying=second.reference)


async def test_everything_else_goes_to_verified_addresses_only() -> None:
    """To the fallback contact while there is none, then by the channel that was verified."""
    async with careful() as scene:
        links = await asked(scene)
        first = await scene.raised("first", Urgency.WORKING_HOURS)
        await scene.expect_mail(DUTY, saying=first.reference)

        await scene.forward(timedelta(minutes=2))
        await scene.door.post(links[MOBILE])
        second = await scene.raised("second", Urgency.WORKING_HOURS)
        await scene.expect_sms(MOBILE, saying=second.reference)


async def test_a_link_that_is_not_whole_confirms_nothing() -> None:
    """Another code, another address, or none: there is nothing there."""
    async with careful() as scene:
        links = await asked(scene)
        stem = links[PRIYA].rpartition("-")[0]
        wrong = [f"{stem}-00000000", f"{stem}", f"/a/verify/{'a' * 32}-{links[PRIYA][-8:]}"]
        answers = [await scene.door.post(one) for one in wrong]

        assert [answer.status_code for answer in answers] == [404, 404, 404]
        state = scene.process.contacts.state("harbour", Channel.EMAIL, PRIYA)
        assert state is not None
        assert state.verified_at is None


async def test_who_does_not_answer_is_asked_three_times_and_then_left_in_peace() -> None:
    """A day apart."""
    scene = careful()
    scene.clinician(mobile=None, channels=["email"])
    async with scene:
        for _ in range(5):
            await scene.verifying.ask()
            await scene.forward(timedelta(days=1))
        for to in (PRIYA, DUTY):
            for _ in range(3):
                await scene.expect_mail(to, saying="confirm")
