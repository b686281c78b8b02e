"""A broker and a store server for the tests: containers where a Docker daemon answers, the native stack elsewhere."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from testcontainers.core.container import DockerContainer

from deploy.local import docker_answers
from deploy.native import NativeStack, StackError, ports, probes

KAFKA_IMAGE, MONGO_IMAGE = "apache/kafka:4.3.1", "mongo:8.0.17"
POLL = 0.1  # seconds between two looks
CONTAINER_START_TIMEOUT = 120.0  # seconds, after the image is there


class Stack(Protocol):
    """What the tests need of either: where to connect, and how to pull the plug."""

    @property
    def kind(self) -> str:
        """`docker` or `native`."""

    @property
    def bootstrap(self) -> str:
        """What a Kafka client connects to, `host:port`."""

    @property
    def mongo_url(self) -> str:
        """What a MongoDB driver connects to."""

    def kill_kafka(self) -> None:
        """SIGKILL the broker."""

    def start_kafka(self) -> None:
        """Start it again on the same port and data, and wait until it answers."""

    def kill_mongo(self) -> None:
        """SIGKILL the store server."""

    def start_mongo(self) -> None:
        """Start it again on the same port and data, and wait until it answers."""


@contextmanager
def open_stack() -> Iterator[Stack]:
    """A fresh broker and store server on free ports, gone with their data at the end."""
    with ExitStack() as cleanup:
        stack: Stack
        if docker_answers():
            stack = cleanup.enter_context(_containers())
        else:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="rapport-stack-")))
            stack = cleanup.enter_context(NativeStack(folder))
        print(f"{stack.kind} stack: Kafka on {stack.bootstrap}, store on {stack.mongo_url}")
        yield stack


class _DockerStack:
    """Two containers with fixed host ports, so that a restart answers on the same one."""

    kind = "docker"

    def __init__(self) -> None:
        self._kafka_port, self._mongo_port = ports.free_port(), ports.free_port()
        self.bootstrap = f"127.0.0.1:{self._kafka_port}"
        self.mongo_url = f"mongodb://127.0.0.1:{self._mongo_port}"
        self.kafka = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, self._kafka_port)
        for name, value in self._kafka_settings().items():
            self.kafka.with_env(name, value)
        self.mongo = DockerContainer(MONGO_IMAGE).with_bind_ports(27017, self._mongo_port)

    def _kafka_settings(self) -> dict[str, str]:
        return {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": "PLAINTEXT://:9092,INTERNAL://:9094,CONTROLLER://:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{self.bootstrap},INTERNAL://localhost:9094",
            "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": ",".join(
                f"{listener}:PLAINTEXT" for listener in ("PLAINTEXT", "INTERNAL", "CONTROLLER")
            ),
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
            "KAFKA_LOG_RETENTION_MS": "-1",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_BROKER_SESSION_TIMEOUT_MS": "2000",
            "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "500",
        }

    def wait(self) -> None:
        _wait_for("Kafka", lambda: probes.kafka_answers(self._kafka_port))
        _wait_for("MongoDB", lambda: probes.mongo_answers(self._mongo_port))

    def kill_kafka(self) -> None:
        self.kafka.get_wrapped_container().kill()

    def start_kafka(self) -> None:
        self.kafka.get_wrapped_container().start()
        self.wait()

    def kill_mongo(self) -> None:
        self.mongo.get_wrapped_container().kill()

    def start_mongo(self) -> None:
        self.mongo.get_wrapped_container().start()
        self.wait()


@contextmanager
def _containers() -> Iterator[_DockerStack]:
    stack = _DockerStack()
    with stack.kafka, stack.mongo:
        stack.wait()
        yield stack


def _wait_for(title: str, answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + CONTAINER_START_TIMEOUT
    while not answers():
        if time.monotonic() > deadline:
            raise StackError(f"{title} in its container did not answer in {CONTAINER_START_TIMEOUT:.0f} s.")
        time.sleep(POLL)
