"""notify put together: the only place that names concrete parts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

import httpx
from fastapi import FastAPI

from services.notify.api import ROUTERS
from services.notify.api.page import Pages
from services.notify.channels import Charts, EmailChannel, SmsChannel, SmtpServer, Twilio
from services.notify.domain import Channel
from services.notify.handlers import (
    OWN,
    SUBSCRIPTIONS,
    TABLES,
    Auditor,
    ByLink,
    BySms,
    Deciding,
    Desk,
    Dispatcher,
    Figures,
    HandingOver,
    Holding,
    Messenger,
    OpenAlerts,
    Post,
    Reconciler,
    keep_showing,
)
from services.notify.settings import Settings
from services.notify.store import ALERT_FACETS, Clinics, Store
from shared import runtime
from shared.auth import Verifier
from shared.bus import Event
from shared.bus.kafka import GATHERED, KafkaPublisher, KafkaSource
from shared.bus.runner import Runner, wait_for
from shared.bus.table import TableFeed
from shared.clock import Clock, SystemClock
from shared.contracts import Alert, Assessment, Patient
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
    post = Post(
        clinics=clinics,
        patients=patients,
        assessments=assessments,
        public_url=settings.public_url,
        link_key=settings.link_key(),
        link_days=settings.link_days,
    )
    holding = Holding(deliveries=store.deliveries, load=store.load, post=post, clock=clock)
    deciding = Deciding(alerts=alerts, deliveries=store.deliveries, post=post, clock=clock)
    handing_over = HandingOver(
        deliveries=store.deliveries,
        alerts=alerts,
        post=post,
        channels=await _channels(settings, stack),
        holding=holding,
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
    resume = MongoResumeStore(database=database, group=SERVICE)
    runner = Runner(
        service=SERVICE,
        source=KafkaSource(
            bootstrap=settings.kafka,
            group=name,
            topics=SUBSCRIPTIONS,
            fetching=GATHERED,
        ),
        handler=reconciler,
        resume=resume,
        publisher=publisher,
        own_topics=OWN,
        clock=clock,
    )

    async def on_clinic(event: Event) -> None:
        clinics.keep([event.data])

    feed = TableFeed(
        service=SERVICE,
        source=KafkaSource(bootstrap=settings.kafka, group=None, topics=TABLES),
        on_event=on_clinic,
    )

    def caught_up() -> bool:
        lanes = runner.health().lanes.values()
        return bool(lanes) and all(lane.caught_up or lane.state in ("newer_major", "fuse") for lane in lanes)

    async def on_the_bus() -> None:
        """The store first, then the clinics whole, then the patients."""
        await _patiently(alerts.open)
        await _patiently(store.open)
        await feed.complete.wait()
        async with asyncio.TaskGroup() as group:
            for work in (runner.run(), alerts.run_sweeper(), dispatcher.run(), auditor.run(caught_up)):
                group.create_task(work)

    work = {"clinics": feed.run(), "gauges": keep_showing(open_alerts, clock), "bus": on_the_bus()}
    tasks = [await opened(runtime.background(one, name=f"{SERVICE} {name}")) for name, one in work.items()]
    return {
        "verifier": verifier,
        "clock": clock,
        "desk": Desk(
            alerts=alerts,
            register=store.register,
            deliveries=store.deliveries,
            openings=store.openings,
            deciding=deciding,
            by_sms=BySms(
                alerts=alerts,
                register=store.register,
                deliveries=store.deliveries,
                answered=store.answered,
                deciding=deciding,
                post=post,
                clock=clock,
            ),
            post=post,
            clock=clock,
        ),
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
        "reached": partial(wait_for, resume),
        "pings": {
            "store": partial(ping, database),
            "bus": runtime.healthy(runner.health),
            "clinics": runtime.healthy(feed.health),
            "background work": runtime.running(tasks),
        },
    }


async def _channels(settings: Settings, stack: AsyncExitStack) -> dict[Channel, Messenger]:
    """E-mail always; SMS where an account is set."""
    charts = await stack.enter_async_context(Charts().running())
    email = EmailChannel(
        server=SmtpServer(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_tls,
            settings.smtp_username,
            settings.smtp_password,
        ),
        sender=settings.mail_from,
        draw=charts.draw,
    )
    stack.push_async_callback(email.close)
    channels: dict[Channel, Messenger] = {Channel.EMAIL: email}
    if not settings.twilio_account:
        log.warning("sms_not_set_up")
        return channels
    client = await stack.enter_async_context(
        httpx.AsyncClient(
            base_url=settings.twilio_url,
            auth=(settings.twilio_account, settings.twilio_token),
            timeout=PROVIDER_TIMEOUT,
        )
    )
    twilio = Twilio(client=client, account=settings.twilio_account, sender=settings.twilio_from)
    return channels | {Channel.SMS: SmsChannel(provider=twilio)}


async def _patiently(call: Callable[[], Awaitable[None]]) -> None:
    """Call until it works; what passes by itself is waited out."""
    while True:
        try:
            await call()
        except Recoverable:
            await asyncio.sleep(1)
        else:
            return
