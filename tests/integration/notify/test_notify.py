"""notify on the real broker and store: who is told, by which channel, when, and once."""

import uuid
from collections.abc import AsyncIterator
from datetime import date, timedelta
from functools import partial

import pytest

from shared.bus.provision import provision
from shared.contracts.assessments import Chart
from shared.contracts.base import Origin, Urgency
from shared.contracts.patients import PatientStatus
from shared.metrics import ALERTS_WITHOUT_RECIPIENT, CHECK_IN_TO_ALERT
from tests.integration.notify_house import MONDAY, Door, House, concern, evidence, risk, until
from tests.providers import Mail, MailServer, Twilio
from tests.stack import Stack

SATURDAY_NIGHT = MONDAY - timedelta(days=2) + timedelta(hours=12)
WORKING = Urgency.WORKING_HOURS


@pytest.fixture
async def house(stack: Stack) -> AsyncIterator[House]:
    """Everything notify needs, and nothing of it running yet."""
    await provision(stack.bootstrap)
    async with MailServer() as mail, Twilio() as twilio:
        yield House(stack, mail, twilio)


async def settled(door: Door, clinic: str) -> bool:
    """Whether the alerts of a clinic say that all they tell of was handed over."""
    alerts = await door.alerts(clinic)
    return bool(alerts) and all(told["settled_at"] for alert in alerts for told in alert["told"])


async def test_item_9_answered_2_is_one_email_and_one_sms_at_once(house: House) -> None:
    """Both channels, once each, with the same reference, and nothing of the patient in either."""
    before = CHECK_IN_TO_ALERT._sum.get()
    async with house.clinic() as clinic, house.notify() as door:
        house.clock.advance(timedelta(seconds=1))
        await clinic.assess(risk(evidence("e1")))

        await until("settled", lambda: settled(door, clinic.name))
        (alert,) = await door.alerts(clinic.name)
        (message,), (sms,) = house.mail.to(clinic.clinician), house.twilio.to(clinic.mobile)
        assert [told["id"] for told in alert["told"]] == ["e1"]
        assert CHECK_IN_TO_ALERT._sum.get() >= before + 1
        for text in (message.text, message.html, message.subject, sms.body):
            assert alert["reference"] in text
            assert "sam" not in text.lower()
            assert "answered" not in text


async def test_item_9_answered_1_at_the_weekend_is_one_email_when_the_clinic_opens(house: House) -> None:
    """Nobody is woken for it, two answers are one message, and nothing goes before Monday at nine."""
    house.clock.set(SATURDAY_NIGHT)
    async with house.clinic() as clinic, house.notify() as door:
        first = evidence("e1", at=SATURDAY_NIGHT, urgency=WORKING)
        await clinic.assess(risk(first))
        await until("one alert", lambda: door.alerts(clinic.name))
        house.clock.advance(timedelta(hours=8))
        await clinic.assess(risk(first, evidence("e2", at=SATURDAY_NIGHT, urgency=WORKING)))
        await until("the second answer", lambda: _told(door, clinic.name, 2))
        early = list(house.mail.messages)

        house.clock.set(MONDAY.replace(hour=9, minute=0, second=1))
        await until("settled", lambda: settled(door, clinic.name))
        (message,) = house.mail.to(clinic.clinician)
        assert early == []
        assert house.twilio.messages == []
        assert "urgent" not in message.subject


async def _told(door: Door, clinic: str, count: int) -> bool:
    return sum(len(alert["told"]) for alert in await door.alerts(clinic)) == count


