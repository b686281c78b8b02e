"""What providers call: receipts for what was sent, and texts that came in. No token: each has a signature of its own.

A receipt about a message that is not ours is answered like any other, because providers send again what is refused;
it is counted as `unknown`.
"""

import hmac
import json
from base64 import b64encode
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from fastapi import APIRouter, Depends, Request, Response

from services.notify.domain import Heard, Receipt, signature
from services.notify.handlers.receiving import Receiving
from services.notify.settings import Settings
from shared.errors import Problem
from shared.runtime import problems

TWILIO: Final = "/v1/receipts/twilio"
GOVUK: Final = "/v1/receipts/govuk-notify"
EMAIL: Final = "/v1/receipts/email"
TWILIO_TEXT: Final = "/v1/inbound/twilio"
GOVUK_TEXT: Final = "/v1/inbound/govuk-notify"
PATHS: Final = frozenset({TWILIO, GOVUK, EMAIL, TWILIO_TEXT, GOVUK_TEXT})
LARGEST: Final = 64_000
"""Bytes of a receipt; real ones have one or two thousand."""
TOLERANCE: Final = 300
"""Seconds a signed receipt may be old, so that one that was overheard is of no use later (Standard Webhooks)."""
TWIML: Final = '<?xml version="1.0" encoding="UTF-8"?><Response>{}</Response>'
"""What Twilio does next: nothing, or `<Message>`: it texts that back. It answers STOP and START itself."""

router = APIRouter(tags=["providers"])
_TWILIO: Final = {
    "delivered": Receipt.DELIVERED,
    "read": Receipt.DELIVERED,
    "undelivered": Receipt.FAILED_FOR_GOOD,
    "failed": Receipt.FAILED_FOR_GOOD,
    "canceled": Receipt.FAILED_FOR_GOOD,
}
"""Twilio's MessageStatus; every other one is on its way."""
_TWILIO_FOR_NOW: Final = frozenset({"30001", "30002", "30003", "30008", "30009", "30017", "30022"})
"""Error codes that pass, by themselves or by an operator: queue full, account suspended, handset off, carrier."""
OPTED_OUT: Final = "21610"
_GOVUK: Final = {
    "delivered": Receipt.DELIVERED,
    "permanent-failure": Receipt.FAILED_FOR_GOOD,
    "temporary-failure": Receipt.FAILED_FOR_NOW,
    "technical-failure": Receipt.FAILED_FOR_NOW,
}
_EMAIL: Final = {
    "email.delivered": Receipt.DELIVERED,
    "email.complained": Receipt.DELIVERED,
    "email.deferred": Receipt.ACCEPTED,
    "email.bounced": Receipt.FAILED_FOR_GOOD,
}


def _receiving(request: Request) -> Receiving:
    receiving: Receiving = request.state.receiving
    return receiving


def _settings(request: Request) -> Settings:
    settings: Settings = request.state.settings
    return settings


async def _body(request: Request) -> bytes:
    """What was sent, within bounds. Raises Problem 413."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise Problem(413, "too_large", "This is too much", f"Send at most {LARGEST} bytes at once.")
    return body


TheReceiving = Annotated[Receiving, Depends(_receiving)]
TheSettings = Annotated[Settings, Depends(_settings)]
RawBody = Annotated[bytes, Depends(_body)]
_ANSWERS: Final = {code: answer for code, answer in problems(404, 413).items() if code != 401}


@router.post(TWILIO, operation_id="receive_twilio_receipt", summary="A receipt of Twilio's (StatusCallback)",
             status_code=204, responses=_ANSWERS)  # fmt: skip
async def twilio_receipt(request: Request, receiving: TheReceiving, settings: TheSettings, body: RawBody) -> Response:
    """Signed with `X-Twilio-Signature`; our leg's id stands in the URL."""
    form = await _twilio(request, receiving, settings, body)
    code, leg = form.get("ErrorCode", ""), request.query_params.get("leg", "")
    receipt = _TWILIO.get(form.get("MessageStatus", ""), Receipt.ACCEPTED)
    if receipt is Receipt.FAILED_FOR_GOOD and code in _TWILIO_FOR_NOW:
        receipt = Receipt.FAILED_FOR_NOW
    if code == OPTED_OUT:
        await receiving.stopped(leg)
    heard = Heard(message=form.get("MessageSid", ""), receipt=receipt, code=code or form.get("MessageStatus", ""))
    await receiving.receipt("twilio", leg, heard)
    return Response(status_code=204)


@router.post(TWILIO_TEXT, operation_id="receive_twilio_text", summary="A text that came in by Twilio",
             responses=_ANSWERS, response_class=Response)  # fmt: skip
async def twilio_text(request: Request, receiving: TheReceiving, settings: TheSettings, body: RawBody) -> Response:
    """STOP and its like end SMS to that number, START lifts it; anything else is taken as a reply to an alert
    (docs/escalation.md). Answered with TwiML: what is to be texted back, or nothing."""
    form = await _twilio(request, receiving, settings, body)
    answer = await receiving.text(
        form.get("From", ""),
        form.get("Body", ""),
        message=form.get("MessageSid", ""),
        opt_out=form.get("OptOutType", ""),
    )
    message = f"<Message>{escape(answer)}</Message>" if answer else ""
    return Response(TWIML.format(message), media_type="text/xml")


