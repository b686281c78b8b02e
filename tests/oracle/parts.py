"""What every rule of the oracle says its word with."""

from datetime import datetime

from tests.oracle.plain import Plain


def concern(*, holds: bool, since: datetime | None, numbers: Plain, telling: list[Plain], chart: Plain | None) -> Plain:
    """One rule's word, its telling evidence in order and its floats rounded to four decimals."""
    return {
        "holds": holds,
        "since": since if holds else None,
        "numbers": {name: round(n, 4) if isinstance(n, float) else n for name, n in numbers.items()},
        "telling": sorted(telling, key=lambda evidence: (evidence["at"], evidence["id"])),
        "chart": chart,
    }


def evidence(identity: str, at: datetime, origin: str, urgency: str) -> Plain:
    """One piece of telling evidence."""
    return {"id": identity, "at": at, "origin": origin, "urgency": urgency}
