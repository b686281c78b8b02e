"""Messages to patients, over the real letterbox and carrier: as each wishes, once, and never when it may not be."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.domain import letters as domain
from services.notify.domain.deliveries import Channel, Heard, Outcome, Receipt, Result
from services.notify.domain.letters import letter_token, quiet_until
from shared.contracts import Patient
from shared.contracts.letters import LetterState
from shared.contracts.patients import PatientStatus
from shared.contracts.questions import QuestionStatus
from shared.errors import Recoverable
from tests.unit.notify.letterboxes import (
    EMAIL,
    MOBILE,
    Office,
    Process,
    answered,
    patient,
    reminder,
)
from tests.unit.notify.made import MONDAY

EVENING = MONDAY.replace(hour=22)
DAY = timedelta(days=1)


def why(office: Office) -> list[str | None]:
    """Why the letters wait or were not sent."""
    return [letter.why for letter in office.letters().values()]


def sent(office: Office) -> list[tuple[Channel, str]]:
    """By which channel to where."""
    return [(one.channel, one.notice.address) for one in office.carried]


async def told(*documents: Any, at: datetime = MONDAY) -> Office:
    """What comes of these, at once."""
    office = Office()
    office.clock.set(at)
    process = Process(office)
    await process.say(*documents)
    await process.calm()
    return office


async def test_a_reminder_goes_by_sms_where_the_patient_wishes_nothing_else() -> None:
    """An SMS first, once, and the trail says when it was taken."""
    office = await told(patient(), reminder())

    assert sent(office) == [(Channel.SMS, MOBILE)]
    [letter] = office.letters().values()
    assert (letter.state, letter.sent_at, letter.channel) == (LetterState.SENT, MONDAY, Channel.SMS)


async def test_an_answer_is_told_of_but_not_what_it_says() -> None:
    """Neither the answer nor the patient's name stands in the message, in any part of it."""
    office = await told(patient(), answered())

    [carried] = office.carried
    assert carried.notice.letter is not None
    words = repr(carried.notice.letter)
    assert "SECRET" not in words
    assert "Sam" not in words
    assert "answer" in carried.notice.letter.sms


@pytest.mark.parametrize(
    ("changes", "document", "reason"),
    [
        ({"consent_to_contact": False}, reminder(), domain.NO_CONSENT),
        ({"consent_to_contact": False}, answered(), domain.NO_CONSENT),
        ({"status": PatientStatus.DECEASED}, answered(), domain.DECEASED),
        ({"status": PatientStatus.DECEASED}, reminder(), domain.DECEASED),
        ({"status": PatientStatus.DISCHARGED}, reminder(), domain.DISCHARGED),
        ({"wishes": {"reminders": False}}, reminder(), domain.NO_REMINDERS),
        ({"wishes": {"most_a_week": 0}}, reminder(), domain.MOST_REACHED),
        ({"mobile": None, "email": None}, reminder(), domain.NO_ADDRESS),
        ({"wishes": {"channel": "email"}, "email": None}, reminder(), domain.NO_ADDRESS),
        ({"wishes": {"channel": "sms"}, "mobile": None}, answered(), domain.NO_ADDRESS),
    ],
)
async def test_what_the_patient_does_not_wish_is_not_sent_and_says_why(
    changes: dict[str, Any], document: Any, reason: str
) -> None:
    """Each reason stands in the trail in words."""
    office = await told(patient(**changes), document)

    assert sent(office) == []
    assert why(office) == [reason]


@pytest.mark.parametrize(
    ("changes", "document"),
    [
        ({"status": PatientStatus.DISCHARGED}, answered()),
        ({"wishes": {"reminders": False, "most_a_week": 0}}, answered()),
        ({"wishes": {"channel": "email"}}, reminder()),
        ({"mobile": None}, reminder()),
    ],
)
async def test_what_the_patient_wishes_is_sent(changes: dict[str, Any], document: Any) -> None:
    """Discharged, an answer is still told of; the wish decides the channel; without a mobile it is an e-mail."""
    office = await told(patient(**changes), document)

    assert len(sent(office)) == 1


