"""Every sentence a patient may be shown of their progress: easy to read, kind, and true."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from services.mood.api.receipts import NOT_YET, SEEN
from services.mood.domain import CAVEAT, INSTRUMENTS, LIBRARY, Coping, coping_of, progress_of, reason_of
from tests.unit.mood.made import Door, at, check_in_body, checked_in, scored
from tests.unit.mood.made_strategies import allowed, pinned, rated, tried
from tests.unit.mood.readability import BANNED, GRADE, grade, sentences, syllables

TODAY = date(2026, 11, 25)
LENGTH = 20


def helped(name: str) -> Coping:
    """Helped 3 of 4 times."""
    return coping_of(rated(name, (7, 4), (6, 5), (5, 6), (8, 4)))


def texts() -> Iterator[str]:
    """All that can be said: weeks full, thin and empty; every instrument with every change; every strategy."""
    week = [checked_in(TODAY - timedelta(days=n), n % 10) for n in range(3)]
    full = [checked_in(TODAY - timedelta(days=n), n % 10, hour=hour) for n in range(14) for hour in (8, 12, 18)]
    for entries in ([], week[:1], week, week + week[:2], full, [*week, *full[-6:]]):
        yield from progress_of(entries, today=TODAY, episode_started_on=None).in_words
    for name, one in INSTRUMENTS.items():
        pairs = [
            (one.minimum, one.maximum),
            (one.maximum, one.minimum),
            (one.minimum, one.minimum),
            (one.maximum, None),
        ]
        for first, latest in pairs:
            entries = [scored(TODAY - timedelta(days=60), name, first)]
            entries += [] if latest is None else [scored(TODAY, name, latest)]
            yield from progress_of(entries, today=TODAY, episode_started_on=None).words.since_start
    for name in LIBRARY:
        yield from progress_of(week, today=TODAY, episode_started_on=None, coping=helped(name)).words.what_helped
        for ratings in ([], [(5, 3)], [(5, 3)] * 2, [(5, 3)] * 3, [(5, 6)] * 3, [(5, 5)] * 3, [(5, 4)] * 8):
            yield reason_of(name, coping_of([*rated(name, *ratings), pinned([name]), allowed([name])]))
    yield from (CAVEAT, NOT_YET, SEEN)


@pytest.mark.parametrize("text", sorted(set(texts())))
def test_every_text_can_be_read_at_nine(text: str) -> None:
    """Flesch-Kincaid grade of 5 at most, sentences of 20 words at most, and none of the banned words."""
    assert grade(text) <= GRADE, f"{grade(text):.1f}"
    assert [one for one in sentences(text) if len(one.split()) > LENGTH] == []
    assert [word for word in BANNED if re.search(word, text.lower())] == []


def test_the_measure_tells_easy_from_hard() -> None:
    """Worked by hand, and on two sentences that say the same."""
    hard = "Insufficient longitudinal observations preclude meaningful interpretation of affective variability."
    easy = "We do not know yet how your mood goes."

    assert [syllables(word) for word in ("walk", "time", "helped", "people", "average", "opened")] == [1, 1, 1, 2, 3, 2]
    assert grade("The cat sat on the mat.") == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    assert grade(easy) < 2 < GRADE < 20 < grade(hard)


def test_what_helped_is_said_from_three_ratings_on_and_nothing_of_what_did_not() -> None:
    """With counts, and with the caveat."""
    walk, few = helped("short_walk"), coping_of(rated("short_walk", (7, 4), (7, 4)))
    harmed = coping_of(rated("grounding", (4, 6), (4, 7), (5, 4)))
    said = [progress_of([], today=TODAY, episode_started_on=None, coping=one) for one in (walk, few, harmed)]

    assert said[0].words.what_helped == ["A short walk: it helped you 3 of 4 times.", CAVEAT]
    assert [one.words.what_helped for one in said[1:]] == [[], []]
    assert [(one.helped, one.rated, one.mean_fall) for one in said[2].what_helped] == [(1, 3, -4 / 3)]


def test_a_try_without_ratings_is_said_to_have_been_tried() -> None:
    """No count of what was not told."""
    assert reason_of("grounding", coping_of([tried("grounding", None, None)])) == "You have tried this once."
    assert reason_of("grounding", Coping()) == "This is new to you."


def test_a_week_says_how_much_of_it_was_seen() -> None:
    """Of the days up to today; a past week has seven."""
    entries = [checked_in(TODAY, 5), checked_in(TODAY - timedelta(days=7), 5), checked_in(TODAY - timedelta(days=8), 5)]
    found = progress_of(entries, today=TODAY, episode_started_on=None)

    assert (found.this_week.days, found.this_week.coverage) == (3, 0.33)
    assert (found.last_week.days, found.last_week.coverage) == (7, 0.29)


async def test_the_patient_reads_words_and_the_clinician_numbers(door: Door) -> None:
    """The same progress; neither a band nor a cut-off among the words; pins first in both."""
    await door.check_in(check_in_body())
    body = {"patient": "p-1", "instrument": "phq9", "total": 21, "occurred_at": at(2)}
    await door.questionnaire(body)
    path = "/v1/patients/p-1/strategies/tried"
    for key in ("a", "b", "c"):
        await door.post(path, {"strategy": "grounding", "before": 6, "after": 4, "occurred_at": at(1)}, key=key)
    pins = {"strategies": ["grounding"], "occurred_at": at(1)}
    await door.put("/v1/patients/p-1/strategies/pinned", pins)
    await door.follow()
    words = (await door.get("/v1/patients/p-1/progress/in-words", role="patient")).json()
    numbers = (await door.get("/v1/patients/p-1/progress", role="therapist")).json()

    assert (
        [pin["strategy"] for pin in words["pinned"]] == [pin["strategy"] for pin in numbers["pinned"]] == ["grounding"]
    )
    assert words["what_helped"][0] == "Five, four, three, two, one: it helped you 3 of 3 times."
    assert words["weeks"] + words["since_start"] + words["what_helped"] == numbers["in_words"]
    assert numbers["since_start"]["scores"][0]["latest"]["band"] == "severe"
    assert "severe" not in str(words)
    assert (numbers["since_start"]["days_observed"], numbers["since_start"]["coverage"]) == (1, 1.0)
