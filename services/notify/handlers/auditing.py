"""Who watches the sending: compares what should have been sent with what was, and sets what is late going again.

What it does to set something going is what the ordinary path would have done, and is safe to do twice.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

from services.notify.domain import Delivery, given_back
from services.notify.domain.audit import End, Finding, Wrong, audited, counted, end_of, rows_of, untold
from services.notify.handlers.dispatching import Dispatcher
from services.notify.handlers.handing_over import HandingOver
from services.notify.handlers.post import Post
from services.notify.handlers.reconciling import Reconciler
from services.notify.store import Deliveries, DueTimes, Register
from shared.bus.outcomes import describe
from shared.clock import Clock
from shared.contracts import Alert, Assessment, Patient
from shared.contracts.alerts import AlertStatus
from shared.documents import Mirror, Owned, Page
from shared.errors import Recoverable
from shared.logs import logger
from shared.metrics import AUDIT_FINDINGS, AUDIT_KICKS, AUDIT_LAST

log = logger(__name__)
EVERY: Final = timedelta(minutes=3)
UNTIL_CAUGHT_UP: Final = 2.0
"""Seconds between two looks."""
TOGETHER: Final = 200
SLICE: Final = 2_000
"""Assessments compared at one audit; the next one goes on behind them, and the night's goes through all."""
MOST_LISTED: Final = 200
REST: Final = 2.0
"""Seconds the audit rests for each second in which it read: what goes out has the store first."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What came of comparing a clinic's concerns with its alerts, and its alerts with their ends.

    concerns: with something to tell; evidence: pieces of it; ends: alerts by where they are; differences: at most 200.
    """

    at: datetime
    concerns: int
    evidence: int
    alerts: int
    ends: dict[End, int]
    found: dict[Wrong, int]
    differences: list[Finding]