async def test_stop_falls_back_to_e_mail_unless_only_sms_was_chosen() -> None:
    """The number is left alone from the moment its owner said STOP."""
    office = Office()
    process = Process(office)
    await process.contacts.stop(MOBILE, by="recipient")
    await process.say(patient(), reminder("daily/1"))
    await process.calm()
    await process.say(patient(2, wishes={"channel": "sms"}), reminder("daily/2"))
    await process.calm()

    assert sent(office) == [(Channel.EMAIL, EMAIL)]
    assert office.letters()["fact-daily/2-1"].why == domain.STOPPED


async def test_a_number_whose_owner_stopped_at_the_provider_is_remembered_and_e_mail_is_used() -> None:
    """The provider's own word for STOP counts as STOP, for every later message too."""
    office = Office(answers=[Result(outcome=Outcome.PERMANENT, code="400 21610", stopped=True)])
    process = Process(office)
    await process.say(patient(), reminder())
    await process.calm()

    assert sent(office) == [(Channel.EMAIL, EMAIL)]
    assert process.contacts.is_stopped(Channel.SMS, MOBILE)


async def test_in_quiet_hours_it_waits_and_goes_when_they_end() -> None:
    """22:00 in London: nothing before 9:00, then at once; the trail says what it waits for."""
    office = Office()
    office.clock.set(EVENING)
    process = Process(office)
    await process.say(patient(), reminder(at=EVENING))
    await process.calm()
    assert why(office) == [domain.QUIET]

    await process.forward(timedelta(hours=10, minutes=45))
    assert sent(office) == []
    await process.forward(timedelta(minutes=15))

    assert [one.at for one in office.carried] == [(EVENING + timedelta(hours=11))]


async def test_a_reminder_that_expires_in_quiet_hours_is_dropped_and_says_so() -> None:
    """A reminder of something that can no longer be done would only worry."""
    office = Office()
    office.clock.set(EVENING)
    process = Process(office)
    await process.say(patient(), reminder(at=EVENING, lasts=timedelta(hours=3)))
    await process.forward(timedelta(hours=12))

    assert sent(office) == []
    assert why(office) == [f"{domain.LATE}: {domain.QUIET}"]


async def test_quiet_hours_are_the_patients_own_not_the_clinics() -> None:
    """10:00 in London is the middle of the night in Los Angeles."""
    office = await told(patient(zone="America/Los_Angeles"), reminder())

    assert sent(office) == []
    assert why(office) == [domain.QUIET]


async def test_consent_that_is_withdrawn_while_it_waits_ends_it() -> None:
    """What counts is what holds at the moment of sending."""
    office = Office()
    office.clock.set(EVENING)
    process = Process(office)
    await process.say(patient(), reminder(at=EVENING))
    await process.calm()
    await process.say(patient(2, consent_to_contact=False))
    await process.forward(timedelta(hours=12))

    assert sent(office) == []
    assert why(office) == [domain.NO_CONSENT]


async def test_erasure_ends_what_waits_and_leaves_nothing_of_what_was_sent() -> None:
    """Neither store nor topic keeps what the patient was written, nor is anything sent later."""
    office = Office()
    process = Process(office)
    await process.say(patient(), reminder("daily/1"))
    await process.calm()
    office.clock.set(EVENING)
    await process.say(reminder("daily/2", at=EVENING))
    await process.say(patient(2, deleted=True))
    await process.say(reminder("daily/3", at=EVENING))
    await process.forward(timedelta(hours=12))

    assert len(sent(office)) == 1
    assert office.letters() == {}
    assert office.log.events[-1].data.deleted  # type: ignore[attr-defined]


async def test_somebody_who_came_back_after_erasure_is_written_to_but_not_about_before() -> None:
    """A new start: what was said before the removal is not said again, what is said after it is."""
    office = Office()
    process = Process(office)
    await process.say(patient(), reminder("daily/1"))
    await process.calm()
    old = list(office.said)
    office.clock.advance(timedelta(minutes=5))
    await process.say(patient(2, deleted=True))
    office.clock.advance(timedelta(minutes=5))
    await process.say(patient(3))
    await process.read(old)
    await process.say(reminder("daily/2"))
    await process.calm()

    assert [one.at for one in office.carried] == [MONDAY, MONDAY + timedelta(minutes=10)]


