"""`make demo`: a story through the gateway, and what came of it as one table."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.table import Table

from deploy.demo.replay import ReplayError, declare, declare_from, read_log
from deploy.demo.sender import Sender, SendError, Sent
from deploy.demo.simulation import simulate
from deploy.demo.story import Story

SETTLE_WITHIN: Final = 120.0
"""Seconds for what was sent to become concerns and messages."""
QUIET_FOR: Final = 3.0
"""Seconds without anything new after which the platform counts as done."""
ZONE: Final = "Europe/London"


class DemoError(Exception):
    """The demonstration cannot go on; the message says why and what to do."""


async def run_demo(
    gateway: str,
    *,
    sink: str,
    token: str,
    source: Path | None,
    measures: Sequence[str],
    patients: int,
    weeks: int,
    seed: int,
) -> None:
    """Send a simulated clinic (or the log at `source`) and print what came of it. Raises DemoError."""
    console, now = Console(), datetime.now(UTC)
    try:
        story = _read(source, measures, now) if source else simulate(seed, patients, weeks, now)
        console.print(
            f"{len(story.patients)} patients, {len(story.entries):,} entries: the last day live, the rest as import",
            highlight=False,
        )
        async with Sender(base_url=gateway, token=token, console=console) as sender:
            sent = await sender.send(story)
    except ReplayError as error:
        raise DemoError(f"{source} cannot be replayed; nothing was sent.\n{error}") from None
    except SendError as error:
        raise DemoError(f"The demo stopped: {error}") from None
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=gateway, headers=headers, timeout=30.0, trust_env=False) as client:
        with console.status("Waiting for the concerns and messages that follow"):
            await _settled(client)
        await _report(console, client, gateway, sink, sent)


def _read(source: Path, measures: Sequence[str], now: datetime) -> Story:
    if not source.exists():
        raise DemoError(f"There is no file {source}: give the path of a CSV with patient,occurred_at,measure,value.")
    declared = declare(measures)
    sidecar = source.with_suffix(".yaml")
    if sidecar.exists():
        declared |= declare_from(sidecar)
    return read_log(source, declared, ZONE, now)


async def _all(client: httpx.AsyncClient, path: str) -> AsyncIterator[Any]:
    """Every item of a list, page by page."""
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get(path, params={"limit": 200} | ({"cursor": cursor} if cursor else {}))).json()
        for item in page["items"]:
            yield item
        cursor = page.get("next")


async def _picture(client: httpx.AsyncClient) -> tuple[list[Any], list[Any]]:
    caseload = [row async for row in _all(client, "/v1/caseload")]
    alerts = [alert async for alert in _all(client, "/v1/alerts")]
    return caseload, alerts


async def _settled(client: httpx.AsyncClient) -> None:
    """Return when nothing has changed for a while: concerns, alerts, and how far they were told."""
    deadline, before, since = time.monotonic() + SETTLE_WITHIN, None, time.monotonic()
    while time.monotonic() < deadline:
        picture = await _picture(client)
        if picture != before:
            before, since = picture, time.monotonic()
        elif time.monotonic() - since > QUIET_FOR:
            return
        await asyncio.sleep(0.5)


async def _report(console: Console, client: httpx.AsyncClient, gateway: str, sink: str, sent: Sent) -> None:
    caseload, alerts = await _picture(client)
    table = Table(title="What came of it", show_header=False, title_justify="left", min_width=72)
    for kind, count in sorted(sent.accepted.items()):
        table.add_row(f"accepted: {kind.replace('_', ' ')}", f"{count:,}")
    table.add_row("accepted in all", f"{sent.total:,} in {sent.seconds:.1f} s", end_section=not sent.refused)
    if sent.refused:
        table.add_row("refused", f"{len(sent.refused):,}, first: {sent.refused[0].why}", end_section=True)
    concerns = Counter(concern["rule"] for row in caseload for concern in row["concerns"] if concern.get("holds", True))
    for rule, count in concerns.most_common():
        table.add_row(f"concern: {rule.replace('_', ' ')}", f"{count:,}")
    table.add_section()
    handed_over, times = await _deliveries(client, alerts, sent)
    for channel, count in sorted(handed_over.items()):
        table.add_row(f"alerts delivered by {channel}", f"{count:,}")
    alerts = [alert for alert in alerts if alert["status"] != "closed"]
    digest = sum(alert["route"] == "digest" for alert in alerts)
    table.add_row("waiting for the morning digest (imports page nobody)", f"{digest:,}")
    waiting = sum(alert["route"] == "message" for alert in alerts) - _told(alerts)
    if waiting:
        table.add_row("waiting for working hours", f"{waiting:,}")
    if times:
        last = times[min(len(times) - 1, int(len(times) * 0.99))]
        table.add_row(
            "live entry accepted to alert handed over",
            f"p50 {statistics.median(times):.2f} s, p99 {last:.2f} s, of {len(times)} told at once",
        )
    table.add_section()
    table.add_row("API docs", f"{gateway}/docs")
    table.add_row("the messages that arrived", sink)
    table.add_row("metrics", f"{gateway}/metrics")
    table.add_row("stop it all", "make down")
    console.print(table)


def _told(alerts: list[Any]) -> int:
    return sum(
        alert["route"] == "message" and all(told.get("settled_at") for told in alert["told"]) for alert in alerts
    )


async def _deliveries(client: httpx.AsyncClient, alerts: list[Any], sent: Sent) -> tuple[Counter[str], list[float]]:
    """Messages handed over by channel, and seconds from accepting a live entry to the first hand-over of its alert."""
    accepted = {live.id: live.accepted_at for live in sent.live}
    by_channel: Counter[str] = Counter()
    times: list[float] = []
    for alert in alerts:
        if alert["route"] != "message":
            continue
        trail = (await client.get(f"/v1/alerts/{alert['alert']}")).json()["deliveries"]
        handed_over = [row for row in trail if row["state"] == "handed_over"]
        by_channel.update(row["channel"] for row in handed_over)
        firsts = [datetime.fromisoformat(row["attempts"][-1]["at"]) for row in handed_over]
        entries = [accepted[told["id"]] for told in alert["told"] if told["id"] in accepted]
        if firsts and entries and alert["urgency"] == "at_once":
            times.append(max(0.0, (min(firsts) - min(entries)).total_seconds()))
    return by_channel, sorted(times)
