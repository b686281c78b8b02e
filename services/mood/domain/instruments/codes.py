"""Codes that a deployment brings of its own: SNOMED CT is licensed, so none of its content is part of Rapport."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import cycle
from typing import Final

from services.mood.domain.instruments.catalogue import INSTRUMENTS
from services.mood.domain.instruments.declaration import Instrument

_CONCEPTS: Final = ("00", "10")
"""The partitions of concepts, short and long (SNOMED CT Release File Specifications, 6: SNOMED CT Identifiers)."""
_SHORTEST, _LONGEST = 6, 18

_TURNED: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_INVERSE: Final = (0, 4, 3, 2, 1, 5, 6, 7, 8, 9)


def _times(a: int, b: int) -> int:
    """The product of two digits in the dihedral group of a pentagon: 0 to 4 turn it, 5 to 9 turn it over as well."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def _permuted(digit: int, times: int) -> int:
    for _ in range(times):
        digit = _TURNED[digit]
    return digit


def check_digit_of(digits: str) -> str:
    """Verhoeff's check digit (1969), as SNOMED CT uses it: it finds every wrong digit and two that changed places.

    digits: the identifier without its last digit.
    """
    found = 0
    for digit, times in zip(reversed(digits), cycle((1, 2, 3, 4, 5, 6, 7, 0)), strict=False):
        found = _times(found, _permuted(int(digit), times))
    return str(_INVERSE[found])


def is_concept(code: str) -> bool:
    """Whether a text is an identifier of a SNOMED CT concept: 6 to 18 digits, the right partition and check digit."""
    return (
        code.isascii()
        and code.isdigit()
        and _SHORTEST <= len(code) <= _LONGEST
        and not code.startswith("0")
        and code[-3:-1] in _CONCEPTS
        and check_digit_of(code[:-1]) == code[-1]
    )


def read_codes(codes: Mapping[str, str]) -> Mapping[str, str]:
    """The SNOMED CT concept of each instrument's score, by instrument, as a deployment brings them.

    Raises ValueError that says what to correct, so that a wrong one does not start.
    """
    for name, code in codes.items():
        if name not in INSTRUMENTS:
            raise ValueError(f"{name}: name one of {', '.join(INSTRUMENTS)}")
        if not is_concept(code):
            raise ValueError(
                f"{name}: {code} is no SNOMED CT concept identifier: copy all of it, 6 to 18 digits, as text; "
                "its last digit is a check digit, and the two before it are 00 or 10"
            )
    if len(set(codes.values())) < len(codes):
        raise ValueError("two instruments cannot have one code: scores of variants are never compared")
    return dict(codes)


def coded(instrument: Instrument, codes: Mapping[str, str]) -> Instrument:
    """The instrument with the deployment's code for its score. A clinic's own scale has none, whatever its name."""
    return instrument if instrument.own else replace(instrument, snomed=codes.get(instrument.name))
