"""Questions: asked, answered, settled."""

from datetime import datetime

from services.intake.domain.when import LONG_AGO, check_when
from shared.contracts import Question, QuestionAsked
from shared.contracts.base import Origin
from shared.contracts.questions import QuestionStatus
from shared.errors import Problem


def ask_question(
    *, question: str, clinic: str, patient: str, text: str, occurred_at: datetime, origin: Origin, now: datetime
) -> QuestionAsked:
    """The fact that a question was asked. Its day is the date in `occurred_at`'s own offset."""
    check_when(occurred_at, origin, now, pointer="/occurred_at")
    return QuestionAsked(
        clinic=clinic,
        patient=patient,
        question=question,
        text=text,
        occurred_at=occurred_at,
        local_day=occurred_at.date(),
        origin=origin,
    )


def open_question(asked: QuestionAsked, recorded_at: datetime) -> Question:
    """The handling of a question nobody has touched yet."""
    return Question(
        clinic=asked.clinic,
        patient=asked.patient,
        question=asked.question,
        version=1,
        asked_at=asked.occurred_at,
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


def settle_question(current: Question, now: datetime) -> Question:
    """The question settled: the patient needs nothing more, with or without a written answer."""
    if current.status is QuestionStatus.SETTLED:
        return current
    return current.model_copy(update={"status": QuestionStatus.SETTLED, "settled_at": now})


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
