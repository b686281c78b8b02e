"""What was asked of a patient and what came of it: on time, late, expired, still open; and whom to remind. Pure."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from services.mood.domain.timeline import Recorded
from shared.contracts import CheckInRecorded, Patient, QuestionnaireCompleted, ReminderDue
from shared.contracts.base import Origin
from shared.contracts.expected import LONGEST, Expected
from shared.contracts.patients import PatientStatus
from shared.contracts.protocols import CHECK_IN
from shared.schedule import Answer, Meeting, Occasion, answered

AHEAD: Final = timedelta(days=8)
"""How far ahead reminders are looked for; whoever has none in that time is looked at again after it."""
WEEK: Final = timedelta(days=7)
TOO_LATE: Final = 2 * LONGEST
"""So long after it was due an entry is still said to have come too late for an occasion."""
JUST_NOW: Final = timedelta(hours=1)
"""Nobody is reminded by hand of what they were reminded of so shortly before."""
_NAMESPACE: Final = UUID("c7a0f9d4-2b1e-5a67-8f39-0d5e2c41b6aa")


class Timing(StrEnum):
    """When an entry came, measured against an occasion. An expired one is no answer to it."""

    ON_TIME = "on_time"
    LATE = "late"
    EXPIRED = "expired"


class Became(StrEnum):
    """What became of an occasion."""

    COMING = "coming"
    DUE = "due"
    ON_TIME = "on_time"
    LATE = "late"
    EXPIRED = "expired"


class Mark(NamedTuple):
    """Which occasion an entry belongs to, and how."""

    occasion: Occasion
    timing: Timing


@dataclass(frozen=True, slots=True)
class Asked:
    """An occasion, what became of it by an instant, and its answer where it has one."""

    occasion: Occasion
    became: Became
    answer: Answer | None = None


class Completion(BaseModel):
    """Of what was asked in some time, how much was answered. What is still open and unanswered is left out."""

    model_config = ConfigDict(frozen=True)

    expected: int = Field(description="Occasions answered or expired.")
    on_time: int
    late: int
    expired: int = Field(description="Not answered before they expired.")
    share: float | None = Field(description="Answered among expected, 0 to 1, two decimals; null where none was.")


def answers_of(entries: Iterable[Recorded]) -> list[Answer]:
    """What entries answer: a check-in `check_in`, a questionnaire its instrument."""
    found = []
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, CheckInRecorded):
            found.append(Answer(fact.occurred_at, entry.id, CHECK_IN))
        elif isinstance(fact, QuestionnaireCompleted):
            found.append(Answer(fact.occurred_at, entry.id, fact.instrument))
    return found


def asked(known: Sequence[Occasion], entries: Iterable[Recorded], now: datetime) -> list[Asked]:
    """What became of occasions by `now`, in their order. entries: those that count, from the first occasion on."""
    matched = answered(known, answers_of(entries))
    found = []
    for one in known:
        answer = matched.get(one.id)
        if answer is not None:
            found.append(Asked(one, Became.ON_TIME if answer.at < one.late_from else Became.LATE, answer))
        elif one.due_at > now:
            found.append(Asked(one, Became.COMING))
        else:
            found.append(Asked(one, Became.DUE if now < one.expires_at else Became.EXPIRED))
    return found


def marks(known: Sequence[Occasion], entries: Iterable[Recorded]) -> dict[str, Mark]:
    """By entry the occasion it answers, on time or late; or the one it came too late for, before the next was due."""
    entries = list(entries)
    answers = answers_of(entries)
    matched = answered(known, answers)
    by_id = {one.id: one for one in known}
    found = {
        answer.id: Mark(by_id[name], Timing.ON_TIME if answer.at < by_id[name].late_from else Timing.LATE)
        for name, answer in matched.items()
    }
    said = set(matched)
    by_what: dict[str, list[Occasion]] = {}
    for one in sorted(known, key=lambda one: one.order):
        by_what.setdefault(one.asks, []).append(one)
    dues = {asks: [one.due_at for one in some] for asks, some in by_what.items()}
    for answer in sorted(answers):
        place = bisect_right(dues.get(answer.asks, ()), answer.at)
        if answer.id in found or place == 0 or by_what[answer.asks][place - 1].id in said:
            continue
        last = by_what[answer.asks][place - 1]
        if last.expires_at <= answer.at < last.due_at + TOO_LATE:
            found[answer.id] = Mark(last, Timing.EXPIRED)
            said.add(last.id)
    return found


def completion(known: Iterable[Asked], since: datetime | None = None) -> Completion:
    """How much was answered of what fell due from `since` on; of all of it where that is None."""
    counts = dict.fromkeys(Became, 0)
    for one in known:
        if since is None or one.occasion.due_at >= since:
            counts[one.became] += 1
    on_time, late, expired = counts[Became.ON_TIME], counts[Became.LATE], counts[Became.EXPIRED]
    expected = on_time + late + expired
    share = round((on_time + late) / expected, 2) if expected else None
    return Completion(expected=expected, on_time=on_time, late=late, expired=expired, share=share)


# --- reminders


class LeftOut(StrEnum):
    """Why somebody is not reminded."""

    NOT_KNOWN = "not_known"
    NOTHING_OPEN = "nothing_open"
    NOT_IN_CARE = "not_in_care"
    NO_CONSENT = "no_consent"
    WISHES_NO_REMINDERS = "wishes_no_reminders"
    WEEKLY_MOST_REACHED = "weekly_most_reached"
    REMINDED_JUST_NOW = "reminded_just_now"


class Reminded(NamedTuple):
    """A reminder that was given: its id, of which occasion, when it fell due."""

    id: str
    occasion: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder to be given now."""

    id: str
    fact: ReminderDue


