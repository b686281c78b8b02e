"""E-mail by SMTP: a few connections kept open, and every answer of the server understood."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8 as SMTPUTF8_POLICY
from functools import partial
from time import monotonic
from typing import Any, Final, Literal

import aiosmtplib
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.notify.channels.letters import compose_letter
from services.notify.channels.words import absolute, own_text, subject, urgency_word
from services.notify.domain import Notice, Outcome, Result
from shared.contracts.assessments import Chart
from shared.gsm7 import one_line

Draw = Callable[[Chart], Awaitable[bytes | None]]
"""Draws a chart as PNG, or gives None where it could not be had in time."""

CONNECTIONS: Final = 8
IDLE: Final = 5.0
"""After so many seconds without use a connection is asked whether it is still there."""
TIMEOUT: Final = 10.0
"""Seconds for each answer of the server."""
_ABOUT_THE_ADDRESS: Final = re.compile(r"5\.(?:1\.(?:[0-46]|10)|2\.1|4\.1)(?![0-9.])")
"""RFC 3463, RFC 7505, and 5.4.1, which Exchange answers for an address it does not know. Not the sender's address
(5.1.7, 5.1.8), a full mailbox (5.2.2: mailboxes get emptied), systems (5.3), protocol (5.5) or policy (5.7)."""
_BARE: Final = frozenset({550, 551, 553})
"""RFC 5321, 4.2.3: what a server that gives no enhanced status answers to RCPT about a mailbox."""
_ABOUT_US: Final = re.compile(r"relay|authenti|sender|polic|block|prohibit|denied|reputation|spam", re.IGNORECASE)
"""Words of servers without enhanced status that refuse us in answer to RCPT (Exim: `550 relay not permitted`)."""
_ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![0-9.])")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to hand e-mail over."""

    host: str
    port: int
    tls: Literal["none", "starttls", "tls"] = "starttls"
    username: str = ""
    password: str = ""


class _Unreachable(Exception):  # noqa: N818  what happened
    """No connection came about; nothing was handed over."""


