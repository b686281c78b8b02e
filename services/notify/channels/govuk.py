"""GOV.UK Notify's text messages: `POST /v2/notifications/sms`, JSON, a JWT made from the API key."""

import re
from datetime import timedelta
from typing import Any, Final

import httpx
import jwt

from services.notify.channels.answers import Answer, json_of, no_answer, posted, retry_after
from services.notify.domain import Outcome, Result
from shared.clock import Clock

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY: Final = re.compile(rf"(?:.*-)?({_UUID})-({_UUID})")


class GovUkNotify:
    """201 is acceptance. 400 `ValidationError` about the number is a refusal for good. Every other 400, 403 and 404
    say that our service, key or template is not right, which an operator mends: tried again. 429 and 5xx pass.
    """

    def __init__(
        self,
        *,
        client: httpx.AsyncClient,
        api_key: str,
        template: str,
        clock: Clock,
        receipt_within: timedelta | None = None,
    ) -> None:
        """client: with Notify's (or its stand-in's) base URL and a time-out. api_key: `name-<service id>-<secret>`.
        template: the id of one whose whole text is `((message))`. receipt_within: set where callbacks are set up.
        Raises ValueError where the key is none.
        """
        found = _KEY.fullmatch(api_key)
        if found is None:
            raise ValueError("NOTIFY_GOVUK_API_KEY must be an API key as GOV.UK Notify shows it: name-<uuid>-<uuid>")
        self._service, self._secret = found[1], found[2]
        self._client, self._template, self._clock = client, template, clock
        self._receipt_within = receipt_within

    async def send(self, to: str, text: str, reference: str, sender: str = "") -> Result:
        """Hand over one text. reference: comes back in the receipt, and is the same for every try. sender: not used,
        the template has its own."""
        body = {
            "phone_number": to,
            "template_id": self._template,
            "personalisation": {"message": text},
            "reference": reference,
        }
        try:
            answer = await posted(self._client, "/v2/notifications/sms", json=body, headers=self._authorization())
        except httpx.HTTPError as error:
            return no_answer(error)
        return self._result(answer)

    def _authorization(self) -> dict[str, str]:
        claims = {"iss": self._service, "iat": int(self._clock.now().timestamp())}
        return {"Authorization": f"Bearer {jwt.encode(claims, self._secret, algorithm='HS256')}"}

    def _result(self, answer: Answer) -> Result:
        body = json_of(answer)
        if answer.status == 201:
            return Result(
                outcome=Outcome.ACCEPTED,
                code="201",
                message=str(body.get("id") or ""),
                receipt_within=self._receipt_within,
            )
        errors = [error for error in body.get("errors") or [] if isinstance(error, dict)]
        code = " ".join([str(answer.status), *(str(error.get("error", ""))[:40] for error in errors[:1])])
        if answer.status == 400 and any(_is_about_the_number(error) for error in errors):
            return Result(outcome=Outcome.PERMANENT, code=code)
        return Result(outcome=Outcome.TEMPORARY, code=code, retry_after=retry_after(answer.headers))


def _is_about_the_number(error: dict[str, Any]) -> bool:
    return error.get("error") == "ValidationError" and "phone_number" in str(error.get("message", ""))
