"""What the tests and `make up` stand on: servers that keep their promises when killed, and leave nothing behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from deploy.local import docker_answers
from deploy.native import NativeStack, StackError
from deploy.native.ports import free_port, holder, is_free
from shared.mongo import Database, Driver, open_database
from tests.stack import Stack, open_stack

ROOT = Path(__file__).parents[2]
ENOUGH = 200
POLL = 0.05  # seconds between two looks
without_docker = pytest.mark.skipif(docker_answers(), reason="the native stack is only used without a Docker daemon")


@pytest.fixture(scope="module")
def victim() -> Iterator[Stack]:
    """A broker and a store server that no other test needs."""
    with open_stack() as stack:
        yield stack


async def test_a_killed_broker_keeps_every_record_it_acknowledged(victim: Stack) -> None:
    """SIGKILL in the middle of producing: after the restart, on the same port, every acknowledged record is read."""
    topic = f"kill-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=victim.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()

    acknowledged = await _produce_until_killed(victim, topic)
    await asyncio.to_thread(victim.start_kafka)

    assert acknowledged <= await _read(victim, topic, last=max(acknowledged))


async def test_a_killed_store_keeps_every_write_it_acknowledged(victim: Stack, driver: Driver) -> None:
    """SIGKILL in the middle of writing: what was acknowledged is found by its id and by its unique index."""
    name = f"kill_{uuid4().hex}"
    async with open_database(victim.mongo_url, name, driver) as database:
        await database["writes"].create_index([("key", 1), ("version", 1)], unique=True)
        acknowledged = await _write_until_killed(victim, database)
    await asyncio.to_thread(victim.start_mongo)
    async with open_database(victim.mongo_url, name, driver) as database:
        for number in acknowledged:
            by_id = await database["writes"].find_one({"_id": number})
            assert {"_id": number, "key": f"k{number}", "version": 1} == by_id
        with pytest.raises(PyMongoError, match=r"(?i)duplicate"):
            await database["writes"].insert_one({"_id": -1, "key": f"k{acknowledged[-1]}", "version": 1})


def test_a_taken_port_is_named_with_its_holder(tmp_path: Path) -> None:
    """One sentence says which port, who holds it and what to do; nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stack = NativeStack(tmp_path / "run", kafka_port=port, mongo_port=free_port())
        with pytest.raises(StackError, match=f"Kafka needs port {port}, which .+ holds: stop that program"):
            stack.start()

        assert stack.running == {"kafka": None, "mongo": None}
        if Path("/proc/self").exists():
            assert f"(process {os.getpid()})" in str(holder(port))


@without_docker
def test_no_server_outlives_a_killed_test_run(tmp_path: Path) -> None:
    """When the process that started them is killed, both end by themselves."""
    program = (
        "import os, pathlib, signal; from deploy.native import NativeStack; "
        f"stack = NativeStack(pathlib.Path({str(tmp_path)!r})); stack.start(); "
        "print(stack.bootstrap.split(':')[1], stack.mongo_url.rsplit(':')[-1], flush=True); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    kafka_port, mongo_port = map(int, done.stdout.split())

    assert done.returncode == -signal.SIGKILL
    _wait_until(lambda: is_free(kafka_port) and is_free(mongo_port))
    assert NativeStack(tmp_path).running == {"kafka": None, "mongo": None}


@without_docker
def test_up_outlives_its_command_and_down_finds_it_again(tmp_path: Path) -> None:
    """`up` returns with both running, `up` again changes nothing, `down` stops them, a second `down` says so."""
    ports = ["--kafka-port", str(free_port()), "--mongo-port", str(free_port())]

    def run(action: str) -> str:
        command = [sys.executable, "-m", "deploy.native", action, "--run-dir", str(tmp_path), *ports]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    try:
        assert f"Kafka on 127.0.0.1:{ports[1]}" in run("up")
        first = NativeStack(tmp_path).running
        run("up")

        assert first == NativeStack(tmp_path).running
        assert None not in first.values()
    finally:
        said = run("down")
    assert said == "Kafka and the MongoDB stand-in are stopped.\n"
    assert run("down") == "The native stack was not running.\n"


async def _produce_until_killed(stack: Stack, topic: str) -> set[int]:
    producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap, acks="all", linger_ms=0, request_timeout_ms=2000)
    await producer.start()
    acknowledged: set[int] = set()
    killed = None
    try:
        for number in count():
            await producer.send_and_wait(topic, str(number).encode())
            acknowledged.add(number)
            if number == ENOUGH:
                killed = asyncio.create_task(asyncio.to_thread(stack.kill_kafka))
    except KafkaError:
        pass
    finally:
        await producer.stop()
    assert killed is not None
    await killed
    return acknowledged


async def _read(stack: Stack, topic: str, *, last: int) -> set[int]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=stack.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    seen: set[int] = set()
    try:
        async with asyncio.timeout(30):
            while last not in seen:
                seen.add(int((await consumer.getone()).value))
    finally:
        await consumer.stop()
    return seen


async def _write_until_killed(stack: Stack, database: Database) -> list[int]:
    acknowledged: list[int] = []
    killed = None
    try:
        for number in count():
            await database["writes"].insert_one({"_id": number, "key": f"k{number}", "version": 1})
            acknowledged.append(number)
            if number == ENOUGH:
                killed = asyncio.create_task(asyncio.to_thread(stack.kill_mongo))
    except PyMongoError:
        pass
    assert killed is not None
    await killed
    return acknowledged


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "not within 20 s"
        time.sleep(POLL)
