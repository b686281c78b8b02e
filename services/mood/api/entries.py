"""Check-ins and questionnaires, one by one and by the thousand."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from services.mood.api.bodies import CHECK_IN_BODY, LINES_BODY, QUESTIONNAIRE_BODY, Accepted, BatchAccepted
from services.mood.handlers import BatchReceipt, LineResult, Receipt, Recorder
from shared.auth import Caller
from shared.errors import Problem
from shared.runtime import POSITION_HEADER, DirectRoute, IdempotencyKey, Patients, caller_with, problems
from shared.runtime.bounds import MOST_BATCH_BYTES, too_large

router = APIRouter(tags=["entries"], route_class=DirectRoute)
MOST_LINES: Final = 10_000
MOST_BYTES: Final = 64 * 1024
_JSON: Final = "application/json"
POSITION_DOCUMENTED: Final[dict[str, Any]] = {
    POSITION_HEADER: {
        "description": "Where it stands: send it as Wait-For-Position with a read that must show it.",
        "schema": {"type": "string"},
    }
}


@router.post(
    "/v1/check-ins",
    status_code=202,
    operation_id="record_check_in",
    summary="Record how a patient is",
    responses={202: {"model": Accepted, "headers": POSITION_DOCUMENTED}, **problems(400, 409, 413)},
    openapi_extra=CHECK_IN_BODY,
)
async def record_check_in(
    request: Request, key: IdempotencyKey, caller: Caller = caller_with("entries:write", Patients.IN_BODY)
) -> Response:
    """A fact: once answered 202 it is on all in-sync replicas and is never lost or changed.

    The patient need not be registered yet. Mood, energy and sleep are 0 (worst) to 10 (best). The patient's day is the
    date in `occurred_at`'s own offset. Show `safety` with the answer, first where `prominent` is true: then the note
    or the feelings have words that people in a crisis use (docs/screening.md). It is recorded either way.
    """
    recorder: Recorder = request.state.recorder
    return accepted(await recorder.record_check_in(caller, key, await read_body(request, MOST_BYTES)))


@router.post(
    "/v1/questionnaires",
    status_code=202,
    operation_id="record_questionnaire",
    summary="Record answers to a questionnaire",
    responses={202: {"model": Accepted, "headers": POSITION_DOCUMENTED}, **problems(400, 409, 413)},
    openapi_extra=QUESTIONNAIRE_BODY,
)
async def record_questionnaire(
    request: Request, key: IdempotencyKey, caller: Caller = caller_with("entries:write", Patients.IN_BODY)
) -> Response:
    """Any instrument of GET /v1/instruments: a published one, or a scale the clinic declared with PUT /v1/clinic.

    It is scored where every scored item is answered, or a `total` is given; a total alone says nothing about an item on
    harm, such as item 9 of the PHQ-9, unless it cannot be reached without it (25 to 27): then it counts as answered, at
    the least it can be. Partial answers are kept without a score (where the instrument's publishers allow
    it, with an estimate kept apart), a risk item among them counts, and one that was skipped is recorded as skipped.
    `safety.prominent` is true where a risk item is above 0: show it before anything else.
    """
    recorder: Recorder = request.state.recorder
    return accepted(await recorder.record_questionnaire(caller, key, await read_body(request, MOST_BYTES)))


@router.post(
    "/v1/events:batch",
    operation_id="record_batch",
    summary="Record thousands of entries at once",
    response_model=BatchAccepted,
    responses={200: {"headers": POSITION_DOCUMENTED}, **problems(400, 409, 413)},
    openapi_extra=LINES_BODY,
)
async def record_batch(request: Request, caller: Caller = caller_with("entries:write")) -> Response:
    """One JSON object a line (NDJSON), at most 10,000 lines, 1,000 of a patient, and 8 MB; blank lines are passed over.

    Every line is judged by itself and has its own `key`, so that a retry of all or some of the lines records nothing
    twice. Refused lines say why; the others are recorded. A 503 means that some may have been recorded: send the same
    batch again.
    """
    recorder: Recorder = request.state.recorder
    lines = [
        (number, line)
        for number, line in enumerate((await read_body(request, MOST_BATCH_BYTES)).split(b"\n"), 1)
        if line.strip()
    ]
    if len(lines) > MOST_LINES:
        detail = f"Nothing was recorded. Send at most {MOST_LINES:,} lines in one request."
        raise Problem(413, "too_large", "Too much at once", detail)
    if not lines:
        raise Problem(422, "empty_batch", "Nothing to record", "Send one JSON object a line, at least one.")
    return _batch_accepted(await recorder.record_lines(caller, lines))


async def read_body(request: Request, most: int) -> bytes:
    """The body, at most so many bytes. Raises Problem 413."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) <= most:
        return await request.body()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large(most)
    return bytes(body)


def accepted(receipt: Receipt) -> Response:
    """Ready bytes: every part of them is ours, and nothing in them needs escaping."""
    position = str(receipt.position)
    body = b'{"id":"%b","kind":"%b","recorded_at":"%b","position":"%b","safety":%b}' % (
        receipt.id.encode(),
        receipt.kind.encode(),
        receipt.recorded_at.isoformat().encode(),
        position.encode(),
        receipt.safety,
    )
    return Response(body, 202, {POSITION_HEADER: position}, media_type=_JSON)


def _batch_accepted(receipt: BatchReceipt) -> Response:
    positions = [str(position) for position in receipt.positions]
    body = {
        "accepted": receipt.accepted,
        "refused": len(receipt.results) - receipt.accepted,
        "recorded_at": receipt.recorded_at.isoformat(),
        "positions": positions,
        "results": [_line(result) for result in receipt.results],
    }
    content = b'%b,"safety":%b}' % (to_json(body)[:-1], receipt.safety)
    return Response(content, 200, {POSITION_HEADER: ",".join(positions)} if positions else None, media_type=_JSON)


def _line(result: LineResult) -> dict[str, Any]:
    shown: dict[str, Any] = {"line": result.line, "key": result.key}
    if result.problem is None:
        return shown | {"status": "accepted", "id": result.id}
    errors = [{"pointer": error.pointer, "message": error.message} for error in result.problem.errors]
    problem = {"code": result.problem.code, "detail": result.problem.detail, "errors": errors}
    return shown | {"status": "refused", "problem": problem}
