"""How often the screen for crisis language is right: against labelled questions and rated phrases, beside a classifier.

Reads ../shared/data and says so where it is absent. What the truth is and is not: docs/screening.md. The halves are
fixed by a hash: phrases of the screen were written looking only at the development half, figures are of the other.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from pathlib import Path
from time import process_time
from typing import Any, Final

from shared.crisis_language import SCREEN, screen

DATA: Final = Path("../shared/data")
TRUTH: Final = Path("benchmarks/screening_truth.json")
_HALVES: Final = "screen 1 "
_CRISIS: Final = frozenset(
    {"Passive suicidal ideation", "Active suicidal ideation & suicidal planning", "Direct self-injury",
     "Other suicidal language"}
)  # fmt: skip
_NEAR: Final = frozenset(
    {"Lethal means for suicide", "Suicide exposure", "Hopelessness", "Entrapment & desire to escape", "Burdensomeness",
     "Existential meaninglessness & purposelessness", "Defeat & feeling like a failure", "Hospitalization",
     "Shame, self-disgust, & worthlessness", "Borderline Personality Disorder", "Mental health treatment"}
)  # fmt: skip
"""Constructs whose phrases may or may not be crisis language: counted on neither side."""
NOTE: Final = (
    "Slept badly again, maybe four hours. Work was fine but I felt flat all day and could not be bothered to cook. "
    "Went for a short walk with the dog after dinner and that helped a bit."
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text, its group (no group is on both sides of a split), and whether it holds crisis language of the writer."""

    name: str
    text: str
    group: str
    own: bool
    other: bool = False

    @property
    def held_out(self) -> bool:
        """Whether nobody looked at it when the phrases were written."""
        return sha256((_HALVES + self.group).encode()).digest()[0] >= 128


def wilson(hits: int, of: int) -> tuple[float, float, float]:
    """A share with its 95 % interval (Wilson's score interval)."""
    if not of:
        return 0.0, 0.0, 1.0
    z, p = 1.96, hits / of
    middle, spread = p + z * z / (2 * of), z * sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return p, (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def said(hits: int, of: int) -> str:
    """95 % (88 to 98, 40 of 42)."""
    share, low, high = wilson(hits, of)
    return f"{share:.0%} ({low:.0%} to {high:.0%}, {hits} of {of})"


def judged(texts: Sequence[Text], flagged: Sequence[bool]) -> dict[str, str]:
    """Recall and precision; precision also where somebody else's suicide counts as worth an early look."""
    right = sum(f and t.own for t, f in zip(texts, flagged, strict=True))
    worth = sum(f and (t.own or t.other) for t, f in zip(texts, flagged, strict=True))
    return {
        "recall": said(right, sum(t.own for t in texts)),
        "precision": said(right, sum(flagged)),
        "precision_with_others": said(worth, sum(flagged)),
    }


def questions() -> list[Text]:
    """The questions of counsel_chat, with the labels of `screening_truth.json`."""
    truth = json.loads(TRUTH.read_text())
    own, other = set(truth["own"]), set(truth["other"])
    with (DATA / "counsel_chat/counsel_chat.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Text(r["question_id"], f"{r['title']}\n{r['text']}", r["question_id"], r["question_id"] in own,
             r["question_id"] in other)
        for r in rows
    ]  # fmt: skip


