"""Acknowledging by a message's link and by answering an SMS: once, by whom it was sent to, and never by looking."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.replies import Asked, Wish, parse_reply
from shared.contracts.alerts import AlertStatus, Via
from shared.contracts.base import Urgency
from shared.errors import Problem
from tests.unit.notify.escalating import STAFF, Story, staff
from tests.unit.notify.made import DAY

PRIYA, DAN = STAFF[0].mobile or "", STAFF[3].mobile or ""
STRANGER = "+447700900999"


async def fired(**changes: str) -> Story:
    """An at-once alert that Priya was told of."""
    story = Story(**changes)
    await story.hears("e1")
    return story


async def answer(story: Story, number: str, text: str) -> str:
    """What an SMS is answered."""
    return (await story.process.desk.reply(number, text)).text or ""


# --- the link -------------------------------------------------------------------------------------------------------


async def test_opening_a_link_acknowledges_nothing_and_the_trail_says_it_may_have_been_a_scanner() -> None:
    """However often; a HEAD is not even noted."""
    story = await fired()
    await story.process.by_link.shown(story.link)
    quietly = await story.process.desk.trail("harbour", story.alert.alert)
    await story.process.by_link.shown(story.link, opened=True)
    await story.minutes(2)
    await story.process.by_link.shown(story.link, opened=True)
    trail = await story.process.desk.trail("harbour", story.alert.alert)

    assert story.alert.status is AlertStatus.OPEN
    assert [one for one in quietly.life if one.what == "opened"] == []
    assert [(one.who, one.note) for one in trail.life if one.what == "opened"] == [
        ("priya", "link opened, perhaps by a mail scanner"),
        ("priya", "link opened again, perhaps by a mail scanner"),
    ]


async def test_a_link_acknowledges_once_for_whom_it_was_sent_to() -> None:
    """The second press, and the link of somebody else, say who has it since when and change nothing."""
    story = await fired()
    priyas = story.link
    await story.minutes(30)
    dans = story.link
    taken = await story.process.by_link.take(dans)
    await story.minutes(1)
    again, other = await story.process.by_link.take(dans), await story.process.by_link.take(priyas)

    assert taken.state == "taken"
    assert [again.state, other.state] == ["acknowledged", "acknowledged"]
    assert [(one.by, one.via) for one in story.alert.acknowledgements] == [("dan", Via.LINK)]
    assert again.alert == other.alert == story.alert == taken.alert


async def test_a_link_that_was_used_does_not_take_news_its_holder_was_never_told_of() -> None:
    """The alert comes back with news; the new message's link takes it."""
    story = await fired()
    old = story.link
    await story.process.by_link.take(old)
    await story.hears("e2")  # in the same hour, even the same minute
    stale = await story.process.by_link.take(old)
    still = story.alert.status
    fresh = await story.process.by_link.take(story.link)

    assert (stale.state, stale.used.by if stale.used else None) == ("open", "priya")
    assert still is AlertStatus.OPEN
    assert fresh.state == "taken"


async def test_a_link_expires_after_a_week_and_then_does_nothing() -> None:
    """Neither shows nor acknowledges; the one of a message sent again does."""
    story = await fired()
    old = story.link
    await story.passes(7 * DAY + timedelta(hours=1))
    expired = await story.process.by_link.take(old)

    assert expired.state == "expired"
    assert story.alert.status is AlertStatus.OPEN


@pytest.mark.parametrize("place", [0, 8, 12, 20])
async def test_a_link_with_another_letter_leads_nowhere(place: int) -> None:
    """Reference, hour and signature are all signed."""
    story = await fired()
    letter = "7" if story.link[place] != "7" else "8"
    with pytest.raises(Problem, match="No such alert"):
        await story.process.by_link.shown(story.link[:place] + letter + story.link[place + 1 :])


async def test_a_link_of_the_fallback_contact_says_so() -> None:
    """They have no id of their own."""
    story = Story(people=STAFF[1:])
    await story.hears("e1")
    await story.minutes(2)
    await story.process.by_link.take(story.link)

    assert story.alert.acknowledged_by == "the clinic's fallback contact"


