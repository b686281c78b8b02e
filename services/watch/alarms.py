"""The watch's own ways to an operator. They share nothing with the platform's: what is down cannot report itself."""

from contextlib import suppress
from email.message import EmailMessage
from typing import Final

import aiosmtplib
import httpx

from services.watch.settings import WatchSettings
from shared.logs import logger

log = logger(__name__)
TIMEOUT: Final = 15.0


async def raise_alarm(settings: WatchSettings, http: httpx.AsyncClient, reasons: list[str]) -> list[str]:
    """Tell an operator by every way that is set; returns those that took it."""
    took = []
    if settings.alarm_url:
        with suppress(httpx.HTTPError):
            answer = await http.post(settings.alarm_url, json={"source": "rapport watch", "reasons": reasons})
            took += ["webhook"] * answer.is_success
    if settings.alarm_smtp_host and settings.alarm_mail_to:
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            await aiosmtplib.send(
                _mail(settings, reasons),
                hostname=settings.alarm_smtp_host,
                port=settings.alarm_smtp_port,
                use_tls=settings.alarm_smtp_tls == "tls",
                start_tls=settings.alarm_smtp_tls == "starttls",
                username=settings.alarm_smtp_username or None,
                password=settings.alarm_smtp_password or None,
                timeout=TIMEOUT,
            )
            took.append("mail")
    if not took:
        log.error("watch_alarm_reached_nobody")
    return took


def _mail(settings: WatchSettings, reasons: list[str]) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = settings.alarm_mail_from, settings.alarm_mail_to
    message["Subject"] = "Rapport: alerts may not reach anybody"
    lines = "\n".join(f"- {reason}" for reason in reasons)
    runbook = "docs/runbook.md#the-watch-is-silent"
    message.set_content(f"The watch has had no good round for too long:\n\n{lines}\n\n{runbook}")
    return message
