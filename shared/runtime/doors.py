"""What routes ask of a request: who calls, the idempotency key, and the position a read should have reached."""

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from enum import Enum, auto
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from shared.auth import Caller, Verifier
from shared.bus import Position
from shared.errors import Problem, not_found

POSITION_HEADER: Final = "Position"
BEHIND_HEADER: Final = "Projection-Behind"
BEHIND: Final[ContextVar[bool]] = ContextVar("behind", default=False)
"""Whether the answer to this request is behind; `Access` puts it into the headers of whatever is answered."""
BEHIND_DOCUMENTED: Final[Mapping[str, Any]] = {
    BEHIND_HEADER: {"description": "true: the position asked for was not reached yet.", "schema": {"type": "string"}}
}
"""For the `headers` of a response in the API document."""
_FACTS: Final = uuid.UUID("5b0d7a1e-7a8c-5d1f-9a55-3f6d8a0f2c11")
Authorize = Callable[[Request], Awaitable[Caller]]


class Body(BaseModel):
    """A request's body: what is not known is refused, so that a misspelt field is not lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Patients(Enum):
    """What a patient's own token (role `patient`) is good for on a route, and where the route names the patient.

    Wherever it names another one, the answer is that to another clinic's id: 404.
    """

    REFUSED = auto()
    """Nothing (403): it is for the care team and the clinic's systems. So is every route that says nothing."""
    IN_PATH = auto()
    """The path parameter `patient` must be theirs."""
    IN_QUERY = auto()
    """The query parameter `patient` must be there (403) and theirs."""
    IN_BODY = auto()
    """The handler holds the body's `patient` against the token before anything is written: `expect_own`."""
    BY_ID = auto()
    """The path names another thing: the handler hands `caller.patient` on to whatever finds whose that is."""
    ALIKE = auto()
    """The answer holds nothing of any patient."""


def _confine(caller: Caller, patients: Patients, request: Request) -> None:
    """Raises Problem 403 or 404 for a patient's token that wants more than its patient's."""
    if patients is Patients.REFUSED:
        raise Problem(
            403,
            "not_for_patients",
            "Not with a patient's token",
            "This is for the care team: send it with a token of theirs, or with that of the clinic's system.",
        )
    if patients is Patients.IN_PATH and request.path_params["patient"] != caller.patient:
        raise not_found("patient")
    if patients is Patients.IN_QUERY:
        asked_for = set(request.query_params.getlist("patient"))
        if not asked_for:
            raise Problem(
                403,
                "not_for_patients",
                "Not of all patients",
                "With a patient's token, add the query parameter `patient` with the id that the token names.",
            )
        if asked_for != {caller.patient}:
            raise not_found("patient")


def requires(scope: str, patients: Patients = Patients.REFUSED) -> Authorize:
    """A route's lock: the caller's token must carry `scope`, and a patient's own is good for what `patients` says.

    `tests/architecture` finds every route without one, and knows by name what patients' tokens are good for.
    """

    async def authorize(request: Request) -> Caller:
        verifier: Verifier = request.state.verifier
        caller = verifier.caller(request.headers.get("authorization"))
        if scope not in caller.scopes:
            raise Problem(403, "forbidden", "Not with this token", f"This needs a token with the scope '{scope}'.")
        if caller.patient is not None:
            _confine(caller, patients, request)
        return caller

    authorize.__rapport_scope__ = scope  # type: ignore[attr-defined]  # what the architecture tests look for
    authorize.__rapport_patients__ = patients  # type: ignore[attr-defined]
    return authorize


def caller_with(scope: str, patients: Patients = Patients.REFUSED) -> Caller:
    """`caller: Caller = caller_with("entries:write", Patients.IN_BODY)` in a route's signature."""
    dependency: Caller = Depends(requires(scope, patients))
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


class DirectRoute(APIRoute):
    """For the few routes that must be quick: `async def route(request, key, caller)` or `(request, caller)`.

    They read and write bytes themselves. The lock and the key are still declared as dependencies, which the API
    document and `tests/architecture` read, and are asked here directly: FastAPI's way of resolving them costs more
    than everything else a check-in needs. Nothing else may be declared on such a route.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request. Raises TypeError for a route that declares anything else."""
        asked = {dependency.name: dependency.call for dependency in self.dependant.dependencies}
        authorize, endpoint = asked.pop("caller", None), self.endpoint
        keyed = asked.pop("key", None) is not None
        if authorize is None or not hasattr(authorize, "__rapport_scope__"):
            raise TypeError(f"{self.path}: a direct route needs a lock, `caller`")
        own = self.dependant
        if asked or own.path_params or own.query_params or own.header_params or own.cookie_params or own.body_params:
            raise TypeError(f"{self.path}: a direct route declares its lock, perhaps a key, and nothing else")

        async def handle(request: Request) -> Response:
            asked_for: dict[str, Any] = {"request": request, "caller": await authorize(request)}
            if keyed:
                asked_for["key"] = checked_key(request.headers.get("idempotency-key"))
            answer: Response = await endpoint(**asked_for)
            return answer

        return handle


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


async def settle(positions: list[Position], reached: Passed) -> bool:
    """Wait until the projection has reached the positions (`reached` waits, 2 s at most); whether it is behind.

    The answer says so, a refusal among them: a 404 may be of what is on its way.
    """
    behind = not all(await asyncio.gather(*(reached(position) for position in positions)))
    BEHIND.set(behind)
    return behind
