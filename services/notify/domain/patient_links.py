"""The link in a message to a patient: short, of no meaning, expiring, and made so that only we can make it.

`<until><reference><seal>`, 6 + 8 + 16 letters and digits of Crockford's base 32, the last five bits first.
until: minutes since 2020-01-01 UTC. reference: of the letter, by which notify finds it again. seal: the last 80 bits
of HMAC-SHA256 with the shared key over `rapport-patient-link/1`, clinic, patient, occasion and until, parted by line
feeds. No id stands in it in clear: an SMS is read by others too. docs/patient-messages.md says the same for whoever
builds a patient app.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from services.notify.domain.links import CROCKFORD

EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
PARTS: Final = (6, 8, 16)
LENGTH: Final = sum(PARTS)
_TOKEN: Final = re.compile(rf"[{CROCKFORD}]{{{LENGTH}}}")


def patient_link_token(key: str, *, clinic: str, patient: str, about: str, letter: str, until: datetime) -> str:
    """The token of one letter's link. until: from when on it is good no more, to the minute (rounded up)."""
    minutes = -((EPOCH - until) // timedelta(minutes=1))
    when = _letters(minutes, PARTS[0])
    return when + link_reference(clinic, patient, letter) + _seal(key, clinic, patient, about, when)


def link_reference(clinic: str, patient: str, letter: str) -> str:
    """By what a letter is found again: 40 bits, so two letters may share one; the seal tells them apart."""
    digest = hashlib.sha256("\n".join(("rapport-patient-reference/1", clinic, patient, letter)).encode()).digest()
    return _letters(int.from_bytes(digest), PARTS[1])


def parse_patient_link(token: str) -> tuple[datetime, str] | None:
    """Until when a token is good, and its reference; None where it cannot be one. Nothing is verified by this."""
    typed = token.strip().upper().translate(str.maketrans("OIL", "011"))
    if not _TOKEN.fullmatch(typed):
        return None
    minutes = 0
    for letter in reversed(typed[: PARTS[0]]):
        minutes = minutes << 5 | CROCKFORD.index(letter)
    return EPOCH + timedelta(minutes=minutes), typed[PARTS[0] : PARTS[0] + PARTS[1]]


def patient_link_is(key: str, token: str, *, clinic: str, patient: str, about: str, now: datetime) -> bool:
    """Whether a token is whole, ours, about this occasion of this patient, and still good."""
    parsed = parse_patient_link(token)
    if parsed is None or now >= parsed[0]:
        return False
    typed = token.strip().upper().translate(str.maketrans("OIL", "011"))
    expected = _seal(key, clinic, patient, about, typed[: PARTS[0]])
    return hmac.compare_digest(typed[-PARTS[2] :], expected)


def _seal(key: str, clinic: str, patient: str, about: str, when: str) -> str:
    said = "\n".join(("rapport-patient-link/1", clinic, patient, about, when))
    return _letters(int.from_bytes(hmac.digest(key.encode(), said.encode(), "sha256")), PARTS[2])


def _letters(number: int, count: int) -> str:
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in range(count))
