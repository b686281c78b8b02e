"""Questions: asked, taken on, handed over, answered; settled, or not, by the patient's word alone."""

from datetime import datetime
from typing import Final, Literal

from services.intake.domain.triage import BY_A_HUMAN, TRIAGE, categorise, triage
from services.intake.domain.when import LONG_AGO, check_when
from shared.contracts import Question, QuestionAsked
from shared.contracts.base import Origin
from shared.contracts.clinics import ClinicSettings, Role
from shared.contracts.questions import Category, GivenAnswer, Handover, QuestionStatus, Triage
from shared.crisis_language import screen
from shared.errors import Problem

MOST_HANDOVERS: Final = 100
"""What a document holds; of more, the oldest are dropped."""
MOST_EARLIER: Final = 20
BY_TIME: Final = "rapport"
"""Who reassigns when a target time comes."""
Why = Literal["claimed", "handed_over", "half_target", "target", "recategorised", "reopened", "returned"]


def ask_question(
    *,
    question: str,
    clinic: str,
    patient: str,
    text: str,
    occurred_at: datetime,
    origin: Origin,
    now: datetime,
    settings: ClinicSettings,
    held: frozenset[Role],
) -> QuestionAsked:
    """The fact that a question was asked, screened and triaged. Its day is the date in `occurred_at`'s own offset.

    A question brought in from another system's past has no triage: nobody is late with it.
    held: the roles that somebody at the clinic has.
    """
    check_when(occurred_at, origin, now, pointer="/occurred_at")
    screening = screen(text)
    sorted_out = None
    if origin is not Origin.IMPORT:
        sorted_out = triage(categorise(text, screening), settings, now, held=held, by=TRIAGE)
    return QuestionAsked(
        clinic=clinic,
        patient=patient,
        question=question,
        text=text,
        occurred_at=occurred_at,
        local_day=occurred_at.date(),
        origin=origin,
        screening=screening,
        triage=sorted_out,
    )


def open_question(asked: QuestionAsked, recorded_at: datetime) -> Question:
    """The handling of a question nobody has touched yet."""
    return Question(
        clinic=asked.clinic,
        patient=asked.patient,
        question=asked.question,
        version=1,
        asked_at=asked.occurred_at,
        triage=asked.triage,
        updated_at=recorded_at,
    )


def answer_question(current: Question, *, text: str, by: str, now: datetime) -> Question:
    """The question answered. Raises Problem 409 where somebody was faster: what was read is not changed."""
    if current.status is not QuestionStatus.OPEN:
        raise Problem(
            409,
            "already_answered",
            f"This question is already {current.status}",
            "Read it first: an answer the patient may have seen is not changed. Say the rest when you next speak.",
        )
    answered = {"status": QuestionStatus.ANSWERED, "answer": text, "answered_by": by, "answered_at": now}
    return current.model_copy(update=answered)


def settle_question(current: Question, now: datetime, *, by: Literal["patient", "clinic"] = "patient") -> Question:
    """The question settled: the patient needs nothing more, with or without a written answer."""
    if current.status is QuestionStatus.SETTLED:
        return current
    return current.model_copy(update={"status": QuestionStatus.SETTLED, "settled_at": now, "settled_by": by})


def reopen_question(current: Question, again: Triage | None, now: datetime) -> Question:
    """The patient says that it is not settled: open once more, with a target of its own; the answer stays readable.

    again: the triage with times counted from now; None where the question never had one. An open one stays as it is.
    """
    if current.status is QuestionStatus.OPEN:
        return current
    earlier = current.earlier_answers
    if current.answer is not None:
        given = GivenAnswer(text=current.answer, by=current.answered_by or "", at=current.answered_at or now)
        earlier = [*earlier, given][-MOST_EARLIER:]
    update = {
        "status": QuestionStatus.OPEN,
        "answer": None,
        "answered_by": None,
        "answered_at": None,
        "settled_at": None,
        "settled_by": None,
        "earlier_answers": earlier,
        "triage": again,
    }
    return _handed(current.model_copy(update=update), current.assigned_to, by="patient", why="reopened", now=now)


def claim_question(current: Question, *, clinician: str, away: frozenset[str], now: datetime) -> Question:
    """The question taken on. Raises Problem 409 where somebody who is not away has it. away: who is on leave now."""
    _expect_open(current)
    holder = current.assigned_to
    if holder == clinician:
        return current
    if holder is not None and holder not in away:
        raise Problem(
            409,
            "already_claimed",
            f"{holder} has this question",
            "Ask them to hand it over (POST .../hand-over), or do it in their name: then the history says so.",
        )
    return _handed(current, clinician, by=clinician, why="claimed", now=now)


def hand_over(current: Question, *, to: str | None, by: str, note: str, now: datetime) -> Question:
    """The question given to a colleague, or back to everyone with the role (`to` None). Raises Problem 409."""
    _expect_open(current)
    if current.assigned_to == to:
        return current
    return _handed(current, to, by=by, why="returned" if to is None else "handed_over", now=now, note=note)


def recategorise(
    current: Question,
    category: Category,
    settings: ClinicSettings,
    *,
    received_at: datetime,
    held: frozenset[Role],
    by: str,
    now: datetime,
) -> Question:
    """The triage put right by a human: role and target follow, counted from when the question was received.

    Who has it keeps it, unless it belongs to another role now. Raises Problem 409.
    """
    _expect_open(current)
    if current.triage is not None and current.triage.category is category:
        return current
    right = triage(category, settings, received_at, held=held, by=BY_A_HUMAN)
    moved = current.triage is None or current.triage.role is not right.role
    changed = current.model_copy(update={"triage": right})
    return _handed(changed, None if moved else current.assigned_to, by=by, why="recategorised", now=now)


def reassign(current: Question, *, lead: str | None, now: datetime) -> Question:
    """What time does to an open question: at half of the target whoever has it loses it to everyone with the role; at
    the target it goes to the service lead (None: to everyone with the role).

    Safe to repeat, at any later time and by several at once: nothing is due twice, and who took it on after the time
    came keeps it.
    """
    if current.status is not QuestionStatus.OPEN or current.triage is None or current.deleted:
        return current
    last = current.handovers[-1].at if current.handovers else None
    due = current.triage
    if now >= due.target_at and (last is None or last < due.target_at):
        return _handed(current, lead, by=BY_TIME, why="target", now=now)
    held = current.assigned_to is not None
    if held and due.half_at <= now < due.target_at and (last is None or last < due.half_at):
        return _handed(current, None, by=BY_TIME, why="half_target", now=now)
    return current


def forget_question(current: Question) -> Question:
    """What is left of the handling of a question whose patient is deleted."""
    return Question(
        clinic=current.clinic,
        patient=current.patient,
        question=current.question,
        version=current.version,
        asked_at=LONG_AGO,
        status=QuestionStatus.SETTLED,
        updated_at=LONG_AGO,
    )


def _expect_open(current: Question) -> None:
    if current.status is not QuestionStatus.OPEN:
        raise Problem(
            409,
            "not_open",
            f"This question is already {current.status}",
            "There is nothing left to take on. If the patient says that it is not settled, POST .../reopen first.",
        )


def _handed(current: Question, to: str | None, *, by: str, why: Why, now: datetime, note: str = "") -> Question:
    step = Handover(at=now, to=to, by=by, why=why, note=note)
    handovers = [*current.handovers, step][-MOST_HANDOVERS:]
    return current.model_copy(update={"assigned_to": to, "handovers": handovers})
