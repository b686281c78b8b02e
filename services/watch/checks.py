"""What else must be well before the heartbeat goes out: every service ready, and an audit that is recent and clean."""

from collections.abc import Iterable
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

AUDIT_WITHIN: Final = 900.0
"""Seconds since an audit ended; they run every three minutes."""


async def unwell(http: httpx.AsyncClient, services: Iterable[str], now: float) -> list[str]:
    """What is wrong, in words without data; nothing where all is well. now: in seconds since 1970."""
    wrong: list[str] = []
    audits: list[float] = []
    for service in services:
        try:
            ready = await http.get(f"{service}/readyz")
            metrics = await http.get(f"{service}/metrics")
        except httpx.HTTPError as error:
            wrong.append(f"a service does not answer: {type(error).__name__}")
            continue
        if ready.status_code != httpx.codes.OK:
            wrong.append("a service is not ready")
        for name, value in _samples(metrics.text):
            if name == "rapport_audit_last_timestamp_seconds" and value:
                audits.append(value)
            if name == "rapport_audit_findings" and value:
                wrong.append("the last audit found something that was not as it should be")
    if not audits:
        wrong.append("no audit has ended yet")
    elif now - max(audits) > AUDIT_WITHIN:
        wrong.append("the last audit is too long ago")
    return wrong


def _samples(text: str) -> list[tuple[str, float]]:
    families = text_string_to_metric_families(text)
    return [(sample.name, sample.value) for family in families for sample in family.samples]
