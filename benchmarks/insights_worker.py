"""One measurement of insights in a process of its own, pinned to one core; see `benchmarks.insights`."""

import asyncio
import gc
import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from operator import attrgetter, itemgetter
from pathlib import Path
from random import Random
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.insights import history
from services.insights.domain import CATALOGUE, PatientState, Standing, assess
from services.insights.domain.ports import Additions, Due, Remembered, Saved, Store
from services.insights.handlers import OWN_TOPICS, TOPICS, Insights
from services.insights.handlers.kept import FACTS
from services.insights.store import MongoStore
from shared.bus import Batch, Event, Position, Resume, ResumeStore
from shared.bus.kafka import KafkaPublisher, KafkaSource
from shared.bus.memory import MemoryResumeStore
from shared.bus.runner import Runner
from shared.bus.source import Limits
from shared.clock import SystemClock
from shared.contracts import Assessment, CheckInRecorded, Clinic
from shared.contracts.base import Fact
from shared.contracts.clinics import ClinicSettings, Contact, RuleChoice, RuleSet
from shared.documents import MongoResumeStore
from shared.mongo import open_database
from shared.runtime import collect_seldom

LAMBDA = 0.1


class NullStore:
    """Stores nothing: what the service costs without its store."""

    async def load(self, keys: Sequence[str]) -> Mapping[str, Remembered]:
        """Nobody is known."""
        return {}

    async def add(self, additions: Sequence[Additions]) -> None:
        """Nothing is kept."""

    async def put_aside(self, key: str, event_id: str, *, risk: bool) -> None:
        """Nothing is kept."""

    async def save(self, assessments: Sequence[Saved]) -> None:
        """Nothing is kept."""

    async def dues(self, keys: Sequence[str]) -> Sequence[Due]:
        """Nobody is due."""
        return []


class OneClinic:
    """A clinic that has switched every rule of the catalogue on, or the mood-shift rule alone."""

    def __init__(self, *, one_rule: bool) -> None:
        names = ["mood_shift"] if one_rule else list(CATALOGUE)
        chosen = RuleSet(base="none", rules={name: RuleChoice() for name in names})
        office = (clock_time(9), clock_time(17))
        self._clinic = Clinic(
            clinic="bench",
            version=1,
            name="Bench",
            settings=[
                ClinicSettings(
                    effective_from=datetime(2020, 1, 1, tzinfo=UTC),
                    zone="Europe/London",
                    working_hours=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), office),
                    rule_set=chosen,
                    fallback_contact=Contact(name="Duty", email="duty@bench.example"),
                )
            ],
        )

    def clinic(self, clinic: str) -> Clinic | None:
        """See `Clinics`."""
        return self._clinic


class Counted:
    """The handler, watched: when it began, and how full its batches were."""

    def __init__(self, insights: Insights) -> None:
        self.insights, self.began, self.cpu = insights, 0.0, 0.0
        self.facts = self.patients = self.batches = self.words = 0

    async def assigned(self, partition: int) -> None:
        """See `Handler`."""
        if not self.began:
            self.began, self.cpu = time.perf_counter(), time.process_time()
        await self.insights.assigned(partition)

    async def handle(self, batch: Batch) -> None:
        """See `Handler`."""
        await self.insights.handle(batch)
        data = list(map(itemgetter(2), batch.events))  # cheaply: this, too, is on the measured core
        kinds = Counter(map(type, data))
        self.words += kinds[Assessment]
        if facts := sum(kinds[kind] for kind in FACTS):
            self.facts += facts
            self.patients += len(set(map(attrgetter("patient"), data)))
            self.batches += 1

    async def set_aside(self, event: Event, reason: str) -> None:
        """Nothing may fail here."""
        raise RuntimeError(reason)

    async def tick(self, partition: int, basis: int, horizon: datetime) -> None:
        """See `Handler`."""
        await self.insights.tick(partition, basis, horizon)

    async def revoked(self, partition: int) -> None:
        """See `Handler`."""
        await self.insights.revoked(partition)


class Watched:
    """The resume store, watched: done when all that is to be applied is stored as applied."""

    def __init__(self, resume: ResumeStore, counted: Counted, facts: int) -> None:
        self._resume, self._counted, self._facts = resume, counted, facts
        self.done = asyncio.Event()
        self.ended = self.cpu = 0.0

    async def open(self, partition: int, cluster: str) -> Resume:
        """See `ResumeStore`."""
        return await self._resume.open(partition, cluster)

    async def save(self, partition: int, resume: Resume) -> None:
        """See `ResumeStore`."""
        await self._resume.save(partition, resume)
        if self._counted.facts >= self._facts and not self.done.is_set():
            self.ended, self.cpu = time.perf_counter(), time.process_time() - self._counted.cpu
            self.done.set()

    async def passed(self, position: Position) -> bool:
        """See `ResumeStore`."""
        return await self._resume.passed(position)


