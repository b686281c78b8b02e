"""The one place where mood's parts are put together."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

from fastapi import FastAPI

from services.mood.api import ROUTERS
from services.mood.handlers import (
    SUBSCRIPTIONS,
    TABLES,
    Catalogue,
    Clinics,
    Follower,
    Reader,
    Receipts,
    Recorder,
    Reminding,
    Schedules,
    Strategies,
)
from services.mood.settings import Settings
from services.mood.store import Store
from shared import runtime
from shared.auth import Verifier
from shared.bus import Position
from shared.bus.kafka import LEISURELY, KafkaPublisher, KafkaSource, describe_cluster
from shared.bus.runner import Runner, wait_for
from shared.bus.source import Limits
from shared.bus.table import TableFeed
from shared.clock import Clock, SystemClock
from shared.documents import MongoResumeStore
from shared.mongo import open_database, ping

SERVICE: Final = "mood"


def create_app(settings: Settings, clock: Clock = SystemClock()) -> FastAPI:
    """Mood's app; everything is opened by its lifespan and closed in reverse."""

    lifespan = runtime.lifespan(partial(_open, settings, clock))
    return runtime.create_app(service=SERVICE, title="Rapport mood", routers=ROUTERS, lifespan=lifespan)


async def _open(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Mapping[str, Any]:
    packs = settings.wordings()  # first: one that cannot be read is better known before anything is opened
    verifier = Verifier(jwks=settings.jwks(), issuer=settings.jwt_issuer, audience=settings.jwt_audience, clock=clock)
    name, source = f"{settings.database_prefix}_{SERVICE}", partial(KafkaSource, bootstrap=settings.kafka)
    database = await stack.enter_async_context(open_database(settings.mongo, name, settings.mongo_driver))
    publisher = await stack.enter_async_context(KafkaPublisher(bootstrap=settings.kafka, service=SERVICE))
    clinics, store, resume = Clinics(), Store(database), MongoResumeStore(database=database, group=name)
    feed = TableFeed(service=SERVICE, source=source(group=None, topics=TABLES), on_event=clinics.apply)
    # timelines may be a moment behind (reads can wait for a position); the door may not
    read = source(group=name, topics=SUBSCRIPTIONS, fetching=LEISURELY)
    reminding = Reminding(store=store, clinics=clinics, publisher=publisher, clock=clock)
    follower = Follower(store=store, reminding=reminding)
    runner = Runner(service=SERVICE, source=read, handler=follower, resume=resume, publisher=publisher, clock=clock,
                    limits=Limits(concurrency=16))  # fmt: skip  # a batch that pauses must not hold up the others
    work = {"bus": runner.run(), "clinics": feed.run()}
    tasks = [await stack.enter_async_context(runtime.background(one, name=name)) for name, one in work.items()]

    receipts = Receipts(publisher=publisher, store=store, clock=clock)
    stack.push_async_callback(receipts.settled)

    async def reached(position: Position) -> bool:
        reads = feed if position.topic in TABLES else resume
        return position.topic in TABLES | SUBSCRIPTIONS and await wait_for(reads, position)

    async def broker() -> None:
        await describe_cluster(settings.kafka)

    return {
        "verifier": verifier,
        "pings": {
            "store": partial(ping, database),
            "publisher": broker,
            "bus": runtime.healthy(runner.health),
            "clinics": runtime.healthy(feed.health),
            "background work": runtime.running(tasks),
        },
        "recorder": Recorder(publisher=publisher, clinics=clinics, clock=clock),
        "catalogue": Catalogue(clinics=clinics, clock=clock, packs=packs, codes=settings.snomed_codes),
        "reader": Reader(store=store, clinics=clinics, clock=clock),
        "receipts": receipts,
        "strategies": Strategies(publisher=publisher, store=store, clinics=clinics, clock=clock),
        "schedules": Schedules(store=store, clinics=clinics, publisher=publisher, clock=clock),
        "reached": reached,
    }
