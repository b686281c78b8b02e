"""Creates the platform's topics as `deploy/kafka/topics.yaml` declares them. Run it again whenever it changes.

python -m shared.bus.provision --bootstrap kafka:9092 --replication 3
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from shared.bus.kafka import REQUEST_TIMEOUT, describe_cluster, the_world
from shared.bus.source import Refused
from shared.errors import Recoverable
from shared.logs import logger, set_up_logs

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Declared:
    """A topic as declared: `compact` keeps the last record of each key, nothing is ever removed otherwise."""

    name: str
    partitions: int
    compact: bool

    def settings(self, replication: int) -> dict[str, str]:
        """Kafka's settings for the topic. With three replicas, a record counts as recorded when two have it."""
        return {
            "cleanup.policy": "compact" if self.compact else "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "min.insync.replicas": str(max(1, replication - 1)),
        }


def declared_topics(path: Path | None = None) -> list[Declared]:
    """Read a declaration: the given file, what RAPPORT_TOPICS names, or this repository's own."""
    own = Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "topics.yaml"
    document: dict[str, Any] = yaml.safe_load((path or Path(os.environ.get("RAPPORT_TOPICS") or own)).read_text())
    per_patient: int = document["patient_partitions"]
    return [
        Declared(name, per_patient if topic.get("per_patient") else topic["partitions"], topic["compact"])
        for name, topic in document["topics"].items()
    ]


async def provision(bootstrap: str, declaration: Path | None = None, replication: int = 1) -> list[str]:
    """Create the topics that are not there; the names of those created.

    Raises Refused where one that is there has another number of partitions, or the broker does not accept one;
    Recoverable where Kafka does not answer.
    """
    topics = declared_topics(declaration)
    _, present = await describe_cluster(bootstrap)
    _check(topics, present)
    missing = [topic for topic in topics if topic.name not in present]
    if not missing:
        return []
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(REQUEST_TIMEOUT * 1000))
    try:
        async with the_world("creating topics"):
            await admin.start()
            response = await admin.create_topics(
                [
                    NewTopic(
                        name=topic.name,
                        num_partitions=topic.partitions,
                        replication_factor=replication,
                        topic_configs=topic.settings(replication),
                    )
                    for topic in missing
                ]
            )
    finally:
        await admin.close()
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):
            raise Refused(f"Kafka did not create the topic {name}: {message[0] if message else error.__name__}")
    await _all_there(bootstrap, topics)
    return [topic.name for topic in missing]


def _check(topics: list[Declared], present: Mapping[str, int]) -> None:
    for topic in topics:
        if present.get(topic.name, topic.partitions) != topic.partitions:
            raise Refused(
                f"The topic {topic.name} has {present[topic.name]} partitions where {topic.partitions} are declared: "
                "the number can never change, because it says where each patient's records are; declare what is there."
            )


async def _all_there(bootstrap: str, topics: list[Declared]) -> None:
    """Every broker learns of new topics a moment after they are made."""
    async with the_world("waiting for the new topics"), asyncio.timeout(REQUEST_TIMEOUT):
        while True:
            _, present = await describe_cluster(bootstrap)
            if all(present.get(topic.name) == topic.partitions for topic in topics):
                return
            await asyncio.sleep(0.1)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Create the platform's Kafka topics.")
    parser.add_argument("--bootstrap", default=os.environ.get("RAPPORT_KAFKA", "127.0.0.1:9092"))
    parser.add_argument("--declaration", type=Path, default=None)
    parser.add_argument("--replication", type=int, default=1)
    given = parser.parse_args()
    set_up_logs(service="provision")
    try:
        created = asyncio.run(provision(given.bootstrap, given.declaration, given.replication))
    except (Refused, Recoverable) as error:
        sys.exit(str(error))
    log.info("provisioned", created=created)


if __name__ == "__main__":
    main()
