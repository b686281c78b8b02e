"""/v1/questions."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.intake.api.parts import (
    Cursor,
    Instant,
    Limit,
    OneLine,
    PageReply,
    QuestionId,
    RawBody,
    TheInbox,
    UpdatedSince,
    answers,
    decision,
    told,
)
from services.intake.store import Asked
from shared.auth import Caller
from shared.bus import Position
from shared.contracts import Question, Topic
from shared.contracts.base import Id, Origin
from shared.contracts.questions import QuestionStatus
from shared.contracts.safety import Safety
from shared.runtime import Body, IdempotencyKey, WaitForPosition, caller_with, fact_id, problems, settle

router = APIRouter(tags=["questions"])
ASK = "POST /v1/questions"


async def _caught_up(request: Request, response: Response, positions: WaitForPosition) -> None:
    """Questions asked are read back from the bus; all else here is stored before it is answered."""
    reached: Callable[[Position], Awaitable[bool]] = request.state.reached
    await settle([one for one in positions if one.topic is Topic.QUESTIONS], reached, response)


CaughtUp = Annotated[None, Depends(_caught_up)]


class QuestionBody(Body):
    """What a patient asks the care team."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "patient": "sam",
                    "text": "Is it normal to feel tired in the first week?",
                    "occurred_at": "2026-11-23T09:30:00+00:00",
                    "origin": "live",
                }
            ]
        }
    )

    patient: Id = Field(description="The clinic's own id of the patient; one not registered yet is taken too.")
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)] = Field(
        description="The question, 1 to 2000 characters."
    )
    occurred_at: Instant = Field(
        description="When it was asked: RFC 3339 with the offset of the place it was asked in (mandatory).",
        examples=["2026-11-23T09:30:00+00:00"],
    )
    origin: Origin = Field(
        default=Origin.LIVE,
        description="live: at most 24 hours old; sync: made offline, at most 90 days; import: from another system.",
    )


class QuestionReceipt(BaseModel):
    """The question is recorded."""

    id: Id = Field(description="The question's id; the same again for a retry with the same key and body.")
    recorded_at: AwareDatetime
    position: str = Field(description="Send it as Wait-For-Position with a read that must know of the question.")
    expect_reply_by: AwareDatetime = Field(
        description="Closing time of the second working day (or as the clinic set it), in the clinic's zone."
    )
    registered: bool | None = Field(
        description="Whether the clinic has registered this patient; null where that could not be found out in time."
    )
    safety: Safety


@router.post("/v1/questions", operation_id="ask_question", summary="Ask the care team a question", status_code=202,
             responses=answers(QuestionReceipt, 202) | problems(400, 409, 410))  # fmt: skip
async def ask_question(
    *,
    body: QuestionBody,
    inbox: TheInbox,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    caller: Caller = caller_with("entries:write"),
) -> QuestionReceipt:
    """202: recorded by every in-sync replica of the broker. 503: may have been; send it again with the same key."""
    receipt = await inbox.ask(
        clinic=caller.clinic,
        question=fact_id(caller, ASK, key, raw),
        patient=body.patient,
        text=body.text,
        occurred_at=body.occurred_at,
        origin=body.origin,
    )
    told(response, receipt.position)
    return QuestionReceipt(
        id=receipt.question,
        recorded_at=receipt.recorded_at,
        position=str(receipt.position),
        expect_reply_by=receipt.expect_reply_by,
        registered=receipt.registered,
        safety=receipt.safety,
    )


class QuestionReply(BaseModel):
    """A question and how far the care team has come with it."""

    id: Id
    patient: Id
    text: str
    occurred_at: AwareDatetime
    local_day: date = Field(description="The patient's own day of `occurred_at`.")
    origin: Origin
    recorded_at: AwareDatetime
    expect_reply_by: AwareDatetime | None = Field(
        description="What the patient was promised, in the clinic's zone; null while the settings are not at hand."
    )
    status: QuestionStatus
    answer: str | None
    answered_by: str | None
    answered_at: AwareDatetime | None
    settled_at: AwareDatetime | None
    updated_at: AwareDatetime

    @classmethod
    def of(cls, asked: Asked, handling: Question, inbox: TheInbox) -> Self:
        """The two put together."""
        fact = asked.fact
        return cls(
            id=fact.question,
            patient=fact.patient,
            text=fact.text,
            occurred_at=fact.occurred_at,
            local_day=fact.local_day,
            origin=fact.origin,
            recorded_at=asked.recorded_at,
            expect_reply_by=inbox.expect_reply_by(asked),
            status=handling.status,
            answer=handling.answer,
            answered_by=handling.answered_by,
            answered_at=handling.answered_at,
            settled_at=handling.settled_at,
            updated_at=handling.updated_at,
        )


@router.get("/v1/questions/{question}", operation_id="get_question", summary="One question",
            responses=problems(400, 404))  # fmt: skip
async def get_question(
    *, question: QuestionId, inbox: TheInbox, _: CaughtUp, caller: Caller = caller_with("entries:read")
) -> QuestionReply:
    """A question of the token's clinic. Just asked? Send its position as Wait-For-Position."""
    asked, handling = await inbox.question(caller.clinic, question)
    return QuestionReply.of(asked, handling, inbox)


@router.get("/v1/questions", operation_id="list_questions", summary="The questions, page by page",
            responses=problems(400))  # fmt: skip
async def list_questions(
    *,
    inbox: TheInbox,
    _: CaughtUp,
    status: Annotated[QuestionStatus | None, Query(description="Only these: open, answered or settled.")] = None,
    patient: Annotated[Id | None, Query(description="Only this patient's.")] = None,
    updated_since: UpdatedSince = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    caller: Caller = caller_with("entries:read"),
) -> PageReply[QuestionReply]:
    """Those changed longest ago first: of the open ones, the one that waits longest."""
    page, handlings = await inbox.questions(
        caller.clinic, status=status, patient=patient, updated_since=updated_since, cursor=cursor, limit=limit
    )
    items = [QuestionReply.of(asked, handlings[asked.fact.question], inbox) for asked in page.items]
    return PageReply(items=items, next=page.next)


class AnswerBody(Body):
    """The care team's answer."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Yes, for many people. Tell us on Monday.", "by": "priya"}]}
    )

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)] = Field(
        description="1 to 4000 characters."
    )
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), OneLine] | None = Field(
        default=None, description="Who answers; default: the token's client."
    )


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
    return QuestionReply.of(asked, written.document, inbox)


class SettleBody(Body):
    """Nothing more is needed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


@router.post("/v1/questions/{question}/settle", operation_id="settle_question", summary="Settle a question",
             responses=answers(QuestionReply, 200) | problems(400, 404, 410))  # fmt: skip
async def settle_question(
    *,
    question: QuestionId,
    inbox: TheInbox,
    key: IdempotencyKey,
    raw: RawBody,
    response: Response,
    __: CaughtUp,
    _: SettleBody | None = None,
    caller: Caller = caller_with("entries:write"),
) -> QuestionReply:
    """The patient needs nothing more, with or without a written answer. The body may be empty."""
    asked, written = await inbox.settle(
        caller.clinic,
        question,
        idempotency=decision(caller, f"POST /v1/questions/{question}/settle", key, raw),
    )
    told(response, written.position)
    return QuestionReply.of(asked, written.document, inbox)
