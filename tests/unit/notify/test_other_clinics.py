"""Two clinics that list the same number: neither speaks for the other, slows it, or has its alerts taken."""

from datetime import datetime, timedelta

import pytest

from services.notify.domain import Delivery, turn_at
from services.notify.domain.limits import LIMITS, SHARE
from services.notify.domain.replies import TWO_SEGMENTS, Wish, which_one
from shared.contracts import Alert, Clinic, Clinician
from shared.contracts.alerts import AlertStatus
from shared.contracts.base import Urgency
from shared.contracts.clinics import Contact, Fatigue
from shared.gsm7 import septets
from tests.unit.notify.made import MONDAY, assessment, concern, patient, telling
from tests.unit.notify.memory_mongo import Life
from tests.unit.notify.world import CLINIC, CLINICIAN, Process, World, batch, event

NUMBER = "+447700900001"
LATER = Urgency.WORKING_HOURS


class Two:
    """Harbour, and Evil Clinic, which has registered a clinician with the number of Harbour's; both by SMS alone."""

    def __init__(self, *, listed: bool = True, emailed: bool = False) -> None:
        """listed: whether Evil Clinic lists the number. emailed: whether it sends e-mails before texts."""
        fatigue = {"fatigue": Fatigue(bundle_minutes=0)}
        harbour = CLINIC.model_copy(update={"settings": [CLINIC.settings[0].model_copy(update=fatigue)]})
        contact = {"fallback_contact": Contact(name="Mallory", email="duty@evil.example")} | fatigue
        settings = [CLINIC.settings[0].model_copy(update=contact)]
        evil = Clinic(clinic="evil", version=1, name="Evil Clinic", settings=settings)
        priya = CLINICIAN.model_copy(update={"email": None, "channels": ["sms"]})
        mallory = priya.model_copy(update={"clinic": "evil", "clinician": "mallory"})
        if emailed:
            mallory = mallory.model_copy(update={"email": "m@evil.example", "channels": ["email", "sms"]})
        people: list[Clinic | Clinician] = [harbour, priya, evil, *([mallory] if listed else [])]
        self.world = World(documents=list(people))
        self.process: Process = self.world.process(Life())
        self._basis = 0

    async def raised(self, clinic: str, *rules: str, urgency: Urgency = LATER) -> None:
        """A clinic's patient is to be told of, once for each rule."""
        self._basis += 1
        at = self.world.clock.now()
        found = [concern(telling(f"{rule} {self._basis}", at=at, urgency=urgency), rule=rule) for rule in rules]
        whose = "mallory" if clinic == "evil" else "priya"
        said = assessment(*found, basis=self._basis).model_copy(update={"clinic": clinic})
        who = patient(clinician=whose).model_copy(update={"clinic": clinic})
        await self.process.reconciler.handle(batch([event(who), event(said)]))
        await self.process.calm()

    async def passes(self, by: timedelta) -> None:
        """Time passes, a few seconds at a time."""
        end = self.world.clock.now() + by
        while self.world.clock.now() < end:
            self.world.clock.advance(timedelta(seconds=10))
            await self.process.calm()

    async def answers(self, text: str) -> str:
        """What the number's owner is answered."""
        return (await self.process.desk.reply(NUMBER, text)).text or ""

    def alerts(self, clinic: str) -> list[Alert]:
        """A clinic's alerts."""
        return [alert for alert in self.world.alerts() if alert.clinic == clinic]

    def rows(self, clinic: str) -> list[Delivery]:
        """A clinic's messages."""
        return [row for row in self.world.rows().values() if row.clinic == clinic and row.step is None]

    def texts(self, clinic: str) -> list[datetime]:
        """When a clinic's texts went to the number."""
        return [one.at for one in self.world.sent if one.notice.clinic == clinic and one.to == NUMBER]


