"""Messages to patients: whether one may be sent now, later or never, and what follows from each try.

A patient's letters stand in one document, so that whoever claims one sees all of them: what was sent in any seven days
is counted in the same compare-and-set that takes the next one. Everything here is pure.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from services.notify.domain.deliveries import LEASE, Channel, Outcome, Result
from shared.contracts.letters import MOST_LETTERS, Letter, LetterKind, LetterState, LetterTry, PatientLetters
from shared.contracts.patients import Patient, PatientStatus
from shared.contracts.questions import Question, QuestionStatus
from shared.contracts.reminders import ReminderDue

WEEK: Final = timedelta(days=7)
NEWS: Final = timedelta(hours=24)
"""An answer that is older than this when notify first hears of it is not written about: it is no news."""
ANSWER_KEPT: Final = timedelta(days=3)
"""How long it is tried to tell of an answer; a link to it is good for as long."""
KEPT: Final = timedelta(days=90)
KEPT_TRIES: Final = 30
UNKNOWN_AGAIN: Final = timedelta(minutes=1)
"""When to look again for a patient whose document is on its way."""
FIRST_RETRY: Final = timedelta(seconds=5)
LAST_RETRY: Final = timedelta(minutes=15)
CHECK_IN: Final = "check_in"
_LETTERS: Final = uuid.UUID("6a0d7a0e-50a4-5b0c-9f6e-0b5f3f6f3a51")

LATE: Final = "it came too late"
ERASED: Final = "the patient was removed"
DECEASED: Final = "the patient has died"
DISCHARGED: Final = "the patient is discharged"
NO_CONSENT: Final = "the patient has not agreed to be written to"
NO_REMINDERS: Final = "the patient wishes no reminders"
MOST_REACHED: Final = "the patient got as many in seven days as they wish"
NO_ADDRESS: Final = "there is no address that the patient wishes to be written to at"
STOPPED: Final = "the number's owner asked for no more texts (STOP)"
REFUSED: Final = "the address was refused for good"
QUIET: Final = "it waits for the end of the patient's quiet hours"
UNKNOWN: Final = "it waits for the patient's document"
TRIED: Final = "it is tried again"
SUPERSEDED: Final = "no longer needed: the question went on"


@dataclass(frozen=True, slots=True)
class Now:
    """It may be sent, by this channel."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class Later:
    """Not before `at`."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Never:
    """Not at all."""

    why: str


Verdict: TypeAlias = Now | Later | Never


@dataclass(frozen=True, slots=True)
class Situation:
    """What a verdict needs to know. stopped: the mobile's owner said STOP. channels: those that are set up."""

    patient: Patient | None
    zone: ZoneInfo
    stopped: bool
    channels: Collection[Channel]


# --- what there is to write about -------------------------------------------------------------------------------------


def reminder_letter(reminder: ReminderDue, fact: str, now: datetime) -> Letter | None:
    """The letter of a reminder, `fact` being its event's id; None where it came too late to be sent."""
    if now >= reminder.expires_at:
        return None
    return Letter(
        letter=fact,
        kind=LetterKind.CHECK_IN if reminder.asks == CHECK_IN else LetterKind.QUESTIONNAIRE,
        about=reminder.occasion,
        queued_at=now,
        look_at=now,
        expires_at=reminder.expires_at,
        answer_by=reminder.expires_at,
    )


def answer_letter(question: Question, now: datetime) -> Letter | None:
    """The letter of an answer; None where there is none to tell of, or it is no news any more."""
    at = question.answered_at
    if question.deleted or question.status is not QuestionStatus.ANSWERED or at is None or now - at > NEWS:
        return None
    return Letter(
        letter=f"{question.question}/answered/{at.astimezone(UTC).isoformat()}",
        kind=LetterKind.ANSWER,
        about=question.question,
        basis=question.version,
        queued_at=now,
        look_at=now,
        expires_at=at + ANSWER_KEPT,
        answer_by=at + ANSWER_KEPT,
    )


def with_letters(known: PatientLetters, new: Iterable[Letter], now: datetime) -> PatientLetters:
    """With letters that were not known; those known stay as they are. What is long over is forgotten."""
    there = {letter.letter for letter in known.letters}
    added = [letter for letter in {one.letter: one for one in new}.values() if letter.letter not in there]
    if not added:
        return known
    return known.model_copy(update={"letters": _kept([*known.letters, *added], now)})


def _kept(letters: list[Letter], now: datetime) -> list[Letter]:
    """Nothing goes that could come again or counts for the week; of the rest the newest."""
    needed = {one.letter for one in letters if not one.finished or now < one.expires_at + 2 * WEEK}
    recent = [one for one in letters if one.letter in needed or now - one.queued_at < KEPT]
    spare = [one.letter for one in recent if one.letter not in needed]
    gone = set(spare[: max(0, len(recent) - MOST_LETTERS)])
    return [one for one in recent if one.letter not in gone][-MOST_LETTERS:]


