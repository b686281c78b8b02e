"""A clinic, its providers, and notify between them, on a clock that only moves when it is told to."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Self

import httpx
from fastapi import FastAPI

from services.notify.api import ROUTERS
from services.notify.api.page import Pages
from services.notify.api.receipts import GOVUK, GOVUK_TEXT, TWILIO_TEXT, twilio_signature
from services.notify.api.receipts import TWILIO as TWILIO_RECEIPTS
from services.notify.channels import (
    AppriseChannel,
    EmailChannel,
    Failover,
    GovUkNotify,
    SmsChannel,
    SmtpServer,
    WebhookChannel,
    no_chart,
    outward,
)
from services.notify.channels import Twilio as TwilioProvider
from services.notify.domain import Channel, next_due, signature
from services.notify.handlers import Receiving, Verifying
from services.notify.handlers.receiving import SendText
from services.notify.settings import Settings
from shared import runtime
from shared.contracts import Alert, Assessment, Clinic, Clinician
from shared.contracts.assessments import Concern
from shared.contracts.base import Urgency
from tests.harness.standins import Apprise, GovUk, Hook, Receiver, Text
from tests.providers import Mail, MailServer, Sms, Twilio
from tests.unit.notify.made import MONDAY, assessment, concern, telling
from tests.unit.notify.memory_mongo import Life
from tests.unit.notify.world import Process, World, silenced

PUBLIC = "https://rapport.example"
PRIYA, MOBILE, DUTY = "priya@listed.example", "+447700900001", "duty@listed.example"
SECRET = "a-secret-of-the-tests-alone"
BOUNCES = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
MOMENT = timedelta(seconds=5)
"""What counts as at once."""
Message = Mail | Sms | Text | Hook | dict[str, Any]


class Scene:
    """Open it, have alerts raised, expect messages; what nobody expected fails at the end."""

    def __init__(self, *, govuk: bool = False, receipts: bool = True) -> None:
        """govuk: whether GOV.UK Notify is a second SMS provider. receipts: whether receipts are set up."""
        self.world = World()
        self.clock = self.world.clock
        self.mail, self.twilio = MailServer(), Twilio()
        self.mail2: MailServer | None = None
        self.govuk, self.receiver = GovUk(self.clock), Receiver(self.clock)
        self.apprise = Apprise("harbour-chat")
        self._with_govuk, self._receipts = govuk, receipts
        self._expected: set[int] = set()
        self._stack = AsyncExitStack()
        self._senders: dict[str, SendText] = {}
        self._said: dict[str, Concern] = {}
        self._basis = 0
        self.weights = {"twilio": 100, "govuk-notify": 100}
        self.with_apprise = False

    # --- the clinic, before it is opened ------------------------------------------------------------------------------

    def settings(self, **changes: Any) -> None:
        """Other settings of the clinic."""
        clinic = next(one for one in self.world.documents if isinstance(one, Clinic))
        changed = clinic.settings[0].model_copy(update=changes)
        self._replace(clinic, clinic.model_copy(update={"settings": [changed], "version": clinic.version + 1}))

    def clinician(self, **changes: Any) -> None:
        """Another clinician than one with both channels."""
        clinician = next(one for one in self.world.documents if isinstance(one, Clinician))
        self._replace(clinician, clinician.model_copy(update=changes | {"version": clinician.version + 1}))

    def _replace(self, old: Clinic | Clinician, new: Clinic | Clinician) -> None:
        self.world.documents = [new if one is old else one for one in self.world.documents]

    # --- opening and closing ------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        enter = self._stack.enter_async_context
        for server in (self.mail, self.twilio, self.govuk, self.receiver, self.apprise):
            await enter(server)
        if self.mail2 is not None:
            await enter(self.mail2)
        keys = {"harbour": self.apprise.key} if self.with_apprise else {}
        self.process = Process(self.world, Life(), await self._channels(), keys)
        self.receiving = Receiving(
            deliveries=self.process.store.deliveries,
            post=self.process.post,
            contacts=self.process.contacts,
            dispatcher=self.process.dispatcher,
            clock=self.clock,
            on_reply=self.process.desk.answer,
            senders=self._senders,
        )
        self.verifying = Verifying(
            clinics=self.process.clinics,
            contacts=self.process.contacts,
            channels=self.channels,
            post=self.process.post,
            clock=self.clock,
        )
        self.door = await enter(self._door())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                await self.process.calm()
                assert [_short(one) for one in self._all() if id(one) not in self._expected] == []
        finally:
            await self._stack.aclose()
            await silenced()

    async def _channels(self) -> dict[Channel, Any]:
        enter = self._stack.enter_async_context
        within = timedelta(minutes=10) if self._receipts else None
        twilio = await enter(
            httpx.AsyncClient(base_url=self.twilio.url, auth=(Twilio.account, Twilio.token), timeout=2)
        )
        sms: dict[str, Any] = {
            "twilio": SmsChannel(
                provider=TwilioProvider(
                    client=twilio,
                    account=Twilio.account,
                    sender="+447700900000",
                    callback=PUBLIC + TWILIO_RECEIPTS if self._receipts else "",
                    receipt_within=within,
                )
            )
        }
        if self._with_govuk:
            govuk = await enter(httpx.AsyncClient(base_url=self.govuk.url, timeout=2))
            provider = GovUkNotify(
                client=govuk,
                api_key=self.govuk.api_key,
                template=GovUk.template,
                clock=self.clock,
                receipt_within=within,
            )
            sms["govuk-notify"] = SmsChannel(provider=provider)
            self._senders["govuk-notify"] = provider.send
        servers = {"smtp": self.mail} | ({"smtp2": self.mail2} if self.mail2 else {})
        emails = {name: self._email(server) for name, server in servers.items()}
        for email in emails.values():
            self._stack.push_async_callback(email.close)
        outside = await enter(outward(ports={443}, inside=True, seconds=2))
        hooks = WebhookChannel(client=outside, key=SECRET, clock=self.clock)
        apprise = AppriseChannel(client=await enter(httpx.AsyncClient(base_url=self.apprise.url, timeout=2)))
        self.channels = {
            Channel.EMAIL: Failover(channel=Channel.EMAIL, providers=emails, weights={}, clock=self.clock),
            Channel.SMS: Failover(channel=Channel.SMS, providers=sms, weights=self.weights, clock=self.clock),
            Channel.WEBHOOK: hooks,
            Channel.APPRISE: apprise,
        }
        return dict(self.channels)

    def _email(self, server: MailServer) -> EmailChannel:
        smtp = SmtpServer(server.host, server.port, "none")
        return EmailChannel(server=smtp, sender="alerts@rapport.example", draw=no_chart)

    @asynccontextmanager
    async def _door(self) -> AsyncIterator[httpx.AsyncClient]:
        """notify's HTTP, as providers reach it through the gateway."""
        settings = Settings(
            env="development",
            twilio_token=Twilio.token,
            govuk_callback_token=GovUk.token,
            email_receipts_secret=BOUNCES,
            public_url=PUBLIC,
            link_secret=SECRET,
        )
        state = {
            "clock": self.clock,
            "contacts": self.process.contacts,
            "clinics": self.process.clinics,
            "pages": Pages(),
            "desk": self.process.desk,
            "by_link": self.process.by_link,
            "settings": settings,
            "receiving": self.receiving,
        }

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
            yield state

        app = runtime.create_app(service="notify", title="notify", routers=ROUTERS, lifespan=lifespan)

        async def asgi(scope: Any, receive: Any, send: Any) -> None:
            await app(scope | {"state": dict(state)}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=asgi), base_url=PUBLIC) as client:
            yield client

    # --- what happens -------------------------------------------------------------------------------------------------

    async def raised(self, rule: str = "risk_item", urgency: Urgency = Urgency.AT_ONCE, *, news: str = "") -> Alert:
        """Something is to be told; returns its alert. One after the other: concerns that were raised still hold."""
        found = telling(news or f"{rule} {len(self._said)}", at=self.clock.now(), urgency=urgency)
        self._said[rule] = concern(found, rule=rule)
        await self._assess()
        return next(alert for alert in self.world.alerts() if alert.rule == rule)

    async def _assess(self) -> None:
        self._basis += 1
        said: Assessment = assessment(*self._said.values(), basis=self._basis)
        await self.process.handle([said])
        await self.process.calm()

    async def forward(self, by: timedelta) -> None:
        """Let time pass, from one thing that falls due to the next."""
        await self._until(self.clock.now() + by, lambda: False)

    async def _until(self, end: datetime, there: Callable[[], object]) -> None:
        await self.process.calm()
        while not there() and self.clock.now() < end:
            due = [next_due(row) for row in self.world.rows().values() if not row.finished]
            later = [at for at in due if at > self.clock.now()]
            self.clock.set(min([end, *later]))
            await self.process.calm()

    # --- what is expected ---------------------------------------------------------------------------------------------

    async def expect_mail(self, to: str = PRIYA, *, saying: str = "", within: timedelta = MOMENT) -> Mail:
        """An e-mail to an address, with some words in subject or text."""
        servers = [self.mail, *([self.mail2] if self.mail2 else [])]
        return await self._expect(
            f"an e-mail to {to}",
            lambda: [one for server in servers for one in server.to(to) if saying in one.subject + one.text],
            within,
        )

    async def expect_sms(self, to: str = MOBILE, *, saying: str = "", within: timedelta = MOMENT) -> Sms:
        """A text by Twilio."""
        found = lambda: [one for one in self.twilio.messages if one.to == to and saying in one.body]  # noqa: E731
        return await self._expect(f"a text to {to} by Twilio", found, within)

    async def expect_govuk(self, to: str = MOBILE, *, saying: str = "", within: timedelta = MOMENT) -> Text:
        """A text by GOV.UK Notify."""
        found = lambda: [one for one in self.govuk.messages if one.to == to and saying in one.body]  # noqa: E731
        return await self._expect(f"a text to {to} by GOV.UK Notify", found, within)

    async def expect_hook(self, *, within: timedelta = MOMENT) -> Hook:
        """A webhook message that its receiver took."""
        return await self._expect("a webhook message", lambda: list(self.receiver.taken), within)

    async def expect_apprise(self, *, within: timedelta = MOMENT) -> dict[str, Any]:
        """A message to Apprise's key."""
        return await self._expect("a message to Apprise", lambda: list(self.apprise.messages), within)

    async def _expect(self, what: str, find: Callable[[], list[Any]], within: timedelta) -> Any:
        def fresh() -> list[Any]:
            return [one for one in find() if id(one) not in self._expected]

        end = self.clock.now() + within
        await self._until(end, fresh)
        found = fresh()
        assert found, f"{what}: not by {end - MONDAY} after the beginning"
        self._expected.add(id(found[0]))
        return found[0]

    def _all(self) -> list[Message]:
        mails = [*self.mail.messages, *(self.mail2.messages if self.mail2 else [])]
        return [*mails, *self.twilio.messages, *self.govuk.messages, *self.receiver.taken, *self.apprise.messages]

    async def trail(self, alert: Alert) -> list[Any]:
        """The legs of everything that was sent about an alert."""
        found = await self.process.desk.trail(alert.clinic, alert.alert)
        return [leg for row in found.deliveries for leg in row.legs]

    # --- what providers say -------------------------------------------------------------------------------------------

    async def twilio_says(
        self, sms: Sms, status: str, *, error: str = "", token: str = Twilio.token, at_once: bool = False
    ) -> httpx.Response:
        """Twilio's status callback about a text, signed (with another token: forged). at_once: while it is answering
        us, so nothing is waited for."""
        pairs = [("MessageSid", sms.sid), ("MessageStatus", status), ("To", sms.to), ("From", sms.sender)]
        pairs += [("ErrorCode", error)] if error else []
        return await self._twilio_posts(sms.callback.removeprefix(PUBLIC), pairs, token, at_once=at_once)

    async def texted(self, body: str, *, sender: str = MOBILE, sid: str = "SM1", token: str = Twilio.token) -> Any:
        """Somebody answers by text, and Twilio passes it on."""
        pairs = [("From", sender), ("To", "+447700900000"), ("Body", body), ("MessageSid", sid), ("NumMedia", "0")]
        return await self._twilio_posts(TWILIO_TEXT, pairs, token)

    async def _twilio_posts(
        self, path: str, pairs: list[tuple[str, str]], token: str, *, at_once: bool = False
    ) -> httpx.Response:
        signed = twilio_signature(token, PUBLIC + path, pairs)
        answer = await self.door.post(path, data=dict(pairs), headers={"X-Twilio-Signature": signed})
        if not at_once:
            await self.process.calm()
        return answer

    async def govuk_says(self, text: Text, status: str, *, token: str = GovUk.token) -> httpx.Response:
        """GOV.UK Notify's callback about a text."""
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self.door.post(GOVUK, json=self.govuk.receipt(text, status), headers=headers)
        await self.process.calm()
        return answer

    async def govuk_texted(self, body: str, *, sender: str = "447700900001", name: str = "in-1") -> httpx.Response:
        """Somebody answers by text, and GOV.UK Notify passes it on."""
        said = {"id": name, "source_number": sender, "destination_number": "07700900000", "message": body}
        said |= {"date_received": "2026-11-23T10:00:00.000000Z"}
        answer = await self.door.post(GOVUK_TEXT, json=said, headers={"Authorization": f"Bearer {GovUk.token}"})
        await self.process.calm()
        return answer

    async def relay_says(
        self, content: bytes, *, name: str = "evt-1", at: datetime | None = None, secret: str = BOUNCES
    ) -> httpx.Response:
        """What a mail relay posts, signed as Standard Webhooks says."""
        seconds = int((at or self.clock.now()).timestamp())
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature(secret, name, seconds, content),
        }
        answer = await self.door.post("/v1/receipts/email", content=content, headers=headers)
        await self.process.calm()
        return answer


def _short(message: Message) -> str:
    match message:
        case Mail():
            return f"e-mail to {message.recipients}: {message.subject}"
        case Sms() | Text():
            return f"text to {message.to}: {message.body}"
        case Hook():
            return f"webhook {message.body}"
        case _:
            return f"Apprise {message}"
