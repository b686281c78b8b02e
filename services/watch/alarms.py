"""The watch's own ways to an operator. They share nothing with the platform's: what is down cannot report itself."""

import asyncio
from email.message import EmailMessage
from typing import Final

import aiosmtplib
import httpx

from services.watch.settings import WatchSettings
from shared.logs import logger

log = logger(__name__)
TIMEOUT: Final = 15.0
"""Seconds for each answer of the mail server."""
PATIENCE: Final = 60.0
"""Seconds for one way, however slowly it goes on answering."""
RUNBOOK: Final = "docs/runbook.md#synthetic-alert-missing"


async def raise_alarm(settings: WatchSettings, http: httpx.AsyncClient, reasons: list[str]) -> list[str]:
    """Tell an operator by every way that is set; returns those that took it. Never raises: a way that is broken or
    badly set up must not keep the other back."""
    took = []
    for way, is_set, tell in (
        ("webhook", settings.alarm_url, _post),
        ("mail", settings.alarm_smtp_host and settings.alarm_mail_to, _send),
    ):
        if not is_set:
            continue
        try:
            async with asyncio.timeout(PATIENCE):
                taken = await tell(settings, http, reasons)
        except Exception as error:  # noqa: BLE001  see above
            log.error("watch_alarm_not_taken", way=way, kind=type(error).__name__)  # noqa: TRY400  it may hold a secret
        else:
            took += [way] * taken
    if not took:
        log.error("watch_alarm_reached_nobody")
    return took


async def _post(settings: WatchSettings, http: httpx.AsyncClient, reasons: list[str]) -> bool:
    answer = await http.post(settings.alarm_url, json={"source": "rapport watch", "reasons": reasons})
    return answer.is_success


async def _send(settings: WatchSettings, _: httpx.AsyncClient, reasons: list[str]) -> bool:
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
    return True


def _mail(settings: WatchSettings, reasons: list[str]) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = settings.alarm_mail_from, settings.alarm_mail_to
    message["Subject"] = "Rapport: alerts may not reach anybody"
    lines = "\n".join(f"- {reason}" for reason in reasons)
    message.set_content(f"For too long the watch has found this:\n\n{lines}\n\n{RUNBOOK}")
    return message