async def test_no_other_clinic_s_message_speaks_for_a_clinic_s_alerts() -> None:
    """Both have messages held for one number: each is told in a text of its own clinic, which names it."""
    two = Two()
    await two.raised("evil", "first", "second")
    await two.raised("harbour", "one", "two")
    await two.passes(timedelta(minutes=4))

    mine = {alert.reference for alert in two.alerts("harbour")}
    named = {line.reference for one in two.world.sent if one.notice.clinic == "harbour" for line in one.notice.lines}
    assert named == mine
    assert sum(one.notice.others for one in two.world.sent) == 0
    legs = [leg for row in two.rows("harbour") for leg in row.legs]
    assert [(leg.state, leg.bundled) for leg in legs] == [("sent", None)] * 2


async def test_what_a_clinic_sends_first_goes_at_once_however_much_another_sends_to_that_number() -> None:
    """Evil Clinic has used up every limit by urgent messages, which are not held; Harbour's goes out in the second."""
    two = Two()
    await two.raised("evil", *(f"rule_{number}" for number in range(25)), urgency=Urgency.AT_ONCE)
    await two.raised("harbour", "one")

    assert two.texts("harbour") == [MONDAY]


async def test_two_people_of_one_clinic_with_one_number_are_told_apart() -> None:
    """What waits for the one is no part of a message to the other: each has a link of their own."""
    two = Two()
    two.world.documents.append(CLINICIAN.model_copy(update={"clinician": "lee", "email": None, "channels": ["sms"]}))
    two.process = two.world.process(Life())
    await two.raised("harbour", "one", "two", "three")
    held = [leg for row in two.rows("harbour") for leg in row.legs if leg.held]
    lee = held[0].model_copy(update={"to": "lee"})
    row = next(row for row in two.rows("harbour") if held[0] in row.legs)
    await two.process.store.deliveries.change(row.id, lambda one: one.model_copy(update={"legs": (lee,)}))
    await two.passes(timedelta(minutes=5))

    went = [(leg.to, leg.state, leg.bundled) for one in two.rows("harbour") for leg in one.legs]
    assert sorted(went) == [("lee", "sent", None), ("priya", "sent", None), ("priya", "sent", None)]


@pytest.mark.parametrize("sent", [0, 1, 3, 5, 11, 21, 40])
def test_a_clinic_within_its_share_never_waits_for_another(sent: int) -> None:
    """However many others sent; beyond the share it waits until all of them together are within the limits."""
    crowd = [MONDAY - timedelta(seconds=5 * number) for number in range(sent)]

    assert turn_at([], crowd, MONDAY) == MONDAY
    for count, window in SHARE[1:]:
        lately = [MONDAY - timedelta(minutes=1) - window * number / 40 for number in range(count)]
        fewer = lately[: count - 1] if count == SHARE[1][0] else []
        assert turn_at(fewer, crowd + fewer, MONDAY) == MONDAY


def test_beyond_its_share_a_clinic_waits_for_the_number_s_limits_and_alone_has_them_whole() -> None:
    """The one that sends is the one that waits."""
    mine = [MONDAY - timedelta(minutes=number) for number in (2, 4, 6)]
    theirs = [MONDAY - timedelta(minutes=number) for number in (1, 3, 5)]

    assert turn_at(mine, mine, MONDAY) == MONDAY
    assert turn_at(mine, mine + theirs, MONDAY) == MONDAY + timedelta(minutes=9)
    for (count, window), (share, same) in zip(LIMITS, SHARE, strict=True):
        assert (window, share <= count) == (same, True)


async def test_one_letter_never_takes_another_clinic_s_alert() -> None:
    """Both told the number lately, so a reference is asked for; with it that clinic's alone is taken."""
    two = Two()
    await two.raised("harbour", "risk_item", urgency=Urgency.AT_ONCE)
    await two.passes(timedelta(minutes=1))
    await two.raised("evil", "risk_item", urgency=Urgency.AT_ONCE)
    [mine], [theirs] = two.alerts("harbour"), two.alerts("evil")
    asked = await two.answers("a")
    before = [alert.status for alert in two.world.alerts()]
    taken = await two.answers(f"{mine.reference} a")

    assert asked == (
        "Several clinics sent this number alerts. Nothing was changed. Reply with the reference and A: "
        f"Evil Clinic {theirs.reference}; Harbour {mine.reference}."
    )
    assert before == [AlertStatus.OPEN] * 2
    assert taken.startswith(f"{mine.reference} (Harbour): you have it.")
    assert [one.status for one in two.alerts("harbour") + two.alerts("evil")] == [
        AlertStatus.ACKNOWLEDGED,
        AlertStatus.OPEN,
    ]


