"""(b) and (d): entries a second through insights with everything really stored, and what a patient costs in memory.

The log: 1,000 patients with 200 facts each over 120 days (182 check-ins, 8 PHQ-9, 8 GAD-7, 2 questions) in an order
that is shuffled within 3 days, and beside them the patients' documents, 8 rated sessions and the handling of one
question each. Only the facts are counted. Every measurement is a process of its own, pinned to one core; broker and
store are pinned to the other ones (where they are our children; containers are left where they are, and the result
says so). `cpu_us_per_event` is what says something on a machine that is busy with other work.

insights_events_per_s        all rules, entries and assessments stored
insights_null_store_...      the same without a store: what the store costs
insights_one_rule_...        the mood-shift rule alone, stored
plain_consumer_...           aiokafka and pydantic, a moving average per patient in a dictionary: what Python can do
insights_one_rule_ratio      of the two, in rounds that alternate: the median of the rounds' ratios
replay_events_per_s          a million facts of 5,000 patients (the log five times under other names), all rules, stored
replay_null_store_...        the same without a store
replay_plain_consumer_...    the plain consumer over the same log
state_mb_per_10k             resident memory of 10,000 patients' states with 200 facts each
"""

import asyncio
import json
import os
import statistics
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from shared.bus import Message
from shared.bus.provision import declared_topics, provision
from shared.bus.records import Outgoing, encode, partition_of
from shared.contracts import (
    CheckInRecorded,
    Contract,
    Patient,
    Question,
    QuestionAsked,
    QuestionnaireCompleted,
    Session,
    Topic,
)
from shared.contracts.base import Origin
from shared.contracts.moods import RiskAnswer
from shared.contracts.questions import QuestionStatus
from shared.contracts.sessions import Rating
from tests.stack import Stack

CLINIC: Final = "bench"
PATIENTS, DAYS, LATE_DAYS = 1_000, 120, 3
CHECK_INS, QUESTIONNAIRES, QUESTIONS, SESSIONS = 182, 8, 2, 8
FACTS: Final = PATIENTS * (CHECK_INS + 2 * QUESTIONNAIRES + QUESTIONS)
ROUNDS, BATCH = 3, 50_000
COPIES: Final = 5
LARGE: Final[dict[str, Any]] = {"batch": 100_000, "seconds": 10.0}
"""Batches of up to 10 s: what a replay is run with."""
WARM_UP: Final = 2
"""Runs not counted: broker and store are Java, and have just started."""
CORE: Final = 0
TOPICS: Final = (Topic.PATIENTS, Topic.SESSIONS, Topic.QUESTIONS, Topic.MOODS)


async def run(stack: Stack) -> dict[str, Any]:
    """Everything above; takes about four minutes. Needs the stack to itself: it makes the patient topics anew."""
    with _others_on_other_cores() as pinned:
        await _lay_out(stack.bootstrap)
        for _ in range(WARM_UP):
            await _measured(stack, "all")
        all_rules = [await _measured(stack, "all") for _ in range(ROUNDS)]
        small = await _measured(stack, "all", batch=5_000)
        null = await _measured(stack, "null")
        rounds = [(await _measured(stack, "one"), await _measured(stack, "plain")) for _ in range(ROUNDS)]
        one_null = await _measured(stack, "one-null")
        memory = await _worker({"mode": "memory"})
    ratios = [one["events_per_s"] / plain["events_per_s"] for one, plain in rounds]
    best = _median(all_rules)
    one, plain = _median([one for one, _ in rounds]), _median([plain for _, plain in rounds])
    return {
        "insights_events_per_s": best["events_per_s"],
        "insights_events_per_patient_per_batch": best["events_per_patient_per_batch"],
        "insights_cpu_us_per_event": best["cpu_us_per_event"],
        "insights_assessments": best["assessments"],
        "insights_default_batch_events_per_s": small["events_per_s"],
        "insights_default_batch_events_per_patient_per_batch": small["events_per_patient_per_batch"],
        "insights_null_store_events_per_s": null["events_per_s"],
        "insights_one_rule_events_per_s": one["events_per_s"],
        "insights_one_rule_null_store_events_per_s": one_null["events_per_s"],
        "insights_one_rule_cpu_us_per_event": one["cpu_us_per_event"],
        "plain_consumer_events_per_s": plain["events_per_s"],
        "plain_consumer_cpu_us_per_event": plain["cpu_us_per_event"],
        "insights_one_rule_ratio": round(statistics.median(ratios), 3),
        "insights_one_rule_ratios": [round(ratio, 3) for ratio in ratios],
        "insights_events": FACTS,
        "insights_servers_on_other_cores": pinned,
        **memory,
    }


