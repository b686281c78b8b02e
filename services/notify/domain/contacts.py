"""Addresses as we know them: whether somebody asked for no more messages there, and whether it has been verified.

An address is known here by a keyed hash, so that neither the store nor the topic holds it in clear.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.notify.domain.links import CROCKFORD
from shared.contracts.base import ChannelName
from shared.contracts.contacts import EVERY_CLINIC, ContactState, StoppedBy

STOP_WORDS: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START_WORDS: Final = frozenset({"START", "UNSTOP"})
KEPT_HEARD: Final = 20
ASK_AGAIN_AFTER: Final = timedelta(hours=24)
MOST_ASKED: Final = 3
"""How often an address is asked to be verified by itself; after that a person has to see to it."""


class Said(StrEnum):
    """What a text that came in asks for."""

    STOP = "stop"
    START = "start"
    OTHER = "other"


def said(text: str) -> Said:
    """Whether a text asks for no more messages, for messages again, or something else. The whole text must be the
    word, in any case, with no more than spaces and a full stop around it."""
    word = text.strip().strip(".!\"'").strip().upper()
    if word in STOP_WORDS:
        return Said.STOP
    return Said.START if word in START_WORDS else Said.OTHER


def normal_number(number: str) -> str | None:
    """A number as it comes in, in E.164 form; None where it cannot be one. GOV.UK Notify leaves the plus out."""
    digits = re.sub(r"[\s()-]", "", number).removeprefix("+").removeprefix("00")
    return f"+{digits}" if re.fullmatch(r"[1-9][0-9]{6,14}", digits) else None


def hashed(key: str, channel: ChannelName, address: str) -> str:
    """An address's name in store and topic: 32 letters and digits that only we can make, the same in any case."""
    digest = hmac.digest(key.encode(), f"contact/{channel}/{address.casefold()}".encode(), "sha256")
    return base64.b32encode(digest[:20]).decode().lower()


def stopped(state: ContactState, by: StoppedBy, heard: str, now: datetime) -> ContactState:
    """After somebody asked for no more messages there. heard: the provider's id of the text; twice is once."""
    if _heard(state, heard):
        return state
    update = {"stopped_at": state.stopped_at or now, "stopped_by": state.stopped_by or by}
    return state.model_copy(update=update | {"heard": _hearing(state, heard)})


def started(state: ContactState, heard: str) -> ContactState:
    """After somebody asked for messages again."""
    if _heard(state, heard):
        return state
    return state.model_copy(update={"stopped_at": None, "stopped_by": None, "heard": _hearing(state, heard)})


def unknown(contact: str, channel: ChannelName, now: datetime, clinic: str = EVERY_CLINIC) -> ContactState:
    """An address nothing is known of yet."""
    return ContactState(clinic=clinic, contact=contact, channel=channel, version=1, updated_at=now)


def _heard(state: ContactState, heard: str) -> bool:
    return bool(heard) and _mark(heard) in state.heard


def _hearing(state: ContactState, heard: str) -> list[str]:
    return [*state.heard, _mark(heard)][-KEPT_HEARD:] if heard else state.heard


def _mark(heard: str) -> str:
    return hashlib.sha256(heard.encode()).hexdigest()[:16]


def to_be_asked(state: ContactState | None, now: datetime) -> bool:
    """Whether an address that is not verified is to be sent a verification message now."""
    if state is None:
        return True
    if state.verified_at is not None or state.asked >= MOST_ASKED:
        return False
    return state.asked_at is None or now - state.asked_at >= ASK_AGAIN_AFTER


def verification_code(key: str, clinic: str, contact: str) -> str:
    """Eight letters and digits (40 bits) that whoever can read messages at the address knows, and nobody else."""
    number = int.from_bytes(hmac.digest(key.encode(), f"verify/{clinic}/{contact}".encode(), "sha256")[:5])
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in range(8))


def code_matches(given: str, expected: str) -> bool:
    """Whether a code as somebody typed it is the right one."""
    typed = re.sub(r"[\s-]", "", given).upper().translate(str.maketrans("OIL", "011"))
    return hmac.compare_digest(typed.encode(), expected.encode())


def all_verified(verified: Collection[ChannelName], addresses: Collection[ChannelName]) -> bool:
    """Whether nothing is left to be verified."""
    return set(addresses) <= set(verified)
