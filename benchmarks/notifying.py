"""(e) E-mails a second by notify's dispatcher on its real store and broker, against a bare aiosmtplib loop, same run.

Both hand the same messages to the same SMTP server, which is a process of its own, over as many connections. notify
claims, composes, records each attempt, settles and publishes the alert, and gives the lease back; the loop has the
finished bytes and forgets them. Rounds alternate, so that a busy machine is busy for both; the ratio is of the sums.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiosmtplib
from aiosmtpd.smtp import SMTP

from benchmarks.people import at_risk, clinic, clinician, patient
from deploy.native.ports import free_port
from services.notify.channels import EmailChannel, SmtpServer, no_chart
from services.notify.channels.email import CONNECTIONS
from services.notify.domain import (
    Channel,
    Delivery,
    Item,
    Kind,
    Notice,
    Outcome,
    Result,
    Situation,
    delivery_id,
    leased,
    reconcile,
)
from services.notify.handlers import Contacts, Dispatcher, HandingOver, Holding, OwnRead, Pacing, Post
from services.notify.store import ALERT_FACETS, Clinics, Store
from shared.bus import Position
from shared.bus.kafka import KafkaPublisher
from shared.bus.provision import provision
from shared.bus.runner import Health, LaneHealth
from shared.clock import SystemClock
from shared.contracts import Alert, Assessment, ContactState, Patient, Topic
from shared.documents import Mirror, Owned
from shared.mongo import open_database
from tests.stack import Stack

ROUNDS, EACH = 4, 500
CLINIC, HOST, SENDER = "bench", "127.0.0.1", "alerts@rapport.example"
_AT_A_TIME: Final = 64
_CLOCK: Final = SystemClock()


async def run(stack: Stack) -> dict[str, Any]:
    """`notify_throughput_ratio`, and both rates."""
    await provision(stack.bootstrap)
    port = free_port()
    notify_s = bare_s = 0.0
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(_sink(port))
        house = await House.opened(stack, port, opened)
        for number in range(ROUNDS):
            rows = await house.due(range(number * EACH, (number + 1) * EACH))
            notices, seconds = await house.told(rows)
            notify_s += seconds
            bare_s += await bare(port, [(await house.email.compose(notice)).as_bytes() for notice in notices])
    return {
        "notify_per_s": round(ROUNDS * EACH / notify_s),
        "bare_smtp_per_s": round(ROUNDS * EACH / bare_s),
        "notify_throughput_ratio": round(bare_s / notify_s, 3),
        "notify_connections": CONNECTIONS,
    }


class _Counted:
    """A channel that keeps what was accepted, and knows when that was all."""

    def __init__(self, inner: EmailChannel) -> None:
        self._inner, self.notices, self.wanted, self.all = inner, list[Notice](), 0, asyncio.Event()

    async def send(self, notice: Notice) -> Result:
        """Hand over one notice."""
        result = await self._inner.send(notice)
        if result.outcome is Outcome.ACCEPTED:
            self.notices.append(notice)
            if len(self.notices) == self.wanted:
                self.all.set()
        return result


class _Lane:
    """The one partition, read to its end."""

    partitions = 1

    async def ends(self, _: int) -> Mapping[Topic, int]:
        return {}

    def health(self) -> Health:
        return Health(ready=True, reasons=[], lanes={0: LaneHealth("running", 0, caught_up=True, own_read=True)})

    async def passed(self, _: Position) -> bool:
        return True


def _read() -> OwnRead:
    """As when notify has read its own topics: there is nothing in them."""
    lane = _Lane()
    return OwnRead(source=lane, health=lane.health, passed=lane.passed, topics=frozenset())


class House:
    """The parts of notify that hand over, on a real store and broker."""

    def __init__(self, database: Any, publisher: KafkaPublisher, email: EmailChannel) -> None:
        self.email, self._counted = email, _Counted(email)
        self.store, clinics = Store(database=database, clock=_CLOCK), Clinics()
        clinics.keep([clinic(CLINIC), clinician(CLINIC, "c")])
        self.alerts = Owned(
            collection=database["alerts"], model=Alert, publisher=publisher, clock=_CLOCK, service="notify",
            facets=ALERT_FACETS,
        )  # fmt: skip
        states = Owned(
            collection=database["contacts"], model=ContactState, publisher=publisher, clock=_CLOCK, service="notify"
        )
        contacts = Contacts(documents=states, key="a-key-of-the-benchmark-alone", clock=_CLOCK)
        self.patients = Mirror(collection=database["patients"], model=Patient)
        post = Post(
            clinics=clinics, contacts=contacts, patients=self.patients,
            assessments=Mirror(collection=database["assessments"], model=Assessment),
            public_url="https://rapport.example", link_key="a-key-of-the-benchmark-alone",
        )  # fmt: skip
        deliveries = self.store.deliveries
        pacing = Pacing(paces=self.store.paces, deliveries=deliveries, contacts=contacts, clock=_CLOCK)
        self.handing_over = HandingOver(
            deliveries=deliveries, alerts=self.alerts, post=post, pacing=pacing,
            channels={Channel.EMAIL: self._counted}, clock=_CLOCK, own_read=_read(),
            holding=Holding(deliveries=deliveries, load=self.store.load, post=post, clock=_CLOCK),
        )  # fmt: skip
        self.dispatcher = Dispatcher(
            deliveries=deliveries, due=self.store.due, handing_over=self.handing_over, clock=_CLOCK
        )

    @classmethod
    async def opened(cls, stack: Stack, port: int, exits: AsyncExitStack) -> "House":
        """On this stack, sending to this port."""
        database = await exits.enter_async_context(open_database(stack.mongo_url, "bench_notifying"))
        publisher = await exits.enter_async_context(KafkaPublisher(bootstrap=stack.bootstrap, service="notify"))
        email = EmailChannel(server=SmtpServer(HOST, port, "none"), sender=SENDER, draw=no_chart)
        exits.push_async_callback(email.close)
        house = cls(database, publisher, email)
        await house.alerts.open()
        await house.store.open()
        exits.push_async_callback(house.dispatcher.stop)
        return house

    async def due(self, numbers: range) -> list[Delivery]:
        """Alerts with their rows, planned and leased as reconciling leaves them."""
        gate = asyncio.Semaphore(_AT_A_TIME)
        await self.patients.apply([patient(CLINIC, f"p{number}", "c") for number in numbers])

        async def one(number: int) -> Delivery:
            async with gate:
                return await self._due(f"p{number}")

        return list(await asyncio.gather(*map(one, numbers)))

    async def _due(self, name: str) -> Delivery:
        now = datetime.now(UTC)
        working_time = clinic(CLINIC).settings[0].working_time
        [alert] = reconcile(
            Situation(
                assessment=at_risk(CLINIC, name, now), patient=patient(CLINIC, name, "c"), alerts=(),
                working_time=working_time, now=now,
            )
        )  # fmt: skip
        await self.alerts.write(alert.key, lambda _: alert)
        row = Delivery(
            id=delivery_id(alert.key, 1), clinic=CLINIC, kind=Kind.MESSAGE, urgency=alert.urgency,
            items=(Item(alert=alert.key, round=1),), patient=name, created_at=now, due_at=now, look_at=now,
        )  # fmt: skip
        ours = leased(await self.handing_over.planned(row), now)
        assert ours is not None
        await self.store.deliveries.add(ours)
        return ours

    async def told(self, rows: Sequence[Delivery]) -> tuple[list[Notice], float]:
        """What was said, and the seconds until all of it was handed over, recorded and settled."""
        self._counted.notices, self._counted.wanted, self._counted.all = [], len(rows), asyncio.Event()
        began = time.perf_counter()
        for row in rows:
            self.dispatcher.start(row)
        async with asyncio.timeout(120):
            await self._counted.all.wait()
            await self.dispatcher.calm()
        seconds = time.perf_counter() - began
        found = (await self.store.deliveries.load_many(row.id for row in rows)).values()
        assert all(row.finished and row.handed_over for row in found), "not all of it is recorded"
        return self._counted.notices, seconds


async def bare(port: int, messages: Sequence[bytes]) -> float:
    """The seconds for a loop that only sends, over as many connections."""
    left = list(messages)

    async def connection() -> None:
        async with aiosmtplib.SMTP(hostname=HOST, port=port, start_tls=False) as smtp:
            while left:
                await smtp.sendmail(SENDER, [f"c@{CLINIC}.example"], left.pop())

    began = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return time.perf_counter() - began


# --- the server ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _sink(port: int) -> AsyncIterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.notifying", str(port)], cwd=Path(__file__).parents[1])
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    async with aiosmtplib.SMTP(hostname=HOST, port=port, start_tls=False):
                        break
                except (OSError, aiosmtplib.SMTPException):
                    await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


class _Sink:
    async def handle_DATA(self, *_: object) -> str:  # noqa: N802  aiosmtpd's name for it
        """Take anything, keep nothing."""
        return "250 OK"


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(_Sink(), enable_SMTPUTF8=True), HOST, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
