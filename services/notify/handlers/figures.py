"""What each clinician carries: read from the alerts, the patients and the days' records when somebody asks."""

from collections import Counter
from datetime import timedelta
from typing import Final

from services.notify.domain import RISK_RULES
from services.notify.domain.load import Carried, Counts, carried
from services.notify.handlers.post import Post
from services.notify.store import Load
from shared.clock import Clock
from shared.contracts import Alert, Patient
from shared.contracts.patients import PatientStatus
from shared.documents import Mirror, Owned

TOGETHER: Final = 200
WALK: Final = 2_000


class Figures:
    """Reads, and changes nothing."""

    def __init__(
        self, *, alerts: Owned[Alert], patients: Mirror[Patient], load: Load, post: Post, clock: Clock
    ) -> None:
        self._alerts, self._patients, self._load = alerts, patients, load
        self._post, self._clock = post, clock

    def budget(self, clinic: str) -> int:
        """Messages that can wait, per clinician and day."""
        return self._post.fatigue(clinic, self._clock.now()).alert_budget

    async def of(self, clinic: str, weeks: int) -> list[Carried]:
        """A clinic's clinicians, the one with most alerts first. Raises Recoverable."""
        now = self._clock.now()
        since = now - timedelta(weeks=weeks)
        alerts: dict[str, list[Alert]] = {}
        cursor = None
        while True:
            page = await self._alerts.page(clinic, updated_since=since, cursor=cursor, limit=TOGETHER)
            for alert in page.items:
                alerts.setdefault(alert.clinician or "", []).append(alert)
            cursor = page.next
            if cursor is None:
                break
        patients = await self._of_whom(clinic)
        known = {who for who in self._post.clinics.clinicians_of(clinic) if self._post.holder(clinic, who)}
        everybody = sorted(known | {who for who in alerts if who})
        zone = self._post.working_time(clinic, now).zone
        days = [(now - timedelta(days=back)).astimezone(zone).date() for back in range(weeks * 7)]
        records = await self._load.of(clinic, everybody, days)
        counts: dict[str, Counts] = {}
        for (who, _), record in records.items():
            before = counts.get(who, Counts())
            counts[who] = Counts(
                before.messages + len(record.get("sent", ())),
                before.held + len(record.get("held", ())),
                before.over + len(record.get("over", ())),
            )
        every = [
            carried(
                who,
                alerts.get(who, ()),
                since=since,
                weeks=weeks,
                patients=patients[who],
                counts=counts.get(who, Counts()),
                risk=RISK_RULES,
            )
            for who in everybody
        ]
        return sorted(every, key=lambda one: (-one.alerts, one.clinician))

    async def _of_whom(self, clinic: str) -> Counter[str]:
        found: Counter[str] = Counter()
        after = ""
        while True:
            some = await self._patients.walk(after=after, limit=WALK, prefix=f"{clinic}/")
            found.update(
                one.clinician
                for one in some
                if one.clinician and not one.deleted and one.status is PatientStatus.ACTIVE
            )
            if len(some) < WALK:
                return found
            after = some[-1].key
