"""How mood says no: what was wrong, in which field, and what to send instead; never the value that was sent."""

from collections.abc import Sequence
from typing import Any, Final

from shared.errors import FieldError, Problem

_WANTED: Final = {
    "patient": "send the clinic's own id of the patient: 1 to 64 letters, digits and . _ ~ -",
    "mood": "send a number from 0 (worst) to 10 (best) with at most two decimals",
    "energy": "send a whole number from 0 to 10, or leave it out",
    "sleep": "send a whole number from 0 (very badly) to 10 (very well), or leave it out",
    "feelings": "send a list of at most 20 words or short phrases of 1 to 40 characters, or leave it out",
    "answers": "send whole numbers by the name of the clinic's own question, or leave it out",
    "why": "send text of at most 500 characters, or leave it out",
    "note": "send text of at most 2000 characters, or leave it out",
    "occurred_at": "send date and time with the offset of the place it happened in, as in 2026-11-23T18:30:00+01:00",
    "origin": "send live (now), sync (made offline, sent later) or import (from another system's past)",
    "instrument": "send an id of GET /v1/instruments, such as phq9 or the name of a scale your clinic declared",
    "items": 'send the answered items by name, as in {"1": 0, "2": 3}',
    "total": "send a number",
    "strategy": "send an id of GET /v1/strategies, such as short_walk",
    "strategies": "send a list of ids of GET /v1/strategies (two at most where they are pinned)",
    "before": "send distress before, a whole number from 0 (none) to 10 (worst), or leave it out",
    "after": "send distress after, a whole number from 0 (none) to 10 (worst), or leave it out",
    "suggestion": "send the id of the suggestion it came from, or leave it out",
    "most": "send a whole number from 1 to 3, or leave it out",
    "key": "send 1 to 255 printable characters, new for each line, and the same again when you retry it",
    "type": "send check_in or questionnaire",
}


def refused(*errors: FieldError, code: str = "invalid") -> Problem:
    """422: what is named in `errors` cannot be right, and nothing was recorded."""
    return Problem(
        422,
        code,
        "Something you sent cannot be right",
        "Nothing was recorded. Correct the fields named in `errors` and send it again.",
        errors=list(errors),
    )


def not_understood(found: Sequence[Any]) -> Problem:
    """The refusal for what pydantic found (its `errors()`): sentences of ours where we have them."""
    if found and found[0]["type"] == "json_invalid":
        return Problem(
            400,
            "not_json",
            "That is not JSON",
            "Nothing was recorded. Send one JSON object in UTF-8, as the example in /openapi.json shows.",
        )
    return refused(*(_named(error) for error in found[:50]))


def _named(error: Any) -> FieldError:
    where = [str(part) for part in error["loc"]]
    field = where[0] if where else ""
    if error["type"] == "extra_forbidden":
        return FieldError(_pointer(where), "this field is not known here: check its spelling, or leave it out")
    wanted = _WANTED.get(field)
    if wanted is None:
        return FieldError(_pointer(where), "send a JSON object, as the example in /openapi.json shows")
    return FieldError(_pointer(where), f"this is missing: {wanted}" if error["type"] == "missing" else wanted)


def _pointer(where: Sequence[str]) -> str:
    return "".join("/" + part[:64].replace("~", "~0").replace("/", "~1") for part in where)
