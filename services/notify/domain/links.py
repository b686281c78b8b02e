"""The short reference that is read aloud, and the link that a message carries."""

import hashlib
import hmac
import re
from typing import Final

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH: Final = 6
TOKEN_LENGTH: Final = 16
_LINK: Final = re.compile(rf"([{CROCKFORD}]{{{REFERENCE_LENGTH}}})-([{CROCKFORD}]{{{TOKEN_LENGTH}}})")


def reference_of(alert: str) -> str:
    """Six letters and digits made from an alert's id: no meaning, nothing easily misheard (Crockford's base 32)."""
    return _letters(hashlib.sha256(alert.encode()).digest(), REFERENCE_LENGTH)


def link_token(secret: str, key: str) -> str:
    """Sixteen letters and digits (80 bits) that only we can make for the alert with this key."""
    return _letters(hmac.digest(secret.encode(), key.encode(), "sha256"), TOKEN_LENGTH)


def link_of(secret: str, key: str, reference: str) -> str:
    """What stands behind `/a/`: the reference, which is short, and the token, which cannot be guessed."""
    return f"{reference}-{link_token(secret, key)}"


def parse_link(text: str) -> tuple[str, str] | None:
    """Reference and token of a link as somebody may have typed it; None where it cannot be one."""
    found = _LINK.fullmatch(text.strip().upper().translate(str.maketrans("OIL", "011")))
    return None if found is None else (found[1], found[2])


def _letters(data: bytes, count: int) -> str:
    number = int.from_bytes(data)
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in range(count))