class Auditor:
    """Looks at this replica's open alerts every few minutes, and at everybody's assessments slice by slice.

    Whoever was found untold is looked at again at every audit until that is mended, so that the figure pages.
    """

    def __init__(
        self,
        *,
        open_alerts: Iterable[Alert],
        alerts: Owned[Alert],
        assessments: Mirror[Assessment],
        patients: Mirror[Patient],
        register: Register,
        deliveries: Deliveries,
        due: DueTimes,
        reconciler: Reconciler,
        handing_over: HandingOver,
        dispatcher: Dispatcher,
        post: Post,
        clock: Clock,
    ) -> None:
        self._open_alerts, self._alerts = open_alerts, alerts
        self._assessments, self._patients, self._register = assessments, patients, register
        self._deliveries, self._due = deliveries, due
        self._dispatcher = dispatcher
        self._reconciler, self._handing_over, self._post, self._clock = reconciler, handing_over, post, clock
        self._after = ""
        self._wanting: set[str] = set()
        for wrong in Wrong:  # from zero on, or Prometheus does not see the first one as an increase
            AUDIT_KICKS.labels(wrong.value)
        self._reconciled_on: date | None = None

    async def run(self, caught_up: Callable[[], bool]) -> None:
        """Audit for ever, and once in a night through all clinics. While the store is away, the last time stands.

        caught_up: whether all there is was read; it begins when that was so once. Before that a store that was restored
        may lack alerts whose evidence was told long ago, and nobody may be told twice.
        """
        begun = False
        while True:
            begun = begun or caught_up()
            if not begun:
                await asyncio.sleep(UNTIL_CAUGHT_UP)
                continue
            try:
                await self.audit()
                await self._nightly()
            except Recoverable:
                log.warning("audit_put_off")
            except Exception as error:  # noqa: BLE001  a fault in the audit must not end it: its age pages
                log.error("audit_failed", reason=describe(error))  # noqa: TRY400  a trace may hold what was said
            await asyncio.sleep(EVERY.total_seconds())

    async def audit(self) -> list[Finding]:
        """Compare, set going what is late, and say what was found. Raises Recoverable."""
        found: list[Finding] = []
        for some in _batched([one.key for one in self._open_alerts]):
            found += await _paced(self._of_keys(some), REST)
        slice_ = await self._assessments.walk(after=self._after, limit=SLICE)
        self._after = slice_[-1].key if len(slice_) == SLICE else ""
        again = await self._assessments.get_many(self._wanting - {one.key for one in slice_})
        missing = await self._of_assessments([*slice_, *again.values()], REST)
        self._wanting = {finding.patient for finding in missing}
        found += missing
        for finding in found:
            await self._kick(finding)
        await self._reconciler.review(dict.fromkeys(finding.patient for finding in found))
        for wrong, number in counted(found).items():
            AUDIT_FINDINGS.labels(wrong.value).set(number)
        AUDIT_LAST.set(self._clock.now().timestamp())
        if found:
            log.warning("audit_found", **{wrong.value: number for wrong, number in counted(found).items()})
        return found

    async def reconciliation(self, clinic: str, *, rest: float = 0.0) -> Reconciliation:
        """Every concern has its alert, every alert its end: as it stands now, changing nothing. Raises Recoverable.

        rest: how long it rests for each second in which it read; nobody waits for the one at night.
        """
        concerns = evidence = 0
        found: list[Finding] = []
        after = ""
        while True:
            some = await _paced(self._assessments.walk(after=after, limit=SLICE, prefix=f"{clinic}/"), rest)
            concerns += sum(bool(concern.telling) for one in some for concern in one.concerns)
            evidence += sum(len(concern.telling) for one in some for concern in one.concerns)
            found += await self._of_assessments(some, rest)
            if len(some) < SLICE:
                break
            after = some[-1].key
        ends = dict.fromkeys(End, 0)
        cursor = None
        while True:
            page, differing = await _paced(self._of_page(clinic, cursor), rest)
            for alert in page.items:
                ends[end_of(alert)] += 1
            found += differing
            cursor = page.next
            if cursor is None:
                break
        return Reconciliation(
            at=self._clock.now(),
            concerns=concerns,
            evidence=evidence,
            alerts=sum(ends.values()),
            ends=ends,
            found=counted(found),
            differences=found[:MOST_LISTED],
        )

    async def _nightly(self) -> None:
        """Once a day (UTC), the whole of every clinic, in the log as counts; what is found is set going."""
        today = self._clock.now().date()
        if self._reconciled_on == today:
            return
        for clinic in self._post.clinics:
            result = await self.reconciliation(clinic.clinic, rest=REST)
            self._wanting |= {one.patient for one in result.differences if one.wrong is Wrong.UNTOLD}
            for finding in result.differences:
                await self._kick(finding)
            await self._reconciler.review(dict.fromkeys(finding.patient for finding in result.differences))
            ends = {f"alerts_{end.value}": number for end, number in result.ends.items()}
            found = {wrong.value: number for wrong, number in result.found.items()}
            log.info("reconciled", concerns=result.concerns, evidence=result.evidence, **ends, **found)
        self._reconciled_on = today

    async def _of_keys(self, alerts: Sequence[str]) -> list[Finding]:
        return await self._of_alerts(await self._alerts.load_many(alerts))

    async def _of_page(self, clinic: str, cursor: str | None) -> tuple[Page[Alert], list[Finding]]:
        page = await self._alerts.page(clinic, cursor=cursor, limit=TOGETHER)
        return page, await self._of_alerts({alert.key: alert for alert in page.items})

    async def _of_alerts(self, alerts: Mapping[str, Alert]) -> list[Finding]:
        """The rows are read right after the alerts, without a rest: the two must not have moved apart."""
        now = self._clock.now()
        mine = [alert for alert in alerts.values() if alert.status is not AlertStatus.CLOSED]
        rows = await self._deliveries.load_many(row for alert in mine for row in rows_of(alert, now))
        into = {row.held.into for row in rows.values() if row.held is not None}
        rows |= await self._deliveries.load_many(into) if into else {}
        times = {alert.clinic: self._post.working_time(alert.clinic, now) for alert in mine}
        return [finding for alert in mine for finding in audited(alert, rows, times[alert.clinic], now)]

    async def _of_assessments(self, assessments: Sequence[Assessment], rest: float) -> list[Finding]:
        now = self._clock.now()
        loud = {one.key: one for one in assessments if any(concern.telling for concern in one.concerns)}
        found: list[Finding] = []
        for some in _batched(list(loud)):
            found += await _paced(self._untold({name: loud[name] for name in some}, now), rest)
        return found

    async def _untold(self, loud: Mapping[str, Assessment], now: datetime) -> list[Finding]:
        keys = await self._register.of_patients(list(loud))
        patients = await self._patients.get_many(loud)
        alerts = await self._alerts.load_many((key for mine in keys.values() for key in mine), with_deleted=True)
        found: list[Finding] = []
        for name, assessment in loud.items():
            mine = [alerts[key] for key in keys.get(name, ()) if key in alerts]
            missing = untold(assessment, patients.get(name), mine, now)
            found += [Finding(Wrong.UNTOLD, name)] * bool(missing)
        return found

    async def _kick(self, finding: Finding) -> None:
        """Set going what its row alone can; the rest is the reconciler's."""
        now, row = self._clock.now(), finding.row
        AUDIT_KICKS.labels(finding.wrong.value).inc()
        if row is None:
            return
        self._dispatcher.look_again(row)
        match finding.wrong:
            case Wrong.OVERDUE:
                await self._due.mark(row, now)
            case Wrong.CANCELLED:
                await self._deliveries.change(row, lambda there: _revived(there, now))
            case Wrong.HELD_NOWHERE:
                await self._deliveries.change(row, lambda there: given_back(there, there.held.into, now)
                                              if there.held else None)  # fmt: skip
            case Wrong.UNSETTLED:
                there = (await self._deliveries.load_many([row])).get(row)
                if there is not None and there.done and there.handed_over and self._handing_over.may(there):
                    await self._handing_over.settle(there)


async def _paced(reading: Coroutine[Any, Any, T], rest: float) -> T:
    """What was read; it took as long as it did, and `rest` times that besides."""
    began = asyncio.get_running_loop().time()
    found = await reading
    await asyncio.sleep(rest * (asyncio.get_running_loop().time() - began))
    return found


def _batched(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + TOGETHER] for start in range(0, len(keys), TOGETHER))


def _revived(row: Delivery, now: datetime) -> Delivery | None:
    if not row.done or row.handed_over or row.held is not None:
        return None
    return row.model_copy(update={"done": False, "legs": (), "clinician": None, "look_at": now, "lease_until": None})
