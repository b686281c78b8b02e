"""Whatever happens to the owners, in the end the assessments are true, and said so."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.contracts.base import Origin
from shared.contracts.clinics import RuleChoice
from shared.contracts.patients import PatientStatus
from shared.contracts.questions import QuestionStatus
from shared.contracts.sessions import Attendance
from shared.errors import Recoverable
from tests.fakes import Died, FakeClock
from tests.unit.insights import builders as b
from tests.unit.insights.test_new_rules_oracle import MODEL
from tests.unit.insights.world import Owner, World

PATIENTS = ("ann", "ben", "cas")
EASY: dict[str, float] = {"baseline_days": 3, "baseline_span": 3, "limit": 0.5, "lambda": 0.5}
GAPS: dict[str, float] = {"gap_cap": 7, "stale_days": 4, "warm_up": 1, "renew_days": 15}
SWINGS: dict[str, float] = {"pairs": 2, "factor": 1, "floor": 0.1, "baseline_days": 3, "baseline_span": 3}


class Schedule:
    """A random life of the platform: entries come, owners work, die, linger; stores are lost; time passes."""

    def __init__(self, chance: Random) -> None:
        self.chance, self.clock = chance, FakeClock(b.day(30))
        self.world = World(chance, self.clock)
        self.owner = Owner(self.world)
        self.zombies: list[Owner] = []
        self.versions: dict[str, int] = {}
        self.sent: list[tuple[str, Any]] = []
        self.settled = [b.settings()]

    def arrives(self) -> None:
        """An entry or a document is recorded, in order or late, or recorded again."""
        chance = self.chance
        if self.sent and chance.random() < 0.2:
            self.world.append(*chance.choice(self.sent))
            return
        patient, origin = chance.choice(PATIENTS), chance.choice(list(Origin))
        at = self.clock.now() - timedelta(days=chance.choice([0, 0, 0, 1, 5, 20]), minutes=chance.randint(0, 600))
        name = b.fact_id(f"{len(self.sent)} {chance.random()}")
        kinds = ["phq9", "risk", "question", "correct", "withdraw", "handling", "patient", "session"]
        kind = chance.choice(["mood"] * 4 + kinds)
        made: Any
        if kind == "mood":
            made = b.check_in(at, chance.randint(0, 40) / 4, origin=origin, patient=patient)
        elif kind == "phq9":
            made = b.answers(at, chance.randint(0, 27), origin=origin, patient=patient)
        elif kind == "risk":
            made = b.answers(at, risk=[(chance.randint(0, 3), 14, 2)], origin=origin, patient=patient)
        elif kind == "question":
            made = b.asked(at, f"{patient}-q{chance.randint(1, 2)}", origin=origin, patient=patient)
        elif kind in ("correct", "withdraw"):
            about = chance.choice(self.sent)[0] if self.sent else "nothing"
            made = b.corrected(at, about, chance.randint(0, 10)) if kind == "correct" else b.withdrawn(at, about)
            made = made.model_copy(update={"patient": patient})
        else:
            made = self.document(kind, patient)
        self.sent.append((name, made))
        self.world.append(name, made)

    def document(self, kind: str, patient: str) -> Any:
        """The next version of a document."""
        chance = self.chance
        name = f"{patient}-{kind[0]}{chance.randint(1, 2) if kind != 'patient' else ''}"
        version = self.versions[name] = self.versions.get(name, 0) + 1
        if kind == "patient":
            status = chance.choice([PatientStatus.ACTIVE, PatientStatus.ACTIVE, PatientStatus.DISCHARGED])
            return b.patient(version, patient=patient, status=status)
        if kind == "session":
            made = b.session(name, self.clock.now(), chance.randint(0, 10), version=version, patient=patient)
            marked = {"attendance": chance.choice([None, *Attendance]), "attendance_at": self.clock.now()}
            days = timedelta(days=chance.choice([-20, -2, -1, 3]))
            return made.model_copy(update={"scheduled_at": self.clock.now() + days} | marked)
        question = f"{patient}-q{name[-1]}"
        made = b.handling(question, chance.choice(list(QuestionStatus)), version=version)
        return made.model_copy(update={"patient": patient})

    def settles(self) -> None:
        """The clinic changes its rules, from now on."""
        rules, model = {}, None
        if len(self.settled) % 2:
            rules = {
                "mood_shift": RuleChoice(parameters=EASY | GAPS),
                "mood_shift_up": RuleChoice(parameters=EASY),
                "mood_instability": RuleChoice(parameters=SWINGS),
                "stalled": RuleChoice(parameters={"sessions": 1}),
            }
            model = MODEL
        chosen = b.settings(self.clock.now(), rules=rules).model_copy(update={"expected_response": model})
        self.settled.append(chosen)
        self.world.clinics[b.CLINIC] = b.clinic(*self.settled, version=len(self.settled))
        if self.chance.random() < 0.7:
            self.owner.learn()

    async def works(self, owner: Owner, *, may_fail: bool) -> None:
        """An owner handles a batch, or only looks at the clock; it may die, or be put off and try again."""
        failing = self.chance.random()
        if may_fail and failing < 0.5:
            owner.trouble.soon(kills=failing < 0.3)
        with suppress(Died):
            while True:
                try:
                    if self.chance.random() < 0.7:
                        await owner.batch(self.chance.randint(1, 5))
                    else:
                        await owner.tick()
                except Recoverable:
                    continue
                break
        if not owner.trouble.dead:  # it may also have died where the handler catches whatever happens
            return
        if owner is self.owner:
            self.owner = Owner(self.world)
        else:
            self.zombies.remove(owner)

    async def step(self) -> None:
        """One thing happens."""
        draw = self.chance.random()
        if draw < 0.35:
            self.arrives()
        elif draw < 0.72:
            await self.works(self.owner, may_fail=True)
        elif draw < 0.78:
            self.zombies.append(self.owner)
            self.owner = Owner(self.world)
        elif draw < 0.88:
            if self.zombies:
                await self.works(self.chance.choice(self.zombies), may_fail=True)
        elif draw < 0.91:
            self.world.data.clear()
            self.owner, self.zombies = Owner(self.world), []
        elif draw < 0.94:
            self.settles()
        else:
            self.clock.advance(timedelta(hours=self.chance.choice([1, 5, 30, 200])))

    async def ends(self, owner: Owner) -> None:
        """Everything is read, and the clock looked at until nothing changes."""
        owner.trouble.after = None
        owner.learn()
        for _ in range(3):
            while await owner.batch(4):
                pass
            await owner.tick()


async def _live(steps: list[int]) -> None:
    """Play a schedule, each step of it drawn by a seed of its own."""
    chance = Random(0)
    schedule = Schedule(chance)
    world = schedule.world
    for step in steps:
        chance.seed(step)
        await schedule.step()
    await schedule.ends(schedule.owner)
    truth = world.truth()

    assert truth == world.highest()
    assert truth == world.last()
    assert truth == world.saved()

    said = len(world.words())
    world.data.clear()
    await schedule.ends(Owner(world))

    assert said == len(world.words())
    assert truth == world.saved()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 2**20), min_size=1, max_size=60))
@example([484991, 40967, 132, 194817, 227])  # a tick that could not publish what changed settings had changed
def test_every_schedule_ends_in_the_true_assessments_and_a_rebuild_is_silent(steps: list[int]) -> None:
    """Duplicates, late facts, crashes at every step, zombies, lost stores: what is kept, said last, and saved is true.

    A store dropped afterwards is rebuilt without a word.
    """
    asyncio.run(_live(steps))


@pytest.mark.parametrize("seed", range(100))
def test_long_schedules_end_in_the_true_assessments(seed: int) -> None:
    """The same, longer, with fixed seeds."""
    chance = Random(seed)
    asyncio.run(_live([chance.getrandbits(20) for _ in range(150)]))
