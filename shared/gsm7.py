"""The GSM 7-bit alphabet of SMS (3GPP TS 23.038, default alphabet and its extension): one segment is 160 septets."""

import unicodedata
from typing import Final

SMS_SEPTETS: Final = 160
BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("^{}\\[~]|€")
"""Each takes two septets."""
_PLAIN: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "`": "'"})


def septets(text: str) -> int | None:
    """How many septets a text takes in GSM 7-bit; None where it has a character outside of it."""
    if not all(character in BASIC or character in EXTENDED for character in text):
        return None
    return len(text) + sum(character in EXTENDED for character in text)


def gsm(text: str) -> str:
    """A text in GSM 7-bit: typographic marks made plain, accents it lacks taken off, what is left over left out."""
    out = []
    for character in one_line(text).translate(_PLAIN):
        if character in BASIC or character in EXTENDED:
            out.append(character)
        else:
            plain = unicodedata.normalize("NFKD", character)
            out.extend(c for c in plain if c in BASIC or c in EXTENDED)
    return " ".join("".join(out).split())


def one_line(text: str) -> str:
    """A text without line breaks and control characters: safe in a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