async def test_duplicates_and_stale_assessments_change_nothing(house: House) -> None:
    """The highest order wins: an older word neither tells nor closes, the same word twice is told once."""
    async with house.clinic() as clinic, house.notify() as door:
        for _ in range(3):
            await clinic.assess(risk(evidence("e1")), concern("mood_shift", evidence("m1", urgency=WORKING)), basis=10)
        await clinic.assess(basis=3)
        await clinic.assess(risk(evidence("e0")), basis=4)
        await clinic.register("last")
        await clinic.assess(risk(evidence("z")), patient="last", basis=12)

        await until("the last one", lambda: _told(door, clinic.name, 3))
        await until("settled", lambda: settled(door, clinic.name))
        alerts = {alert["rule"]: alert for alert in await door.alerts(clinic.name, patient="sam")}
        assert {alert["status"] for alert in alerts.values()} == {"open"}
        assert [told["id"] for told in alerts["risk_item"]["told"]] == ["e1"]
        assert len(house.mail.to(clinic.clinician)) == 3
        assert len(house.twilio.to(clinic.mobile)) == 2


async def test_a_store_dropped_is_rebuilt_from_the_topics_and_tells_nobody_twice(house: House) -> None:
    """What was told is remembered in the alerts; what had not been sent yet still is; a decision stays."""
    async with house.clinic() as clinic:
        async with house.notify() as door:
            await clinic.assess(risk(evidence("e1")), concern("mood_shift", evidence("m1", urgency=WORKING)))
            await until("settled", lambda: settled(door, clinic.name))
            shift = next(alert for alert in await door.alerts(clinic.name) if alert["rule"] == "mood_shift")
            await door.ask(clinic.name, "POST", f"/v1/alerts/{shift['alert']}/acknowledge", body={"by": "priya"})
            house.clock.set(MONDAY.replace(hour=18))
            await clinic.assess(risk(evidence("e1"), evidence("e2", urgency=WORKING)), concern("mood_shift"))
            await until("news", lambda: _told(door, clinic.name, 3))
            before = {alert["alert"]: alert for alert in await door.alerts(clinic.name)}
        sent = len(house.mail.to(clinic.clinician))
        await house.drop_store()

        async with house.notify() as door:
            await until("rebuilt", lambda: _told(door, clinic.name, 3))
            after = {alert["alert"]: alert for alert in await door.alerts(clinic.name)}
            again = len(house.mail.to(clinic.clinician))
            house.clock.set(MONDAY + timedelta(days=1))
            await until("the news of the evening", lambda: settled(door, clinic.name))
        assert before == after
        assert again == sent == 2
        assert len(house.mail.to(clinic.clinician)) == 3
        assert len(house.twilio.to(clinic.mobile)) == 1


async def test_killed_between_sending_and_recording_the_same_reference_goes_again(house: House) -> None:
    """A message that may or may not have gone is sent again when the lease ends, and is recognisable as the same."""
    async with house.clinic() as clinic:
        house.mail.hold(clinic.clinician)
        async with house.notify() as door:
            await clinic.assess(concern("reliable_deterioration", evidence("e1")))
            await until("the server has it, and says nothing", lambda: house.mail.to(clinic.clinician))
            (alert,) = await door.alerts(clinic.name)
            assert alert["told"][0]["settled_at"] is None
        house.mail.release()

        async with house.notify() as door:
            house.clock.advance(timedelta(seconds=70))
            await until("settled", lambda: settled(door, clinic.name))
        first, second = house.mail.to(clinic.clinician)
        assert first.message_id == second.message_id
        assert first.subject == second.subject
        assert len(house.twilio.to(clinic.mobile)) == 1


async def test_a_mail_server_that_is_away_is_tried_until_it_is_back(house: House) -> None:
    """Nothing is lost, every attempt is in the trail, and the other channel did not wait."""
    async with house.clinic() as clinic, house.notify() as door:
        await house.mail.down()
        await clinic.assess(risk(evidence("e1")))
        await until("the SMS", lambda: house.twilio.to(clinic.mobile))
        (alert,) = await door.alerts(clinic.name)
        await until("a failed attempt", lambda: _attempts(door, clinic.name, alert["alert"], "email"))

        await house.mail.up()
        house.clock.advance(timedelta(seconds=10))
        await until("settled", lambda: settled(door, clinic.name))
        attempts = await _attempts(door, clinic.name, alert["alert"], "email")
        assert (attempts[0]["outcome"], attempts[-1]["outcome"]) == ("temporary", "accepted")
        assert len(house.mail.to(clinic.clinician)) == len(house.twilio.to(clinic.mobile)) == 1


