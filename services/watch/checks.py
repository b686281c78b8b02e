"""What else must be well before the heartbeat goes out: every service ready, and an audit that is recent and clean."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from shared.logs import logger

log = logger(__name__)
AUDIT_WITHIN: Final = 900.0
"""Seconds since an audit ended; they run every three minutes."""
PATIENCE: Final = 45.0
"""Seconds for all that is asked of one service, however slowly it goes on answering."""
ONLY_NOTIFY_HAS: Final = "rapport_alerts_overdue"
"""Every service shows when its last audit ended, as 0 where it never audits; this one only who does."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, without data. about: the same from round to round while it is the same trouble."""

    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.about} {self.what}"


async def unwell(http: httpx.AsyncClient, services: Iterable[str], now: float) -> list[Trouble]:
    """What is wrong; nothing where all is well. now: in seconds since 1970. Never raises: whatever stands in the way of
    looking at a service is a trouble of that service, and the others are looked at all the same."""
    wrong: list[Trouble] = []
    audits: list[tuple[str, float]] = []
    for service in services:
        name = service.rpartition("@")[2].rpartition("/")[2]
        try:
            async with asyncio.timeout(PATIENCE):
                wrong += await _of_service(http, service, name, audits)
        except Exception as error:  # noqa: BLE001  an answer nobody foresaw must not end the watch, or hide the rest
            log.warning("watch_check_failed", service=name, kind=type(error).__name__)
            what = (
                "does not answer"
                if isinstance(error, httpx.HTTPError | TimeoutError)
                else "answers what cannot be read"
            )
            wrong.append(Trouble(name, what))
    if not audits:
        wrong.append(Trouble("the audit", "has not ended yet, at no service"))
    for name, ended in audits:  # each replica audits its own patients only: the oldest counts as much as the newest
        if not ended:
            wrong.append(Trouble(f"the audit of {name}", "has not ended yet"))
        elif not -AUDIT_WITHIN <= now - ended <= AUDIT_WITHIN:
            late = "too long ago" if now > ended else "ahead of this clock: check time synchronisation"
            wrong.append(Trouble(f"the audit of {name}", f"ended {late}"))
    return wrong


async def _of_service(
    http: httpx.AsyncClient, service: str, name: str, audits: list[tuple[str, float]]
) -> list[Trouble]:
    ready = await http.get(f"{service}/readyz")
    wrong = [Trouble(name, "is not ready")] if ready.status_code != httpx.codes.OK else []
    metrics = (await http.get(f"{service}/metrics")).raise_for_status()
    samples = _samples(metrics.text)
    notifies = any(sample == ONLY_NOTIFY_HAS for sample, _ in samples)
    for sample, value in samples:
        if sample == "rapport_audit_last_timestamp_seconds" and (value or notifies):
            audits.append((name, value))
    if any(sample == "rapport_audit_findings" and value for sample, value in samples):
        wrong.append(Trouble(f"the last audit of {name}", "found something that was not as it should be"))
    return wrong


def _samples(text: str) -> list[tuple[str, float]]:
    families = text_string_to_metric_families(text)
    return [(sample.name, sample.value) for family in families for sample in family.samples]