async def _twilio(request: Request, receiving: Receiving, settings: Settings, body: bytes) -> dict[str, str]:
    """A form that Twilio has signed. Raises Problem 403, and 404 where Twilio is not set up."""
    if not settings.twilio_token:
        raise _not_set_up()
    pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=200)
    query = request.scope["query_string"].decode()
    url = settings.public_url + request.url.path + (f"?{query}" if query else "")
    given = request.headers.get("x-twilio-signature", "")
    if not hmac.compare_digest(given.encode(), twilio_signature(settings.twilio_token, url, pairs).encode()):
        await receiving.refused("twilio")
        raise _not_theirs("X-Twilio-Signature")
    return dict(pairs)


def twilio_signature(token: str, url: str, pairs: list[tuple[str, str]]) -> str:
    """Twilio's: base64 of HMAC-SHA1 over the URL and each parameter's name and value, sorted by name."""
    text = url + "".join(f"{name}{value}" for name, value in sorted(set(pairs)))
    return b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


@router.post(GOVUK, operation_id="receive_govuk_notify_receipt", summary="A receipt of GOV.UK Notify's",
             status_code=204, responses=_ANSWERS)  # fmt: skip
async def govuk_receipt(request: Request, receiving: TheReceiving, settings: TheSettings, body: RawBody) -> Response:
    """With the bearer token that was set up for callbacks; `reference` is our leg's id."""
    said = await _govuk(request, receiving, settings, body)
    status = str(said.get("status") or "")
    heard = Heard(message=str(said.get("id") or ""), receipt=_GOVUK.get(status, Receipt.ACCEPTED), code=status[:40])
    await receiving.receipt("govuk-notify", str(said.get("reference") or ""), heard)
    return Response(status_code=204)


@router.post(GOVUK_TEXT, operation_id="receive_govuk_notify_text", summary="A text that came in by GOV.UK Notify",
             status_code=204, responses=_ANSWERS)  # fmt: skip
async def govuk_text(request: Request, receiving: TheReceiving, settings: TheSettings, body: RawBody) -> Response:
    """STOP and its like end SMS to that number, START lifts it; anything else is taken as a reply to an alert
    (docs/escalation.md), and answered by a text of its own."""
    said = await _govuk(request, receiving, settings, body)
    number, message = str(said.get("source_number") or ""), str(said.get("id") or "")
    answer = await receiving.text(number, str(said.get("message") or ""), message=message)
    if answer:
        await receiving.answer("govuk-notify", number, answer, message=message)
    return Response(status_code=204)


async def _govuk(request: Request, receiving: Receiving, settings: Settings, body: bytes) -> dict[str, Any]:
    expected = settings.govuk_callback_token
    if not expected:
        raise _not_set_up()
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), expected.encode()):
        await receiving.refused("govuk-notify")
        raise _not_theirs("Authorization: Bearer")
    return _json(body)


@router.post(EMAIL, operation_id="receive_email_receipt", summary="A bounce, complaint or delivery of an e-mail",
             status_code=204, responses=_ANSWERS)  # fmt: skip
async def email_receipt(request: Request, receiving: TheReceiving, settings: TheSettings, body: RawBody) -> Response:
    """What a mail relay, or a script beside it, posts: signed as Standard Webhooks says (docs/providers.md).

    `{"type": "email.bounced", "data": {"message_id": "<...>", "permanent": true, "code": "5.1.1"}}`; the type is
    `email.delivered`, `email.deferred`, `email.bounced` or `email.complained`.
    """
    if not settings.email_receipts_secret:
        raise _not_set_up()
    name = await _standard(request, receiving, settings, body)
    said = _json(body)
    data = said.get("data")
    found = data if isinstance(data, dict) else {}
    receipt = _EMAIL.get(str(said.get("type")), Receipt.ACCEPTED)
    if receipt is Receipt.FAILED_FOR_GOOD and found.get("permanent") is False:
        receipt = Receipt.FAILED_FOR_NOW
    leg = str(found.get("message_id") or "").strip().strip("<>").partition("@")[0]
    code = f"{said.get('type')} {found.get('code') or ''}".strip()[:60]
    await receiving.receipt("email", leg, Heard(message="", receipt=receipt, code=code, id=name))
    return Response(status_code=204)


async def _standard(request: Request, receiving: Receiving, settings: Settings, body: bytes) -> str:
    """The id of a message signed as Standard Webhooks says, not long ago. Raises Problem 403."""
    name, at = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    given = request.headers.get("webhook-signature", "").split()
    now: float = request.state.clock.now().timestamp()
    if name and at.isdigit() and len(at) < 12 and abs(now - int(at)) <= TOLERANCE:
        expected = signature(settings.email_receipts_secret, name, int(at), body)
        if any(hmac.compare_digest(one.encode(), expected.encode()) for one in given[:10]):
            return name
    await receiving.refused("email")
    raise _not_theirs("webhook-signature")


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Problem(422, "not_json", "This is no JSON object", "Send one JSON object, as the provider documents it.")
    return said


def _not_set_up() -> Problem:
    return Problem(404, "not_set_up", "This provider is not set up", "Set it up first: docs/providers.md says how.")


def _not_theirs(header: str) -> Problem:
    return Problem(
        403,
        "not_signed",
        "This is not signed by the provider",
        f"Check the secret and the public URL that the provider was given: {header} does not fit (docs/providers.md).",
    )
