"""Sending again because somebody asked: at once, once per request, remembered, and never after closing."""

import pytest

from services.notify.domain import alert_key
from shared.contracts.alerts import AlertStatus
from shared.contracts.base import Urgency
from shared.contracts.clinics import QuietHours
from shared.documents import Idempotency
from shared.errors import Problem
from tests.unit.notify.escalating import STAFF, Story, staff
from tests.unit.notify.memory_mongo import Killed, Life

KEY = Idempotency.of(client="tests", key="once", body=b"")


def key(name: str) -> Idempotency:
    """The key of another request."""
    return Idempotency.of(client="tests", key=name, body=b"")


async def again(story: Story, clinician: str | None = None, key: Idempotency = KEY) -> None:
    """Somebody asks for it."""
    await story.process.desk.send_again("harbour", story.alert.alert, by="ola", clinician=clinician, idempotency=key)
    await story.process.calm()


async def test_one_call_sends_it_again_with_a_new_link_and_the_trail_says_who_asked() -> None:
    """A retry of the request is the same request; the escalation goes on as before."""
    story = Story()
    await story.hears("e1", urgency=Urgency.WORKING_HOURS)
    await story.minutes(90)
    first = story.link
    await again(story)
    await again(story)
    trail = await story.process.desk.trail("harbour", story.alert.alert)

    assert story.told == [("priya", 0), ("priya", 90)]
    assert story.link != first
    assert [(one.by, one.settled_at is not None) for one in story.alert.resent] == [("ola", True)]
    assert [(one.who, one.note) for one in trail.life if one.what == "asked_again"] == [("ola", "to their clinician")]
    assert story.run.steps[1].settled_at is None


async def test_it_goes_to_whom_was_named_though_it_is_night_for_them() -> None:
    """Somebody is waiting for it, so no quiet hours hold it."""
    dan = staff("dan", quiet=[QuietHours.model_validate({"starts": "00:00", "ends": "23:00"})])
    story = Story(people=(*(one for one in STAFF if one.clinician != "dan"), dan))
    await story.hears("e1", urgency=Urgency.WORKING_HOURS, rule="trend")
    await again(story, "dan")

    assert story.told == [("priya", 0), ("dan", 0)]


async def test_an_acknowledged_alert_is_sent_again_and_stays_acknowledged() -> None:
    """It tells; it does not take it back."""
    story = Story()
    await story.hears("e1")
    await story.acknowledges("priya")
    await again(story, "dan")

    assert [who for who, _ in story.told] == ["priya", "dan"]
    assert story.alert.status is AlertStatus.ACKNOWLEDGED


async def test_a_closed_alert_an_unknown_clinician_and_another_clinic_s_alert_are_refused() -> None:
    """And nothing changes."""
    story = Story()
    await story.hears("e1")
    with pytest.raises(Problem) as unknown:
        await again(story, "nobody")
    with pytest.raises(Problem) as foreign:
        await story.process.desk.send_again("other", story.alert.alert, by="x", clinician=None, idempotency=KEY)
    await story.closes()
    with pytest.raises(Problem) as closed:
        await again(story)

    assert [one.value.status for one in (unknown, foreign, closed)] == [422, 404, 409]
    assert story.alert.resent == []
    assert story.alert.key == alert_key("harbour", "sam", story.alert.alert)


@pytest.mark.parametrize("steps", range(0, 24, 2))
async def test_a_process_that_dies_while_sending_again_sends_it_all_the_same(steps: int) -> None:
    """Wherever it dies: the alert remembers the request, or the caller never got an answer and asks again."""
    story = Story()
    await story.hears("e1", urgency=Urgency.WORKING_HOURS)
    story.process = story.world.process(Life(steps))
    try:
        await again(story)
    except Killed:
        await story.restarts()
        await again(story)
    await story.minutes(2)

    times = [who for who, _ in story.told].count("priya")
    assert 2 <= times <= 3  # its first message, and this one; twice where nobody could know that it had gone


async def test_an_alert_is_sent_again_three_times_an_hour_to_one_recipient_and_then_the_answer_says_when() -> None:
    """Whoever asks, by their id or as the patient's clinician, and whichever replica; a retry is no new request, and
    what was refused left nothing behind."""
    story = Story()
    await story.hears("e1")
    for number in range(3):
        await again(story, "priya" if number == 1 else None, key(f"k{number}"))
        await story.minutes(1)
        await story.restarts()
    before = story.alert
    refused = []
    for number in range(60):
        with pytest.raises(Problem) as problem:
            await again(story, "priya" if number % 2 else None, key(f"more{number}"))
        refused.append(problem.value)
    await again(story, None, key("k0"))
    after = story.alert
    await again(story, "dan", key("another"))

    assert {(one.status, one.code, one.headers["Retry-After"]) for one in refused} == {
        (429, "sent_again_often", str(57 * 60))
    }
    assert "It can be sent again at 11:00:00 UTC, in 57 min." in refused[0].detail
    assert before == after
    assert [who for who, _ in story.told] == ["priya"] * 4 + ["dan"]
    await story.minutes(57)
    sent = len(story.alert.resent)
    await again(story, None, key("later"))
    assert len(story.alert.resent) == sent + 1


async def test_many_recipients_do_not_make_the_alert_forget_how_often_it_was_sent_again() -> None:
    """It keeps fifty requests: with as many in an hour nobody gets another."""
    story = Story(people=(*STAFF, *(staff(f"c{number}") for number in range(20))))
    await story.hears("e1")
    refused = 0
    for number in range(80):
        try:
            await again(story, f"c{number % 20}", key(f"k{number}"))
        except Problem as problem:
            refused += problem.status == 429
    assert refused == 30
    assert len(story.alert.resent) == 50
