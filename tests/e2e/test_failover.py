"""What is urgent reaches people while providers fail and a replica dies, and each alert's trail says how."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

import pytest

from shared.clock import SystemClock
from tests.e2e.failing import FIRST, SECOND, Providers, Sent
from tests.e2e.processes import Clinic, Platform, phq9, read_topic, until
from tests.harness.standins import GovUk
from tests.providers import Answer, Fault, MailServer, Twilio

CLINICS, CLINICIANS, PATIENTS = 10, 5, 50
"""The last two of each clinic: 500 alerts for 50 people."""
SENDERS = 16
RISK = (1, 1, 0, 0, 0, 0, 0, 0, 2)


@dataclass(frozen=True)
class Person:
    """A patient, and where their alerts go."""

    clinic: Clinic
    patient: str
    email: str
    mobile: str


@dataclass(frozen=True)
class Told:
    """An alert with its trail, and whom it is about."""

    person: Person
    alert: dict[str, Any]

    @property
    def message(self) -> dict[str, dict[str, Any]]:
        """Its message by channel; the step that would come next is no part of it."""
        mine = [one for one in self.alert["deliveries"] if one["step"] is None]
        assert sorted(one["channel"] for one in mine) == ["email", "sms"]
        return {one["channel"]: one for one in mine}

    @property
    def expected(self) -> set[tuple[str, str, str]]:
        """Channel, address and reference of what must have come."""
        reference = self.alert["reference"]
        return {("email", self.person.email, reference), ("sms", self.person.mobile, reference)}


@pytest.fixture
async def providers(platform: Platform, mail: MailServer, twilio: Twilio) -> AsyncIterator[Providers]:
    """Two replicas of notify, with two providers of each channel."""
    mail.messages.clear()
    twilio.messages.clear()
    async with MailServer() as mail2, GovUk(SystemClock()) as govuk:
        both = Providers(mail, mail2, twilio, govuk)
        async with platform.instead("notify", "notify", "notify-2", environment=both.environment()):
            yield both


async def test_500_urgent_alerts_reach_people_by_both_channels_while_providers_go_down_and_a_replica_is_killed(
    platform: Platform, providers: Providers
) -> None:
    """Each once or more with one reference, none is opened twice, and every trail is whole and in order."""
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        clinics = [await stack.enter_async_context(platform.clinic()) for _ in range(CLINICS)]
        each = await asyncio.gather(*(set_up(clinic, number) for number, clinic in enumerate(clinics)))
        people = [person for one_of_each in zip(*each, strict=True) for person in one_of_each]
        await stack.enter_async_context(providers.confirming(platform.urls["notify"]))
        night = await a_bad_night(platform, providers, people, began)
        trails = await trails_of(people)
        in_all = time.monotonic() - began

        sent = sent_to(people, providers)
        assert {told.person.patient: [one["id"] for one in told.alert["told"]] for told in trails} == night.answers
        assert await opened(platform, clinics) == {told.alert["alert"] for told in trails}
        check_messages(sent, trails)
        for told in trails:
            check_trail(told)
        assert night.told_before < len(people), "it was over before anything went wrong"
        delivered = len({(one.to, one.reference) for one in sent})
        assert delivered == 2 * len(people)
        print(f"\n{len(trails)} alerts, {delivered} messages delivered; {len(sent) - delivered} resent, same reference")
        print(f"{night.seconds}, in all {in_all:.1f} s; {night.told_before} messages had gone before the kill")
        for channel in FIRST:
            print(figures(channel, trails))


# --- what happens -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Night:
    """answers: by patient, the risk answers that were accepted. told_before: messages taken before the kill."""

    answers: dict[str, list[str]]
    told_before: int
    seconds: str


async def set_up(clinic: Clinic, number: int) -> list[Person]:
    """A clinic of five clinicians, each with ten patients."""
    await clinic.set_up()
    people = []
    for one in range(CLINICIANS):
        email, mobile = f"c-{one}@{clinic.name}.example", f"+4477009{number:02}{one:03}"
        body = {"name": "Priya", "email": email, "mobile": mobile, "channels": ["email", "sms"]}
        await clinic.put(f"/v1/clinicians/c-{one}", body)
        for patient in range(one, PATIENTS, CLINICIANS):
            person = Person(clinic, f"{clinic.name}-{patient}", email, mobile)
            await clinic.put(f"/v1/patients/{person.patient}", {"name": "Somebody", "clinician": f"c-{one}"})
            people.append(person)
    return people


async def a_bad_night(platform: Platform, providers: Providers, people: Sequence[Person], began: float) -> Night:
    """The first providers fail in the middle of it, then a replica is killed; ends when everybody has been told."""
    ready = time.monotonic()
    third = len(people) // 3
    for person in people[:2]:  # their first e-mails are taken, and the relay's answers are lost
        providers.mail.faults[person.email] = Fault("drop", times=1)
    answers = await answered(people[:third])
    await until(
        "a first alert for everybody", has(lambda: len(told_of(people, providers)) >= len(people) // 5), seconds=120
    )
    await providers.mail.down()
    providers.twilio.everybody = Answer(503)
    sending = asyncio.create_task(answered(people[third:]))
    try:
        seconds = (providers.mail2.messages, providers.govuk.messages)
        await until("the second ones deliver", has(lambda: min(map(len, seconds)) >= third // 4), seconds=120)
        await providers.twilio.down()
        platform.kill("notify-2")
        killed, told_before = time.monotonic(), len(told_of(people, providers))
        answers |= await sending
        await until("everybody is told", has(lambda: len(told_of(people, providers)) == 2 * len(people)), seconds=180)
        delivered = time.monotonic()
        texts = (providers.twilio.messages, providers.govuk.messages)
        await until("the receipts are in", has(lambda: providers.receipts == sum(map(len, texts))), seconds=120)
    finally:
        await providers.mail.up()
        await providers.twilio.up()
    seconds_of = f"set up {ready - began:.1f} s, until the kill {killed - ready:.1f} s, all told"
    return Night(answers, told_before, f"{seconds_of} {delivered - killed:.1f} s after it")


async def answered(people: Sequence[Person]) -> dict[str, list[str]]:
    """Each gives one answer that somebody must hear of; the ids of what was accepted, by patient."""
    gate = asyncio.Semaphore(SENDERS)

    async def one(person: Person) -> str:
        async with gate:
            return str((await person.clinic.post("/v1/questionnaires", phq9(person.patient, *RISK)))["id"])

    ids = await asyncio.gather(*map(one, people))
    return {person.patient: [identity] for person, identity in zip(people, ids, strict=True)}


def sent_to(people: Sequence[Person], providers: Providers) -> list[Sent]:
    """What these people were sent: the alert of a story told before may still be on its way to somebody else."""
    theirs = {address for person in people for address in (person.email, person.mobile)}
    return [one for one in providers.sent() if one.to in theirs]


def told_of(people: Sequence[Person], providers: Providers) -> set[tuple[str, str, str]]:
    """Who has been told of what by which channel."""
    return {(one.channel, one.to, one.reference) for one in sent_to(people, providers)}


def has(fact: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """For `until`, what needs no waiting to be looked at."""

    async def ask() -> bool:
        return fact()

    return ask


async def trails_of(people: Sequence[Person]) -> list[Told]:
    """Every alert with its trail, over the API, once what was handed over is recorded and settled."""
    by_patient = {person.patient: person for person in people}
    gate = asyncio.Semaphore(SENDERS)

    async def trail(clinic: Clinic, alert: dict[str, Any]) -> Told:
        async def recorded() -> Told | None:
            async with gate:
                told = Told(by_patient[alert["patient"]], await clinic.get(f"/v1/alerts/{alert['alert']}"))
            there = {one["state"] for one in told.message.values()} == {"handed_over"}
            return told if there and told.alert["told"][0]["settled_at"] else None

        return await until(f"the trail of {alert['reference']} is complete", recorded, seconds=90)

    clinics = {person.clinic.name: person.clinic for person in people}.values()
    found = [(clinic, alert) for clinic in clinics for alert in (await clinic.get("/v1/alerts?limit=500"))["items"]]
    return list(await asyncio.gather(*(trail(clinic, alert) for clinic, alert in found)))


async def opened(platform: Platform, clinics: Sequence[Clinic]) -> set[str]:
    """The ids of all alerts that ever stood on the topic."""
    return {
        value["alert"] for _, _, value in await read_topic(platform.bootstrap, "alerts", *(one.name for one in clinics))
    }


# --- what must be true ------------------------------------------------------------------------------------------------


def check_messages(sent: Sequence[Sent], trails: Sequence[Told]) -> None:
    """Everybody got what is theirs by both channels and nobody else anything; what came again is known by its leg."""
    assert {(one.channel, one.to, one.reference) for one in sent} == {one for told in trails for one in told.expected}
    legs = {told.message[channel]["id"]: channel for told in trails for channel in FIRST}
    assert {one.leg: one.channel for one in sent} == legs
    assert len({(one.leg, one.to, one.reference) for one in sent}) == len(legs)


def check_trail(told: Told) -> None:
    """Queued, tried, accepted by a provider, delivered where receipts come: in this order, and nothing left open."""
    alert = told.alert
    for channel, leg in told.message.items():
        tries = leg["attempts"]
        accepted = [one for one in tries if one["outcome"] == "accepted"]
        moments = [datetime.fromisoformat(one) for one in (alert["opened_at"], *(one["at"] for one in tries))]
        assert moments == sorted(moments)
        assert (leg["state"], leg["recipient"], leg["why"]) == ("handed_over", "clinician", None)
        assert {one["provider"] for one in (leg, *tries)} <= {FIRST[channel], SECOND[channel]}
        assert {one["outcome"] for one in tries} <= {"accepted", "temporary", "unsure"}
        assert accepted or leg["receipt"] == "delivered", "only a receipt tells where the answer died with a replica"
        assert leg["accepted_at"] == (accepted[-1]["at"] if accepted else None)
        if channel == "sms":
            assert leg["receipt"] == "delivered"
            assert moments[0] <= datetime.fromisoformat(leg["delivered_at"])
    first = alert["escalations"][0]["steps"][0]
    assert (alert["status"], first["recipient"]) == ("open", "clinician")
    assert alert["told"][0]["settled_at"] is not None


# --- figures ----------------------------------------------------------------------------------------------------------


def figures(channel: str, trails: Sequence[Told]) -> str:
    """Of a channel: how long from a message's first failure until the second provider had it, and from opening."""
    took, waited = [], []
    for told in trails:
        tries = told.message[channel]["attempts"]
        if tries:
            waited.append(seconds_between(told.alert["opened_at"], tries[-1]["at"]))
        if tries and tries[0]["provider"] == FIRST[channel] and tries[-1]["provider"] == SECOND[channel]:
            took.append(seconds_between(tries[0]["at"], tries[-1]["at"]))
    failed_over = f"{len(took)} failed over, in {median(took):.2f} s (median), {max(took):.2f} s (longest)"
    longest = f"{max(waited):.1f} s (longest), {sum(one > 30 for one in waited)} over 30 s"
    return f"{channel}: {failed_over}; from opening until accepted {median(waited):.2f} s (median), {longest}"


def seconds_between(earlier: str, later: str) -> float:
    """Between two times as the API writes them."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
