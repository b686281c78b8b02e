"""What the HTTP answers of providers have in common."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from services.notify.domain import Outcome, Result


def no_answer(error: httpx.HTTPError) -> Result:
    """Where no connection came about nothing was handed over; else nobody can know."""
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return Result(outcome=Outcome.TEMPORARY if unsent else Outcome.UNSURE, code=type(error).__name__)


def json_of(response: httpx.Response) -> dict[str, Any]:
    """An answer's JSON object; empty where it is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long a provider asks to be left alone (Retry-After in seconds, below a day and some)."""
    seconds = headers.get("retry-after", "")
    return timedelta(seconds=int(seconds)) if seconds.isdigit() and len(seconds) < 6 else None
