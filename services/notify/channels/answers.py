"""What the HTTP answers of providers have in common: how much of them is read, and what is made of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from services.notify.domain import Outcome, Result

READ: Final = 64 * 1024
"""Bytes of an answer that are read at most; real ones have one or two thousand."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the first bytes of the body at most, as they came."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


async def posted(client: httpx.AsyncClient, url: httpx.URL | str, *, reading: int = READ, **request: Any) -> Answer:
    """POST, and read so many bytes of the answer at most: nothing is unpacked, so none is larger than it looks.

    reading: 0 to look at status and headers alone. request: `json`, `data`, `content`, `headers`, as httpx takes them.
    Raises httpx.HTTPError.
    """
    headers = {**request.pop("headers", {}), "accept-encoding": "identity"}
    async with client.stream("POST", url, headers=headers, **request) as response:
        body = bytearray()
        if reading:
            async for part in response.aiter_raw(READ):
                body += part
                if len(body) >= reading:
                    break
        return Answer(response.status_code, response.headers, bytes(body[:reading]))


def no_answer(error: httpx.HTTPError) -> Result:
    """Where no connection came about nothing was handed over; else nobody can know."""
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return Result(outcome=Outcome.TEMPORARY if unsent else Outcome.UNSURE, code=type(error).__name__)


def json_of(answer: Answer) -> dict[str, Any]:
    """An answer's JSON object; empty where it is none, or was too long to be read."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long a provider asks to be left alone (Retry-After in seconds, below a day and some)."""
    seconds = headers.get("retry-after", "")
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() and seconds.isascii() and len(seconds) < 6 else None