async def test_the_most_a_week_counts_any_seven_days() -> None:
    """One a day for three weeks, and three wished for: no seven days have more."""
    office = Office()
    process = Process(office)
    await process.say(patient())
    for day in range(21):
        now = MONDAY + day * DAY
        office.clock.set(now)
        await process.say(reminder(f"daily/{day}", at=now))
        await process.calm()

    days = [(one.at - MONDAY).days for one in office.carried]
    assert days == [0, 1, 2, 7, 8, 9, 14, 15, 16]


async def test_answers_do_not_count_for_the_week() -> None:
    """Somebody who asked something hears of it, however many reminders there were."""
    office = Office()
    process = Process(office)
    await process.say(patient(wishes={"most_a_week": 1}), answered("q-1"), answered("q-2"), reminder("daily/1"))
    await process.calm()

    assert len(office.carried) == 3


async def test_what_is_old_when_notify_first_hears_of_it_is_not_sent() -> None:
    """A new or rebuilt notify reads all there ever was: none of it is news."""
    office = await told(
        patient(), reminder(at=MONDAY - timedelta(hours=13)), answered(at=MONDAY - DAY - timedelta(seconds=1))
    )

    assert sent(office) == []
    assert office.letters() == {}


async def test_what_was_sent_is_known_after_the_store_was_lost() -> None:
    """The letters' own topic is read to its end first; reminders and answers that come again send nothing."""
    office = Office()
    process = Process(office)
    await process.say(patient(), reminder(), answered())
    await process.calm()
    office.database.drop()

    rebuilt = Process(office)
    await rebuilt.learn()
    await rebuilt.read(office.said)
    await rebuilt.calm()

    assert len(office.carried) == 2


async def test_what_waits_is_sent_after_the_store_was_lost() -> None:
    """What is due stands on the topic too."""
    office = Office()
    office.clock.set(EVENING)
    process = Process(office)
    await process.say(patient(), reminder(at=EVENING))
    await process.calm()
    office.database.drop()

    rebuilt = Process(office)
    await rebuilt.learn()
    await rebuilt.patients.apply([patient()])
    await rebuilt.forward(timedelta(hours=11))

    assert len(office.carried) == 1


async def test_two_replicas_send_one() -> None:
    """Whoever claims it first has it."""
    office = Office()
    one, other = Process(office), Process(office)
    await one.say(patient(), reminder())
    await other.read(office.said)
    await one.carrier.poll()
    await other.carrier.poll()
    await one.carrier.calm()
    await other.carrier.calm()

    assert len(office.carried) == 1


async def test_one_that_may_have_gone_is_sent_again_with_the_same_reference() -> None:
    """So that whoever gets it twice can see that it is one."""
    office = Office(answers=[Result(outcome=Outcome.UNSURE, code="ReadTimeout")], taken=[True])
    process = Process(office)
    await process.say(patient(), reminder())
    await process.forward(timedelta(minutes=1), timedelta(seconds=5))

    assert len(office.carried) == 2
    assert len({one.notice.token for one in office.carried}) == 1
    assert [one.outcome for one in office.letters()["fact-daily/1-1"].tries] == ["unsure", "accepted"]


async def test_nothing_is_handed_over_whose_claim_does_not_stand_on_the_topic() -> None:
    """While the broker is away a claim would be lost with the store, and the message sent twice."""
    office = Office()
    process = Process(office)
    await process.say(patient(), reminder())
    away = _Away()
    process.documents._publisher = away
    await process.calm()
    assert sent(office) == []

    process.documents._publisher = office.log
    await process.documents.sweep(grace=timedelta(0))
    await process.forward(timedelta(minutes=2), timedelta(seconds=20))

    assert len(office.carried) == 1


