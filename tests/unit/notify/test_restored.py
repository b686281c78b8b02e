"""A store restored from a backup: nothing is sent or decided before notify has read what it wrote since."""

import copy
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from services.notify.domain import Heard, Receipt
from services.notify.handlers import OwnRead
from shared.bus import Position
from shared.bus.runner import Health, LaneHealth
from shared.contracts import Topic
from shared.contracts.alerts import AlertStatus, Disposition
from shared.errors import StillReading
from tests.unit.notify import letterboxes
from tests.unit.notify.escalating import STAFF, Story
from tests.unit.notify.memory_mongo import Life
from tests.unit.notify.world import silenced

OWN = frozenset({Topic.ALERTS, Topic.LETTERS})


async def restored(story: Story, *acts: Callable[[], Awaitable[object]]) -> int:
    """A backup is made, somebody acts, and eight hours later the backup is all there is: notify starts with it.

    Returns how many messages had been sent by then.
    """
    backup = copy.deepcopy(story.world.database._records)
    await story.minutes(5)
    for act in acts:
        await act()
    story.world.clock.advance(timedelta(hours=8))
    story.process.life.dead = True
    story.world.database._records.clear()
    story.world.database._records.update(backup)
    story.process = story.world.process(Life())
    story.process.lane.own_read = False
    return len(story.world.sent)


async def test_nothing_is_sent_of_what_was_closed_since_the_backup_and_it_stays_closed() -> None:
    """Three rows of the backup are overdue: they wait for the topic, which says that nobody needs them."""
    story = Story()
    await story.hears("e1")
    before = await restored(story, story.acknowledges, lambda: story.closes(Disposition.SAFETY_PLAN))
    await story.process.calm()
    waiting = len(story.world.sent)
    version = story.alert.version
    await story.process.learn()
    await story.minutes(1)
    await story.process.calm()

    assert (waiting, version) == (before, 2)
    assert len(story.world.sent) == before
    assert (story.alert.status, story.alert.disposition) == (AlertStatus.CLOSED, Disposition.SAFETY_PLAN)
    assert story.world.log.events[-1].data == story.alert


async def test_what_is_still_open_goes_on_once_the_topic_was_read() -> None:
    """Nobody acted since the backup: the next step was due long ago, and is told then."""
    story = Story()
    await story.hears("e1")
    before = await restored(story)
    await story.process.calm()
    assert len(story.world.sent) == before
    await story.process.learn()
    await story.minutes(1)

    assert [who for who, _ in story.told] == ["priya", "dan", "lee"]


async def test_nobody_decides_on_top_of_what_a_backup_says() -> None:
    """By API, by link and by text: each is told to come again in a moment, and nothing is changed."""
    story = Story()
    await story.hears("e1")
    await restored(story, story.closes)
    there = story.world.alerts()
    for act in (story.acknowledges, story.closes, lambda: story.process.by_link.take(story.link)):
        with pytest.raises(StillReading):
            await act()
    answer = (await story.process.desk.reply(STAFF[0].mobile or "", "a", "m1")).text

    assert answer is not None
    assert "Text again in a minute" in answer
    assert len(answer) <= 160
    assert story.world.alerts() == there
    await story.process.learn()
    assert story.alert.status is AlertStatus.CLOSED
    await silenced()


class Bus:
    """Three partitions; of those in `lanes` we have the say, of the others the shared store has."""

    def __init__(self) -> None:
        self.partitions = 3
        self.lanes: dict[int, LaneHealth] = {}
        self.stored: dict[int, int] = {}
        self.ready = True
        self.own_read = OwnRead(source=self, health=self.health, passed=self.passed, topics=OWN)

    async def ends(self, partition: int) -> dict[Topic, int]:
        """Ten records of each."""
        return {Topic.ALERTS: 10, Topic.LETTERS: 10}

    async def passed(self, position: Position) -> bool:
        """As far as somebody's resume point."""
        return self.stored.get(position.partition, 0) > position.offset

    def health(self) -> Health:
        """The runner's word."""
        return Health(self.ready, [], self.lanes)

    def covered(self) -> list[int]:
        """The partitions whose patients may be written to."""
        return sorted(self.own_read._read)


async def test_a_partition_counts_as_read_once_we_have_read_it_ourselves_whatever_the_store_says() -> None:
    """A backup taken while notify wrote may hold a resume point that is ahead of its alerts."""
    bus = Bus()
    bus.lanes = {number: LaneHealth("replaying", 5, caught_up=False, own_read=False) for number in range(3)}
    bus.stored = dict.fromkeys(range(3), 10)
    await bus.own_read.look()
    at_first = bus.covered()
    bus.lanes[1] = LaneHealth("running", 0, caught_up=False, own_read=True)
    await bus.own_read.look()

    assert (at_first, bus.covered(), bus.own_read.complete) == ([], [1], False)


async def test_another_replica_s_partition_counts_as_read_once_the_store_says_that_it_was() -> None:
    """A replica that has none of its own still sends: the store is shared, and so is what was read into it."""
    bus = Bus()
    bus.stored = {0: 10, 1: 9}
    bus.ready = False
    await bus.own_read.look()
    unconnected = bus.covered()
    bus.ready = True
    await bus.own_read.look()
    behind = bus.covered()
    bus.stored |= {1: 10, 2: 11}
    await bus.own_read.look()

    assert (unconnected, behind, bus.covered(), bus.own_read.complete) == ([], [0], [0, 1, 2], True)


async def test_a_stopped_partition_goes_on_being_told_of_where_the_store_knew_all_of_it() -> None:
    """A record of a newer version stops it, and pages: that must not silence its open alerts as well."""
    bus = Bus()
    bus.lanes = {0: LaneHealth("newer_major", 1, caught_up=False, own_read=False)}
    await bus.own_read.look()
    unknown = bus.covered()
    bus.stored = {0: 10}
    await bus.own_read.look()

    assert (unknown, bus.covered()) == ([], [0])


async def test_what_was_read_once_stays_read_when_the_partition_goes_to_another() -> None:
    """A rebalance stops no message."""
    bus = Bus()
    bus.lanes = {number: LaneHealth("running", 0, caught_up=True, own_read=True) for number in range(3)}
    await bus.own_read.look()
    bus.lanes = {0: LaneHealth("opening", 0, caught_up=False, own_read=False)}
    await bus.own_read.look()

    assert bus.own_read.covers(["harbour/sam/alert", "harbour/kim"])


async def test_a_patient_is_not_written_to_by_what_a_backup_says() -> None:
    """The reminder went out after the backup: it waits for the topic, and so does what a provider says of it."""
    office = letterboxes.Office()
    house = letterboxes.Process(office)
    await house.say(letterboxes.patient(), letterboxes.reminder())
    backup = copy.deepcopy(office.database._records)
    await house.calm()
    office.database._records.clear()
    office.database._records.update(backup)
    again = letterboxes.Process(office)
    again.lane.own_read = False
    await again.calm()
    waiting = len(office.carried)
    with pytest.raises(StillReading):
        await again.carrier.heard(office.carried[0].notice.token, Heard(message="", receipt=Receipt.DELIVERED, code=""))
    await again.learn()
    again.lane.own_read = True
    await again.calm()

    assert (waiting, len(office.carried)) == (1, 1)