def overtaken(known: PatientLetters, questions: Iterable[Question]) -> PatientLetters:
    """Without the letters that wait about answers which are settled or asked about again by now."""
    newer = {one.question: one.version for one in questions if one.status is not QuestionStatus.ANSWERED}
    letters = [
        closed(one, SUPERSEDED)
        if one.state is LetterState.WAITING and one.basis and newer.get(one.about, 0) > one.basis
        else one
        for one in known.letters
    ]
    return known.model_copy(update={"letters": letters})


# --- may it be sent ---------------------------------------------------------------------------------------------------


def verdict(letter: Letter, letters: Iterable[Letter], situation: Situation, now: datetime) -> Verdict:
    """Whether a letter may be sent now, later or never. `letters`: all of the patient's."""
    patient = situation.patient
    if now >= letter.expires_at:
        return Never(f"{LATE}: {letter.why}" if letter.why in (QUIET, UNKNOWN, TRIED) else LATE)
    if patient is None:
        return Later(min(now + UNKNOWN_AGAIN, letter.expires_at), UNKNOWN)
    unwelcome = _unwelcome(letter, letters, patient, now)
    channel = Never(unwelcome) if unwelcome is not None else _channel(letter, patient, situation)
    if isinstance(channel, Never):
        return channel
    wishes = patient.contact
    until = quiet_until(now, wishes.quiet_from, wishes.quiet_until, situation.zone)
    if until is not None:
        return Later(min(until, letter.expires_at), QUIET)
    return Now(channel)


def _unwelcome(letter: Letter, letters: Iterable[Letter], patient: Patient, now: datetime) -> str | None:
    """Why the patient is not written to; who is discharged still hears of answers."""
    wishes, reminder = patient.contact, letter.kind is not LetterKind.ANSWER
    reasons = {
        ERASED: patient.deleted,
        DECEASED: patient.status is PatientStatus.DECEASED,
        DISCHARGED: reminder and patient.status is PatientStatus.DISCHARGED,
        NO_CONSENT: not patient.consent_to_contact,
        NO_REMINDERS: reminder and not wishes.reminders,
        MOST_REACHED: reminder and sent_since(letters, now - WEEK, but=letter.letter) >= wishes.most_a_week,
    }
    return next((why for why, holds in reasons.items() if holds), None)


def _channel(letter: Letter, patient: Patient, situation: Situation) -> Channel | Never:
    """By the patient's wish alone; without one, an SMS first and else an e-mail."""
    wish = patient.contact.channel
    wanted = (Channel.SMS, Channel.EMAIL) if wish is None else (wish,)
    have = [one for one in wanted if address_of_patient(patient, one) is not None and one in situation.channels]
    open_to = [one for one in have if one is not Channel.SMS or not situation.stopped]
    left = [one for one in open_to if one not in letter.refused]
    if left:
        return left[0]
    if open_to:
        return Never(REFUSED)
    return Never(STOPPED if have else NO_ADDRESS)


def address_of_patient(patient: Patient, channel: Channel) -> str | None:
    """Where a patient is written to by a channel."""
    return patient.mobile if channel is Channel.SMS else patient.email if channel is Channel.EMAIL else None


def sent_since(letters: Iterable[Letter], since: datetime, *, but: str) -> int:
    """How many reminders were sent, may have been, or are on their way, after an instant; `but` is left out."""
    reminders = (one for one in letters if one.kind is not LetterKind.ANSWER and one.letter != but)
    return sum(1 for one in reminders if (at := _last_gone(one)) is not None and at > since)


def _last_gone(letter: Letter) -> datetime | None:
    """When it was last sent, or may have been."""
    gone = [one.at for one in letter.tries if one.outcome in (Outcome.ACCEPTED, Outcome.UNSURE)]
    if letter.state is LetterState.SENDING and letter.lease_until is not None:
        gone.append(letter.lease_until - LEASE)
    return max(gone, default=letter.sent_at)


def quiet_until(now: datetime, begins: time, ends: time, zone: ZoneInfo) -> datetime | None:
    """When the patient's quiet hours end, where it is them now; None where it is not. begins = ends: there are none.

    What counts is the wall clock there, on the nights it is put forward or back too.
    """
    if not _is_quiet(now, begins, ends, zone):
        return None
    today = now.astimezone(zone).date()
    candidates = [
        datetime.combine(today + timedelta(days=ahead), ends, zone).replace(fold=fold).astimezone(UTC)
        for ahead in (0, 1, 2)
        for fold in (0, 1)
    ]
    return min(at for at in candidates if at > now and not _is_quiet(at, begins, ends, zone))


def _is_quiet(at: datetime, begins: time, ends: time, zone: ZoneInfo) -> bool:
    wall = at.astimezone(zone).time().replace(fold=0)
    if begins <= ends:
        return begins <= wall < ends
    return wall >= begins or wall < ends


# --- its life ---------------------------------------------------------------------------------------------------------


