"""How hard a text is to read (Flesch-Kincaid grade), and words no patient is ever shown."""

import re
from typing import Final

GRADE: Final = 5.0
"""US school grade: about 9 to 10 years old."""
BANNED: Final = (
    *(r"\bfail", r"\bdiagnos", r"\babnormal", r"\bworse", r"\bdeclin", r"\bdeteriorat", r"\bsevere", r"\bdisorder"),
    *(r"\bshould\b", r"\bmust\b", r"\boverdue", r"\bmissed\b", r"\bstreak", r"\bcomplian", r"\bunfortunately", r"!"),
    *(r"\bdepress", r"\banxi", r"\brisk score", r"\bstable\b", r"\bsimply\b", r"\bnormal"),
)
"""As patterns of lower-case text: no verdict, no label, no pressure."""


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return [one for one in re.split(r"(?<=[.!?:])\s+", text.strip()) if re.search(r"\w", one)]


def syllables(word: str) -> int:
    """Groups of vowels, less a silent e at the end; at least one. A number counts as one, as it is read at a glance."""
    plain = re.sub(r"[^a-z]", "", word.lower())
    if not plain:
        return 1
    groups = len(re.findall(r"[aeiouy]+", plain))
    silent = re.search(r"[^aeiouyl]e$|[^aeiouytd]ed$|[^aeiouysxzhgc]es$", plain) is not None
    return max(1, groups - silent)


def grade(text: str) -> float:
    """Flesch-Kincaid grade level: 0.39 words/sentences + 11.8 syllables/words - 15.59 (Kincaid 1975)."""
    words = re.findall(r"[A-Za-z0-9][A-Za-z0-9'.-]*", text)
    count = max(1, len(words))
    return 0.39 * count / max(1, len(sentences(text))) + 11.8 * sum(map(syllables, words)) / count - 15.59
