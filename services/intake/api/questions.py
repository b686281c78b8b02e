"""/v1/questions."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.intake.api.parts import (
    Cursor,
    Instant,
    Limit,
    PageReply,
    QuestionId,
    RawBody,
    TheInbox,
    UpdatedSince,
    answers,
    told,
)
from services.intake.store import Asked, Wish
from shared.auth import Caller, expect_own
from shared.bus import Position
from shared.contracts import Question, Topic
from shared.contracts.base import Id, Origin
from shared.contracts.clinics import Role
from shared.contracts.questions import Category, GivenAnswer, Handover, QuestionStatus, Triage
from shared.contracts.safety import Safety
from shared.contracts.screening import Screening
from shared.runtime import Body, IdempotencyKey, Patients, WaitForPosition, caller_with, fact_id, problems, settle

router = APIRouter(tags=["questions"])
ASK = "POST /v1/questions"


async def caught_up(request: Request, positions: WaitForPosition) -> None:
    """Questions asked are read back from the bus; all else here is stored before it is answered."""
    reached: Callable[[Position], Awaitable[bool]] = request.state.reached
    await settle([one for one in positions if one.topic is Topic.QUESTIONS], reached)


CaughtUp = Annotated[None, Depends(caught_up)]


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
        description="By when a human replies: the target of what the question is about, in the clinic's zone."
    )
    what_to_expect: str = Field(
        description="Show this to the patient: who replies by when, and that nobody watches round the clock."
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
    caller: Caller = caller_with("entries:write", Patients.IN_BODY),
) -> QuestionReceipt:
    """202: recorded by every in-sync replica of the broker. 503: may have been; send it again with the same key."""
    expect_own(caller, body.patient, body.origin)
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
        what_to_expect=receipt.what_to_expect,
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
    settled_by: Literal["patient", "clinic"] | None
    earlier_answers: list[GivenAnswer] = Field(description="Those the patient said were not enough, oldest first.")
    screening: Screening | None = Field(description="Of the text; null: asked before there was a screen.")
    triage: Triage | None = Field(description="What it is about, whose it is, by when; null: none was made.")
    overdue: bool = Field(description="Open, and past its target.")
    assigned_to: Id | None = Field(description="Who has it; null: everyone with the role.")
    assignee_away: bool = Field(description="Who has it is on leave now: it stands among the unassigned.")
    handovers: list[Handover] = Field(
        description="Who took it or was given it, oldest first; empty for a patient's own token."
    )
    updated_at: AwareDatetime

    @classmethod
    def of(cls, asked: Asked, handling: Question, inbox: TheInbox, caller: Caller) -> Self:
        """The two put together, as the caller may see them."""
        fact = asked.fact
        return cls(
            id=fact.question,
            patient=fact.patient,
            text=fact.text,
            occurred_at=fact.occurred_at,
            local_day=fact.local_day,
            origin=fact.origin,
            recorded_at=asked.recorded_at,
            expect_reply_by=inbox.expect_reply_by(asked, handling),
            status=handling.status,
            answer=handling.answer,
            answered_by=handling.answered_by,
            answered_at=handling.answered_at,
            settled_at=handling.settled_at,
            settled_by=handling.settled_by,
            earlier_answers=handling.earlier_answers,
            screening=fact.screening,
            triage=handling.triage or fact.triage,
            overdue=inbox.is_overdue(handling),
            assigned_to=handling.assigned_to,
            assignee_away=inbox.is_away(fact.clinic, handling.assigned_to),
            handovers=handling.handovers if caller.patient is None else [],
            updated_at=handling.updated_at,
        )


@router.get("/v1/questions/{question}", operation_id="get_question", summary="One question",
            responses=problems(400, 404))  # fmt: skip
async def get_question(
    *, question: QuestionId, inbox: TheInbox, _: CaughtUp, caller: Caller = caller_with("entries:read", Patients.BY_ID)
) -> QuestionReply:
    """A question of the token's clinic. Just asked? Send its position as Wait-For-Position."""
    asked, handling = await inbox.question(caller.clinic, question, of=caller.patient)
    return QuestionReply.of(asked, handling, inbox, caller)


@router.get("/v1/questions", operation_id="list_questions", summary="The questions, page by page",
            responses=problems(400))  # fmt: skip
async def list_questions(
    *,
    inbox: TheInbox,
    _: CaughtUp,
    status: Annotated[QuestionStatus | None, Query(description="Only these: open, answered or settled.")] = None,
    patient: Annotated[Id | None, Query(description="Only this patient's.")] = None,
    role: Annotated[Role | None, Query(description="Only those this role answers, whoever has them.")] = None,
    category: Annotated[Category | None, Query(description="Only those about this.")] = None,
    assigned_to: Annotated[Id | None, Query(description="Only those this clinician has.")] = None,
    unassigned: Annotated[bool, Query(description="Only those nobody has, or somebody on leave.")] = False,
    overdue: Annotated[bool, Query(description="Only open ones past their target.")] = False,
    updated_since: UpdatedSince = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    caller: Caller = caller_with("entries:read", Patients.IN_QUERY),
) -> PageReply[QuestionReply]:
    """Those changed longest ago first: of the open ones, the one that waits longest.

    The queue of a role is `?status=open&role=...&unassigned=true`: leave hides nothing.
    """
    page, handlings = await inbox.questions(
        caller.clinic,
        wish=Wish(status=status, patient=patient, role=role, category=category, assigned_to=assigned_to),
        overdue=overdue,
        unassigned=unassigned,
        updated_since=updated_since,
        cursor=cursor,
        limit=limit,
    )
    items = [QuestionReply.of(asked, handlings[asked.fact.question], inbox, caller) for asked in page.items]
    return PageReply(items=items, next=page.next)