async def consume(given: dict[str, Any]) -> dict[str, Any]:
    """insights over the whole log; from the assignment until the last resume point is stored."""
    stored, one_rule = not given["mode"].endswith("null"), given["mode"].startswith("one")
    clock, name = SystemClock(), given["name"]
    async with AsyncExitStack() as stack:
        store: Store = NullStore()
        resume: ResumeStore = MemoryResumeStore()
        if stored:
            driver = os.environ.get("RAPPORT_MONGO_DRIVER", "motor")
            database = await stack.enter_async_context(open_database(given["mongo"], name, driver))  # type: ignore[arg-type]
            mongo = MongoStore(database=database)
            await mongo.open()
            store, resume = mongo, MongoResumeStore(database=database, group=name)
        publisher = await stack.enter_async_context(KafkaPublisher(bootstrap=given["kafka"], service="insights"))
        clinics = OneClinic(one_rule=one_rule)
        counted = Counted(Insights(store=store, publisher=publisher, clinics=clinics, clock=clock))
        watched = Watched(resume, counted, given["facts"])
        runner = Runner(
            service="insights",
            source=KafkaSource(bootstrap=given["kafka"], group=name, topics=TOPICS),
            handler=counted,
            resume=watched,
            publisher=publisher,
            own_topics=OWN_TOPICS,
            clock=clock,
            limits=Limits(batch_records=given["batch"], batch_seconds=given["batch_seconds"]),
        )
        running = asyncio.create_task(runner.run())
        async with asyncio.timeout(300):
            await watched.done.wait()
        await runner.stop()
        await running
    return {
        "events_per_s": round(counted.facts / (watched.ended - counted.began)),
        "cpu_us_per_event": round(watched.cpu / counted.facts * 1e6, 1),
        "events_per_patient_per_batch": round(counted.facts / counted.patients, 1),
        "batches": counted.batches,
        "assessments": counted.words,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


async def plain(given: dict[str, Any]) -> dict[str, Any]:
    """aiokafka and pydantic, and a moving average per patient in a dictionary."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=given["kafka"], enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition("moods", number) for number in consumer.partitions_for_topic("moods") or range(12)]
        consumer.assign(partitions)
        end = sum((await consumer.end_offsets(partitions)).values())
        averages: dict[str, tuple[float, int]] = {}
        validate = CheckInRecorded.__pydantic_validator__.validate_json
        kinds = {b"rapport.mood.check-in-recorded.v1"}
        seen, began, cpu = 0, time.perf_counter(), time.process_time()
        while seen < end:
            for records in (await consumer.getmany(timeout_ms=1000, max_records=50_000)).values():
                for record in records:
                    if record.headers[1][1] in kinds:
                        check_in = validate(record.value)
                        key = f"{check_in.clinic}/{check_in.patient}"
                        average, days = averages.get(key, (check_in.mood, 0))
                        averages[key] = (LAMBDA * check_in.mood + (1 - LAMBDA) * average, days + 1)
                seen += len(records)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    finally:
        await consumer.stop()
    return {
        "events_per_s": round(seen / took),
        "cpu_us_per_event": round(cpu / seen * 1e6, 1),
        "patients": len(averages),
    }


def memory() -> dict[str, Any]:
    """Resident memory of 10,000 states of 200 facts each, assessed once."""
    chance, begin = Random(7), datetime.now(UTC) - timedelta(days=124)
    lives = [list(history(chance, f"p{number}", begin)) for number in range(20)]
    standing, now = Standing(None), datetime.now(UTC)
    gc.collect()
    before = _resident()
    states = []
    for number in range(10_000):
        state = PatientState()
        for place, (_, data) in enumerate(lives[number % len(lives)]):
            if isinstance(data, Fact):
                state.add(f"{number:08x}-{place:04x}-5000-8000-{chance.getrandbits(48):012x}", data, 1)
            else:
                state.apply(data)
        assess(state, standing, now=now, horizon=now)
        states.append(state)
    gc.collect()
    return {"state_mb_per_10k": round((_resident() - before) / 1e6, 1), "state_entries_each": states[0].entries}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """One measurement, told as JSON, answered as JSON on the last line."""
    given = json.loads(sys.argv[1])
    os.sched_setaffinity(0, {given["core"]})
    collect_seldom(4 * given.get("batch", 5_000))  # as every service does; the plain consumer has it too
    if given["mode"] == "memory":
        result = memory()
    else:
        result = asyncio.run(plain(given) if given["mode"] == "plain" else consume(given))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
