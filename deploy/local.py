"""The broker and the store server for work on this machine: compose where a Docker daemon answers, else native.

python -m deploy.local up       start both, and return when both answer
python -m deploy.local down     stop both, and every container of the platform; the data stays

KAFKA_PORT and MONGO_PORT choose other ports than 9092 and 27017. Needs nothing but Python itself.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from .native import NativeStack, StackError

ROOT = Path(__file__).resolve().parents[1]
RUN_DIR = ROOT / ".run" / "native"


class LocalStack(Protocol):
    """What both kinds offer."""

    @property
    def kind(self) -> str:
        """`docker` or `native`."""

    @property
    def bootstrap(self) -> str:
        """What a Kafka client connects to, `host:port`."""

    @property
    def mongo_url(self) -> str:
        """What a MongoDB driver connects to."""

    def start(self) -> None:
        """Start what does not run and return when both answer; StackError says in a sentence why not."""

    def stop(self) -> None:
        """Stop both; their data stays."""


class ComposeStack:
    """The `kafka` and `mongo` services of docker-compose.yml, their ports published on 127.0.0.1."""

    kind = "docker"

    def __init__(self, *, kafka_port: int, mongo_port: int) -> None:
        self.bootstrap = f"127.0.0.1:{kafka_port}"
        self.mongo_url = f"mongodb://127.0.0.1:{mongo_port}"
        self._environment = {**os.environ, "KAFKA_PORT": str(kafka_port), "MONGO_PORT": str(mongo_port)}

    def start(self) -> None:
        """Start the two containers and wait until both are healthy."""
        self._compose("up", "--detach", "--wait", "kafka", "mongo")

    def stop(self) -> None:
        """Stop and remove all containers of the platform; volumes stay."""
        self._compose("down")

    def _compose(self, *arguments: str) -> None:
        command = ["docker", "compose", "--file", str(ROOT / "docker-compose.yml"), *arguments]
        done = subprocess.run(command, env=self._environment, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            reason = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it gave no reason")
            raise StackError(f"docker compose {arguments[0]} failed: {reason.strip()}")


def docker_answers() -> bool:
    """True where a Docker daemon answers."""
    return _succeeds("docker", "info")


def local_stack() -> LocalStack:
    """The stack of this working copy, not yet started; the native one outlives the process that starts it."""
    ports = {"kafka_port": _port("KAFKA_PORT", 9092), "mongo_port": _port("MONGO_PORT", 27017)}
    if docker_answers() and _succeeds("docker", "compose", "version"):
        return ComposeStack(**ports)
    return NativeStack(RUN_DIR, **ports, outlive=True)


def _port(name: str, usual: int) -> int:
    given = os.environ.get(name) or str(usual)
    if not given.isdecimal() or not 0 < int(given) < 65_536:
        raise StackError(f"{name} is {given!r}: give a port number, for example {name}={usual + 10_000}.")
    return int(given)


def _succeeds(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main(action: str) -> None:
    """Do what the command line says, and say which kind of stack it is."""
    stack = local_stack()
    if action == "up":
        print(f"Starting Kafka and the store ({stack.kind} stack) …", flush=True)
        stack.start()
        print(f"Kafka on {stack.bootstrap}, store on {stack.mongo_url}")
    else:
        stack.stop()
        print(f"Kafka and the store are stopped ({stack.kind} stack).")


if __name__ == "__main__":
    if sys.argv[1:] not in (["up"], ["down"]):
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except StackError as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit("Interrupted; what was being started has been stopped.")