async def test_a_receipt_that_it_arrived_is_shown_and_one_that_failed_goes_by_e_mail() -> None:
    """Twice is once; who got it by SMS is not written to again."""
    office = Office()
    process = Process(office)
    await process.say(patient(), reminder("daily/1"), reminder("daily/2"))
    await process.calm()
    first, second = (letter_token("harbour/sam", f"fact-daily/{n}-1", Channel.SMS) for n in (1, 2))
    for _ in range(2):
        assert await process.carrier.heard(first, Heard(message="m", receipt=Receipt.DELIVERED, code="delivered"))
        assert await process.carrier.heard(second, Heard(message="m", receipt=Receipt.FAILED_FOR_GOOD, code="30006"))
        await process.calm()

    assert office.letters()["fact-daily/1-1"].delivered_at == MONDAY
    assert [one.channel for one in office.carried] == [Channel.SMS, Channel.SMS, Channel.EMAIL]
    assert not await process.carrier.heard("nobody's", Heard(message="m", receipt=Receipt.DELIVERED, code=""))


async def test_an_answer_that_was_settled_meanwhile_is_not_told_of() -> None:
    """The patient has seen it; an older version that comes late changes nothing."""
    office = Office()
    office.clock.set(EVENING)
    process = Process(office)
    await process.say(patient(), answered("q-1", at=EVENING), answered("q-2", at=EVENING))
    await process.say(answered("q-1", at=EVENING, version=3, status=QuestionStatus.SETTLED))
    await process.say(answered("q-2", at=EVENING, version=1, status=QuestionStatus.OPEN))
    await process.forward(timedelta(hours=12))

    assert len(office.carried) == 1
    assert [one.why for one in office.letters().values()] == [domain.SUPERSEDED, None]


async def test_a_letter_waits_for_a_patient_whose_document_is_on_its_way() -> None:
    """Topics are read side by side: the reminder may come first."""
    office = Office()
    process = Process(office)
    await process.say(reminder())
    await process.calm()
    assert why(office) == [domain.UNKNOWN]
    await process.say(patient())
    await process.forward(timedelta(minutes=2), timedelta(seconds=30))

    assert len(office.carried) == 1


ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]


@settings(deadline=None, max_examples=400)
@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
    begins=st.times(),
    ends=st.times(),
    zone=st.sampled_from(ZONES),
)
def test_quiet_hours_end_where_the_wall_clock_says_so(now: datetime, begins: time, ends: time, zone: str) -> None:
    """Also on the nights the clocks change: what is held is sent outside of them, and within a day and some."""
    here = now.replace(tzinfo=ZoneInfo("UTC"))
    until = quiet_until(here, begins, ends, ZoneInfo(zone))

    if until is not None:
        assert here < until <= here + timedelta(hours=26)
        assert quiet_until(until, begins, ends, ZoneInfo(zone)) is None


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-29T00:30+00:00", "2026-03-29T08:00+00:00"),  # the clocks go forward: 9:00 is an hour earlier
        ("2026-10-25T00:30+00:00", "2026-10-25T09:00+00:00"),  # and back again
        ("2026-10-25T20:59+00:00", None),
        ("2026-10-25T21:00+00:00", "2026-10-26T09:00+00:00"),
    ],
)
def test_quiet_hours_in_london_when_the_clocks_change(now: str, until: str | None) -> None:
    """9:00 is 9:00 on the wall."""
    found = quiet_until(datetime.fromisoformat(now), time(21), time(9), ZoneInfo("Europe/London"))

    assert (None if until is None else datetime.fromisoformat(until)) == found


class _Away:
    async def publish(self, messages: Any) -> Any:
        raise Recoverable("the broker is away")


def test_a_patient_without_wishes_is_quiet_at_night() -> None:
    """The defaults of the contract: 21:00 to 9:00, three reminders a week."""
    wishes = Patient.model_fields["contact"].get_default(call_default_factory=True)

    assert (wishes.quiet_from, wishes.quiet_until, wishes.most_a_week) == (time(21), time(9), 3)
