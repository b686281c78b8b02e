"""Receipts as they come: twice, out of order, early, about another send, from nobody we know, or forged."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from tests.harness import DUTY, MOBILE, Scene


def counted(provider: str, receipt: str) -> float:
    """How many receipts of a kind were counted so far."""
    return REGISTRY.get_sample_value("rapport_receipts_total", {"provider": provider, "receipt": receipt}) or 0.0


async def test_the_trail_says_when_a_message_was_accepted_and_when_it_arrived() -> None:
    """Both times stand in it, with the provider's last word."""
    async with Scene() as scene:
        alert = await scene.raised()
        await scene.expect_mail()
        sms = await scene.expect_sms()
        accepted = scene.clock.now()
        await scene.forward(timedelta(seconds=20))
        await scene.twilio_says(sms, "sent")
        await scene.twilio_says(sms, "delivered")

        [leg] = [leg for leg in await scene.trail(alert) if leg.channel == "sms"]
        assert (leg.receipt, leg.delivered_at) == ("delivered", scene.clock.now())
        assert leg.attempts[0].at == accepted


async def test_receipts_twice_and_out_of_order_end_the_same() -> None:
    """What was delivered stays delivered, whatever comes after it."""
    async with Scene() as scene:
        alert = await scene.raised()
        await scene.expect_mail()
        sms = await scene.expect_sms()
        for status in ("delivered", "sent", "undelivered", "delivered", "queued", "failed"):
            assert (await scene.twilio_says(sms, status)).status_code == 204
        await scene.forward(timedelta(minutes=20))

        [leg] = [leg for leg in await scene.trail(alert) if leg.channel == "sms"]
        assert (leg.state, leg.receipt, leg.unconfirmed) == ("sent", "delivered", False)


async def test_a_failure_for_good_takes_the_other_way_once() -> None:
    """The clinician has SMS alone: the fallback contact is told; the same receipt again changes nothing."""
    scene = Scene()
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        alert = await scene.raised()
        sms = await scene.expect_sms()
        await scene.twilio_says(sms, "undelivered", error="30005")

        mail = await scene.expect_mail(DUTY, saying=alert.reference)
        await scene.twilio_says(sms, "undelivered", error="30005")

        assert alert.reference in mail.subject
        assert [leg.state for leg in await scene.trail(alert)] == ["failed", "sent"]


async def test_a_failure_for_now_is_sent_again_with_the_same_reference_and_then_counts_for_good() -> None:
    """Every five minutes, three times; a late receipt about an earlier send is about that one alone."""
    scene = Scene()
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        await scene.raised()
        first = await scene.expect_sms()
        await scene.twilio_says(first, "undelivered", error="30003")
        second = await scene.expect_sms(within=timedelta(minutes=6))
        await scene.twilio_says(first, "undelivered", error="30003")
        await scene.forward(timedelta(minutes=4))
        assert second.callback == first.callback
        for _ in range(2):
            await scene.twilio_says(second, "undelivered", error="30003")
            second = await scene.expect_sms(within=timedelta(minutes=6))
        await scene.twilio_says(second, "undelivered", error="30003")

        await scene.expect_mail(DUTY)


async def test_a_failure_for_now_is_sent_again_by_the_other_provider_where_there_is_one() -> None:
    """GOV.UK Notify could not deliver it: Twilio may."""
    scene = Scene(govuk=True)
    scene.weights = {"twilio": 1, "govuk-notify": 1000}
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        await scene.raised()
        first = await scene.expect_govuk()
        await scene.govuk_says(first, "temporary-failure")

        second = await scene.expect_sms(within=timedelta(minutes=6))
        assert second.callback.endswith(f"?leg={first.reference}")


async def test_a_receipt_that_overtakes_the_providers_answer_is_kept_for_it() -> None:
    """The failure is known before the acceptance is recorded: it counts as soon as that is."""
    scene = Scene()
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        scene.twilio.meanwhile = lambda sms: scene.twilio_says(sms, "undelivered", error="30005", at_once=True)
        alert = await scene.raised()

        await scene.expect_sms()
        await scene.expect_mail(DUTY, saying=alert.reference)
        first = (await scene.trail(alert))[0]
        assert (first.state, first.receipt, first.early) == ("failed", "failed_for_good", ())


async def test_a_receipt_about_nothing_of_ours_is_answered_and_counted() -> None:
    """Providers would send again what is refused."""
    async with Scene() as scene:
        before = counted("govuk-notify", "unknown")
        said = {"id": "x", "reference": "not-ours", "status": "delivered"}
        answer = await scene.door.post(
            "/v1/receipts/govuk-notify", json=said, headers={"Authorization": f"Bearer {scene.govuk.token}"}
        )

        assert answer.status_code == 204
        assert counted("govuk-notify", "unknown") == before + 1


@pytest.mark.parametrize("forged", ["twilio", "govuk"])
async def test_a_receipt_that_the_provider_has_not_signed_changes_nothing(forged: str) -> None:
    """Refused, counted, and the message stands as it stood."""
    scene = Scene(govuk=True)
    scene.weights = {"twilio": 100 if forged == "twilio" else 1, "govuk-notify": 1 if forged == "twilio" else 100}
    scene.clinician(email=None, channels=["sms"])
    async with scene:
        alert = await scene.raised()
        name = "twilio" if forged == "twilio" else "govuk-notify"
        before = counted(name, "refused")
        if forged == "twilio":
            answer = await scene.twilio_says(await scene.expect_sms(MOBILE), "failed", token="another")
        else:
            answer = await scene.govuk_says(await scene.expect_govuk(MOBILE), "permanent-failure", token="another")

        assert answer.status_code == 403
        assert answer.json()["code"] == "not_signed"
        assert counted(name, "refused") == before + 1
        assert [(leg.state, leg.receipt) for leg in await scene.trail(alert)] == [("sent", None)]