async def _attempts(door: Door, clinic: str, alert: str, channel: str) -> list:
    return [one for row in await door.trail(clinic, alert) if row["channel"] == channel for one in row["attempts"]]


async def test_channels_that_refuse_for_good_fall_to_the_other_and_then_to_the_fallback_contact(house: House) -> None:
    """A wrong number and a closed mailbox: the clinic's fallback contact hears by both of theirs, and it is counted."""
    before = ALERTS_WITHOUT_RECIPIENT._value.get()
    async with house.clinic() as clinic, house.notify() as door:
        house.twilio.refuse(clinic.mobile, 400, 21211)
        await clinic.assess(concern("rating_drop", evidence("w1", urgency=WORKING)))
        await until("told by e-mail alone", lambda: settled(door, clinic.name))
        house.mail.refuse(clinic.clinician, "550 5.1.1 No such mailbox")
        await clinic.assess(risk(evidence("e1")))

        await until("the second alert", lambda: _told(door, clinic.name, 2))
        await until("settled", lambda: settled(door, clinic.name))
        (alert,) = [alert for alert in await door.alerts(clinic.name) if alert["rule"] == "risk_item"]
        trail = await door.trail(clinic.name, alert["alert"])
        told = {(row["recipient"], row["channel"]): row["state"] for row in trail}
        assert told == {
            ("clinician", "email"): "failed",
            ("clinician", "sms"): "failed",
            ("fallback", "email"): "handed_over",
            ("fallback", "sms"): "handed_over",
        }
        assert {row["attempts"][0]["code"] for row in trail if row["recipient"] == "clinician"} == {"550", "400 21211"}
        assert len(house.mail.to(clinic.fallback)) == len(house.twilio.to(clinic.fallback_mobile)) == 1
        assert ALERTS_WITHOUT_RECIPIENT._value.get() == before + 1


async def test_a_refused_email_falls_to_sms_where_only_email_was_meant(house: House) -> None:
    """In working hours e-mail is enough, until the mailbox refuses it for good."""
    async with house.clinic() as clinic, house.notify() as door:
        house.mail.refuse(clinic.clinician, "550 5.1.1 No such mailbox")
        await clinic.assess(concern("rating_drop", evidence("w1", urgency=WORKING)))

        await until("settled", lambda: settled(door, clinic.name))
        assert len(house.twilio.to(clinic.mobile)) == 1
        assert house.mail.to(clinic.fallback) == []


async def test_imports_page_nobody_and_stand_in_one_digest_on_the_next_working_morning(house: House) -> None:
    """Two patients' imported evidence is one e-mail; live news on one of them is a message at once, and no line."""
    async with house.clinic() as clinic, house.notify() as door:
        await clinic.register("kim")
        await clinic.register("lee")
        old = {"at": MONDAY - timedelta(days=3), "origin": Origin.IMPORT}
        for patient in ("sam", "kim", "lee"):
            await clinic.assess(risk(evidence(f"i-{patient}", **old)), patient=patient)
        await until("three alerts", lambda: _told(door, clinic.name, 3))
        await clinic.assess(risk(evidence("i-lee", **old), evidence("live")), patient="lee")
        await until("the live one", lambda: house.mail.to(clinic.clinician))
        routes = {alert["patient"]: alert["route"] for alert in await door.alerts(clinic.name)}

        house.clock.set(MONDAY + timedelta(days=1))
        await until("settled", lambda: settled(door, clinic.name))
        references = {alert["patient"]: alert["reference"] for alert in await door.alerts(clinic.name)}
        _, digest = house.mail.to(clinic.clinician)
        assert routes == {"sam": "digest", "kim": "digest", "lee": "message"}
        assert len(house.twilio.to(clinic.mobile)) == 1
        assert digest.subject.startswith(f"Clinic {clinic.name}: 2 alerts")
        assert references["sam"] in digest.text
        assert references["kim"] in digest.text
        assert references["lee"] not in digest.text


