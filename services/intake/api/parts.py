"""What intake's routes share: the kinds of values they take, the use cases they hand on to, how they answer."""

from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from unicodedata import category

from fastapi import Depends, Path, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field

from services.intake.handlers import Care, Inbox, Register, Sessions
from shared.auth import Caller
from shared.bus import Position
from shared.contracts.base import Id
from shared.documents import Idempotency, Written
from shared.runtime import POSITION_HEADER

T = TypeVar("T")


def _in_words(value: object) -> object:
    if isinstance(value, str) and not value.replace(".", "").lstrip("+-").isdigit():
        return value
    raise ValueError("send it in words, as in the example: a bare number does not say what it means")


def _of_our_times(instant: datetime) -> datetime:
    if not 1900 < instant.year < 2200:
        raise ValueError("check the year")
    return instant


def _on_one_line(text: str) -> str:
    if any(category(char) in {"Cc", "Zl", "Zp"} for char in text):
        raise ValueError("send it on one line, without control characters")
    return text


InWords = BeforeValidator(_in_words)
"""Dates and times as RFC 3339 writes them; a bare number is not taken for one."""
Instant = Annotated[AwareDatetime, InWords, AfterValidator(_of_our_times)]
"""An RFC 3339 time with its offset."""
OneLine = AfterValidator(_on_one_line)
"""What may end up in the head of a message, where a line break is an attack."""

PatientId = Annotated[Id, Path(description="The clinic's own id of the patient: 1 to 64 of A-Z a-z 0-9 . _ ~ -")]
ClinicianId = Annotated[Id, Path(description="The clinic's own id of the clinician.")]
SessionId = Annotated[Id, Path(description="The session's id, yours or the one we made.")]
QuestionId = Annotated[Id, Path(description="The `id` that the question was answered with.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the last page, unchanged.")]
Limit = Annotated[int, Query(ge=1, le=200, description="The most items on a page.")]
UpdatedSince = Annotated[
    Instant | None,
    Query(description="Only what changed at or after this RFC 3339 time (offset mandatory). Overlap by a minute."),
]

_POSITION: Final = {
    POSITION_HEADER: {
        "description": "Where this stands on the bus: send it as Wait-For-Position with a read that must know of it. "
        "Missing while the broker does not answer; the decision is stored all the same and published later.",
        "schema": {"type": "string", "examples": ["patients:3:1234"]},
    }
}
_SAID: Final = {200: "Changed, or as it was.", 201: "New.", 202: "Recorded.", 204: "Deleted."}


def answers(model: type[BaseModel] | None, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: what a write answers with, and where it says the position."""
    said = {} if model is None else {"model": model}
    return {status: {"description": _SAID[status], "headers": _POSITION, **said} for status in statuses}


class PageReply(BaseModel, Generic[T]):
    """Some items, those changed longest ago first."""

    items: list[T]
    next: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")


async def raw_body(request: Request) -> bytes:
    """The body as it came: what a retry is known by."""
    return await request.body()


RawBody = Annotated[bytes, Depends(raw_body)]


def _register(request: Request) -> Register:
    register: Register = request.state.register
    return register


def _care(request: Request) -> Care:
    care: Care = request.state.care
    return care


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.state.sessions
    return sessions


def _inbox(request: Request) -> Inbox:
    inbox: Inbox = request.state.inbox
    return inbox


def _now(request: Request) -> datetime:
    now: datetime = request.state.clock.now()
    return now


TheRegister = Annotated[Register, Depends(_register)]
TheCare = Annotated[Care, Depends(_care)]
TheSessions = Annotated[Sessions, Depends(_sessions)]
TheInbox = Annotated[Inbox, Depends(_inbox)]
Now = Annotated[datetime, Depends(_now)]


def told(response: Response, position: Position | None) -> None:
    """Say where a write stands on the bus, where that is known."""
    if position is not None:
        response.headers[POSITION_HEADER] = str(position)


def answered(response: Response, written: Written[Any]) -> None:
    """201 for what is new, 200 else, and the position."""
    response.status_code = 201 if written.created else 200
    told(response, written.position)


def decision(caller: Caller, route: str, key: str, raw: bytes) -> Idempotency:
    """A client's word, on one route, that two requests are one."""
    return Idempotency.of(client=f"{caller.client} {route}", key=key, body=raw)
