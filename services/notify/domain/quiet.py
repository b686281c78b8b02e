"""When somebody is not told what can wait, and how much of it they are told. What is held goes out in one digest.

An alert due at once passes by all of this. Nothing here drops anything: `hold` only says until when, and why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from services.notify.domain.deliveries import Delivery, Held, Item, Kind
from shared.contracts.base import Urgency
from shared.contracts.clinics import Clinician, Fatigue, QuietHours
from shared.contracts.escalation import Who
from shared.working_time import WEEKDAYS, WorkingTime

LONGEST: Final = timedelta(days=14)
"""Hours that let nothing through for so long hold nothing: nobody means that."""
_DAY: Final = timedelta(days=1)


Reason = Literal["quiet", "digest", "budget", "bundle"]


@dataclass(frozen=True, slots=True)
class Hold:
    """Until when, why in words for the trail, and in one for the figures."""

    until: datetime
    reason: Reason
    why: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What one clinician was sent today that could have waited: the rows, and when the last one went."""

    rows: frozenset[str] = frozenset()
    last: datetime | None = None


def quiet_until(clinician: Clinician, zone: ZoneInfo, at: datetime) -> datetime | None:
    """The end (UTC) of the quiet time that an aware instant lies in, by the clinician's own clock; None outside of it.

    zone: the clinic's, for who has none of their own. A time of day that the clocks leave out falls an hour later, one
    they pass twice is meant the first time. None too where nothing would get through for two weeks.
    """
    own = ZoneInfo(clinician.zone) if clinician.zone else zone
    until = at
    while until - at < LONGEST:
        later = max(_ends(clinician, own, until), default=until)
        if later <= until:
            return until.astimezone(UTC) if until > at else None
        until = later
    return None


def _ends(clinician: Clinician, zone: ZoneInfo, at: datetime) -> Iterator[datetime]:
    today = at.astimezone(zone).date()
    for quiet in clinician.quiet:
        for day in (today - _DAY, today):
            if WEEKDAYS[day.weekday()] in quiet.days:
                since, until = _span(quiet, zone, datetime.combine(day, quiet.starts))
                if since <= at < until:
                    yield until
    if clinician.working_hours:
        yield WorkingTime(zone, clinician.working_hours).next_open(at)


def _span(quiet: QuietHours, zone: ZoneInfo, begins: datetime) -> tuple[datetime, datetime]:
    day = begins.date() if quiet.ends > quiet.starts else begins.date() + _DAY
    ends = datetime.combine(day, quiet.ends)
    return begins.replace(tzinfo=zone).astimezone(UTC), ends.replace(tzinfo=zone).astimezone(UTC)


def hold(
    delivery: Delivery,
    clinician: Clinician,
    fatigue: Fatigue,
    working_time: WorkingTime,
    now: datetime,
    *,
    risk: bool,
    deadline: datetime,
    sent: Sent,
) -> Hold | None:
    """Whether a message that is due now waits; None where it goes out.

    risk: it tells of a risk alert, which no budget, bundle or digest puts off, and no quiet time beyond its deadline.
    """
    if delivery.urgency is Urgency.AT_ONCE or delivery.kind is Kind.AGAIN:
        return None
    quiet = quiet_until(clinician, working_time.zone, now)
    if quiet is not None:
        held = Hold(quiet, "quiet", "held: the recipient's quiet or non-working hours")
        return None if risk and quiet > deadline else held
    if risk or delivery.kind is not Kind.MESSAGE or delivery.id in sent.rows:
        return None
    found = _put_off(clinician, fatigue, working_time, now, sent)
    if found is None:
        return None
    until = quiet_until(clinician, working_time.zone, found.until) or found.until
    return Hold(until, found.reason, found.why)


def _put_off(
    clinician: Clinician, fatigue: Fatigue, working_time: WorkingTime, now: datetime, sent: Sent
) -> Hold | None:
    if (clinician.low_priority or fatigue.low_priority) == "digest":
        return Hold(working_time.next_morning(now), "digest", "held: what can wait comes in the morning's digest")
    if len(sent.rows) >= fatigue.alert_budget:
        why = f"held: {fatigue.alert_budget} messages that could wait had gone to the recipient that day"
        return Hold(working_time.next_morning(now), "budget", why)
    if sent.last is not None and fatigue.bundle_minutes:
        until = sent.last + timedelta(minutes=fatigue.bundle_minutes)
        if until > now:
            return Hold(until, "bundle", "held: put together with others that fell due within minutes")
    return None


def later_digest_id(clinic: str, clinician: str, at: datetime) -> str:
    """The row of a clinician's digest at another time than the clinic's opening (to the second)."""
    return f"digest/{clinic}/{clinician}/{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def holdable(delivery: Delivery) -> str | None:
    """The clinician whose quiet hours may hold a row: it is planned for them, and was not tried yet. A clinic's systems
    have none."""
    gathered = any(item.origin for item in delivery.items)
    exempt = delivery.urgency is Urgency.AT_ONCE or delivery.kind is Kind.HOOK
    if delivery.done or exempt or gathered or any(leg.tries for leg in delivery.legs):
        return None
    return next((leg.to for leg in delivery.legs if not leg.to_fallback), None)


def held_items(delivery: Delivery) -> tuple[Item, ...]:
    """What a digest lists of a row that goes into it."""
    more = {
        "origin": delivery.id,
        "was": delivery.kind,
        "step": delivery.step,
        "follows": delivery.who is Who.CLINICIAN and delivery.kind is not Kind.ESCALATION,
    }
    return tuple(item.model_copy(update=more) for item in delivery.items)


def moved(delivery: Delivery, held: Held) -> Delivery:
    """The row as it is left once its items stand in a digest."""
    return delivery.model_copy(update={"held": held, "legs": (), "done": True, "lease_until": None})


def given_back(delivery: Delivery, into: str, now: datetime) -> Delivery | None:
    """A held row, to be planned anew; None where it is not held in that digest."""
    if delivery.held is None or delivery.held.into != into:
        return None
    return delivery.model_copy(update={"held": None, "done": False, "look_at": now, "clinician": None})