async def test_a_patient_nobody_registered_is_told_of_to_the_fallback_contact(house: House) -> None:
    """Nobody is left untold because a form was not filled in yet."""
    async with house.clinic(registered=False) as clinic, house.notify() as door:
        await clinic.assess(risk(evidence("e1")), registered=False)

        await until("settled", lambda: settled(door, clinic.name))
        assert len(house.mail.to(clinic.fallback)) == len(house.twilio.to(clinic.fallback_mobile)) == 1
        assert house.mail.to(clinic.clinician) == []


async def test_a_recipient_who_is_not_found_within_a_minute_is_not_waited_for(house: House) -> None:
    """insights knows the patient and we do not yet: wait a minute for the document, then tell the fallback contact."""
    async with house.clinic(registered=False) as clinic, house.notify() as door:
        await clinic.assess(risk(evidence("e1")), registered=True)
        await until("the alert", lambda: door.alerts(clinic.name))
        house.clock.advance(timedelta(seconds=30))
        (alert,) = await door.alerts(clinic.name)
        (row,) = await until("its row", lambda: door.trail(clinic.name, alert["alert"]))
        before = list(house.mail.messages)

        house.clock.advance(timedelta(seconds=31))
        await until("settled", lambda: settled(door, clinic.name))
        assert row["state"] == "waiting"
        assert before == []
        assert len(house.mail.to(clinic.fallback)) == 1


async def test_news_unacknowledges_and_a_concern_that_ends_closes_all_but_risk(house: House) -> None:
    """What ends by itself closes with the reason; a risk alert is a human's to close, and stays closed without news."""
    async with house.clinic() as clinic, house.notify() as door:
        await clinic.assess(risk(evidence("e1")), concern("gone_quiet", evidence("q1", urgency=WORKING)))
        await until("settled", lambda: settled(door, clinic.name))
        (alert,) = [alert for alert in await door.alerts(clinic.name) if alert["rule"] == "risk_item"]
        await door.ask(clinic.name, "POST", f"/v1/alerts/{alert['alert']}/acknowledge")
        await clinic.assess(risk(evidence("e1"), evidence("e2")))
        await until("the news", lambda: len(house.twilio.to(clinic.mobile)) == 2)
        after = {alert["rule"]: alert for alert in await door.alerts(clinic.name)}

        await clinic.assess()
        await until("no longer holds", lambda: door.alerts(clinic.name, status="open"))
        path = f"/v1/alerts/{alert['alert']}/close"
        closed = await door.ask(clinic.name, "POST", path, body={"disposition": "contacted", "note": "Rang."})
        await clinic.assess(risk(evidence("e1"), evidence("e2")))
        await clinic.assess(risk(evidence("e3")), patient="kim", registered=False)
        await until("somebody else's", lambda: _told(door, clinic.name, 4))
        assert after["risk_item"]["status"] == "open"
        assert after["risk_item"]["acknowledged_by"] is None
        assert (after["gone_quiet"]["status"], after["gone_quiet"]["closed_by"]) == ("closed", "rapport")
        assert closed.json()["disposition"] == "contacted"
        assert {alert["status"] for alert in await door.alerts(clinic.name, patient="sam")} == {"closed"}


async def test_an_alert_that_was_taken_is_no_longer_sent(house: House) -> None:
    """Somebody has it before the clinic opens: Monday's e-mail is cancelled, and the trail says why."""
    house.clock.set(SATURDAY_NIGHT)
    async with house.clinic() as clinic, house.notify() as door:
        await clinic.assess(concern("mood_shift", evidence("m1", urgency=WORKING)))
        (alert,) = await until("the alert", lambda: door.alerts(clinic.name))
        await door.ask(clinic.name, "POST", f"/v1/alerts/{alert['alert']}/acknowledge")
        house.clock.set(MONDAY)

        async def cancelled() -> bool:
            return [row["state"] for row in await door.trail(clinic.name, alert["alert"])] == ["cancelled"]

        await until("cancelled", cancelled)
        assert house.mail.messages == []


