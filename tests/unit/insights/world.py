"""One partition of the platform as seen by insights: logs, a store, and owners that may die, linger, or lag."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from services.insights.domain import PatientState, Standing, assess, micros
from services.insights.handlers import Insights
from services.insights.handlers.saying import assessment_of, content_of
from shared.bus import Batch, Event, Message, Position
from shared.contracts import Assessment, Clinic, Topic
from shared.contracts.base import Fact
from tests.fakes import FakeClock
from tests.unit.insights.memory import Data, MemoryStore, Trouble

OTHERS = (Topic.MOODS, Topic.PATIENTS, Topic.QUESTIONS, Topic.SESSIONS)
OWN = Topic.ASSESSMENTS
DAWN = datetime(1970, 1, 1, tzinfo=UTC)


class World:
    """The logs of partition 0, the store, and what a clinic has settled. All of it outlives the owners."""

    def __init__(self, chance: Random, clock: FakeClock) -> None:
        self.chance, self.clock, self.data = chance, clock, Data()
        self.logs: dict[Topic, list[Event]] = {topic: [] for topic in (*OTHERS, OWN)}
        self.clinics: dict[str, Clinic] = {}

    def append(self, name: str, data: Any) -> Position:
        """Record something."""
        log = self.logs[data.topic]
        position = Position(data.topic, 0, len(log))
        value = data.model_dump_json().encode()
        log.append(Event(name, self.clock.now(), type(data).model_validate_json(value), position, value))
        return position

    def truth(self) -> dict[str, bytes]:
        """What is to be said of each patient when everything is known, as digests."""
        states: dict[str, PatientState] = {}
        for topic in OTHERS:
            for event in self.logs[topic]:
                data: Any = event.data
                state = states.setdefault(f"{data.clinic}/{data.patient}", PatientState())
                if isinstance(data, Fact):
                    state.add(event.id, data, micros(event.time))
                else:
                    state.apply(data)
        now = self.clock.now()
        found = {}
        for key, state in states.items():
            standing = Standing(self.clinics.get(key.split("/")[0]))
            findings = assess(state, standing, now=now, horizon=now)
            found[key] = content_of(
                assessment_of(key, findings, epoch=0, basis=0, standing=standing, now=now, said=None)
            )
        return found

    def words(self) -> list[Assessment]:
        """All that was said, as it stands on the topic."""
        return [event.data for event in self.logs[OWN] if isinstance(event.data, Assessment)]

    def last(self) -> dict[str, bytes]:
        """What compaction would keep."""
        return {word.key: content_of(word) for word in self.words()}

    def highest(self) -> dict[str, bytes]:
        """What readers keep."""
        kept: dict[str, Assessment] = {}
        for word in self.words():
            if word.key not in kept or word.order > kept[word.key].order:
                kept[word.key] = word
        return {key: content_of(word) for key, word in kept.items()}

    def saved(self) -> dict[str, bytes]:
        """What the store shows."""
        return {key: content_of(Assessment.model_validate_json(one.body)) for key, one in self.data.saved.items()}


class Owner:
    """A process that owns the partition, or believes so. It reads as the runner does, one batch at a time."""

    def __init__(self, world: World, *, at_random: bool = True) -> None:
        self.world, self.clinics, self.at_random = world, dict(world.clinics), at_random
        self.trouble = Trouble(world.chance)
        self.offsets = {topic: world.data.resume.get(topic, 0) for topic in OTHERS} | {OWN: 0}
        self.reached = dict.fromkeys(OTHERS, DAWN)
        self.own_end = len(world.logs[OWN])
        self.horizon = DAWN
        self.begun = False
        self.insights = Insights(
            store=MemoryStore(world.data, self.trouble), publisher=self, clinics=self, clock=world.clock
        )

    def clinic(self, clinic: str) -> Clinic | None:
        """See `Clinics`."""
        return self.clinics.get(clinic)

    def learn(self) -> None:
        """Read the clinics' topic to its end."""
        self.clinics = dict(self.world.clinics)

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        """See `Publisher`."""
        failing = self.trouble.due()
        some = messages[: self.trouble.parts(messages)] if failing else messages
        positions = [self.world.append(message.id, message.data) for message in some]
        if failing:
            self.trouble.strike()
        return positions

    async def batch(self, most: int) -> bool:
        """Handle a batch of at most so many records of each topic and store how far that is. False at the end."""
        if not self.begun:
            await self.insights.assigned(0)
            self.begun = True
        logs, chance = self.world.logs, self.world.chance
        following, events = dict(self.offsets), []
        topics = [OWN] if self.offsets[OWN] < self.own_end else [OWN, *OTHERS]
        for topic in topics:
            size = chance.randint(0, most) if self.at_random and topic != OWN else most
            taken = logs[topic][self.offsets[topic] : self.offsets[topic] + size]
            following[topic] += len(taken)
            events += taken
        self._look(following)
        if not events:
            return any(following[topic] < len(logs[topic]) for topic in OTHERS)
        basis = sum(following[topic] for topic in OTHERS)
        batch = Batch(
            partition=0, events=events, basis=basis, horizon=self.horizon, caught_up=self.caught_up(following)
        )
        await self.insights.handle(batch)
        self.offsets = following
        resume = self.world.data.resume
        resume.update({topic: max(following[topic], resume.get(topic, 0)) for topic in OTHERS})
        return True

    async def tick(self) -> None:
        """What falls due by time alone; nothing where the partition is not read to the end."""
        if self.begun and self.caught_up(self.offsets):
            self._look(self.offsets)
            await self.insights.tick(0, sum(self.offsets[topic] for topic in OTHERS), self.horizon)

    def caught_up(self, following: dict[Topic, int]) -> bool:
        """Whether everything recorded is read; of the own topic what stood there at the assignment."""
        ends = all(following[topic] >= len(self.world.logs[topic]) for topic in OTHERS)
        return ends and following[OWN] >= self.own_end

    def _look(self, following: dict[Topic, int]) -> None:
        now = self.world.clock.now()
        for topic in OTHERS:
            log, offset = self.world.logs[topic], following[topic]
            if offset >= len(log):
                self.reached[topic] = now
            elif offset:
                self.reached[topic] = max(self.reached[topic], log[offset - 1].time)
        self.horizon = max(self.horizon, min(self.reached.values()))