async def test_a_clinic_that_lists_a_number_and_sent_it_nothing_lately_changes_nothing() -> None:
    """Nor does one whose text is older than a day: the letter means the other's."""
    two = Two()
    await two.raised("evil", "risk_item", urgency=Urgency.AT_ONCE)
    await two.passes(timedelta(minutes=1))
    two.world.clock.advance(timedelta(hours=24))
    await two.raised("harbour", "risk_item", urgency=Urgency.AT_ONCE)
    said = await two.answers("a")

    assert "(Harbour): you have it." in said
    assert [one.status for one in two.alerts("evil")] == [AlertStatus.OPEN]


async def test_a_letter_a_day_after_the_text_asks_for_the_reference() -> None:
    """By then nobody knows which alert it means; with the reference it still counts."""
    two = Two(listed=False)
    await two.raised("harbour", "risk_item", urgency=Urgency.AT_ONCE)
    two.world.clock.advance(timedelta(hours=24, seconds=1))
    late = await two.answers("a")
    status = two.alerts("harbour")[0].status

    assert "none of the last 24 hours was found. Nothing was changed." in late
    assert status is AlertStatus.OPEN
    assert "you have it" in await two.answers(f"{two.alerts('harbour')[0].reference} a")


async def test_a_reply_reads_no_more_however_many_alerts_another_clinic_has_open() -> None:
    """Only what the last messages to the number told of is looked at: 2 open ones cost as many steps as 60."""
    steps = []
    for number in (2, 60):
        two = Two(emailed=True)
        await two.raised("evil", *(f"rule_{one}" for one in range(number)))
        two.process = two.world.process(life := Life(100_000))
        await two.process.learn()
        await two.raised("harbour", "risk_item", urgency=Urgency.AT_ONCE)
        before = life.left or 0
        said = await two.answers("a")
        steps.append(before - (life.left or 0))

        assert "(Harbour): you have it." in said
        assert len(two.alerts("evil")) == number
    assert steps[0] == steps[1]


async def test_one_letter_takes_every_alert_that_the_message_told_of() -> None:
    """A text said "2 alerts waiting": the answer says which; one reference takes that one alone."""
    for text in ("a", "{} a"):
        two = Two(listed=False)
        await two.raised("harbour", "one", "two", "three")
        await two.passes(timedelta(minutes=4))
        bundle = two.world.sent[-1].notice
        both = {row.items[0].alert for row in two.rows("harbour") for leg in row.legs if leg.bundled}
        both |= {alert.key for alert in two.alerts("harbour") if alert.reference == bundle.lines[0].reference}
        said = await two.answers(text.format(bundle.lines[0].reference))

        taken = {alert.key: alert.reference for alert in two.alerts("harbour") if alert.status == "acknowledged"}
        assert bundle.others == 1
        if text == "a":
            assert taken.keys() == both
            assert said.startswith("2 alerts (Harbour): you have ")
            assert all(reference in said for reference in taken.values())
        else:
            assert list(taken.values()) == [bundle.lines[0].reference]


async def test_the_choices_fit_into_two_segments_whatever_clinics_are_called() -> None:
    """GSM 7-bit, and not one name is left half a sentence."""
    said = which_one(
        [("Ä{" * 60, ["7F3KQ2"] * 9), ("日本", ["7F3KQ3"]), *[("x" * 120, ["7F3KQ4"])] * 9], Wish.ACKNOWLEDGE
    )

    assert "; your clinic 7F3KQ3" in said
    assert (septets(said) or 999) <= TWO_SEGMENTS
