"""A row that is marked is looked at, whoever marked it, and whatever this replica remembers of it."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from services.notify.domain import Delivery, Heard, Kind, Receipt, after_receipt
from services.notify.domain.audit import Wrong
from services.notify.handlers import auditing
from shared.contracts.escalation import Who
from shared.errors import Recoverable
from tests.unit.notify.escalating import Story, policy, staff
from tests.unit.notify.made import assessment, concern, telling
from tests.unit.notify.memory_mongo import Life
from tests.unit.notify.world import Process

SMS_ALONE = (staff("priya", email=None, channels=["sms"]),)


async def one_text() -> tuple[Story, Delivery]:
    """The clinician got the text a minute ago; there is nobody further to tell."""
    story = Story(people=SMS_ALONE, escalation=policy((Who.CLINICIAN, 0)))
    await story.hears("e1")
    for _ in range(4):
        await story.passes(timedelta(seconds=15))
    [row] = [row for row in story.world.rows().values() if row.kind is Kind.MESSAGE]
    return story, row


async def reopened_by_another_replica(story: Story, row: Delivery, receipt: Receipt) -> None:
    """Which took the receipt in, and was killed right after."""
    other: Process = story.world.process(Life())
    await other.learn()
    heard, now, [leg] = (
        Heard(message="", receipt=receipt, code="30003", provider="twilio"),
        story.world.clock.now(),
        row.legs,
    )
    post = other.post

    def change(there: Delivery) -> Delivery:
        person, fallback = post.person("harbour", leg, now), post.fallback("harbour", now)
        return after_receipt(there, leg.id, heard, person=person, fallback=fallback, now=now)

    changed = await other.store.deliveries.change(row.id, change)
    assert changed is not None
    other.dispatcher.take_note(changed)
    other.life.dead = True


@pytest.mark.parametrize(("receipt", "by"), [(Receipt.FAILED_FOR_NOW, 6), (Receipt.FAILED_FOR_GOOD, 1)])
async def test_a_row_that_another_replica_opened_again_before_it_died_is_looked_at_when_it_is_due(
    receipt: Receipt, by: int
) -> None:
    """This replica had handed it over minutes ago, and remembered that it was finished."""
    story, row = await one_text()
    before = len(story.world.sent)
    await reopened_by_another_replica(story, row, receipt)
    for _ in range(4 * by):
        await story.passes(timedelta(seconds=15))

    assert len(story.world.sent) == before + 1
    assert story.world.rows()[row.id].done


async def test_no_mark_is_cleared_away_before_its_row_was_read_again() -> None:
    """A replica with a slow clock marked it in a minute that we had done with."""
    story, row = await one_text()
    before, marked_at = len(story.world.sent), story.world.clock.now() - timedelta(minutes=3)
    story.process.dispatcher._looks[row.id] = story.process.dispatcher._looks[row.id]._replace(
        seen=story.world.clock.now() + timedelta(minutes=30)
    )
    await reopened_by_another_replica(story, row, Receipt.FAILED_FOR_GOOD)
    buckets = story.world.database._records["due"]
    for name in [name for name, record in buckets.items() if row.id in record.get("ids", ())]:
        del buckets[name]
    buckets["cursor"]["minute"] = marked_at.isoformat()
    buckets[f"{marked_at.isoformat()[:16]}/0"] = {"_id": f"{marked_at.isoformat()[:16]}/0", "ids": [row.id]}
    for _ in range(12):
        await story.minutes(1)

    assert len(story.world.sent) == before + 1


async def test_a_row_of_what_was_told_before_that_nobody_looks_at_is_found_by_the_audit() -> None:
    """A receipt opened it again, and its mark was lost: nothing else is owed of its alert."""
    story, row = await one_text()
    before = len(story.world.sent)
    await reopened_by_another_replica(story, row, Receipt.FAILED_FOR_GOOD)
    for name in [name for name in story.world.database._records["due"] if name != "cursor"]:
        del story.world.database._records["due"][name]
    await story.minutes(4)
    early = await story.process.auditor.audit()
    await story.minutes(2)
    found = await story.process.auditor.audit()
    await story.minutes(1)

    assert early == []
    assert [(one.wrong, one.row) for one in found] == [(Wrong.OVERDUE, row.id)]
    assert len(story.world.sent) == before + 1


async def test_while_the_store_is_away_the_age_of_what_is_due_goes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what is due: the gauge says since when, and goes down when the store is back."""
    story, _ = await one_text()
    real = story.process.store.due.marked

    async def away(*_: object) -> dict[str, list[str]]:
        raise Recoverable("the store is away")

    monkeypatch.setattr(story.process.store.due, "marked", away)
    for _ in range(3):
        story.world.clock.advance(timedelta(minutes=1))
        with pytest.raises(Recoverable):
            await story.process.dispatcher.poll()
    while_away = REGISTRY.get_sample_value("rapport_delivery_oldest_due_age_seconds")
    monkeypatch.setattr(story.process.store.due, "marked", real)
    await story.process.calm()

    assert while_away == 180
    assert REGISTRY.get_sample_value("rapport_delivery_oldest_due_age_seconds") == 0


async def test_whoever_was_found_untold_is_looked_at_at_every_audit_until_that_is_mended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many slices there are, the figure stays up, so that it pages."""
    monkeypatch.setattr(auditing, "SLICE", 2)
    story = Story()
    said = [assessment(*([concern(telling("e1"))] if number == 0 else [])) for number in range(9)]
    await story.process.auditor._assessments.apply(
        [one.model_copy(update={"patient": f"p{number}"}) for number, one in enumerate(said)]
    )
    review, broken = story.process.reconciler.review, True

    async def not_mended(patients: list[str]) -> None:
        if not broken:
            await review(patients)

    monkeypatch.setattr(story.process.reconciler, "review", not_mended)
    shown = []
    for number in range(9):
        story.world.clock.advance(timedelta(minutes=6))
        broken = number < 6
        await story.process.auditor.audit()
        shown.append(REGISTRY.get_sample_value("rapport_audit_findings", {"wrong": "untold"}))

    assert shown == [1, 1, 1, 1, 1, 1, 1, 0, 0]
