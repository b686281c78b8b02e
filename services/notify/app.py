"""notify put together: the only place that names concrete parts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any, Final

import httpx
from fastapi import FastAPI

from services.notify.api import ROUTERS
from services.notify.api.page import Pages
from services.notify.api.receipts import TWILIO as TWILIO_RECEIPTS
from services.notify.channels import (
    AppriseChannel,
    Charts,
    EmailChannel,
    Failover,
    GovUkNotify,
    SmsChannel,
    SmtpServer,
    Twilio,
    WebhookChannel,
    outward,
)
from services.notify.channels.failover import Sender
from services.notify.domain import Channel
from services.notify.domain.letters import silenced
from services.notify.handlers import (
    OWN,
    SUBSCRIPTIONS,
    TABLES,
    Auditor,
    ByLink,
    BySms,
    Carrier,
    Contacts,
    Deciding,
    Desk,
    Dispatcher,
    Figures,
    HandingOver,
    Holding,
    Letterbox,
    Letters,
    Messages,
    Messenger,
    OpenAlerts,
    OwnRead,
    Pacing,
    Post,
    Receiving,
    Reconciler,
    Together,
    Verifying,
    Writing,
    caught_up,
    keep_showing,
)
from services.notify.handlers.receiving import SendText
from services.notify.settings import Settings
from services.notify.store import ALERT_FACETS, Clinics, Store
from shared import runtime
from shared.auth import Verifier
from shared.bus import Event
from shared.bus.kafka import GATHERED, KafkaPublisher, KafkaSource
from shared.bus.runner import Runner, wait_for
from shared.bus.table import TableFeed
from shared.clock import Clock, SystemClock
from shared.contracts import Alert, Assessment, ContactState, Patient, PatientLetters
from shared.documents import Mirror, MongoResumeStore, Owned
from shared.errors import Recoverable
from shared.logs import logger
from shared.mongo import open_database, ping

SERVICE: Final = "notify"
PROVIDER_TIMEOUT: Final = 15.0
"""Seconds an SMS provider may take to answer."""
log = logger(__name__)


def create_app(settings: Settings, clock: Clock = SystemClock()) -> FastAPI:
    """The service's app; everything is opened and closed by its lifespan."""

    lifespan = runtime.lifespan(partial(_open, settings, clock))
    return runtime.create_app(service=SERVICE, title="Rapport notify", routers=ROUTERS, lifespan=lifespan)


