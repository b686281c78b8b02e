"""One round: a synthetic patient's risk answer goes the way every patient's goes, until its alert was handed over."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx

CLINICIAN: Final = "watch"
LOOK_EVERY: Final = 0.5
"""Seconds between two looks at the alert."""
ITEMS: Final = (1, 1, 1, 1, 1, 1, 1, 0, 3)
"""A PHQ-9 whose last item is answered 3: told at once, by every clinic's rules."""
SYNTHETIC: Final = "synthetic-"
"""What the names of the watch's patients begin with."""
REFUSED: Final = (
    "the watch's token was refused. Put a fresh one into the file that WATCH_TOKEN_FILE names; alerts may be well"
)
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class RoundFailed(Exception):  # noqa: N818  it is what happened
    """The alert did not come about, and where it got stuck; nothing of anybody, there is nobody."""


@dataclass(frozen=True, slots=True)
class Told:
    """A good round: how long it took from posting to the provider's word, in seconds."""

    seconds: float


class SyntheticClinic:
    """A tenant of its own, with one clinician whose address is a sink, and a new patient each day."""

    def __init__(
        self,
        *,
        http: httpx.AsyncClient,
        sink: str,
        within: float,
        token: Callable[[], str] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """http: with the gateway's base URL, and the tenant's token unless `token` gives that for each round."""
        self._http, self._sink, self._within = http, sink, within
        self._now, self._pause, self._token = now, pause, token
        self._patient: str | None = None

    async def round(self) -> Told:
        """Make an alert end to end, and close it. Raises RoundFailed."""
        try:
            return await self._round()
        except httpx.HTTPError as error:
            raise RoundFailed(f"the gateway did not answer: {type(error).__name__}") from error
        except (LookupError, TypeError, AttributeError) as error:
            raise RoundFailed(f"the gateway's answer lacks what it should hold: {type(error).__name__}") from error

    async def _round(self) -> Told:
        self._take_token()
        await self._set_up()
        await self._close_what_is_left()
        began = time.monotonic()
        await self._ask(
            "POST",
            "/v1/questionnaires",
            {
                "patient": self._patient,
                "instrument": "phq9",
                "items": {str(number): value for number, value in enumerate(ITEMS, 1)},
                "occurred_at": self._now().isoformat(),
                "origin": "live",
            },
        )
        stuck = "no alert was opened"
        while time.monotonic() - began < self._within:
            for alert in await self._open(f"&patient={self._patient}"):
                if alert["rule"] != "risk_item":
                    continue
                stuck = "the alert was opened, and not handed over"
                trail = await self._ask("GET", f"/v1/alerts/{alert['alert']}")
                if any(one["what"] == "accepted_by_provider" for one in trail["life"]):
                    seconds = time.monotonic() - began
                    await self._close(alert["alert"])
                    return Told(seconds)
            await self._pause(LOOK_EVERY)
        raise RoundFailed(f"{stuck} within {self._within:.0f} s")

    def _take_token(self) -> None:
        """Anew for each round: tokens expire, and whoever makes them puts the next one into the file."""
        if self._token is None:
            return
        try:
            self._http.headers["Authorization"] = f"Bearer {self._token()}"
        except (OSError, ValueError) as error:
            raise RoundFailed(f"the watch's token cannot be read: {type(error).__name__}") from error

    async def _set_up(self) -> None:
        """The clinic, and today's patient: the same again changes nothing, a clinic that was lost is there again."""
        today = f"{SYNTHETIC}{self._now():%Y-%m-%d}"
        if today == self._patient:
            return
        contact = {"name": "Watch", "email": self._sink}
        await self._ask(
            "PUT",
            "/v1/clinic",
            {
                "name": "Synthetic clinic of the watch",
                "zone": "UTC",
                "working_hours": {day: ["00:00", "23:59"] for day in DAYS},
                "rule_set": {"base": "starter"},
                "fallback_contact": contact,
            },
        )
        clinician = {"name": "Watch", "email": self._sink, "channels": ["email"]}
        await self._ask("PUT", f"/v1/clinicians/{CLINICIAN}", clinician)
        await self._ask("PUT", f"/v1/patients/{today}", {"name": "Synthetic Patient", "clinician": CLINICIAN})
        if self._patient is not None:
            gone = {"name": "Synthetic Patient", "clinician": CLINICIAN, "status": "discharged"}
            await self._ask("PUT", f"/v1/patients/{self._patient}", gone)
        self._patient = today

    async def _close_what_is_left(self) -> None:
        """What earlier rounds left open, of whichever day, so that this one's alert is its own and none escalates for
        ever. Only the watch's own patients': with another clinic's token by mistake it closes nothing."""
        closed: set[str] = set()
        while left := [one for one in await self._open() if one["alert"] not in closed]:
            for alert in left:
                await self._close(alert["alert"])
                closed.add(alert["alert"])

    async def _open(self, narrower: str = "") -> list[Mapping[str, Any]]:
        """The first page of the open alerts of the watch's patients."""
        found = await self._ask("GET", f"/v1/alerts?status=open{narrower}")
        items: list[Mapping[str, Any]] = found["items"]
        return [alert for alert in items if alert["patient"].startswith(SYNTHETIC)]

    async def _close(self, alert: str) -> None:
        note = {"disposition": "not_applicable", "note": "A round of the watch.", "by": CLINICIAN}
        await self._ask("POST", f"/v1/alerts/{alert}/close", note)

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
        answer = await self._http.request(method, path, json=body, headers=headers)
        asked = f"{method} {path.partition('?')[0].split('/')[2]} was answered"
        if answer.status_code >= 400:
            why = f": {REFUSED}" if answer.status_code == httpx.codes.UNAUTHORIZED else ""
            raise RoundFailed(f"{asked} {answer.status_code}{why}")
        try:
            return answer.json()
        except ValueError as error:
            raise RoundFailed(f"{asked} {answer.status_code} and no JSON: something else answers for it") from error
