"""Messages to patients after a crash, a lost store, a lost answer, or with several replicas: once, or recognisably."""

from datetime import timedelta
from typing import Any

from services.notify.domain.deliveries import Outcome, Result
from shared.errors import Recoverable
from tests.unit.notify.letterboxes import Office, Process, answered, patient, reminder
from tests.unit.notify.made import MONDAY

EVENING = MONDAY.replace(hour=22)


class _Away:
    """A broker that does not answer."""

    async def publish(self, messages: Any) -> Any:
        raise Recoverable("the broker is away")


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
    assert office.carried == []

    process.documents._publisher = office.log
    await process.documents.sweep(grace=timedelta(0))
    await process.forward(timedelta(minutes=2), timedelta(seconds=20))

    assert len(office.carried) == 1
