"""What somebody answers to an SMS, and what they are answered: short codes, after GoAlert's (`7F3KQ2 a`)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.notify.domain.links import CROCKFORD, REFERENCE_LENGTH

MOST_ANSWERS: Final = 5
"""Automatic answers to one number in one hour, so that two machines never talk to each other for long."""
_WORDS: Final = {
    "a": "acknowledge", "ack": "acknowledge", "acknowledge": "acknowledge", "aa": "acknowledge",
    "e": "escalate", "esc": "escalate", "escalate": "escalate",
    "c": "close", "close": "close",
}  # fmt: skip
_CODE: Final = re.compile(rf"[{CROCKFORD}]{{{REFERENCE_LENGTH}}}")


class Wish(StrEnum):
    """What a reply asks for."""

    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Asked:
    """A reply understood. code: an alert's reference; None: the last alert that went to this number."""

    wish: Wish
    code: str | None


def parse_reply(text: str) -> Asked | None:
    """`7F3KQ2 a`, `a 7f3kq2`, `7F3KQ2a`, `ack`, `a`: in any case; None where it says something else."""
    words = re.sub(r"[^0-9a-z]+", " ", text.casefold()).split()
    if len(words) == 1 and len(words[0]) == REFERENCE_LENGTH + 1 and words[0][-1] in "aec":
        words = [words[0][:-1], words[0][-1]]
    wishes = [_WORDS[word] for word in words if word in _WORDS]
    codes = [code for word in words if word not in _WORDS and (code := _code(word)) is not None]
    if len(wishes) != 1 or len(words) != 1 + len(codes) or len(codes) > 1:
        return None
    return Asked(Wish(wishes[0]), codes[0] if codes else None)


def _code(word: str) -> str | None:
    code = word.upper().translate(str.maketrans("OIL", "011"))
    return code if _CODE.fullmatch(code) else None


def not_understood() -> str:
    """To what is no reply we know."""
    return (
        "Not understood, nothing was changed. Reply with the alert's reference and A (you have it) or E (tell the next "
        "person now)."
    )


def no_such_code() -> str:
    """To a code that no alert has which went to this number by SMS, or where none went."""
    return "No open alert with that reference was sent to this number. Nothing was changed. Check the reference."


def cannot_close(reference: str) -> str:
    """Closing needs what was done."""
    return f"{reference} was not closed: that needs what was done. Close it in your clinic's system."


def not_yet(reference: str) -> str:
    """We have just started, and do not know yet whether somebody else has it."""
    return f"{reference}: not yet, Rapport is just starting. Nothing was changed. Text again in a minute."


def acknowledged(reference: str) -> str:
    """It is theirs now."""
    return f"{reference}: you have it. Nobody further is told. See to the patient, then close it in your system."


def already(reference: str, at: str) -> str:
    """Somebody has had it since."""
    return f"{reference} was acknowledged already, {at}. Nothing was changed."


def escalated_now(reference: str) -> str:
    """The next one is told."""
    return f"{reference}: the next person is being told now. It is not acknowledged."


def nobody_next(reference: str) -> str:
    """There is no further step."""
    return f"{reference}: everybody on the clinic's list was told already. It is not acknowledged: call the clinic."
