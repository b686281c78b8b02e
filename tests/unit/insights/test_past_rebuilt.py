"""A changed rule and a rebuild page nobody for the past: seen on the words that are published."""

from random import Random

from shared.contracts.base import Origin
from shared.contracts.clinics import RuleChoice
from tests.fakes import FakeClock
from tests.unit.insights import builders as b
from tests.unit.insights.memory import Data
from tests.unit.insights.world import Owner, World


async def read_all(owner: Owner) -> None:
    """Everything recorded, and what falls due."""
    while await owner.batch(20):
        pass
    await owner.tick()


def told(world: World) -> set[str]:
    """The evidence in all words ever published."""
    return {one.id for word in world.words() for concern in word.concerns for one in concern.telling}


def eventful() -> World:
    """Forty days of a patient whose rules are switched on on the thirtieth, looked at on the fortieth."""
    world = World(Random(1), FakeClock(b.day(0)))
    world.clinics[b.CLINIC] = b.clinic(
        b.settings(base="none"),
        b.settings(b.day(30), rules={"gone_quiet": RuleChoice(parameters={"min_days": 3, "factor": 0})}),
        version=2,
    )
    world.append("patient", b.patient())
    for name, made in (
        ("asked", b.asked(b.day(5), "q1")),
        ("long ago", b.answers(b.day(10), 5, risk=[(2, 90, 2)])),
        ("worse gad", b.answers(b.day(19), 2, instrument="gad7")),
        ("worse", b.answers(b.day(20), 20)),
        ("day before", b.answers(b.day(29, 12), risk=[(1, 90, 2)])),
        ("since", b.answers(b.day(31), 15, instrument="gad7", risk=[(1, 90, 2)], origin=Origin.SYNC)),
        ("offline", b.answers(b.day(15), risk=[(1, 90, 2)], origin=Origin.SYNC)),
    ):
        world.clock.set(b.day(35) if name == "offline" else made.occurred_at)
        world.append(name, made)
    world.clock.set(b.day(40))
    return world


async def test_switching_rules_on_tells_of_what_happens_from_then_on() -> None:
    """The answers of the day before, since, and made offline long ago but sent since; nothing else, though it holds."""
    world = eventful()
    await read_all(Owner(world, at_random=False))

    assert told(world) == {"day before", "since", "offline", "gone_quiet:since"}
    assert {concern.rule for word in world.words() for concern in word.concerns} >= {
        "risk_item", "reliable_deterioration", "question_unanswered",
    }  # fmt: skip


async def test_a_store_rebuilt_from_the_topics_tells_nothing_else() -> None:
    """The same evidence, and words that agree with the function."""
    world = eventful()
    await read_all(Owner(world, at_random=False))
    before = told(world)
    world.data = Data()
    owner = Owner(world, at_random=False)
    await read_all(owner)
    await read_all(owner)

    assert told(world) == before
    assert world.highest() == world.truth()
