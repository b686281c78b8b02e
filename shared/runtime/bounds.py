"""How much of a request is read, and for whom: nobody fills our memory, with a token or without one."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import HTTPException, Request
from starlette.types import Message, Receive, Scope

from shared.errors import Problem
from shared.runtime.doors import Authorize, DirectRoute

MOST_BYTES: Final = 1024 * 1024
"""Bytes of a request's body."""
MOST_BATCH_BYTES: Final = 8 * 1024 * 1024
"""The same of a batch, `...:batch`."""
_READING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Stopped(HTTPException):
    """The reading of a body ends here. An HTTPException, because FastAPI makes a 400 of all else that a body raises."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status)
        self.problem = problem


def too_large(most: int) -> Problem:
    """413, with how much is taken at once."""
    size = f"{most // 1024 // 1024} MB" if most >= 1024 * 1024 else f"{most // 1024} kB"
    return Problem(413, "too_large", "Too much at once", f"Nothing was recorded. Send at most {size} in one request.")


class Bounds:
    """Wraps what a request is read with.

    Before the first byte of a body is asked for, the route's lock is tried and the size announced is looked at; then
    what really comes is counted, whatever was announced. Direct routes ask their lock before they read, and have
    bounds of their own, which say more; here they have the widest one.
    """

    def __init__(self) -> None:
        self._locks: dict[int, tuple[Any, tuple[Authorize, ...]]] = {}

    def around(self, scope: Scope, receive: Receive) -> Receive:
        """What to read the request with. Raises Stopped out of a read."""
        batch = scope["path"].endswith(":batch")
        read, looked = 0, False

        async def bounded() -> Message:
            nonlocal read, looked
            direct = isinstance(scope.get("route"), DirectRoute)
            most = MOST_BATCH_BYTES if batch or direct else MOST_BYTES
            if not (looked or direct):
                looked = True
                await self._look(scope, most)
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > most:
                    raise Stopped(too_large(most))
            return message

        return bounded

    async def _look(self, scope: Scope, most: int) -> None:
        """Whether this body is to be read at all."""
        if scope["method"] not in _READING:
            return
        request = Request(scope)
        try:
            for lock in self._locks_of(scope.get("route")):
                await lock(request)
        except Problem as problem:
            raise Stopped(problem) from None
        length = request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and (len(length) > len(str(most)) or int(length) > most):
            raise Stopped(too_large(most))

    def _locks_of(self, route: Any) -> tuple[Authorize, ...]:
        known = self._locks.get(id(route))
        if known is None or known[0] is not route:
            dependant = getattr(route, "dependant", None)
            known = self._locks[id(route)] = (route, tuple(_locks(dependant) if dependant else ()))
        return known[1]


def _locks(dependant: Any) -> Iterator[Authorize]:
    for dependency in dependant.dependencies:
        if hasattr(dependency.call, "__rapport_scope__"):
            yield dependency.call
        yield from _locks(dependency)
