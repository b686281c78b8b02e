"""How the figures of docs/screening.md are made: halves that keep still, intervals by the book, honest labels."""

import json
from pathlib import Path

import pytest

from benchmarks.screening import TRUTH, Text, by_words, judged, said, wilson

DATA = Path(__file__).parents[3] / "shared/data/counsel_chat/counsel_chat.csv"


def text(name: str, words: str, *, own: bool = False, other: bool = False) -> Text:
    return Text(name, words, name, own, other)


def test_an_interval_is_wilsons() -> None:
    """Of 22 in 23: 79 to 99 %, by the formula of the textbooks; of nothing at all, everything is possible."""
    share, low, high = wilson(22, 23)

    assert (round(share, 3), round(low, 3), round(high, 3)) == (0.957, 0.79, 0.992)
    assert wilson(0, 0) == (0.0, 0.0, 1.0)
    assert said(22, 23) == "96% (79% to 99%, 22 of 23)"


def test_recall_and_precision_count_what_they_say() -> None:
    """Two of the writer's own, one of them found; one about somebody else found; one false alarm."""
    texts = [
        text("a", "I want to die", own=True),
        text("b", "the water was cold", own=True),
        text("c", "my uncle died by suicide", other=True),
        text("d", "he jumped off the wall in the garden"),
        text("e", "what a day"),
    ]

    assert by_words(texts) == [True, False, True, True, False]
    assert judged(texts, by_words(texts)) == {
        "recall": said(1, 2),
        "precision": said(1, 3),
        "precision_with_others": said(2, 3),
    }


def test_the_halves_keep_still() -> None:
    """Which half a text is in depends on its name alone: whoever runs it again looks at the same half."""
    assert [text(f"Q000{n}", "").held_out for n in range(1, 9)] == [
        *(False, False, False, True),
        *(False, True, True, False),
    ]


def test_every_label_names_one_text_and_no_text_is_both() -> None:
    """Ids of ours to a public set; no words of it."""
    truth = json.loads(TRUTH.read_text())
    names = [*truth["own"], *truth["other"]]

    assert len(names) == len(set(names))
    assert all(len(name) == 5 and name[0] == "Q" and name[1:].isdigit() for name in names)


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is absent: the labels cannot be held against it")
def test_the_labels_are_of_texts_that_are_there() -> None:
    """Where the data set is at hand."""
    truth = json.loads(TRUTH.read_text())
    known = {line.split(",", 1)[0] for line in DATA.read_text().splitlines()}

    assert {*truth["own"], *truth["other"]} <= known