async def replay(stack: Stack) -> dict[str, Any]:
    """A million facts of 5,000 patients, with everything stored, with nothing, and plainly; some four minutes."""
    with _others_on_other_cores() as pinned:
        await _lay_out(stack.bootstrap)
        for _ in range(WARM_UP):
            await _measured(stack, "all")
        await _lay_out(stack.bootstrap, copies=COPIES)
        stored = await _measured(stack, "all", copies=COPIES, **LARGE)
        null = await _measured(stack, "null", copies=COPIES, **LARGE)
        plain = await _measured(stack, "plain", copies=COPIES, **LARGE)
    return {
        "replay_events": FACTS * COPIES,
        "replay_events_per_s": stored["events_per_s"],
        "replay_cpu_us_per_event": stored["cpu_us_per_event"],
        "replay_assessments": stored["assessments"],
        "replay_events_per_patient_per_batch": stored["events_per_patient_per_batch"],
        "replay_peak_mb": stored["peak_mb"],
        "replay_null_store_events_per_s": null["events_per_s"],
        "replay_plain_consumer_events_per_s": plain["events_per_s"],
        "replay_servers_on_other_cores": pinned,
    }


def _median(results: list[dict[str, Any]]) -> dict[str, Any]:
    return sorted(results, key=lambda result: result["events_per_s"])[len(results) // 2]


# --- measuring -------------------------------------------------------------------------------------------------------


async def _measured(
    stack: Stack, mode: str, *, batch: int = BATCH, seconds: float = 4.0, copies: int = 1
) -> dict[str, Any]:
    """One run over the whole log, as a service that has never seen it. seconds: a batch may take; half is aimed at."""
    if mode != "plain":
        await _forget_what_was_said(stack.bootstrap)
    name = f"bench_{uuid.uuid4().hex[:8]}"
    given = {"mode": mode, "kafka": stack.bootstrap, "mongo": stack.mongo_url, "name": name, "batch": batch}
    given["batch_seconds"] = seconds
    return await _worker(given | {"facts": FACTS * copies})


async def _worker(given: dict[str, Any]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.insights_worker",
        json.dumps(given | {"core": CORE}),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the measurement {given['mode']} failed; see above")
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


@contextmanager
def _others_on_other_cores() -> Iterator[bool]:
    """Keep our children (broker, store) and ourselves off the measured core meanwhile. Whether they could be."""
    everything = os.sched_getaffinity(0)
    others = everything - {CORE}
    children = [os.getpid(), *_children(os.getpid())]
    try:
        _pin(children, others or everything)
        yield bool(others) and len(children) > 1
    finally:
        _pin(children, everything)


def _children(parent: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_children(child)]
    return found


def _pin(processes: list[int], cores: set[int]) -> None:
    for process in processes:
        for task in Path(f"/proc/{process}/task").glob("*"):
            with suppress(OSError):
                os.sched_setaffinity(int(task.name), cores)


# --- the log ---------------------------------------------------------------------------------------------------------


async def _lay_out(bootstrap: str, *, copies: int = 1) -> None:
    """Topics as declared, holding the log and nothing else; copies: the log so many times, each under other names."""
    await _drop(bootstrap, [*(topic.value for topic in TOPICS), Topic.ASSESSMENTS.value])
    await provision(bootstrap)
    partitions = next(topic.partitions for topic in declared_topics() if topic.name == Topic.MOODS)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=1 << 18)
    await producer.start()
    try:
        for start in range(0, len(log := _log()), 5_000):
            sent = []
            for message in log[start : start + 5_000]:
                for one in _copies(encode(message), message.data, copies):
                    place = partition_of(one.key, partitions)
                    sent.append(
                        await producer.send(one.topic.value, one.value, one.key, partition=place, headers=one.headers)
                    )
            await asyncio.gather(*sent)
    finally:
        await producer.stop()


def _copies(record: Outgoing, data: Contract, copies: int) -> Iterator[Outgoing]:
    """The record, and as many more as asked for: of patients p1000 and on, with ids of their own."""
    yield record
    was: str = data.patient  # type: ignore[attr-defined]  # everything in the log has a patient
    for number in range(1, copies):
        name = f"p{number * PATIENTS + int(was[1:]):04}"
        headers = [(key, value[:-1] + b"%d" % number if key == "ce_id" else value) for key, value in record.headers]
        key, value = (text and text.replace(was.encode(), name.encode()) for text in record[1:3])
        yield Outgoing(record.topic, key, value, headers)


async def _forget_what_was_said(bootstrap: str) -> None:
    """Insights compares what it finds with what it said before: begin without any of it."""
    await _drop(bootstrap, [Topic.ASSESSMENTS.value])
    await provision(bootstrap)


async def _drop(bootstrap: str, topics: list[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = set(await admin.list_topics()) & set(topics)
        if there:
            await admin.delete_topics(sorted(there))
        while set(await admin.list_topics()) & there:  # noqa: ASYNC110  the broker tells nobody when it is done
            await asyncio.sleep(0.05)
    finally:
        await admin.close()


def _log() -> list[Message]:
    """Everything, in the order in which it is recorded: up to three days after it happened."""
    chance = Random(7)
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=DAYS + LATE_DAYS + 1)
    placed = [
        (made.timestamp() + chance.uniform(0, LATE_DAYS * 86_400), number, Message(_id(chance), made, data))
        for number, (made, data) in enumerate(
            pair for patient in range(PATIENTS) for pair in history(chance, f"p{patient:04}", begin)
        )
    ]
    placed.sort(key=lambda one: one[:2])
    return [message for _, _, message in placed]


def _id(chance: Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=5))


def history(chance: Random, patient: str, begin: datetime) -> Iterator[tuple[datetime, Contract]]:
    """One patient's life, each piece with when it happened."""
    usual, falls = chance.uniform(4, 8), chance.random() < 0.2
    yield begin, _patient(patient, begin)
    for at in sorted(begin + timedelta(seconds=chance.uniform(0, DAYS * 86_400)) for _ in range(CHECK_INS)):
        mood = chance.gauss(usual - (2 if falls and (at - begin).days > DAYS / 2 else 0), 1)
        common = _fact(patient, at)
        yield (
            at,
            CheckInRecorded(
                **common, mood=round(min(max(mood, 0), 10), 1), energy=chance.randint(0, 10), feelings=["tired", "calm"]
            ),
        )
    for number in range(QUESTIONNAIRES):
        at = begin + timedelta(days=number * DAYS / QUESTIONNAIRES, hours=10)
        for instrument, items in (("phq9", 9), ("gad7", 7)):
            yield at, _questionnaire(chance, instrument, items, _fact(patient, at))
    for number in range(SESSIONS):
        at = begin + timedelta(days=1 + number * DAYS / SESSIONS)
        yield at, _session(chance, patient, f"{patient}-s{number}", at)
    for number in range(QUESTIONS):
        at, question = begin + timedelta(days=20 + 40 * number), _id(chance)
        yield at, QuestionAsked(**_fact(patient, at), question=question, text="When is my next session?")
        if number == 0:
            handled = {"clinic": CLINIC, "patient": patient, "question": question, "version": 1}
            yield (
                at,
                Question(**handled, asked_at=at, updated_at=at, status=QuestionStatus.ANSWERED, answer="On Monday."),
            )


def _fact(patient: str, at: datetime) -> dict[str, Any]:
    day: date = at.date()
    return {"clinic": CLINIC, "patient": patient, "occurred_at": at, "local_day": day, "origin": Origin.LIVE}


def _patient(patient: str, at: datetime) -> Patient:
    return Patient(clinic=CLINIC, patient=patient, version=1, registered_at=at, updated_at=at, clinician="priya")


def _questionnaire(chance: Random, instrument: str, items: int, common: dict[str, Any]) -> QuestionnaireCompleted:
    answers = {str(item): chance.choice([0, 0, 1, 1, 2, 3]) for item in range(1, items + 1)}
    risk = []
    if instrument == "phq9":
        answers["9"] = chance.choice([0] * 9 + [1])
        risk = [RiskAnswer(item="9", value=answers["9"], recall_days=14, urgent_from=2)]
    score = sum(answers.values())
    return QuestionnaireCompleted(**common, instrument=instrument, items=answers, score=score, risk_answers=risk)


def _session(chance: Random, patient: str, session: str, at: datetime) -> Session:
    named = ("felt_welcome", "room_was_comfortable", "felt_listened_to", "worked_on_what_matters")
    answers = {name: chance.randint(6, 10) for name in (*named, "questions_were_answered")}
    return Session(
        clinic=CLINIC,
        patient=patient,
        session=session,
        version=1,
        scheduled_at=at,
        updated_at=at,
        rating=Rating.model_validate({**answers, "rated_at": at}),
    )
