"""Publishing to Kafka: acknowledged by all in-sync replicas, or Recoverable in words a 503 can be made of."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from shared import metrics
from shared.bus import LARGEST, Message, Position, TooLarge
from shared.bus.patience import to_the_end
from shared.bus.records import Outgoing, encode, partition_of
from shared.contracts import Topic
from shared.errors import Recoverable
from shared.logs import logger

log = logger(__name__)

BATCH_BYTES: Final = 128 * 1024
TIMEOUTS_IN_A_ROW: Final = 3
"""So many, and the producer itself is doubted and replaced."""
CLOSE_TIMEOUT: Final = 5.0


class KafkaPublisher:
    """Publishes, in order, with the idempotent producer. Use as an async context manager; opens though Kafka is down.

    aiokafka's idempotent producer never gives up on a batch, and fails for ever once its sequence is broken (a batch
    that expired, a broker that lost its state). So there is a deadline on every publish, and a producer that broke is
    replaced by the next publish.
    """

    def __init__(self, *, bootstrap: str, service: str, timeout: float = 10.0) -> None:
        """timeout: seconds until a publish that was not acknowledged counts as uncertain."""
        self._bootstrap, self._service, self._timeout = bootstrap, service, timeout
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self._timeouts = 0
        self._counts: dict[str, int] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._published = {topic.value: metrics.BUS_PUBLISHED.labels(service, topic.value) for topic in Topic}

    async def __aenter__(self) -> Self:
        self._closed = False
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._ready()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed = True
        await to_the_end(self._close())

    async def _close(self) -> None:
        if self._producer is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._producer.flush()
            self._retire()
        if self._retiring:
            await asyncio.wait(self._retiring)

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        """The positions, in the order given, once all in-sync replicas have them.

        Raises Recoverable where some may not have been recorded: publish all of them again, readers drop what they
        have; TooLarge where one is too large to be recorded at all.
        """
        return await self._send([encode(message) for message in messages])

    async def publish_raw(
        self, topic: Topic, *, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> None:
        """Publish a record as it is. Raises as `publish` does."""
        if key is None and value is None:
            value = b""
        await self._send([Outgoing(topic, key, value, list(headers))])

    async def _send(self, outgoing: Sequence[Outgoing]) -> list[Position]:
        sent: list[asyncio.Future[Any]] = []
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._timeout):
                producer = await self._ready()
                for one in outgoing:
                    partition = partition_of(
                        one.key, self._counts.get(one.topic) or await self._count(producer, one.topic)
                    )
                    sent.append(
                        await producer.send(
                            one.topic.value, one.value, one.key, partition=partition, headers=one.headers
                        )
                    )
                if len(sent) == 1:  # by far the most common, and a third cheaper than `wait`
                    with suppress(Exception):  # what it says is looked at below
                        await sent[0]
                elif sent:
                    await asyncio.wait(sent)
        except MessageSizeTooLargeError as error:
            raise TooLarge(f"A record may have {LARGEST} bytes; this one is larger.") from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._uncertain(error, producer) from error
        finally:
            for future in sent:
                future.cancel()  # where it is not done: nobody waits for it any more
        failed = [failure for future in sent if (failure := future.exception()) is not None]
        if failed:
            raise self._uncertain(failed[0], producer) from failed[0]
        self._timeouts = 0
        for one in outgoing:
            self._published[one.topic].inc()
        return [
            Position(one.topic, (made := future.result()).partition, made.offset)
            for one, future in zip(outgoing, sent, strict=True)
        ]

    def _uncertain(self, error: BaseException, producer: AIOKafkaProducer | None) -> Recoverable:
        """What to raise. A producer that will not work again is retired."""
        metrics.BUS_PUBLISH_FAILED.labels(self._service).inc()
        if producer is not None and producer is self._producer:  # not one that was retired meanwhile
            timed_out = isinstance(error, (TimeoutError, KafkaTimeoutError))
            self._timeouts = self._timeouts + 1 if timed_out else 0
            waiting_helps = timed_out or isinstance(error, OSError) or getattr(error, "retriable", False)
            if not waiting_helps or self._timeouts >= TIMEOUTS_IN_A_ROW:
                log.warning("producer_replaced", kind=type(error).__name__)
                self._retire()
        return Recoverable("Kafka has not acknowledged this; it may have been recorded or not. Send the same again.")

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is not None:
            return self._producer
        async with self._opening:
            if self._closed:
                raise KafkaError("closed")
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    acks="all",
                    enable_idempotence=True,
                    linger_ms=0,
                    max_batch_size=BATCH_BYTES,
                    max_request_size=LARGEST,
                    request_timeout_ms=int(self._timeout * 1000),
                    metadata_max_age_ms=60_000,
                )
                try:
                    await producer.start()
                except BaseException:
                    await _end(producer)
                    raise
                self._producer, self._counts, self._timeouts = producer, {}, 0
            return self._producer

    async def _count(self, producer: AIOKafkaProducer, topic: Topic) -> int:
        self._counts[topic] = len(await producer.partitions_for(topic.value))
        return self._counts[topic]

    def _retire(self) -> None:
        """End the producer in the background; the next publish opens another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            task = asyncio.create_task(_end(producer))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)


async def _end(producer: AIOKafkaProducer) -> None:
    """Stop a producer that may be broken: what it still holds was reported as uncertain, and would block it."""
    waiting = producer._message_accumulator  # noqa: SLF001  there is no public way
    waiting.fail_all(KafkaTimeoutError())
    for batch in [*chain.from_iterable(waiting._batches.values()), *waiting._pending_batches]:  # noqa: SLF001
        for future in (batch.future, batch._drain_waiter):  # noqa: SLF001
            if future.done() and not future.cancelled():
                future.exception()  # nobody else will look at it
    with suppress(Exception):
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await producer.stop()
    with suppress(Exception):
        await producer.client.close()