def unwilling(patient: Patient, given: Iterable[Reminded], now: datetime) -> LeftOut | None:
    """Why a patient is not to be reminded at all; None where they may be. given: the reminders of the last week."""
    if patient.status is not PatientStatus.ACTIVE:
        return LeftOut.NOT_IN_CARE
    if not patient.consent_to_contact:
        return LeftOut.NO_CONSENT
    if not patient.contact.reminders:
        return LeftOut.WISHES_NO_REMINDERS
    if sum(now - WEEK < one.at for one in given) >= patient.contact.most_a_week:
        return LeftOut.WEEKLY_MOST_REACHED
    return None


def fallen_due(
    patient: Patient, expected: Expected, known: Iterable[Asked], given: Collection[Reminded], now: datetime
) -> list[Due]:
    """The reminders the protocols want given by `now` and that were not: of each open occasion the last to fall due.

    Of what has expired nobody is reminded, and one that was missed while nothing ran is not made up for by two at once.
    """
    found: list[Due] = []
    names = {one.id for one in given}
    for one in known:
        nth = sum(at <= now for at in one.occasion.reminders)
        if one.became is not Became.DUE or nth == 0:
            continue
        name = reminder_id(patient, one.occasion, str(nth))
        sent = [*given, *(Reminded(due.id, due.fact.occasion, now) for due in found)]
        if name not in names and unwilling(patient, sent, now) is None:
            at = one.occasion.reminders[nth - 1]
            found.append(Due(name, _fact(patient, expected, one.occasion, nth=nth, at=at)))
    return found


def asked_by_hand(
    patient: Patient, expected: Expected, known: Iterable[Asked], given: Collection[Reminded], now: datetime,
    *, call: str, by: str,
) -> Due | LeftOut:  # fmt: skip
    """One reminder somebody asked for, of the open occasion that expires first, or why there is none.

    call: the same for a retry, which gives the same reminder again.
    """
    open_ones = [one.occasion for one in known if one.became is Became.DUE]
    if not open_ones:
        return LeftOut.NOTHING_OPEN
    of_this_call = {reminder_id(patient, one, call): one for one in open_ones}
    again = next((one for one in given if one.id in of_this_call), None)
    occasion = of_this_call[again.id] if again else min(open_ones, key=lambda one: (one.expires_at, one.order))
    earlier = [one for one in given if one.id not in of_this_call]
    reason = unwilling(patient, earlier, now)
    if reason is not None:
        return reason
    of_it = [one for one in earlier if one.occasion == occasion.id]
    if again is None and any(now - one.at < JUST_NOW for one in of_it):
        return LeftOut.REMINDED_JUST_NOW
    at = again.at if again else now
    fact = _fact(patient, expected, occasion, nth=len(of_it) + 1, at=at, by=by)
    return Due(reminder_id(patient, occasion, call), fact)


def next_look(known: Iterable[Occasion], now: datetime) -> datetime:
    """When reminders may next fall due; known: the occasions up to `AHEAD` from now."""
    coming = [at for one in known for at in one.reminders if at > now]
    return min([*coming, now + WEEK])


def reminder_id(patient: Patient, occasion: Occasion, which: str) -> str:
    """The id of a reminder: the same whoever makes it, and however often."""
    return str(uuid5(_NAMESPACE, f"{patient.clinic}/{patient.patient}/{occasion.id}/{which}"))


def _fact(
    patient: Patient, expected: Expected, occasion: Occasion, *, nth: int, at: datetime, by: str | None = None
) -> ReminderDue:
    local = at.astimezone(expected.zone_at(at))
    return ReminderDue(
        clinic=patient.clinic,
        patient=patient.patient,
        occurred_at=local,
        local_day=local.date(),
        origin=Origin.LIVE,
        protocol=occasion.protocol,
        occasion=occasion.id,
        asks=occasion.asks,
        due_at=occasion.due_at,
        expires_at=occasion.expires_at,
        nth=nth,
        by=by,
    )


def look_back(expected: Expected, meetings: Collection[Meeting], now: datetime) -> list[Occasion]:
    """The occasions that may be open at `now`, and those of the time ahead."""
    return expected.between(now - LONGEST, now + AHEAD, meetings)
