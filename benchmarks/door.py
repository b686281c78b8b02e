"""(a) Durable check-ins a second at mood's real door, against a bare FastAPI + aiokafka endpoint in the same run.

Both are one process under uvicorn, answer 202 only after all in-sync replicas have the event (idempotent producer, no
linger) and get the same bodies from the same closed-loop client in a process of its own. Mood's door does all it does
in production: tokens, idempotency, validation, the clinic's safety reply, metrics, access log to a file, and its own
projection reading along. Rounds alternate, so that a busy machine is busy for both; the ratio is the median of the
rounds' ratios. Before the other's round mood's projection is waited for, so that it costs nobody but itself.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError
from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, Field

from deploy.native.ports import free_port
from shared.auth import DevelopmentIssuer
from shared.bus import Message
from shared.bus.kafka import KafkaPublisher
from shared.bus.provision import provision
from shared.clock import SystemClock
from shared.contracts import Clinic
from shared.contracts.clinics import ClinicSettings, Contact, RuleSet
from tests.stack import Stack

ROUNDS, SECONDS, WARM_UP, CONNECTIONS, PATIENTS = 7, 3.0, 2.0, 24, 500
CLINIC, BARE_TOPIC, PARTITIONS = "bench-door", "bench-bare", 12
POLL: Final = 0.05  # seconds between two looks
TICKS: Final = os.sysconf("SC_CLK_TCK")


async def run(stack: Stack) -> dict[str, Any]:
    """`gateway_ratio` (median of per-round ratios, and all of them), both rates, and the CPU an entry costs each."""
    await provision(stack.bootstrap)
    await _make_bare_topic(stack.bootstrap)
    await _set_up_clinic(stack.bootstrap)
    issuer = DevelopmentIssuer(environment="development", issuer="bench", audience="bench", clock=SystemClock())
    common = {"RAPPORT_KAFKA": stack.bootstrap, "RAPPORT_ENV": "development"}
    mood_environment = common | {
        "RAPPORT_MONGO": stack.mongo_url,
        "RAPPORT_DATABASE_PREFIX": f"bench_{uuid.uuid4().hex[:8]}",
        "RAPPORT_JWT_KEYS": json.dumps(issuer.jwks()),
        "RAPPORT_JWT_ISSUER": "bench",
        "RAPPORT_JWT_AUDIENCE": "bench",
    }
    token = issuer.issue(clinic=CLINIC, client="bench")
    with tempfile.TemporaryDirectory() as folder:
        async with (
            _server(["services.mood"], mood_environment, Path(folder) / "mood.log", "/readyz") as mood,
            _server(["benchmarks.door", "bare"], common, Path(folder) / "bare.log", "/healthz") as bare,
        ):
            return await _measure(_Door(mood, "/v1/check-ins", token), _Door(bare, "/check-ins", token))


# --- what is measured ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Server:
    port: int
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass(frozen=True)
class _Door:
    server: _Server
    path: str
    token: str


@dataclass(frozen=True)
class _Round:
    rate: float
    p99_ms: float
    cpu_us: float


async def _measure(mood: _Door, bare: _Door) -> dict[str, Any]:
    for door in (mood, bare):
        await _load(door, WARM_UP)
    await _caught_up(mood)
    moods: list[_Round] = []
    bares: list[_Round] = []
    for number in range(ROUNDS):
        for door, rounds in ((mood, moods), (bare, bares))[:: 1 if number % 2 else -1]:
            rounds.append(await _load(door, SECONDS))
            if door is mood:
                await _caught_up(mood)
    ratios = [one.rate / other.rate for one, other in zip(moods, bares, strict=True)]
    return {
        "gateway_ratio": round(statistics.median(ratios), 3),
        "gateway_ratios": [round(ratio, 3) for ratio in ratios],
        "gateway_check_ins_per_s": round(statistics.median(one.rate for one in moods)),
        "bare_check_ins_per_s": round(statistics.median(one.rate for one in bares)),
        "gateway_p99_ms": round(statistics.median(one.p99_ms for one in moods), 1),
        "bare_p99_ms": round(statistics.median(one.p99_ms for one in bares), 1),
        "gateway_cpu_us": round(statistics.median(one.cpu_us for one in moods)),
        "bare_cpu_us": round(statistics.median(one.cpu_us for one in bares)),
        "connections": CONNECTIONS,
    }


async def _load(door: _Door, seconds: float) -> _Round:
    """One round of the client in its own process."""
    before = door.server.cpu_seconds()
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.door", "load", str(door.server.port), door.path, str(seconds),
        env=os.environ | {"BENCH_TOKEN": door.token}, stdout=subprocess.PIPE,
    )  # fmt: skip
    out, _ = await client.communicate()
    if client.returncode != 0:
        raise RuntimeError(f"The load on {door.path} failed; run `python -m benchmarks` again to see why.")
    said = json.loads(out)
    spent = door.server.cpu_seconds() - before
    return _Round(said["count"] / said["seconds"], said["p99_ms"], spent / said["count"] * 1e6)


async def _caught_up(mood: _Door) -> None:
    """Until mood's projection has read to the end: its gauges of lag, all known, all 0, and no new events applied."""
    applied = -1.0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{mood.server.port}") as client:
        while True:
            text = (await client.get("/metrics")).text
            lags = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if _is(line, "rapport_bus_lag_records")]
            now_applied = sum(
                float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if _is(line, "rapport_bus_consumed_total")
            )
            if lags and not any(lags) and now_applied == applied:
                return
            applied = now_applied
            await asyncio.sleep(0.5)


def _is(line: str, metric: str) -> bool:
    return line.startswith(metric + "{")


# --- setting up ------------------------------------------------------------------------------------------------------