class EmailChannel:
    """Words for a notice, as text and HTML, and an SMTP server to carry them. One that stays open needs `close`."""

    def __init__(self, *, server: SmtpServer, sender: str, draw: Draw, patient_sender: str = "") -> None:
        """patient_sender: the address that letters to patients come from; the same where there is none."""
        self._server, self._sender, self._draw = server, sender, draw
        self._patient_sender = patient_sender or sender
        self._idle: list[tuple[aiosmtplib.SMTP, float]] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._templates = Environment(
            loader=PackageLoader("services.notify", "templates"),
            autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def send(self, notice: Notice) -> Result:
        """Hand a notice over as one e-mail."""
        try:
            message = await self.compose(notice)
        except (MessageError, ValueError, IndexError):
            return Result(outcome=Outcome.PERMANENT, code="address not usable")
        try:
            async with self._connection() as smtp:
                return await self._hand_over(smtp, notice.address, message)
        except _Unreachable as reason:
            return Result(outcome=Outcome.TEMPORARY, code=str(reason))

    async def compose(self, notice: Notice) -> EmailMessage:
        """The message: `multipart/alternative`, text and HTML, a chart inside the HTML part where there is one.

        The Message-ID is the same for every try, so that a duplicate is recognisable. Raises ValueError where the
        address cannot be written into a header.
        """
        if notice.letter is not None:
            return compose_letter(notice, notice.letter, self._patient_sender, self._templates)
        message = EmailMessage(policy=SMTP_POLICY if notice.address.isascii() else SMTPUTF8_POLICY)
        domain = self._sender.rpartition("@")[2]
        message["From"] = Address(one_line(notice.clinic_name), addr_spec=self._sender)
        message["To"] = Address(one_line(notice.name), addr_spec=notice.address)
        message["Subject"] = subject(notice)
        message["Date"] = notice.written_at
        message["Message-ID"] = f"<{notice.token}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Rapport-Reference"] = ", ".join(line.reference for line in notice.lines[:20])
        charts = {} if notice.digest else await self._charts(notice)
        words = {
            "notice": notice,
            "clinic": one_line(notice.clinic_name),
            "absolute": lambda at: absolute(at, notice.zone),
            "urgency_word": partial(urgency_word, notice),
            "own": partial(own_text, notice),
            "charts": {reference: f"cid:{reference}.{notice.token}@{domain}" for reference in charts},
        }
        name = "email" if notice.verification is None else "verify"
        message.set_content(self._templates.get_template(f"{name}.txt.j2").render(words))
        message.add_alternative(self._templates.get_template(f"{name}.html.j2").render(words), subtype="html")
        html: Any = list(message.iter_parts())[-1]
        for reference, png in charts.items():
            html.add_related(
                png, "image", "png", cid=f"<{reference}.{notice.token}@{domain}>", disposition="inline",
                filename=f"{reference}.png",
            )  # fmt: skip
        return message

    async def _charts(self, notice: Notice) -> dict[str, bytes]:
        charts = {line.reference: line.detail.chart for line in notice.lines if line.detail and line.detail.chart}
        drawn = {reference: await self._draw(chart) for reference, chart in charts.items()}
        return {reference: png for reference, png in drawn.items() if png is not None}

    async def close(self) -> None:
        """Say goodbye to the server."""
        while self._idle:
            smtp, _ = self._idle.pop()
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await smtp.quit(timeout=1)

    # --- the server ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection that is there, kept for the next one unless something went wrong with it."""
        async with self._slots:
            smtp = await self._kept() or await self._connected()
            try:
                yield smtp
            except BaseException:
                smtp.close()
                raise
            if smtp.is_connected:
                self._idle.append((smtp, monotonic()))

    async def _kept(self) -> aiosmtplib.SMTP | None:
        while self._idle:
            smtp, used = self._idle.pop()
            if smtp.is_connected and monotonic() - used < IDLE:
                return smtp
            try:
                if smtp.is_connected and (await smtp.noop(timeout=2)).code < 400:
                    return smtp
            except (aiosmtplib.SMTPException, OSError, TimeoutError):
                pass
            smtp.close()
        return None

    async def _connected(self) -> aiosmtplib.SMTP:
        server = self._server
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=TIMEOUT,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            username=server.username or None,
            password=server.password or None,
        )
        try:
            await smtp.connect()
        except aiosmtplib.SMTPResponseException as error:
            # refused before any message was named: our account or their state, which an operator or time mends
            smtp.close()
            raise _Unreachable(f"{error.code} on connecting") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            smtp.close()
            raise _Unreachable(type(error).__name__) from error
        return smtp

    async def _hand_over(self, smtp: aiosmtplib.SMTP, address: str, message: EmailMessage) -> Result:
        options = [] if address.isascii() else ["SMTPUTF8"]
        try:
            sender = message["From"].addresses[0].addr_spec
            await smtp.sendmail(sender, [address], message.as_bytes(), mail_options=options, rcpt_options=[])
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _refused(error.recipients[0], named=True)
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error, named=False)
        except (aiosmtplib.SMTPNotSupported, ValueError):
            return Result(outcome=Outcome.PERMANENT, code="address not usable")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            smtp.close()
            return Result(outcome=Outcome.UNSURE, code=type(error).__name__)
        return Result(outcome=Outcome.ACCEPTED, code="250")


def _refused(error: aiosmtplib.SMTPResponseException, *, named: bool) -> Result:
    """Refused for good only where the recipient's address is what is wrong (RFC 3463, or RFC 5321 where there is no
    enhanced status). A sender, size, content or policy refused (MAIL FROM, DATA) may be this relay's view of us alone:
    another one is asked, and an operator mends it. named: whether it is the answer to naming the recipient (RCPT)."""
    enhanced = _ENHANCED.match(error.message)
    bare = named and error.code in _BARE and not _ABOUT_US.search(error.message)
    about = _ABOUT_THE_ADDRESS.match(error.message) if enhanced else bare
    permanent = 500 <= error.code < 600 and about and not isinstance(error, aiosmtplib.SMTPSenderRefused)
    return Result(outcome=Outcome.PERMANENT if permanent else Outcome.TEMPORARY, code=str(error.code))
