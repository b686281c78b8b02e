"""The screen for crisis language: does a text hold words that people in a crisis use? Pure, and fast enough for a door.

It raises priority and hides nothing: a human reads every text all the same, and nothing found is no reassurance. How
often it is right and wrong was measured and stands in docs/screening.md. English only; a text that is plainly in
another language is said to be unscreened, unless a word of it is found all the same.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from shared.contracts.screening import Screening
from shared.crisis_language.phrases import ENGLISH, PHRASES, STEMS

SCREEN: Final = "crisis-words-2"
"""The screen and its version, as it stands in every screening it made."""

_APOSTROPHES: Final = {ord(char): None for char in "'’‘`´ʼ"}
_WORDS: Final = re.compile(r"[a-z0-9]+")
_ENOUGH: Final = 5
"""Words from which on a text says what language it is in."""
_FEW: Final = 0.14
"""The least share of small English words in an English text: of 779 questions of real people one falls below it."""

_PATTERNS: Final = [(phrase.sign, re.compile(phrase.pattern)) for phrase in PHRASES]
_BY_ANCHOR: Final[dict[str, list[int]]] = defaultdict(list)
for _place, _phrase in enumerate(PHRASES):
    for _anchor in set(_phrase.anchors.split()):
        _BY_ANCHOR[_anchor].append(_place)
_ANCHORS: Final = frozenset(_BY_ANCHOR)
_STEM: Final = re.compile("|".join(STEMS))
_NAMED: Final = "suicide_named"

_NOTHING: Final = Screening(crisis_language=False, screen=SCREEN)
_UNSCREENED: Final = Screening(crisis_language=False, screen=SCREEN, screened=False)


def screen(text: str | None) -> Screening | None:
    """What the screen says of a text of any length; None where there is no text. Deterministic; it never raises."""
    if text is None or not text.strip():
        return None
    words = words_of(text)
    found = signs_in(words)
    if found:
        return Screening(crisis_language=True, signs=found, screen=SCREEN)
    return _NOTHING if _is_english(text, words) else _UNSCREENED


def screen_all(texts: Iterable[str | None]) -> Screening | None:
    """What the screen says of several texts of one entry, each read by itself: a denial in one says nothing about the
    next, and no words are put together that nobody wrote together. None where there is no text.

    Found in one is found; one that nobody could read, and nothing found in the others, is not screened.
    """
    said = [one for one in map(screen, texts) if one is not None]
    if not said:
        return None
    found = sorted({sign for one in said for sign in one.signs})
    if found:
        return Screening(crisis_language=True, signs=found, screen=SCREEN)
    return _NOTHING if all(one.screened for one in said) else _UNSCREENED


def words_of(text: str) -> list[str]:
    """The words of a text as phrases are matched on them: small letters, no apostrophes, nothing but a-z and 0-9."""
    plain = text.casefold()
    plain = plain.replace("'", "") if plain.isascii() else plain.translate(_APOSTROPHES)
    return _WORDS.findall(plain)


def signs_in(words: list[str]) -> list[str]:
    """The kinds of words found, by name and in order; words as `words_of` makes them."""
    different = set(words)
    tried = {place for anchor in different & _ANCHORS for place in _BY_ANCHOR[anchor]}
    text = " ".join(words)
    found = {sign for sign, pattern in map(_PATTERNS.__getitem__, tried) if pattern.search(text)}
    if _STEM.search(text) is not None:
        found.add(_NAMED)
    return sorted(found)


def _is_english(text: str, words: list[str]) -> bool:
    if not text.isascii():
        letters = sum(map(str.isalpha, text))
        if 2 * sum(map(len, words)) < letters:
            return False
    if len(words) < _ENOUGH:
        return True
    return sum(word in ENGLISH for word in words) >= _FEW * len(words)
