"""Round after round, and what follows from each: metrics, an alarm when good ones stay away, the heartbeat."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from services.watch.alarms import raise_alarm
from services.watch.checks import Trouble, unwell
from services.watch.rounds import RoundFailed, SyntheticClinic
from services.watch.settings import WatchSettings
from shared.logs import logger, set_up_logs

log = logger(__name__)
ROUND: Final = "synthetic clinic"
PATIENCE: Final = 120.0
"""Seconds a round may take beyond `within_seconds`, however slowly somebody goes on answering."""
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
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """now: seconds since 1970, for what others see; elapsed: of a clock that nobody sets, for how long it is."""
        self._settings, self._clinic, self._http = settings, clinic, http
        self._now, self._elapsed = now, elapsed
        self._good_at = elapsed()
        self._in_a_row: dict[str, int] = {}
        self._told_at: dict[str, float] = {}
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
        """One round and what follows from it; returns what is wrong, nothing where all is well. Whatever goes wrong in
        it is a reason and no way out: an alarm is never left out for want of an answer that can be read."""
        wrong: list[str] = []
        try:
            async with asyncio.timeout(self._settings.within_seconds + PATIENCE):
                told = await self._clinic.round()
        except Exception as error:  # noqa: BLE001  see above
            reason = f"the watch itself failed: {type(error).__name__}"
            if isinstance(error, RoundFailed | TimeoutError):
                reason = str(error) or "the gateway's answers did not come to an end"
            wrong.append(f"{ROUND}: {reason}")
            self._rounds.labels("failed").inc()
            log.error("watch_round_failed", reason=reason)  # noqa: TRY400  the reason says it all
        else:
            self._good_at = self._elapsed()
            self._success.set(self._now())
            self._seconds.set(told.seconds)
            self._rounds.labels("good").inc()
        services = [one.strip().rstrip("/") for one in self._settings.services.split(",") if one.strip()]
        troubles = await unwell(self._http, services, self._now())
        wrong += [str(trouble) for trouble in troubles]
        await self._speak(wrong, troubles)
        return wrong

    async def _speak(self, wrong: list[str], troubles: list[Trouble]) -> None:
        """Tell an operator what has been wrong for too long: each round until somebody took it, then once an hour. What
        was told already does not keep back what comes on top."""
        self._in_a_row = {one: self._in_a_row.get(one, 0) + 1 for one in {trouble.about for trouble in troubles}}
        pressing = {one for one, rounds in self._in_a_row.items() if rounds >= self._settings.alarm_after_rounds}
        if self._elapsed() - self._good_at > self._settings.alarm_after_seconds:
            pressing.add(ROUND)
        self._told_at = {one: at for one, at in self._told_at.items() if one in pressing}
        if not wrong:
            await self._beat()
            return
        log.warning("watch_not_well", reasons=wrong)
        untold = [one for one in pressing if self._elapsed() - self._told_at.get(one, -AGAIN) >= AGAIN]
        if untold and await raise_alarm(self._settings, self._http, wrong):
            self._told_at |= dict.fromkeys(pressing, self._elapsed())

    async def _beat(self) -> None:
        if not self._settings.heartbeat_url:
            return
        try:
            taken = (await self._http.get(self._settings.heartbeat_url)).is_success
        except Exception as error:  # noqa: BLE001  an address that is none is as good as no answer
            log.warning("watch_heartbeat_not_taken", kind=type(error).__name__)
            taken = False
        self._beats.labels("taken" if taken else "not_taken").inc()


async def watch(token: Callable[[], str] = str, *, once: bool = False) -> list[str]:
    """Watch for ever, by the settings of the environment; `once`: one round, and what was wrong in it.

    token: makes one for each round, where the environment has none.
    """
    set_up_logs(service="watch")
    settings = WatchSettings()
    async with (
        httpx.AsyncClient(base_url=settings.gateway, timeout=15, trust_env=False) as gateway,
        httpx.AsyncClient(timeout=15, trust_env=False) as http,
    ):
        clinic = SyntheticClinic(
            http=gateway,
            sink=settings.sink,
            within=settings.within_seconds,
            token=lambda: settings.present_token() or token(),
        )
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
