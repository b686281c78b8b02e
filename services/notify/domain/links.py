"""The short reference that is read aloud, and the link that a message carries: signed, expiring, one recipient's."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH: Final = 6
HOUR_LENGTH: Final = 4
TOKEN_LENGTH: Final = 16
EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_LINK: Final = re.compile(
    rf"([{CROCKFORD}]{{{REFERENCE_LENGTH}}})-([{CROCKFORD}]{{{HOUR_LENGTH}}})([{CROCKFORD}]{{{TOKEN_LENGTH}}})"
)


def reference_of(alert: str) -> str:
    """Six letters and digits made from an alert's id: no meaning, nothing easily misheard (Crockford's base 32)."""
    return _letters(hashlib.sha256(alert.encode()).digest(), REFERENCE_LENGTH)


@dataclass(frozen=True, slots=True)
class Link:
    """What stands behind `/a/`: the reference, the hour it expires in, the signature over alert, person and hour."""

    reference: str
    until: datetime
    token: str

    @property
    def fingerprint(self) -> str:
        """What is kept of a link that was used: too little to make it again."""
        return hashlib.sha256(self.token.encode()).hexdigest()[:16]

    def is_for(self, secret: str, key: str, to: str, number: int) -> bool:
        """Whether we made it for the alert with this key, this recipient and this round of news."""
        return hmac.compare_digest(self.token, _token(secret, key, (to, number, _hour(self.until))))


def link_of(secret: str, key: str, reference: str, *, to: str, number: int, until: datetime) -> str:
    """A link for one recipient (a clinician's id, or FALLBACK) and what they are told: 80 bits only we can make.

    number: the latest round of news, so that a message with news brings another link; until: to the hour.
    """
    hour = -(-int(until.timestamp() - EPOCH.timestamp()) // 3600)
    return f"{reference}-{_letters(hour.to_bytes(4), HOUR_LENGTH)}{_token(secret, key, (to, number, hour))}"


def parse_link(text: str) -> Link | None:
    """A link as somebody may have typed it; None where it cannot be one."""
    found = _LINK.fullmatch(text.strip().upper().translate(str.maketrans("OIL", "011")))
    if found is None:
        return None
    hour = sum(CROCKFORD.index(letter) << 5 * place for place, letter in enumerate(found[2]))
    return Link(found[1], EPOCH + timedelta(hours=hour), found[3])


def _hour(at: datetime) -> int:
    return int((at - EPOCH).total_seconds()) // 3600


def _token(secret: str, key: str, what: tuple[str, int, int]) -> str:
    to, number, hour = what
    return _letters(hmac.digest(secret.encode(), f"{key}|{to}|{number}|{hour}".encode(), "sha256"), TOKEN_LENGTH)


def _letters(data: bytes, count: int) -> str:
    number = int.from_bytes(data)
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in range(count))
