"""The clinics, whole and in memory: whose settings an entry is checked with, and what every answer says of safety."""

import asyncio
from datetime import datetime
from typing import Final

from shared.bus import Event
from shared.contracts import Clinic
from shared.contracts.base import Urgency
from shared.contracts.clinics import ClinicSettings
from shared.contracts.safety import safety_reply
from shared.documents import Table
from shared.errors import Problem

WAIT: Final = 2.0
"""Seconds an entry waits for a clinic that was set up a moment ago."""


class Clinics:
    """Fed from the topic `clinics`. Answers from memory; only a clinic nobody knows is waited for."""

    def __init__(self) -> None:
        self._table: Table[Clinic] = Table()
        self._news = asyncio.Event()
        self._minute = -1
        self._safety: dict[tuple[str, int, bool, Urgency | None], bytes] = {}

    async def apply(self, event: Event) -> None:
        """Take in what was read from the topic; what is no clinic is passed over."""
        if isinstance(event.data, Clinic) and self._table.keep_highest([event.data]):
            self._news.set()
            self._news = asyncio.Event()

    def known(self, name: str) -> Clinic | None:
        """A clinic that was set up; None where there is none (yet)."""
        clinic = self._table.get(name)
        return None if clinic is None or clinic.deleted else clinic

    async def set_up(self, name: str) -> Clinic:
        """The same, waited for a little. Raises Problem 409 that says how to set it up."""
        clinic = self.known(name)
        if clinic is not None:
            return clinic
        try:
            async with asyncio.timeout(WAIT):
                while (clinic := self.known(name)) is None:
                    await self._news.wait()
        except TimeoutError:
            raise Problem(
                409,
                "clinic_not_set_up",
                "The clinic is not set up",
                "Nothing was recorded. Send PUT /v1/clinic first (zone, working hours, rule set, fallback contact): "
                "without it nobody could be told of a concern.",
            ) from None
        return clinic

    def safety(self, clinic: Clinic, now: datetime, *, risk: bool, told: Urgency | None) -> bytes:
        """The `safety` part of an answer, as JSON. Made once a minute: nothing in it is finer than that."""
        minute = int(now.timestamp()) // 60
        if minute != self._minute:
            self._safety.clear()
            self._minute = minute
        name = (clinic.clinic, clinic.version, risk, told)
        said = self._safety.get(name)
        if said is None:
            settings = settings_now(clinic, now)
            said = safety_reply(settings, now, risk=risk, told=told).model_dump_json().encode()
            self._safety[name] = said
        return said


def settings_now(clinic: Clinic, now: datetime) -> ClinicSettings:
    """The settings an entry is checked with: those in force when it arrives, however long ago it happened."""
    return clinic.settings_at(now)
