"""/v1/patients/{patient}/messages: what was written to a patient; /v1/patient-links: where a message's link leads."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import AwareDatetime, BaseModel, Field

from services.notify.api.alerts import CaughtUp
from services.notify.handlers import Messages
from shared.auth import Caller
from shared.contracts.base import Id
from shared.contracts.letters import Letter, LetterKind, LetterState
from shared.runtime import Patients, caller_with, problems

router = APIRouter(tags=["messages to patients"])
PatientId = Annotated[Id, Path(description="The clinic's own id of the patient.")]
Token = Annotated[str, Path(max_length=64, description="The end of a message's link, as it stands there.")]


class MessageReply(BaseModel):
    """One message to the patient. Neither its words nor the address are kept."""

    id: str
    kind: LetterKind
    about: str = Field(description="The occasion of the reminder, or the question that was answered.")
    state: Literal["waiting", "sending", "sent", "not_sent"]
    channel: Literal["email", "sms"] | None = Field(description="By which it was sent, or tried last.")
    queued_at: AwareDatetime
    due_at: AwareDatetime | None = Field(description="When it is tried next; null where it is not any more.")
    expires_at: AwareDatetime = Field(description="From when on it is not sent any more.")
    tried_at: AwareDatetime | None = Field(description="When it was last handed to a provider.")
    accepted_at: AwareDatetime | None = Field(description="When a provider first took it.")
    delivered_at: AwareDatetime | None = Field(description="When a receipt said that it arrived.")
    provider: str | None
    receipt: str | None = Field(description="The last word of a receipt.")
    why: str | None = Field(description="Why it waits, or why it was not sent.")


class MessagesReply(BaseModel):
    """What was written to a patient in the last 90 days, newest first."""

    items: list[MessageReply]


class LinkReply(BaseModel):
    """Where a message's link leads."""

    patient: Id
    kind: LetterKind
    about: str = Field(description="The occasion of the reminder, or the question that was answered.")
    until: AwareDatetime = Field(description="From when on the link is good no more.")


def _messages(request: Request) -> Messages:
    messages: Messages = request.state.messages
    return messages


TheMessages = Annotated[Messages, Depends(_messages)]


@router.get("/v1/patients/{patient}/messages", operation_id="list_patient_messages",
            summary="What was written to a patient, or why not", responses=problems(400, 404))  # fmt: skip
async def list_patient_messages(
    patient: PatientId, messages: TheMessages, _: CaughtUp, caller: Caller = caller_with("alerts:read")
) -> MessagesReply:
    """Reminders, and word of answers. When something was not sent, `why` says so in words."""
    return MessagesReply(items=[_shown(one) for one in await messages.of_patient(caller.clinic, patient)])


@router.get("/v1/patient-links/{token}", operation_id="follow_patient_link", summary="Where a message's link leads",
            responses=problems(404))  # fmt: skip
async def follow_patient_link(
    token: Token, messages: TheMessages, caller: Caller = caller_with("entries:write", Patients.BY_ID)
) -> LinkReply:
    """For the patient's app, which may check the link by itself too (docs/patient-messages.md). A link says who it was
    sent to, not who opened it: ask for what else you ask for before you show anything of the patient."""
    found = await messages.follow(caller.clinic, token, of=caller.patient)
    return LinkReply(patient=found.patient, kind=found.kind, about=found.about, until=found.until)


def _shown(letter: Letter) -> MessageReply:
    return MessageReply(
        id=letter.letter,
        kind=letter.kind,
        about=letter.about,
        state=letter.state.value,
        channel=None if letter.channel is None else "sms" if letter.channel.value == "sms" else "email",
        queued_at=letter.queued_at,
        due_at=letter.look_at if letter.state is LetterState.WAITING else None,
        expires_at=letter.expires_at,
        tried_at=max((one.at for one in letter.tries), default=None),
        accepted_at=letter.sent_at,
        delivered_at=letter.delivered_at,
        provider=letter.provider,
        receipt=letter.receipt,
        why=letter.why,
    )