# --- the SMS --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("7F3KQ2 a", Asked(Wish.ACKNOWLEDGE, "7F3KQ2")),
        (" 7f3kq2A ", Asked(Wish.ACKNOWLEDGE, "7F3KQ2")),
        ("ack 7F3KQ2.", Asked(Wish.ACKNOWLEDGE, "7F3KQ2")),
        ("A", Asked(Wish.ACKNOWLEDGE, None)),
        ("Ack!\n", Asked(Wish.ACKNOWLEDGE, None)),
        ("O0OO11 e", Asked(Wish.ESCALATE, "000011")),
        ("7F3KQ2 c", Asked(Wish.CLOSE, "7F3KQ2")),
        ("7F3KQ2", None),
        ("a e", None),
        ("7F3KQ2 8F3KQ2 a", None),
        ("I have a patient with me", None),
        ("", None),
    ],
)
def test_a_reply_is_understood_in_any_case_and_with_any_spaces(text: str, asked: Asked | None) -> None:
    """And what is a sentence is no order."""
    assert asked == parse_reply(text)


@given(st.text(max_size=200))
def test_any_text_is_understood_or_not_and_never_an_error(text: str) -> None:
    """Whatever a phone sends."""
    asked = parse_reply(text)
    assert asked is None or asked.code is None or len(asked.code) == 6


async def test_a_reply_from_the_number_it_went_to_acknowledges_the_alert() -> None:
    """With the code or without; whoever answers has it, and is told what next."""
    for text in ("{} a", "a"):
        story = await fired()
        said = await answer(story, PRIYA, text.format(story.alert.reference))

        assert said.startswith(f"{story.alert.reference} (Harbour): you have it.")
        assert (story.alert.acknowledged_by, story.alert.acknowledgements[-1].via) == ("priya", Via.SMS)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (STRANGER, "{} a"),
        (STRANGER, "a"),
        (STRANGER, "e"),
        (DAN, "{} a"),
        (DAN, "a"),
        (DAN, "e"),
        (PRIYA, "ZZZZZZ a"),
        (PRIYA, "yes"),
        (PRIYA, "{} c"),
    ],
)
async def test_another_number_another_code_and_closing_change_nothing(number: str, text: str) -> None:
    """Dan is known to the clinic, and was not told of it."""
    story = await fired()
    before = story.alert
    said = await answer(story, number, text.format(before.reference))

    assert "Nothing was changed" in said or "nothing was changed" in said or "was not closed" in said
    assert before == story.alert


async def test_a_bare_reply_means_the_alert_that_went_to_the_number_last() -> None:
    """The answer names it, so that a mistake is seen."""
    story = await fired()
    first = story.alert
    await story.minutes(5)
    await story.hears("e2", rule="psychosis")
    [second] = [one for one in story.world.alerts() if one.key != first.key]
    said = await answer(story, PRIYA, "a")

    assert said.startswith(second.reference)
    assert {one.key: one.status for one in story.world.alerts()}[first.key] is AlertStatus.OPEN


async def test_e_tells_the_next_person_now_and_only_once() -> None:
    """The step comes early; the one after it in its own time; where none is left the answer says so."""
    story = await fired()
    await story.minutes(5)
    said = await answer(story, PRIYA, f"{story.alert.reference} e")
    await story.minutes(1)
    await story.minutes(30)
    early = list(story.told)
    await story.minutes(30)
    last = await answer(story, PRIYA, "e")

    assert "next person is being told now" in said
    assert early == [("priya", 0), ("dan", 5 if early[-1][1] == 5 else 6)]
    assert story.told[2:] == [("lee", 66)]
    assert "call the clinic" in last
    assert story.alert.status is AlertStatus.OPEN


async def test_a_reply_after_somebody_took_it_says_since_when() -> None:
    """The first one keeps it."""
    story = await fired()
    await story.acknowledges("lee")
    said = await answer(story, PRIYA, "a")

    assert said == f"{story.alert.reference} (Harbour) was acknowledged already, 10:00 on 23 Nov. Nothing was changed."
    assert story.alert.acknowledged_by == "lee"


async def test_a_number_gets_five_answers_an_hour_and_is_obeyed_all_the_same() -> None:
    """Two machines never talk to each other for long; a person's acknowledgement always counts."""
    story = await fired()
    answers = [await story.process.desk.reply(PRIYA, "what?") for _ in range(6)]
    silent = await story.process.desk.reply(PRIYA, "a")
    await story.minutes(61)
    later = await story.process.desk.reply(PRIYA, "what?")

    assert [one.text is None for one in answers] == [False] * 5 + [True]
    assert silent.text is None
    assert story.alert.acknowledged_by == "priya"
    assert later.text is not None


async def test_a_reply_to_a_message_without_sms_finds_nothing() -> None:
    """It was e-mailed; whoever knows the reference cannot use it from a phone."""
    story = Story(people=(staff("priya", channels=["email"]), *STAFF[1:]))
    await story.hears("e1", urgency=Urgency.WORKING_HOURS)

    assert "No open alert" in await answer(story, PRIYA, f"{story.alert.reference} a")
