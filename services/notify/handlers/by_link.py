"""The page behind a message's link: whose link it is, whether it still works, and what pressing its button does."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from services.notify.domain import FALLBACK, Link, is_system, latest_round, parse_link, used_by
from services.notify.handlers.deciding import BY_FALLBACK, BY_SYSTEM, Deciding
from services.notify.handlers.post import Post
from services.notify.store import Openings, Register
from shared.clock import Clock
from shared.contracts.alerts import Acknowledgement, Alert, AlertStatus, Via
from shared.contracts.clinics import Clinic
from shared.documents import Owned
from shared.errors import Problem, Recoverable


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page behind a link shows. used: what the link was used up with, where it was.

    state: taken: by whoever looks at it, just now; expired: nothing but the reference may be shown.
    """

    alert: Alert
    clinic: Clinic | None
    state: Literal["open", "taken", "acknowledged", "closed", "expired"]
    used: Acknowledgement | None = None


class ByLink:
    """Whoever has the link may say that they have the alert: once, and until it expires."""

    def __init__(
        self,
        *,
        alerts: Owned[Alert],
        register: Register,
        openings: Openings,
        deciding: Deciding,
        post: Post,
        clock: Clock,
    ) -> None:
        self._alerts, self._register, self._openings = alerts, register, openings
        self._deciding, self._post, self._clock = deciding, post, clock

    async def shown(self, text: str, *, opened: bool = False) -> Shown:
        """The alert behind a link. opened: the trail says so, if the store can; that never keeps the page away.

        Raises Problem 404, Recoverable.
        """
        link, alert, to = await self._linked(text)
        if opened:
            with suppress(Recoverable):
                await self._openings.note(alert.key, link.fingerprint, to, self._clock.now())
        return self._shown(alert, link)

    async def take(self, text: str) -> Shown:
        """The button on the page. A closed alert stays closed, and a link that was used or has expired does nothing.

        Raises Problem 404, Recoverable.
        """
        link, alert, to = await self._linked(text)
        before = self._shown(alert, link)
        if before.state != "open" or before.used is not None:
            return before
        by = BY_FALLBACK if to == FALLBACK else BY_SYSTEM if is_system(to) else to
        try:
            written = await self._deciding.acknowledge(alert, by=by, via=Via.LINK, link=link.fingerprint)
        except Problem:  # closed by somebody else meanwhile
            return await self.shown(text)
        after = self._shown(written.document, link)
        mine = after.state == "acknowledged" and after.used is not None
        return Shown(after.alert, after.clinic, "taken", after.used) if mine else after

    def _shown(self, alert: Alert, link: Link) -> Shown:
        clinic = self._post.clinics.clinic(alert.clinic)
        if link.until <= self._clock.now():
            return Shown(alert, clinic, "expired")
        return Shown(alert, clinic, _STATES[alert.status], used_by(alert, link.fingerprint))

    async def _linked(self, text: str) -> tuple[Link, Alert, str]:
        link = parse_link(text)
        keys = [] if link is None else await self._register.of_reference(link.reference)
        for alert in (await self._alerts.load_many(keys)).values() if link is not None else ():
            for to in self._post.recipients(alert.clinic, self._clock.now()):
                for number in range(latest_round(alert), 0, -1):
                    if link is not None and link.is_for(self._post.link_key, alert.key, to, number):
                        return link, alert, to
        raise Problem(
            404,
            "no_such_alert",
            "No such alert",
            "The link is not whole. Open it from the message, or call the clinic.",
        )


_STATES: dict[AlertStatus, Literal["open", "acknowledged", "closed"]] = {
    AlertStatus.OPEN: "open",
    AlertStatus.ACKNOWLEDGED: "acknowledged",
    AlertStatus.CLOSED: "closed",
}
