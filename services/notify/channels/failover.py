"""Several providers of one channel as one: the one that is well takes the message, and the others are there."""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from services.notify.domain import (
    Breaker,
    Channel,
    Health,
    Notice,
    Outcome,
    Result,
    answered,
    breaker,
    choose,
    failed,
    points,
    probing,
)
from shared.clock import Clock
from shared.logs import logger
from shared.metrics import PROVIDER_ATTEMPTS, PROVIDER_BREAKER, PROVIDER_POINTS

log = logger(__name__)
ANSWER_WITHIN: Final = 20.0
"""Seconds a provider may take over one message; less than a hand-over may, so that it is known who took so long."""
_SHOWN: Final = {Breaker.CLOSED: 0.0, Breaker.HALF_OPEN: 0.5, Breaker.OPEN: 1.0}


class Sender(Protocol):
    """One provider of a channel."""

    async def send(self, notice: Notice) -> Result:
        """Hand over one notice."""
        ...


class Failover:
    """A channel by its providers. Each replica has its own view of how they are; a restart begins with a good one."""

    def __init__(
        self, *, channel: Channel, providers: Mapping[str, Sender], weights: Mapping[str, int], clock: Clock
    ) -> None:
        """weights: of each provider, 1 or more. Raises ValueError where there is no provider."""
        if not providers:
            raise ValueError("a channel needs a provider")
        self._channel, self._providers, self._clock = channel, dict(providers), clock
        self._weights = {name: weights.get(name, 1) for name in providers}
        self._healths = {name: Health() for name in providers}
        for name in providers:  # from zero on, or Prometheus does not see the first one as an increase
            for outcome in Outcome:
                PROVIDER_ATTEMPTS.labels(channel.value, name, outcome.value)
            self._show(name)

    async def send(self, notice: Notice) -> Result:
        """Hand a notice over by one of the providers; another try is the caller's, at once where one is left."""
        now = self._clock.now()
        choice = choose(
            self._weights, self._healths, tried=notice.tried, seed=f"{notice.token}/{len(notice.tried)}", now=now
        )
        name = choice.name
        self._healths[name] = probing(self._healths[name], now)
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                result = await self._providers[name].send(notice)
        except TimeoutError:
            result = Result(outcome=Outcome.UNSURE, code="no answer in time")
        passing = result.outcome in (Outcome.TEMPORARY, Outcome.UNSURE)
        self._note(name, result, passing=passing)
        return result.model_copy(update={"provider": name, "another": passing and choice.another})

    def _note(self, name: str, result: Result, *, passing: bool) -> None:
        now, before = self._clock.now(), self._healths[name]
        after = failed(before, now, result.retry_after) if passing else answered(before)
        if breaker(after, now) is Breaker.OPEN and before.opened < after.opened:
            log.warning("provider_left_alone", channel=self._channel.value, provider=name, code=result.code)
        self._healths[name] = after
        PROVIDER_ATTEMPTS.labels(self._channel.value, name, result.outcome.value).inc()
        self._show(name)

    def show(self) -> None:
        """Set the gauges as they are now: a breaker lets through again by the time alone."""
        for name in self._providers:
            self._show(name)

    def _show(self, name: str) -> None:
        now, health = self._clock.now(), self._healths[name]
        PROVIDER_BREAKER.labels(self._channel.value, name).set(_SHOWN[breaker(health, now)])
        PROVIDER_POINTS.labels(self._channel.value, name).set(points(health, now))
