"""What somebody answers to an SMS, and what they are answered: short codes, after GoAlert's (`7F3KQ2 a`)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.notify.domain.links import CROCKFORD, REFERENCE_LENGTH
from shared.gsm7 import gsm, septets

MOST_ANSWERS: Final = 5
"""Automatic answers to one number in one hour, so that two machines never talk to each other for long."""
MOST_AT_ONCE: Final = 20
"""Alerts that a reply without a code takes, where one message told of several."""
LONGEST_NAME: Final = 30
"""Septets of a clinic's name in an answer: with the longest text beside it there are two segments at most."""
TWO_SEGMENTS: Final = 2 * 153
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
    """A reply understood. code: an alert's reference; None: whatever the last message to this number told of."""

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
    """To a code that no alert has which went to this number by SMS."""
    return "No open alert with that reference was sent to this number. Nothing was changed. Check the reference."


def nothing_lately() -> str:
    """To a reply without a code, where no alert went to this number in the last day."""
    return (
        "Which alert is not clear: none of the last 24 hours was found. Nothing was changed. Reply with its reference "
        "and A (you have it) or E (tell the next person now)."
    )


def which_one(last: Sequence[tuple[str, Sequence[str]]], wish: Wish) -> str:
    """To a reply without a code, where several clinics sent this number alerts lately. last: of each clinic its name
    and the references of what it sent last."""
    text = (
        f"Several clinics sent this number alerts. Nothing was changed. Reply with the reference and {wish[0].upper()}"
    )
    said = [f"{_named(clinic)} {_listed(references, 2)}" for clinic, references in last]
    while said and (septets(f"{text}: {'; '.join(said)}.") or 0) > TWO_SEGMENTS:
        said.pop()
    return f"{text}: {'; '.join(said)}."


def too_many(clinic: str, number: int) -> str:
    """To a reply without a code to a message that told of too many alerts to be taken unseen."""
    return (
        f"{_named(clinic)}: that message told of {number} alerts, too many for one reply. Nothing was changed. Open "
        "its link, or reply with one reference."
    )


def cannot_close(clinic: str, references: Sequence[str]) -> str:
    """Closing needs what was done."""
    one = len(references) == 1
    said = "that needs what was done. Close it in your clinic's system."
    return f"{_listed(references)} ({_named(clinic)}) {'was' if one else 'were'} not closed: {said}"


def not_yet(clinic: str, references: Sequence[str]) -> str:
    """We have just started, and do not know yet whether somebody else has it."""
    after = "Rapport is just starting. Nothing was changed. Text again in a minute."
    return f"{_listed(references)} ({_named(clinic)}): not yet, {after}"


def acknowledged(clinic: str, references: Sequence[str]) -> str:
    """They are theirs now."""
    if len(references) == 1:
        after = "Nobody further is told. See to the patient, then close it in your system."
        return f"{references[0]} ({_named(clinic)}): you have it. {after}"
    after = "Nobody further is told. See to the patients, then close them in your system."
    return f"{len(references)} alerts ({_named(clinic)}): you have {_listed(references)}. {after}"


def already(clinic: str, reference: str, at: str) -> str:
    """Somebody has had it since."""
    return f"{reference} ({_named(clinic)}) was acknowledged already, {at}. Nothing was changed."


def all_taken(clinic: str, references: Sequence[str]) -> str:
    """None of several is left to be taken."""
    return f"{_listed(references)} ({_named(clinic)}): acknowledged or closed already. Nothing was changed."


def closed_already(clinic: str, reference: str) -> str:
    """Somebody has dealt with it."""
    return f"{reference} ({_named(clinic)}) is closed already. Nothing was changed."


def escalated_now(clinic: str, references: Sequence[str]) -> str:
    """The next one is told."""
    it = "It is" if len(references) == 1 else "They are"
    return f"{_listed(references)} ({_named(clinic)}): the next person is being told now. {it} not acknowledged."


def nobody_next(clinic: str, references: Sequence[str]) -> str:
    """There is no further step."""
    it = "It is" if len(references) == 1 else "They are"
    told = "everybody on the clinic's list was told already"
    return f"{_listed(references)} ({_named(clinic)}): {told}. {it} not acknowledged: call the clinic."


def _listed(references: Sequence[str], most: int = MOST_AT_ONCE) -> str:
    more = len(references) - most
    return ", ".join(references[:most]) + (f" and {more} more" if more > 0 else "")


def _named(clinic: str) -> str:
    name = gsm(clinic)
    while (septets(name) or 0) > LONGEST_NAME:
        name = name[:-1]
    return name.strip() or "your clinic"
