"""What routes ask of a request: who calls, the idempotency key, and the position a read should have reached."""

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict

from shared.auth import Caller, Verifier
from shared.bus import Position
from shared.errors import Problem

POSITION_HEADER: Final = "Position"
BEHIND_HEADER: Final = "Projection-Behind"
_FACTS: Final = uuid.UUID("5b0d7a1e-7a8c-5d1f-9a55-3f6d8a0f2c11")
Authorize = Callable[[Request], Awaitable[Caller]]


class Body(BaseModel):
    """A request's body: what is not known is refused, so that a misspelt field is not lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def requires(scope: str) -> Authorize:
    """A route's lock: the caller's token must carry `scope`. `tests/architecture` finds every route without one."""

    async def authorize(request: Request) -> Caller:
        verifier: Verifier = request.state.verifier
        caller = verifier.caller(request.headers.get("authorization"))
        if scope not in caller.scopes:
            raise Problem(403, "forbidden", "Not with this token", f"This needs a token with the scope '{scope}'.")
        return caller

    authorize.__rapport_scope__ = scope  # type: ignore[attr-defined]  # what the architecture test looks for
    return authorize


def caller_with(scope: str) -> Caller:
    """`caller: Caller = caller_with("entries:write")` in a route's signature."""
    dependency: Caller = Depends(requires(scope))
    return dependency


async def _idempotency_key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Mandatory. 1 to 255 printable characters: new for each thing you record, the same on a retry.",
        ),
    ] = None,
) -> str:
    return checked_key(key)


def checked_key(key: str | None) -> str:
    """An idempotency key as sent. Raises Problem 400 where it is missing or odd."""
    if key is None or not 1 <= len(key) <= 255 or not key.isprintable():
        raise Problem(
            400,
            "idempotency_key_missing",
            "An Idempotency-Key is needed",
            "Send 1 to 255 printable characters, new for each thing you record, and the same again when you retry it.",
        )
    return key


IdempotencyKey = Annotated[str, Depends(_idempotency_key)]


def fact_id(caller: Caller, route: str, key: str, body: bytes) -> str:
    """`ce_id = uuid5(clinic, client, route, Idempotency-Key, sha256(body))`: a retry is the same fact."""
    digest = hashlib.sha256(body).hexdigest()
    return str(uuid.uuid5(_FACTS, "\n".join((caller.clinic, caller.client, route, key, digest))))


async def read_position(
    wait_for: Annotated[
        str | None,
        Header(
            alias="Wait-For-Position",
            description="A `Position` a write gave you: the read waits for it, 2 s at most.",
        ),
    ] = None,
) -> list[Position]:
    """The positions a read should have reached (comma separated in the header). Raises Problem 400."""
    if not wait_for:
        return []
    try:
        return [Position.parse(part.strip()) for part in wait_for.split(",")]
    except ValueError:
        raise Problem(
            400,
            "bad_position",
            "That is no position",
            "Send Wait-For-Position as a write's Position header gave it.",
        ) from None


WaitForPosition = Annotated[list[Position], Depends(read_position)]
Passed = Callable[[Position], Awaitable[bool]]


async def settle(positions: list[Position], reached: Passed, response: Response) -> None:
    """Wait until the projection has reached the positions (`reached` waits, 2 s at most), or say that it is behind."""
    if not all(await asyncio.gather(*(reached(position) for position in positions))):
        response.headers[BEHIND_HEADER] = "true"