async def _open(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Mapping[str, Any]:
    opened = stack.enter_async_context
    verifier = Verifier(jwks=settings.jwks(), issuer=settings.jwt_issuer, audience=settings.jwt_audience, clock=clock)
    name = f"{settings.database_prefix}_{SERVICE}"
    database = await opened(open_database(settings.mongo, name, settings.mongo_driver))
    publisher = await opened(KafkaPublisher(bootstrap=settings.kafka, service=SERVICE))
    store, clinics = Store(database=database, clock=clock), Clinics()
    alerts = Owned(
        collection=database["alerts"],
        model=Alert,
        publisher=publisher,
        clock=clock,
        service=SERVICE,
        facets=ALERT_FACETS,
    )
    assessments = Mirror(collection=database["assessments"], model=Assessment)
    patients = Mirror(collection=database["patients"], model=Patient)
    contact_states = Owned(
        collection=database["contacts"], model=ContactState, publisher=publisher, clock=clock, service=SERVICE
    )
    contacts = Contacts(documents=contact_states, key=settings.link_key(), clock=clock)
    post = Post(
        clinics=clinics,
        contacts=contacts,
        patients=patients,
        assessments=assessments,
        public_url=settings.public_url,
        link_key=settings.link_key(),
        apprise=settings.apprise_keys,
        link_days=settings.link_days,
    )
    senders: dict[str, SendText] = {}
    channels = await _channels(settings, stack, clock, senders)
    holding = Holding(deliveries=store.deliveries, load=store.load, post=post, clock=clock)
    source = KafkaSource(bootstrap=settings.kafka, group=name, topics=SUBSCRIPTIONS, fetching=GATHERED)
    resume = MongoResumeStore(database=database, group=SERVICE)
    own_read = OwnRead(
        source=source,
        health=lambda: runner.health(),  # noqa: PLW0108  it is made below
        passed=resume.passed,
        topics=OWN,
    )
    deciding = Deciding(alerts=alerts, deliveries=store.deliveries, post=post, own_read=own_read, clock=clock)
    handing_over = HandingOver(
        deliveries=store.deliveries,
        alerts=alerts,
        post=post,
        pacing=Pacing(paces=store.paces, deliveries=store.deliveries, contacts=contacts, clock=clock),
        channels=channels,
        holding=holding,
        own_read=own_read,
        clock=clock,
    )
    dispatcher = Dispatcher(deliveries=store.deliveries, due=store.due, handing_over=handing_over, clock=clock)
    stack.push_async_callback(dispatcher.stop)
    open_alerts = OpenAlerts()
    reconciler = Reconciler(
        alerts=alerts,
        assessments=assessments,
        patients=patients,
        register=store.register,
        deliveries=store.deliveries,
        post=post,
        handing_over=handing_over,
        dispatcher=dispatcher,
        open_alerts=open_alerts,
        own_read=own_read,
        clock=clock,
    )
    auditor = Auditor(
        open_alerts=open_alerts,
        alerts=alerts,
        assessments=assessments,
        patients=patients,
        register=store.register,
        deliveries=store.deliveries,
        due=store.due,
        reconciler=reconciler,
        handing_over=handing_over,
        dispatcher=dispatcher,
        post=post,
        clock=clock,
    )
    letter_documents = Owned(
        collection=database["letters"],
        model=PatientLetters,
        publisher=publisher,
        clock=clock,
        service=SERVICE,
        tombstone=silenced,
    )
    letters = Letters(documents=letter_documents, due=store.letters_due, names=store.letter_names, clock=clock)
    carrier = Carrier(
        letters=letters,
        due=store.letters_due,
        patients=patients,
        writing=Writing(post=post, url=settings.patient_url, key=settings.patient_link_key()),
        channels=channels,
        own_read=own_read,
        clock=clock,
    )
    stack.push_async_callback(carrier.stop)
    runner = Runner(
        service=SERVICE,
        source=source,
        handler=Together(reconciler, Letterbox(letters=letters, patients=patients, clock=clock)),
        resume=resume,
        publisher=publisher,
        own_topics=OWN,
        clock=clock,
    )

    async def on_table(event: Event) -> None:
        clinics.keep([event.data])
        await contacts.take_in(event)

    feed = TableFeed(
        service=SERVICE,
        source=KafkaSource(bootstrap=settings.kafka, group=None, topics=TABLES),
        on_event=on_table,
    )

    verifying = Verifying(clinics=clinics, contacts=contacts, channels=channels, post=post, clock=clock)

    async def tables() -> None:
        """A store that was dropped learns the contacts from their topic, so it must be open."""
        await _patiently(contact_states.open)
        await feed.run()

    async def on_the_bus() -> None:
        """The store first, then clinics and contacts whole, then the patients. What is sent `own_read` lets through."""
        await _patiently(alerts.open)
        await _patiently(letter_documents.open)
        await _patiently(store.open)
        await feed.complete.wait()
        async with asyncio.TaskGroup() as group:
            for work in (
                runner.run(),
                own_read.run(),
                alerts.run_sweeper(),
                contact_states.run_sweeper(),
                letter_documents.run_sweeper(),
                carrier.run(),
                dispatcher.run(),
                verifying.run(),
                auditor.run(partial(caught_up, runner.health)),
            ):
                group.create_task(work)

    desk = Desk(
        alerts=alerts,
        register=store.register,
        deliveries=store.deliveries,
        openings=store.openings,
        deciding=deciding,
        by_sms=BySms(
            alerts=alerts,
            register=store.register,
            deliveries=store.deliveries,
            paces=store.paces,
            answered=store.answered,
            deciding=deciding,
            post=post,
            clock=clock,
        ),
        post=post,
        clock=clock,
    )
    work = {
        "clinics": tables(),
        "gauges": keep_showing(
            open_alerts, clock, *(one.show for one in channels.values() if isinstance(one, Failover))
        ),
        "bus": on_the_bus(),
    }
    tasks = [await opened(runtime.background(one, name=f"{SERVICE} {name}")) for name, one in work.items()]
    return {
        "verifier": verifier,
        "clock": clock,
        "desk": desk,
        "by_link": ByLink(
            alerts=alerts,
            register=store.register,
            openings=store.openings,
            deciding=deciding,
            post=post,
            clock=clock,
        ),
        "figures": Figures(alerts=alerts, patients=patients, load=store.load, post=post, clock=clock),
        "auditor": auditor,
        "pages": Pages(),
        "contacts": contacts,
        "clinics": clinics,
        "settings": settings,
        "receiving": Receiving(
            deliveries=store.deliveries,
            post=post,
            contacts=contacts,
            dispatcher=dispatcher,
            clock=clock,
            on_reply=desk.answer,
            senders=senders,
            on_receipt=carrier.heard,
        ),
        "messages": Messages(letters=letters, patients=patients, key=settings.patient_link_key(), clock=clock),
        "reached": partial(wait_for, resume),
        "pings": {
            "store": partial(ping, database),
            "bus": runtime.healthy(runner.health),
            "clinics": runtime.healthy(feed.health),
            "background work": runtime.running(tasks),
        },
    }


async def _channels(
    settings: Settings, stack: AsyncExitStack, clock: Clock, senders: dict[str, SendText]
) -> dict[Channel, Messenger]:
    """E-mail and webhooks always; SMS and Apprise where they are set up. E-mail and SMS by all of their providers.

    senders: is given the providers that answers to texts are sent by.
    """
    client = await stack.enter_async_context(
        outward(ports=settings.webhooks_ports, inside=settings.webhooks_inside, seconds=PROVIDER_TIMEOUT)
    )
    channels: dict[Channel, Messenger] = {
        Channel.WEBHOOK: WebhookChannel(client=client, key=settings.link_key(), clock=clock)
    }
    if settings.apprise_url:
        apprise = httpx.AsyncClient(base_url=settings.apprise_url, timeout=PROVIDER_TIMEOUT)
        channels[Channel.APPRISE] = AppriseChannel(client=await stack.enter_async_context(apprise))
    weights = {
        "smtp": settings.smtp_weight,
        "smtp2": settings.smtp2_weight,
        "twilio": settings.twilio_weight,
        "govuk-notify": settings.govuk_weight,
    }
    providers = {Channel.EMAIL: await _email(settings, stack), Channel.SMS: await _sms(settings, stack, clock, senders)}
    for channel, some in providers.items():
        if some:
            channels[channel] = Failover(channel=channel, providers=some, weights=weights, clock=clock)
        else:
            log.warning("channel_not_set_up", channel=channel.value)
    return channels


async def _email(settings: Settings, stack: AsyncExitStack) -> dict[str, Sender]:
    charts = await stack.enter_async_context(Charts().running())
    servers = {
        "smtp": SmtpServer(
            settings.smtp_host, settings.smtp_port, settings.smtp_tls, settings.smtp_username, settings.smtp_password
        )
    }
    if settings.smtp2_host:
        servers["smtp2"] = SmtpServer(
            settings.smtp2_host,
            settings.smtp2_port,
            settings.smtp2_tls,
            settings.smtp2_username,
            settings.smtp2_password,
        )
    found: dict[str, Sender] = {}
    for name, server in servers.items():
        found[name] = email = EmailChannel(
            server=server, sender=settings.mail_from, draw=charts.draw, patient_sender=settings.patient_mail_from
        )
        stack.push_async_callback(email.close)
    return found


async def _sms(
    settings: Settings, stack: AsyncExitStack, clock: Clock, senders: dict[str, SendText]
) -> dict[str, Sender]:
    within = timedelta(minutes=settings.receipt_minutes)
    found: dict[str, Sender] = {}
    if settings.twilio_account:
        auth = (settings.twilio_account, settings.twilio_token)
        client = httpx.AsyncClient(base_url=settings.twilio_url, auth=auth, timeout=PROVIDER_TIMEOUT)
        twilio = Twilio(
            client=await stack.enter_async_context(client),
            account=settings.twilio_account,
            sender=settings.twilio_from,
            callback=settings.public_url + TWILIO_RECEIPTS if settings.twilio_callbacks else "",
            receipt_within=within,
            names=settings.twilio_names,
        )
        found["twilio"] = SmsChannel(provider=twilio)
    if settings.govuk_api_key:
        client = httpx.AsyncClient(base_url=settings.govuk_url, timeout=PROVIDER_TIMEOUT)
        govuk = GovUkNotify(
            client=await stack.enter_async_context(client),
            api_key=settings.govuk_api_key,
            template=settings.govuk_template,
            clock=clock,
            receipt_within=within if settings.govuk_callback_token else None,
        )
        found["govuk-notify"], senders["govuk-notify"] = SmsChannel(provider=govuk), govuk.send
    return found


async def _patiently(call: Callable[[], Awaitable[None]]) -> None:
    """Call until it works; what passes by itself is waited out."""
    while True:
        try:
            await call()
        except Recoverable:
            await asyncio.sleep(1)
        else:
            return
