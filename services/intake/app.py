"""Intake put together: the only place that names concrete parts."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import FastAPI

from services.intake import handlers
from services.intake.api import ROUTERS
from services.intake.handlers import SERVICE, SUBSCRIPTIONS, TABLES
from services.intake.settings import Settings
from services.intake.store import Dues, Questions, SessionNames
from shared import runtime
from shared.auth import Verifier
from shared.bus.kafka import KafkaPublisher, KafkaSource
from shared.bus.runner import Runner, wait_for
from shared.bus.table import TableFeed
from shared.clock import Clock, SystemClock
from shared.contracts import Clinic
from shared.documents import MongoResumeStore, Table
from shared.mongo import open_database, ping


def create_app(settings: Settings, clock: Clock = SystemClock()) -> FastAPI:
    """The service's app; its lifespan opens everything and closes it in reverse."""

    lifespan = runtime.lifespan(partial(_open, settings, clock))
    return runtime.create_app(service=SERVICE, title="Rapport intake", routers=ROUTERS, lifespan=lifespan)


async def _open(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Mapping[str, Any]:
    verifier = Verifier(jwks=settings.jwks(), issuer=settings.jwt_issuer, audience=settings.jwt_audience, clock=clock)
    name = f"{settings.database_prefix}_{SERVICE}"
    database = await stack.enter_async_context(open_database(settings.mongo, name, settings.mongo_driver))
    publisher = await stack.enter_async_context(KafkaPublisher(bootstrap=settings.kafka, service=SERVICE))
    documents, table = handlers.Documents.of(database, publisher, clock), Table[Clinic]()
    asked, names, team = Questions(database["asked"]), SessionNames(database["session_names"]), handlers.Team(table)
    passing = handlers.Passing(documents=documents, asked=asked, dues=Dues(database["dues"]), team=team, clock=clock)
    care = handlers.Care(documents=documents, table=table, clock=clock)
    clinics = handlers.Clinics(documents=documents, team=team)
    resume, source = MongoResumeStore(database=database, group=name), partial(KafkaSource, bootstrap=settings.kafka)
    feed = TableFeed(service=SERVICE, source=source(group=None, topics=TABLES), on_event=clinics.take)
    follower = handlers.Follower(documents=documents, asked=asked, names=names, passing=passing)
    runner = Runner(service=SERVICE, source=source(group=name, topics=SUBSCRIPTIONS), handler=follower,
                    resume=resume, publisher=publisher, own_topics=SUBSCRIPTIONS, clock=clock)  # fmt: skip
    upkeep = handlers.keep_up(documents, asked, sweep_every=timedelta(seconds=settings.sweep_seconds))
    work = {"bus": runner.run(), "clinics": feed.run(), "healing": clinics.heal(), "upkeep": upkeep,
            "passing": passing.run()}  # fmt: skip
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
        "reached": partial(wait_for, resume),
        "register": handlers.Register(documents=documents, asked=asked, table=table, clock=clock),
        "care": care,
        "sessions": handlers.Sessions(documents=documents, names=names, care=care, team=team, clock=clock),
        "inbox": handlers.Inbox(documents=documents, asked=asked, team=team, publisher=publisher, clock=clock),
    }