async def test_nothing_new_is_sent_about_somebody_who_has_died(house: House) -> None:
    """Open alerts close, but for risk; messages that were waiting are not sent."""
    house.clock.set(SATURDAY_NIGHT)
    async with house.clinic() as clinic, house.notify() as door:
        await clinic.assess(
            concern("mood_shift", evidence("m1", urgency=WORKING)), risk(evidence("e1", urgency=WORKING))
        )
        await until("both", lambda: _told(door, clinic.name, 2))
        await clinic.register(status=PatientStatus.DECEASED)
        await until("one closed", lambda: door.alerts(clinic.name, status="closed"))
        house.clock.set(MONDAY)
        await clinic.assess(risk(evidence("e2")), patient="kim", registered=False)

        await until("somebody else's", lambda: house.mail.to(clinic.fallback))
        statuses = {alert["rule"]: alert["status"] for alert in await door.alerts(clinic.name, patient="sam")}
        assert statuses == {"mood_shift": "closed", "risk_item": "open"}
        assert house.mail.to(clinic.clinician) == []


async def test_reason_and_chart_go_only_to_domains_the_clinic_has_listed(house: House) -> None:
    """The clinician's domain is listed, the fallback contact's is not: one reads why, the other a reference."""
    chart = Chart(measure="phq9", minimum=0, maximum=27, points=[(date(2026, 11, day), day) for day in (2, 9, 16, 23)])
    async with house.clinic() as clinic, house.notify():
        await clinic.set_up(detail_domains=[f"{clinic.name}.EXAMPLE"])
        await clinic.staff(email=clinic.clinician, mobile=None)
        worse = partial(concern, "reliable_deterioration", reason="PHQ-9 went from 2 to 23.", chart=chart)

        async def told_with_a_picture() -> Mail | None:
            """The drawing process takes a moment to start, and nobody waits for it."""
            before = len(house.mail.to(clinic.clinician))
            await clinic.assess(worse(evidence(uuid.uuid4().hex)))
            await until("one more", lambda: len(house.mail.to(clinic.clinician)) > before)
            return next((message for message in house.mail.to(clinic.clinician) if message.pictures), None)

        message = await until("a picture", told_with_a_picture, seconds=90)
        assert message is not None
        ((name, picture),) = message.pictures.items()
        plain = house.mail.to(clinic.clinician)[0]
        assert "PHQ-9 went from 2 to 23." in plain.text
        assert "S.T. (sam)" in plain.html
        assert "PHQ-9" not in plain.subject
        assert f"cid:{name.strip('<>')}" in message.html
        assert picture.startswith(b"\x89PNG")


async def test_two_replicas_share_the_work_and_send_each_message_once(house: House) -> None:
    """Any replica may hand over any row; a lease keeps it one at a time."""
    house.clock.set(SATURDAY_NIGHT)
    async with house.clinic() as clinic, house.notify() as door, house.notify() as other:
        for number in range(20):
            await clinic.assess(
                concern("mood_shift", evidence(f"m{number}", urgency=WORKING)), patient=f"p{number}", registered=False
            )
        await until("twenty", lambda: _told(door, clinic.name, 20))
        house.clock.set(MONDAY)

        await until("settled", lambda: settled(other, clinic.name))
        assert len(house.mail.to(clinic.fallback)) == 20
        assert len({message.message_id for message in house.mail.to(clinic.fallback)}) == 20


async def test_a_provider_that_hangs_holds_up_nobody_else(house: House) -> None:
    """One mailbox never answers: reconciling goes on, and the others hear at once."""
    async with house.clinic() as slow, house.clinic() as clinic, house.notify() as door:
        house.mail.hang(slow.clinician)
        for number in range(6):
            await slow.assess(risk(evidence(f"s{number}")), patient=f"p{number}")
            await slow.register(f"p{number}")
        await clinic.assess(risk(evidence("e1")))

        await until("the other clinic's", lambda: house.mail.to(clinic.clinician), seconds=5)
        assert len(await until("all reconciled", lambda: door.alerts(slow.name))) >= 1