def phrases() -> list[Text]:
    """Phrases rated prototypical of a construct, each once: of the four crisis constructs, and of remote ones."""
    with (DATA / "suicide_risk_lexicon/suicide_risk_lexicon.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["prototypical"] == "1"]
    crisis = {row["phrase"].lower() for row in rows if row["construct"] in _CRISIS}
    near = {row["phrase"].lower() for row in rows if row["construct"] in _NEAR}
    everything = dict.fromkeys(row["phrase"].lower() for row in rows)
    return [Text(one, one, one, one in crisis) for one in everything if one in crisis or one not in near]


def by_words(texts: Sequence[Text]) -> list[bool]:
    """The screen's own word."""
    found = [screen(text.text) for text in texts]
    return [one is not None and one.crisis_language for one in found]


@dataclass(frozen=True, slots=True)
class Trained:
    """A classifier: how likely it takes each text to be, and from what likelihood on it flags one."""

    likely: Callable[[Sequence[Text]], list[float]]
    threshold: float

    def flags(self, texts: Sequence[Text]) -> list[bool]:
        """By its own threshold."""
        return [one >= self.threshold for one in self.likely(texts)]

    def flags_most(self, texts: Sequence[Text], most: int) -> list[bool]:
        """The `most` likeliest: as much for humans to read as another way flags."""
        likely = self.likely(texts)
        least = sorted(likely, reverse=True)[most - 1]
        return [one >= least for one in likely]


def classifier(train: Sequence[Text], least_recall: float = 0.9) -> Trained:
    """TF-IDF and logistic regression; its threshold gives `least_recall` in cross-validation within `train`."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  of the extra `dev`
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.model_selection import GroupKFold, cross_val_predict  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        LogisticRegression(class_weight="balanced", C=10, max_iter=2000),
    )
    words, own = [t.text for t in train], [t.own for t in train]
    folds = GroupKFold(n_splits=5)
    inside = cross_val_predict(model, words, own, groups=[t.group for t in train], cv=folds, method="predict_proba")
    ours = sorted((p[1] for p, t in zip(inside, train, strict=True) if t.own), reverse=True)
    model.fit(words, own)
    return Trained(
        likely=lambda texts: [float(p[1]) for p in model.predict_proba([t.text for t in texts])],
        threshold=float(ours[min(len(ours) - 1, int(least_recall * len(ours)))]),
    )


def cross_validated(texts: Sequence[Text], extra: Sequence[Text]) -> list[bool]:
    """The classifier's word on each text, by models that did not see its group; five folds. extra: more to train on."""
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415

    flagged = [False] * len(texts)
    for known, unknown in GroupKFold(n_splits=5).split(texts, groups=[t.group for t in texts]):
        says = classifier([*(texts[i] for i in known), *extra])
        for place, word in zip(unknown, says.flags([texts[i] for i in unknown]), strict=True):
            flagged[place] = word
    return flagged


def micros_a_note() -> float:
    """CPU microseconds the screen takes for an ordinary note of 180 characters; the best of several tries."""
    best = float("inf")
    for _ in range(10):
        began = process_time()
        for _ in range(2_000):
            screen(NOTE)
        best = min(best, (process_time() - began) / 2_000)
    return round(best * 1e6, 1)


def run() -> dict[str, Any]:
    """The figures of docs/screening.md. Needs no stack."""
    figures: dict[str, Any] = {"screen_version": SCREEN, "screen_us_a_note": micros_a_note()}
    if not DATA.exists():
        return figures | {"screen_data": "absent: recall and precision were not measured"}
    asked, rated = questions(), phrases()
    held, held_phrases = [t for t in asked if t.held_out], [t for t in rated if t.held_out]
    table = {"held_out_words": judged(held, by_words(held)), "all_words": judged(asked, by_words(asked)),
             "phrases_held_out_words": judged(held_phrases, by_words(held_phrases))}  # fmt: skip
    development = [t for t in [*asked, *rated] if not t.held_out]
    try:
        only_questions, with_phrases = classifier([t for t in asked if not t.held_out]), classifier(development)
        crossed = cross_validated(asked, rated)
    except ImportError:
        return figures | flat(table) | {"screen_classifier": "scikit-learn is absent: install the extra `dev`"}
    words, load = by_words(held), sum(by_words(held))
    trained = with_phrases.flags(held)
    table |= {
        "held_out_classifier": judged(held, trained),
        "held_out_either": judged(held, [a or b for a, b in zip(words, trained, strict=True)]),
        "held_out_classifier_same_load": judged(held, with_phrases.flags_most(held, load)),
        "held_out_classifier_without_phrases_same_load": judged(held, only_questions.flags_most(held, load)),
        "all_classifier_crossed": judged(asked, crossed),
        "all_either_crossed": judged(asked, [a or b for a, b in zip(by_words(asked), crossed, strict=True)]),
    }
    return figures | flat(table)


def flat(table: dict[str, dict[str, str]]) -> dict[str, str]:
    """One name a figure."""
    return {f"screen_{part}_{name}": word for part, row in table.items() for name, word in row.items()}
