"""Kafka and the MongoDB stand-in as two child processes of this one, or as two that outlive it."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Self

from . import ports, probes
from .errors import StackError
from .jars import HERE, class_path, java_tool

START_TIMEOUT, STOP_TIMEOUT = 60.0, 10.0  # seconds
POLL = 0.03
JVM = [
    "-XX:+UseSerialGC",
    f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
]


class _Server:
    """One Java process with its port, data, log and pid file; finds one an earlier command left running."""

    def __init__(
        self, name: str, title: str, run_dir: Path, port: int, *, memory: str, answers: Callable[[int], bool]
    ) -> None:
        self.name, self.title, self.memory, self.answers = name, title, memory, answers
        self.folder = run_dir / name
        self.data, self.log = self.folder / "data", self.folder / "server.log"
        self.pid_file = run_dir / f"{name}.pid"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_before = 0
        _pid, running_on = self._recorded()
        self.port = running_on if self.pid is not None else port

    @property
    def pid(self) -> int | None:
        """The process id, while it runs."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        pid, _port = self._recorded()
        return pid if pid and str(self.data) in _command_line(pid) else None

    def launch(self, arguments: list[str], *, outlive: bool) -> None:
        """Start the process, without waiting for it."""
        command = [java_tool("java"), f"-Xmx{self.memory}", *JVM, "-cp", class_path(), *arguments]
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_before = log.tell()
            self._process = subprocess.Popen(
                command if outlive else [*command, "watch"],
                stdin=subprocess.DEVNULL if outlive else subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C at the terminal is for us; we then stop it in order
            )
        self.pid_file.write_text(f"{self._process.pid} {self.port}\n")

    def wait_until_ready(self) -> None:
        """Return when it answers in its own protocol; StackError when it ends before, or takes too long."""
        deadline = time.monotonic() + START_TIMEOUT
        while not self.answers(self.port):
            if self.pid is None:
                raise StackError(f"{self.title} ended while starting: {self._last_words()} The whole log: {self.log}")
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.title} did not answer on port {self.port} within {START_TIMEOUT:.0f} s: "
                    f"see {self.log}, then try again."
                )
            time.sleep(POLL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and whatever it started."""
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, number)

    def wait_until_gone(self) -> None:
        """Wait for the end; a process that does not end is killed."""
        deadline = time.monotonic() + STOP_TIMEOUT
        while self.pid is not None:
            if time.monotonic() > deadline:
                self.signal(signal.SIGKILL)
            time.sleep(POLL)
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
        self.pid_file.unlink(missing_ok=True)

    def _recorded(self) -> tuple[int, int]:
        try:
            pid, port = self.pid_file.read_text().split()
            return int(pid), int(port)
        except (OSError, ValueError):
            return 0, 0

    def _last_words(self) -> str:
        lines = self.log.read_bytes()[self._log_before :].decode(errors="replace").splitlines()
        return next((line[:300] for line in lines if "ERROR" in line or "Exception" in line), "it gave no reason.")


class NativeStack:
    """A Kafka broker and a MongoDB-compatible server in one folder; their data stays there between starts.

    Both end with this process, however it ends, unless `outlive` is set: then they run on, and the same
    folder given to another NativeStack finds them again. Port 0 means a free one, kept while the stack runs.
    A write that was acknowledged survives a killed server, not a lost disk.
    """

    kind = "native"

    def __init__(self, run_dir: Path, *, kafka_port: int = 0, mongo_port: int = 0, outlive: bool = False) -> None:
        self.run_dir = run_dir.resolve()
        self.outlive = outlive
        self._controller_port = 0
        self._kafka = _Server("kafka", "Kafka", self.run_dir, kafka_port, memory="512m", answers=probes.kafka_answers)
        self._mongo = _Server(
            "mongo",
            "The MongoDB stand-in",
            self.run_dir,
            mongo_port,
            memory="384m",
            answers=probes.mongo_answers,
        )

    @property
    def bootstrap(self) -> str:
        """What a Kafka client connects to, `127.0.0.1:port`."""
        return f"127.0.0.1:{self._kafka.port}"

    @property
    def mongo_url(self) -> str:
        """What a MongoDB driver connects to."""
        return f"mongodb://127.0.0.1:{self._mongo.port}"

    @property
    def running(self) -> dict[str, int | None]:
        """The process id of each server, None for one that does not run."""
        return {server.name: server.pid for server in self._servers}

    def start(self) -> None:
        """Start what does not run and return when both answer; a failed start leaves nothing running."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self._start(*self._servers)

    def stop(self) -> None:
        """Stop both in order; their data stays."""
        for server in self._servers:
            server.signal(signal.SIGTERM)
        for server in self._servers:
            server.wait_until_gone()

    def start_kafka(self) -> None:
        """Start the broker again, on the same port and data."""
        self._start(self._kafka)

    def start_mongo(self) -> None:
        """Start the store server again, on the same port and data."""
        self._start(self._mongo)

    def kill_kafka(self) -> None:
        """End the broker as a power cut would (SIGKILL)."""
        self._kafka.signal(signal.SIGKILL)
        self._kafka.wait_until_gone()

    def kill_mongo(self) -> None:
        """End the store server as a power cut would (SIGKILL)."""
        self._mongo.signal(signal.SIGKILL)
        self._mongo.wait_until_gone()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _servers(self) -> tuple[_Server, _Server]:
        return self._kafka, self._mongo

    def _start(self, *servers: _Server) -> None:
        wanted = [server for server in servers if server.pid is None]
        try:
            self._choose_ports(wanted)
            for server in wanted:
                server.launch(self._arguments(server), outlive=self.outlive)
            for server in servers:
                server.wait_until_ready()
        except BaseException:
            for server in wanted:
                server.signal(signal.SIGKILL)
                server.wait_until_gone()
            raise

    def _choose_ports(self, servers: list[_Server]) -> None:
        for server in servers:
            if server.port == 0:
                server.port = ports.free_port()
            elif not ports.is_free(server.port):
                held_by = ports.holder(server.port)
                raise StackError(
                    f"{server.title} needs port {server.port}, which {held_by or 'another program'} holds: "
                    f"stop that program, or set {server.name.upper()}_PORT to a free port."
                )
        self._controller_port = ports.free_port()

    def _arguments(self, server: _Server) -> list[str]:
        if server is self._mongo:
            return ["MongoServer", str(server.port), str(server.data / "store.h2")]
        settings = Template((HERE / "server.properties").read_text()).substitute(
            port=server.port, controller_port=self._controller_port, data=server.data
        )
        file = server.folder / "server.properties"
        server.folder.mkdir(parents=True, exist_ok=True)
        file.write_text(settings)
        return ["Broker", str(file), str(server.data)]


def _command_line(pid: int) -> str:
    """The command line of a process, empty for one that has ended."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            return ""
    found = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
    return found.stdout
