"""insights put together: the only place that names concrete parts."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

from fastapi import FastAPI

from services.insights.api import ROUTERS
from services.insights.handlers import (
    OWN_TOPICS,
    TABLES,
    TOPICS,
    Backtests,
    Briefs,
    ClinicTable,
    Insights,
    OutcomeReader,
    Reader,
    Receipts,
    TrendReader,
)
from services.insights.settings import Settings
from services.insights.store import MongoBacktests, MongoStore, ResumeReader
from shared import runtime
from shared.auth import Verifier
from shared.bus import Position
from shared.bus.kafka import GATHERED, KafkaPublisher, KafkaSource
from shared.bus.runner import Runner, wait_for
from shared.bus.source import Limits
from shared.bus.table import TableFeed
from shared.clock import Clock, SystemClock
from shared.documents import MongoResumeStore
from shared.mongo import open_database, ping

SERVICE: Final = "insights"


def create_app(settings: Settings, clock: Clock = SystemClock()) -> FastAPI:
    """The service's app; its lifespan opens everything and closes it in reverse."""

    lifespan = runtime.lifespan(partial(_open, settings, clock))
    return runtime.create_app(service=SERVICE, title="Rapport insights", routers=ROUTERS, lifespan=lifespan)


async def _open(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Mapping[str, Any]:
    verifier = Verifier(jwks=settings.jwks(), issuer=settings.jwt_issuer, audience=settings.jwt_audience, clock=clock)
    name, source = f"{settings.database_prefix}_{SERVICE}", partial(KafkaSource, bootstrap=settings.kafka)
    database = await stack.enter_async_context(open_database(settings.mongo, name, settings.mongo_driver))
    publisher = await stack.enter_async_context(KafkaPublisher(bootstrap=settings.kafka, service=SERVICE))
    clinics, store, resume = (
        ClinicTable(),
        MongoStore(database=database),
        MongoResumeStore(database=database, group=name),
    )
    progress = ResumeReader(database=database, group=name, topics=TOPICS - OWN_TOPICS)
    insights = Insights(store=store, publisher=publisher, clinics=clinics, clock=clock, epoch=settings.epoch,
                        cached=settings.cached_patients, new_rules_from=settings.new_rules_from)  # fmt: skip
    feed = TableFeed(service=SERVICE, source=source(group=None, topics=TABLES), on_event=clinics.apply)
    read = source(group=name, topics=TOPICS, fetching=GATHERED)
    runner = Runner(service=SERVICE, source=read, handler=insights, resume=resume,
                    publisher=publisher, own_topics=OWN_TOPICS, clock=clock,
                    limits=Limits(batch_records=settings.batch_records))  # fmt: skip

    async def judge() -> None:
        await feed.complete.wait()  # nobody is judged by settings not read yet
        await store.open_patiently()
        await runner.run()

    async def reached(position: Position) -> bool:
        reads = feed if position.topic in TABLES else resume
        return position.topic in TABLES | TOPICS and await wait_for(reads, position)

    reader = Reader(
        shelf=store, progress=progress, clinics=clinics, clock=clock, new_rules_from=settings.new_rules_from
    )
    receipts = Receipts(publisher=publisher, clock=clock)
    backtests = Backtests(jobs=MongoBacktests(database=database), shelf=store, clinics=clinics, clock=clock)

    async def try_out() -> None:
        await feed.complete.wait()
        await backtests.run()

    work = {"bus": judge(), "clinics": feed.run(), "backtests": try_out(), "receipts": receipts.run()}
    tasks = [await stack.enter_async_context(runtime.background(one, name=name)) for name, one in work.items()]
    return {
        "verifier": verifier,
        "pings": {
            "store": partial(ping, database),
            "bus": runtime.healthy(runner.health),
            "clinics": runtime.healthy(feed.health),
            "background work": runtime.running(tasks),
        },
        "clock": clock,
        "reader": reader,
        "trends": TrendReader(store=store, shelf=store, clinics=clinics, progress=progress, clock=clock),
        "briefs": Briefs(shelf=store, reader=reader, clinics=clinics, clock=clock),
        "receipts": receipts,
        "backtests": backtests,
        "outcomes": OutcomeReader(shelf=store, clinics=clinics, clock=clock),
        "reached": reached,
    }
