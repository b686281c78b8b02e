"""Any order, duplication, lateness, clock, crash and lost store: each letter once, and never when it may not be."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.notify.domain.deliveries import Channel, Outcome, Result
from services.notify.domain.letters import quiet_until
from shared.contracts.patients import PatientStatus
from tests.unit.notify.letterboxes import MOBILE, Office, Process, answered, patient, reminder
from tests.unit.notify.memory_mongo import Killed, Life
from tests.unit.notify.world import silenced

MOST: Final = 2
WISHES: Final = {"most_a_week": MOST}
STATES: Final = [
    {},
    {"consent_to_contact": False},
    {"status": PatientStatus.DECEASED},
    {"status": PatientStatus.DISCHARGED},
    {"deleted": True},
    {"mobile": None},
    {"zone": "Australia/Lord_Howe"},
]
STEPS = st.one_of(
    st.tuples(st.just("patient"), st.sampled_from(STATES)),
    st.tuples(st.just("remind"), st.integers(1, 6)),
    st.tuples(st.just("answer"), st.integers(1, 3)),
    st.tuples(st.just("again"), st.integers(0, 20)),
    st.tuples(st.sampled_from(["stop", "start", "drop", "look", "replica"]), st.none()),
    st.tuples(st.just("clock"), st.integers(-60, 3_000)),
    st.tuples(st.just("crash"), st.integers(1, 60)),
    st.tuples(st.just("answers"), st.sampled_from([Outcome.TEMPORARY, Outcome.PERMANENT])),
)
Step = tuple[str, Any]


class Schedule:
    """One course of events."""

    def __init__(self) -> None:
        self.office = Office()
        self.version = 0
        self.accidents = 0
        self.processes: list[Process] = []

    async def play(self, steps: Sequence[Step]) -> None:
        await self.start(Life())
        await self.do("patient", {})
        for name, what in steps:
            try:
                await self.do(name, what)
                await self.look()
            except Killed:
                self.accidents += 1
                await self.restart()
        for process in self.processes:
            process.life.left = None
        await self.restart()
        for _ in range(8):
            self.office.clock.advance(timedelta(hours=12))
            await self.look()

    async def start(self, life: Life) -> None:
        process = Process(self.office, life)
        await process.learn()
        await process.read(self.office.said)
        self.processes = [process]

    async def restart(self) -> None:
        await silenced()
        await self.start(Life())

    async def look(self) -> None:
        for process in self.processes:
            await process.calm(2)
            if process.life.dead:
                raise Killed

    async def do(self, name: str, what: Any) -> None:
        process, now = self.processes[0], self.office.clock.now()
        match name:
            case "patient":
                self.version += 1
                await process.say(patient(self.version, wishes=WISHES, **what))
            case "remind":
                await process.say(reminder(f"daily/{what}", at=now))
            case "answer":
                await process.say(answered(f"q-{what}", at=now))
            case "again":
                await process.read(self.office.said[-what - 1 :][:3])
            case "stop":
                await process.contacts.stop(MOBILE, by="recipient", heard=f"stop {now.isoformat()}")
            case "start":
                await process.contacts.start(MOBILE, heard=f"start {now.isoformat()}")
            case "clock":
                self.office.clock.advance(timedelta(minutes=what))
            case _:
                await self.machines(name, what)

    async def machines(self, name: str, what: Any) -> None:
        if name == "crash":
            self.processes[0].life.left = what
        elif name == "answers":
            self.office.answers.append(Result(outcome=what, code="no"))
        elif name == "drop":
            await silenced()
            self.office.database.drop()
            await self.start(Life())
        elif len(self.processes) < 2:
            other = Process(self.office)
            await other.learn()
            self.processes.append(other)


def check(schedule: Schedule) -> None:
    office = schedule.office
    times: dict[str, Any] = {}
    for one in office.carried:
        assert one.patient is not None
        assert not one.patient.deleted
        assert one.patient.consent_to_contact
        assert one.patient.status is not PatientStatus.DECEASED
        assert not (one.channel is Channel.SMS and one.stopped)
        wishes, zone = one.patient.contact, ZoneInfo(one.patient.zone or "Europe/London")
        assert quiet_until(one.at, wishes.quiet_from, wishes.quiet_until, zone) is None
        if one.notice.letter is not None and "question" not in one.notice.letter.sms:
            assert one.patient.status is not PatientStatus.DISCHARGED
            times.setdefault(one.notice.token, one.at)
    repeats = sum(count - 1 for count in Counter(one.notice.token for one in office.carried).values())
    assert repeats <= schedule.accidents
    assert [letter.state for letter in office.letters().values() if not letter.finished] == []
    if schedule.accidents == 0:
        firsts = sorted(times.values())
        for first, last in zip(firsts, firsts[MOST:], strict=False):
            assert last - first >= timedelta(days=7)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=25))
@example([("remind", 1), ("drop", None), ("again", 5), ("remind", 2), ("remind", 3), ("replica", None)])
@example([("crash", 25), ("remind", 1), ("clock", 5), ("crash", 12), ("remind", 2), ("clock", 5)])
def test_each_letter_is_sent_once_and_never_when_it_may_not_be(steps: list[Step]) -> None:
    """Whatever happens in whatever order: at most one accepted message a letter unless a process died over it, none in
    quiet hours, after death, erasure, STOP or withdrawn consent, no seven days over the most; and no letter is left."""
    schedule = Schedule()
    asyncio.run(schedule.play(steps))

    check(schedule)


def test_the_week_s_most_holds_when_many_replicas_claim_at_once() -> None:
    """Eight reminders at once by two replicas whose steps are interleaved: two are sent."""

    async def play() -> Office:
        office = Office()
        one, other = Process(office), Process(office)
        await one.say(patient(wishes=WISHES), *(reminder(f"daily/{number}") for number in range(8)))
        await asyncio.gather(one.carrier.poll(), other.carrier.poll())
        await asyncio.gather(one.carrier.calm(), other.carrier.calm())
        return office

    office = asyncio.run(play())

    assert len(office.carried) == MOST
    assert all(a.at <= b.at for a, b in pairwise(office.carried))