async def _make_bare_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(BARE_TOPIC, PARTITIONS, 1)])
    except TopicAlreadyExistsError:
        pass
    finally:
        await admin.close()


async def _set_up_clinic(bootstrap: str) -> None:
    settings = ClinicSettings(
        effective_from=datetime(2026, 1, 1, tzinfo=UTC),
        zone="Europe/London",
        working_hours=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (time(9), time(17))),
        rule_set=RuleSet(base="starter"),
        fallback_contact=Contact(name="Duty", email="duty@bench.example"),
    )
    clinic = Clinic(clinic=CLINIC, version=1, name="Bench", settings=[settings])
    async with KafkaPublisher(bootstrap=bootstrap, service="intake") as publisher:
        await publisher.publish([Message(str(uuid.uuid4()), datetime.now(UTC), clinic)])


@asynccontextmanager
async def _server(module: list[str], environment: dict[str, str], log: Path, ready: str) -> AsyncIterator[_Server]:
    port = free_port()
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            env=os.environ | environment | {"RAPPORT_PORT": str(port)},
            stdout=out,
            stderr=out,
        )
    try:
        await _ready(f"http://127.0.0.1:{port}{ready}", process, log)
        yield _Server(port, process)
    finally:
        process.terminate()
        process.wait(20)


async def _ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(int(60 / POLL)):
            if process.poll() is not None:
                break
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(POLL)
    raise RuntimeError(f"{url} was not ready: {log.read_text()[-2000:]}")


# --- the bare endpoint -----------------------------------------------------------------------------------------------


class BareCheckIn(BaseModel):
    """The same fields, validated by pydantic, and nothing else."""

    patient: str = Field(pattern=r"^[A-Za-z0-9._~-]{1,64}$")
    mood: float = Field(ge=0, le=10)
    energy: int | None = Field(default=None, ge=0, le=10)
    sleep: int | None = Field(default=None, ge=0, le=10)
    feelings: list[str] = Field(default_factory=list, max_length=20)
    note: str | None = Field(default=None, max_length=2000)
    occurred_at: AwareDatetime
    origin: str = "live"


def bare_app(bootstrap: str) -> FastAPI:
    """The least that records a check-in durably."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=0)
        async with producer:
            app.state.producer = producer
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/check-ins", status_code=202)
    async def record(body: BareCheckIn) -> dict[str, str]:
        value = body.model_dump_json().encode()
        await app.state.producer.send_and_wait(BARE_TOPIC, value, key=body.patient.encode())
        return {"status": "recorded"}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    return app


# --- the client ------------------------------------------------------------------------------------------------------


class _Connection(asyncio.Protocol):
    """Sends a request, waits for the whole answer, sends the next. Anything but a 202 ends the run."""

    def __init__(self, client: "_Client") -> None:
        self._client, self._got, self._began = client, b"", 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._began = self._client.loop.time()
        self._transport.write(self._client.request())

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self._got.find(b"content-length: ") + 16
        if len(self._got) < head + 4 + int(self._got[start : self._got.find(b"\r\n", start)]):
            return
        if not self._got.startswith(b"HTTP/1.1 202"):
            self._client.done.set_exception(RuntimeError(self._got.decode()))
            return
        self._got = b""
        self._client.took.append(self._client.loop.time() - self._began)
        if self._client.loop.time() < self._client.until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.closed(exc)


class _Client:
    def __init__(self, path: str, token: str, seconds: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.took: list[float] = []
        self.until = self.loop.time() + seconds
        self._left, self._sent, self._run = CONNECTIONS, 0, uuid.uuid4().hex
        head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        head += f"authorization: Bearer {token}\r\n"
        now = datetime.now(UTC).isoformat()
        self._requests = []
        for number in range(PATIENTS):
            body = json.dumps(
                {"patient": f"p{number}", "mood": number % 21 / 2, "energy": 5, "sleep": 7,
                 "feelings": ["calm", "tired"],
                 "note": "A walk in the morning helped.", "occurred_at": now, "origin": "live"}
            )  # fmt: skip
            prefix = f"{head}content-length: {len(body)}\r\nidempotency-key: {self._run}-"
            self._requests.append((prefix.encode(), f"\r\n\r\n{body}".encode()))

    def request(self) -> bytes:
        """The next request, with a key of its own."""
        self._sent += 1
        head, body = self._requests[self._sent % PATIENTS]
        return b"%b%d%b" % (head, self._sent, body)

    def closed(self, error: Exception | None) -> None:
        """A connection is gone."""
        self._left -= 1
        if not self.done.done() and (error is not None or self._left == 0):
            self.done.set_exception(error) if error else self.done.set_result(None)


async def _client(port: int, path: str, seconds: float) -> dict[str, float]:
    client = _Client(path, os.environ["BENCH_TOKEN"], seconds)
    began = client.loop.time()
    for _ in range(CONNECTIONS):
        await client.loop.create_connection(lambda: _Connection(client), "127.0.0.1", port)
    await client.done
    took = sorted(client.took)
    return {
        "count": len(took),
        "seconds": client.loop.time() - began,
        "p99_ms": took[int(len(took) * 0.99)] * 1000,
    }


def _main(arguments: list[str]) -> None:
    if arguments[0] == "bare":
        app = bare_app(os.environ["RAPPORT_KAFKA"])
        uvicorn.run(app, port=int(os.environ["RAPPORT_PORT"]), log_config=None, access_log=False)
    else:
        import uvloop  # noqa: PLC0415  only the client's process needs it

        port, path, seconds = arguments[1:]
        print(json.dumps(uvloop.run(_client(int(port), path, float(seconds)))))


if __name__ == "__main__":
    _main(sys.argv[1:])
