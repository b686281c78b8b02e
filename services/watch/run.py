"""Round after round, and what follows from each: metrics, an alarm when good ones stay away, the heartbeat."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from services.watch.alarms import raise_alarm
from services.watch.checks import unwell
from services.watch.rounds import RoundFailed, SyntheticClinic
from services.watch.settings import WatchSettings
from shared.logs import logger, set_up_logs

log = logger(__name__)
AGAIN: Final = 3600.0
"""Seconds until an operator is told once more that it is still wrong."""


class Watch:
    """The rounds of one process. The metrics are its own: no service has them, so that their absence says something."""

    def __init__(
        self,
        settings: WatchSettings,
        clinic: SyntheticClinic,
        http: httpx.AsyncClient,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._clinic, self._http, self._now = settings, clinic, http, now
        self._last_good = now()
        self._alarmed_at: float | None = None
        self.registry = CollectorRegistry()
        self._success = Gauge(
            "rapport_watch_last_success_timestamp_seconds",
            "When an alert of the synthetic clinic was last handed over, end to end.",
            registry=self.registry,
        )
        self._seconds = Gauge(
            "rapport_watch_round_seconds", "How long the last good round took, end to end.", registry=self.registry
        )
        self._rounds = Counter("rapport_watch_rounds_total", "Rounds.", ["outcome"], registry=self.registry)
        self._beats = Counter(
            "rapport_watch_heartbeats_total", "Heartbeats that were taken, or not.", ["outcome"], registry=self.registry
        )

    async def round(self) -> list[str]:
        """One round and what follows from it; returns what is wrong, nothing where all is well."""
        wrong: list[str] = []
        try:
            told = await self._clinic.round()
        except RoundFailed as reason:
            wrong.append(f"synthetic clinic: {reason}")
            self._rounds.labels("failed").inc()
            log.error("watch_round_failed", reason=str(reason))  # noqa: TRY400  the reason says it all
        else:
            self._last_good = self._now()
            self._success.set(self._last_good)
            self._seconds.set(told.seconds)
            self._rounds.labels("good").inc()
        services = [one.strip().rstrip("/") for one in self._settings.services.split(",") if one.strip()]
        wrong += await unwell(self._http, services, self._now())
        await self._speak(wrong)
        return wrong

    async def _speak(self, wrong: list[str]) -> None:
        if not wrong:
            self._alarmed_at = None
            await self._beat()
            return
        log.warning("watch_not_well", reasons=wrong)
        late = self._now() - self._last_good > self._settings.alarm_after_seconds
        silent = self._alarmed_at is None or self._now() - self._alarmed_at >= AGAIN
        if late and silent:
            await raise_alarm(self._settings, self._http, wrong)
            self._alarmed_at = self._now()

    async def _beat(self) -> None:
        if not self._settings.heartbeat_url:
            return
        try:
            taken = (await self._http.get(self._settings.heartbeat_url)).is_success
        except httpx.HTTPError:
            taken = False
        self._beats.labels("taken" if taken else "not_taken").inc()


async def watch(token: str = "", *, once: bool = False) -> list[str]:
    """Watch for ever, by the settings of the environment; `once`: one round, and what was wrong in it.

    token: where the environment has none.
    """
    set_up_logs(service="watch")
    settings = WatchSettings()
    headers = {"Authorization": f"Bearer {settings.token or token}"}
    async with (
        httpx.AsyncClient(base_url=settings.gateway, headers=headers, timeout=15, trust_env=False) as gateway,
        httpx.AsyncClient(timeout=15, trust_env=False) as http,
    ):
        clinic = SyntheticClinic(http=gateway, sink=settings.sink, within=settings.within_seconds)
        watching = Watch(settings, clinic, http)
        if once:
            return await watching.round()
        if settings.port:
            start_http_server(settings.port, registry=watching.registry)
        while True:
            began = time.monotonic()
            try:
                await watching.round()
            except Exception as error:  # noqa: BLE001  a fault of the watch must not end it; its silence pages
                log.error("watch_failed", kind=type(error).__name__)  # noqa: TRY400  a trace may hold an answer
            await asyncio.sleep(max(0.0, settings.every_seconds - (time.monotonic() - began)))
