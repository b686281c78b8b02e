"""What insights does with a batch, a tick, a clinic that changes its mind, and an entry it cannot handle."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.insights.domain import RULES_VERSION, PatientState
from services.insights.domain.ports import PROVISIONAL
from services.insights.handlers import SUBSCRIPTIONS, TOPICS, Insights
from services.insights.handlers import insights as handling
from shared.bus import Batch, Event, Position
from shared.contracts import Assessment, Topic
from shared.contracts.clinics import RuleChoice
from shared.contracts.patients import PatientStatus
from shared.errors import Recoverable
from tests.fakes import FakeClock
from tests.unit.insights import builders as b
from tests.unit.insights.memory import MemoryStore
from tests.unit.insights.world import OTHERS, OWN, Owner, World

KEY = "north/p1"


@pytest.fixture
def world() -> World:
    """Nothing recorded yet."""
    return World(Random(1), FakeClock(b.day(30)))


@pytest.fixture
def owner(world: World) -> Owner:
    """The one process there is."""
    return Owner(world, at_random=False)


def given(world: World, *things: Any) -> None:
    """Record facts and documents."""
    for thing in things:
        name = b.fact_id(f"{len(world.logs[thing.topic])} {thing.topic}")
        world.append(name, thing)


async def works(owner: Owner) -> None:
    """Read everything, and look at the clock once."""
    owner.learn()
    while await owner.batch(5):
        pass
    await owner.tick()


def gauge(name: str, **labels: str) -> float:
    """A metric's value."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def changes() -> Iterator[Any]:
    """By how much a metric changed since the test began."""
    before: dict[Any, float] = {}

    def change(name: str, **labels: str) -> float:
        place = (name, tuple(labels.items()))
        now = gauge(name, **labels)
        return now - before.setdefault(place, now)

    for risk in ("true", "false"):
        change("rapport_entries_set_aside", service="insights", risk=risk)
    for rule in ("risk_item", "gone_quiet"):
        change("rapport_concerns_holding", rule=rule)
    return iter([change])


def test_everything_insights_reads_stands_in_its_subscriptions() -> None:
    """By kind of event; the clinics are read whole, the rest partition by partition."""
    assert {OWN, *OTHERS} == TOPICS
    assert {kind.topic for kind in SUBSCRIPTIONS} == TOPICS | {Topic.CLINICS}


async def test_a_batch_is_kept_assessed_said_and_saved(world: World, owner: Owner) -> None:
    """One word per patient touched, however many events; a batch that comes again says nothing new."""
    given(world, b.patient(), b.check_in(b.day(29), 5), b.answers(b.day(29), 9, risk=[(2, 14, 2)]))
    await works(owner)
    (word,) = world.words()
    resumed, world.data.resume = world.data.resume, {}
    await works(Owner(world, at_random=False))

    assert (word.entries, word.registered, [c.rule for c in word.concerns]) == (2, True, ["risk_item"])
    assert word.concerns[0].telling[0].accepted_at == world.clock.now()
    assert (word.basis, word.settings_version, word.rules_version) == (3, 0, RULES_VERSION)
    assert {"2026-06"} == world.data.patients[KEY].months
    assert world.saved() == world.highest() == world.truth()
    assert (world.words(), world.data.resume) == ([word], resumed)


async def test_what_falls_due_is_said_by_a_tick(world: World, owner: Owner) -> None:
    """Nobody has to write for somebody's silence to be noticed."""
    given(world, b.patient(), b.check_in(b.day(29), 5))
    await works(owner)
    world.clock.set(b.day(36) - timedelta(seconds=1))
    await owner.tick()
    before = len(world.words())
    world.clock.set(b.day(36))
    await owner.tick()

    assert before == 1
    assert [c.rule for c in world.words()[-1].concerns] == ["gone_quiet"]


async def test_a_new_owner_knows_who_is_due(world: World, owner: Owner) -> None:
    """From the saved assessments of those of whom anything was said; nothing is scanned."""
    given(world, b.patient(), b.check_in(b.day(29), 5))
    await works(owner)
    successor = Owner(world, at_random=False)
    await works(successor)
    world.clock.set(b.day(36))
    await successor.tick()

    assert [c.rule for c in world.words()[-1].concerns] == ["gone_quiet"]


