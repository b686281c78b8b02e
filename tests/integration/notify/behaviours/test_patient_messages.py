"""Messages to patients at the providers' own doors: real HTTP and SMTP, receipts, STOP, and what nobody knows."""

from datetime import timedelta

import httpx

from services.notify.channels import Twilio as TwilioProvider
from services.notify.domain.patient_links import patient_link_is
from shared.contracts.clinics import Region
from tests.harness import Scene
from tests.harness.patients import Patients
from tests.harness.standins import Trouble
from tests.providers import Fault, Twilio
from tests.unit.notify.letterboxes import EMAIL, KEY, MOBILE, answered, patient, reminder


async def test_a_reminder_arrives_as_one_text_and_the_trail_says_when() -> None:
    """Said twice it is sent once; its link is sealed for this patient and occasion; the receipt is shown."""
    async with Scene() as scene:
        patients = Patients(scene)
        await patients.say(patient(), reminder(), reminder())

        sms = await scene.expect_sms(MOBILE, saying="Harbour: time for your check-in: https://app.example/c/")
        token = sms.body.rpartition("/")[2]
        await scene.twilio_says(sms, "delivered")
        [letter] = await patients.trail()

        now = scene.clock.now()
        assert patient_link_is(KEY, token, clinic="harbour", patient="sam", about="daily/1", now=now)
        assert (letter.sent_at, letter.delivered_at, letter.receipt) == (now, now, "delivered")


async def test_after_stop_the_next_message_is_an_e_mail() -> None:
    """Neither names the patient or says what was answered."""
    async with Scene() as scene:
        patients = Patients(scene)
        await patients.say(patient(), reminder())
        await scene.expect_sms(MOBILE)
        await scene.texted("STOP", sender=MOBILE)
        await patients.say(answered())

        mail = await scene.expect_mail(EMAIL, saying="There is an answer to your question")
        assert "SECRET" not in mail.subject + mail.text
        assert "Sam" not in mail.subject + mail.text


async def test_a_patient_who_wishes_it_gets_words_that_say_nothing() -> None:
    """Under a name of their choice."""
    async with Scene() as scene:
        patients = Patients(scene)
        await patients.say(patient(wishes={"neutral": True, "sender": "Post"}), answered())

        await scene.expect_sms(MOBILE, saying="Post: You have a message waiting: https://")


async def test_where_the_country_wants_it_a_text_says_how_to_end_them() -> None:
    """In the United States."""
    scene = Scene()
    scene.settings(region=Region.US)
    async with scene:
        await Patients(scene).say(patient(), reminder())

        sms = await scene.expect_sms(MOBILE)
        assert sms.body.endswith(" Reply STOP to end")


async def test_a_provider_that_is_away_is_tried_again_until_it_is_too_late() -> None:
    """One text when it is back; and of what expired meanwhile none, with the reason in the trail."""
    async with Scene() as scene:
        patients = Patients(scene)
        scene.twilio.refuse(MOBILE, 503)
        await patients.say(patient(mobile=MOBILE, email=None), reminder("a", lasts=timedelta(hours=1)), reminder("b"))
        await patients.forward(timedelta(hours=2))
        assert scene.twilio.messages == []
        scene.twilio.answers.clear()
        await patients.forward(timedelta(minutes=30))

        await scene.expect_sms(MOBILE)
        assert [letter.why for letter in await patients.trail()] == ["it came too late: it is tried again", None]


async def test_an_e_mail_whose_answer_was_lost_is_sent_again_with_the_same_message_id() -> None:
    """The server had kept it: a mailbox can tell that they are one."""
    async with Scene() as scene:
        patients = Patients(scene)
        scene.mail.faults[EMAIL] = Fault("drop", times=1)
        await patients.say(patient(mobile=None), answered())
        await patients.forward(timedelta(minutes=1), timedelta(seconds=5))

        first, second = await scene.expect_mail(EMAIL), await scene.expect_mail(EMAIL)
        assert first.message_id == second.message_id


async def test_a_text_whose_answer_was_lost_goes_by_the_other_provider_with_the_same_reference() -> None:
    """GOV.UK Notify took it and answered 500: Twilio's callback bears the reference that GOV.UK Notify was given."""
    scene = Scene(govuk=True)
    scene.weights = {"twilio": 1, "govuk-notify": 1000}
    async with scene:
        patients = Patients(scene)
        scene.govuk.trouble = Trouble(500, kept=True, times=1)
        await patients.say(patient(), answered())
        kept = await scene.expect_govuk(MOBILE)
        again = await scene.expect_sms(MOBILE)

        assert again.callback.endswith(f"?leg={kept.reference}")


async def test_a_number_that_is_none_is_left_for_the_e_mail_address() -> None:
    """The refusal is final: the number is not tried again."""
    async with Scene() as scene:
        patients = Patients(scene)
        scene.twilio.refuse(MOBILE, 400, 21211)
        await patients.say(patient(), reminder())
        await patients.calm()

        await scene.expect_mail(EMAIL)
        assert scene.twilio.attempts == [MOBILE]


async def test_a_text_goes_under_the_patients_name_for_it_where_the_account_may() -> None:
    """Twilio is given the name in place of the number, and the number where there is no name."""
    async with Twilio() as twilio:
        client = httpx.AsyncClient(base_url=twilio.url, auth=(Twilio.account, Twilio.token))
        async with client:
            named = TwilioProvider(client=client, account=Twilio.account, sender="+447700900000", names=True)
            plain = TwilioProvider(client=client, account=Twilio.account, sender="+447700900000")
            await named.send(MOBILE, "Post: hello", "r1", "Post")
            await named.send(MOBILE, "hello", "r2")
            await plain.send(MOBILE, "Post: hello", "r3", "Post")

        assert [one.sender for one in twilio.messages] == ["Post", "+447700900000", "+447700900000"]
