"""What an alert remembers of what it told: the newest pieces whole, those before them by a fingerprint.

A document has its bounds, and an alert may stay open for months. What is told is remembered by its id and never by an
instant: evidence may come late, and what happened long ago may be news. The fingerprints are of more pieces than
insights lists of one concern by far, so that what is dropped from them as well is no longer asked about.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from shared.contracts.alerts import Alert, Told
from shared.contracts.base import Origin, Urgency

MOST_TOLD: Final = 300
"""Pieces of evidence that stay in the alert whole, beside a few that are still owed."""
MOST_REMEMBERED: Final = 2_000
"""Fingerprints that stay in the alert."""


@lru_cache(maxsize=4096)
def fingerprint(evidence: str) -> str:
    """What is left of the id of a piece of evidence: 64 bits as 11 letters, digits, `-` and `_`."""
    return urlsafe_b64encode(blake2b(evidence.encode(), digest_size=8).digest())[:11].decode()


def told_by(alerts: Iterable[Alert]) -> Callable[[str], bool]:
    """Says of a piece of evidence, by its id, whether one of these alerts told of it."""
    known = list(alerts)
    told = {evidence.id for alert in known for evidence in alert.told}
    earlier = {name for alert in known for name in alert.told_earlier}
    return lambda evidence: evidence in told or (bool(earlier) and fingerprint(evidence) in earlier)


def shortened(alert: Alert) -> Alert:
    """The alert within its bounds. What opened it stays, and whatever is owed is still told.

    A piece that is still to be told goes only where a newer one is, whose message says as much (`covers`): of the same
    urgency or a greater one.
    """
    if len(alert.told) <= MOST_TOLD:
        return alert
    first, older, newest = alert.told[0], alert.told[1 : 1 - MOST_TOLD], alert.told[1 - MOST_TOLD :]
    owed = max((_rank(one) for one in newest if one.settled_at is None), default=-1)
    kept: list[Told] = []
    gone: list[str] = []
    for one in reversed(older):
        if one.settled_at is None and _rank(one) > owed:
            owed = _rank(one)
            kept.append(one)
        else:
            gone.append(fingerprint(one.id))
    earlier = [*alert.told_earlier, *reversed(gone)][-MOST_REMEMBERED:]
    return alert.model_copy(update={"told": [first, *reversed(kept), *newest], "told_earlier": earlier})


def _rank(one: Told) -> int:
    """As a round's: 0 digest, 1 in working hours, 2 at once."""
    return 0 if one.origin is Origin.IMPORT else 1 + (one.urgency is Urgency.AT_ONCE)