async def test_many_who_fall_due_at_once_are_looked_at_a_portion_at_a_time(
    world: World, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tick stays short; the next one goes on."""
    monkeypatch.setattr(handling, "AGAIN", 4)
    given(world, *(b.patient(patient=f"p{n}", registered_at=b.day(29)) for n in range(10)))
    await works(owner)
    world.clock.set(b.day(36))
    said = []
    for _ in range(4):
        before = len(world.words())
        await owner.tick()
        said.append(len(world.words()) - before)

    assert said == [4, 4, 2, 0]


async def test_changed_settings_have_a_clinics_patients_looked_at_again(world: World, owner: Owner) -> None:
    """Those of that clinic; whoever gets the partition next does it, if its owner could not."""
    given(world, b.answers(b.day(1), 12), b.answers(b.day(2), 19))
    await works(owner)
    off = {"reliable_deterioration": RuleChoice(enabled=False)}
    world.clinics[b.CLINIC] = b.clinic(b.settings(rules=off), version=2)
    owner.learn()
    await owner.tick()
    stricter = {"reliable_deterioration": RuleChoice(parameters={"phq9": 7})}
    world.clinics[b.CLINIC] = b.clinic(b.settings(rules=stricter), version=3)
    await works(Owner(world, at_random=False))

    said = [([c.parameters["phq9"] for c in word.concerns], word.settings_version) for word in world.words()]
    assert said == [([6], 0), ([], 2), ([7], 3)]


async def test_an_entry_set_aside_is_counted_and_said_and_comes_back(
    world: World, owner: Owner, changes: Iterator[Any]
) -> None:
    """The patient's others apply; the caseload says one is missing; a risk answer pages; a replay makes it good."""
    change = next(changes)
    given(world, b.check_in(b.day(29), 5), b.answers(b.day(29), 9, risk=[(1, 14, 2)]))
    await owner.insights.assigned(0)
    owner.begun = True
    poison = world.logs[Topic.MOODS][1]
    await owner.insights.set_aside(poison, "ValueError at rules.py:1")
    owner.offsets[Topic.MOODS] = 2
    await owner.insights.handle(Batch(0, world.logs[Topic.MOODS][:1], 1, owner.horizon, caught_up=False))
    await owner.tick()
    aside = world.words()[-1]
    counted = [change("rapport_entries_set_aside", service="insights", risk=risk) for risk in ("true", "false")]
    world.append(poison.id, poison.data)
    await works(owner)
    recovered = world.words()[-1]

    assert (aside.entries, aside.entries_not_processed, aside.concerns) == (1, 1, [])
    assert counted == [1, 0]
    assert (recovered.entries, recovered.entries_not_processed) == (2, 0)
    assert change("rapport_entries_set_aside", service="insights", risk="true") == 0


async def test_an_entry_that_was_kept_before_it_failed_is_taken_out_again(world: World, owner: Owner) -> None:
    """Else it would hold up everything the patient says from then on."""
    given(world, b.check_in(b.day(28), 5), b.check_in(b.day(29), 5))
    await works(owner)
    await owner.insights.set_aside(world.logs[Topic.MOODS][1], "ValueError at rules.py:1")
    await owner.tick()

    assert [name for name, _ in world.data.patients[KEY].facts] == [world.logs[Topic.MOODS][0].id]
    assert (world.words()[-1].entries, world.words()[-1].entries_not_processed) == (1, 1)


async def test_a_document_set_aside_is_counted_until_a_later_version_is_taken(world: World, owner: Owner) -> None:
    """Under the document's own name; our own words are passed over."""
    given(world, b.check_in(b.day(29), 5), b.patient())
    await owner.insights.assigned(0)
    owner.begun = True
    await owner.insights.set_aside(world.logs[Topic.PATIENTS][0], "KeyError at state.py:1")
    owner.offsets[Topic.PATIENTS] = 1
    await works(owner)
    aside = world.words()[-1]
    given(world, b.patient(2))
    await works(owner)
    await owner.insights.set_aside(world.logs[OWN][0], "KeyError at owned.py:1")

    assert [aside.entries_not_processed, world.words()[-1].entries_not_processed] == [1, 0]


async def test_a_fact_that_fails_fails_the_batch_so_that_the_runner_finds_it(
    world: World, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is believed to be stored afterwards; the others go through when they come alone."""
    add = PatientState.add

    def fails(state: PatientState, fact_id: str, fact: Any, accepted: int = 0) -> bool:
        if getattr(fact, "mood", None) == 6.66:
            raise ZeroDivisionError
        return add(state, fact_id, fact, accepted)

    monkeypatch.setattr(PatientState, "add", fails)
    given(world, *(b.check_in(b.day(29), mood) for mood in (5, 6.66, 7)))
    await owner.insights.assigned(0)
    events = world.logs[Topic.MOODS]
    with pytest.raises(ZeroDivisionError):
        await owner.insights.handle(Batch(0, events, 3, owner.horizon, caught_up=False))
    for number in (0, 2):
        await owner.insights.handle(Batch(0, [events[number]], number + 1, owner.horizon, caught_up=False))

    assert [word.entries for word in world.words()] == [1, 2]
    assert {events[0].id, events[2].id} == {name for name, _ in world.data.patients[KEY].facts}


async def test_one_patient_who_cannot_be_assessed_holds_up_nobody_else(
    world: World, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By time alone, that is: tried again a minute later, the others at once."""
    papers = [b.patient(patient=name, registered_at=b.day(29)) for name in ("p1", "p2")]
    given(world, *papers)
    await works(owner)
    judge = owner.insights._voice.judge

    def fails(owned: Any, key: str, view: Any) -> Any:
        if key == KEY:
            raise ZeroDivisionError
        return judge(owned, key, view)

    world.clock.set(b.day(36))
    monkeypatch.setattr(owner.insights._voice, "judge", fails)
    await owner.tick()
    others = [word.patient for word in world.words()[2:]]
    monkeypatch.undo()
    await owner.tick()
    at_once = [word.patient for word in world.words()[3:]]
    world.clock.advance(timedelta(minutes=1))
    await owner.tick()

    assert (others, at_once, [word.patient for word in world.words()[3:]]) == (["p2"], [], ["p1"])


async def test_a_batch_put_off_is_handled_again_as_if_for_the_first_time(world: World, owner: Owner) -> None:
    """The store was away: memory must not believe that it has what it has not."""
    given(world, b.check_in(b.day(29), 5))
    owner.trouble.after, owner.trouble.kills = 1, False
    with pytest.raises(Recoverable):
        await owner.batch(5)
    while await owner.batch(5):
        pass

    assert len(world.data.patients[KEY].facts) == 1
    assert [word.entries for word in world.words()] == [1]


@pytest.mark.parametrize("operation", [0, 1])
async def test_what_a_tick_could_not_say_or_save_is_not_forgotten(world: World, owner: Owner, operation: int) -> None:
    """The broker, or then the store, was away for a moment: the next tick tries again."""
    given(world, b.patient(), b.check_in(b.day(29), 5))
    await works(owner)
    world.clock.set(b.day(36))
    owner.trouble.after, owner.trouble.kills, owner.trouble.chance = operation, False, Random(0)
    owner.trouble.parts = lambda _: 0  # type: ignore[method-assign]  # nothing of it is done
    with pytest.raises(Recoverable):
        await owner.tick()
    await owner.tick()

    assert world.highest() == world.saved() == world.truth()
    assert [c.rule for c in world.words()[-1].concerns] == ["gone_quiet"]


async def test_an_older_word_that_came_last_is_outdone(world: World, owner: Owner) -> None:
    """Compaction keeps the last record: a stale owner's must not stay it."""
    given(world, b.patient(), b.check_in(b.day(29), 5))
    await works(owner)
    (word,) = world.words()
    world.append("stale", word.model_copy(update={"basis": word.basis - 1, "entries": 0}))
    await works(owner)

    assert [(w.basis, w.entries) for w in world.words()] == [(2, 1), (1, 0), (2, 1)]
    assert world.words()[-1].order > word.order


async def test_a_word_of_another_that_outdoes_ours_is_corrected_as_soon_as_we_can(world: World, owner: Owner) -> None:
    """How much was read is a sum over topics: more of it need not be more of what matters to this patient."""
    given(world, b.check_in(b.day(29), 5))
    await works(owner)
    (word,) = world.words()
    world.append("other", word.model_copy(update={"basis": 3, "entries": 7}))
    await works(owner)
    waiting = len(world.words())
    given(world, b.check_in(b.day(29), 5, patient="p2"), b.check_in(b.day(29), 5, patient="p2"))
    await works(owner)

    assert waiting == 2
    assert [(w.entries, w.basis) for w in world.words() if w.patient == "p1"] == [(1, 1), (7, 3), (1, 3)]
    assert world.data.saved[KEY].order[1] == 3


async def test_a_store_being_rebuilt_shows_what_is_known_without_a_word(world: World, owner: Owner) -> None:
    """Provisionally, and the last version once it is the same as was said."""
    given(world, *(b.check_in(b.day(29), 5) for _ in range(4)))
    await works(owner)
    world.data.clear()
    rebuilder = Owner(world)
    await rebuilder.insights.assigned(0)
    events = world.logs[Topic.MOODS]
    await rebuilder.insights.handle(Batch(0, world.logs[OWN], 0, rebuilder.horizon, caught_up=False))
    await rebuilder.insights.handle(Batch(0, events[:2], 2, events[1].time, caught_up=False))
    halfway = world.data.saved[KEY]
    await rebuilder.insights.handle(Batch(0, events[2:], 4, world.clock.now(), caught_up=True))

    assert (halfway.said, Assessment.model_validate_json(halfway.body).entries) == (PROVISIONAL, 2)
    assert (len(world.words()), world.data.saved[KEY].said) == (1, world.words()[0].order)


async def test_states_used_longest_ago_are_dropped_and_read_again(world: World) -> None:
    """Memory is bounded, and what was dropped comes back as it was."""
    store = MemoryStore(world.data)
    owner = Owner(world)
    owner.insights = Insights(store=store, publisher=owner, clinics=owner, clock=world.clock, cached=2)
    for number in range(3):
        given(world, *(b.check_in(b.day(29), 5, patient=f"p{n}") for n in range(5)))
        await works(owner)
        assert len(owner.insights._owned[0].states) == 2, number

    assert {word.patient: word.entries for word in world.words()} == {f"p{n}": 3 for n in range(5)}


async def test_a_revoked_partition_is_forgotten_with_its_numbers(
    world: World, owner: Owner, changes: Iterator[Any]
) -> None:
    """What holds is counted by whoever owns the partition."""
    change = next(changes)
    given(world, b.patient(), b.answers(b.day(29), 9, risk=[(1, 14, 2)]))
    await works(owner)
    owned = change("rapport_concerns_holding", rule="risk_item")
    await owner.insights.revoked(0)
    await owner.insights.revoked(0)

    assert (owned, change("rapport_concerns_holding", rule="risk_item")) == (1, 0)
    assert owner.insights._owned == {}


async def test_a_kind_of_entry_of_a_newer_version_waits_for_its_owner(world: World, owner: Owner) -> None:
    """In a rolling deployment: not lost, not misread."""
    given(world, b.check_in(b.day(29), 5))
    await works(owner)
    world.data.patients[KEY].facts.append(("new", b"\xffwhatever"))
    given(world, b.check_in(b.day(29), 6))

    with pytest.raises(Recoverable):
        await works(Owner(world, at_random=False))


async def test_the_deceased_are_said_to_have_no_concerns(world: World, owner: Owner) -> None:
    """So that notify closes what is open."""
    given(world, b.patient(), b.answers(b.day(29), 9, risk=[(1, 14, 2)]))
    await works(owner)
    given(world, b.patient(2, status=PatientStatus.DECEASED))
    await works(owner)

    assert [len(word.concerns) for word in world.words()] == [1, 0]


def test_an_event_of_a_kind_we_do_not_take_in_is_passed_over(world: World, owner: Owner) -> None:
    """Clinics come another way."""
    event = Event("c", world.clock.now(), b.clinic(), Position(Topic.CLINICS, 0, 0), b"")

    assert handling._sorted(owner.insights, [event]) == {}  # type: ignore[arg-type]
