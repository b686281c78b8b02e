"""/v1/questions/{question}/...: what the care team and the patient do about a question."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field, StringConstraints

from services.intake.api.parts import (
    OneLine,
    QuestionId,
    RawBody,
    TheInbox,
    answers,
    decision,
    told,
)
from services.intake.api.questions import CaughtUp, QuestionReply
from shared.auth import Caller
from shared.contracts.base import Id
from shared.contracts.questions import Category
from shared.runtime import Body, IdempotencyKey, Patients, caller_with, problems

router = APIRouter(tags=["questions"])
Somebody = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), OneLine]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class AnswerBody(Body):
    """The care team's answer."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Yes, for many people. Tell us on Monday.", "by": "priya"}]}
    )

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)] = Field(
        description="1 to 4000 characters."
    )
    by: Somebody | None = Field(default=None, description="Who answers; default: the token's client.")


@router.post("/v1/questions/{question}/answer", operation_id="answer_question", summary="Answer a question",
             responses=answers(QuestionReply, 200) | problems(400, 404, 409, 410))  # fmt: skip
async def answer_question(
    *,
    question: QuestionId,
    body: AnswerBody,
    inbox: TheInbox,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    _: CaughtUp,
    caller: Caller = caller_with("patients:write"),
) -> QuestionReply:
    """Once: what the patient may have read is not changed."""
    asked, written = await inbox.answer(
        caller.clinic,
        question,
        text=body.text,
        by=body.by or caller.client,
        idempotency=decision(caller, f"POST /v1/questions/{question}/answer", key, raw),
    )
    told(response, written.position)
    return QuestionReply.of(asked, written.document, inbox, caller)


class ClaimBody(Body):
    """Somebody takes a question on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"clinician": "priya"}]})

    clinician: Id = Field(description="Who takes it on: one of the clinic's clinicians.")


@router.post("/v1/questions/{question}/claim", operation_id="claim_question", summary="Take a question on",
             responses=answers(QuestionReply, 200) | problems(400, 404, 409, 410))  # fmt: skip
async def claim_question(
    *,
    question: QuestionId,
    body: ClaimBody,
    inbox: TheInbox,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    _: CaughtUp,
    caller: Caller = caller_with("patients:write"),
) -> QuestionReply:
    """Refused (409) where somebody who is not on leave has it: they hand it over. At half of the target time it goes
    back to everyone with the role, unless it is answered by then."""
    asked, written = await inbox.claim(
        caller.clinic,
        question,
        clinician=body.clinician,
        idempotency=decision(caller, f"POST /v1/questions/{question}/claim", key, raw),
    )
    told(response, written.position)
    return QuestionReply.of(asked, written.document, inbox, caller)


class HandOverBody(Body):
    """A question goes to a colleague, or back to everyone with the role."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"clinician": "lee", "by": "priya", "note": "Asked about the dose; I have not replied yet."}]
        }
    )

    clinician: Id | None = Field(description="Who gets it; null: back to everyone with the role.")
    by: Somebody | None = Field(default=None, description="Who hands it over; default: the token's client.")
    note: Note = Field(default="", description="What the next one should know, up to 500 characters.")


@router.post("/v1/questions/{question}/hand-over", operation_id="hand_over_question", summary="Hand a question over",
             responses=answers(QuestionReply, 200) | problems(400, 404, 409, 410))  # fmt: skip
async def hand_over_question(
    *,
    question: QuestionId,
    body: HandOverBody,
    inbox: TheInbox,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    _: CaughtUp,
    caller: Caller = caller_with("patients:write"),
) -> QuestionReply:
    """Its target stays what it was. The note stands in the history of the question, for the care team."""
    asked, written = await inbox.hand_over(
        caller.clinic,
        question,
        to=body.clinician,
        by=body.by or caller.client,
        note=body.note,
        idempotency=decision(caller, f"POST /v1/questions/{question}/hand-over", key, raw),
    )
    told(response, written.position)
    return QuestionReply.of(asked, written.document, inbox, caller)


class CategoryBody(Body):
    """What a question is really about."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"category": "medication", "by": "priya"}]})

    category: Category
    by: Somebody | None = Field(default=None, description="Who says so; default: the token's client.")


@router.post("/v1/questions/{question}/category", operation_id="recategorise_question",
             summary="Put right what a question is about",
             responses=answers(QuestionReply, 200) | problems(400, 404, 409, 410))  # fmt: skip
async def recategorise_question(
    *,
    question: QuestionId,
    body: CategoryBody,
    inbox: TheInbox,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    _: CaughtUp,
    caller: Caller = caller_with("patients:write"),
) -> QuestionReply:
    """Role and target follow, the target counted from when the question was received. What the screen found stays."""
    asked, written = await inbox.recategorise(
        caller.clinic,
        question,
        category=body.category,
        by=body.by or caller.client,
        idempotency=decision(caller, f"POST /v1/questions/{question}/category", key, raw),
    )
    told(response, written.position)
    return QuestionReply.of(asked, written.document, inbox, caller)


class SettleBody(Body):
    """Nothing more is needed, by the patient's word."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    said_by: Literal["patient", "clinic"] = Field(
        default="patient", description="`clinic`: the patient said so in the room, and the clinic writes it down."
    )


@router.post("/v1/questions/{question}/settle", operation_id="settle_question", summary="Settle a question",
             responses=answers(QuestionReply, 200) | problems(400, 404, 410))  # fmt: skip
async def settle_question(
    *,
    question: QuestionId,
    inbox: TheInbox,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    _: CaughtUp,
    body: SettleBody | None = None,
    caller: Caller = caller_with("entries:write", Patients.BY_ID),
) -> QuestionReply:
    """The patient needs nothing more, with or without a written answer. The body may be empty.

    Only the patient's word settles a question: an answer alone leaves it for the next session to ask about.
    """
    asked, written = await inbox.settle(
        caller.clinic,
        question,
        by="patient" if body is None or caller.patient is not None else body.said_by,
        of=caller.patient,
        idempotency=decision(caller, f"POST /v1/questions/{question}/settle", key, raw),
    )
    told(response, written.position)
    return QuestionReply.of(asked, written.document, inbox, caller)


class ReopenBody(Body):
    """That did not answer it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


@router.post("/v1/questions/{question}/reopen", operation_id="reopen_question", summary="Open a question again",
             responses=answers(QuestionReply, 200) | problems(400, 404, 409, 410))  # fmt: skip
async def reopen_question(
    *,
    question: QuestionId,
    inbox: TheInbox,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    _: CaughtUp,
    __: ReopenBody | None = None,
    caller: Caller = caller_with("entries:write", Patients.BY_ID),
) -> QuestionReply:
    """The patient says that it is not settled: it is open once more, with a target counted from now.

    The answer stays among `earlier_answers`. Has the patient more to say? Ask a further question.
    """
    asked, written = await inbox.reopen(
        caller.clinic,
        question,
        of=caller.patient,
        idempotency=decision(caller, f"POST /v1/questions/{question}/reopen", key, raw),
    )
    told(response, written.position)
    return QuestionReply.of(asked, written.document, inbox, caller)