def next_look(letter: Letter) -> datetime:
    """When somebody should look at it: when it is due, or the lease on it ends."""
    return letter.look_at if letter.lease_until is None else max(letter.look_at, letter.lease_until)


def taken_up(letter: Letter, letters: Iterable[Letter], situation: Situation, now: datetime) -> Letter | None:
    """The letter as whoever looks at it leaves it: claimed, put off or closed; None where it is not due or another's.

    One whose claimer was not heard of again may have gone.
    """
    if letter.finished or next_look(letter) > now:
        return None
    if letter.state is LetterState.SENDING:
        lost = LetterTry(at=_claimed_at(letter), channel=letter.channel, outcome=Outcome.UNSURE, code="no word of it")
        letter = _with_try(letter, lost)
    found = verdict(letter, letters, situation, now)
    match found:
        case Now(channel=channel):
            claimed = {"state": LetterState.SENDING, "channel": channel, "lease_until": now + LEASE}
            return letter.model_copy(update=claimed | {"why": None, "look_at": now})
        case Later(at=at, why=why):
            return _waiting(letter, at, why)
        case Never(why=why):
            return closed(letter, why)


def _claimed_at(letter: Letter) -> datetime:
    return (letter.lease_until or letter.look_at) - LEASE


def _waiting(letter: Letter, at: datetime, why: str) -> Letter:
    update = {"state": LetterState.WAITING, "look_at": at, "lease_until": None, "why": why}
    return letter.model_copy(update=update)


def given_back(letter: Letter, found: Verdict, now: datetime) -> Letter:
    """A claimed letter that may no longer go as it was claimed: nothing was handed over."""
    match found:
        case Never(why=why):
            return closed(letter, why)
        case Later(at=at, why=why):
            return _waiting(letter, at, why)
        case Now():
            return _waiting(letter, now, TRIED)


def closed(letter: Letter, why: str) -> Letter:
    """It will not be sent any more."""
    return letter.model_copy(update={"state": LetterState.NOT_SENT, "why": why, "lease_until": None})


def _with_try(letter: Letter, tried: LetterTry) -> Letter:
    return letter.model_copy(update={"tries": [*letter.tries, tried][-KEPT_TRIES:]})


def after_try(letter: Letter, channel: Channel, result: Result, now: datetime, jitter: float) -> Letter:
    """The letter after a hand-over came back; jitter in [0, 1). What was sent stays sent."""
    tried = LetterTry(
        at=now, channel=channel, outcome=result.outcome, code=result.code[:100], provider=result.provider[:40]
    )
    after = _with_try(letter, tried)
    if result.outcome is Outcome.ACCEPTED:
        taken = {"sent_at": letter.sent_at or now, "provider": result.provider[:40], "channel": channel}
        after = after.model_copy(update=taken)
        if channel in after.refused:  # a receipt that said so was faster than the provider's answer
            return _waiting(after, now, TRIED)
        return after.model_copy(update={"state": LetterState.SENT, "lease_until": None, "why": None})
    if letter.state is not LetterState.SENDING:
        return after
    if result.outcome is Outcome.PERMANENT:
        refused = list(dict.fromkeys([*letter.refused, channel]))
        return _waiting(after.model_copy(update={"refused": refused}), now, TRIED)
    if result.another:
        return _waiting(after, now, TRIED)
    pause = min(FIRST_RETRY * 2 ** min(len(after.tries) - 1, 12), LAST_RETRY) * (1 + jitter / 4)
    return _waiting(after, now + max(pause, result.retry_after or timedelta(0)), TRIED)


def after_word(letter: Letter, channel: Channel, receipt: str, *, arrived: bool, failed: bool, now: datetime) -> Letter:
    """The letter after a receipt for what went by a channel. failed: for good, and not by another channel since.

    Whatever is heard twice or late ends the same: a letter that arrived has arrived.
    """
    if arrived:
        return letter.model_copy(update={"delivered_at": letter.delivered_at or now, "receipt": receipt[:40]})
    if letter.delivered_at is not None:
        return letter
    heard = letter.model_copy(update={"receipt": receipt[:40]})
    if not failed or channel in letter.refused:
        return heard
    heard = heard.model_copy(update={"refused": [*letter.refused, channel]})
    return _waiting(heard, now, TRIED) if letter.state is LetterState.SENT and letter.channel is channel else heard


def replaced(known: PatientLetters, letter: Letter) -> PatientLetters:
    """The patient's letters with one as it is now."""
    letters = [letter if one.letter == letter.letter else one for one in known.letters]
    return known.model_copy(update={"letters": letters})


def silenced(known: PatientLetters) -> PatientLetters:
    """What is left when a patient was removed: whose it was, no more."""
    return known.model_copy(update={"letters": []})


def letter_token(key: str, letter: str, channel: Channel) -> str:
    """What providers know a letter by: the same for every try by one channel, and nothing of the patient."""
    return str(uuid.uuid5(_LETTERS, f"{key}/{letter}/{channel}"))
